"""Reading what a task brings along: pictures by Pillow, clips by PyAV."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

import av
import numpy as np
from PIL import Image, ImageOps

from engine.cancel import CancelToken
from engine.request import InvalidTask
from shared.utils.virtual_media import (
    VirtualMediaPath,
    VirtualSource,
    get_virtual_source,
    parse_virtual_media_path,
)


def load_image(key: str, value: Any, size: tuple[int, int]) -> Image.Image:
    """A picture (path or PIL image) as RGB of exactly ``size`` (width, height), scaled and cropped to fill
    it.

    Raises :class:`InvalidTask` where the file is no picture.
    """
    if isinstance(value, Image.Image):
        image = value
    elif (source := get_virtual_source(value)) is not None:
        image = source.image or Image.fromarray(source.pixels()[0])
    else:
        path = parse_virtual_media_path(value).path
        try:
            with Image.open(path) as opened:
                image = ImageOps.exif_transpose(opened)
                image.load()
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise InvalidTask(f"{key}: Pillow can't read {path}: {error}") from error
    return fit(image.convert("RGB"), size)


def fit(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scales and crops to fill ``size``; a picture of that size keeps its pixels."""
    return image if image.size == size else ImageOps.fit(image, size, Image.Resampling.LANCZOS)


def read_luma(key: str, path: str, most: int, size: tuple[int, int], token: CancelToken) -> np.ndarray:
    """The first ``most`` frames of a clip (or of its range, a virtual media path) as luma at ``size``.

    Float32 ``[n, h, w]`` in 0..1 with n up to ``most``. Raises :class:`InvalidTask` where there is no such
    frame.
    """
    frames = [
        frame.reformat(width=size[0], height=size[1], format="gray", interpolation="AREA").to_ndarray()
        for frame in islice(_frames(key, path, token), most)
    ]
    return np.stack(frames).astype(np.float32) / 255


def read_last_frame(key: str, path: str, token: CancelToken) -> Image.Image:
    """The last frame of a clip (or of its range) as an RGB picture. Raises :class:`InvalidTask`."""
    (last,) = deque(_frames(key, path, token), maxlen=1)
    return Image.fromarray(last.to_ndarray(format="rgb24"))


def read_loudness(key: str, path: str, cells: int, token: CancelToken) -> np.ndarray | None:
    """How loud a clip (or its range) is over its length: float32 ``[cells]`` from -1, silent, to 1, its loudest.

    Of the first audio track, or the one that a virtual media path names by ``audio_track_no``, which counts from 1.
    None where there is no such track. Raises :class:`InvalidTask` where the file can't be read.
    """
    part = parse_virtual_media_path(path)
    if get_virtual_source(path) is not None:
        return None
    track = max(part.audio_track_no or 1, 1) - 1
    try:
        with av.open(part.path) as container:
            if track >= len(container.streams.audio):
                return None
            begin, end = _seconds(container, part)
            energies = _energies(container, track, begin, end, token)
    except (av.error.FFmpegError, OSError) as error:
        raise InvalidTask(f"{key}: PyAV can't read {part.path}: {error}") from error
    if not energies:
        return None
    # The mean of each cell; where there are more cells than pieces of sound, the piece that lies there.
    pieces = np.asarray(energies, np.float32)
    edges = np.linspace(0, len(pieces), cells + 1)
    starts = np.minimum(edges[:-1].astype(int), len(pieces) - 1)
    stops = np.maximum(edges[1:].astype(int), starts + 1)
    loudness = np.sqrt([pieces[start:stop].mean() for start, stop in zip(starts, stops, strict=True)])
    loudest = loudness.max()
    return (2 * loudness / loudest - 1 if loudest > 0 else loudness - 1).astype(np.float32)


def _seconds(container: av.container.InputContainer, part: VirtualMediaPath) -> tuple[float, float]:
    """Where the range of frames begins and ends; a file without pictures has none and is meant as a whole."""
    video = next(iter(container.streams.video), None)
    if video is None or not video.average_rate or (part.start_frame is None and part.end_frame is None):
        return 0.0, math.inf
    start, end = part.start_frame or 0, part.end_frame
    if part.counts_from_end:
        total = sum(1 for _ in container.decode(video=0))
        start, end = part.frame_range(total)
        container.seek(0)
    fps = float(video.average_rate)
    return start / fps, math.inf if end is None else (max(start, end) + 1) / fps


def _energies(
    container: av.container.InputContainer, track: int, begin: float, end: float, token: CancelToken
) -> list[float]:
    """The mean squares of the pieces of a track that begin in that span of seconds."""
    resampler = av.AudioResampler(format="flt", layout="mono")
    energies = []
    for decoded in container.decode(audio=track):
        token.check()
        if decoded.time is not None and decoded.time >= end:
            break
        if decoded.time is not None and decoded.time + decoded.samples / decoded.sample_rate <= begin:
            continue
        for frame in resampler.resample(decoded):
            energies.append(float(np.square(frame.to_ndarray()).mean()))
    return energies


def _frames(key: str, path: str, token: CancelToken) -> Iterator[av.VideoFrame]:
    """Decodes the frames of the range, one at a time, counting from the clip's start; at least one."""
    part = parse_virtual_media_path(path)
    source = get_virtual_source(path)
    if source is not None:
        yield from _frames_in_memory(source, part, token)
        return
    count = 0
    try:
        with av.open(part.path) as container:
            if not container.streams.video:
                raise InvalidTask(f"{key}: {part.path} has no pictures")
            start, end = part.start_frame or 0, part.end_frame
            if part.counts_from_end:
                total = sum(1 for _ in container.decode(video=0))
                start, end = part.frame_range(total)
                container.seek(0)
            elif end is not None:
                end = max(start, end)
            for frame in container.decode(video=0):
                token.check()
                if count >= start:
                    yield frame
                count += 1
                if end is not None and count > end:
                    break
    except (av.error.FFmpegError, OSError) as error:
        raise InvalidTask(f"{key}: PyAV can't read {part.path}: {error}") from error
    if count <= start:
        raise InvalidTask(f"{key}: {part.path} has {count} frames, so none from {start} on")


def _frames_in_memory(source: VirtualSource, part: VirtualMediaPath, token: CancelToken) -> Iterator[av.VideoFrame]:
    pixels = source.pixels()
    start, end = part.frame_range(len(pixels))
    for frame in pixels[start : end + 1]:
        token.check()
        yield av.VideoFrame.from_ndarray(frame, format="rgb24")
