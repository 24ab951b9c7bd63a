"""From what happens in a job to its events and callbacks."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shared.records import PreviewUpdate, ProgressUpdate, SessionEvent

if TYPE_CHECKING:
    from PIL import Image

    from shared.job import SessionJob

_WITHOUT_CALLBACK = ("started", "refresh_models")
_CALLBACK_KINDS = {"completed": "complete"}


class Emitter:
    """Puts each event into ``job.events`` (looked up each time: it may have been replaced), then calls back.

    What raises there is reported on the real stderr and doesn't disturb the job.
    """

    def __init__(self, job: SessionJob, callbacks: object | None) -> None:
        self._job = job
        self._callbacks = callbacks

    def emit(self, kind: str, data: Any = None) -> None:
        """Emits one event, on whichever thread this is."""
        self._call(self._job.events.put, kind, data)
        if self._callbacks is None or kind in _WITHOUT_CALLBACK:
            return
        kind = _CALLBACK_KINDS.get(kind, kind)
        self._call(self._callback(f"on_{kind}"), data)
        self._call(self._callback("on_event"), SessionEvent(kind=kind, data=data, timestamp=time.time()))

    def _callback(self, name: str) -> Callable[..., Any] | None:
        callback = getattr(self._callbacks, name, None)
        return callback if callable(callback) else None

    def _call(self, function: Callable[..., Any] | None, *arguments: Any) -> None:
        if function is None:
            return
        try:
            function(*arguments)
        except Exception:
            if sys.__stderr__ is not None:
                traceback.print_exc(file=sys.__stderr__)


class TaskReporter:
    """Reports one task.

    Implements :class:`engine.generate.Reporter`; a preview repeats what was last reported.
    """

    def __init__(self, emitter: Emitter, index: int, total: int) -> None:
        self._emitter = emitter
        self._which = f"Prompt {index}/{total}"
        self._started = time.monotonic()
        self._last = ProgressUpdate("loading_model", self._which, 0)

    def progress(
        self, phase: str, raw_phase: str, percent: int, step: int | None = None, steps: int | None = None
    ) -> None:
        status = f"{self._which} | {raw_phase} | {time.monotonic() - self._started:.1f}s"
        self._last = ProgressUpdate(phase, status, percent, step, steps, raw_phase)
        self._emitter.emit("progress", self._last)

    def cancelled(self) -> None:
        """Reports that the task ends here, at the percentage it had."""
        self.progress("cancelled", "Cancelled", self._last.progress)

    def preview(self, image: Image.Image | None) -> None:
        last = self._last
        self._emitter.emit(
            "preview",
            PreviewUpdate(image, last.phase, last.status, last.progress, last.current_step, last.total_steps),
        )

    def status(self, text: str) -> None:
        """Reports a status line."""
        self._emitter.emit("status", text)

    def info(self, text: str) -> None:
        self._emitter.emit("info", text)

    def output(self) -> None:
        self._emitter.emit("output", None)

    def refresh_models(self) -> None:
        """Reports that another model is loaded."""
        self._emitter.emit("refresh_models", None)
