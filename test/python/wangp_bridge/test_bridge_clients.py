"""A client that has gone is refused everything that comes later, and nothing of it is kept."""

from __future__ import annotations

import pytest

from wangp_bridge import clients, commands, errors, inputs, jobs, runtime


def refused():
    return pytest.raises(errors.BridgeError, match="has ended")


def test_begin_input_that_the_end_of_its_client_overtook_is_refused_and_keeps_no_memory(client):
    commands.abandon(client, [])
    before = dict(inputs._uploads)
    with refused() as raised:
        commands.begin_input(client, 1000)
    assert raised.value.code == "ERR_WANGP_CLOSED"
    assert inputs._uploads == before


def test_begin_input_during_which_its_client_ends_keeps_no_memory(client, monkeypatch):
    before = dict(inputs._uploads)
    numbers = iter([7])

    class Numbers:
        def __next__(self):
            commands.abandon(client, [])  # after the first look, before the memory is kept
            return next(numbers)

    monkeypatch.setattr(inputs, "_numbers", Numbers())
    with refused():
        commands.begin_input(client, 1000)
    assert inputs._uploads == before


def test_uploads_and_sources_of_a_client_go_with_it_and_nobody_elses_do(client, sources):
    mine, other = (commands.begin_input(owner, 12) for owner in (client, client + 500_000))
    kept = commands.register_video(commands.begin_input(client, 12), "a", [1, 2, 2], False, 24)
    commands.abandon(client, [])
    assert sources == {}
    with pytest.raises(errors.BridgeError, match=f"no input {mine} under way"):
        commands.write_input(mine, 0, memoryview(b"x"))
    commands.write_input(other, 0, memoryview(b"x"))
    commands.discard_input(other)
    commands.unregister(kept)  # a late one does nothing


def test_an_input_whose_client_ends_while_it_is_registered_is_let_go_of(client, sources, monkeypatch):
    number = commands.begin_input(client, 12)
    signed = inputs._signed

    def end_meanwhile(*arguments):
        commands.abandon(client, [])
        return signed(*arguments)

    monkeypatch.setattr(inputs, "_signed", end_meanwhile)
    with refused():
        commands.register_video(number, "a", [1, 2, 2], False, 24)
    assert sources == {}


def test_a_source_that_cannot_be_cleared_does_not_keep_the_others(client, sources, capsys):
    for _ in range(2):
        commands.register_video(commands.begin_input(client, 12), "a", [1, 2, 2], False, 24)
    sources["fail"] = True
    commands.abandon(client, [])
    assert len(sources) == 3


def test_init_that_the_end_of_its_client_overtook_is_refused_before_it_imports(client, root):
    import sys

    commands.abandon(client, [])
    with refused():
        commands.init(client, {"root": str(root)})
    assert "shared.api" not in sys.modules


def test_init_during_which_its_client_ends_keeps_no_session(client, root):
    (root / "shared" / "api.py").write_text(
        "from wangp_bridge import commands\ndef init(**options):\n"
        f"    commands.abandon({client}, [])\n    return object()\n"
    )
    before = dict(runtime._sessions)
    with refused():
        commands.init(client, {"root": str(root)})
    assert runtime._sessions == before


def test_the_finaliser_of_an_abandoned_session_runs_without_the_lock(client, root):
    (root / "shared" / "api.py").write_text(
        "from wangp_bridge import clients\nclass Session:\n    def __del__(self):\n"
        "        held.append(clients.lock.locked())\nheld = []\ndef init(**options):\n    return Session()\n"
    )
    commands.init(client, {"root": str(root)})
    import sys

    held = sys.modules["shared.api"].held
    commands.abandon(client, [])
    assert held == [False]


def test_a_torch_that_fails_to_tell_its_device_does_not_fail_init(client, root, monkeypatch):
    import sys
    from types import SimpleNamespace

    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace())
    assert commands.init(client, {"root": str(root)})["info"]["device"] == "cpu"


def test_calls_closes_and_submits_of_a_client_that_has_gone_are_refused(client, channel, root):
    session = commands.init(client, {"root": str(root)})["session"]
    assert commands.call(session, "answer", [], {}) == 42
    commands.abandon(client, [channel])
    for attempt in (
        lambda: commands.call(session, "answer", [], {}),
        lambda: commands.close(session),
        lambda: commands.submit(session, "submit", {}, channel, "/"),
    ):
        with refused() as raised:
            attempt()
        assert raised.value.code == "ERR_WANGP_CLOSED"


def test_a_submit_that_has_its_session_already_is_refused_when_its_client_ends(client, channel):
    clients.end(client)
    with refused():
        jobs.bound(channel, object(), client)
    assert channel not in jobs._jobs


def test_a_client_that_has_gone_leaves_no_withdrawn_channels(client, channel):
    commands.cancel(channel, submitting=True)
    assert channel in jobs._withdrawn
    commands.abandon(client, [channel])
    assert channel not in jobs._withdrawn


def test_the_job_of_a_client_that_has_gone_is_cancelled(client, channel):
    class Job:
        cancelled = False

        def cancel(self):
            self.cancelled = True

    job = Job()
    jobs.bound(channel, object(), client).bind_job(job=job)
    commands.abandon(client, [channel])
    assert job.cancelled
    jobs.forget(channel)
