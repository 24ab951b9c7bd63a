"""One job of WanGP's and the channel on which the host hears of it."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import _wangp_native as native

from .records import event_to_plain

# Beyond the host's limits: previews and progress keep the latest, console lines lose their oldest.
_OVERFLOW = {
    "preview": native.KEEP_LATEST,
    "progress": native.KEEP_LATEST,
    "stream": native.DROP_OLDEST,
}


class ChannelStream:
    """A job's event stream that hands each event on and keeps nothing.

    Takes the place of upstream's ``SessionStream`` with the same methods. :meth:`put` is called on whichever of
    WanGP's threads has something to say: it never raises and never waits.
    """

    def __init__(self, job: BoundJob) -> None:
        self._job = job
        self._closed = threading.Event()

    def put(self, kind: str, data: Any = None) -> None:
        if not self._closed.is_set():
            self._job.hand_on(kind, data, time.time())

    def close(self) -> None:
        self._closed.set()

    def clear(self) -> None:
        """Nothing is kept, so nothing is left to clear."""

    def get(self, timeout: float | None = None) -> None:
        """Waits for the end: the events themselves go to the host."""
        self._closed.wait(timeout)

    def iter(self, timeout: float | None = None) -> Any:
        del timeout
        self._closed.wait()
        return iter(())

    @property
    def closed(self) -> bool:
        return self._closed.is_set()


class BoundJob:
    """The callbacks object of one submit, and the binding of its job to a channel.

    Where upstream offers ``bind_job``, it is called before the job's thread starts and the job's stream is replaced.
    Where it doesn't, :meth:`attach` drains the stream instead. Either way the job has one source of events, and
    ``completed`` comes last, once upstream's thread has ended: only then is the session free for the next job.
    """

    def __init__(self, channel: int, session: Any) -> None:
        self._channel = channel
        self._session = session
        self._job: Any = None
        self._streams = False
        self._cancel_requested = False
        self._completed: Any = None
        self._lock = threading.Lock()

    def bind_job(self, session: Any = None, job: Any = None) -> None:
        """Upstream's hook, on the submitting thread. Must not raise."""
        del session
        job.events = ChannelStream(self)
        self._streams = True
        self._bind(job)

    def attach(self, job: Any) -> None:
        """Once the submit has returned its job: sees to the end of it on a thread of its own."""
        if self._job is None:
            self._bind(job)
        threading.Thread(target=self._see_to_the_end, name="wangp-bridge-job", daemon=True).start()

    def cancel(self) -> None:
        """Requests cancellation; before the job exists, as soon as it does. Any thread."""
        with self._lock:
            self._cancel_requested = True
            job = self._job
        if job is not None:
            job.cancel()

    def hand_on(self, kind: str, data: Any, timestamp: float) -> None:
        """Queues an event for the host. Any thread; never raises."""
        if kind == "completed":
            self._completed = data
            return
        try:
            payload = event_to_plain(kind, data)
        except Exception as error:  # what WanGP shows of itself must not break WanGP
            payload = {"pythonType": type(data).__qualname__, "repr": f"<unreadable: {error!r}>"}
        native.emit(self._channel, kind, payload, timestamp, _OVERFLOW.get(kind, native.KEEP))

    def _bind(self, job: Any) -> None:
        with self._lock:
            self._job = job
            cancel = self._cancel_requested
        if cancel:
            job.cancel()

    def _see_to_the_end(self) -> None:
        job = self._job
        if not self._streams:
            self._drain(job.events)
        self._wait_for_thread(job)
        result = self._completed or self._result_without_event(job)
        native.emit(self._channel, "completed", event_to_plain("completed", result), time.time(), native.KEEP)
        # From here on the result's memory is the host's. Nothing here may keep it: not upstream's job, not this frame,
        # not the cycle of job, stream and binding, which would live until Python's next collection.
        release = getattr(job, "release_output_payload", None)
        if callable(release):
            release()
        self._completed = result = None
        self._job = self._session = None
        forget(self._channel)

    def _drain(self, events: Any) -> None:
        while True:
            event = events.get(timeout=0.2)
            if event is not None:
                self.hand_on(event.kind, event.data, event.timestamp)
            elif events.closed:
                return

    def _wait_for_thread(self, job: Any) -> None:
        thread = getattr(job, "_thread", None)
        if thread is not None:
            thread.join()
            return
        job.result()
        while getattr(self._session, "_active_job", None) is job:
            time.sleep(0.001)

    @staticmethod
    def _result_without_event(job: Any) -> Any:
        """The job's thread ended without saying how."""
        if job.done:
            return job.result()
        message = "WanGP's job ended without a result"
        error = SimpleNamespace(message=message, stage="runtime", cancelled=False)
        return SimpleNamespace(
            success=False, errors=[error], total_tasks=1, successful_tasks=0, failed_tasks=1, cancelled=False
        )


_jobs: dict[int, BoundJob] = {}


def bound(channel: int, session: Any) -> BoundJob:
    """A new binding for ``channel``."""
    job = _jobs[channel] = BoundJob(channel, session)
    return job


def find(channel: int) -> BoundJob | None:
    """The binding of ``channel`` while its job is under way."""
    return _jobs.get(channel)


def forget(channel: int) -> None:
    """The job has ended, or was never accepted."""
    _jobs.pop(channel, None)
