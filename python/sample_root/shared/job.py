"""SessionJob: what a caller holds of a generation that is under way."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

from engine.cancel import CancelToken
from shared.records import GenerationResult, SessionEvent
from shared.stream import SessionStream

THREAD_NAME = "wangp-session-job"


class SessionJob:
    """One submitted job.

    ``events`` may be replaced by an object of the same interface before the job starts.
    """

    def __init__(self) -> None:
        self.events = SessionStream()
        self._token = CancelToken()
        self._finished = threading.Event()
        self._result: GenerationResult | None = None
        self._thread: threading.Thread | None = None

    @property
    def done(self) -> bool:
        """True once the result is there."""
        return self._finished.is_set()

    @property
    def cancel_requested(self) -> bool:
        """True after cancellation was requested."""
        return self._token.requested

    def cancel(self) -> None:
        """Requests cancellation and returns at once. Without effect on a job that is done."""
        self._token.request()

    def result(self, timeout: float | None = None) -> GenerationResult:
        """Waits up to ``timeout`` seconds for the result.

        Raises TimeoutError, but nothing that went wrong in it.
        """
        if not self._finished.wait(timeout) or self._result is None:
            raise TimeoutError(f"the job isn't done after {timeout} seconds")
        return self._result

    def join(self, timeout: float | None = None) -> GenerationResult:
        """Another name of :meth:`result`."""
        return self.result(timeout)

    def release_output_payload(self) -> None:
        """Lets go of the media arrays that the job keeps, in its result and in a ``completed`` event not yet
        read.

        Results handed out before are left alone. Without effect on a job that isn't done.
        """
        if self._result is None:
            return
        self._result = self._result.without_media()
        if isinstance(self.events, SessionStream):
            self.events.replace_queued(_without_media)

    def _start(self, target: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=target, name=THREAD_NAME, daemon=True)
        self._thread.start()

    def _set_result(self, result: GenerationResult) -> None:
        self._result = result
        self._finished.set()


def _without_media(event: SessionEvent) -> SessionEvent:
    if isinstance(event.data, GenerationResult):
        return dataclasses.replace(event, data=event.data.without_media())
    return event
