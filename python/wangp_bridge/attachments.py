"""The source of a submit as WanGP gets it: attachments made absolute, and files that it would misread.

A thread that has the caller's working directory leaves both to WanGP. Where the system allows none, a job that runs
moves the directory of the whole process, and relative paths have to be resolved here.
"""

from __future__ import annotations

import codecs
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

from .errors import BridgeError

# Arguments of the postprocessing methods that name files.
KEYWORDS = ("audio_source", "replace_voice_sample", "replace_voice_sample2")

# The settings that hold attachments, where the loaded WanGP doesn't name them.
_KEYS = (
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


def known_keys() -> tuple[str, ...]:
    """The settings that hold paths of attachments, as the loaded WanGP names them, or as they are known here."""
    for module in ("shared.api", "wgp"):
        names = getattr(sys.modules.get(module), "ATTACHMENT_KEYS", None)
        if isinstance(names, (list, tuple)) and names:
            return tuple(str(name) for name in names)
    return _KEYS


def submittable(source: Any, directory: str | None, *, resolve: bool) -> Any:
    """``source`` of a submit as WanGP is to get it.

    ``source``: a settings dictionary, a list of them, ``{"tasks": [...]}``, or the path of a ``.json`` or ``.zip``
    file, relative to ``directory``. With ``resolve``, attachments are made absolute against that too, also those in a
    ``.json`` file, which is read here for that; a ``.zip`` queue brings its own media. What is wrong with a file, WanGP
    says: its path is handed on. Raises BridgeError for what is no file at all: to open a pipe may take for ever.
    """
    if not isinstance(source, str):
        return _resolved(source, known_keys(), directory) if resolve else source
    path = Path(directory or "", source)
    _refuse_special(path)
    content = _settings_of(path) if resolve or _begins_with_bom(path) else None
    if content is None:
        return str(path)
    return _resolved(content, known_keys(), directory) if resolve else content


def _refuse_special(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise BridgeError("ERR_WANGP_FILE", f"{path} is no file: name a .json or .zip file")


def count(source: Any) -> int:
    """How many tasks a submit is of; 1 where only WanGP knows."""
    tasks = source.get("tasks") if isinstance(source, dict) else source
    return len(tasks) if isinstance(tasks, list) else 1


def settings_absolute(settings: dict[str, Any], keys: tuple[str, ...], directory: str | None) -> dict[str, Any]:
    """A copy of ``settings`` with the attachments under ``keys`` made absolute."""
    return {key: absolute(value, directory) if key in keys else value for key, value in settings.items()}


def absolute(value: Any, directory: str | None) -> Any:
    """One attachment, or a list of them; what is no path of a file stays as it is."""
    if isinstance(value, list):
        return [absolute(item, directory) for item in value]
    if not isinstance(value, str) or not value.strip():
        return value
    path, separator, suffix = value.partition("|")
    if any(item.strip().startswith("vsource=") for item in suffix.split(",")):
        return value
    return os.path.join(directory or "", path.strip()) + separator + suffix


def _resolved(source: Any, keys: tuple[str, ...], directory: str | None) -> Any:
    if isinstance(source, list):
        return [_resolved(task, keys, directory) for task in source]
    if not isinstance(source, dict):
        return source
    if isinstance(source.get("tasks"), list):
        return {**source, "tasks": _resolved(source["tasks"], keys, directory)}
    for wrapper in ("params", "settings"):
        if isinstance(source.get(wrapper), dict):
            return {**source, wrapper: settings_absolute(source[wrapper], keys, directory)}
    return settings_absolute(source, keys, directory)


def _begins_with_bom(path: Path) -> bool:
    """Windows' editors put a byte order mark before UTF-8. WanGP takes a settings file that begins so for no JSON."""
    if path.suffix.lower() != ".json":
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8
    except OSError:
        return False


def _settings_of(path: Path) -> Any:
    """What a ``.json`` file holds, where that can be submitted; else None."""
    if path.suffix.lower() != ".json":
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    tasks = content.get("tasks", [content]) if isinstance(content, dict) else content
    return content if isinstance(tasks, list) and all(isinstance(task, dict) for task in tasks) else None
