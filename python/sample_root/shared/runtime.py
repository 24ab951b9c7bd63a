"""The one runtime of the process: its root, its configuration and the model that stays loaded."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cancel import CancelToken
from shared.config import read_config

if TYPE_CHECKING:
    from engine.faults import Faults
    from engine.models import LoadedModel, ModelDef

TURN_POLL_SECONDS = 0.02

_lock = threading.Lock()
_runtime: Runtime | None = None


class Runtime:
    """Shared by all sessions. A job holds its turn from its first task to its last."""

    def __init__(self, root: Path, config_path: Path, cli_args: tuple[str, ...]) -> None:
        self.root = root
        self.config_path = config_path
        self.cli_args = cli_args
        self.config: dict[str, Any] = read_config(config_path)
        self.model: LoadedModel | None = None
        self.model_loads = 0
        self._turn = threading.Lock()

    @contextmanager
    def turn(self, token: CancelToken) -> Iterator[None]:
        """Waits until no other job runs. Raises :class:`Cancelled` when cancelled meanwhile."""
        while not self._turn.acquire(timeout=TURN_POLL_SECONDS):
            token.check()
        try:
            yield
        finally:
            self._turn.release()

    def load(self, definition: ModelDef, faults: Faults) -> bool:
        """Makes a model the loaded one, during a turn. False where it was loaded already."""
        from engine.models import LoadedModel

        if self.model is not None and self.model.definition is definition:
            return False
        self.model = None
        faults.at_load()
        self.model = LoadedModel(definition)
        self.model_loads += 1
        return True

    def release(self) -> None:
        """Lets go of the model, after the job whose turn it is."""
        with self._turn:
            self.model = None


def get_runtime(root: Path, config_path: Path, cli_args: tuple[str, ...]) -> Runtime:
    """The runtime of the process, made at the first call.

    Raises RuntimeError when asked for another root, config_path or cli_args than the first time, or when the
    configuration can't be read; ImportError when a library that the engine needs is missing.
    """
    global _runtime
    with _lock:
        if _runtime is None:
            import_engine()
            _runtime = Runtime(root, config_path, cli_args)
        wanted = {"root": root, "config_path": config_path, "cli_args": cli_args}
        for name, value in wanted.items():
            present = getattr(_runtime, name)
            if present != value:
                raise RuntimeError(
                    f"WanGP is already initialised in this process with {name} {present!s}; "
                    f"{value!s} needs a process of its own"
                )
        return _runtime


def import_engine() -> None:
    """Imports the engine. Raises ImportError that says what to install."""
    try:
        import engine.generate  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"the sample root of wangp-node can't be used: {error}. "
            "It needs numpy, pillow and av: `npx wangp-node setup` makes an environment that has them"
        ) from error
