"""Fixtures for the tests of the sample root. A process has one runtime, so its sessions share the root."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
SAMPLE_ROOT = REPOSITORY / "python" / "sample_root"
sys.path.insert(0, str(SAMPLE_ROOT))

TINY = {
    "model_type": "ltx2_22B_distilled",
    "prompt": "a neon train",
    "resolution": "64x48",
    "video_length": 5,
    "num_inference_steps": 2,
    "seed": 7,
}


@pytest.fixture
def sample_root() -> Path:
    return SAMPLE_ROOT


@pytest.fixture
def media() -> Path:
    return REPOSITORY / "test" / "fixtures" / "media"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Any]:
    from shared.api import init

    session = init(output_dir=tmp_path / "outputs", console_output=False)
    yield session
    session.cancel()
    session.close()


@pytest.fixture
def tiny() -> Callable[..., dict[str, Any]]:
    """Settings of a task that takes some 30 ms, with changes."""
    return lambda **changes: {**TINY, **changes}


@pytest.fixture
def video(session: Any, tiny: Callable[..., dict[str, Any]]) -> Callable[..., Any]:
    """Generates a tiny video with changed settings and returns its artifact."""

    def generate(**changes: Any) -> Any:
        result = session.run_task(tiny(_api={"return_media": True}, **changes))
        assert result.success, result.errors
        return result.artifacts[0]

    return generate


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Runs Python code in a process of its own, working in ``tmp_path``; returns what it printed."""

    def run(code: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(SAMPLE_ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run
