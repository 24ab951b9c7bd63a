"""The target field: the latents that the denoiser moves to, from the recipe, key frames and the guide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.cancel import CancelToken
from engine.keyframes import KeyFrame, key_weight
from engine.recipe import Recipe

GUIDE_WEIGHT = 0.65
MOTION_LIGHT = 2.0


@dataclass(frozen=True)
class Conditions:
    """What a task gives besides its prompt.

    ``guide`` is luma ``[n, h, w]`` float32 in 0..1 at latent size, or None; ``tint`` an RGB colour ``[3]`` in
    0..1 (of the reference images), or None.
    """

    key_frames: tuple[KeyFrame, ...] = ()
    guide: np.ndarray | None = None
    tint: np.ndarray | None = None


def make_target(
    recipe: Recipe, shape: tuple[int, int, int], fps: float, conditions: Conditions, token: CancelToken
) -> np.ndarray:
    """The target of latents of ``shape`` ``[F, h, w]``: float32 ``[F, h, w, 3]``, RGB in -1..1.

    Each frame is made by itself, so that cancellation is noticed between two frames.
    """
    frames, height, width = shape
    target = np.empty((frames, height, width, 3), np.float32)
    x, y = _grid(height, width)
    for index in range(frames):
        token.check()
        value, light = _scene(recipe, x, y, index / fps if fps else 0.0)
        if conditions.guide is not None:
            luma, motion = _guide_at(conditions.guide, index)
            value = (1 - GUIDE_WEIGHT) * value + GUIDE_WEIGHT * luma
            light = light + MOTION_LIGHT * motion
        rgb = _colours(recipe.palette, value) * (0.75 + 0.45 * light)[..., None]
        if conditions.tint is not None:
            rgb = 0.5 * rgb + 0.5 * conditions.tint * rgb.mean(axis=2, keepdims=True) * 2
        frame = np.clip(rgb, 0, 1) * 2 - 1
        for key in conditions.key_frames:
            weight = np.float32(key_weight(key, index, frames, alone=len(conditions.key_frames) == 1))
            frame = (1 - weight) * frame + weight * key.latents
        target[index] = frame
    return target


def _grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of the cells' centres, ``[1, w]`` and ``[h, 1]``; the shorter side runs from -1 to 1."""
    short = min(height, width)
    x = (np.arange(width, dtype=np.float32) * 2 + 1 - width) / short
    y = (np.arange(height, dtype=np.float32) * 2 + 1 - height) / short
    return x[None, :], y[:, None]


def _scene(recipe: Recipe, x: np.ndarray, y: np.ndarray, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Warped waves in about 0..1 and soft lights from 0 up, both ``[h, w]``, at a moment of the clip."""
    t = np.float32(seconds)
    (strength_x, often_x, pace_x, phase_x), (strength_y, often_y, pace_y, phase_y) = recipe.warp
    warped_x = x + strength_x * np.sin(often_x * y + pace_x * t + phase_x)
    warped_y = y + strength_y * np.sin(often_y * x + pace_y * t + phase_y)
    value = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    for kx, ky, pace, phase, weight in recipe.waves:
        value += weight * np.sin(kx * warped_x + ky * warped_y + pace * t + phase)
    value = 0.5 + 0.9 * value / recipe.waves[:, 4].sum()
    light = np.zeros_like(value)
    for pace_x, pace_y, phase_x, phase_y, radius, strength in recipe.lights:
        centre_x, centre_y = 1.2 * np.sin(pace_x * t + phase_x), 0.8 * np.sin(pace_y * t + phase_y)
        across = np.exp(-(((x - centre_x) / radius) ** 2))
        down = np.exp(-(((y - centre_y) / radius) ** 2))
        light += strength * 2 * across * down
    return value, light


def _colours(palette: np.ndarray, value: np.ndarray) -> np.ndarray:
    """A cosine palette: ``[h, w]`` in 0..1 to RGB ``[h, w, 3]`` in about 0..1."""
    base, swing, often, shift = palette
    rgb: np.ndarray = base + swing * np.cos(np.float32(2 * np.pi) * (often * value[..., None] + shift))
    return rgb


def _guide_at(guide: np.ndarray, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Luma and motion of the guide for a frame; after its end the guide stands still."""
    here = min(index, len(guide) - 1)
    luma = guide[here]
    before = guide[max(here - 1, 0)]
    return luma, np.abs(luma - before) if index < len(guide) else np.zeros_like(luma)
