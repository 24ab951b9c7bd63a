"""How jobs of the sample root run, fail, are cancelled, and what they leave behind."""

from __future__ import annotations

import gc
import os
import threading
import time
import weakref
from pathlib import Path

import pytest

from shared.api import GenerationResult, SessionStream

NORMAL_ORDER = [
    "started",
    "status",
    "progress:loading_model",
    "stream",
    "refresh_models",
    "progress:loading_model",
    "progress:encoding_text",
    "info",
    "progress:inference",
    "preview",
    "progress:inference",
    "preview",
    "progress:decoding",
    "progress:downloading_output",
    "stream",
    "output",
    "completed",
]


class Recorder:
    """Records callbacks in their order; every ``on_...`` there is."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda data: self.calls.append((name, data))


def test_events_come_in_the_normal_order_and_end_with_the_result(session, tiny):
    session.close()
    job = session.submit_task(tiny())
    events = list(job.events.iter(timeout=0.2))
    names = [event.kind + (f":{event.data.phase}" if event.kind == "progress" else "") for event in events]
    assert names == NORMAL_ORDER
    assert [event.timestamp for event in events] == sorted(event.timestamp for event in events)
    steps = [event.data for event in events if event.kind == "progress" and event.data.phase == "inference"]
    assert [(step.current_step, step.total_steps) for step in steps] == [(1, 2), (2, 2)]
    progress = [event.data.progress for event in events if event.kind == "progress"]
    assert progress == sorted(progress)
    preview = next(event.data for event in events if event.kind == "preview")
    assert preview.image.mode == "RGB"
    assert preview.image.size == (4 * 64, 48)
    saved = [event.data for event in events if event.kind == "stream"][-1]
    assert saved.stream == "stdout"
    assert saved.text == f"New video saved to Path: {job.result().generated_files[0]}"
    assert events[-1].data is job.result()
    assert job.done
    assert job.events.closed


def test_the_specific_callback_is_called_before_on_event(session, tiny):
    session.close()
    recorder = Recorder()
    session.run_task(tiny(), callbacks=recorder)
    names = [name for name, _ in recorder.calls]
    assert "on_started" not in names
    assert "on_refresh_models" not in names
    assert names[1::2] == ["on_event"] * (len(names) // 2)
    for (name, data), (_, event) in zip(recorder.calls[::2], recorder.calls[1::2], strict=True):
        assert name == f"on_{event.kind}"
        assert data is event.data
    assert names[-2] == "on_complete"


def test_bind_job_comes_before_the_first_event_and_may_replace_the_stream(session, tiny):
    class Handed(SessionStream):
        pass

    class Callbacks:
        def bind_job(self, *, session, job):
            assert session._active_job is job
            assert job._thread is None
            self.stream = job.events = Handed()

    callbacks = Callbacks()
    job = session.submit_task(tiny(), callbacks=callbacks)
    kinds = [event.kind for event in callbacks.stream.iter()]
    assert kinds[0] == "started"
    assert kinds[-1] == "completed"
    job.result()
    assert job.events is callbacks.stream


def test_a_callback_that_raises_does_not_fail_the_job(session, tiny, capsys):
    class Callbacks:
        def on_event(self, event):
            raise RuntimeError("mine")

    assert session.run_task(tiny(), callbacks=Callbacks()).success


def test_printing_the_stream_does_not_feed_it(session, tiny):
    class Callbacks:
        def on_stream(self, line):
            print("seen", line.text)

    job = session.submit_task(tiny(), callbacks=Callbacks())
    lines = []
    for event in job.events.iter(timeout=0.2):
        print("read", event)
        lines += [event.data.text] if event.kind == "stream" else []
    assert not any("seen" in line or "read" in line for line in lines)


def test_callbacks_run_on_the_job_thread_in_the_root_and_the_caller_stays_where_it_was(session, tiny, sample_root):
    seen = []

    class Callbacks:
        def on_progress(self, update):
            seen.append((threading.current_thread().name, threading.current_thread().daemon, os.getcwd()))

    before = os.getcwd()
    job = session.submit_task(tiny(), callbacks=Callbacks())
    job.result()
    assert os.getcwd() == before
    job._thread.join()
    assert session._active_job is None
    assert set(seen) == {("wangp-session-job", True, str(sample_root))}


def test_a_session_refuses_a_second_job_while_one_runs(session, tiny):
    job = session.submit_task(tiny(sample_fault={"hang_until_cancelled": True}))
    with pytest.raises(RuntimeError, match="already has a generation in progress"):
        session.submit_task(tiny())
    with pytest.raises(TimeoutError):
        job.result(timeout=0.01)
    assert not job.done
    session.cancel()
    assert job.cancel_requested
    assert job.join(timeout=5).cancelled


def test_jobs_of_two_sessions_take_turns(session, tiny, tmp_path):
    from shared.api import init

    other = init(output_dir=tmp_path / "other", console_output=False)
    first = session.submit_task(tiny(sample_fault={"step_seconds": 0.1}))
    second = other.submit_task(tiny())
    assert second.result(5).success
    assert first.result(5).success
    last = max(event.timestamp for event in first.events.iter() if event.kind == "progress")
    progress = [event for event in second.events.iter() if event.kind == "progress"]
    assert last <= min(event.timestamp for event in progress if event.data.phase == "inference")
    assert Path(second.result().generated_files[0]).parent == tmp_path / "other"


def test_the_model_stays_loaded_until_close(session, tiny):
    runtime = session._runtime
    session.close()
    loads = runtime.model_loads
    session.run_task(tiny())
    session.run_task(tiny())
    assert runtime.model_loads == loads + 1
    session.close()
    assert runtime.model is None
    session.run_task(tiny())
    session.run_task(tiny(model_type="t2v_1.3B"))
    assert runtime.model_loads == loads + 3


def test_close_waits_for_the_running_job(session, tiny):
    job = session.submit_task(tiny(sample_fault={"step_seconds": 0.05}))
    session.close()
    assert job.done
    assert session._active_job is None


def test_a_task_that_fails_validation_does_not_stop_the_others(session, tiny):
    result = session.run_manifest(
        [
            tiny(),
            tiny(model_type="nope"),
            {"id": "third", "params": tiny(resolution="65x48")},
            tiny(image_start="missing.png"),
            tiny(video_length=0),
            tiny(sample_fault={"raise_at_step": 2}),
            tiny(video_guide=__file__),
            tiny(seed=9),
        ]
    )
    assert not result.success
    assert not result.cancelled
    assert (result.total_tasks, result.successful_tasks, result.failed_tasks) == (8, 2, 6)
    assert len(result.generated_files) == 2
    stages = [(error.task_index, error.stage) for error in result.errors]
    assert stages == [
        (2, "validation"),
        (3, "validation"),
        (4, "validation"),
        (5, "validation"),
        (6, "generation"),
        (7, "validation"),
    ]
    assert result.errors[1].task_id == "third"
    assert "even" in result.errors[1].message
    assert str(Path.cwd() / "missing.png") in result.errors[2].message


@pytest.mark.parametrize(
    "wrong",
    [
        {"resolution": "wide"},
        {"resolution": 640},
        {"video_length": 4.5},
        {"video_length": "97"},
        {"force_fps": "fast"},
        {"num_inference_steps": 0},
        {"seed": -2},
        {"prompt": 3},
        {"image_start": 3},
        {"sample_fault": {"explode": True}},
        {"sample_fault": {"print_lines": "many"}},
        {"video_guide": "clip.mp4|start_frame=9,end_frame=3"},
    ],
)
def test_a_wrong_setting_fails_in_validation_with_an_error_that_names_it(session, tiny, wrong):
    result = session.run_task(tiny(**wrong))
    (error,) = result.errors
    assert error.stage == "validation"
    assert next(iter(wrong)) in error.message
    assert result.generated_files == []


def test_settings_of_the_web_interface_are_understood(session, tiny):
    exported = {
        "type": "WanGP v10",
        "settings_version": 2.4,
        "image_refs": None,
        "video_guide": "",
        "loras": [],
    }
    assert session.run_task(tiny(**exported, force_fps="", image_mode=0, duration_seconds=0)).success


@pytest.mark.parametrize("fault", [{"hang_until_cancelled": True}, {"step_seconds": 30}])
def test_cancellation_ends_a_job_within_half_a_second_and_leaves_no_file(session, tiny, tmp_path, fault):
    job = session.submit_manifest([tiny(sample_fault=fault), tiny()])
    while job.events.get(timeout=5).kind != "info":
        pass
    asked = time.monotonic()
    job.cancel()
    result = job.result(timeout=5)
    assert time.monotonic() - asked < 0.5
    # The second task never began: as upstream, it counts neither way.
    assert (result.success, result.cancelled) == (False, True)
    assert (result.total_tasks, result.successful_tasks, result.failed_tasks) == (2, 0, 1)
    (error,) = result.errors
    assert (error.message, error.stage, error.task_index) == ("Generation was cancelled", "cancelled", 1)
    assert error.cancelled
    events = list(job.events.iter())
    assert [event.data.phase for event in events if event.kind == "progress"][-1] == "cancelled"
    assert not list(tmp_path.rglob("*.mp4"))


def test_a_manifest_that_is_cancelled_between_tasks_counts_what_ran_and_what_was_cancelled(session, tiny):
    fault = {"hang_until_cancelled": True}
    job = session.submit_manifest([tiny(), tiny(model_type="nope"), tiny(sample_fault=fault), tiny(), tiny()])
    for event in job.events.iter():
        if event.kind == "progress" and "Prompt 3/5 | Encoding" in event.data.status:
            job.cancel()
    result = job.result()
    assert (result.total_tasks, result.successful_tasks, result.failed_tasks) == (5, 1, 2)
    assert [(error.task_index, error.stage) for error in result.errors] == [(2, "validation"), (3, "cancelled")]
    assert not result.cancelled


def test_a_job_that_is_cancelled_while_it_waits_for_its_turn_counts_one_failure(session, tiny, tmp_path):
    from shared.api import init

    first = session.submit_task(tiny(sample_fault={"hang_until_cancelled": True}))
    second = init(output_dir=tmp_path / "other", console_output=False).submit_manifest([tiny(), tiny()])
    second.cancel()
    result = second.result(5)
    first.cancel()
    assert (result.cancelled, result.total_tasks, result.successful_tasks, result.failed_tasks) == (True, 2, 0, 1)


def test_cancellation_during_encoding_leaves_no_file(session, tiny, tmp_path):
    class Callbacks:
        def on_progress(self, update):
            if update.phase == "downloading_output":
                job.cancel()

    job = session.submit_task(tiny(video_length=200), callbacks=Callbacks())
    assert job.result().cancelled
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_released_payload_is_freed(session, tiny):
    job = session.submit_task(tiny(_api={"return_media": True}))
    job.result()
    job._thread.join()
    array = weakref.ref(job.result().artifacts[0].video_tensor_uint8)
    job.release_output_payload()
    gc.collect()
    assert array() is None
    assert job.result().artifacts[0].path == job.result().generated_files[0]
    assert [event.kind for event in job.events.iter()][-1] == "completed"


def test_an_empty_manifest_succeeds(session):
    result = session.run_manifest([])
    assert result == GenerationResult(success=True)


def test_stream_ends_when_closed_and_empty():
    stream = SessionStream()
    assert stream.get(timeout=0.01) is None
    stream.put("info", "a")
    stream.put("info", "b")
    stream.close()
    stream.put("info", "late")
    assert stream.closed
    assert [event.data for event in stream.iter(timeout=0.01)] == ["a", "b"]
    assert stream.get() is None
