"""MPI-INF-3DHP as most papers since 2021 share it: `data_train_3dhp.npz`, `data_test_3dhp.npz` (P-STMO's preparation).

They hold a pickled dictionary each, 17 joints, millimetres of `univ_annot3`:
`{"S1 Seq1": [{"0": {"data_2d", "data_3d"}, ...}, fps], ...}` and `{"TS1": {"data_2d", "data_3d", "valid"}, ...}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from lifter.datasets.mpi_inf_3dhp.layout import SEQUENCES, TESTS, Take, take, training_keys
from lifter.datasets.pickles.unpickle import load_object
from lifter.errors import LifterError

TRAINING, TEST = "data_train_3dhp.npz", "data_test_3dhp.npz"


def npz_files(folder: Path) -> list[Path]:
    """Those of the two files that are there, training first."""
    return [folder / name for name in (TRAINING, TEST) if (folder / name).is_file()]


def read_npz(folder: Path) -> Iterator[Take]:
    """Read all sequences of the files that are there, training first.

    Raises:
        LifterError: a file holds something else.
    """
    for file in npz_files(folder):
        try:
            data = _mapping(load_object(file, "data"), "the file")
            yield from _training(data) if file.name == TRAINING else _test(data)
        except LifterError as error:
            told = str(error)
            raise LifterError(told if str(file) in told else f"{file}: {told}") from error


def _training(data: Mapping[str, object]) -> Iterator[Take]:
    _only_known(data, [" ".join(key) for key in SEQUENCES])
    for subject, sequence, camera in training_keys():
        name = f"{subject} {sequence}"
        if name not in data:
            continue
        entry = data[name]
        if not isinstance(entry, list | tuple) or len(entry) != 2:
            raise LifterError(f"{name}: [cameras, fps] wanted")
        cameras, fps = entry
        if camera not in _mapping(cameras, name):
            continue
        told = SEQUENCES[subject, sequence][1]
        if not isinstance(fps, int | float | np.number) or fps != told:
            raise LifterError(f"{name}: {told:g} frames a second wanted, got {fps}")
        seen = _mapping(cameras[camera], f"{name} camera {camera}", ("data_2d", "data_3d"))
        yield take((subject, sequence, camera), seen["data_2d"], seen["data_3d"], fps=told)


def _test(data: Mapping[str, object]) -> Iterator[Take]:
    _only_known(data, list(TESTS))
    for subject in TESTS:
        if subject in data:
            seen = _mapping(data[subject], subject, ("data_2d", "data_3d", "valid"))
            yield take((subject, "", "test"), seen["data_2d"], seen["data_3d"], seen["valid"])


def _only_known(data: Mapping[str, object], known: list[str]) -> None:
    if unknown := sorted(str(name) for name in data if name not in known):
        raise LifterError(f"unknown sequence {unknown[0]!r}; {known[0]!r} to {known[-1]!r} wanted")


def _mapping(value: object, what: str, wanted: tuple[str, ...] = ()) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise LifterError(f"{what}: a dictionary wanted, got {type(value).__name__}")
    if missing := [name for name in wanted if name not in value]:
        raise LifterError(f"{what}: no {missing[0]!r}; {', '.join(wanted)} wanted")
    return value
