"""Errors with a stable code, and what Python's own exceptions mean to the caller."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

# Beside this package. Its requirements are this package's affair; those of a checkout are the checkout's.
_SAMPLE_ROOT = Path(__file__).resolve().parent.parent / "sample_root"


class BridgeError(Exception):
    """An error whose ``code`` (``ERR_WANGP_…``) and message the host hands to its caller as they are."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def import_failure(error: BaseException, root: Path, executable: str) -> BridgeError:
    """What to tell the user when importing or initialising ``shared.api`` raised."""
    package = missing_package(error)
    if package is not None and root == _SAMPLE_ROOT:
        return BridgeError(
            "ERR_WANGP_PACKAGE_MISSING",
            f"{executable} has no package '{package}', which the embedded sample root needs. Run "
            "`npx wangp-node setup`, which makes an environment that has it; it is used where neither the option "
            "`python` nor WANGP_PYTHON names another",
        )
    if package is not None and not _belongs_to(root, package):
        return BridgeError(
            "ERR_WANGP_PACKAGE_MISSING",
            f"{executable} has no package '{package}', which {root} needs. Install what it requires "
            f'("{executable}" -m pip install -r "{root / "requirements.txt"}"), or name the environment '
            "that WanGP is installed in with the option `python` or WANGP_PYTHON",
        )
    if isinstance(error, SystemExit):
        return BridgeError(
            "ERR_WANGP_IMPORT",
            f"WanGP in {root} called exit({error.code!r}) while it was initialised by {executable}; "
            "what it printed before says why (a flag in `cliArgs` that it doesn't know, or versions that don't match)",
        )
    return BridgeError(
        "ERR_WANGP_IMPORT",
        f"WanGP in {root} could not be initialised by {executable}: {summary(error)}",
    )


def with_way_on(error: BridgeError) -> BridgeError:
    """The error of a failed ``init`` with what can still be done in this process."""
    way = "init() can be called again in this process, with this Python; another one needs a new process"
    return BridgeError(error.code, f"{error}. {way}")


def submission_failure(error: Exception, source: object) -> BridgeError | None:
    """The coded form of what a submit raised; None where Python's own exception says it best."""
    if isinstance(source, str):
        return _file_failure(error, source)
    if isinstance(error, TypeError):
        return BridgeError("ERR_WANGP_ARGUMENT", str(error))
    return None


def _file_failure(error: Exception, file: str) -> BridgeError | None:
    reason = error.__cause__ if isinstance(error.__cause__, Exception) else error
    if isinstance(error, FileNotFoundError) and not Path(file).exists():
        return BridgeError("ERR_WANGP_FILE", f"{file} does not exist")
    if isinstance(error, OSError):
        return BridgeError("ERR_WANGP_FILE", f"{file} cannot be read: {error.strerror or error}")
    if isinstance(reason, (json.JSONDecodeError, UnicodeDecodeError)):
        return BridgeError("ERR_WANGP_SETTINGS_FILE", f"{file} is no JSON: {reason}")
    if isinstance(reason, zipfile.BadZipFile):
        return BridgeError("ERR_WANGP_SETTINGS_FILE", f"{file} is no queue archive: {reason}")
    if isinstance(error, (TypeError, ValueError, RuntimeError)):
        return BridgeError("ERR_WANGP_SETTINGS_FILE", f"{file} cannot be used: {error}")
    return None


def summary(error: BaseException) -> str:
    """The exception in one line: its type, and what it says."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def missing_package(error: BaseException | None) -> str | None:
    """The module that an import lacked, also where an ImportError of its own was raised from that; else None."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and error.name:
            return error.name
        error = error.__cause__ if isinstance(error, ImportError) else None
    return None


def _belongs_to(root: Path, module: str) -> bool:
    top = module.partition(".")[0]
    return (root / top).is_dir() or (root / f"{top}.py").is_file()
