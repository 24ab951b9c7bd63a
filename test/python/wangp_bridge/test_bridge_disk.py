"""What a full disk does to the result of a job."""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace

import pytest

from wangp_bridge import disk
from wangp_bridge.disk import DiskWatch

NO_SPACE = os.strerror(errno.ENOSPC)


def result(files, **changes):
    """What WanGP says of a job of two tasks, the first of which returned media."""
    artifact = {"path": files[0] if files else None, "video": "tensor"}
    given = {
        "success": True,
        "cancelled": False,
        "total_tasks": 2,
        "successful_tasks": 2,
        "failed_tasks": 0,
        "generated_files": files,
        "errors": [],
        "artifacts": [artifact],
    }
    return {**given, **changes}


def failed(message):
    return result([], success=False, successful_tasks=1, failed_tasks=1, errors=[{"message": message}])


@pytest.fixture
def full(monkeypatch):
    monkeypatch.setattr(disk, "_space", lambda folder: (10**9, 4096))


@pytest.fixture
def saved(tmp_path):
    file = tmp_path / "saved.mp4"
    file.write_bytes(b"x")
    return str(file)


def test_a_result_is_left_alone_where_there_is_space_even_if_its_files_were_moved(tmp_path):
    given = result([str(tmp_path / "moved.mp4")])
    assert DiskWatch(str(tmp_path)).amended(given) is given


def test_a_success_on_a_full_disk_becomes_a_failure_that_names_the_files_and_keeps_the_media(tmp_path, saved, full):
    empty = tmp_path / "empty.mp4"
    empty.touch()
    amended = DiskWatch(str(tmp_path)).amended(result([str(empty), saved]))
    assert amended["success"] is False
    assert (amended["successful_tasks"], amended["failed_tasks"]) == (1, 1)
    assert amended["generated_files"] == [saved]
    assert amended["artifacts"] == [{"path": None, "video": "tensor"}]
    assert amended["errors"] == [
        {
            "message": f"the disk of {tmp_path} has no space left: {empty} was not saved and {saved} may be "
            "incomplete. What is in memory is complete",
            "task_index": None,
            "task_id": None,
            "stage": "runtime",
            "cancelled": False,
        }
    ]


def test_a_failure_on_a_full_disk_says_what_may_be_why(tmp_path, full):
    amended = DiskWatch(str(tmp_path)).amended(failed("cannot mmap an empty file"))
    assert [error["message"] for error in amended["errors"]] == [
        "cannot mmap an empty file",
        f"the disk of {tmp_path} has no space left, which may be why the job failed. Free some, and run it again",
    ]
    assert (amended["successful_tasks"], amended["failed_tasks"]) == (1, 1)


def test_a_failure_that_says_so_itself_is_not_told_twice(tmp_path, full):
    given = failed(f"[Errno 28] {NO_SPACE}: 'a.mp4'")
    assert DiskWatch(str(tmp_path)).amended(given) == given


def test_a_cancelled_job_stays_cancelled(tmp_path, full):
    given = result([], success=False, cancelled=True)
    assert DiskWatch(str(tmp_path)).amended(given) is given


def test_a_file_that_was_not_saved_is_found_by_what_was_printed_where_there_is_space_again(tmp_path, saved):
    watch = DiskWatch(str(tmp_path))
    watch.hear(f"cache_image failed, error: [Errno 28] {NO_SPACE}")
    missing = str(tmp_path / "missing.jpg")
    amended = watch.amended(result([missing, saved]))
    assert amended["generated_files"] == [saved]
    assert amended["errors"][0]["message"] == (
        f"the disk of {tmp_path} has no space left: {missing} was not saved. What is in memory is complete"
    )


def test_a_save_that_succeeded_at_another_try_is_a_success(saved):
    watch = DiskWatch(None)
    watch.hear(f"error saving: {NO_SPACE}")
    given = result([saved])
    assert watch.amended(given) is given


@pytest.mark.parametrize("space", [(0, 0), OSError("gone")])
def test_a_disk_that_does_not_tell_is_not_full(space, monkeypatch):
    def tell(folder):
        if isinstance(space, OSError):
            raise space
        return space

    monkeypatch.setattr(disk, "_space", tell)
    assert not disk.is_full("/anywhere")


def test_what_is_kept_for_root_counts_for_root_alone(monkeypatch):
    stats = SimpleNamespace(f_blocks=100, f_bfree=10, f_bavail=0, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda folder: stats)
    for user, is_full in ((0, False), (1000, True)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        assert disk.is_full("/anywhere") is is_full
