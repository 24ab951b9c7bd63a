"""Jobs of a WanGP without ``bind_job``, read by the ways that the document names."""

from __future__ import annotations

import queue
import threading
from types import SimpleNamespace

import pytest

from wangp_bridge import errors, jobs


class Stream:
    """Offers ``iter(timeout)`` and nothing else. ``ends``: at the timeout, when the job is done, or never."""

    def __init__(self, ends: str) -> None:
        self.queue: queue.Queue = queue.Queue()
        self.ends = ends
        self.done = threading.Event()

    def iter(self, timeout=None):
        while True:
            try:
                yield self.queue.get(timeout=timeout)
            except queue.Empty:
                if self.ends == "timeout" or (self.ends == "done" and self.done.is_set()):
                    return


class Job:
    """What the document names: events, done, result, cancel."""

    def __init__(self, stream) -> None:
        self.events = stream
        self.finished = stream.done
        self.answer = SimpleNamespace(success=True)

    @property
    def done(self):
        return self.finished.is_set()

    def result(self, timeout=None):
        if not self.finished.wait(timeout):
            raise TimeoutError
        return self.answer

    def cancel(self):
        raise RuntimeError("it can't be cancelled")


def event(kind, data=None):
    return SimpleNamespace(kind=kind, data=data)


@pytest.mark.parametrize("ends", ["timeout", "done", "never"])
@pytest.mark.parametrize("completes", [True, False])
def test_a_stream_that_offers_iter_alone_is_heard_to_its_end(ends, completes, client, channel, host, monkeypatch):
    monkeypatch.setattr(jobs, "_SILENT_SECONDS", 0.5)
    stream = Stream(ends)
    job = Job(stream)
    binding = jobs.bound(channel, object(), client)
    binding.attach(job)
    for number in range(100):
        stream.queue.put(event("status", str(number)))
    if completes:
        stream.queue.put(event("completed", job.answer))
    job.finished.set()
    assert host.ended(channel).wait(20)
    *statuses, (last, result) = host.events[channel]
    assert statuses == [("status", str(number)) for number in range(100)]
    assert (last, result["success"]) == ("completed", True)


def test_a_stream_that_can_only_be_iterated_is_heard_too(client, channel, host):
    class Plain:
        done = threading.Event()

        def __iter__(self):
            yield event("status", "one")
            self.done.set()
            yield event("completed", SimpleNamespace(success=True))

    jobs.bound(channel, object(), client).attach(Job(Plain()))
    assert host.ended(channel).wait(20)
    assert [kind for kind, _ in host.events[channel]] == ["status", "completed"]


def test_a_job_whose_events_cannot_be_replaced_is_read_instead(client, channel, host):
    class Fixed(Job):
        events = property(lambda self: self.stream)

        def __init__(self, stream) -> None:
            self.stream = stream
            self.finished = stream.done
            self.answer = SimpleNamespace(success=True)

    job = Fixed(Stream("done"))
    binding = jobs.bound(channel, object(), client)
    binding.bind_job(session=None, job=job)
    binding.attach(job)
    job.stream.queue.put(event("info", "heard"))
    job.finished.set()
    assert host.ended(channel).wait(20)
    assert host.events[channel][0] == ("info", "heard")


def test_a_cancel_that_raises_disturbs_neither_the_submit_nor_the_caller(client, channel):
    binding = jobs.bound(channel, object(), client)
    jobs.cancel(channel, submitting=True)
    binding.bind_job(job=Job(Stream("done")))
    jobs.cancel(channel, submitting=False)
    jobs.forget(channel)


class Session:
    """Says that it is busy, a number of times."""

    def __init__(self, times: int, message: str = "busy") -> None:
        self.times = times
        self.message = message

    def submit(self):
        self.times -= 1
        if self.times >= 0:
            raise RuntimeError(self.message)
        return "a job"


def test_a_session_that_is_not_free_yet_though_its_job_has_ended_is_asked_again(client, channel, host):
    session = Session(3)
    job = Job(Stream("done"))
    jobs.bound(channel, session, client).attach(job)
    job.finished.set()
    assert host.ended(channel).wait(20)
    while jobs._runs(session):
        pass
    binding = jobs.bound(channel, session, client)
    assert jobs.submitted(binding, session, session.submit) == "a job"
    jobs.forget(channel)


def test_a_session_that_is_busy_is_not_asked_again(client, channel):
    session = Session(3)
    binding = jobs.bound(channel, session, client)
    with pytest.raises(RuntimeError, match="busy"):
        jobs.submitted(binding, session, session.submit)
    assert session.times == 2
    jobs.forget(channel)


def test_busy_is_known_by_the_bridges_own_count_of_jobs_or_by_what_wangp_says(client, channel):
    session = object()
    unclear = RuntimeError("no")
    assert not jobs.refused_as_busy(session, unclear, {})
    binding = jobs.bound(channel, session, client)
    assert not jobs.refused_as_busy(session, unclear, {})
    binding.bind_job(job=SimpleNamespace())
    assert jobs.refused_as_busy(session, unclear, {})
    assert not jobs.refused_as_busy(session, ValueError("no"), {})
    assert not jobs.refused_as_busy(object(), unclear, {})
    jobs.forget(channel)
    for said in ("WanGP session already has a generation in progress", "Busy", "a job is still running"):
        assert jobs.refused_as_busy(session, RuntimeError(said), {})
    for file in ("/work in progress.json", "/busy.zip"):
        assert not jobs.refused_as_busy(session, RuntimeError(f"can't read {file}"), file)


def test_a_session_that_says_itself_that_it_runs_nothing_is_not_taken_for_busy():
    session = SimpleNamespace(_active_job=None)
    for said in ("CUDA error: all CUDA-capable devices are busy or unavailable", "download in progress failed"):
        assert not jobs.refused_as_busy(session, RuntimeError(said), {})
    session._active_job = SimpleNamespace(done=False)
    assert jobs.refused_as_busy(session, RuntimeError("no"), {})


def test_a_file_that_is_broken_is_not_taken_for_a_busy_session(client, channel):
    session = object()
    jobs.bound(channel, session, client).bind_job(job=SimpleNamespace())
    broken = RuntimeError("can't read it")
    broken.__cause__ = ValueError("no JSON")
    assert not jobs.refused_as_busy(session, broken, "/a.json")
    jobs.forget(channel)


def test_a_withdrawn_submit_is_refused_once(client, channel):
    jobs.cancel(channel, submitting=True)
    with pytest.raises(errors.BridgeError, match="withdrawn"):
        jobs.bound(channel, object(), client)
    jobs.bound(channel, object(), client)
    jobs.forget(channel)


def no_threads(monkeypatch, name):
    """From now on no thread of that name can be started."""
    start = threading.Thread.start

    def refuse(thread):
        if thread.name == name:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)


def test_a_submit_without_a_thread_to_hear_of_its_job_is_refused_before_wangp_is_asked(
    client, channel, root, monkeypatch
):
    from wangp_bridge import commands

    session = commands.init(client, {"root": str(root)})["session"]
    no_threads(monkeypatch, "wangp-bridge-job")
    with pytest.raises(RuntimeError, match="can't start new thread"):
        commands.submit(session, "submit", {}, channel, "/")
    assert channel not in jobs._jobs


def test_events_without_a_thread_to_read_them_are_heard_all_the_same(client, channel, host, monkeypatch):
    no_threads(monkeypatch, "wangp-bridge-events")
    job = Job(Stream("done"))
    jobs.bound(channel, object(), client).attach(job)
    job.events.queue.put(event("info", "heard"))
    job.finished.set()
    assert host.ended(channel).wait(20)
    assert [kind for kind, _ in host.events[channel]] == ["info", "completed"]


def test_a_result_that_cannot_be_handed_over_still_ends_the_job(client, channel, host, monkeypatch):
    emit = host.emit

    def refuse(channel, kind, data, timestamp, overflow):
        if kind == "completed" and data["success"]:
            raise MemoryError("too large")
        emit(channel, kind, data, timestamp, overflow)

    monkeypatch.setattr(jobs.native, "emit", refuse)
    job = Job(Stream("done"))
    jobs.bound(channel, object(), client).attach(job)
    job.finished.set()
    assert host.ended(channel).wait(20)
    ((_, result),) = host.events[channel]
    assert result["errors"][0]["message"] == "the result of WanGP's job cannot be handed over: too large"


def test_a_refused_submit_leaves_no_thread(client, channel):
    before = threading.active_count()
    binding = jobs.bound(channel, object(), client)
    assert threading.active_count() == before + 1
    (thread,) = [each for each in threading.enumerate() if each._target == binding._wait_for_answer]
    jobs.forget(channel)
    thread.join(20)
    assert not thread.is_alive()
