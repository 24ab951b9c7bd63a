"""Records of a WanGP that keeps to the document's names and to nothing else: each field has its promised type."""

from __future__ import annotations

import enum
import uuid
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest

from wangp_bridge import records
from wangp_bridge.records import event_to_plain, result_to_plain


def progress(value):
    return event_to_plain("progress", SimpleNamespace(progress=value, current_step=value))


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (55, 55),
        (5.5, 5.5),
        (55.0, 55),
        ("55", 55),
        (" 5.5 ", 5.5),
        (numpy.float32(0.5), 0.5),
        (numpy.int64(7), 7),
        (Fraction(1, 2), 0.5),
        (Decimal("7"), 7),
        (2**60, float(2**60)),
    ],
)
def test_a_number_is_one_also_where_it_stands_as_text(value, number):
    plain = progress(value)
    assert (plain["progress"], plain["current_step"]) == (number, number)
    assert type(plain["progress"]) is type(number)


@pytest.mark.parametrize(
    "value",
    [True, False, numpy.bool_(True), None, "fast", "", [], float("nan"), float("inf"), "nan", 10**400, object()],
)
def test_what_is_no_number_is_zero_where_there_must_be_one_and_none_elsewhere(value):
    plain = progress(value)
    assert (plain["progress"], plain["current_step"]) == (0, None)
    assert type(plain["progress"]) is int


def test_texts_of_any_type_become_strings():
    class Stage(enum.Enum):
        FIRST = "generation"

    error = SimpleNamespace(message=ValueError("it broke"), stage=Stage.FIRST, task_index="2", cancelled=0)
    assert event_to_plain("error", error) == {
        "message": "it broke",
        "stage": "generation",
        "task_index": 2,
        "task_id": None,
        "cancelled": False,
    }
    assert event_to_plain("error", "in plain words")["message"] == "in plain words"
    assert event_to_plain("error", KeyError())["message"] == "KeyError"
    assert event_to_plain("stream", SimpleNamespace(stream=None, text=b"bytes")) == {
        "stream": "stdout",
        "text": "bytes",
    }
    assert event_to_plain("status", None) == ""


def test_a_tasks_id_is_a_plain_value_or_a_text():
    number = uuid.uuid4()
    ids = [number, 7, "mine", 2.5, None, Path("a/b")]
    plain = [event_to_plain("error", SimpleNamespace(task_id=each))["task_id"] for each in ids]
    assert plain == [str(number), 7, "mine", 2.5, None, "a/b"]
    assert records.adapt(number) == str(number)


def test_started_has_a_number_of_tasks_or_none_whatever_it_comes_with():
    assert event_to_plain("started", {"tasks": "3", "more": 1}) == {"tasks": 3, "more": 1}
    assert event_to_plain("started", None) == {"tasks": None}


def artifact(**fields):
    result = SimpleNamespace(success=1, generated_files=[Path("/a.mp4")], artifacts=[SimpleNamespace(**fields)])
    plain = result_to_plain(result)
    assert plain["success"] is True
    assert plain["generated_files"] == ["/a.mp4"]
    return plain["artifacts"][0]


def test_an_artifacts_numbers_are_numbers_and_its_path_a_text():
    plain = artifact(path=Path("/b.mp4"), fps="24", audio_sampling_rate=numpy.int32(48000), media_type="video")
    assert (plain["path"], plain["fps"], plain["audio_sampling_rate"]) == ("/b.mp4", 24, 48000)


@pytest.mark.parametrize("dtype", ["float64", "float16", "float32", "int16"])
def test_an_hdr_video_is_float32_whatever_it_was(dtype):
    video = numpy.arange(24).reshape(3, 2, 2, 2).astype(dtype)
    memory = artifact(video_tensor_hdr=video)["video_hdr"]
    assert (memory.dtype, memory.shape) == ("float32", (3, 2, 2, 2))
    assert (memory.array == video).all()
    assert memory.zero_copy == (dtype == "float32")


def test_an_hdr_video_of_another_library_than_numpy_is_float32_too():
    memory = artifact(video_tensor_hdr=memoryview(b"\0" * 24).cast("d"))["video_hdr"]
    assert (memory.dtype, memory.shape) == ("float32", (3,))


def test_a_video_is_uint8_the_same_memory_where_it_was_and_converted_where_nothing_changes():
    video = numpy.zeros((3, 1, 2, 2), numpy.uint8)
    memory = artifact(video_tensor_uint8=video)["video"]
    assert memory.zero_copy
    assert numpy.shares_memory(memory.array, video)
    memory = artifact(video_tensor_uint8=numpy.full((3, 1, 2, 2), 255.0))["video"]
    assert (memory.dtype, int(memory.array.max()), memory.zero_copy) == ("uint8", 255, False)


@pytest.mark.parametrize("wrong", [numpy.full((3, 1, 2, 2), -0.5), numpy.full((3, 1, 2, 2), 300), numpy.array("text")])
def test_a_video_that_is_no_bytes_is_left_out_and_the_console_says_so(wrong, capsys, monkeypatch):
    import sys

    monkeypatch.setattr(sys, "__stderr__", sys.stderr)
    assert artifact(video_tensor_uint8=wrong)["video"] is None
    assert "video_tensor_uint8 of an artifact was left out" in capsys.readouterr().err
