"""A long import: C extensions, and then nothing but Python."""

import ctypes  # noqa: F401
import sqlite3  # noqa: F401
import ssl  # noqa: F401
import time

import numpy  # noqa: F401
import PIL.Image  # noqa: F401

end = time.monotonic() + 30
while time.monotonic() < end:
    sum(range(1000))
