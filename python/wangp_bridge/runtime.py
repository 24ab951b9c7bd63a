"""The one WanGP of the process, and its sessions."""

from __future__ import annotations

import importlib
import itertools
import os
import platform
import site
import sys
import sysconfig
import threading
from pathlib import Path
from typing import Any

import _wangp_native as native

from . import clients, environment
from .errors import BridgeError, import_failure, with_way_on

OWN_WORKING_DIRECTORY: bool = native.own_working_directory()

_lock = threading.Lock()
# With the client that each belongs to, and its option output_dir; changed with the clients' lock held.
_sessions: dict[int, tuple[int, Any, str | None]] = {}
_session_ids = itertools.count(1)
_identity: dict[str, Any] | None = None  # what the runtime was loaded with, by the host's names of the options


def init(client: int, options: dict[str, Any]) -> dict[str, Any]:
    """Imports WanGP's ``shared.api`` and makes a session; see :func:`commands.init`.

    Raises BridgeError: another WanGP is loaded already, a package is missing, the import or ``init`` failed, the
    client has gone. Then ``os.environ`` has the names of the option ``env`` as before, and ``sys.path`` is as it was.
    """
    global _identity
    root = Path(options["root"])
    identity = {
        "root": str(root),
        "configPath": options.get("config_path") or str(root / "wgp_config.json"),
        "cliArgs": options.get("cli_args") or [],
    }
    with _lock:
        clients.check(client)
        _refuse_another(identity)
        path = list(sys.path)
        changes = environment.Changes(options)
        try:
            # Before the folders of python_path, which come first, and for the modules of pre_import too.
            if str(root) not in sys.path:
                sys.path.insert(0, str(root))
            changes.make()
            try:
                api = importlib.import_module("shared.api")
                session = api.init(**_session_arguments(options))
            except BaseException as error:
                raise with_way_on(import_failure(error, root, sys.executable)) from error
        except BaseException:
            changes.undo()
            if _identity is None:
                _forget_import(root, path)
            raise
        _identity = identity
    info = describe(root)
    number = next(_session_ids)
    with clients.lock:
        clients.check(client)
        _sessions[number] = (client, session, options.get("output_dir"))
    return {"session": number, "info": info}


def session(number: int) -> Any:
    """The session with this number. Raises BridgeError where its client has gone."""
    return _entry(number)[1]


def client_of(number: int) -> int:
    """The client that a session belongs to. Raises BridgeError where that has gone."""
    return _entry(number)[0]


def output_folder(number: int) -> str | None:
    """Where a session's videos go; None where that isn't known."""
    folder = _entry(number)[2] or getattr(sys.modules.get("wgp"), "save_path", None)
    return os.path.join(_identity["root"], folder) if isinstance(folder, str) and _identity is not None else None


def _entry(number: int) -> tuple[int, Any, str | None]:
    entry = _sessions.get(number)
    if entry is None:
        raise BridgeError("ERR_WANGP_CLOSED", "the environment that the session belongs to has ended")
    return entry


def abandon(client: int) -> None:
    """Lets go of the sessions of a client that has gone; a job that still runs in one keeps it until it ends."""
    with clients.lock:
        numbers = [number for number, (owner, *_) in _sessions.items() if owner == client]
        sessions = [_sessions.pop(number) for number in numbers]
    # Whatever their destructors do, they do it without the lock.
    sessions.clear()


def describe(root: Path) -> dict[str, Any]:
    """Versions, interpreter, root and device, as the loaded WanGP and torch see them."""
    return {
        "wangp_version": version(),
        "python_version": platform.python_version(),
        "executable": sys.executable,
        "root": str(root),
        "device": _device(),
        "own_working_directory": OWN_WORKING_DIRECTORY,
    }


def version() -> str | None:
    """The loaded WanGP's version, where it tells one."""
    wgp = sys.modules.get("wgp")
    api = sys.modules.get("shared.api")
    found = getattr(wgp, "WanGP_version", None) or getattr(api, "__version__", None)
    return None if found is None else str(found)


def _refuse_another(identity: dict[str, Any]) -> None:
    if _identity is None or _identity == identity:
        return
    changed = [name for name, value in identity.items() if _identity[name] != value]
    if "root" in changed:
        changed = ["root"]  # the default configPath follows it
    loaded = ", ".join(f"{name}={_identity[name]}" for name in changed)
    raise BridgeError(
        "ERR_WANGP_ALREADY_INITIALIZED",
        f"WanGP is already initialised in this process with {loaded}. One process holds one WanGP: use the same "
        "options, or run this one in a process of its own, place: 'child'",
    )


def _session_arguments(options: dict[str, Any]) -> dict[str, Any]:
    names = ("root", "config_path", "output_dir", "cli_args", "console_output", "console_isatty", "webui_state")
    return {name: options[name] for name in names if options.get(name) is not None}


def _forget_import(root: Path, path: list[str]) -> None:
    """After a failed import: the next attempt must find none of it loaded, and ``sys.path`` as it was."""
    sys.path[:] = path
    environment = _environment_folders()
    for name, module in list(sys.modules.items()):
        if any(_lies_in(place, [str(root)]) and not _lies_in(place, environment) for place in _places(module)):
            del sys.modules[name]
    # What was missing may have been installed since.
    importlib.invalidate_caches()


def _environment_folders() -> list[str]:
    """The interpreter's own folders and this package's: they may lie in the root, and C modules load only once."""
    folders = [*sysconfig.get_paths().values(), *site.getsitepackages(), str(Path(__file__).parent)]
    return [*folders, *(os.path.realpath(folder) for folder in folders)]


def _lies_in(place: str, folders: list[str]) -> bool:
    return any(place.startswith(folder + os.sep) for folder in folders)


def _places(module: Any) -> list[str]:
    """The file of a module, or the folders of a package: one without ``__init__.py`` has no file."""
    try:
        return [str(place) for place in (getattr(module, "__file__", None), *getattr(module, "__path__", ())) if place]
    except Exception:  # modules that make their attributes up
        return []


def _device() -> str:
    torch = sys.modules.get("torch")
    try:
        if torch is None or not torch.cuda.is_available():
            return "cpu"
    except Exception:  # a torch that is half imported, or a driver that fails
        return "cpu"
    try:
        return str(torch.cuda.get_device_name())
    except Exception:  # a driver that answers "available" and then fails
        return "cuda"
