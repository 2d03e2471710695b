"""MPI-INF-3DHP's own files read: `S*/Seq*/annot.mat` (MATLAB 5) and `TS*/annot_data.mat` (MATLAB 7.3: HDF5)."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.io
from numpy.typing import NDArray
from scipy.io.matlab import MatReadError

from lifter.datasets.archives import BROKEN
from lifter.datasets.mpi_inf_3dhp.layout import (
    ACTIVITIES,
    CAMERAS,
    JOINTS_28,
    RELEVANT,
    SEQUENCES,
    TESTS,
    Take,
    take,
)
from lifter.errors import LifterError

# The test set's archive unpacks into a folder of its own.
TEST_FOLDERS = ("", "mpi_inf_3dhp_test_set", "mpi_inf_3dhp_test_set/mpi_inf_3dhp_test_set")


def training_files(folder: Path) -> dict[tuple[str, str], Path]:
    """Annotation files of the training sequences that are there, by subject and sequence."""
    files = {key: folder / key[0] / key[1] / "annot.mat" for key in SEQUENCES}
    return {key: file for key, file in files.items() if file.is_file()}


def testing_files(folder: Path) -> dict[str, Path]:
    """Annotation files of the test sequences that are there, by subject."""
    found = {}
    for subject in TESTS:
        files = [folder / part / subject / "annot_data.mat" for part in TEST_FOLDERS]
        if file := next((file for file in files if file.is_file()), None):
            found[subject] = file
    return found


def read_mat(folder: Path, annotation: str) -> Iterator[Take]:
    """Read all sequences of a folder of original files, training first.

    Raises:
        LifterError: a file is not what its name says, or h5py, which reads the test files, is not installed.
    """
    for (subject, sequence), file in training_files(folder).items():
        yield from read_training(file, subject, sequence, annotation)
    for subject, file in testing_files(folder).items():
        yield read_test(file, subject, annotation)


def read_training(file: Path, subject: str, sequence: str, annotation: str) -> list[Take]:
    """Read `annot.mat`: cells by camera with rows x1, y1(, z1), x2, ... of 28 joints; 8 of the 14 cameras are kept.

    Rows beyond the frames that have a picture are left out, as the data set's notes advise.
    """
    frames, fps = SEQUENCES[subject, sequence]
    try:
        data = scipy.io.loadmat(str(file), variable_names=["annot2", annotation, "cameras"])
        flat, deep = data["annot2"].reshape(-1), data[annotation].reshape(-1)
        # Which camera a cell belongs to.
        cells = np.asarray(data.get("cameras", np.arange(len(flat)))).reshape(-1).astype(int).tolist()
        made = []
        for camera in CAMERAS:
            cell = cells.index(camera)
            made.append((camera, _joints(flat[cell], 2)[:frames], _joints(deep[cell], 3)[:frames]))
    except (*BROKEN, MatReadError) as error:
        raise LifterError(f"{file}: not an annotation of MPI-INF-3DHP ({' '.join(str(error).split())})") from error
    try:
        return [take((subject, sequence, str(camera)), seen, placed, fps=fps) for camera, seen, placed in made]
    except LifterError as error:
        raise LifterError(f"{file}: {error}") from error


def read_test(file: Path, subject: str, annotation: str) -> Take:
    """Read `annot_data.mat`: MATLAB's (C, 17, 1, T) arrays, which HDF5 shows with their axes reversed."""
    try:
        h5py = importlib.import_module("h5py")
    except ImportError as error:
        raise LifterError(f"{file}: reading it takes h5py; install it: pip install h5py") from error
    try:
        with h5py.File(file, "r") as data:
            flat, deep = np.asarray(data["annot2"]), np.asarray(data[annotation])
            valid = np.asarray(data["valid_frame"]).reshape(-1)
            activity = np.asarray(data["activity_annotation"]).reshape(-1).astype(int)
        if flat.ndim != 4 or deep.ndim != 4 or flat.shape[1] != 1 or deep.shape[1] != 1:
            raise ValueError(f"(T, 1, 17, C) wanted, got {flat.shape} and {deep.shape}")
        if activity.shape != valid.shape:
            raise ValueError(f"{len(valid)} frames, but activities of {len(activity)}")
        activities = _runs(activity)
    except BROKEN as error:
        raise LifterError(f"{file}: not an annotation of MPI-INF-3DHP ({' '.join(str(error).split())})") from error
    try:
        return take((subject, "", "test"), flat[:, 0], deep[:, 0], valid, activities=activities)
    except LifterError as error:
        raise LifterError(f"{file}: {error}") from error


def _joints(rows: NDArray[np.generic], coordinates: int) -> NDArray[np.generic]:
    """Rows (T, 28 * C) to the relevant joints (T, 17, C)."""
    return rows.reshape(len(rows), len(JOINTS_28), coordinates)[:, list(RELEVANT)]


def _runs(activity: NDArray[np.int64]) -> tuple[tuple[int, str], ...]:
    """Where each activity of a sequence begins; frames without one (0) are called "none"."""
    names = ("none", *ACTIVITIES)
    if len(activity) and not 0 <= activity.min() <= activity.max() < len(names):
        raise ValueError(f"activities 1 to {len(ACTIVITIES)} wanted, got {activity.min()} to {activity.max()}")
    starts = np.flatnonzero(np.diff(activity, prepend=-1))
    return tuple((int(start), names[activity[start]]) for start in starts)
