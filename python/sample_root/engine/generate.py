"""One task from its request to its files: encode, denoise, decode, save."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from engine.cancel import CancelToken
from engine.decode import decode_latents
from engine.denoiser import Denoiser, latent_size, preview_image
from engine.keyframes import KeyFrame, make_key_frame
from engine.media_in import fit, load_image, read_last_frame, read_loudness, read_luma
from engine.media_out import write_image, write_sound, write_video
from engine.outputs import OutputFolders, save_output
from engine.recipe import generator, make_recipe
from engine.request import MAX_SEED, InvalidTask, Request
from engine.sound import loudness_cells, synthesize
from engine.target import Conditions, make_target
from shared.records import GeneratedArtifact

STEPS_FROM, STEPS_TO = 10, 85


class Reporter(Protocol):
    """Hears how a task goes, on the thread that generates."""

    def progress(
        self, phase: str, raw_phase: str, percent: int, step: int | None = None, steps: int | None = None
    ) -> None:
        """A phase began or moved on."""

    def preview(self, image: Image.Image | None) -> None:
        """What the latents look like after the step that was last reported."""

    def info(self, text: str) -> None:
        """Something worth knowing."""

    def output(self) -> None:
        """A file was added."""


def generate(
    request: Request, folders: OutputFolders, token: CancelToken, reporter: Reporter
) -> Iterator[GeneratedArtifact]:
    """Generates every file of a task; yields each with its media once it is complete, a batch's one after another.

    One that can't be saved is yielded too, without a path, before the OSError that says why.

    Raises :class:`Cancelled` within some 50 ms of a request for it, :class:`InvalidTask` for media that can't
    be read, and whatever else goes wrong.
    """
    first_seed = request.seed if request.seed >= 0 else random.randrange(MAX_SEED)
    reporter.progress("encoding_text", "Encoding Prompt", 8)
    count = request.copies * request.batch
    for copy in range(count):
        seed = first_seed + copy
        reporter.info(f"Sample {copy + 1} of {count}, seed {seed}")
        make = _sound if request.media_type == "audio" else _pictures
        artifact, write = make(request, seed, token, reporter)
        token.check()
        reporter.progress("downloading_output", "Saving", 96)
        try:
            path = save_output(folders.of(request.media_type), request.media_type, seed, request.prompt, write)
        except OSError:
            # A full disk takes the file, not what was asked for in memory.
            yield artifact
            raise
        del write  # it holds the media, which must not outlive its artifact
        yield dataclasses.replace(artifact, path=str(path))
        del artifact
        print(f"New {request.media_type} saved to Path: {path}")
        reporter.output()


_Made = tuple[GeneratedArtifact, Callable[[Path], None]]


def _pictures(request: Request, seed: int, token: CancelToken, reporter: Reporter) -> _Made:
    recipe = make_recipe(request.prompt, seed)
    width, height = latent_size(request.width, request.height)
    conditions = _conditions(request, (width, height), token)
    target = make_target(recipe, (request.frames, height, width), request.fps, conditions, token)
    latents = _denoise(request, target, seed, token, reporter)
    reporter.progress("decoding", "VAE Decoding", 88)
    tensor = decode_latents(latents, request.width, request.height, conditions.key_frames, token)
    artifact = GeneratedArtifact(
        path=None, media_type=request.media_type, client_id=request.client_id, video_tensor_uint8=tensor
    )
    if request.media_type == "image":
        return artifact, lambda path: write_image(path, tensor)
    audio, rate = None, None
    if request.model.audio_sampling_rate:
        rate = request.model.audio_sampling_rate
        samples = max(1, round(request.frames / request.fps * rate))
        audio = synthesize(recipe, samples, rate, token, _loudness(request, loudness_cells(samples), token))
    artifact = dataclasses.replace(artifact, fps=request.fps, audio_tensor=audio, audio_sampling_rate=rate)
    return artifact, lambda path: write_video(path, tensor, request.fps, audio, rate, token)


def _sound(request: Request, seed: int, token: CancelToken, reporter: Reporter) -> _Made:
    """Here the latents are the loudness over time; there is nothing to see, so previews have no picture."""
    recipe = make_recipe(request.prompt, seed)
    rate = request.model.audio_sampling_rate or 48000
    samples = max(1, round(request.seconds * rate))
    cells = loudness_cells(samples)
    swell = generator("swell", request.prompt, seed).uniform(-1, 1, max(2, cells // 24))
    target = _loudness(request, cells, token)
    if target is None:
        target = np.interp(np.linspace(0, len(swell) - 1, cells), np.arange(len(swell)), swell).astype(np.float32)
    latents = _denoise(request, target[None], seed, token, reporter)
    reporter.progress("decoding", "Audio Decoding", 88)
    audio = synthesize(recipe, samples, rate, token, latents[0])
    artifact = GeneratedArtifact(
        path=None,
        media_type="audio",
        client_id=request.client_id,
        audio_tensor=audio,
        audio_sampling_rate=rate,
    )
    return artifact, lambda path: write_sound(path, audio, rate)


def _denoise(request: Request, target: np.ndarray, seed: int, token: CancelToken, reporter: Reporter) -> np.ndarray:
    denoiser = Denoiser(target, seed, request.steps, token)
    for step in range(1, request.steps + 1):
        token.check()
        request.faults.at_step(step, token)
        denoiser.step()
        percent = STEPS_FROM + (STEPS_TO - STEPS_FROM) * step // request.steps
        reporter.progress("inference", "Denoising", percent, step, request.steps)
        if not request.faults.no_preview:
            seen = request.media_type != "audio"
            reporter.preview(preview_image(denoiser.latents, request.height) if seen else None)
    return denoiser.latents


def _conditions(request: Request, size: tuple[int, int], token: CancelToken) -> Conditions:
    """Key frames, guide and tint of a task, for latents of this (width, height)."""
    return Conditions(_key_frames(request, size, token), _guide(request, size, token), _tint(request))


def _key_frames(request: Request, size: tuple[int, int], token: CancelToken) -> tuple[KeyFrame, ...]:
    """The start picture (else the last frame of the source clip) and the end picture of a video."""
    if request.media_type != "video":
        return ()
    full = (request.width, request.height)
    start, source = request.attachment("image_start"), request.attachment("video_source")
    end = request.attachment("image_end")
    keys = []
    if start is not None:
        keys.append(make_key_frame(0, load_image("image_start", start, full), size))
    elif source is not None:
        picture = fit(read_last_frame("video_source", source, token), full)
        keys.append(make_key_frame(0, picture, size))
    if end is not None and (request.frames > 1 or not keys):
        keys.append(make_key_frame(request.frames - 1, load_image("image_end", end, full), size))
    return tuple(keys)


def _guide(request: Request, size: tuple[int, int], token: CancelToken) -> np.ndarray | None:
    """Luma of the guide clip, or of the guide picture, at latent size."""
    clip, picture = request.attachment("video_guide"), request.attachment("image_guide")
    if clip is not None:
        return read_luma("video_guide", clip, request.frames, size, token)
    if picture is not None:
        small = load_image("image_guide", picture, size).convert("L")
        return np.asarray(small, dtype=np.float32)[None] / 255
    return None


def _loudness(request: Request, cells: int, token: CancelToken) -> np.ndarray | None:
    """The loudness of the audio guide, which must have that track, else of the source clip, which may have none."""
    guide, source = request.attachment("audio_guide"), request.attachment("video_source")
    if guide is not None:
        loudness = read_loudness("audio_guide", guide, cells, token)
        if loudness is None:
            raise InvalidTask(f"audio_guide: {guide} has no such audio track")
        return loudness
    return None if source is None else read_loudness("video_source", source, cells, token)


def _tint(request: Request) -> np.ndarray | None:
    """The mean colour of the reference pictures."""
    references = request.attachments.get("image_refs")
    if not references:
        return None
    colours = [np.asarray(load_image("image_refs", value, (16, 16)), np.float32) for value in references]
    tint: np.ndarray = np.mean(colours, axis=(0, 1, 2)).astype(np.float32) / 255
    return tint
