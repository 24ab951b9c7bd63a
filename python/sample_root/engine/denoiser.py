"""The denoiser: seeded noise that moves to the target field in as many steps as asked for."""

from __future__ import annotations

import numpy as np
from PIL import Image

from engine.cancel import CancelToken
from engine.recipe import generator

LATENT_SCALE = 8
PREVIEW_HEIGHT = 200
PREVIEW_FRAMES = 4


def latent_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the latents of pictures of this size: one cell for 8x8 pixels, rounded up."""
    return -(-width // LATENT_SCALE), -(-height // LATENT_SCALE)


class Denoiser:
    """Latents ``[F, h, w, 3]`` (or any shape) on a straight way from noise to ``target``, one ``step`` at a
    time.
    """

    def __init__(self, target: np.ndarray, seed: int, steps: int, token: CancelToken) -> None:
        self._target = target
        self._noise_left = np.linspace(1.0, 0.0, steps + 1) ** 1.5
        self.steps_done = 0
        noise = generator("noise", seed)
        self.latents = np.empty_like(target)
        for frame in self.latents:
            token.check()
            frame[...] = noise.standard_normal(frame.shape, dtype=np.float32)

    def step(self) -> None:
        """Takes one step; the last one ends exactly at the target."""
        now, then = self._noise_left[self.steps_done : self.steps_done + 2]
        self.steps_done += 1
        if then == 0:
            np.copyto(self.latents, self._target)
            return
        self.latents -= self._target
        self.latents *= np.float32(then / now)
        self.latents += self._target


def preview_image(latents: np.ndarray, height: int) -> Image.Image:
    """Up to 4 frames of latents ``[F, h, w, 3]`` side by side as an RGB picture, at most 200 pixels tall."""
    count = min(len(latents), PREVIEW_FRAMES)
    chosen = np.linspace(0, len(latents) - 1, count).round().astype(int)
    strip = Image.fromarray(to_uint8(np.concatenate(latents[chosen], axis=1)))
    tall = min(height, PREVIEW_HEIGHT)
    return strip.resize((max(1, round(strip.width * tall / strip.height)), tall), Image.Resampling.BILINEAR)


def to_uint8(latents: np.ndarray) -> np.ndarray:
    """Latents in -1..1 to colours in 0..255, of the same shape."""
    return np.clip(latents * 127.5 + 128, 0, 255).astype(np.uint8)
