"""SessionStream: the queue of a job's events, filled by any thread and read by any thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from shared.records import SessionEvent


class SessionStream:
    """An unbounded queue of :class:`SessionEvent`. Each event is handed out once; nothing is dropped."""

    def __init__(self) -> None:
        self._events: deque[SessionEvent] = deque()
        self._changed = threading.Condition()
        self._closed = False

    @property
    def closed(self) -> bool:
        """True once no more events will be added. Those still queued can be read."""
        return self._closed

    def put(self, kind: str, data: Any = None) -> None:
        """Adds an event, stamped with the time of this call. After ``close`` it is ignored."""
        event = SessionEvent(kind=kind, data=data, timestamp=time.time())
        with self._changed:
            if not self._closed:
                self._events.append(event)
                self._changed.notify()

    def get(self, timeout: float | None = None) -> SessionEvent | None:
        """The oldest event, waiting for it up to ``timeout`` seconds (None: as long as it takes).

        Returns None at the timeout, and when the stream is closed and empty.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._closed, timeout)
            return self._events.popleft() if self._events else None

    def iter(self, timeout: float | None = None) -> Iterator[SessionEvent]:
        """Yields events until the stream is closed and empty.

        ``timeout`` is that of each wait, not of the whole.
        """
        while True:
            event = self.get(timeout)
            if event is not None:
                yield event
            elif self._closed and not self._events:
                return

    def __iter__(self) -> Iterator[SessionEvent]:
        return self.iter()

    def clear(self) -> None:
        """Forgets the queued events."""
        with self._changed:
            self._events.clear()

    def close(self) -> None:
        """Ends the stream and wakes its readers. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def replace_queued(self, change: Callable[[SessionEvent], SessionEvent]) -> None:
        """Puts ``change(event)`` in the place of every event still queued."""
        with self._changed:
            self._events = deque(change(event) for event in self._events)
