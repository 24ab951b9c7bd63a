"""Media of any kind as contiguous memory of the CPU, without a copy where that is what they are."""

from __future__ import annotations

import struct
import sys
from typing import Any

import _wangp_native as native

# What JavaScript has typed arrays for on every Node in use: half floats become float32.
_DTYPES = frozenset(
    ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64")
)


def to_memory(media: Any, *, dtype: str | None = None) -> native.Memory:
    """The memory of ``media``: a torch tensor, a NumPy array, or anything with DLPack or the buffer protocol.

    Same address where the elements lie contiguous and writable in the CPU's memory and have a type that JavaScript
    knows; otherwise a copy, and ``zero_copy`` is false. ``dtype`` asks torch and NumPy for that element type. Any
    Python thread. Raises TypeError or BufferError for what has no such elements (objects, strings, complex numbers).
    """
    if _is_instance(media, "torch", "Tensor"):
        return _from_torch(media, dtype)
    if _is_instance(media, "numpy", "ndarray"):
        return _from_numpy(media, dtype)
    try:
        return native.Memory(media, zero_copy=True)
    except BufferError:
        return _from_copy(media)


def to_floats(media: Any) -> native.Memory:
    """The memory of ``media`` as float32, as :func:`to_memory` gives it."""
    return _as_dtype(media, "float32")


def to_bytes(media: Any) -> native.Memory:
    """The memory of ``media`` as uint8, as :func:`to_memory` gives it.

    Raises ValueError where that would change a value: floats from -1 to 1 are no bytes, whoever made them.
    """
    memory = to_memory(media)
    if memory.dtype == "uint8":
        return memory
    import numpy

    array = _as_array(media)
    with numpy.errstate(invalid="ignore"):
        converted = array.astype(numpy.uint8, order="C")
    if not (converted == array).all():
        raise ValueError(f"it has {memory.dtype} elements, and not all of them are whole numbers from 0 to 255")
    return native.Memory(converted, zero_copy=False)


def _as_dtype(media: Any, dtype: str) -> native.Memory:
    if isinstance(media, (list, tuple)):
        import numpy

        return native.Memory(numpy.array(media, dtype), zero_copy=False)
    memory = to_memory(media, dtype=dtype)
    # Other libraries than torch and NumPy aren't asked for a type.
    return memory if memory.dtype == dtype else to_memory(_as_array(media), dtype=dtype)


def _as_array(media: Any) -> Any:
    import numpy

    if _is_instance(media, "torch", "Tensor"):
        media = media.detach().cpu()
        return media.float().numpy() if media.dtype.is_floating_point else media.numpy()
    try:
        return numpy.asarray(memoryview(media))
    except TypeError:
        return numpy.from_dlpack(media)


def is_media(value: Any) -> bool:
    """Whether ``value`` exports memory, judged by its type alone."""
    return hasattr(value, "__dlpack__") or _has_buffer(value)


def image_to_plain(image: Any) -> dict[str, Any]:
    """A PIL image as ``{data: uint8 [H*W*3], width, height, channels}``; the pixels are a copy."""
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    return {
        "data": native.Memory(rgb.tobytes(), zero_copy=False),
        "width": rgb.width,
        "height": rgb.height,
        "channels": 3,
    }


def is_image(value: Any) -> bool:
    """Whether ``value`` is a PIL image, without importing Pillow."""
    return _is_instance(value, "PIL.Image", "Image")


def _is_instance(value: Any, module: str, name: str) -> bool:
    """``isinstance`` for a library that only counts where somebody else has imported it."""
    loaded = sys.modules.get(module)
    kind = getattr(loaded, name, None)
    return isinstance(kind, type) and isinstance(value, kind)


def _has_buffer(value: Any) -> bool:
    try:
        memoryview(value).release()
    except TypeError:
        return False
    except BufferError:
        return True
    return True


def _from_torch(tensor: Any, dtype: str | None) -> native.Memory:
    torch = sys.modules["torch"]
    shared = tensor.detach()
    if shared.layout != torch.strided:
        shared = shared.to_dense()
    shared = shared.resolve_conj().resolve_neg().cpu()
    if dtype is not None:
        shared = shared.to(getattr(torch, dtype))
    elif str(shared.dtype).removeprefix("torch.") not in _DTYPES and shared.dtype.is_floating_point:
        shared = shared.float()
    shared = shared.contiguous()
    zero_copy = shared.data_ptr() == tensor.data_ptr() if tensor.layout == torch.strided else False
    try:
        return native.Memory(shared, zero_copy=zero_copy)
    except (BufferError, RuntimeError):
        # Element types that this torch's DLPack doesn't know (bool in torch 1).
        return native.Memory(shared.numpy(), zero_copy=zero_copy)


def _from_numpy(array: Any, dtype: str | None) -> native.Memory:
    shared = array
    if not shared.dtype.isnative:
        shared = shared.astype(shared.dtype.newbyteorder("="))
    if dtype is not None:
        shared = shared.astype(dtype, copy=False)
    elif shared.dtype.kind == "f" and shared.dtype.name not in _DTYPES:
        shared = shared.astype("float32")
    if not (shared.flags.c_contiguous and shared.flags.writeable):
        shared = shared.copy(order="C")
    return native.Memory(shared, zero_copy=shared is array)


def _from_copy(media: Any) -> native.Memory:
    """For what is read-only, strided or on another device: a private copy of the elements."""
    try:
        view = memoryview(media)
    except TypeError:
        import numpy

        return native.Memory(numpy.from_dlpack(media).copy(order="C"), zero_copy=False)
    data, code = view.tobytes(), view.format.lstrip("@")
    if code == "e":
        count = len(data) // 2
        data, code = struct.pack(f"{count}f", *struct.unpack(f"{count}e", data)), "f"
    # A shape is not given where it says nothing: none may hold a zero. typeshed wants literal formats.
    shape = () if view.ndim == 1 else (view.shape,)
    return native.Memory(memoryview(data).cast(code, *shape), zero_copy=False)  # type: ignore[call-overload]
