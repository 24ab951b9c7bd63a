"""Capture of what is printed while a job runs."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import TextIO

_LINE_END = re.compile(r"[\r\n]")
_inside = threading.local()


class ConsoleCapture(io.TextIOBase):
    """A text stream that hands each line to ``on_line``; lines end at a line feed or a carriage return.

    Empty lines are left out. Only the thread that made the capture is captured. What other threads print goes
    to ``others``, as without a capture: one that prints the events it reads would otherwise never come to an
    end. For the same reason, what a callback prints while a line is handed on goes to the console only.
    """

    def __init__(
        self, on_line: Callable[[str], None], console: TextIO | None, others: TextIO | None, isatty: bool
    ) -> None:
        super().__init__()
        self._on_line = on_line
        self._console = console
        self._others = others
        self._isatty = isatty
        self._thread = threading.get_ident()
        self._rest = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "replace"

    def isatty(self) -> bool:
        return self._isatty

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if threading.get_ident() != self._thread:
            _write(self._others, text)
            return len(text)
        _write(self._console, text)
        if not getattr(_inside, "callback", False):
            *lines, self._rest = _LINE_END.split(self._rest + text)
            self._hand_on(lines)
        return len(text)

    def flush(self) -> None:
        stream = self._console if threading.get_ident() == self._thread else self._others
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()

    def finish(self) -> None:
        """Hands on a last line that had no ending."""
        rest, self._rest = self._rest, ""
        self._hand_on([rest])
        self.flush()

    def _hand_on(self, lines: list[str]) -> None:
        for line in lines:
            if line:
                with inside_callback():
                    self._on_line(line)


def _write(console: TextIO | None, text: str) -> None:
    """Writes to a console that may lack characters, be closed or be broken: that must not fail a job."""
    if console is None:
        return
    with suppress(OSError, ValueError):
        try:
            console.write(text)
        except UnicodeEncodeError:
            encoding = getattr(console, "encoding", None) or "ascii"
            console.write(text.encode(encoding, "replace").decode(encoding))


@contextmanager
def inside_callback() -> Iterator[None]:
    """While it lasts, what this thread prints is not captured."""
    before = getattr(_inside, "callback", False)
    _inside.callback = True
    try:
        yield
    finally:
        _inside.callback = before


@contextmanager
def captured(stdout: ConsoleCapture, stderr: ConsoleCapture) -> Iterator[None]:
    """Puts both captures in the place of ``sys.stdout`` and ``sys.stderr``."""
    with redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            yield
        finally:
            stdout.finish()
            stderr.finish()
