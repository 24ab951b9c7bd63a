"""Writing results: H.264 and AAC in MP4 by PyAV, PNG by Pillow, 16-bit WAV by the standard library."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, PngImagePlugin

from engine.cancel import CancelToken

ABOUT = "Procedural media of the wangp-node sample root, no AI"
AAC_FRAME = 1024


def write_video(
    path: Path, tensor: np.ndarray, fps: float, audio: np.ndarray | None, rate: int | None, token: CancelToken
) -> None:
    """Encodes uint8 ``[3, F, H, W]`` at ``fps``, with sound float32 ``[samples, 2]`` at ``rate``, or none, as
    MP4.

    Raises :class:`Cancelled` between two frames, and what PyAV raises.
    """
    _, frames, height, width = tensor.shape
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = ABOUT
        video = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.options = {"preset": "veryfast", "crf": "18"}
        sound = None
        if audio is not None:
            sound = container.add_stream("aac", rate=rate)
            sound.layout = "stereo"
            sound.format = "fltp"
        written = 0
        for index in range(frames):
            token.check()
            frame = _video_frame(tensor[:, index])
            frame.pts = index
            frame.time_base = 1 / video.codec_context.framerate
            container.mux(video.encode(frame))
            if sound is not None and audio is not None:
                until = len(audio) if index == frames - 1 else int((index + 1) / fps * sound.rate)
                written = _encode_sound(container, sound, audio, written, until)
        container.mux(video.encode(None))
        if sound is not None:
            container.mux(sound.encode(None))


def _video_frame(planes: np.ndarray) -> av.VideoFrame:
    """A frame of uint8 ``[3, H, W]``, plane by plane, whose lines PyAV pads to its own length."""
    _, height, width = planes.shape
    frame = av.VideoFrame(width, height, "gbrp")
    for plane, channel in zip(frame.planes, (1, 2, 0), strict=True):
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)
        lines[:, :width] = planes[channel]
    return frame


def _encode_sound(
    container: av.container.OutputContainer, stream: av.AudioStream, audio: np.ndarray, start: int, until: int
) -> int:
    """Encodes whole AAC frames up to ``until`` (all the rest at the end) and says where it got to."""
    last = until == len(audio)
    while start + AAC_FRAME <= until or (last and start < until):
        piece = audio[start : start + AAC_FRAME]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece.T), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = stream.rate, start, Fraction(1, stream.rate)
        container.mux(stream.encode(frame))
        start += len(piece)
    return start


def write_image(path: Path, tensor: np.ndarray) -> None:
    """Writes uint8 ``[3, 1, H, W]`` as a PNG."""
    about = PngImagePlugin.PngInfo()
    about.add_text("Comment", ABOUT)
    image = Image.fromarray(np.ascontiguousarray(tensor[:, 0].transpose(1, 2, 0)))
    image.save(path, format="PNG", pnginfo=about, compress_level=1)


def write_sound(path: Path, audio: np.ndarray, rate: int) -> None:
    """Writes float32 ``[samples, channels]`` as a 16-bit WAV."""
    with open(path, "wb") as file, wave.open(file, "wb") as out:
        out.setnchannels(audio.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((np.clip(audio, -1, 1) * 32767).round().astype("<i2").tobytes())
