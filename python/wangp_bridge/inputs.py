"""Videos and pictures that the host has in memory, as sources that WanGP reads like files.

Upstream keeps such sources in ``shared.utils.virtual_media``: a setting ``NAME|vsource=SOURCE`` names one wherever
settings take a path. Each input has a source of its own, so that it can be let go of alone.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import itertools
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import clients, runtime
from .errors import BridgeError

# Upstream reads a value x back as trunc((x + 1) * 127.5), and 63 of the 256 values v / 127.5 - 1 come back one too
# small. A 64th of a level more brings all of them back, to readers that truncate and to those that round.
_ABOVE = 1 / 64
_LEVELS = 127.5

_ENCODED_FORMATS = ("PNG", "JPEG")
_RAW_MODES = {3: "RGB", 4: "RGBA"}

_numbers = itertools.count(1)
# Both are changed with the clients' lock held.
_uploads: dict[int, _Upload] = {}
_registered: dict[str, int] = {}  # the client that each source belongs to


@dataclass
class _Upload:
    """Bytes on their way: a memory that the host fills piece by piece."""

    client: int
    memory: bytearray


def begin(client: int, size: int) -> int:
    """Memory for an input of ``size`` bytes of a client. Returns its number; :func:`discard` forgets it.

    Raises BridgeError where there is no memory, and for a client that has gone.
    """
    clients.check(client)
    try:
        upload = _Upload(client, bytearray(size))
    except (MemoryError, OverflowError, ValueError) as error:
        raise BridgeError("ERR_WANGP_ARGUMENT", f"there is no memory for an input of {size} bytes") from error
    number = next(_numbers)
    with clients.lock:
        clients.check(client)
        _uploads[number] = upload
    return number


def write(number: int, offset: int, piece: memoryview) -> None:
    """Puts a piece in its place. Raises BridgeError for an unknown input, and for a piece that lies outside of it."""
    memory = _upload(number).memory
    if not 0 <= offset <= len(memory) - len(piece):
        raise BridgeError(
            "ERR_WANGP_ARGUMENT",
            f"a piece of {len(piece)} bytes at {offset} lies outside of the input, which has {len(memory)} bytes",
        )
    memory[offset : offset + len(piece)] = piece


def discard(number: int) -> None:
    """Forgets an upload; nothing happens where it has been taken."""
    with clients.lock:
        _uploads.pop(number, None)


def register_video(number: int, name: str, size: tuple[int, int, int], planar: bool, fps: float) -> str:
    """Makes a source of an upload: uint8 RGB of ``size`` (frames, height, width), channels first where ``planar``.

    Returns the path for settings. Raises BridgeError where the loaded WanGP has no such sources, for an unknown
    input, and for a client that has gone.
    """
    store = _function("store_virtual_video")
    upload = _take(number)
    file = f"wangp-memory-{number}-{name}.mp4"
    return _keep(upload, number, file, lambda source: store(source, file, _signed(upload.memory, size, planar), fps))


def register_image(number: int, name: str, raw: dict[str, Any] | None) -> str:
    """Makes a source of an upload: PNG or JPEG, or pixels of ``raw`` = ``{width, height, channels, planar}``.

    Returns the path for settings. Raises BridgeError for what is no picture, and like :func:`register_video`.
    """
    store = _function("store_virtual_image")
    upload = _take(number)
    image = _decoded(upload.memory) if raw is None else _from_raw(upload.memory, raw)
    file = f"wangp-memory-{number}-{name}.png"
    return _keep(upload, number, file, lambda source: store(source, file, image))


def unregister(path: str) -> None:
    """Lets go of an input; afterwards its path names nothing. What failed can be repeated; what is gone stays gone."""
    source = path.rpartition("vsource=")[2].partition(",")[0]
    if source in _registered:
        _clear(source)


def abandon(client: int) -> None:
    """Lets go of the inputs of a client that has gone, and of those that were on their way. Never raises."""
    with clients.lock:
        for number in [number for number, upload in _uploads.items() if upload.client == client]:
            del _uploads[number]
        sources = [source for source, owner in _registered.items() if owner == client]
    for source in sources:
        try:
            _clear(source)
        except Exception:  # one that WanGP keeps must not keep the others
            traceback.print_exc(file=sys.__stderr__)


def _keep(upload: _Upload, number: int, file: str, store: Callable[[str], Any]) -> str:
    """Has WanGP keep what an upload holds, for the upload's client; returns the path for settings."""
    source = f"wangp-node-{number}"
    try:
        store(source)
        with clients.lock:
            clients.check(upload.client)
            _registered[source] = upload.client
    except BaseException:
        with contextlib.suppress(Exception):  # what went wrong first is what is told
            _function("clear_virtual_media_source")(source)
        raise
    return f"{file}|vsource={source}"


def _clear(source: str) -> None:
    _function("clear_virtual_media_source")(source)
    with clients.lock:
        _registered.pop(source, None)


def _function(name: str) -> Any:
    try:
        module = importlib.import_module("shared.utils.virtual_media")
    except ImportError:
        module = None
    found = getattr(module, name, None)
    if not callable(found):
        raise BridgeError(
            "ERR_WANGP_UNSUPPORTED",
            f"WanGP {runtime.version() or '(of an unknown version)'} has no sources in memory (no {name} in "
            "shared/utils/virtual_media.py): update it, or write the input to a file and name that",
        )
    return found


def _upload(number: int) -> _Upload:
    upload = _uploads.get(number)
    if upload is None:
        raise BridgeError(
            "ERR_WANGP_ARGUMENT",
            f"there is no input {number} under way: it was registered or discarded, or its environment has ended",
        )
    return upload


def _take(number: int) -> _Upload:
    with clients.lock:
        upload = _upload(number)
        clients.check(upload.client)
        return _uploads.pop(number)


def _signed(memory: bytearray, size: tuple[int, int, int], planar: bool) -> Any:
    """``[3, F, H, W]`` float32 from -1 to 1, as WanGP stores videos: a tensor, or an array where there is no torch."""
    frames, height, width = size
    torch = _torch()
    if torch is None:
        import numpy

        pixels = numpy.frombuffer(memory, numpy.uint8)
        pixels = pixels.reshape((3, *size)) if planar else pixels.reshape((*size, 3)).transpose(3, 0, 1, 2)
        values = pixels.astype(numpy.float32, order="C")
        values += numpy.float32(_ABOVE)
        values /= numpy.float32(_LEVELS)
        values -= numpy.float32(1)
        return numpy.minimum(values, numpy.float32(1), out=values)
    pixels = torch.frombuffer(memory, dtype=torch.uint8)
    pixels = pixels.view(3, *size) if planar else pixels.view(frames, height, width, 3).permute(3, 0, 1, 2)
    values = pixels.to(torch.float32, memory_format=torch.contiguous_format)
    return values.add_(_ABOVE).div_(_LEVELS).sub_(1).clamp_(max=1)


def _torch() -> Any:
    """WanGP's own torch, if it has one: the sample root has not, and needs none."""
    if getattr(sys.modules.get("shared.utils.virtual_media"), "STORES_ARRAYS", False):
        return None
    return importlib.import_module("torch")


def _decoded(memory: bytearray) -> Any:
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(memory), formats=_ENCODED_FORMATS) as opened:
            opened.load()
            image = ImageOps.exif_transpose(opened)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # Pillow's message holds the address of the stream.
        reason = "no PNG or JPEG" if isinstance(error, Image.UnidentifiedImageError) else f"broken: {error}"
        raise BridgeError("ERR_WANGP_ARGUMENT", f"image, {len(memory)} bytes, is {reason}") from error
    return image if image.mode in ("RGB", "RGBA", "L") else _rgb(image)


def _rgb(image: Any) -> Any:
    """8 bits per channel; Pillow's own conversion cuts deep greys off instead of scaling them."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    transparent = image.mode in ("LA", "PA") or "transparency" in image.info
    return image.convert("RGBA" if transparent else "RGB")


def _from_raw(memory: bytearray, raw: dict[str, Any]) -> Any:
    from PIL import Image

    size, channels = (raw["width"], raw["height"]), raw["channels"]
    if not raw["planar"]:
        return Image.frombytes(_RAW_MODES[channels], size, bytes(memory))
    plane = size[0] * size[1]
    bands = [Image.frombytes("L", size, bytes(memory[at * plane : (at + 1) * plane])) for at in range(channels)]
    return Image.merge(_RAW_MODES[channels], bands)
