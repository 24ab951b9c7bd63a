"""Virtual media paths: ``clip.mp4|start_frame=10,end_frame=40`` names part of a file without cutting it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

SEPARATOR = "|"
_NUMBERS = ("start_frame", "end_frame", "audio_track_no")


@dataclass(frozen=True)
class VirtualMediaPath:
    """A file and the part of it that is meant. ``start_frame`` is zero-based, ``end_frame`` inclusive."""

    path: str
    start_frame: int | None = None
    end_frame: int | None = None
    audio_track_no: int | None = None
    extras: dict[str, str] = field(default_factory=dict)


def build_virtual_media_path(
    path: str | os.PathLike[str],
    *,
    start_frame: int | None = None,
    end_frame: int | None = None,
    audio_track_no: int | None = None,
    extras: Mapping[str, object] | None = None,
) -> str:
    """The path with a suffix for what is given, in a fixed order; the bare path where nothing is.

    Raises TypeError for frames that are not integers, ValueError for negative ones, for an end before the
    start, and for extras whose names or values hold ``|``, ``,`` or ``=``.
    """
    given: dict[str, object] = {}
    for name, value in zip(_NUMBERS, (start_frame, end_frame, audio_track_no), strict=True):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} must be an int, not {type(value).__name__}")
        if value < 0:
            raise ValueError(f"{name} must not be negative: {value}")
        given[name] = value
    if start_frame is not None and end_frame is not None and end_frame < start_frame:
        raise ValueError(f"end_frame {end_frame} is before start_frame {start_frame}")
    for name, extra in (extras or {}).items():
        if name in _NUMBERS:
            raise ValueError(f"{name} is an argument of its own, not an extra")
        if any(mark in f"{name}{extra}" for mark in "|,=") or not name:
            raise ValueError(f"an extra may not hold '|', ',' or '=': {name!r}={extra!r}")
        given[name] = extra
    base = os.fspath(path)
    if not given:
        return base
    return base + SEPARATOR + ",".join(f"{name}={value}" for name, value in given.items())


def parse_virtual_media_path(path: str | os.PathLike[str]) -> VirtualMediaPath:
    """Takes a virtual media path apart.

    A path without a suffix, or whose ``|`` belongs to its name, is itself.

    Raises ValueError where a frame number isn't a whole number of 0 or more, or the end is before the start.
    """
    text = os.fspath(path)
    base, suffix = split_virtual_media_path(text)
    numbers: dict[str, int] = {}
    extras: dict[str, str] = {}
    for part in suffix[1:].split(",") if suffix else ():
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in _NUMBERS:
            extras[name] = value
        elif value.isdecimal():
            numbers[name] = int(value)
        else:
            raise ValueError(f"{name} must be a whole number of 0 or more in {text!r}, not {value!r}")
    start, end = numbers.get("start_frame"), numbers.get("end_frame")
    if start is not None and end is not None and end < start:
        raise ValueError(f"end_frame {end} is before start_frame {start} in {text!r}")
    return VirtualMediaPath(base, start, end, numbers.get("audio_track_no"), extras)


def split_virtual_media_path(text: str) -> tuple[str, str]:
    """Splits a path into the file's name and its suffix, ``|`` included; the suffix is empty where there is
    none.
    """
    base, mark, suffix = text.rpartition(SEPARATOR)
    if mark and suffix and all(part.partition("=")[0].strip() and "=" in part for part in suffix.split(",")):
        return base, mark + suffix
    return text, ""
