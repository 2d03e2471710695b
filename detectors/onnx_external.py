"""Which other files an ONNX model file wants, read from its bytes alone, so that no runtime opens them first.

ONNX is a protocol buffer: fields of (number, kind, content), messages nested. A tensor may say that its numbers lie
in another file, and nothing in the format stops that name from being any file of the machine.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from detectors.base import DetectorError

# Field numbers of onnx.proto: which fields of each message hold which other messages, down to the tensors.
_MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
}
_DEPTH = 64  # nested graphs of real models: a handful


def external_files(path: Path) -> list[str]:
    """Return the names of the files that hold weights of the ONNX model `path`, as it states them.

    Raises:
        DetectorError: the file is not a protocol buffer.
    """
    if path.stat().st_size == 0:
        raise DetectorError(f"{path}: the file is empty; download it again")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return sorted(set(_locations(data, 0, len(data), "model", 0)))
        except (IndexError, ValueError, UnicodeDecodeError) as error:
            raise DetectorError(f"{path}: not an ONNX model ({error}); download or export it again") from error


def _locations(data: mmap.mmap, start: int, end: int, message: str, depth: int) -> Iterator[str]:
    """Walk one message and those in it; yield the locations of external tensors."""
    if depth > _DEPTH:
        raise ValueError("messages nested too deep")
    if message == "external":  # a pair of strings, key and value
        pair = {field: data[a:b].decode() for field, a, b in _fields(data, start, end)}
        if pair.get(1) == "location":
            yield pair.get(2, "")
        return
    inner = _MESSAGES[message]
    for field, a, b in _fields(data, start, end):
        if field in inner:
            yield from _locations(data, a, b, inner[field], depth + 1)


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (number, start, end) of a message's length-delimited fields; skip the others."""
    at = start
    while at < end:
        key, at = _varint(data, at, end)
        kind = key & 7
        if kind == 0:
            _, at = _varint(data, at, end)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        elif kind == 2:
            length, at = _varint(data, at, end)
            if at + length > end:
                raise ValueError("truncated")
            yield key >> 3, at, at + length
            at += length
        else:
            raise ValueError(f"unknown field kind {kind}")
    if at != end:
        raise ValueError("truncated")


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """Read one variable-length number; return it and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise ValueError("truncated")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("number too long")
