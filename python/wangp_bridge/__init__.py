"""The Python side of the bridge: speaks to WanGP's `shared.api` for a host process.

The host imports this package in a fresh interpreter, before `site`, and calls :func:`prepare`. What that returns is a
module whose functions the host calls with plain values.
"""

from __future__ import annotations

import faulthandler
import os
from types import ModuleType

from .isolation import bind_package_modules, bind_stdlib_modules, give_back_interrupts, import_site


def prepare(deep_bind: bool) -> ModuleType:
    """Makes the fresh interpreter Python's own world and returns the module of commands.

    ``deep_bind``: bind the C modules of the standard library to Python's own OpenSSL, zlib and SQLite, instead of
    those that the host process exports (Linux).
    """
    if deep_bind:
        bind_stdlib_modules()
        bind_package_modules()
    give_back_interrupts()
    import_site()
    if os.environ.get("WANGP_FAULTHANDLER") == "1":
        # The descriptor itself: in a crash nothing can be handed to another thread any more.
        faulthandler.enable(file=2, all_threads=True)
    # Only now: these import modules that must find the C modules above bound.
    from . import commands, console, processes

    console.install()
    processes.install()
    commands.install()
    return commands
