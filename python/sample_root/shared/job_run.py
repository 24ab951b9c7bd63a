"""Running the tasks of a job, one after the other, on the job's thread."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cancel import Cancelled, CancelToken
from shared.console import ConsoleCapture, captured
from shared.emitter import Emitter, TaskReporter
from shared.records import GeneratedArtifact, GenerationError, GenerationResult, StreamMessage
from shared.runtime import Runtime
from shared.sources import Task

if TYPE_CHECKING:
    from engine.outputs import OutputFolders
    from engine.request import Request


@dataclass(frozen=True)
class ConsoleOptions:
    """What becomes of printed lines. ``capture`` False leaves stdout and stderr alone."""

    output: bool = True
    isatty: bool = True
    capture: bool = True


@dataclass
class JobRun:
    """The tasks of a job and what has come of them so far."""

    runtime: Runtime
    tasks: tuple[Task, ...]
    folders: OutputFolders
    console: ConsoleOptions
    emitter: Emitter
    token: CancelToken
    files: list[str] = field(default_factory=list)
    errors: list[GenerationError] = field(default_factory=list)
    # By the tasks' client ids, in the order of the tasks; None where there is none yet.
    artifacts: dict[str, GeneratedArtifact | None] = field(default_factory=dict)
    successful: int = 0
    failed: int = 0

    def run(self) -> GenerationResult:
        """Runs all tasks and never raises. The working directory is the root meanwhile and is put back after.

        A task that fails doesn't stop the others; cancellation and ``exit()`` do. Tasks that never began count neither
        as failed nor as successful.
        """
        try:
            with ExitStack() as stack:
                stack.enter_context(self.runtime.turn(self.token))
                stack.enter_context(_working_directory(self.runtime.root))
                stack.enter_context(self._captured())
                for task in self.tasks:
                    if not self._run_task(task):
                        break
        except Cancelled as error:
            self._fail(GenerationError(str(error), stage="cancelled"))
        except BaseException as error:
            self._fail(GenerationError(_message(error), stage="runtime"))
        total = len(self.tasks)
        return GenerationResult(
            success=not self.errors and self.successful == total,
            generated_files=self.files,
            errors=self.errors,
            total_tasks=total,
            successful_tasks=self.successful,
            failed_tasks=max(self.failed, min(len(self.errors), 1)),
            artifacts=tuple(artifact for artifact in self.artifacts.values() if artifact is not None),
        )

    def _run_task(self, task: Task) -> bool:
        """Runs one task; False where the job has to stop."""
        from engine.request import InvalidTask, read_request

        reporter = TaskReporter(self.emitter, task.index, len(self.tasks))
        self.artifacts.setdefault(task.client_id, None)
        try:
            self.token.check()
            request = read_request(task.settings, task.api, task.client_id)
            if self._load(task, request, reporter):
                self._generate(request, reporter)
                self.successful += 1
        except Cancelled as error:
            reporter.cancelled()
            self._fail_task(task, str(error), "cancelled")
            return False
        except InvalidTask as error:
            self._fail_task(task, str(error), "validation")
        except Exception as error:
            traceback.print_exc()
            self._fail_task(task, _message(error), "generation")
        except BaseException as error:
            self._fail_task(task, _message(error), "runtime")
            return False
        return True

    def _load(self, task: Task, request: Request, reporter: TaskReporter) -> bool:
        """Has the model of a request loaded; False where that failed."""
        reporter.status(f"Loading model {request.model.name}")
        reporter.progress("loading_model", "Loading Model", 0)
        try:
            if self.runtime.load(request.model, request.faults):
                print(f"Model loaded: {request.model.name} (no AI, no weights)")
                reporter.refresh_models()
        except Exception as error:
            traceback.print_exc()
            self._fail_task(task, _message(error), "runtime")
            return False
        reporter.progress("loading_model", "Model Loaded", 5)
        return True

    def _generate(self, request: Request, reporter: TaskReporter) -> None:
        from engine.generate import generate

        for number, artifact in enumerate(generate(request, self.folders, self.token, reporter)):
            if artifact.path is not None:
                self.files.append(artifact.path)
            if request.return_media:
                first = self.artifacts[request.client_id] if number % request.batch else None
                # As WanGP: one for each client id, the last; of a batch all pictures, under the path of the first.
                self.artifacts[request.client_id] = artifact if first is None else first.followed_by(artifact)
            del artifact

    def _fail_task(self, task: Task, message: str, stage: str) -> None:
        self.failed += 1
        self._fail(GenerationError(message, task.index, task.task_id, stage))

    def _fail(self, error: GenerationError) -> None:
        self.errors.append(error)
        self.emitter.emit("error", error)

    @contextmanager
    def _captured(self) -> Iterator[None]:
        if not self.console.capture:
            yield
            return
        with captured(self._capture("stdout"), self._capture("stderr")):
            yield

    def _capture(self, stream: str) -> ConsoleCapture:
        return ConsoleCapture(
            lambda line: self.emitter.emit("stream", StreamMessage(stream, line)),
            console=getattr(sys, f"__{stream}__") if self.console.output else None,
            others=getattr(sys, stream),
            isatty=self.console.isatty,
        )


def _message(error: BaseException) -> str:
    """A message that says something even where the exception doesn't."""
    if isinstance(error, SystemExit):
        return f"the generation called exit({'' if error.code is None else error.code})"
    return str(error) or type(error).__name__


@contextmanager
def _working_directory(folder: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        with suppress(FileNotFoundError):  # removed by someone meanwhile; there is nothing to go back to
            os.chdir(before)
