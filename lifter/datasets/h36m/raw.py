"""Human3.6M's 3D positions as released: CDF files, or those files saved by MATLAB or as HDF5."""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from numpy.typing import NDArray
from scipy.io.matlab import MatReadError

from lifter.datasets.archives import BROKEN
from lifter.datasets.h36m.cameras import PLACES
from lifter.datasets.h36m.names import CORRUPT, take_name
from lifter.errors import LifterError

Floats = NDArray[np.float32]
MAX_FILE_BYTES = 1 << 30


def read_raw(folder: Path) -> dict[str, dict[str, Floats]]:
    """Read the positions of every subject there is: subject, take, (T, 32, 3) metres in world axes.

    Looked for are `S1/MyPoseFeatures/D3_Positions/*.cdf.mat` and `*.cdf`, and `S1/MyPoses/3D_positions/*.h5`. Takes
    of several actions in one (`_ALL`) are left out, and S11's Directions, which is corrupt.

    Raises:
        LifterError: no such file, one of another kind, or one that needs a package that is not installed.
    """
    found = {subject: _takes(folder / subject) for subject in PLACES}
    if not any(found.values()):
        raise LifterError(f"{folder}: no positions as released, such as S1/MyPoseFeatures/D3_Positions/Walking.cdf.mat")
    return {
        subject: {take: _read(file) for take, file in sorted(files.items())}
        for subject, files in found.items()
        if files
    }


def _takes(folder: Path) -> dict[str, Path]:
    """Return the files of a subject by name of the take; where one is there in several forms, the first of `FORMS`."""
    takes: dict[str, Path] = {}
    for suffix, (place, _) in FORMS.items():
        for file in sorted((folder / place).glob(f"*{suffix}")):
            name = take_name(file.name.removesuffix(suffix))
            if not name.startswith("_ALL") and (folder.name, name) != CORRUPT:
                takes.setdefault(name, file)
    return takes


def _read(file: Path) -> Floats:
    reader = next(reader for suffix, (_, reader) in FORMS.items() if file.name.endswith(suffix))
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"larger than {MAX_FILE_BYTES >> 30} GiB")
        millimetres = np.asarray(reader(file), np.float64)
        if millimetres.size % 96 or not millimetres.size:
            raise ValueError(f"32 joints a frame wanted, got numbers of shape {millimetres.shape}")
    except (*BROKEN, MatReadError, struct.error) as error:
        raise LifterError(f"{file}: not positions of Human3.6M ({' '.join(str(error).split())})") from error
    return (millimetres.reshape(-1, 32, 3) / 1000).astype(np.float32)


def _from_matlab(file: Path) -> Any:
    """Return the one cell of `data`: MATLAB 5 files by SciPy, 7.3 files, which are HDF5 with axes reversed, by h5py."""
    with file.open("rb") as head:
        if b"MATLAB 7.3" not in head.read(128):
            return scipy.io.loadmat(str(file), variable_names=["data"])["data"][0, 0]
    with _package(file, "h5py").File(file, "r") as data:
        return np.asarray(data[data["data"][0, 0]]).T


def _from_hdf5(file: Path) -> Any:
    with _package(file, "h5py").File(file, "r") as data:
        numbers = np.asarray(data["3D_positions"])
    return numbers.reshape(96, -1).T


def _from_cdf(file: Path) -> Any:
    return _package(file, "cdflib").CDF(file).varget("Pose")


def _package(file: Path, name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise LifterError(f"{file}: reading it takes {name}; install it: pip install {name}") from error


# How a file name ends -> the folder of a subject it lies in, and what reads it: (T, 96) millimetres.
FORMS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    ".cdf.mat": ("MyPoseFeatures/D3_Positions", _from_matlab),
    ".h5": ("MyPoses/3D_positions", _from_hdf5),
    ".cdf": ("MyPoseFeatures/D3_Positions", _from_cdf),
}
