"""The settings that hold media files, and making their paths independent of the working directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.utils.virtual_media import get_virtual_media_vsource, split_virtual_media_path

ATTACHMENT_KEYS = (
    "image_start",
    "image_end",
    "image_refs",
    "image_guide",
    "image_mask",
    "video_guide",
    "video_guide2",
    "video_mask",
    "video_source",
    "audio_guide",
    "audio_guide2",
    "audio_source",
    "replace_voice_sample",
    "replace_voice_sample2",
    "custom_guide",
)


def make_attachments_absolute(settings: dict[str, Any], base: Path) -> None:
    """Joins the relative attachment paths of ``settings`` to ``base``, in place, inside lists too.

    A virtual-media suffix stays as it is; what isn't the path of a file (pictures, sources in memory, None) is left
    alone.
    """
    for key in ATTACHMENT_KEYS:
        if key in settings:
            settings[key] = _absolute(settings[key], base)


def attachment_values(value: Any) -> Iterator[Any]:
    """The single values of an attachment setting: none for None and "", one, or the items of a list."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from attachment_values(item)
    elif value is not None and not (isinstance(value, str) and not value.strip()):
        yield value


def _absolute(value: Any, base: Path) -> Any:
    if isinstance(value, (list, tuple)):
        return [_absolute(item, base) for item in value]
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        return value
    if get_virtual_media_vsource(value) is not None:
        return value
    path, suffix = split_virtual_media_path(os.fspath(value))
    return os.path.normpath(base / path) + suffix
