"""Relative attachment paths, where a thread can't have the caller's working directory."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

# Arguments of the postprocessing methods that name files.
KEYWORDS = ("audio_source", "replace_voice_sample", "replace_voice_sample2")


def make_absolute(source: Any, keys: tuple[str, ...], directory: str) -> Any:
    """``source`` of a submit with its attachments made absolute against ``directory``.

    ``source``: a settings dictionary, a list of them, ``{"tasks": [...]}``, or the path of a ``.json`` file, which is
    read here. A ``.zip`` queue brings its own media and stays as it is. ``keys``: the settings that hold attachments.
    """
    if isinstance(source, str):
        path = Path(directory, source)
        if path.suffix.lower() != ".json":
            return str(path)
        with path.open(encoding="utf-8") as file:
            return make_absolute(json.load(file), keys, directory)
    if isinstance(source, list):
        return [make_absolute(task, keys, directory) for task in source]
    if not isinstance(source, dict):
        return source
    if isinstance(source.get("tasks"), list):
        return {**source, "tasks": make_absolute(source["tasks"], keys, directory)}
    for wrapper in ("params", "settings"):
        if isinstance(source.get(wrapper), dict):
            return {**source, wrapper: make_absolute(source[wrapper], keys, directory)}
    return settings_absolute(source, keys, directory)


def settings_absolute(settings: dict[str, Any], keys: tuple[str, ...], directory: str) -> dict[str, Any]:
    """A copy of ``settings`` with the attachments under ``keys`` made absolute."""
    return {key: absolute(value, directory) if key in keys else value for key, value in settings.items()}


def absolute(value: Any, directory: str) -> Any:
    """One attachment, or a list of them; what is no path stays as it is."""
    if isinstance(value, list):
        return [absolute(item, directory) for item in value]
    if not isinstance(value, str) or not value.strip() or "vsource=" in value:
        return value
    path, separator, suffix = value.partition("|")
    return os.path.join(directory, path.strip()) + separator + suffix
