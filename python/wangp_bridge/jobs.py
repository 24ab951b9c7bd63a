"""One job of WanGP's and the channel on which the host hears of it."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import _wangp_native as native

from . import clients, streams
from .disk import DiskWatch
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

# The same where the session doesn't even say that it is busy: it may refuse a submit for another reason.
_FREED_UNSAID_WITHIN_SECONDS = 1.0

# How long a job that has ended is waited for while its stream gives nothing and doesn't end, as some never do: before
# its last event and after it.
_SILENT_SECONDS = 5.0
_SILENT_AT_THE_END_SECONDS = 0.25

_BUSY = re.compile(r"\b(busy|in progress|(already|still) (running|generating|active))\b", re.IGNORECASE)


class BoundJob:
    """Takes the place of upstream's callbacks object for one job, and feeds the job's channel.

    ``completed`` comes last, once upstream's thread has ended: only then is the session free for the next job.
    """

    def __init__(self, channel: int, session: Any, tasks: int, folder: str | None = None) -> None:
        self.over = threading.Event()
        self._answered = threading.Event()
        self._accepted = False
        self._channel = channel
        self._session = session
        self._tasks = tasks
        self._disk = DiskWatch(folder)
        self._job: Any = None
        self._streams = False
        self._cancel_requested = False
        self._completed: Any = None
        self._heard = 0
        self._ended = False
        self._lock = threading.Lock()

    def bind_job(self, session: Any = None, job: Any = None) -> None:
        """Upstream's hook, on the submitting thread. Must not raise."""
        del session
        with _reported():
            job.events = streams.ChannelStream(self.hand_on)
            self._streams = True
        with _reported():
            self._bind(job)

    def watch(self) -> None:
        """Before the submit: starts the thread that will see to the end of the job.

        Raises RuntimeError where the system has no thread left: a job that runs already could not be heard of.
        """
        threading.Thread(target=self._wait_for_answer, name="wangp-bridge-job", daemon=True).start()

    def attach(self, job: Any) -> None:
        """Once the submit has returned its job."""
        if self._job is None:
            with _reported():
                self._bind(job)
        self._accepted = True
        self._answered.set()

    def let_go(self) -> None:
        """The job has ended, or was never accepted."""
        self.over.set()
        self._answered.set()

    def runs_in(self, session: Any) -> bool:
        """Whether this is a job of ``session`` that it has accepted, and that has not ended."""
        return self._session is session and self._job is not None

    def cancel(self) -> None:
        """Requests cancellation; before the job exists, as soon as it does. Any thread."""
        with self._lock:
            self._cancel_requested = True
            job = self._job
        if job is not None:
            with _reported():
                job.cancel()

    @property
    def cancel_requested(self) -> bool:
        """Whether cancellation was requested."""
        return self._cancel_requested

    def hand_on(self, kind: str, data: Any, timestamp: float) -> None:
        """Queues an event for the host. Any thread; never raises."""
        with _reported():
            name = str.__str__(kind) if isinstance(kind, str) else str(kind)
            self._heard += 1
            if self._ended:
                return
            if name == "completed":
                self._completed = data
            else:
                payload = event_to_plain(name, data)
                if name == "started" and payload["tasks"] is None:
                    payload["tasks"] = self._tasks
                if name == "stream":
                    self._disk.hear(payload["text"])
                self._emit(name, payload, timestamp)

    def _emit(self, kind: str, payload: Any, timestamp: float) -> None:
        native.emit(self._channel, kind, payload, timestamp, _OVERFLOW.get(kind, native.KEEP))

    def _bind(self, job: Any) -> None:
        with self._lock:
            self._job = job
            cancel = self._cancel_requested
        if cancel:
            job.cancel()

    def _wait_for_answer(self) -> None:
        self._answered.wait()
        if self._accepted:
            self._see_to_the_end()

    def _see_to_the_end(self) -> None:
        job, session = self._job, self._session
        drained = None if self._streams else self._start_draining(job)
        with _reported():
            _wait_for_end(job, session)
        if drained is not None:
            self._wait_for_events(drained)
        self._ended = True
        try:
            self._complete(job)
        except Exception as error:  # there is no memory for it; a job without an end would be waited for for ever
            reason = f"the result of WanGP's job cannot be handed over: {error}"
            self._emit("completed", _failed(reason), time.time())
        # From here on the result's memory is the host's. Nothing here may keep it: not upstream's job, not this frame,
        # not the cycle of job, stream and binding, which would live until Python's next collection.
        with _reported():
            release = getattr(job, "release_output_payload", None)
            if callable(release):
                release()
        self._completed = None
        self._job = self._session = None
        forget(self._channel)

    def _complete(self, job: Any) -> None:
        given = self._result(job)
        result = self._disk.amended(given)
        for error in result["errors"][len(given["errors"]) :]:
            self._emit("error", error, time.time())
        self._emit("completed", result, time.time())

    def _wait_for_events(self, drained: threading.Event) -> None:
        """Until the stream has been read to its end, or gives nothing any more: one that never ends keeps no result."""
        heard = -1
        while heard != self._heard:
            heard = self._heard
            if drained.wait(_SILENT_SECONDS if self._completed is None else _SILENT_AT_THE_END_SECONDS):
                return

    def _start_draining(self, job: Any) -> threading.Event:
        """Hands the job's events on, on a thread of its own; the answer is set when there are no more."""
        drained = threading.Event()

        def drain() -> None:
            with _reported():
                for event in streams.events_of(job, lambda: self._completed is not None):
                    self.hand_on(event.kind, getattr(event, "data", None), _timestamp_of(event))
            drained.set()

        try:
            threading.Thread(target=drain, name="wangp-bridge-events", daemon=True).start()
        except RuntimeError:  # the system has no thread left: this one hears what there was, in the end
            drain()
        return drained

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
        return _failed(reason)


def _failed(reason: str) -> dict[str, Any]:
    """The result of a job that has none."""
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


def _timestamp_of(event: Any) -> float:
    """When an event was made; now, where it doesn't say so in seconds."""
    timestamp = getattr(event, "timestamp", None)
    return float(timestamp) if isinstance(timestamp, (int, float)) and timestamp else time.time()


def _wait_for_end(job: Any, session: Any) -> None:
    """Until the job has ended and its session is free, as far as that can be seen."""
    thread = getattr(job, "_thread", None)
    if isinstance(thread, threading.Thread) and thread.ident is not None:
        thread.join()
        return
    job.result()
    if not hasattr(session, "_active_job"):
        with _lock:
            _settling[id(session)] = time.monotonic()
        return
    deadline = time.monotonic() + _FREED_WITHIN_SECONDS
    while session._active_job is job and time.monotonic() < deadline:
        time.sleep(0.001)


_lock = threading.Lock()
_jobs: dict[int, BoundJob] = {}
_withdrawn: set[int] = set()  # channels that were cancelled before their submit got here
# Sessions (their ids) that can't say whether they are free again, and when their last job ended.
_settling: dict[int, float] = {}


def bound(channel: int, session: Any, client: int, *, tasks: int = 1, folder: str | None = None) -> BoundJob:
    """A new binding for ``channel``, for a job of so many ``tasks``.

    ``folder``: where its outputs go, if that is known.

    Raises BridgeError where the submit was withdrawn, or its client has gone, and like :meth:`BoundJob.watch`.
    """
    with _lock:
        clients.check(client)
        if channel in _withdrawn:
            _withdrawn.remove(channel)
            raise BridgeError("ERR_WANGP_CLOSED", "the submit was withdrawn")
        job = BoundJob(channel, session, tasks, folder)
        job.watch()
        _jobs[channel] = job
        return job


def submitted(binding: BoundJob, session: Any, submit: Callable[[], Any]) -> Any:
    """The job that ``submit`` gives. Raises what that raises.

    It is asked again for a moment where it says that it is busy with a job that has ended already: a job has its result
    before its session is free, and not every WanGP tells when that is.
    """
    while True:
        try:
            job = submit()
        except RuntimeError as error:
            if binding.cancel_requested or not _settles(session, error):
                raise
            time.sleep(0.002)
        else:
            with _lock:
                _settling.pop(id(session), None)
            return job


_UNKNOWN = object()


def refused_as_busy(session: Any, error: Exception, source: object) -> bool:
    """Whether a submit of ``source`` was refused because the session has a job that runs."""
    if not isinstance(error, RuntimeError) or isinstance(error, (RecursionError, NotImplementedError)):
        return False
    if error.__cause__ is not None:  # a file that can't be read
        return False
    active = getattr(session, "_active_job", _UNKNOWN)
    if active is None:  # it says so itself: what it refused has another reason
        return _runs(session)
    if active is not _UNKNOWN and not getattr(active, "done", False):
        return True
    name = os.path.basename(source) if isinstance(source, str) else ""
    return _runs(session) or _says_busy(error, besides=name)


def _says_busy(error: Exception, besides: str = "") -> bool:
    text = str(error)
    return _BUSY.search(text.replace(besides, "") if besides else text) is not None


def _runs(session: Any) -> bool:
    with _lock:
        return any(job.runs_in(session) for job in _jobs.values())


def _settles(session: Any, error: RuntimeError) -> bool:
    """Whether that may be the last job's end, and will be over in a moment."""
    with _lock:
        ended = _settling.get(id(session))
    if ended is None or error.__cause__ is not None or _runs(session):
        return False
    patience = _FREED_WITHIN_SECONDS if _says_busy(error) else _FREED_UNSAID_WITHIN_SECONDS
    return time.monotonic() < ended + patience


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


def abandon(channel: int) -> None:
    """Cancels the channel's job; the client that it belongs to has gone, so that no submit comes any more."""
    with _lock:
        job = _jobs.get(channel)
        _withdrawn.discard(channel)
    if job is not None:
        job.cancel()


def forget(channel: int) -> None:
    """The job has ended, or was never accepted."""
    with _lock:
        job = _jobs.pop(channel, None)
    if job is not None:
        job.let_go()


def wait_for_end(session: Any) -> None:
    """Until the jobs that ``session`` has now have ended."""
    with _lock:
        running = [job for job in _jobs.values() if job.runs_in(session)]
    for job in running:
        job.over.wait()
