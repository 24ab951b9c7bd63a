"""Validation: from a task's settings, as the web interface exports them, to what the engine is asked for."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from typing import Any

from PIL import Image

from engine.faults import Faults, read_faults
from engine.models import ModelDef, find_model
from shared.attachments import ATTACHMENT_KEYS, attachment_values
from shared.utils.virtual_media import get_virtual_media_vsource, get_virtual_source, parse_virtual_media_path

MAX_SIDE = 8192
MAX_FRAMES = 100_000
MAX_STEPS = 1000
MAX_FPS = 240
MAX_SECONDS = 3600.0
MAX_SEED = 2**31 - 1
_FPS_WORDS = ("", "auto", "control", "source")


class InvalidTask(ValueError):
    """A task that can't be run as it stands; the message says which setting is wrong and what it may be."""


@dataclass(frozen=True)
class Request:
    """One validated task.

    Sizes in pixels, ``fps`` in frames and ``audio_sampling_rate`` in samples per second. Each of the ``copies`` is a
    ``batch`` of pictures, or one video or sound.
    """

    model: ModelDef
    media_type: str
    prompt: str
    steps: int
    seed: int
    copies: int
    batch: int
    attachments: dict[str, list[Any]]
    faults: Faults
    client_id: str
    return_media: bool
    width: int = 0
    height: int = 0
    frames: int = 0
    fps: float = 0.0
    seconds: float = 0.0

    def attachment(self, key: str) -> Any:
        """The first value of an attachment setting (a path or a PIL image), or None."""
        return next(iter(self.attachments.get(key, ())), None)


def read_request(settings: dict[str, Any], api: dict[str, Any], client_id: str) -> Request:
    """Validates the settings of one task; keys that the engine doesn't know are ignored.

    Missing settings have the model's defaults. For video, ``video_length`` (frames) wins; without it the
    length is ``duration_seconds * fps``, and without both the model's default. For audio only
    ``duration_seconds`` counts. Raises :class:`InvalidTask`.
    """
    try:
        model = find_model(settings.get("model_type"))
        faults = read_faults(settings.get("sample_fault"))
    except ValueError as error:
        raise InvalidTask(str(error)) from None
    media_type = _media_type(model, settings)
    given = {**model.defaults, **{key: value for key, value in settings.items() if value is not None}}
    batch = _whole("batch_size", given.get("batch_size", 1), 1, MAX_FRAMES) if media_type == "image" else 1
    return Request(
        model=model,
        media_type=media_type,
        prompt=_prompt(given.get("prompt", "")),
        steps=_whole("num_inference_steps", given["num_inference_steps"], 1, MAX_STEPS),
        seed=_whole("seed", given.get("seed", -1), -1, MAX_SEED),
        copies=_whole("repeat_generation", given.get("repeat_generation", 1), 1, MAX_FRAMES),
        batch=batch,
        attachments=_attachments(settings),
        faults=faults,
        client_id=client_id,
        return_media=bool(api.get("return_media", False)),
        **_extent(model, media_type, settings, given),
    )


def _media_type(model: ModelDef, settings: dict[str, Any]) -> str:
    image_mode = settings.get("image_mode")
    if image_mode is None or model.outputs[0] == "audio":
        return model.outputs[0]
    wanted = "image" if _whole("image_mode", image_mode, 0, 2) else "video"
    return wanted if wanted in model.outputs else model.outputs[0]


def _extent(model: ModelDef, media_type: str, settings: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    if media_type == "audio":
        seconds = _positive("duration_seconds", given.get("duration_seconds") or model.defaults["duration_seconds"])
        return {"seconds": seconds}
    width, height = _resolution(given["resolution"])
    if media_type == "image":
        return {"width": width, "height": height, "frames": 1}
    if width % 2 or height % 2:
        raise InvalidTask(f"resolution {width}x{height} must have even sides for a video (H.264 with 4:2:0 colours)")
    fps = _fps(given.get("force_fps"), model)
    if settings.get("video_length") is not None:
        frames = _whole("video_length", settings["video_length"], 1, MAX_FRAMES)
    elif settings.get("duration_seconds"):
        frames = max(1, round(_positive("duration_seconds", settings["duration_seconds"]) * fps))
    else:
        frames = model.defaults["video_length"]
    return {"width": width, "height": height, "frames": frames, "fps": fps, "seconds": frames / fps}


def _resolution(value: Any) -> tuple[int, int]:
    match = re.fullmatch(r"\s*(\d{1,5})\s*[xX×]\s*(\d{1,5})\b.*", value) if isinstance(value, str) else None
    if match is None:
        raise InvalidTask(f"resolution must look like '640x384' (width x height), not {value!r}")
    width, height = int(match[1]), int(match[2])
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise InvalidTask(f"resolution {value!r} must have sides of 1 to {MAX_SIDE} pixels")
    return width, height


def _fps(value: Any, model: ModelDef) -> float:
    if value is None or (isinstance(value, str) and value.strip().lower() in _FPS_WORDS):
        return float(model.fps or 0)
    try:
        fps = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        fps = math.nan
    if not 1 <= fps <= MAX_FPS:
        raise InvalidTask(f"force_fps must be a number from 1 to {MAX_FPS} (24 or '24'), not {value!r}")
    return fps


def _whole(name: str, value: Any, least: int, most: int) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole or not least <= value <= most:
        raise InvalidTask(f"{name} must be a whole number from {least} to {most}, not {value!r}")
    return int(value)


def _positive(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= MAX_SECONDS:
        raise InvalidTask(f"{name} must be a number above 0 and up to {MAX_SECONDS:g}, not {value!r}")
    return float(value)


def _prompt(value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidTask(f"prompt must be a string, not {type(value).__name__}")
    return value


def _attachments(settings: dict[str, Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for key in ATTACHMENT_KEYS:
        for value in attachment_values(settings.get(key)):
            if isinstance(value, (str, os.PathLike)):
                path = parse_virtual_media_path(value).path
                if get_virtual_media_vsource(value) is not None:
                    if get_virtual_source(value) is None:
                        raise InvalidTask(f"{key}: there is nothing in memory under {value}")
                elif not os.path.isfile(path):
                    raise InvalidTask(f"{key}: there is no file {path}")
            elif not isinstance(value, Image.Image):
                raise InvalidTask(f"{key} must be a path or a PIL image, not {type(value).__name__}")
            found.setdefault(key, []).append(value)
    return found
