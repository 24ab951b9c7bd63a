"""Key frames: pictures that a certain frame of the result must be, pixel for pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

LEFT_AT_THE_FAR_END = 0.15


@dataclass(frozen=True)
class KeyFrame:
    """A picture at frame ``index``: ``pixels`` uint8 ``[3, H, W]``, its ``latents`` float32 ``[h, w, 3]`` in
    -1..1, and ``detail`` float32 ``[3, H, W]``, what the latents leave out of the pixels.
    """

    index: int
    pixels: np.ndarray
    latents: np.ndarray
    detail: np.ndarray


def make_key_frame(index: int, image: Image.Image, latent_size: tuple[int, int]) -> KeyFrame:
    """A key frame of an RGB picture that already has the size of the result; ``latent_size`` is (width,
    height).
    """
    pixels = _planar(image)
    small = image.resize(latent_size, Image.Resampling.BOX)
    again = _planar(small.resize(image.size, Image.Resampling.BICUBIC))
    latents = np.asarray(small, dtype=np.float32) / 127.5 - 1
    return KeyFrame(index, pixels, latents, pixels.astype(np.float32) - again)


def _planar(image: Image.Image) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(image, dtype=np.uint8).transpose(2, 0, 1))


def key_weight(key: KeyFrame, frame: int, frames: int, alone: bool) -> float:
    """How much of a key frame is in a frame: 1 at its own, falling smoothly towards the far end."""
    away = abs(frame - key.index) / max(frames - 1, 1)
    fall = away * away * (3 - 2 * away)
    return 1 - fall * (1 - LEFT_AT_THE_FAR_END) if alone else 1 - fall
