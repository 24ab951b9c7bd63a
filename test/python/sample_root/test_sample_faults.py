"""Faults on demand: each one described in python/sample_root/README.md."""

from __future__ import annotations

import threading
import time

from engine.faults import numbered_line


def lines(job):
    return [(event.data.stream, event.data.text) for event in job.events.iter() if event.kind == "stream"]


def test_raise_at_step_fails_the_generation_with_its_traceback_on_stderr(session, tiny):
    job = session.submit_task(tiny(sample_fault={"raise_at_step": 2}))
    result = job.result()
    assert result.errors[0].message == "sample_fault: raise_at_step 2"
    assert result.errors[0].stage == "generation"
    assert ("stderr", "RuntimeError: sample_fault: raise_at_step 2") in lines(job)


def test_raise_at_load_fails_the_job_and_the_next_one_succeeds(session, tiny):
    session.close()
    result = session.run_task(tiny(sample_fault={"raise_at_load": True}))
    assert (result.errors[0].stage, result.errors[0].task_index) == ("runtime", 1)
    assert session.run_task(tiny()).success


def test_print_lines_prints_that_many_numbered_lines_to_each_stream(session, tiny):
    job = session.submit_task(tiny(sample_fault={"print_lines": 300, "print_lines_stderr": 200}))
    printed = lines(job)
    assert numbered_line(1).startswith("line 00001 ..")
    assert len(numbered_line(1)) == 100
    numbered = [line for line in printed if line[1].startswith("line ")]
    assert numbered == [("stdout", numbered_line(number)) for number in range(1, 301)] + [
        ("stderr", numbered_line(number)) for number in range(1, 201)
    ]


def test_hold_gil_seconds_stops_all_other_threads_that_long(session, tiny):
    longest, over = 0.0, threading.Event()

    def watch():
        nonlocal longest
        last = time.monotonic()
        while not over.wait(0.001):
            longest, last = max(longest, time.monotonic() - last), time.monotonic()

    watcher = threading.Thread(target=watch)
    watcher.start()
    result = session.run_task(tiny(sample_fault={"hold_gil_seconds": 0.4}))
    over.set()
    watcher.join()
    assert result.success
    assert longest >= 0.35


def test_python_loop_seconds_makes_the_job_take_that_long(session, tiny):
    started = time.monotonic()
    assert session.run_task(tiny(sample_fault={"python_loop_seconds": 0.2})).success
    assert time.monotonic() - started >= 0.2


def test_exit_ends_the_job_and_not_the_process(session, tiny):
    result = session.run_manifest([tiny(sample_fault={"exit": 3}), tiny()])
    assert (result.errors[0].stage, result.errors[0].message) == ("runtime", "the generation called exit(3)")
    assert result.failed_tasks == 1
    assert session.run_task(tiny()).success


def test_no_preview_leaves_out_every_preview(session, tiny):
    job = session.submit_task(tiny(sample_fault={"no_preview": True}))
    assert "preview" not in [event.kind for event in job.events.iter()]
