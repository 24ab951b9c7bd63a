"""Python's own libraries inside a process that exports other versions of them."""

from __future__ import annotations

import importlib
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

# The C modules of the standard library that link OpenSSL, zlib, SQLite, liblzma, bzip2 and zstd. Third-party modules
# keep the default flags: deep-bound, a C++ extension would crash at `std::cout`.
_MODULES = ("_ssl", "_hashlib", "zlib", "binascii", "_sqlite3", "_lzma", "_bz2", "_zstd")

# Pillow's modules that link zlib, or libraries that do: no C++ among them. With Node's zlib a PNG has other bytes.
_PACKAGE_MODULES = ("PIL._imaging", "PIL._imagingft")


def bind_stdlib_modules() -> None:
    """Imports the C modules of the standard library under RTLD_DEEPBIND.

    Must come before anything else imports them, which includes what ``.pth`` files of ``site`` import. An interpreter
    built without one of them goes without it, as from a shell.
    """
    flags = sys.getdlopenflags()
    sys.setdlopenflags(os.RTLD_NOW | os.RTLD_DEEPBIND)
    try:
        for name in _MODULES:
            try:
                importlib.import_module(name)
            except ImportError:
                continue
    finally:
        sys.setdlopenflags(flags)


def bind_package_modules() -> None:
    """Sees to it that Pillow's C modules, whenever they are imported, are bound to their own zlib."""
    sys.meta_path.insert(0, _DeepBinding())


class _DeepBinding:
    """Opens a module of ``_PACKAGE_MODULES`` under RTLD_DEEPBIND just before it is imported.

    The flags of the interpreter stay as they are: another thread may be importing a C++ extension.
    """

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Finds nothing itself: the import goes on with the next finder, and meets a library that is open."""
        del target
        spec = PathFinder.find_spec(name, path) if name in _PACKAGE_MODULES else None
        if spec is not None and spec.origin is not None:
            import contextlib
            import ctypes

            # What is wrong with the file, the import tells.
            with contextlib.suppress(OSError):
                ctypes.CDLL(spec.origin, mode=os.RTLD_NOW | os.RTLD_DEEPBIND)
        return None


def give_back_interrupts() -> None:
    """Gives SIGINT its default action back, where Python has taken it.

    Python does that wherever it finds the default action, ``install_signal_handlers = 0`` or not. A host that has
    removed its last listener would no longer end at Ctrl-C, since nothing here waits for a KeyboardInterrupt.
    """
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def import_site() -> None:
    """Does what the interpreter's start would have done: environment, site-packages, ``sitecustomize``."""
    import site

    site.main()
