"""From a prompt to numbers: colours, waves and notes. The prompt is hashed, never understood."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

WAVES = 6
LIGHTS = 4
NOTES = 64
_PENTATONIC = np.array([0, 2, 4, 7, 9, 12, 14, 16])


@dataclass(frozen=True)
class Recipe:
    """What a prompt and a seed turn into.

    Two prompts share nothing; two seeds share colours, scale and pace.
    """

    palette: np.ndarray  # [4, 3]: the a, b, c, d of a + b * cos(2 pi (c v + d))
    waves: np.ndarray  # [WAVES, 5]: kx, ky, pace, phase, weight
    warp: np.ndarray  # [2, 4]: amplitude, frequency, pace, phase
    lights: np.ndarray  # [LIGHTS, 6]: x pace, y pace, x phase, y phase, radius, strength
    root_hertz: float
    beat_seconds: float
    melody: np.ndarray  # [NOTES]: semitones above the root


def make_recipe(prompt: str, seed: int) -> Recipe:
    """The recipe of a prompt (any string) and a seed (0 or more); a pair always gives the same recipe."""
    by_prompt = generator("prompt", prompt)
    by_seed = generator("seed", prompt, seed)
    hue, spread = by_prompt.uniform(0, 1), by_prompt.uniform(0.06, 0.3)
    palette = np.array(
        [
            by_prompt.uniform(0.4, 0.55, 3),
            by_prompt.uniform(0.3, 0.45, 3),
            by_prompt.uniform(0.5, 1.0, 3),
            hue + spread * np.arange(3),
        ]
    )
    scale = by_prompt.uniform(1.2, 3.2)
    angle = by_prompt.uniform(0, np.pi) + by_prompt.normal(0, 0.6, WAVES)
    length = scale * by_prompt.uniform(0.4, 2.0, WAVES)
    waves = np.stack(
        [
            length * np.cos(angle),
            length * np.sin(angle),
            by_prompt.normal(0, 0.9, WAVES),
            by_seed.uniform(0, 2 * np.pi, WAVES),
            1 / (1 + length),
        ],
        axis=1,
    )
    warp = np.stack(
        [
            by_prompt.uniform(0.15, 0.5, 2),
            by_prompt.uniform(1.0, 3.0, 2),
            by_prompt.normal(0, 0.5, 2),
            by_seed.uniform(0, 2 * np.pi, 2),
        ],
        axis=1,
    )
    lights = np.column_stack(
        [
            by_prompt.uniform(0.2, 0.8, (LIGHTS, 2)),
            by_seed.uniform(0, 2 * np.pi, (LIGHTS, 2)),
            by_prompt.uniform(0.15, 0.45, LIGHTS),
            by_prompt.uniform(0.25, 0.6, LIGHTS),
        ]
    )
    return Recipe(
        palette=palette.astype(np.float32),
        waves=waves.astype(np.float32),
        warp=warp.astype(np.float32),
        lights=lights.astype(np.float32),
        root_hertz=float(110.0 * 2 ** (by_prompt.integers(0, 12) / 12)),
        beat_seconds=float(by_prompt.uniform(0.25, 0.5)),
        melody=by_seed.choice(_PENTATONIC, NOTES),
    )


def generator(*parts: object) -> np.random.Generator:
    """A random generator that depends on nothing but ``parts`` (their text)."""
    digest = hashlib.blake2b("\0".join(str(part) for part in parts).encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype="<u4").astype(np.uint64))
