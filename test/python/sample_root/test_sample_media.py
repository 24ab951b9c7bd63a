"""The files and arrays that the sample root makes."""

from __future__ import annotations

import wave
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from shared.utils.virtual_media import build_virtual_media_path


def test_video_has_the_frames_size_and_fps_that_were_asked_for(video):
    artifact = video(resolution="96x64", video_length=13, force_fps="12")
    with av.open(artifact.path) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 96, 64)
        assert stream.average_rate == 12
        assert sum(1 for _ in container.decode(video=0)) == 13
    assert artifact.video_tensor_uint8.shape == (3, 13, 64, 96)
    assert artifact.video_tensor_uint8.dtype == np.uint8
    assert artifact.video_tensor_uint8.flags.c_contiguous
    assert (artifact.fps, artifact.media_type) == (12.0, "video")


def test_video_file_shows_what_the_tensor_holds(video):
    artifact = video(resolution="100x50", video_length=6)
    with av.open(artifact.path) as container:
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    difference = np.stack(decoded).astype(float) - artifact.video_tensor_uint8.transpose(1, 2, 3, 0)
    assert np.abs(difference).mean() < 6


def test_video_has_sound_of_its_length(video):
    artifact = video(video_length=24, force_fps=24)
    with av.open(artifact.path) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.rate, stream.channels) == ("aac", 48000, 2)
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert 48000 <= samples <= 48000 + 3 * 1024
    assert artifact.audio_tensor.shape == (48000, 2)
    assert artifact.audio_tensor.dtype == np.float32
    assert 0.01 < np.abs(artifact.audio_tensor).max() <= 1
    assert artifact.audio_sampling_rate == 48000


def test_silent_model_makes_no_sound(video):
    artifact = video(model_type="t2v_1.3B")
    assert artifact.audio_tensor is None
    assert artifact.fps == 16.0
    with av.open(artifact.path) as container:
        assert not container.streams.audio


def test_duration_decides_where_there_is_no_video_length(session, tiny):
    settings = tiny(duration_seconds=0.5, force_fps=20, _api={"return_media": True})
    del settings["video_length"]
    assert session.run_task(settings).artifacts[0].video_tensor_uint8.shape[1] == 10
    settings["video_length"] = 3
    assert session.run_task(settings).artifacts[0].video_tensor_uint8.shape[1] == 3


@pytest.mark.parametrize("as_image", [False, True])
def test_first_frame_is_the_start_image(video, media, as_image):
    path = media / "start.png"
    pixels = np.asarray(Image.open(path).convert("RGB"))
    start = Image.open(path) if as_image else str(path)
    tensor = video(image_start=start, resolution="320x192", video_length=9).video_tensor_uint8
    assert np.array_equal(tensor[:, 0].transpose(1, 2, 0), pixels)
    drift = [np.abs(tensor[:, index].astype(int) - tensor[:, 0]).mean() for index in range(9)]
    assert drift[0] < drift[4] < drift[8]


def test_start_and_end_images_are_cropped_to_the_resolution(video, media):
    tensor = video(image_start=[str(media / "start.png")], image_end=str(media / "start.png")).video_tensor_uint8
    assert tensor.shape == (3, 5, 48, 64)
    assert np.array_equal(tensor[:, 0], tensor[:, 4])
    assert not np.array_equal(tensor[:, 0], tensor[:, 2])


def test_guide_and_its_range_change_the_result(video, media):
    guide = str(media / "guide.mp4")
    plain = video().video_tensor_uint8
    early = video(video_guide=build_virtual_media_path(guide, start_frame=0, end_frame=20)).video_tensor_uint8
    late = video(video_guide=build_virtual_media_path(guide, start_frame=35, end_frame=59)).video_tensor_uint8
    assert not np.array_equal(plain, early)
    assert not np.array_equal(early, late)


def test_guide_frames_are_counted_from_zero_and_the_end_is_inclusive(media):
    from engine.cancel import CancelToken
    from engine.media_in import read_luma

    guide = str(media / "guide.mp4")
    whole = read_luma("video_guide", guide, 100, (40, 24), CancelToken())
    assert whole.shape == (60, 24, 40)
    part = read_luma("video_guide", f"{guide}|start_frame=10,end_frame=12", 100, (40, 24), CancelToken())
    assert np.array_equal(part, whole[10:13])


def test_guide_steers_the_brightness(video, media):
    guide = str(media / "guide.mp4")
    settings = {"resolution": "320x192", "video_length": 12}
    difference = video(video_guide=guide, **settings).video_tensor_uint8.astype(int) - video(
        **settings
    ).video_tensor_uint8.astype(int)
    with av.open(guide) as container:
        luma = next(container.decode(video=0)).to_ndarray(format="gray")
    change = np.abs(difference[:, 0]).mean(axis=0)
    assert change[luma > 150].mean() != pytest.approx(change[luma < 40].mean(), rel=0.1)


def test_video_source_continues_its_last_frame(video, media):
    source = f"{media / 'guide.mp4'}|start_frame=3,end_frame=7"
    with av.open(str(media / "guide.mp4")) as container:
        frame = [frame.to_image() for frame in container.decode(video=0)][7]
    tensor = video(video_source=source, resolution="320x192").video_tensor_uint8
    assert np.array_equal(tensor[:, 0].transpose(1, 2, 0), np.asarray(frame))


def test_same_seed_same_media_other_seed_other_media(video):
    first, again, other = video(seed=1), video(seed=1), video(seed=2)
    assert np.array_equal(first.video_tensor_uint8, again.video_tensor_uint8)
    assert np.array_equal(first.audio_tensor, again.audio_tensor)
    assert Path(first.path).read_bytes() == Path(again.path).read_bytes()
    assert first.path != again.path
    assert not np.array_equal(first.video_tensor_uint8, other.video_tensor_uint8)
    assert not np.array_equal(first.video_tensor_uint8, video(seed=1, prompt="else").video_tensor_uint8)


def test_seed_minus_one_draws_another_seed_each_time(video):
    assert not np.array_equal(video(seed=-1).video_tensor_uint8, video(seed=-1).video_tensor_uint8)


def test_an_image_is_a_png_with_the_pixels_of_its_artifact(session):
    settings = {"model_type": "qwen_image_20B", "prompt": "a bicycle", "resolution": "65x33", "image_mode": 1}
    result = session.run_task({**settings, "num_inference_steps": 2, "_api": {"return_media": True}})
    artifact = result.artifacts[0]
    assert artifact.video_tensor_uint8.shape == (3, 1, 33, 65)
    assert (artifact.media_type, artifact.fps, artifact.audio_tensor) == ("image", None, None)
    with Image.open(artifact.path) as image:
        assert image.format == "PNG"
        assert np.array_equal(np.asarray(image), artifact.video_tensor_uint8[:, 0].transpose(1, 2, 0))


def test_video_model_makes_an_image_with_image_mode(video):
    artifact = video(image_mode=1)
    assert artifact.path.endswith(".png")
    assert artifact.video_tensor_uint8.shape == (3, 1, 48, 64)


def test_a_sound_is_a_wav_with_the_samples_of_its_artifact_and_its_previews_have_no_picture(session):
    settings = {
        "model_type": "ace_step_v1_5",
        "prompt": "calm",
        "duration_seconds": 1.5,
        "num_inference_steps": 2,
    }
    job = session.submit_task({**settings, "_api": {"return_media": True}})
    previews = [event.data.image for event in job.events.iter() if event.kind == "preview"]
    artifact = job.result().artifacts[0]
    assert previews == [None, None]
    assert (artifact.media_type, artifact.video_tensor_uint8) == ("audio", None)
    with wave.open(artifact.path, "rb") as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 48000, 72000)
        pcm = np.frombuffer(file.readframes(72000), "<i2").reshape(-1, 2)
    assert np.allclose(pcm / 32767, artifact.audio_tensor, atol=1e-4)


def test_repetitions_make_several_files_and_one_artifact_the_last(session, tiny):
    result = session.run_task(tiny(repeat_generation=3, client_id="mine", _api={"return_media": True}))
    assert len(set(result.generated_files)) == 3
    (artifact,) = result.artifacts
    assert (artifact.path, artifact.client_id) == (result.generated_files[-1], "mine")
    assert result.total_tasks == result.successful_tasks == 1


def test_a_batch_of_images_makes_several_files_and_one_artifact_with_all_of_them(session, tiny):
    settings = tiny(model_type="qwen_image_20B", image_mode=1, batch_size=3, repeat_generation=2)
    result = session.run_task({**settings, "_api": {"return_media": True}})
    assert len(set(result.generated_files)) == 6
    (artifact,) = result.artifacts
    assert artifact.path == result.generated_files[3]
    assert artifact.video_tensor_uint8.shape == (3, 3, 48, 64)
    for number, path in enumerate(result.generated_files[3:]):
        with Image.open(path) as image:
            frame = artifact.video_tensor_uint8[:, number].transpose(1, 2, 0)
            assert np.array_equal(np.asarray(image), frame)


def test_artifacts_are_one_for_each_client_id_in_the_order_of_the_tasks(session, tiny):
    media = {"_api": {"return_media": True}}
    result = session.run_manifest(
        [
            tiny(client_id="a", model_type="nope", **media),
            tiny(client_id="b", seed=2, **media),
            tiny(seed=3),
            tiny(client_id=" a ", seed=4, **media),
            tiny(client_id="b", seed=5, **media),
            tiny(seed=6, **media),
        ]
    )
    files = result.generated_files
    assert [(artifact.client_id, artifact.path) for artifact in result.artifacts[:2]] == [
        ("a", files[2]),
        ("b", files[3]),
    ]
    assert result.artifacts[2].path == files[4]
    assert len(result.artifacts) == 3


@pytest.fixture
def tracks(tmp_path):
    """A film of half a second with two sounds: the first is loud at its beginning, the second at its end."""
    path = tmp_path / "tracks.mkv"
    rate = 48000
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=24)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sounds = [container.add_stream("pcm_s16le", rate=rate, layout="mono") for _ in range(2)]
        for _ in range(12):
            container.mux(video.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(video.encode(None))
        time = np.arange(rate // 2) / rate
        for number, sound in enumerate(sounds):
            loud = (time < 0.25) == (number == 0)
            samples = (np.sin(2 * np.pi * 440 * time) * loud * 20000).astype(np.int16)
            for at in range(0, len(samples), 1200):
                frame = av.AudioFrame.from_ndarray(samples[None, at : at + 1200], format="s16", layout="mono")
                frame.sample_rate, frame.pts = rate, at
                container.mux(sound.encode(frame))
            container.mux(sound.encode(None))
    return str(path)


def halves(artifact):
    """How loud the made sound is in its first and in its second half."""
    sound = artifact.audio_tensor
    return [float(np.square(half).mean()) for half in np.array_split(sound, 2)]


@pytest.mark.parametrize("key", ["audio_guide", "video_source"])
def test_audio_track_no_chooses_the_track_whose_loudness_steers_the_sound(video, tracks, key):
    first, second = (
        video(**{key: build_virtual_media_path(tracks, audio_track_no=number)}, video_length=24) for number in (1, 2)
    )
    plain = video(**{key: tracks}, video_length=24)
    assert np.array_equal(plain.audio_tensor, first.audio_tensor)
    (first_early, first_late), (second_early, second_late) = halves(first), halves(second)
    assert first_early / first_late > 2 * second_early / second_late


def test_a_range_of_frames_cuts_the_sound_too(video, tracks):
    whole = video(audio_guide=tracks)
    early = video(audio_guide=build_virtual_media_path(tracks, start_frame=0, end_frame=5))
    late = video(audio_guide=build_virtual_media_path(tracks, start_frame=-6))
    assert not np.array_equal(whole.audio_tensor, early.audio_tensor)
    assert np.square(late.audio_tensor).mean() < np.square(early.audio_tensor).mean()


def test_an_audio_track_that_is_not_there_fails_a_guide_and_has_no_effect_in_a_source(session, tiny, tracks, video):
    wrong = build_virtual_media_path(tracks, audio_track_no=3)
    (error,) = session.run_task(tiny(audio_guide=wrong)).errors
    assert error.stage == "validation"
    assert "no such audio track" in error.message
    assert np.array_equal(video(video_source=wrong).audio_tensor, video().audio_tensor)


def test_the_sound_of_an_audio_model_follows_its_guide(session, tracks):
    settings = {
        "model_type": "ace_step_v1_5",
        "prompt": "calm",
        "duration_seconds": 1,
        "num_inference_steps": 2,
        "seed": 3,
    }
    artifacts = [
        session.run_task(
            {**settings, "audio_guide": f"{tracks}|audio_track_no={number}", "_api": {"return_media": True}}
        ).artifacts[0]
        for number in (1, 2)
    ]
    (first_early, first_late), (second_early, second_late) = map(halves, artifacts)
    assert first_early / first_late > 2 * second_early / second_late


@pytest.mark.parametrize(
    ("changes", "frames", "fps"),
    [
        ({"video_length": "4s"}, 96, 24),
        ({"video_length": " 0.5 S "}, 12, 24),
        ({"video_length": "1s", "force_fps": "10"}, 10, 10),
        ({"video_length": "1s", "force_fps": 12}, 12, 12),
        ({"video_length": "1s", "force_fps": "auto"}, 24, 24),
        ({"video_length": "0.01s"}, 1, 24),
        ({"video_length": "1s", "model_type": "t2v_1.3B"}, 16, 16),
    ],
)
def test_video_length_in_seconds_counts_frames(video, changes, frames, fps):
    artifact = video(**changes)
    assert (artifact.video_tensor_uint8.shape[1], artifact.fps) == (frames, fps)


def test_returned_tensors_are_the_engines_own_and_no_views(session, tiny):
    result = session.run_manifest([tiny(), tiny(seed=2, _api={"return_media": True})])
    assert len(result.generated_files) == 2
    assert len(result.artifacts) == 1
    assert result.artifacts[0].video_tensor_uint8.base is None
    assert result.artifacts[0].audio_tensor.base is None
    assert result.artifacts[0].client_id
