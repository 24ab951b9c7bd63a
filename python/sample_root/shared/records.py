"""The records that a job hands out.

All are frozen: one object can be shared by events, callbacks and results.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image


@dataclass(frozen=True)
class SessionEvent:
    """One event of a job. ``timestamp`` is in seconds since the epoch."""

    kind: str
    data: Any = None
    timestamp: float = 0.0


@dataclass(frozen=True)
class StreamMessage:
    """One line printed while a job ran, without its line ending. ``stream`` is ``stdout`` or ``stderr``."""

    stream: str
    text: str


@dataclass(frozen=True)
class ProgressUpdate:
    """How far a job has come. ``progress`` is a percentage of the whole task, 0 to 100."""

    phase: str
    status: str
    progress: int
    current_step: int | None = None
    total_steps: int | None = None
    raw_phase: str | None = None
    unit: str | None = None


@dataclass(frozen=True)
class PreviewUpdate:
    """An RGB picture of the latents so far (frames side by side), or None where there is nothing to see."""

    image: Image.Image | None
    phase: str
    status: str
    progress: int
    current_step: int | None = None
    total_steps: int | None = None


@dataclass(frozen=True)
class GeneratedArtifact:
    """One generated file with its media in memory, for tasks that asked with ``_api={"return_media": True}``.

    ``video_tensor_uint8`` is a C-contiguous ``[C, F, H, W]`` uint8 array (images have one frame);
    ``audio_tensor`` is ``[samples, channels]`` float32 in -1..1. The arrays are the engine's own, not copies.
    """

    path: str | None
    media_type: str
    client_id: str
    video_tensor_uint8: np.ndarray | None = field(default=None, repr=False, compare=False)
    video_tensor_hdr: np.ndarray | None = field(default=None, repr=False, compare=False)
    hdr: bool = False
    audio_tensor: np.ndarray | None = field(default=None, repr=False, compare=False)
    audio_sampling_rate: int | None = None
    fps: float | None = None

    def followed_by(self, other: GeneratedArtifact) -> GeneratedArtifact:
        """The same record with the frames of another one behind its own."""
        import numpy as np

        frames = [each.video_tensor_uint8 for each in (self, other)]
        return replace(self, video_tensor_uint8=np.concatenate(frames, axis=1))

    def without_media(self) -> GeneratedArtifact:
        """The same record without its arrays, so that keeping it keeps no memory."""
        return replace(self, video_tensor_uint8=None, video_tensor_hdr=None, audio_tensor=None)


@dataclass(frozen=True)
class GenerationError:
    """Why a task or a job failed. ``stage``: ``validation``, ``generation``, ``cancelled`` or ``runtime``."""

    message: str
    task_index: int | None = None
    task_id: Any = None
    stage: str | None = None

    @property
    def cancelled(self) -> bool:
        """True where the error is a cancellation."""
        return self.stage == "cancelled"

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class GenerationResult:
    """What a job came to. Failures are listed in ``errors``; nothing raises them."""

    success: bool
    generated_files: list[str] = field(default_factory=list)
    errors: list[GenerationError] = field(default_factory=list)
    total_tasks: int = 0
    successful_tasks: int = 0
    failed_tasks: int = 0
    artifacts: tuple[GeneratedArtifact, ...] = ()

    @property
    def cancelled(self) -> bool:
        """True where cancellation is all that kept the job from being done."""
        return len(self.errors) > 0 and all(error.cancelled for error in self.errors)

    def without_media(self) -> GenerationResult:
        """The same result whose artifacts hold no arrays."""
        return replace(self, artifacts=tuple(artifact.without_media() for artifact in self.artifacts))
