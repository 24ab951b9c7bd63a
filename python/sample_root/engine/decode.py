"""From latents to pixels."""

from __future__ import annotations

import numpy as np
from PIL import Image

from engine.cancel import CancelToken
from engine.denoiser import to_uint8
from engine.keyframes import KeyFrame, key_weight

LEAST_DETAIL = 0.02


def decode_latents(
    latents: np.ndarray, width: int, height: int, key_frames: tuple[KeyFrame, ...], token: CancelToken
) -> np.ndarray:
    """Latents float32 ``[F, h, w, 3]`` to a C-contiguous uint8 tensor ``[3, F, H, W]``.

    Smooth upsampling, frame by frame: besides the tensor only a few frames are in memory at a time. A key
    frame's own frame is its pixels, and near it some of its detail remains.
    """
    frames = len(latents)
    tensor = np.empty((3, frames, height, width), np.uint8)
    for index in range(frames):
        token.check()
        own = next((key for key in key_frames if key.index == index), None)
        if own is not None:
            tensor[:, index] = own.pixels
            continue
        image = Image.fromarray(to_uint8(latents[index])).resize((width, height), Image.Resampling.BICUBIC)
        for channel, band in enumerate(image.split()):
            tensor[channel, index] = np.asarray(band)
        for key in key_frames:
            detail = key_weight(key, index, frames, alone=len(key_frames) == 1) ** 3
            if detail > LEAST_DETAIL:
                tensor[:, index] = np.clip(tensor[:, index] + np.float32(detail) * key.detail, 0, 255)
    return tensor
