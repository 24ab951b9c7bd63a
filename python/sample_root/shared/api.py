"""The Python API that WanGP documents, answered by the sample root of wangp-node.

The engine behind it has no AI and no weights: its media are procedural. See README.md beside this folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared.attachments import ATTACHMENT_KEYS
from shared.config import CONFIG_NAME
from shared.job import SessionJob
from shared.job_run import ConsoleOptions
from shared.records import (
    GeneratedArtifact,
    GenerationError,
    GenerationResult,
    PreviewUpdate,
    ProgressUpdate,
    SessionEvent,
    StreamMessage,
)
from shared.runtime import get_runtime
from shared.session import WanGPSession
from shared.stream import SessionStream

__all__ = [
    "ATTACHMENT_KEYS",
    "GeneratedArtifact",
    "GenerationError",
    "GenerationResult",
    "PreviewUpdate",
    "ProgressUpdate",
    "SessionEvent",
    "SessionJob",
    "SessionStream",
    "StreamMessage",
    "WanGPSession",
    "init",
]

EXIT_FLAG = "--sample-exit"
_ROOT = Path(__file__).resolve().parent.parent


def init(
    *,
    root: str | os.PathLike[str] | None = None,
    config_path: str | os.PathLike[str] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    callbacks: object | None = None,
    cli_args: Sequence[str] | None = None,
    console_output: bool = True,
    console_isatty: bool = True,
    webui_state: dict[str, Any] | None = None,
) -> WanGPSession:
    """A session on the runtime of this process, which the first call creates.

    ``root`` is the folder that jobs work in (default: this one); ``config_path`` defaults to its
    ``wgp_config.json``, which need not exist. ``cli_args`` are accepted and ignored, but for ``--sample-exit
    CODE``, which calls ``sys.exit(CODE)`` as a parser does at a bad flag. With ``webui_state`` jobs still run
    here, as there is no web queue; as documented, ``output_dir`` is then ignored and nothing printed is
    captured.

    Raises TypeError for wrong types, FileNotFoundError for a missing root, ValueError for a config_path of
    another name, ImportError for a missing library, and RuntimeError for an unreadable configuration and for
    another root, config_path or cli_args than the first call had.
    """
    folder = _path("root", root) or _ROOT
    config = _path("config_path", config_path)
    output = _path("output_dir", output_dir)
    arguments = _arguments(cli_args)
    if webui_state is not None and not isinstance(webui_state, dict):
        raise TypeError(f"webui_state must be a dict or None, not {type(webui_state).__name__}")
    if config is not None and config.name != CONFIG_NAME:
        raise ValueError(f"config_path must point to a file named {CONFIG_NAME}, not {config}")
    if not folder.is_dir():
        raise FileNotFoundError(f"root is no folder: {folder}")
    if EXIT_FLAG in arguments:
        sys.exit(int(arguments[arguments.index(EXIT_FLAG) + 1]))
    runtime = get_runtime(folder, config or folder / CONFIG_NAME, arguments)
    web = webui_state is not None
    console = ConsoleOptions(output=bool(console_output), isatty=bool(console_isatty), capture=not web)
    return WanGPSession(runtime, None if web else output, callbacks, console)


def _path(name: str, value: str | os.PathLike[str] | None) -> Path | None:
    """An absolute path, against the working directory of this moment."""
    if value is None:
        return None
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name} must be a path or None, not {type(value).__name__}")
    return Path(value).expanduser().resolve()


def _arguments(value: Sequence[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        raise TypeError("cli_args must be a list of strings")
    return tuple(value)
