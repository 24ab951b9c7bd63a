"""What the host calls, by name and with plain values. Each docstring names the thread.

``thread``: a short-lived Python thread whose working directory is the caller's, where the system allows that.
``command``: the permanent Python thread. ``control``: beside a running command.
"""

from __future__ import annotations

from typing import Any

import _wangp_native as native

from . import attachments, jobs, records, runtime
from .errors import BridgeError, submission_failure


def install() -> None:
    """Once, when the interpreter starts: tells the host how to convert WanGP's objects."""
    native.set_adapter(records.adapt)


def init(options: dict[str, Any]) -> dict[str, Any]:
    """Thread. Imports ``shared.api`` of ``options["root"]`` and makes a session; returns ``{session, info}``."""
    return runtime.init(options)


def submit(session: int, method: str, source: Any, channel: int, directory: str) -> None:
    """Thread. Submits ``source`` by upstream's ``method``; the job's events go to ``channel``.

    Raises what upstream raises for a submission that it refuses.
    """
    wangp = runtime.session(session)
    if not runtime.OWN_WORKING_DIRECTORY:
        source = attachments.make_absolute(source, runtime.attachment_keys(wangp), directory)
    binding = jobs.bound(channel, wangp)
    try:
        job = getattr(wangp, method)(source, callbacks=binding)
    except Exception as error:
        jobs.forget(channel)
        active = getattr(wangp, "_active_job", None)
        if isinstance(error, RuntimeError) and active is not None and not active.done:
            raise BridgeError(
                "ERR_WANGP_BUSY",
                "the session has a job that is still running: await its result() before the next submit",
            ) from error
        coded = submission_failure(error, source)
        if coded is None:
            raise
        raise coded from error
    except BaseException:
        jobs.forget(channel)
        raise
    binding.attach(job)


def cancel(channel: int, submitting: bool) -> None:
    """Control. Requests the cancellation of the channel's job; a job that has ended is left alone.

    ``submitting``: the submit has not returned yet, and may not even have begun.
    """
    jobs.cancel(channel, submitting=submitting)


def abandon(channels: list[int]) -> None:
    """Control. Nobody listens to these channels any more: their jobs are cancelled."""
    for channel in channels:
        jobs.cancel(channel, submitting=True)


def close(session: int) -> None:
    """Thread. Releases the model; waits for a running job, as upstream does."""
    runtime.session(session).close()


def call(session: int, name: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    """Command. Any other public method of the session, with plain values."""
    wangp = runtime.session(session)
    method = None if name.startswith("_") else getattr(wangp, name, None)
    if not callable(method):
        raise BridgeError("ERR_WANGP_UNSUPPORTED", f"WanGP {runtime.version()} has no method '{name}'")
    return method(*arguments, **keywords)
