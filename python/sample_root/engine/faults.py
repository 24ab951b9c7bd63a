"""Faults on demand, for tests: the setting ``sample_fault``, described in README.md.

A real WanGP has none of it.
"""

from __future__ import annotations

import builtins
import ctypes
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from engine.cancel import CancelToken

LINE_LENGTH = 100


@dataclass(frozen=True)
class Faults:
    """What is to go wrong. Everything that isn't about a certain step happens at step 1."""

    raise_at_load: bool = False
    raise_at_step: int | None = None
    print_lines: int = 0
    print_lines_stderr: int = 0
    hold_gil_seconds: float = 0.0
    python_loop_seconds: float = 0.0
    hang_until_cancelled: bool = False
    exit: int | None = None
    step_seconds: float = 0.0
    no_preview: bool = False

    def at_load(self) -> None:
        """Runs while the model is loaded."""
        if self.raise_at_load:
            raise RuntimeError("sample_fault: raise_at_load")

    def at_step(self, step: int, token: CancelToken) -> None:
        """Runs before the work of a step (one-based)."""
        if self.step_seconds:
            token.sleep(self.step_seconds)
        if step == 1:
            self._at_first_step(token)
        if step == self.raise_at_step:
            raise RuntimeError(f"sample_fault: raise_at_step {step}")

    def _at_first_step(self, token: CancelToken) -> None:
        for number in range(1, self.print_lines + 1):
            print(numbered_line(number))
        for number in range(1, self.print_lines_stderr + 1):
            print(numbered_line(number), file=sys.stderr)
        if self.hold_gil_seconds:
            sleep_holding_the_gil(self.hold_gil_seconds)
        if self.python_loop_seconds:
            compute_in_python(self.python_loop_seconds)
        if self.hang_until_cancelled:
            token.sleep(None)
        if self.exit is not None:
            getattr(builtins, "exit", sys.exit)(self.exit)


def read_faults(value: Any) -> Faults:
    """Reads the setting ``sample_fault`` (a dict, or None). Raises ValueError for what isn't in README.md."""
    if value is None:
        return Faults()
    if not isinstance(value, dict):
        raise ValueError(f"sample_fault must be a dict, not {type(value).__name__}")
    defaults = {fault.name: fault.default for fault in fields(Faults)}
    unknown = sorted(str(name) for name in value if name not in defaults)
    if unknown:
        raise ValueError(f"unknown sample_fault {', '.join(unknown)}; there are {', '.join(defaults)}")
    for name, given in value.items():
        if isinstance(defaults[name], bool):
            right: tuple[type, ...] = (bool,)
        else:
            right = (int, float) if name.endswith("seconds") else (int,)
        if not isinstance(given, right) or (isinstance(given, bool) and right != (bool,)):
            raise ValueError(f"sample_fault {name} must be a {right[-1].__name__}, not {given!r}")
    return Faults(**value)


def numbered_line(number: int) -> str:
    """A line of 100 characters: ``line 00001 ....``, so that a lost or torn one shows."""
    return f"line {number:05d} ".ljust(LINE_LENGTH, ".")


def sleep_holding_the_gil(seconds: float) -> None:
    """Sleeps in C without releasing the GIL, like an extension module that forgets to."""
    if sys.platform == "win32":
        ctypes.PyDLL("kernel32").Sleep(int(seconds * 1000))
        return

    class Timespec(ctypes.Structure):
        _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]

    whole = int(seconds)
    span = Timespec(whole, int((seconds - whole) * 1e9))
    nanosleep: Callable[..., int] = ctypes.PyDLL(None).nanosleep
    nanosleep(ctypes.byref(span), None)


def compute_in_python(seconds: float) -> None:
    """Computes in pure Python, which hands the GIL on every few milliseconds only
    (``sys.getswitchinterval``).
    """
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        count += 1
