"""Motion capture filmed by cameras that are not there: recordings become sequences with 3D and 2D (`PoseSet`)."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.filming import studio
from lifter.datasets.filming.shots import WILD_INTRINSICS, WILD_SIZE, FilmingSettings, shots
from lifter.datasets.mocap.packed import RATE_HZ
from lifter.datasets.mocap.recordings import Recording
from lifter.datasets.poseset import Poses, PoseSet
from lifter.errors import LifterError

Floats = NDArray[np.float32]

# Ten exercises by ten people are most frames there are: with these shares they are a third of the training windows.
BALANCED = {"uiprmd": 0.25}


def film_recordings(
    recordings: list[Recording], settings: FilmingSettings, progress: Callable[[Recording], None] = lambda _: None
) -> list[PoseSet]:
    """Film all recordings; return a `PoseSet` of each 2D source, all with the same poses.

    Raises:
        LifterError: nothing is left to film, two recordings of one name, or a share names no group.
    """
    columns: dict[str, list[Any]] = defaultdict(list)
    positions: list[Floats] = []
    keypoints: dict[str, list[Floats]] = {source: [] for source in settings.keypoints}
    for split in dict.fromkeys(settings.splits):
        for number, recording in enumerate(chosen(recordings, split, settings.shares)):
            for shot in shots(recording, number, settings):
                positions.append(shot.positions)
                for source, list_ in keypoints.items():
                    list_.append(shot.keypoints[source])
                columns["names"].append(f"{recording.group}/{recording.name}/{shot.camera}")
                columns["cameras"].append(shot.camera)
                for name in ("subject", "action", "group", "split"):
                    columns[f"{name}s"].append(getattr(recording, name))
            progress(recording)
    if not positions:
        raise LifterError(f"no recording is left to film: splits {', '.join(settings.splits)}")
    if len(set(columns["names"])) < len(positions):
        twice = next(name for name in columns["names"] if columns["names"].count(name) > 1)
        raise LifterError(f"two recordings are called {twice.rpartition('/')[0]!r}; give one of them another name")
    poses = _poses(positions, columns, settings)
    whole = np.ones(len(poses.positions), bool)
    scores = np.ones(poses.positions.shape[:2], np.float32)
    return [PoseSet(poses, source, np.concatenate(list_), scores, whole) for source, list_ in keypoints.items()]


def _poses(positions: list[Floats], columns: Mapping[str, list[Any]], settings: FilmingSettings) -> Poses:
    count = len(positions)
    size, intrinsics = (
        (studio.SIZE, studio.INTRINSICS) if settings.cameras == "studio" else (WILD_SIZE, WILD_INTRINSICS)
    )
    together = np.concatenate(positions)
    return Poses(
        positions=together,
        valid=np.ones(len(together), bool),
        lengths=np.array([len(part) for part in positions], np.int64),
        **{name: np.array(values, np.str_) for name, values in columns.items()},
        sizes=np.tile(np.array(size, np.int32), (count, 1)),
        intrinsics=np.tile(np.array(intrinsics, np.float32), (count, 1)),
        fps=np.full(count, RATE_HZ),
        about={
            "dataset": "motion capture",
            "protocol": f"{settings.cameras} cameras, {settings.count} a recording; training bodies: {settings.bodies};"
            " pelvis midway between the hips, spine and thorax redefined alike for every set",
            "units": "metres, pixels",
            "seed": settings.seed,
        },
    )


def default_shares(recordings: list[Recording]) -> dict[str, float]:
    """The shares that balance the known collections, of those that are there."""
    return {
        prefix: share
        for prefix, share in BALANCED.items()
        if any(recording.group.startswith(prefix) for recording in recordings)
    }


def chosen(recordings: list[Recording], split: str, shares: Mapping[str, float]) -> list[Recording]:
    """The recordings of a split; of the training split, the wanted share of each group, always the same ones."""
    groups = {recording.group for recording in recordings}
    if unknown := [prefix for prefix in shares if not any(group.startswith(prefix) for group in groups)]:
        raise LifterError(f"share: there is no group {unknown[0]!r} (there are: {', '.join(sorted(groups))})")

    def kept(recording: Recording) -> bool:
        share = next((value for prefix, value in shares.items() if recording.group.startswith(prefix)), 1.0)
        return split != "train" or zlib.crc32(recording.name.encode()) < share * 2**32

    return [recording for recording in recordings if recording.split == split and kept(recording)]
