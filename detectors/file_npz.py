"""Reads .npz archives of key points: our own pose2d.npz, and VideoPose3D's custom data sets.

VideoPose3D keeps a dictionary in its archive as a pickle, and a pickle is a program. It is run here by a machine that
knows four names, all of them ours: no function or class of anybody else's can be called, NumPy's own included.
"""

from __future__ import annotations

import io
import itertools
import lzma
import math
import pickle
import struct
import sys
import tokenize
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import DetectorError, People
from detectors.file_json import MAX_FRAMES
from detectors.file_made import Made, people
from detectors.joints import COCO_17, H36M_17

MAX_BYTES = 512 << 20  # of one unpacked array: half a million frames of twenty people
_KINDS = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"})
_LAYOUTS = {"coco": COCO_17, "h36m": H36M_17}
_BROKEN = (
    pickle.UnpicklingError, EOFError, IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError,
    MemoryError, RecursionError, struct.error, zipfile.BadZipFile, lzma.LZMAError, NotImplementedError,
    SyntaxError, tokenize.TokenError,
)  # fmt: skip


def read(path: Path) -> Made:
    """Read an .npz archive of key points.

    Raises:
        DetectorError: broken, too large, hostile, or of a layout we do not know.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if {"keypoints", "scores", "boxes", "valid", "joints"} <= names.keys():
                wanted = ("keypoints", "scores", "boxes", "valid", "joints")
                return _ours({name: _member(archive, names[name]) for name in wanted})
            if "positions_2d" in names:
                parts = {name: _member(archive, names[name]) for name in ("positions_2d", "metadata") if name in names}
                return _videopose(parts["positions_2d"], parts.get("metadata"))
    except _BROKEN as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DetectorError(f"{path}: not readable as key points: {reason}") from error
    known = "our pose2d.npz or VideoPose3D's data_2d_custom_*.npz"
    raise DetectorError(f"{path}: holds {', '.join(sorted(names)[:8]) or 'nothing'}; expected {known}")


def _ours(arrays: dict[str, Any]) -> Made:
    """Read our own pose2d.npz: (P, T, J, ...) arrays and a mask of who is there."""
    joints = tuple(str(name) for name in arrays["joints"])
    keypoints, scores, boxes, valid = (np.asarray(arrays[name]) for name in ("keypoints", "scores", "boxes", "valid"))
    persons, frames = valid.shape
    shapes = (keypoints.shape, scores.shape, boxes.shape)
    if shapes != ((persons, frames, len(joints), 2), (persons, frames, len(joints)), (persons, frames, 4)):
        raise ValueError(f"shapes of keypoints, scores, boxes do not fit each other: {shapes}")
    if frames > MAX_FRAMES:  # of nobody, they take no bytes at all
        raise ValueError(f"{frames} frames, more than {MAX_FRAMES}")
    there = valid.astype(bool)
    made = [people(keypoints[v, t], scores[v, t], boxes[v, t]) for t, v in enumerate(there.T)]
    return Made(joints, made)


def _videopose(positions: Any, metadata: Any) -> Made:
    """Read {film: {action: [(T, J, 2 or 3)]}}; one film, one array."""
    films = _dictionary(positions, "positions_2d")
    found = (array for film in films.values() for action in _dictionary(film, "a film").values() for array in action)
    arrays = list(itertools.islice(found, 2))
    if len(arrays) != 1:
        raise ValueError(f"holds {'several' if arrays else 'no'} tracks; keep one film with one person in it")
    track = np.asarray(arrays[0])
    if track.ndim != 3 or track.shape[2] not in (2, 3) or track.dtype.kind not in "fiu":
        raise ValueError(f"expected key points (frames, joints, 2), got {track.shape} of {track.dtype}")
    layout = _dictionary(metadata, "metadata").get("layout_name", "coco") if metadata is not None else "coco"
    joints = _LAYOUTS.get(layout) if isinstance(layout, str) else None
    if joints is None or len(joints) != track.shape[1]:
        raise ValueError(f"{track.shape[1]} joints of layout {layout!r}; known are coco and h36m, of 17")
    seen = np.isfinite(track).all(2)
    scores = np.where(seen, track[..., 2], 0) if track.shape[2] == 3 else seen.astype(np.float32)
    nobody = People.nobody(len(joints))
    made = [people(k[None], s[None]) if s.any() else nobody for k, s in zip(track[..., :2], scores, strict=True)]
    return Made(joints, made)


def _dictionary(value: Any, what: str) -> dict[str, Any]:
    """Return the dictionary that `value` is or, as NumPy saves one, that its only element is."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no dictionary")
    return value


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Any:
    """Read one .npy of an archive: an array, or the list of the Python objects it holds."""
    if info.file_size > MAX_BYTES:
        raise ValueError(f"{info.filename} unpacks to more than {MAX_BYTES >> 20} MiB")
    with archive.open(info) as file:
        data = file.read(MAX_BYTES + 1)  # the stated size may lie
    if len(data) > MAX_BYTES:
        raise ValueError(f"{info.filename} unpacks to more than {MAX_BYTES >> 20} MiB")
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about headers of Python 2
        shape, fortran, dtype = reader(stream)
    rest = data[stream.tell() :]
    if dtype.hasobject:
        if math.prod(shape) != 1:
            raise ValueError(f"{info.filename} holds {shape} Python objects, expected one dictionary")
        return _objects(rest)
    if dtype.kind not in "fiubU" or len(rest) != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{info.filename}: {len(rest)} bytes do not make {shape} of {dtype}")
    flat: NDArray[Any] = np.frombuffer(rest, dtype)
    if dtype.kind == "U" and flat.view(np.dtype("u4").newbyteorder(dtype.byteorder)).max(initial=0) > sys.maxunicode:
        raise ValueError(f"{info.filename}: an array of text that is none")
    return flat.reshape(shape, order="F" if fortran else "C")


class _Array:
    """Stands in for numpy.ndarray while a pickle is read; holds the finished array or list afterwards."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: Any = None

    def __setstate__(self, state: Any) -> None:
        """Take NumPy's state: version, shape, type, column order, bytes or list of objects."""
        _, shape, kind, fortran, raw = state
        if not isinstance(kind, _Kind) or not isinstance(shape, tuple) or not all(type(n) is int for n in shape):
            raise pickle.UnpicklingError("an array without type or shape")
        if kind.name in ("O", "O4", "O8") and isinstance(raw, list):
            self.value = raw
            return
        if not isinstance(raw, bytes) or kind.name not in _KINDS:
            raise pickle.UnpicklingError(f"an array of type {kind.name!r}")
        flat: NDArray[Any] = np.frombuffer(raw, kind.order + kind.name)
        self.value = flat.reshape(shape, order="F" if fortran else "C")


class _Kind:
    """Stands in for numpy.dtype: a name and a byte order, nothing that NumPy would act on."""

    __slots__ = ("name", "order")

    def __init__(self, name: Any, *_: Any) -> None:
        self.name, self.order = str(name), "<"

    def __setstate__(self, state: Any) -> None:
        """Take the byte order out of NumPy's state."""
        self.order = ">" if state[1] == ">" else "<"


class _Maker:
    """A callable that a pickle may call and cannot change."""

    __slots__ = ("_make",)

    def __init__(self, make: Any) -> None:
        self._make = make

    def __call__(self, *args: Any) -> Any:
        return self._make(*args)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("a pickle that changes its reader")


def _scalar(kind: Any, raw: Any) -> Any:
    """Make the Python number of a pickled NumPy scalar."""
    array = _Array()
    array.__setstate__((1, (1,), kind, False, raw))
    return array.value[0].item()


def _encode(text: Any, coding: Any = "latin1") -> bytes:
    """Make bytes of text, the way of old pickles."""
    if not isinstance(text, str) or coding != "latin1":
        raise pickle.UnpicklingError("text in an unknown coding")
    return text.encode("latin1")


_CORES = ("numpy.core.multiarray", "numpy._core.multiarray")
_NAMES: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): lambda *_: _Array(),
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _encode,
    **{(core, "_reconstruct"): lambda *_: _Array() for core in _CORES},
    **{(core, "scalar"): _scalar for core in _CORES},
}


# The Python version of the unpickler, since the compiled one sets memory aside for any memo number a file names.
class _Reader(pickle._Unpickler):
    """Reads pickles of plain containers and arrays; every other name is refused."""

    def find_class(self, module: str, name: str) -> Any:
        """Return our own maker for a name we know."""
        if (module, name) not in _NAMES:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which plain key points never need; refused")
        return _Maker(_NAMES[module, name])


def _objects(data: bytes) -> Any:
    """Run a pickle; return its containers with arrays as arrays."""
    return _plain(_Reader(io.BytesIO(data), encoding="latin1").load(), {})


def _plain(value: Any, done: dict[int, Any]) -> Any:
    """Replace the stand-ins by what they hold, each container once: a pickle may nest one in itself, or share it."""
    if isinstance(value, _Array):
        value = value.value
    if not isinstance(value, dict | list | tuple):
        return value
    if id(value) not in done:
        done[id(value)] = None
        if isinstance(value, dict):
            done[id(value)] = {key: _plain(item, done) for key, item in value.items()}
        else:
            done[id(value)] = [_plain(item, done) for item in value]
    return done[id(value)]
