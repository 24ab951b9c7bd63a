"""``sys.stdout`` and ``sys.stderr`` of the embedded interpreter."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import _wangp_native as native


class _ConsoleDescriptor(io.RawIOBase):
    """Hands bytes to the host's writer: the descriptor may be non-blocking, and must never block WanGP for long."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        content = bytes(data)
        native.write_console(self._descriptor, content)
        return len(content)

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        try:
            return os.isatty(self._descriptor)
        except OSError:
            return False


def _open(descriptor: int) -> io.TextIOWrapper:
    buffer = io.BufferedWriter(_ConsoleDescriptor(descriptor))
    return io.TextIOWrapper(buffer, encoding="utf-8", errors="backslashreplace", newline="\n", line_buffering=True)


def install() -> None:
    """Replaces the standard streams, ``sys.__stdout__`` and ``sys.__stderr__`` included.

    Standard input belongs to the host: here it is at its end.
    """
    # typeshed takes the dunder names for constants.
    sys.stdout = sys.__stdout__ = _open(1)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _open(2)  # type: ignore[misc]
    sys.stdin = sys.__stdin__ = open(os.devnull, encoding="utf-8")  # type: ignore[misc]
