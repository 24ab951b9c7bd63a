"""What ``submit`` accepts, where attachments are looked for, and virtual media paths."""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path

import pytest

from shared.sources import read_source
from shared.utils.virtual_media import build_virtual_media_path, parse_virtual_media_path


@pytest.mark.parametrize("form", ["settings", "list", "tasks", "wrapped", "wrapped_settings"])
def test_every_form_of_a_source_runs_as_it_is_and_from_a_file(session, tiny, tmp_path, form):
    source = {
        "settings": tiny(),
        "list": [tiny()],
        "tasks": {"tasks": [tiny()]},
        "wrapped": [{"id": 5, "params": tiny()}],
        "wrapped_settings": {"settings": tiny()},
    }[form]
    assert session.run(source).successful_tasks == 1
    path = tmp_path / "saved.json"
    path.write_text(json.dumps(source))
    assert session.run(str(path)).successful_tasks == 1
    assert session.run(path).successful_tasks == 1


def test_a_queue_runs_with_the_media_it_brings_and_leaves_no_temporary_folder(session, tiny, tmp_path, media):
    path = tmp_path / "queue.zip"
    tasks = [{"id": 1, "params": tiny(image_start="start.png", video_guide="clips/guide.mp4|start_frame=3")}]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("queue.json", json.dumps(tasks))
        archive.write(media / "start.png", "start.png")
        archive.write(media / "guide.mp4", "clips/guide.mp4")
    result = session.run(path)
    assert result.success, result.errors
    assert not list(Path(tempfile.gettempdir()).glob("wangp-sample-queue-*"))


def test_files_that_cannot_be_used_are_refused_at_the_submit(session, tmp_path):
    broken = {"broken.json": b"{", "broken.zip": b"nothing", "number.json": b"3", "list.json": b"[3]"}
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises((RuntimeError, ValueError), match=name):
            session.submit(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("readme.txt", "")
    with pytest.raises(ValueError, match=r"empty\.zip holds no queue\.json"):
        session.submit(tmp_path / "empty.zip")
    with zipfile.ZipFile(tmp_path / "slip.zip", "w") as archive:
        archive.writestr("../slipped.txt", "")
    with pytest.raises(ValueError, match="outside"):
        session.submit(tmp_path / "slip.zip")
    for name in ("missing.json", "missing.zip"):
        with pytest.raises(FileNotFoundError, match=name):
            session.submit(tmp_path / name)
    with pytest.raises(ValueError, match=r"clip\.mp4"):
        session.submit("clip.mp4")
    assert session._active_job is None


def test_sources_of_a_wrong_type_raise_a_type_error(session):
    for source in (None, 3, [3], {"tasks": 3}):
        with pytest.raises(TypeError):
            session.submit(source)
    with pytest.raises(TypeError):
        session.submit_task([])
    with pytest.raises(TypeError):
        session.submit_task("settings.json")
    with pytest.raises(TypeError):
        session.submit_manifest({})


@pytest.mark.parametrize("api", [1, "return_media", ["return_media"], None])
def test_api_of_another_type_than_a_dict_is_left_out(session, tiny, api):
    result = session.run_task(tiny(_api=api))
    assert result.success
    assert result.artifacts == ()


@pytest.mark.parametrize("length", ["s", "0s", "-1s", "1.s", "1e3s", "four s", "1ms"])
def test_video_length_in_seconds_that_are_none_is_refused_at_the_submit(session, tiny, length):
    with pytest.raises(ValueError, match="video_length in seconds must look like '4s'"):
        session.submit_task(tiny(video_length=length))
    with pytest.raises(ValueError, match="needs a force_fps above 0, not 0"):
        session.submit_task(tiny(video_length="4s", force_fps=0))
    assert session._active_job is None


def test_an_unknown_model_is_named_in_the_error_also_where_video_length_is_in_seconds(session, tiny):
    (error,) = session.run_task(tiny(video_length="4s", model_type="nope")).errors
    assert "nope" in error.message


def test_the_attachment_keys_are_those_of_upstream():
    from shared.api import ATTACHMENT_KEYS

    names = "image_start image_end image_refs image_guide image_mask video_guide video_guide2 video_mask video_source"
    names += " audio_guide audio_guide2 audio_source replace_voice_sample replace_voice_sample2 custom_guide"
    assert tuple(names.split()) == ATTACHMENT_KEYS


def test_a_tilde_in_a_path_is_not_expanded(session, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (task,) = read_source({"image_start": "~/a.png"}, tmp_path).tasks
    assert task.settings["image_start"] == str(tmp_path / "~" / "a.png")


def test_relative_attachments_are_looked_for_in_the_working_directory(tmp_path):
    settings = {
        "image_start": "a.png",
        "image_refs": ["b.png", "/c.png", 7],
        "video_guide": "d/../e.mp4|start_frame=1,end_frame=2",
        "video_mask": None,
        "audio_guide": "",
        "prompt": "f.png",
        "_api": {"return_media": True},
    }
    (task,) = read_source(settings, tmp_path).tasks
    assert task.settings == {
        "image_start": str(tmp_path / "a.png"),
        "image_refs": [str(tmp_path / "b.png"), "/c.png", 7],
        "video_guide": f"{tmp_path / 'e.mp4'}|start_frame=1,end_frame=2",
        "video_mask": None,
        "audio_guide": "",
        "prompt": "f.png",
    }
    assert task.api == {"return_media": True}
    assert settings["image_start"] == "a.png"
    assert "_api" in settings


def test_virtual_media_paths_are_built_from_their_parts_and_parsed_into_them():
    built = build_virtual_media_path("a b.mkv", start_frame=0, end_frame=9, audio_track_no=2, extras={"x": "y"})
    assert built == "a b.mkv|start_frame=0,end_frame=9,audio_track_no=2,x=y"
    parsed = parse_virtual_media_path(built)
    assert (parsed.path, parsed.start_frame, parsed.end_frame, parsed.audio_track_no) == ("a b.mkv", 0, 9, 2)
    assert parsed.extras == {"x": "y"}
    assert build_virtual_media_path(Path("a.mkv")) == "a.mkv"
    assert build_virtual_media_path("a", start_frame=-3, end_frame=-1) == "a|start_frame=-3,end_frame=-1"
    with pytest.raises(TypeError):
        build_virtual_media_path("a", start_frame=1.5)
    parsed = parse_virtual_media_path("a|START_FRAME=-3,end_frame=x,flag")
    assert (parsed.start_frame, parsed.end_frame, parsed.extras) == (-3, None, {"flag": ""})
    assert parse_virtual_media_path("a.mkv").start_frame is None


def test_virtual_frames_stay_inside_the_clip():
    def frames(suffix):
        return parse_virtual_media_path(f"a|{suffix}").frame_range(10)

    assert frames("start_frame=-3") == (7, 9)
    assert frames("start_frame=-30,end_frame=-2") == (0, 8)
    assert frames("start_frame=4,end_frame=2") == (4, 4)
    assert frames("start_frame=40") == (9, 9)
