"""Imported before the sample root in each child: notes what reaches it, and crashes the process when it is asked to."""

import ctypes
import os
import threading
from pathlib import Path
from typing import Any

from shared.session import WanGPSession

_folder = Path(os.environ["POOL_FOLDER"])
_submit_task = WanGPSession.submit_task


def _noted(self: WanGPSession, settings: dict[str, Any], callbacks: object | None = None) -> Any:
    # One write of a line: whole, whoever else writes.
    with open(_folder / "runs", "ab", buffering=0) as file:
        file.write(f"{settings['seed']}\n".encode())
    return _submit_task(self, settings, callbacks)


def _wait_for_crash() -> None:
    pipe = _folder / f"crash-{os.getpid()}"
    os.mkfifo(pipe)
    with open(pipe, "rb") as file:
        file.read(1)
    # A read of address 0, in C.
    ctypes.string_at(0)


WanGPSession.submit_task = _noted
threading.Thread(target=_wait_for_crash, daemon=True).start()
