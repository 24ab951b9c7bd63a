"""The bridge without its host: what the host offers is a stand-in that remembers what it was told."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY / "python"))


class Memory:
    """Stands for the host's memory: knows what it was made of."""

    def __init__(self, exporter: Any, *, zero_copy: bool) -> None:
        import numpy

        if not isinstance(exporter, (bytes, bytearray, memoryview)) and hasattr(exporter, "__dlpack__"):
            self.array = numpy.from_dlpack(exporter)
        else:
            try:
                self.array = numpy.asarray(memoryview(exporter))
            except TypeError as error:
                raise TypeError(f"{type(exporter).__name__!r} offers no memory") from error
        self.zero_copy = zero_copy
        self.shape = self.array.shape
        self.dtype = self.array.dtype.name


class Host:
    """Hears events, each channel's in order; ``completed`` ends it."""

    def __init__(self) -> None:
        self.events: dict[int, list[tuple[str, Any]]] = {}
        self._ended: dict[int, threading.Event] = {}

    def emit(self, channel: int, kind: str, data: Any, timestamp: float, overflow: int) -> None:
        assert isinstance(timestamp, float)
        self.events.setdefault(channel, []).append((kind, data))
        if kind == "completed":
            self.ended(channel).set()

    def ended(self, channel: int) -> threading.Event:
        return self._ended.setdefault(channel, threading.Event())


HOST = Host()


def _native() -> ModuleType:
    native = ModuleType("_wangp_native")
    vars(native).update(
        KEEP=0,
        KEEP_LATEST=1,
        DROP_OLDEST=2,
        Memory=Memory,
        emit=HOST.emit,
        set_adapter=lambda adapter: None,
        own_working_directory=lambda: True,
        write_console=lambda descriptor, data: None,
    )
    return native


sys.modules.setdefault("_wangp_native", _native())

_numbers = itertools.count(1000)


@pytest.fixture
def client() -> int:
    """A client's number, which no other test has."""
    return next(_numbers)


@pytest.fixture
def channel() -> int:
    return next(_numbers)


@pytest.fixture
def host() -> Host:
    return HOST


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What a stand-in of upstream's ``shared.utils.virtual_media`` keeps; ``sources["fail"]`` makes it refuse."""
    kept: dict[str, Any] = {}

    def store_video(source: str, name: str, tensor: Any, fps: float) -> None:
        kept[source] = (name, tensor.shape, fps)

    def clear(source: str) -> None:
        if "fail" in kept:
            raise OSError("not now")
        kept.pop(source, None)

    module = SimpleNamespace(
        STORES_ARRAYS=True,
        store_virtual_video=store_video,
        store_virtual_image=lambda source, name, image: kept.update({source: (name, image.size)}),
        clear_virtual_media_source=clear,
    )
    monkeypatch.setitem(sys.modules, "shared.utils.virtual_media", module)
    yield kept


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A WanGP whose ``init`` gives a session that does nothing; forgotten afterwards."""
    from wangp_bridge import runtime

    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "__init__.py").write_text("")
    (tmp_path / "shared" / "api.py").write_text(
        "class Session:\n    def answer(self):\n        return 42\n    def submit(self, source, callbacks=None):\n"
        "        raise AssertionError('submitted')\ndef init(**options):\n    return Session()\n"
    )
    others = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "shared"}
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(runtime, "_identity", None)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "shared"]:
        del sys.modules[name]
    sys.modules.update(others)
