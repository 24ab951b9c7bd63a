"""What ``init`` changes in the interpreter before it imports WanGP, and puts back where that fails."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from .errors import BridgeError, missing_package, summary


class Changes:
    """The options ``env``, ``python_path`` and ``pre_import`` of one ``init``, in the order in which they act.

    :meth:`undo` leaves modules that were imported by their names: others may use them by now.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._variables: dict[str, Any] = options.get("env") or {}
        self._folders: list[str] = options.get("python_path") or []
        self._modules: list[str] = options.get("pre_import") or []
        self._added: list[str] = []
        self._before: dict[str, str | None] = {}
        self._files: list[str] = []

    def make(self) -> None:
        """Makes them. Raises BridgeError that names what can't be done."""
        for name, value in self._variables.items():
            self._set_variable(name, value)
        for folder in reversed(self._folders):
            if folder in sys.path:
                sys.path.remove(folder)
            else:
                self._added.append(folder)
            sys.path.insert(0, folder)
        for index, entry in enumerate(self._modules):
            self._import(entry, f"preImport[{index}]")

    def undo(self) -> None:
        """Puts the variables and the search path back, and forgets the files that were imported as modules."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        for folder in self._added:
            if folder in sys.path:
                sys.path.remove(folder)
        for module in self._files:
            sys.modules.pop(module, None)

    def _set_variable(self, name: str, value: Any) -> None:
        try:
            before = os.environ.get(name)
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = str(value)
        except (ValueError, OSError) as error:  # '=' or NUL, or nothing; OSError is the system's own refusal
            raise BridgeError(
                "ERR_WANGP_ARGUMENT", f"env[{name!r}] can't be set to {value!r}: {error}. Names have no '=' and no NUL"
            ) from error
        self._before.setdefault(name, before)

    def _import(self, entry: str, name: str) -> None:
        is_file = entry.endswith(".py")
        if is_file and not Path(entry).is_file():
            problem = "is no file" if Path(entry).exists() else "does not exist"
            raise BridgeError("ERR_WANGP_FILE", f"{name} names {entry}, which {problem}")
        try:
            if is_file:
                self._import_file(Path(entry))
            else:
                importlib.import_module(entry)
        except BridgeError:
            raise
        except BaseException as error:
            raise _failure(entry, error) from error

    def _import_file(self, path: Path) -> None:
        name = path.stem
        if name in sys.modules:
            loaded = getattr(sys.modules[name], "__file__", None)
            if loaded is not None and Path(loaded).exists() and path.samefile(loaded):
                return
            raise BridgeError(
                "ERR_WANGP_ARGUMENT",
                f"preImport names {path}, but another module '{name}' is loaded already"
                f"{f' from {loaded}' if loaded else ''}: give the file another name",
            )
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        self._files.append(name)


def _failure(entry: str, error: BaseException) -> BridgeError:
    package = missing_package(error)
    if package is not None and (entry == package or entry.startswith(f"{package}.")):
        return BridgeError(
            "ERR_WANGP_ARGUMENT",
            f"preImport names the module '{entry}', but {sys.executable} has no '{package}'. Install it there, or add "
            "its folder to pythonPath",
        )
    if package is not None:
        return BridgeError(
            "ERR_WANGP_PACKAGE_MISSING",
            f"{sys.executable} has no package '{package}', which the module '{entry}' of preImport needs. Install it: "
            f'"{sys.executable}" -m pip install {package.partition(".")[0]}',
        )
    return BridgeError("ERR_WANGP_IMPORT", f"the module '{entry}' of preImport could not be imported: {summary(error)}")
