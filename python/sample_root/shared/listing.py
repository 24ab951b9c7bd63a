"""The listing of the sample root's own models: definitions, their short form, and filters."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.models import ModelDef

_INPUTS = {"video": ["text", "image", "video"], "image": ["text", "image"], "audio": ["text"]}
_QUERIED = ("model_type", "name", "description", "architecture")


def definitions(
    *,
    family: Any = None,
    base_model_type: Any = None,
    finetune: bool | str | None = None,
    model_type: Any = None,
    main_output: Any = None,
    inputs: Any = None,
    name: Any = None,
    query: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """The definitions that pass all filters: strings or lists of them, with ``*`` and ``?``, in any case."""
    from engine.models import find_model, model_types

    patterns = {
        "family": family,
        "base_model_type": base_model_type,
        "model_type": model_type,
        "main_output": main_output,
        "inputs": inputs,
        "name": name,
    }
    found = []
    for definition in map(definition_of, map(find_model, model_types())):
        facts = metadata_of(definition)
        text = " ".join(definition[key] for key in _QUERIED).casefold()
        if all(_matches(facts[key], wanted) for key, wanted in patterns.items()) and (query or "").casefold() in text:
            found.append(definition)
    if finetune is not None and str(finetune).casefold() in ("true", "1", "yes"):
        found = []
    start = max(0, offset)
    return found[start:] if limit is None else found[start : start + max(1, min(limit, 500))]


def definition_of(model: ModelDef) -> dict[str, Any]:
    """A definition as plain values, with its metadata."""
    main = model.outputs[0]
    outputs = [*model.outputs, *(["audio"] if model.sound and main != "audio" else [])]
    pictures = main != "audio"
    metadata = {
        "model_type": model.model_type,
        "family": "sample",
        "family_label": "Sample",
        "base_model_type": model.architecture,
        "finetune": False,
        "main_output": [main],
        "outputs": outputs,
        "inputs": list(_INPUTS[main]),
        "media_inputs": {
            "image": {"start": pictures, "end": main == "video"},
            "video": {"control": main == "video"},
            "audio": {"prompt": False, "output": model.sound},
        },
        "capabilities": {
            "text_to_video": main == "video",
            "image_to_video": main == "video",
            "text_to_image": "image" in outputs,
            "text_to_audio": main == "audio",
            "audio_output": model.sound,
            "lora": False,
        },
    }
    return {**model.as_dict(), "metadata": metadata}


def metadata_of(definition: dict[str, Any]) -> dict[str, Any]:
    """The short form of a definition."""
    return {**definition["metadata"], "name": definition["name"]}


def schema_of(definition: dict[str, Any]) -> dict[str, Any]:
    """What a model takes and makes, and its limits."""
    metadata = {
        **metadata_of(definition),
        "description": definition["description"],
        "fps": definition["fps"],
        "frames_minimum": None,
        "frames_steps": None,
        "infos": "",
        "prompt_infos": "",
        "sliding_window": False,
    }
    if "video" in metadata["outputs"]:
        metadata.update(frames_minimum=1, frames_steps=1)
    return {"metadata": metadata}


def _matches(values: Any, wanted: Any) -> bool:
    """Whether one of the values matches one of the patterns, or there is none."""
    patterns = [pattern.casefold() for pattern in _strings(wanted) if pattern]
    return not patterns or any(
        fnmatchcase(value.casefold(), pattern) for value in _strings(values) for pattern in patterns
    )


def _strings(value: Any) -> Iterable[str]:
    return () if value is None else (value,) if isinstance(value, str) else value
