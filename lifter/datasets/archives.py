"""Reads archives of plain arrays that nobody vouches for, and tells what reading anything at all may raise."""

from __future__ import annotations

import lzma
import sys
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What reading a file with anything at all in it may raise.
BROKEN = (
    OSError, EOFError, ValueError, TypeError, LookupError, MemoryError, RuntimeError, SyntaxError, OverflowError,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, tokenize.TokenError,
)  # fmt: skip


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Return these arrays of an `.npz` file: whole or real numbers, truth values or text.

    Raises:
        ValueError and the rest of `BROKEN`: not there, damaged, an array is missing or of another kind.
    """
    # About headers of Python 2, and such as are no Python: numpy reads or refuses them, and need not say more.
    with warnings.catch_warnings(), np.load(path, allow_pickle=False) as data:
        warnings.simplefilter("ignore")
        arrays = {name: data[name] for name in names}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # bytes: a member that is no array
            raise ValueError(f"{name}: no array")
        if array.dtype.kind not in "biufU":
            raise ValueError(f"{name}: numbers or text wanted, got {array.dtype}")
        refuse_no_text(array)
    return arrays


def refuse_no_text(array: NDArray[Any]) -> None:
    """Refuse texts with characters that there are not: Python makes no `str` of them, and says it is its own fault.

    Raises:
        ValueError: there is one.
    """
    if array.dtype.kind == "U" and array.size:
        codes = np.ascontiguousarray(array).reshape(-1).view(np.dtype("u4").newbyteorder(array.dtype.byteorder))
        if codes.max() > sys.maxunicode:
            raise ValueError("an array of text that is none")
