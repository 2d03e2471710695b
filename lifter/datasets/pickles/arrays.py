"""Arrays as pickles tell of them: the few names of numpy a file may ask for, and arrays made from their bytes.

Numpy's own `__setstate__` trusts its input; here a size that does not fit its bytes, a class of its own, fields and
sub-arrays are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.archives import refuse_no_text

MAX_DEPTH = 32
_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
_NUMERIC = ("numpy.core.numeric", "numpy._core.numeric")
# Numbers, truth values, text and objects as numpy names their types; 8 and 4 are the sizes of a pointer.
_TYPE = re.compile(r"b1|\?|[iu][1248]|f[248]|[SU][1-9]\d{0,5}|O[48]?")
_UNDER_WAY = object()


class Name:
    """A name that a file may ask for: a word, not the thing."""

    def __init__(self, word: str) -> None:
        self.word = word


class Type:
    """A dtype under construction."""

    def __init__(self, code: object) -> None:
        if not isinstance(code, str) or not _TYPE.fullmatch(code):
            told = code[:20] if isinstance(code, str) else type(code).__name__
            raise ValueError(f"an array of type {told!r}; numbers, text or objects wanted")
        self.code, self.order = code, "="

    def set_state(self, state: object) -> None:
        """Take the byte order; sub-arrays and named fields are refused."""
        if not isinstance(state, tuple) or len(state) < 5 or state[1] not in ("<", ">", "=", "|"):
            raise ValueError("an array type of unknown form")
        if any(part is not None for part in state[2:5]):
            raise ValueError("an array with fields; plain numbers, text or objects wanted")
        self.order = state[1]

    def made(self) -> np.dtype[Any]:
        """Return the dtype."""
        if self.code[0] == "O":
            return np.dtype(object)
        return np.dtype(self.code if self.order in "|=" else self.order + self.code)


class Array:
    """An array under construction: its items stay apart until all of the file is read."""

    def __init__(self) -> None:
        self.kind, self.fortran = np.dtype(object), False
        self.shape: tuple[int, ...] = (0,)
        self.content: list[object] | bytes = []

    def set_state(self, state: object) -> None:
        """Take version, shape, type, memory order and content."""
        if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[2], Type):
            raise ValueError("an array of unknown form")
        self.fill(state[4], state[2], state[1], state[3] in (True, 1))

    def fill(self, content: object, kind: Type, shape: object, fortran: bool) -> None:
        """Take the content once its size is known to fit."""
        sides = shape if isinstance(shape, tuple) else (None,)
        if len(sides) > MAX_DEPTH or not all(type(side) is int and 0 <= side < 2**40 for side in sides):
            raise ValueError("an array of unknown shape")
        self.kind, self.shape, self.fortran = kind.made(), sides, fortran
        if self.kind.hasobject:
            if not isinstance(content, list):
                raise ValueError("an array of objects without a list of them")
            self.content, size = content, 1
        else:
            self.content, size = _as_bytes(content), self.kind.itemsize
        if len(self.content) != math.prod(sides) * size:
            raise ValueError(f"an array whose content does not fill its shape {sides}")

    def made(self, finish: Callable[[object], object]) -> NDArray[Any]:
        """Return the array, objects in it finished."""
        flat: NDArray[Any]
        if isinstance(self.content, bytes):
            flat = np.frombuffer(self.content, dtype=self.kind) if self.content else np.empty(0, self.kind)
            refuse_no_text(flat)
            return flat.reshape(self.shape, order="F" if self.fortran else "C")
        flat = np.empty(len(self.content), dtype=object)
        for index, item in enumerate(self.content):
            flat[index] = finish(item)
        return flat.reshape(self.shape)  # lists of objects are always written in C order


def finished(value: object) -> object:
    """Return the value with its arrays made; what is shared stays shared.

    Raises:
        ValueError: deeper than `MAX_DEPTH`, holding itself, or a bare name somewhere.
    """
    return _finished(value, {}, MAX_DEPTH)


def _finished(value: object, done: dict[int, object], depth: int) -> object:
    if not isinstance(value, list | tuple | dict | Array | Type | Name):
        return value
    if depth == 0 or isinstance(value, Name):
        raise ValueError("a bare name where a value is due" if depth else f"values deeper than {MAX_DEPTH}")
    if id(value) in done:
        if done[id(value)] is _UNDER_WAY:
            raise ValueError("a value that holds itself")
        return done[id(value)]
    done[id(value)] = _UNDER_WAY

    def finish(inner: object) -> object:
        return _finished(inner, done, depth - 1)

    made: object
    if isinstance(value, dict):
        made = {key: finish(inner) for key, inner in value.items()}
    elif isinstance(value, list):
        made = [finish(inner) for inner in value]
    elif isinstance(value, tuple):
        made = (*map(finish, value),)
    else:
        made = value.made() if isinstance(value, Type) else value.made(finish)
    done[id(value)] = made
    return made


def _reconstruct(kind: object, shape: object, code: object) -> Array:
    if not isinstance(kind, Name) or kind.word != "ndarray" or shape != (0,) or code not in (b"b", "b"):
        raise ValueError("an array of another class")
    return Array()


def _from_buffer(content: object, kind: object, shape: object, order: object) -> Array:
    if not isinstance(kind, Type) or kind.code[0] == "O":
        raise ValueError("objects read from bytes")
    array = Array()
    array.fill(content, kind, shape, order == "F")
    return array


def _scalar(kind: object, content: object) -> object:
    return _from_buffer(content, kind, (), "C").made(lambda item: item)[()]


def _type(code: object, _align: object = False, _copy: object = True) -> Type:
    return Type(code)


def _encode(text: object, encoding: object) -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise ValueError("text encoded in an unknown way")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


def _as_bytes(content: object) -> bytes:
    if isinstance(content, str):  # Python 2's str, read as Latin-1
        return content.encode("latin1")
    if isinstance(content, bytes | bytearray):
        return bytes(content)
    raise ValueError("an array without content")


NAMES: dict[tuple[str, str], str] = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",  # how protocol 2 writes bytes
    ("builtins", "bytes"): "bytes",
    ("__builtin__", "bytes"): "bytes",
    **{(module, "_reconstruct"): "_reconstruct" for module in _MULTIARRAY},
    **{(module, "scalar"): "scalar" for module in _MULTIARRAY},
    **{(module, "_frombuffer"): "_frombuffer" for module in _NUMERIC},
}
CALLS: dict[str, Callable[..., object]] = {
    "_reconstruct": _reconstruct,
    "scalar": _scalar,
    "_frombuffer": _from_buffer,
    "dtype": _type,
    "encode": _encode,
    "bytes": _no_bytes,
}
