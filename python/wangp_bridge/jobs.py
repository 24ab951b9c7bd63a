"""One job of WanGP's and the channel on which the host hears of it."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import _wangp_native as native

from .errors import BridgeError
from .records import event_to_plain, result_to_plain

# Beyond the host's limits: previews and progress keep the latest, console lines lose their oldest.
_OVERFLOW = {
    "preview": native.KEEP_LATEST,
    "progress": native.KEEP_LATEST,
    "stream": native.DROP_OLDEST,
}

# How long an older WanGP may take to free its session once the job has a result; some never say so.
_FREED_WITHIN_SECONDS = 10.0


class ChannelStream:
    """A job's event stream that hands each event on and keeps nothing.

    Takes the place of upstream's ``SessionStream`` with the same methods. :meth:`put` is called on whichever of
    WanGP's threads has something to say: it never raises and never waits.
    """

    def __init__(self, job: BoundJob) -> None:
        self._job = job
        self._closed = threading.Event()

    def put(self, kind: str, data: Any = None) -> None:
        """Hands an event on, unless the stream is closed."""
        if not self._closed.is_set():
            self._job.hand_on(kind, data, time.time())

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
        with _reported():
            name = str.__str__(kind) if isinstance(kind, str) else str(kind)
            if name == "completed":
                self._completed = data
            else:
                self._emit(name, event_to_plain(name, data), timestamp)

    def _emit(self, kind: str, payload: Any, timestamp: float) -> None:
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
            with _reported():
                self._drain(job.events)
        with _reported():
            self._wait_for_thread(job)
        self._emit("completed", self._result(job), time.time())
        # From here on the result's memory is the host's. Nothing here may keep it: not upstream's job, not this frame,
        # not the cycle of job, stream and binding, which would live until Python's next collection.
        with _reported():
            release = getattr(job, "release_output_payload", None)
            if callable(release):
                release()
        self._completed = None
        self._job = self._session = None
        forget(self._channel)

    def _drain(self, events: Any) -> None:
        while True:
            # Asked before the wait: whatever was put before the end is still handed on.
            closed = events.closed
            timeout = 0.2 if self._completed is None else 0.005
            event = events.get(timeout=0 if closed else timeout)
            if event is not None:
                self.hand_on(event.kind, event.data, getattr(event, "timestamp", None) or time.time())
            elif closed:
                return

    def _wait_for_thread(self, job: Any) -> None:
        thread = getattr(job, "_thread", None)
        if thread is not None:
            thread.join()
            return
        job.result()
        deadline = time.monotonic() + _FREED_WITHIN_SECONDS
        while getattr(self._session, "_active_job", None) is job and time.monotonic() < deadline:
            time.sleep(0.001)

    def _result(self, job: Any) -> dict[str, Any]:
        """The job's result as plain values; a failure where it has none that can be read."""
        reason = "WanGP's job ended without a result"
        try:
            if self._completed is not None:
                return result_to_plain(self._completed)
        except Exception as error:
            reason = f"the result of WanGP's job cannot be read: {error}"
        try:
            if job.done:
                return result_to_plain(job.result(timeout=0))
        except Exception as error:
            reason = f"the result of WanGP's job cannot be read: {error}"
        failure = {"message": reason, "task_index": None, "task_id": None, "stage": "runtime", "cancelled": False}
        return {
            "success": False,
            "cancelled": False,
            "total_tasks": 1,
            "successful_tasks": 0,
            "failed_tasks": 1,
            "generated_files": [],
            "errors": [failure],
            "artifacts": [],
        }


@contextmanager
def _reported() -> Iterator[None]:
    """What WanGP's objects raise must break neither WanGP nor the end of the job: it goes to the console."""
    try:
        yield
    except Exception:
        traceback.print_exc(file=sys.__stderr__)


_lock = threading.Lock()
_jobs: dict[int, BoundJob] = {}
_withdrawn: set[int] = set()  # channels that were cancelled before their submit got here


def bound(channel: int, session: Any) -> BoundJob:
    """A new binding for ``channel``. Raises BridgeError where the submit was withdrawn on its way."""
    with _lock:
        if channel in _withdrawn:
            _withdrawn.remove(channel)
            raise BridgeError("ERR_WANGP_CLOSED", "the submit was withdrawn")
        job = _jobs[channel] = BoundJob(channel, session)
        return job


def cancel(channel: int, *, submitting: bool) -> None:
    """Cancels the channel's job; a job that has ended is left alone.

    ``submitting``: the submit may not have got here yet, and is refused when it does.
    """
    with _lock:
        job = _jobs.get(channel)
        if job is None and submitting:
            _withdrawn.add(channel)
    if job is not None:
        job.cancel()


def forget(channel: int) -> None:
    """The job has ended, or was never accepted."""
    with _lock:
        _jobs.pop(channel, None)
