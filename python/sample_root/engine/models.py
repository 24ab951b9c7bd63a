"""The models of the sample root: their definitions, and loading and releasing one."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

_VIDEO_DEFAULTS: dict[str, Any] = {
    "prompt": "",
    "resolution": "640x384",
    "video_length": 49,
    "num_inference_steps": 8,
    "seed": -1,
    "force_fps": "",
    "repeat_generation": 1,
    "image_mode": 0,
}

_IMAGE_DEFAULTS: dict[str, Any] = {
    "prompt": "",
    "resolution": "1024x1024",
    "num_inference_steps": 8,
    "seed": -1,
    "batch_size": 1,
    "repeat_generation": 1,
    "image_mode": 1,
}

_AUDIO_DEFAULTS: dict[str, Any] = {
    "prompt": "",
    "duration_seconds": 10,
    "num_inference_steps": 8,
    "seed": -1,
    "repeat_generation": 1,
}


@dataclass(frozen=True)
class ModelDef:
    """What a model makes. ``outputs`` names its media types, the first one being what it makes unasked."""

    model_type: str
    name: str
    architecture: str
    description: str
    outputs: tuple[str, ...]
    defaults: dict[str, Any]
    fps: int | None = None
    sound: bool = False
    audio_sampling_rate: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The definition as plain values, for callers."""
        return {
            "model_type": self.model_type,
            "name": self.name,
            "architecture": self.architecture,
            "description": self.description,
            "outputs": list(self.outputs),
            "fps": self.fps,
            "sound": self.sound,
            "audio_sampling_rate": self.audio_sampling_rate,
            "sample": True,
            "defaults": copy.deepcopy(self.defaults),
        }


_MODELS = (
    ModelDef(
        model_type="ltx2_22B_distilled",
        name="Sample of LTX-2 22B distilled",
        architecture="ltx2_22B",
        description="Procedural video with sound under the name of a video model. No AI, no weights.",
        outputs=("video", "image"),
        defaults=_VIDEO_DEFAULTS,
        fps=24,
        sound=True,
        audio_sampling_rate=48000,
    ),
    ModelDef(
        model_type="t2v_1.3B",
        name="Sample of Wan 2.1 text to video 1.3B",
        architecture="t2v_1.3B",
        description="Procedural video without sound under the name of a video model. No AI, no weights.",
        outputs=("video", "image"),
        defaults=_VIDEO_DEFAULTS,
        fps=16,
    ),
    ModelDef(
        model_type="qwen_image_20B",
        name="Sample of Qwen Image 20B",
        architecture="qwen_image_20B",
        description="Procedural pictures under the name of an image model. No AI, no weights.",
        outputs=("image",),
        defaults=_IMAGE_DEFAULTS,
    ),
    ModelDef(
        model_type="ace_step_v1_5",
        name="Sample of ACE-Step v1.5",
        architecture="ace_step_v1_5",
        description="Procedural chords under the name of a music model. No AI, no weights.",
        outputs=("audio",),
        defaults=_AUDIO_DEFAULTS,
        sound=True,
        audio_sampling_rate=48000,
    ),
)
_BY_TYPE = {model.model_type: model for model in _MODELS}


def model_types() -> tuple[str, ...]:
    """The names that a task's ``model_type`` may have."""
    return tuple(_BY_TYPE)


def find_model(model_type: object) -> ModelDef:
    """The definition of a model.

    Raises ValueError, naming the known ones, where there is none of that name.
    """
    model = _BY_TYPE.get(model_type) if isinstance(model_type, str) else None
    if model is None:
        raise ValueError(f"unknown model_type {model_type!r}; the sample root has {', '.join(_BY_TYPE)}")
    return model


def default_settings(model: ModelDef) -> dict[str, Any]:
    """Complete settings for a task of this model, ready to be changed and submitted."""
    return {"model_type": model.model_type, **copy.deepcopy(model.defaults)}


class LoadedModel:
    """A model in memory.

    It stays loaded from one job to the next until another one, or nothing, takes its place.
    """

    def __init__(self, definition: ModelDef) -> None:
        self.definition = definition
