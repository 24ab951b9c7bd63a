"""WanGP's records as plain values: dictionaries with upstream's field names.

Records are read by attribute, not by class: any ``shared.api`` that keeps the contract will do. The host promises its
callers types, so each field gets the one that is documented: what an older WanGP lacks, what can't be read and what is
of another kind becomes the nearest value of that type, or None where the host says that there may be none.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import os
import sys
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from . import media

# Beyond these, integers reach JavaScript as another type.
_MOST = 2**53 - 1


def _read(record: Any, name: str) -> Any:
    try:
        return getattr(record, name, None)
    except Exception:  # a property that raises
        return None


def _text_or_none(value: Any) -> str | None:
    """Text as it is; of a path its name, of an enum its value, of anything else what ``str`` makes of it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, enum.Enum):
        return _text_or_none(value.value)
    try:
        return os.fsdecode(value) if isinstance(value, (os.PathLike, bytes)) else str(value)
    except Exception:
        return None


def _text(value: Any) -> str:
    return _text_or_none(value) or ""


def _number_or_none(value: Any) -> float | None:
    """A finite number, also where it stands as text; a truth value is none."""
    # NumPy's truth values are called so too.
    if value is None or isinstance(value, enum.Enum) or type(value).__name__ in ("bool", "bool_"):
        return None
    if isinstance(value, int):
        return value if -_MOST <= value <= _MOST else float(value) if abs(value) < 2**1023 else None
    try:
        number = float(value)
    except Exception:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) <= _MOST else number


def _number(value: Any) -> float:
    return _number_or_none(value) or 0


def _truth_or_none(value: Any) -> bool | None:
    try:
        return None if value is None else bool(value)
    except Exception:
        return None


def _id(value: Any) -> Any:
    """A task's id: any plain value; of anything else (a UUID) its text."""
    return value if value is None or isinstance(value, (str, int, float)) else _text_or_none(value)


_Fields = dict[str, Callable[[Any], Any]]

_PREVIEW: _Fields = {
    "phase": _text,
    "status": _text,
    "progress": _number,
    "current_step": _number_or_none,
    "total_steps": _number_or_none,
}
_PROGRESS: _Fields = {**_PREVIEW, "raw_phase": _text_or_none, "unit": _text_or_none}
_STREAM: _Fields = {"stream": lambda value: _text(value) or "stdout", "text": _text}
_ERROR: _Fields = {
    "message": _text,
    "task_index": _number_or_none,
    "task_id": _id,
    "stage": _text_or_none,
    "cancelled": _truth_or_none,
}
_RESULT: _Fields = {
    "total_tasks": _number,
    "successful_tasks": _number,
    "failed_tasks": _number,
    "cancelled": _truth_or_none,
}
_ARTIFACT: _Fields = {
    "path": _text_or_none,
    "media_type": _text,
    "client_id": _text_or_none,
    "hdr": _truth_or_none,
    "audio_sampling_rate": _number_or_none,
    "fps": _number_or_none,
}


def _fields(record: Any, fields: _Fields) -> dict[str, Any]:
    return {name: _as(convert, _read(record, name)) for name, convert in fields.items()}


def _as(convert: Callable[[Any], Any], value: Any) -> Any:
    try:
        return convert(value)
    except Exception:  # an object that raises at every touch
        return convert(None)


def _list(record: Any, name: str) -> list[Any]:
    try:
        return list(_read(record, name) or ())
    except Exception:
        return []


def _started(record: Any) -> dict[str, Any]:
    """What is documented is the event alone; upstream counts the tasks in it. None where it doesn't."""
    given = dict(record) if isinstance(record, Mapping) else {}
    return {**given, "tasks": _number_or_none(given.get("tasks"))}


def _preview(record: Any) -> dict[str, Any]:
    return {**_fields(record, _PREVIEW), "image": _converted(media.image_to_plain, _read(record, "image"))}


def _error(record: Any) -> dict[str, Any]:
    plain = _fields(record, _ERROR)
    if isinstance(record, (str, BaseException)) and not plain["message"]:
        plain["message"] = _text(record) or type(record).__name__
    return plain


def _artifact(record: Any) -> dict[str, Any]:
    return {
        **_fields(record, _ARTIFACT),
        "video": _tensor(record, "video_tensor_uint8", media.to_bytes),
        "video_hdr": _tensor(record, "video_tensor_hdr", media.to_floats),
        "audio": _tensor(record, "audio_tensor", media.to_floats),
    }


def _tensor(record: Any, name: str, convert: Callable[[Any], Any]) -> Any:
    """A tensor of the promised type. One that can't be made one is left out, and the console says so."""
    value = _read(record, name)
    try:
        return None if value is None else convert(value)
    except Exception as error:
        print(f"wangp-node: {name} of an artifact was left out: {error}", file=sys.__stderr__)
        return None


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
        "generated_files": [_text(path) for path in _list(record, "generated_files")],
        "errors": [_error(error) for error in _list(record, "errors")],
        "artifacts": [_artifact(artifact) for artifact in _list(record, "artifacts")],
    }


_BY_KIND: dict[str, Callable[[Any], Any]] = {
    "started": _started,
    "progress": lambda record: _fields(record, _PROGRESS),
    "preview": _preview,
    "stream": lambda record: _fields(record, _STREAM),
    "status": lambda text: "" if text is None else text,
    "info": lambda text: "" if text is None else text,
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
    if isinstance(value, uuid.UUID):
        return str(value)
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
