"""Virtual media paths: ``clip.mp4|start_frame=10,end_frame=40`` names part of a file without cutting it.

And ``clip.mp4|vsource=SOURCE`` names a video or a picture that lies in memory, under that name, in that source.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

SEPARATOR = "|"
_NUMBERS = ("start_frame", "end_frame", "audio_track_no")

# There is no torch here: a video in memory may be a NumPy array.
STORES_ARRAYS = True


@dataclass(frozen=True)
class VirtualMediaPath:
    """A file and the part of it that is meant.

    ``start_frame`` is zero-based, ``end_frame`` inclusive; negative ones count from the end.
    """

    path: str
    start_frame: int | None = None
    end_frame: int | None = None
    audio_track_no: int | None = None
    extras: dict[str, str] = field(default_factory=dict)

    @property
    def counts_from_end(self) -> bool:
        """Whether the range can't be told without knowing how many frames there are."""
        return (self.start_frame or 0) < 0 or (self.end_frame or 0) < 0

    def frame_range(self, total: int) -> tuple[int, int]:
        """The first and the last frame that are meant, of a clip of ``total`` frames; never outside of it."""
        start, end = (
            max(0, min(total + frame if frame < 0 else frame, total - 1))
            for frame in (self.start_frame or 0, total - 1 if self.end_frame is None else self.end_frame)
        )
        return start, max(start, end)


def build_virtual_media_path(
    path: str | os.PathLike[str],
    *,
    start_frame: int | None = None,
    end_frame: int | None = None,
    audio_track_no: int | None = None,
    extras: Mapping[str, object] | None = None,
) -> str:
    """The path with a suffix for what is given, in a fixed order; the bare path where nothing is.

    Raises TypeError for frames that are not integers. Extras with an empty name or value are left out.
    """
    base = os.fspath(path).strip()
    parts: list[str] = []
    for name, value in zip(_NUMBERS, (start_frame, end_frame, audio_track_no), strict=True):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} must be an int, not {type(value).__name__}")
        parts.append(f"{name}={value}")
    for name, extra in (extras or {}).items():
        if name.strip() and extra and str(extra).strip():
            parts.append(f"{name.strip()}={str(extra).strip()}")
    return f"{base}{SEPARATOR}{','.join(parts)}" if base and parts else base


def parse_virtual_media_path(path: str | os.PathLike[str]) -> VirtualMediaPath:
    """Takes a virtual media path apart at its first ``|``; a path without one is itself.

    Numbers that are none count as missing. An item without ``=`` is an extra with an empty value.
    """
    base, suffix = split_virtual_media_path(os.fspath(path))
    numbers: dict[str, int] = {}
    extras: dict[str, str] = {}
    for item in (part.strip() for part in suffix[1:].split(",")):
        name, equals, value = (piece.strip() for piece in item.partition("="))
        if not item:
            continue
        if not equals or name.lower() not in _NUMBERS:
            extras[name.lower() if equals else item] = value
            continue
        number = _whole(value)
        if number is None:
            numbers.pop(name.lower(), None)
        else:
            numbers[name.lower()] = number
    return VirtualMediaPath(base, *(numbers.get(name) for name in _NUMBERS), extras)


def split_virtual_media_path(text: str) -> tuple[str, str]:
    """Splits a path into the file's name and its suffix, ``|`` included.

    The suffix is empty where there is none, or no file before it.
    """
    base, mark, suffix = text.partition(SEPARATOR)
    return (base.strip(), mark + suffix) if mark and base.strip() else (text, "")


def _whole(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class VirtualSource:
    """What lies in memory: ``frames`` float32 ``[3, F, H, W]`` from -1 to 1 with its ``fps``, or an ``image``."""

    frames: np.ndarray | None = None
    fps: float = 1.0
    image: Image.Image | None = None

    def pixels(self) -> np.ndarray:
        """The frames as uint8 RGB ``[F, H, W, 3]``: levels are truncated, not rounded."""
        import numpy as np

        if self.frames is None:
            assert self.image is not None
            return np.asarray(self.image.convert("RGB"), dtype=np.uint8)[None]
        levels = (self.frames + np.float32(1)) * np.float32(127.5)
        return np.ascontiguousarray(np.clip(levels, 0, 255).astype(np.uint8).transpose(1, 2, 3, 0))


_sources: dict[str, dict[str, VirtualSource]] = {}
_lock = threading.Lock()


def store_virtual_video(vsource: str, name: str, tensor: Any, fps: float) -> None:
    """Keeps a video: float ``[3, F, H, W]`` from -1 to 1, an array or what NumPy makes one of; it is copied."""
    import numpy as np

    frames = np.array(tensor, dtype=np.float32, order="C")
    with _lock:
        _sources.setdefault(vsource.strip(), {})[name.strip()] = VirtualSource(frames, max(float(fps), 1.0))


def store_virtual_image(vsource: str, name: str, image: Image.Image) -> None:
    """Keeps a copy of a picture."""
    with _lock:
        _sources.setdefault(vsource.strip(), {})[name.strip()] = VirtualSource(image=image.copy())


def clear_virtual_media_source(vsource: str) -> None:
    """Lets go of everything in a source."""
    with _lock:
        _sources.pop(vsource.strip(), None)


def get_virtual_media_vsource(path: str | os.PathLike[str]) -> str | None:
    """The name of the source that a path names; None for a file's."""
    return parse_virtual_media_path(path).extras.get("vsource") or None


def get_virtual_source(path: str | os.PathLike[str]) -> VirtualSource | None:
    """What lies in memory under a path; None for a file's, and for what was let go of."""
    part = parse_virtual_media_path(path)
    with _lock:
        return _sources.get(part.extras.get("vsource", ""), {}).get(part.path)
