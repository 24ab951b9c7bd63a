"""``video_length`` in seconds: ``"4s"`` and ``"5.5s"`` become frames when a task is submitted, as WanGP does it."""

from __future__ import annotations

import math
import re
from typing import Any

_SECONDS = re.compile(r"\s*(\d+(?:\.\d+)?)\s*s\s*", re.IGNORECASE)
_FPS_OF_OTHERS = 16.0


def count_frames(settings: dict[str, Any]) -> None:
    """Replaces a ``video_length`` in seconds, in place, by frames at ``force_fps`` or else the model's rate.

    What isn't in seconds, or of an unknown model, stays as it is. Raises ValueError for seconds that are none.
    """
    from engine.models import find_model

    length = settings.get("video_length")
    if not isinstance(length, str) or not length.strip().lower().endswith("s"):
        return
    try:
        model = find_model(settings.get("model_type"))
    except ValueError:
        return  # that is told with the task's validation
    match = _SECONDS.fullmatch(length)
    seconds = float(match[1]) if match else 0.0
    if not 0 < seconds < math.inf:
        raise ValueError(f"video_length in seconds must look like '4s' or '5.5s' and be above 0, not {length!r}")
    fps = _number(settings.get("force_fps"))
    if fps is None:
        fps = float(model.fps or _FPS_OF_OTHERS)
    if not 0 < fps < math.inf:
        raise ValueError(f"video_length {length!r} needs a force_fps above 0, not {settings['force_fps']!r}")
    settings["video_length"] = max(1, round(seconds * fps))


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None
