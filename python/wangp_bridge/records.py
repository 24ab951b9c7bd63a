"""WanGP's records as plain values: dictionaries with upstream's field names.

Records are read by attribute, not by class: any ``shared.api`` that keeps the contract will do, and a field that an
older one lacks is None.
"""

from __future__ import annotations

import dataclasses
import enum
import os
from collections.abc import Callable, Mapping
from typing import Any

from . import media

_PROGRESS = ("phase", "status", "progress", "current_step", "total_steps", "raw_phase", "unit")
_PREVIEW = ("phase", "status", "progress", "current_step", "total_steps")
_STREAM = ("stream", "text")
_ERROR = ("message", "task_index", "task_id", "stage", "cancelled")
_RESULT = ("success", "total_tasks", "successful_tasks", "failed_tasks", "cancelled")
_ARTIFACT = ("path", "media_type", "client_id", "hdr", "audio_sampling_rate", "fps")


def _fields(record: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(record, name, None) for name in names}


def _preview(record: Any) -> dict[str, Any]:
    image = getattr(record, "image", None)
    return {**_fields(record, _PREVIEW), "image": None if image is None else media.image_to_plain(image)}


def _audio(samples: Any) -> Any:
    return None if samples is None else media.to_memory(samples, dtype="float32")


def _artifact(record: Any) -> dict[str, Any]:
    return {
        **_fields(record, _ARTIFACT),
        "video": getattr(record, "video_tensor_uint8", None),
        "video_hdr": getattr(record, "video_tensor_hdr", None),
        "audio": _audio(getattr(record, "audio_tensor", None)),
    }


def result_to_plain(record: Any) -> dict[str, Any]:
    """A ``GenerationResult`` with its errors and artifacts."""
    return {
        **_fields(record, _RESULT),
        "generated_files": [str(path) for path in getattr(record, "generated_files", ())],
        "errors": [_fields(error, _ERROR) for error in getattr(record, "errors", ())],
        "artifacts": [_artifact(artifact) for artifact in getattr(record, "artifacts", ())],
    }


_BY_KIND: dict[str, Callable[[Any], Any]] = {
    "progress": lambda record: _fields(record, _PROGRESS),
    "preview": _preview,
    "stream": lambda record: _fields(record, _STREAM),
    "error": lambda record: _fields(record, _ERROR),
    "completed": result_to_plain,
}


def event_to_plain(kind: str, data: Any) -> Any:
    """The payload of an event; one of an unknown kind passes as it is."""
    convert = _BY_KIND.get(kind)
    return data if convert is None else convert(data)


def adapt(value: Any) -> Any:
    """What the host's conversion makes of an object that is none of Python's plain types.

    Returns ``value`` itself where nothing is known of it. May raise; the host then takes it for unknown.
    """
    if _is_numpy_scalar(value):
        item = value.item()
        # A longdouble's item is itself.
        return float(value) if type(item) is type(value) else item
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, enum.Enum):
        return value.value
    if media.is_image(value):
        return media.image_to_plain(value)
    if media.is_media(value):
        return media.to_memory(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    return value


def _is_numpy_scalar(value: Any) -> bool:
    return type(value).__module__ == "numpy" and hasattr(value, "item") and not hasattr(value, "__setitem__")
