"""Cooperative cancellation."""

from __future__ import annotations

import threading


class Cancelled(Exception):
    """Raised inside the engine where a cancelled job stops."""


class CancelToken:
    """A flag that any thread may set and that the engine looks at between pieces of work of some 10 ms."""

    def __init__(self) -> None:
        self._requested = threading.Event()

    @property
    def requested(self) -> bool:
        """True once cancellation was asked for."""
        return self._requested.is_set()

    def request(self) -> None:
        """Asks for cancellation. Idempotent; returns at once."""
        self._requested.set()

    def check(self) -> None:
        """Raises :class:`Cancelled` where cancellation was asked for."""
        if self._requested.is_set():
            raise Cancelled("Generation was cancelled")

    def sleep(self, seconds: float | None) -> None:
        """Sleeps (None: for ever) and raises :class:`Cancelled` as soon as cancellation is asked for."""
        if self._requested.wait(seconds):
            self.check()
