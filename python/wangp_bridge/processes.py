"""Child processes that Python starts must be Python's, not copies of the host."""

from __future__ import annotations

import multiprocessing
import sys


def install() -> None:
    """Makes ``multiprocessing`` start the interpreter itself, by ``spawn``: a forked host would hang."""
    multiprocessing.set_executable(sys.executable)
    if multiprocessing.get_start_method(allow_none=True) is None:
        multiprocessing.set_start_method("spawn")
