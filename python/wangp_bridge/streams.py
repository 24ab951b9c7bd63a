"""The events of a job that doesn't hand them on by itself: of a ``shared.api`` without ``bind_job``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

# How long one wait for an event may take; the end of the job is noticed after that. The second one: once its last
# event has been read.
_WAIT_SECONDS = 0.2
_LAST_WAIT_SECONDS = 0.005
# Between two looks at a stream that doesn't wait.
_PAUSE_SECONDS = 0.005


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
