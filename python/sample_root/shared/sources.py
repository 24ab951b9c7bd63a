"""What ``submit`` accepts, turned into a list of tasks: settings, lists, ``{"tasks": [...]}``, .json and
.zip.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.attachments import make_attachments_absolute
from shared.durations import count_frames

QUEUE_FILE = "queue.json"


@dataclass(frozen=True)
class Task:
    """One task: its settings without ``_api``, which stands beside them. ``index`` counts from 1.

    ``client_id`` is that of the settings, or one that no other task has.
    """

    index: int
    task_id: Any
    settings: dict[str, Any]
    client_id: str
    api: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskList:
    """The tasks of a submission and the temporary folder with their media, if one was needed."""

    tasks: tuple[Task, ...]
    folder: Path | None = None

    def release(self) -> None:
        """Removes the temporary folder."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def read_source(source: Any, base: Path) -> TaskList:
    """Reads whatever ``submit`` accepts; relative attachments are joined to ``base``.

    Raises TypeError for another type or a task that isn't a dict, FileNotFoundError for a missing file,
    RuntimeError for a file that can't be read as JSON or ZIP, ValueError for one with another content or
    suffix, and for a ``video_length`` in seconds that are none.
    """
    if isinstance(source, (str, os.PathLike)):
        return _read_file(Path(source), base)
    return TaskList(_tasks(source, base))


def read_task(settings: Any, base: Path) -> TaskList:
    """Reads the settings of a single task (or its ``{"id", "params"}`` wrapper). Raises TypeError."""
    if not isinstance(settings, Mapping):
        raise TypeError(f"submit_task needs a dict of settings, not {type(settings).__name__}")
    return TaskList((_task(1, settings, base),))


def read_manifest(settings_list: Any, base: Path) -> TaskList:
    """Reads a list of settings. Raises TypeError."""
    if not isinstance(settings_list, (list, tuple)):
        raise TypeError(f"submit_manifest needs a list of settings dicts, not {type(settings_list).__name__}")
    return TaskList(_tasks(settings_list, base))


def _read_file(path: Path, base: Path) -> TaskList:
    path = base / path
    suffix = path.suffix.lower()
    if suffix not in (".json", ".zip"):
        raise ValueError(f"a source file must end in .json or .zip: {path}")
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if suffix == ".zip":
        return _read_queue(path)
    return _read_content(_parse(path.read_bytes(), str(path)), base, str(path))


def _read_queue(path: Path) -> TaskList:
    folder = Path(tempfile.mkdtemp(prefix="wangp-sample-queue-"))
    try:
        try:
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if not (folder / name).resolve().is_relative_to(folder.resolve()):
                        raise ValueError(f"{path} holds {name!r}, which lies outside of the queue")
                archive.extractall(folder)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError) as error:
            raise RuntimeError(f"can't read the queue {path}: {error}") from error
        queue = folder / QUEUE_FILE
        if not queue.is_file():
            raise ValueError(f"{path} holds no {QUEUE_FILE}")
        what = f"{QUEUE_FILE} in {path}"
        return TaskList(_read_content(_parse(queue.read_bytes(), what), folder, what).tasks, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _parse(content: bytes, what: str) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"))
    except ValueError as error:
        raise RuntimeError(f"can't read {what} as JSON: {error}") from error


def _read_content(content: Any, base: Path, what: str) -> TaskList:
    try:
        return TaskList(_tasks(content, base))
    except TypeError as error:
        raise ValueError(f"{what}: {error}") from None


def _tasks(content: Any, base: Path) -> tuple[Task, ...]:
    if isinstance(content, Mapping):
        content = content.get("tasks", [content])
    if not isinstance(content, (list, tuple)):
        raise TypeError(f"a job needs settings or a list of settings, not {type(content).__name__}")
    return tuple(_task(index, item, base) for index, item in enumerate(content, 1))


def _task(index: int, item: Any, base: Path) -> Task:
    if not isinstance(item, Mapping):
        raise TypeError(f"task {index} must be a dict of settings, not {type(item).__name__}")
    task_id, settings = item.get("id"), item
    for wrapper in ("params", "settings"):
        if isinstance(item.get(wrapper), Mapping):
            settings = item[wrapper]
            break
    settings = _copied(settings)
    api = settings.pop("_api", None)
    count_frames(settings)
    make_attachments_absolute(settings, base)
    client_id = str(settings.get("client_id") or "").strip() or uuid.uuid4().hex
    return Task(
        index,
        task_id if task_id is not None else index,
        settings,
        client_id,
        # As WanGP: what is no dict is no metadata, and is left out.
        api if isinstance(api, dict) else {},
    )


def _copied(value: Any) -> Any:
    """The same with its own dicts and lists, so that callers may change theirs; what they hold is shared."""
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(item) for item in value]
    return value
