"""WanGPSession: submits jobs, one at a time, to the runtime of the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.config import output_folders
from shared.emitter import Emitter
from shared.job import SessionJob
from shared.job_run import ConsoleOptions, JobRun
from shared.listing import definition_of, definitions, metadata_of, schema_of
from shared.records import GenerationResult
from shared.runtime import Runtime
from shared.sources import TaskList, read_manifest, read_source, read_task

if TYPE_CHECKING:
    from engine.outputs import OutputFolders

BUSY = "WanGP session already has a generation in progress"


class WanGPSession:
    """Made by :func:`shared.api.init`. Methods may be called from any thread."""

    def __init__(
        self, runtime: Runtime, output_dir: Path | None, callbacks: object | None, console: ConsoleOptions
    ) -> None:
        self._runtime = runtime
        self._folders: OutputFolders = output_folders(
            runtime.config, runtime.root, output_dir, fallback=Path.cwd() / "outputs"
        )
        self._callbacks = callbacks
        self._console = console
        self._job_lock = threading.RLock()
        self._active_job: SessionJob | None = None

    def submit(self, source: Any, callbacks: object | None = None) -> SessionJob:
        """Starts a job from settings, a list of them, ``{"tasks": [...]}``, or a ``.json`` or ``.zip`` path.

        Raises what :func:`shared.sources.read_source` raises, and RuntimeError while a job is in progress.
        What goes wrong later is in the job's result.
        """
        return self._submit(read_source, source, callbacks)

    def submit_task(self, settings: dict[str, Any], callbacks: object | None = None) -> SessionJob:
        """Starts a job of one task.

        Raises TypeError for anything but a dict, RuntimeError like ``submit``.
        """
        return self._submit(read_task, settings, callbacks)

    def submit_manifest(self, settings_list: list[dict[str, Any]], callbacks: object | None = None) -> SessionJob:
        """Starts a job of several tasks (an empty list succeeds).

        Raises TypeError, RuntimeError like ``submit``.
        """
        return self._submit(read_manifest, settings_list, callbacks)

    def run(self, source: Any, callbacks: object | None = None) -> GenerationResult:
        """``submit`` and wait. Afterwards the session takes the next job."""
        return _finish(self.submit(source, callbacks))

    def run_task(self, settings: dict[str, Any], callbacks: object | None = None) -> GenerationResult:
        """``submit_task`` and wait."""
        return _finish(self.submit_task(settings, callbacks))

    def run_manifest(self, settings_list: list[dict[str, Any]], callbacks: object | None = None) -> GenerationResult:
        """``submit_manifest`` and wait."""
        return _finish(self.submit_manifest(settings_list, callbacks))

    def cancel(self) -> None:
        """Requests cancellation of the running job, if there is one."""
        job = self._active_job
        if job is not None:
            job.cancel()

    def close(self) -> None:
        """Waits for the running job and releases the model; a later job loads it again.

        Raises RuntimeError when called from a callback of the running job, which would wait for itself.
        """
        job = self._active_job
        thread = job._thread if job is not None else None
        if thread is threading.current_thread():
            raise RuntimeError("close() can't be called by a callback of the running job: it waits for its end")
        if thread is not None:
            thread.join()
        self._runtime.release()

    def ensure_ready(self) -> WanGPSession:
        """Returns the session: ``init`` has loaded the runtime already.

        Models load with the job that needs them.
        """
        return self

    def list_model_defs(self, **filters: Any) -> list[dict[str, Any]]:
        """The definitions of the models that pass all filters, see :func:`shared.listing.definitions`."""
        return definitions(**filters)

    def get_model_def(self, model_type: str) -> dict[str, Any] | None:
        """The definition of one model; None for an unknown one."""
        from engine.models import find_model, model_types

        return definition_of(find_model(model_type)) if model_type in model_types() else None

    def list_model_metadata(self, **filters: Any) -> list[dict[str, Any]]:
        """The short forms of the definitions that pass all filters."""
        return [metadata_of(definition) for definition in definitions(**filters)]

    def get_model_metadata(self, model_type: str) -> dict[str, Any] | None:
        """The short form of one definition; None for an unknown model."""
        definition = self.get_model_def(model_type)
        return None if definition is None else metadata_of(definition)

    def get_model_schema(self, model_type: str) -> dict[str, Any] | None:
        """What a model takes and makes, and its limits; None for an unknown model."""
        definition = self.get_model_def(model_type)
        return None if definition is None else schema_of(definition)

    def get_default_settings(self, model_type: str) -> dict[str, Any]:
        """Settings for a task of a model, complete but for the prompt.

        Raises ValueError for an unknown model.
        """
        from engine.models import default_settings, find_model

        return default_settings(find_model(model_type))

    def _submit(self, read: Callable[[Any, Path], TaskList], source: Any, callbacks: object | None) -> SessionJob:
        with self._job_lock:
            if self._active_job is not None:
                raise RuntimeError(BUSY)
            tasks = read(source, Path.cwd())
            job = SessionJob()
            callbacks = self._callbacks if callbacks is None else callbacks
            self._active_job = job
            try:
                bind_job = getattr(callbacks, "bind_job", None)
                if callable(bind_job):
                    bind_job(session=self, job=job)
                job._start(lambda: self._run(job, tasks, Emitter(job, callbacks)))
            except BaseException:
                self._active_job = None
                tasks.release()
                raise
            return job

    def _run(self, job: SessionJob, tasks: TaskList, emitter: Emitter) -> None:
        """The job's thread, from its first event to the moment when the session takes the next job."""
        emitter.emit("started", {"tasks": len(tasks.tasks)})
        run = JobRun(self._runtime, tasks.tasks, self._folders, self._console, emitter, job._token)
        result = run.run()
        tasks.release()
        emitter.emit("completed", result)
        job._set_result(result)
        job.events.close()
        del run, result
        with self._job_lock:
            self._active_job = None


def _finish(job: SessionJob) -> GenerationResult:
    result = job.result()
    if job._thread is not None and job._thread is not threading.current_thread():
        job._thread.join()
    return result
