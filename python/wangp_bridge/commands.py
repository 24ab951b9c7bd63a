"""What the host calls, by name and with plain values. Each docstring names the thread.

``thread``: a short-lived Python thread whose working directory is the caller's, where the system allows that.
``command``: the permanent Python thread. ``control``: beside a running command.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import _wangp_native as native

from . import attachments, clients, inputs, jobs, records, runtime
from .errors import BridgeError, submission_failure


def install() -> None:
    """Once, when the interpreter starts: tells the host how to convert WanGP's objects."""
    native.set_adapter(records.adapt)


def init(client: int, options: dict[str, Any]) -> dict[str, Any]:
    """Thread. Imports ``shared.api`` of ``options["root"]`` and makes a session; returns ``{session, info}``."""
    return runtime.init(client, options)


def submit(
    session: int, method: str, source: Any, channel: int, directory: str | None, keywords: dict[str, Any] | None = None
) -> None:
    """Thread. Submits ``source`` by upstream's ``method``; the job's events go to ``channel``.

    ``directory``: the caller's working directory; None where it has none.
    ``keywords``: of a method that postprocesses the file ``source``. Raises what upstream raises for a submission that
    it refuses.
    """
    wangp = runtime.session(session)
    call_method = _method(wangp, method)
    resolve = not runtime.OWN_WORKING_DIRECTORY
    arguments, submitted = keywords or {}, source
    if keywords is None:
        submitted = attachments.submittable(source, directory, resolve=resolve)
    elif resolve:
        names = (*attachments.known_keys(), *attachments.KEYWORDS)
        submitted = attachments.absolute(source, directory)
        arguments = attachments.settings_absolute(keywords, names, directory)
    client, folder = runtime.client_of(session), runtime.output_folder(session)
    binding = jobs.bound(channel, wangp, client, tasks=attachments.count(submitted), folder=folder)
    try:
        job = jobs.submitted(binding, wangp, lambda: call_method(submitted, callbacks=binding, **arguments))
    except Exception as error:
        jobs.forget(channel)
        if isinstance(error, BridgeError):
            raise
        if jobs.refused_as_busy(wangp, error, source):
            raise BridgeError(
                "ERR_WANGP_BUSY",
                "the session has a job that is still running: await its result() before the next submit, or "
                "let jobs wait for their turn: createPool()",
            ) from error
        coded = submission_failure(error, source if keywords is None else None)
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


def abandon(client: int, channels: list[int]) -> None:
    """Control. A client has gone: the jobs of its open channels are cancelled, its inputs and sessions let go of.

    Whatever comes for it later is refused: this may have overtaken what it still had under way.
    """
    clients.end(client)
    for channel in channels:
        jobs.abandon(channel)
    inputs.abandon(client)
    runtime.abandon(client)


def close(session: int) -> None:
    """Thread. Releases the model; waits for a running job, as upstream does.

    A WanGP that has no ``close``, which the document doesn't name, has nothing to release that it tells of.
    """
    wangp = runtime.session(session)
    if callable(getattr(wangp, "close", None)):
        wangp.close()
    else:
        jobs.wait_for_end(wangp)


def call(session: int, name: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    """Command. Any public method of the session, with plain values.

    The host keeps those away that would start a job that nobody can reach, block this thread for as long as one takes,
    or end the session behind its back.
    """
    return _method(runtime.session(session), name)(*arguments, **keywords)


def _method(wangp: Any, name: str) -> Callable[..., Any]:
    method: Callable[..., Any] | None = None if name.startswith("_") else getattr(wangp, name, None)
    if callable(method):
        return method
    version = runtime.version() or "(of unknown version)"
    raise BridgeError("ERR_WANGP_UNSUPPORTED", f"WanGP {version} has no method '{name}'")


def begin_input(client: int, size: int) -> int:
    """Command. Memory for an input; returns its number. ``write_input`` fills it, ``discard_input`` forgets it."""
    return inputs.begin(client, size)


def write_input(number: int, offset: int, piece: memoryview) -> None:
    """Command. Puts a piece of an input in its place."""
    inputs.write(number, offset, piece)


def discard_input(number: int) -> None:
    """Command. Forgets an input that was not registered."""
    inputs.discard(number)


def register_video(number: int, name: str, size: list[int], planar: bool, fps: float) -> str:
    """Thread. Makes a video of an input's bytes; ``size`` is frames, height, width. Returns the path for settings."""
    frames, height, width = size
    return inputs.register_video(number, name, (frames, height, width), planar, fps)


def register_image(number: int, name: str, raw: dict[str, Any] | None) -> str:
    """Thread. Makes a picture of an input's bytes: an encoded one, or pixels. Returns the path for settings."""
    return inputs.register_image(number, name, raw)


def unregister(path: str) -> None:
    """Thread. Lets go of a registered input."""
    inputs.unregister(path)
