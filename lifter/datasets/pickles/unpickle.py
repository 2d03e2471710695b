"""Reads a member of an `.npz` file that holds a pickled dict or list of arrays, without trusting the file."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from lifter.datasets.archives import BROKEN, refuse_no_text
from lifter.datasets.pickles.plain import read_plain_pickle
from lifter.errors import LifterError

MAX_FILE_BYTES = 4 << 30
MAX_MEMBER_BYTES = 4 << 30
# Poses hardly pack: a large member that unpacks to far more than it takes is a bomb.
BOMB_BYTES = 64 << 20
BOMB_RATIO = 100


def load_object(path: Path, member: str) -> object:
    """Read one member of an `.npz` file, as `np.load(path, allow_pickle=True)[member]` would, but safely.

    Args:
        path: file written by `np.savez` or `np.savez_compressed`.
        member: its name in there: `positions_3d`.

    Returns:
        The array; of an array that holds one object (how `savez` keeps a dict), that object. What the objects may be
        is told at `plain.read_plain_pickle`.

    Raises:
        LifterError: no such file or member, damaged, too large, or a pickle that asks for more than plain data.
    """
    if not path.is_file():
        raise LifterError(f"{path}: no such file")
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"larger than {MAX_FILE_BYTES >> 30} GiB")
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            if member not in names:
                raise ValueError(f"no {member!r} in it (it has: {', '.join(names[:8]) or 'nothing'})")
            info = archive.getinfo(f"{member}.npy")
            _refuse_bombs(info)
            with archive.open(info) as stream, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about headers of Python 2, which these files are from
                return _read_array(stream)
    except BROKEN as error:
        told = " ".join(str(error).split())[:200] or type(error).__name__
        raise LifterError(f"{path}: {member}: cannot be read ({told})") from error


def _refuse_bombs(info: zipfile.ZipInfo) -> None:
    packed = max(info.compress_size, 1)
    if info.file_size > MAX_MEMBER_BYTES or (info.file_size > BOMB_BYTES and info.file_size / packed > BOMB_RATIO):
        raise ValueError(f"{packed} bytes that unpack to {info.file_size}")


def _read_array(stream: IO[bytes]) -> object:
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"an array file of version {version}")
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, kind = header(stream)
    if not kind.hasobject:
        flat = np.frombuffer(stream.read(), dtype=kind)
        refuse_no_text(flat)
        return flat.reshape(shape, order="F" if fortran else "C")
    made = read_plain_pickle(stream)
    if not isinstance(made, np.ndarray) or made.shape != shape:
        raise ValueError("a pickle that is not the array its header tells of")
    return made[()] if made.ndim == 0 else made
