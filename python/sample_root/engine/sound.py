"""Sound from a recipe: a soft chord with plucked notes above it."""

from __future__ import annotations

import numpy as np

from engine.cancel import CancelToken
from engine.recipe import Recipe

BLOCK = 16384
LOUDNESS_CELL = 1024
FADE_SECONDS = 0.01
_CHORD = (0, 7, 12, 16)


def loudness_cells(samples: int) -> int:
    """How many cells of loudness a sound of so many samples has."""
    return max(2, -(-samples // LOUDNESS_CELL))


def synthesize(
    recipe: Recipe, samples: int, rate: int, token: CancelToken, loudness: np.ndarray | None = None
) -> np.ndarray:
    """Stereo sound: C-contiguous float32 ``[samples, 2]`` within -1..1, at ``rate`` samples per second.

    ``loudness`` ``[cells]`` in -1..1 makes it softer (-1) or louder (1) over its length; None leaves it even.
    """
    sound = np.empty((samples, 2), np.float32)
    for start in range(0, samples, BLOCK):
        token.check()
        time = np.arange(start, min(start + BLOCK, samples)) / rate
        sound[start : start + BLOCK] = _block(recipe, time)
    if loudness is not None:
        where = np.linspace(0, len(loudness) - 1, samples)
        gain = 0.75 + 0.25 * np.clip(np.interp(where, np.arange(len(loudness)), loudness), -1, 1)
        sound *= gain.astype(np.float32)[:, None]
    fade = min(int(FADE_SECONDS * rate), samples // 2)
    ramp = (np.arange(fade, dtype=np.float32) / max(fade, 1))[:, None]
    sound[:fade] *= ramp
    sound[samples - fade :] *= ramp[::-1]
    return sound


def _block(recipe: Recipe, time: np.ndarray) -> np.ndarray:
    """The samples at these moments (seconds), ``[n, 2]``."""
    left, right = np.zeros_like(time), np.zeros_like(time)
    for voice, semitones in enumerate(_CHORD):
        hertz = recipe.root_hertz * 2 ** (semitones / 12)
        tone = np.sin(2 * np.pi * hertz * time) * (0.6 + 0.4 * np.sin(2 * np.pi * (0.1 + 0.05 * voice) * time))
        pan = voice / (len(_CHORD) - 1)
        left += 0.09 * (1 - 0.6 * pan) * tone
        right += 0.09 * (0.4 + 0.6 * pan) * tone
    beat, since = np.divmod(time, recipe.beat_seconds)
    note = recipe.melody[beat.astype(np.int64) % len(recipe.melody)]
    pitch = 2 * recipe.root_hertz * 2.0 ** (note / 12)
    attack = np.minimum(since / 0.005, 1)
    pluck = attack * np.exp(-6 * since) * np.sin(2 * np.pi * pitch * since)
    swing = 0.5 + 0.3 * np.sin(2 * np.pi * 0.2 * time)
    left += 0.3 * pluck * swing
    right += 0.3 * pluck * (1 - swing)
    return np.stack([left, right], axis=1)
