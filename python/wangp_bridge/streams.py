"""The streams of events: the one that takes the place of upstream's, and upstream's own, where that must be read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

# How long one wait for an event may take; the end of the job is noticed after that. The second one: once its last
# event has been read.
_WAIT_SECONDS = 0.2
_LAST_WAIT_SECONDS = 0.005
# Between two looks at a stream that doesn't wait.
_PAUSE_SECONDS = 0.005


class ChannelStream:
    """A job's event stream that hands each event on and keeps nothing.

    Takes the place of upstream's ``SessionStream`` with the same methods. :meth:`put` is called on whichever of
    WanGP's threads has something to say: it never raises and never waits.
    """

    def __init__(self, hand_on: Callable[[str, Any, float], None]) -> None:
        self._hand_on = hand_on
        self._closed = threading.Event()

    def put(self, kind: str, data: Any = None) -> None:
        """Hands an event on, unless the stream is closed."""
        if not self._closed.is_set():
            self._hand_on(kind, data, time.time())

    def close(self) -> None:
        """Ends the stream: what is put afterwards is dropped, as upstream does."""
        self._closed.set()

    def clear(self) -> None:
        """Nothing is kept, so nothing is left to clear."""

    def get(self, timeout: float | None = None) -> None:
        """Waits for the end: the events themselves go to the host."""
        self._closed.wait(timeout)

    def iter(self, timeout: float | None = None) -> Any:
        """Waits for the end, and has nothing to give."""
        del timeout
        self._closed.wait()
        return iter(())

    @property
    def closed(self) -> bool:
        """Whether upstream has ended the stream."""
        return self._closed.is_set()


def events_of(job: Any, has_completed: Callable[[], bool]) -> Iterator[Any]:
    """The events of ``job.events``, up to the end of the stream, or of the job.

    Read by ``get(timeout)`` where there is one; else by ``iter(timeout)``, the documented way, which may or may not end
    at its timeout; else by plain iteration. ``has_completed``: whether what should be the last event was handed on.
    """

    def wait() -> float:
        return _LAST_WAIT_SECONDS if has_completed() else _WAIT_SECONDS

    stream = job.events
    if callable(getattr(stream, "get", None)):
        return _by_get(job, stream, wait)
    if callable(getattr(stream, "iter", None)):
        return _by_iter(job, stream, wait)
    return iter(stream)


def _by_get(job: Any, stream: Any, wait: Callable[[], float]) -> Iterator[Any]:
    while True:
        # Asked before the wait: whatever was put before the end is still handed on.
        ended = _has_ended(job, stream)
        event = stream.get(timeout=0 if ended else wait())
        if event is not None:
            yield event
        elif ended:
            return


def _by_iter(job: Any, stream: Any, wait: Callable[[], float]) -> Iterator[Any]:
    while True:
        ended = _has_ended(job, stream)
        began = time.monotonic()
        yield from stream.iter(timeout=wait())
        if ended:
            return
        if time.monotonic() - began < _PAUSE_SECONDS:
            time.sleep(_PAUSE_SECONDS)


def _has_ended(job: Any, stream: Any) -> bool:
    """Whether nothing more will be put: the stream is closed, or the job is done, which not every stream tells."""
    return bool(getattr(stream, "closed", False)) or bool(job.done)
