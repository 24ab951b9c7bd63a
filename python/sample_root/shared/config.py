"""``wgp_config.json`` and the folders it names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.outputs import OutputFolders

CONFIG_NAME = "wgp_config.json"


def read_config(path: Path) -> dict[str, Any]:
    """The configuration; empty where there is no such file. Raises RuntimeError where it can't be read."""
    try:
        config = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RuntimeError(f"can't read {path}: {error}") from error
    if not isinstance(config, dict):
        raise RuntimeError(f"{path} must hold an object, not a {type(config).__name__}")
    return config


def output_folders(config: dict[str, Any], root: Path, output_dir: Path | None, fallback: Path) -> OutputFolders:
    """Where results go: ``output_dir``, else what the configuration says (relative to root), else
    ``fallback``.

    Pictures and sounds without a folder of their own go where videos go.
    """
    from engine.outputs import OutputFolders

    if output_dir is not None:
        return OutputFolders(output_dir, output_dir, output_dir)

    def configured(key: str, otherwise: Path) -> Path:
        value = config.get(key)
        return root / value if isinstance(value, str) and value else otherwise

    video = configured("save_path", fallback)
    return OutputFolders(video, configured("image_save_path", video), configured("audio_save_path", video))
