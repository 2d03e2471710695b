"""Reads small texts and archives of arrays that nobody vouches for: no larger than they may be, nothing in them run."""

from __future__ import annotations

import lzma
import os
import struct
import sys
import tokenize
import tomllib
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What reading an archive with wrong bytes in it raises.
DAMAGE = (
    OSError, ValueError, TypeError, LookupError, EOFError, MemoryError, RuntimeError, SyntaxError, OverflowError,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, tokenize.TokenError, struct.error,
)  # fmt: skip
# What reading a text that should be TOML raises.
NO_TOML = (OSError, ValueError, RecursionError)
MOST_MEMBERS = 200
LARGEST_ARRAYS_BYTES = 20_000_000_000  # unpacked: three hours of twenty people take 5 GB
LARGEST_TOML_BYTES = 1 << 20
LARGEST_RECORD_BYTES = 64 << 20  # of a run.json or its like


@contextmanager
def open_arrays(path: Path) -> Iterator[Any]:
    """Open an archive of plain arrays; it holds no objects, and unpacks to what this machine can hold.

    Yields:
        What `np.load` gives: a mapping of names to arrays, each read when it is asked for.

    Raises:
        OSError, ValueError and the rest of `DAMAGE`: not there, damaged, larger than may be, or with pickles in it.
    """
    if path.exists() and not path.is_file():
        raise ValueError("a pipe or a folder, not a file")
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        # What is read of a member ends where its entry says, so that these sizes hold.
        unpacked = sum(member.file_size for member in members)
    if len(members) > MOST_MEMBERS:
        raise ValueError(f"{len(members)} members; such a file has a dozen")
    if unpacked > largest():
        raise ValueError(f"unpacks to {unpacked:,} bytes, more than the {largest():,} that may be")
    with np.load(path, allow_pickle=False) as data:
        yield _Checked(data, {member.filename: member.file_size for member in members})


class _Checked:
    """Arrays by name, each only as large as its member: numpy would set aside memory for whatever a header claims."""

    def __init__(self, data: Any, sizes: dict[str, int]) -> None:
        self._data, self._sizes = data, sizes

    def __contains__(self, name: object) -> bool:
        return name in self._data.files

    def __iter__(self) -> Iterator[str]:
        return iter(self._data.files)

    def whole(self) -> bool:
        """Tell whether every byte of every member is as it was written."""
        return self._data.zip.testzip() is None

    def __getitem__(self, name: str) -> NDArray[Any]:
        member = f"{name}.npy"
        if member not in self._sizes:
            raise KeyError(f"no array {name!r} in it")
        # About headers of Python 2, and such as are no Python: numpy reads or refuses them, and need not say more.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with self._data.zip.open(member) as file:
                shape, dtype = _header(file)
            claimed = max(dtype.itemsize, 1)  # texts of no letters take no bytes, however many they are
            for side in shape:
                claimed *= side
            if claimed > self._sizes[member]:
                raise ValueError(f"{name}: claims {claimed:,} bytes, holds {self._sizes[member]:,}")
            array: NDArray[Any] = self._data[name]
        if array.dtype.kind == "U":
            _refuse_no_text(name, array)
        return array


def _refuse_no_text(name: str, array: NDArray[Any]) -> None:
    """Refuse texts with characters that there are not: Python makes no `str` of them, and says it is its own fault."""
    codes = np.ascontiguousarray(array).reshape(-1).view(np.dtype("u4").newbyteorder(array.dtype.byteorder))
    if codes.size and codes.max() > sys.maxunicode:
        raise ValueError(f"{name}: no text")


def _header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return the shape and type that an array's own header tells."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def largest() -> int:
    """Return how many bytes arrays may have: what any film needs at the most, or this machine's memory."""
    return min(LARGEST_ARRAYS_BYTES, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def read_text(path: Path, limit: int) -> str:
    """Return a text in UTF-8 of at most `limit` bytes.

    Raises:
        OSError: it cannot be read.
        ValueError: no file, too large, or no UTF-8.
    """
    if path.exists() and not path.is_file():
        raise ValueError("not a file")
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"larger than {limit:,} bytes")
    return content.decode("utf-8")


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file of bearable size holds; raises what `NO_TOML` lists."""
    told = tomllib.loads(read_text(path, LARGEST_TOML_BYTES))
    refuse_giants(told)
    return told


def refuse_giants(value: Any) -> None:
    """Refuse whole numbers of more than 64 bits in nested plain values: no float holds the largest, no text tells them.

    Raises:
        ValueError: there is one.
    """
    if isinstance(value, dict):
        refuse_giants(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            refuse_giants(item)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("a whole number of more than 64 bits")
