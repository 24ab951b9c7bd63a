"""WanGP's records as plain values: dictionaries with upstream's field names.

Records are read by attribute, not by class: any ``shared.api`` that keeps the contract will do. A field that an older
one lacks, or that can't be read, is None, or what `_MISSING` says where the host promises its callers a value.
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
_MISSING = {
    "phase": "",
    "status": "",
    "progress": 0,
    "stream": "stdout",
    "text": "",
    "message": "",
    "media_type": "",
    "total_tasks": 0,
    "successful_tasks": 0,
    "failed_tasks": 0,
}


def _field(record: Any, name: str) -> Any:
    try:
        value = getattr(record, name, None)
    except Exception:  # a property that raises
        value = None
    return _MISSING.get(name) if value is None else value


def _fields(record: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _field(record, name) for name in names}


def _list(record: Any, name: str) -> list[Any]:
    try:
        return list(_field(record, name) or ())
    except Exception:
        return []


def _preview(record: Any) -> dict[str, Any]:
    return {**_fields(record, _PREVIEW), "image": _converted(media.image_to_plain, _field(record, "image"))}


def _stream(record: Any) -> dict[str, Any]:
    fields = _fields(record, _STREAM)
    return {**fields, "text": fields["text"] if isinstance(fields["text"], str) else repr(fields["text"])}


def _error(record: Any) -> dict[str, Any]:
    return {**_fields(record, _ERROR), **({"message": record} if isinstance(record, str) else {})}


def _artifact(record: Any) -> dict[str, Any]:
    return {
        **_fields(record, _ARTIFACT),
        "video": _field(record, "video_tensor_uint8"),
        "video_hdr": _field(record, "video_tensor_hdr"),
        "audio": _converted(_samples, _field(record, "audio_tensor")),
    }


def _samples(audio: Any) -> Any:
    return media.to_memory(audio, dtype="float32")


def _converted(convert: Callable[[Any], Any], value: Any) -> Any:
    """None for what isn't there, and for what isn't what it should be."""
    try:
        return None if value is None else convert(value)
    except Exception:
        return None


def result_to_plain(record: Any) -> dict[str, Any]:
    """A ``GenerationResult`` with its errors and artifacts. Raises where it says neither success nor failure."""
    return {
        **_fields(record, _RESULT),
        "success": bool(record.success),
        "generated_files": [str(path) for path in _list(record, "generated_files")],
        "errors": [_error(error) for error in _list(record, "errors")],
        "artifacts": [_artifact(artifact) for artifact in _list(record, "artifacts")],
    }


_BY_KIND: dict[str, Callable[[Any], Any]] = {
    "progress": lambda record: _fields(record, _PROGRESS),
    "preview": _preview,
    "stream": _stream,
    "error": _error,
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
    # A type that was made where there is no `__name__` has no module.
    return (
        getattr(type(value), "__module__", None) == "numpy"
        and hasattr(value, "item")
        and not hasattr(value, "__setitem__")
    )
