"""Python's own libraries inside a process that exports other versions of them."""

from __future__ import annotations

import importlib
import os
import sys

# The C modules of the standard library that link OpenSSL, zlib, SQLite, liblzma and bzip2. Third-party modules keep
# the default flags: deep-bound, a C++ extension would crash at `std::cout`.
_MODULES = ("_ssl", "_hashlib", "zlib", "_sqlite3", "_lzma", "_bz2")


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


def import_site() -> None:
    """Does what the interpreter's start would have done: environment, site-packages, ``sitecustomize``."""
    import site

    site.main()
