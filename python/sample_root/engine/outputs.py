"""Where results go: the folder of each media type, names that nobody has, and files that appear complete."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = {"video": ".mp4", "image": ".png", "audio": ".wav"}
PROMPT_LETTERS = 40


@dataclass(frozen=True)
class OutputFolders:
    """The folders of the three media types, absolute."""

    video: Path
    image: Path
    audio: Path

    def of(self, media_type: str) -> Path:
        """The folder for ``video``, ``image`` or ``audio``."""
        return {"video": self.video, "image": self.image, "audio": self.audio}[media_type]


def save_output(folder: Path, media_type: str, seed: int, prompt: str, write: Callable[[Path], None]) -> Path:
    """Lets ``write`` fill a temporary file and renames it, so that the returned path always is a complete
    file.

    The name holds the time, the seed and the start of the prompt. Nothing is overwritten. If ``write``
    raises, no file is left. Raises OSError where the folder can't be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = re.sub(r"[^0-9A-Za-z]+", "_", prompt).strip("_")[:PROMPT_LETTERS] or "untitled"
    name = f"{time.strftime('%Y-%m-%d-%Hh%Mm%Ss')}_seed{seed}_{words}"
    final, temporary = _reserve(folder, name, SUFFIXES[media_type])
    try:
        write(temporary)
        os.replace(temporary, final)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return final


def _reserve(folder: Path, name: str, suffix: str) -> tuple[Path, Path]:
    """A free name and the temporary file, made here, that keeps it from other processes meanwhile."""
    number = 1
    while True:
        stem = name if number == 1 else f"{name}_{number}"
        final, temporary = folder / (stem + suffix), folder / f".{stem}.part{suffix}"
        try:
            temporary.touch(exist_ok=False)
        except FileExistsError:
            pass
        else:
            if not final.exists():
                return final, temporary
            temporary.unlink()
        number += 1
