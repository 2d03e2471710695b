"""Motion capture for training: sequences of 17 joints read, brought to one definition of the joints, and split.

A folder holds `*.npz` files with `pos` int16 millimetres (frames, 17, 3) in world axes, `lens` (frames of each
sequence), `names` and `fps`. Up is y, except in the sets of `Z_UP`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from lifter.datasets.archives import BROKEN, read_arrays
from lifter.errors import LifterError

Floats = NDArray[np.float32]

RATE_HZ = 50.0  # Human3.6M's frame rate, at which the paper's intervals are counted
Z_UP = ("uiprmd",)
FARTHEST_M = 1000.0
# In these sets the "wrist" marker lies well up the forearm.
SHORT_FOREARM = ("cmu8", "cmu_amc", "hdm05")
FOREARM_OF_UPPER_ARM = 0.87
# Actions of the eight-action set that may repeat trials of the held-out CMU subjects (10-14).
CMU8_UNSURE = ("jumping", "soccer", "washwindow", "directing_traffic")


@dataclass(frozen=True)
class Sequence:
    """One recording: (T, 17, 3) float32 metres at 50 Hz, world axes with z up; `group` is its data set."""

    name: str
    group: str
    positions: Floats


def read_folder(folder: Path) -> list[Sequence]:
    """Read every set of a folder, in the order of the file names.

    Raises:
        LifterError: the folder holds no set, or a file is not one.
    """
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise LifterError(f"{folder}: holds no motion capture (*.npz); name the folder with --data")
    return [sequence for file in files for sequence in read_set(file)]


def read_set(file: Path) -> list[Sequence]:
    """Read one set; sequences under half a second are left out."""
    group = file.stem.rsplit("_", 1)[0]
    try:
        data = read_arrays(file, ("pos", "lens", "names", "fps"))
        with np.errstate(over="ignore", invalid="ignore"):
            positions: Floats = np.asarray(data["pos"].astype(np.float32) / 1000, np.float32)
        lengths, names, fps = data["lens"], data["names"], float(data["fps"].item())
        whole = lengths.dtype.kind in "iu" and lengths.ndim == 1 and len(names) == len(lengths)
        fits = whole and positions.shape == (lengths.sum(), 17, 3) and bool((lengths > 0).all())
        if not fits or not 1 <= fps <= 1000 or not (np.abs(positions) < FARTHEST_M).all():
            given = f"pos {positions.shape}, lens {lengths.shape} {lengths.dtype}"
            raise ValueError(f"arrays do not fit each other, or go beyond all bounds: {given}")
    except BROKEN as error:
        raise LifterError(f"{file}: not a motion capture set ({' '.join(str(error).split())})") from error
    if not group.startswith(Z_UP):
        positions = np.stack([positions[..., 0], -positions[..., 2], positions[..., 1]], axis=-1)
    if group.startswith(SHORT_FOREARM):
        positions = lengthen_forearms(positions)
    parts = np.split(positions, np.cumsum(lengths)[:-1])
    return [
        Sequence(str(name), group, resample(part, fps))
        for name, part in zip(names, parts, strict=True)
        if len(part) >= fps / 2
    ]


def lengthen_forearms(positions: Floats) -> Floats:
    """Move the wrists out along the forearm until it is 0.87 of the upper arm, as in the sets that measure it well."""
    moved = positions.copy()
    for shoulder, elbow, wrist in ((11, 12, 13), (14, 15, 16)):
        upper = np.linalg.norm(positions[:, elbow] - positions[:, shoulder], axis=-1, keepdims=True)
        forearm = positions[:, wrist] - positions[:, elbow]
        length = np.maximum(np.linalg.norm(forearm, axis=-1, keepdims=True), 1e-6)
        moved[:, wrist] = positions[:, elbow] + forearm / length * (FOREARM_OF_UPPER_ARM * upper)
    return moved


def resample(positions: Floats, fps: float, rate_hz: float = RATE_HZ) -> Floats:
    """Bring (T, ...) from `fps` to `rate_hz`, first frame kept."""
    if fps == rate_hz or len(positions) < 2:
        return positions
    seconds = np.arange(len(positions)) / fps
    wanted = np.arange(int(np.floor(seconds[-1] * rate_hz + 1e-6)) + 1) / rate_hz
    return np.asarray(PchipInterpolator(seconds, positions, axis=0)(wanted), dtype=np.float32)


def split_of(sequence: Sequence) -> str:
    """Say where a sequence belongs: train, validation, test or unused, by person and never by chance.

    Test: all of HDM05 (another laboratory), UI-PRMD's person 10, CMU subjects 12-14. Validation: UI-PRMD's
    person 9, CMU 10-11. Unused: what may repeat a trial of those.
    """
    rule: dict[str, Callable[[str], str]] = {
        "hdm05": lambda _: "test",
        "uiprmd": lambda name: {"s09": "validation", "s10": "test"}.get(
            name.split("_", 2)[1] if "_" in name else "", "train"
        ),
        "cmu_daz": lambda name: (
            "test" if name[:2] in ("12", "13", "14") else "validation" if name[:2] in ("10", "11") else "train"
        ),
        "cmu8": lambda name: "unused" if any(f"/{action}/" in name for action in CMU8_UNSURE) else "train",
    }
    for group, say in rule.items():
        if sequence.group.startswith(group):
            return say(sequence.name)
    return "train"


def select(sequences: list[Sequence], split: str) -> list[Sequence]:
    """Keep the sequences of one split."""
    return [sequence for sequence in sequences if split_of(sequence) == split]


def canonical(positions: Floats) -> Floats:
    """Redefine the joints of the trunk alike for every set, from hips, shoulders, neck and head.

    Sets place pelvis, spine and thorax differently. Here, as in what adapters make of a detector's joints, the
    pelvis lies midway between the hips, the thorax a quarter of the way from the shoulders' middle to the neck,
    the spine midway between both.
    """
    moved = positions.copy()
    shoulders = (positions[:, 11] + positions[:, 14]) / 2
    moved[:, 0] = (positions[:, 1] + positions[:, 4]) / 2
    moved[:, 8] = shoulders + (positions[:, 9] - shoulders) / 4
    moved[:, 7] = (moved[:, 0] + moved[:, 8]) / 2
    return moved
