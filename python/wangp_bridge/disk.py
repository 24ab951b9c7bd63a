"""What a full disk did to a job. WanGP goes on after a file that it couldn't save, and names it among its files."""

from __future__ import annotations

import errno
import os
import shutil
from typing import Any

# What a file system that is full may still say that it has.
_FULL_BELOW_BYTES = 16384

_NO_SPACE = os.strerror(errno.ENOSPC)


class DiskWatch:
    """Hears what a job prints, and amends the result of one whose files could not be saved."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._heard = False

    def hear(self, text: Any) -> None:
        """A line that WanGP printed."""
        if isinstance(text, str) and _NO_SPACE in text:
            self._heard = True

    def amended(self, result: dict[str, Any]) -> dict[str, Any]:
        """``result``, as plain values; where the disk is full, with an error that says so.

        Media in memory stay. A file that isn't there is named no more. A result that doesn't suffer from a full disk is
        returned as it is: a file may be missing because its user has moved it.
        """
        files: list[str] = result["generated_files"]
        folder = self._full_folder(files)
        if (folder is None and not self._heard) or result["cancelled"]:
            return result
        missing = [file for file in files if not _has_content(file)]
        if result["success"]:
            bad = missing if folder is None else files
            if not bad:
                return result
            message = _unsaved(
                folder or os.path.dirname(bad[0]), missing, [file for file in bad if file not in missing]
            )
        elif any(_NO_SPACE in error["message"] for error in result["errors"]):
            message = None
        else:
            message = (
                f"{_no_space(folder or self._folder)}, which may be why the job failed. Free some, and run it again"
            )
        return _with(result, message, missing)

    def _full_folder(self, files: list[str]) -> str | None:
        folders = [os.path.dirname(file) for file in files] + ([self._folder] if self._folder else [])
        return next((folder for folder in folders if is_full(folder)), None)


def is_full(folder: str) -> bool:
    """Whether nothing can be saved in ``folder`` any more; False where that can't be told."""
    try:
        total, free = _space(folder)
    except OSError:
        return False
    # Some network file systems and virtual ones say 0 of 0.
    return total > 0 and free < _FULL_BELOW_BYTES


def _space(folder: str) -> tuple[int, int]:
    """The bytes of a disk in all, and those that this user may still use."""
    if not hasattr(os, "statvfs"):
        usage = shutil.disk_usage(folder)
        return usage.total, usage.free
    stats = os.statvfs(folder)
    # What is kept for root is root's to use.
    free = stats.f_bfree if os.geteuid() == 0 else stats.f_bavail
    return stats.f_blocks * stats.f_frsize, free * stats.f_frsize


def _has_content(file: str) -> bool:
    try:
        return os.path.getsize(file) > 0
    except OSError:
        return False


def _no_space(folder: str | None) -> str:
    return f"{f'the disk of {folder}' if folder else 'the disk of the outputs'} has no space left"


def _unsaved(folder: str, missing: list[str], doubtful: list[str]) -> str:
    parts = [
        *([f"{', '.join(missing)} was not saved"] if missing else []),
        *([f"{', '.join(doubtful)} may be incomplete"] if doubtful else []),
    ]
    return f"{_no_space(folder)}: {' and '.join(parts)}. What is in memory is complete"


def _with(result: dict[str, Any], message: str | None, missing: list[str]) -> dict[str, Any]:
    artifacts = [
        {**artifact, "path": None if artifact["path"] in missing else artifact["path"]}
        for artifact in result["artifacts"]
    ]
    files = [file for file in result["generated_files"] if file not in missing]
    amended = {**result, "generated_files": files, "artifacts": artifacts}
    if message is None:
        return amended
    error = {"message": message, "task_index": None, "task_id": None, "stage": "runtime", "cancelled": False}
    failed = max(result["failed_tasks"], 1)
    return {
        **amended,
        "success": False,
        "errors": [*result["errors"], error],
        "failed_tasks": failed,
        "successful_tasks": min(result["successful_tasks"], max(0, result["total_tasks"] - failed)),
    }
