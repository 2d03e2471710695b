"""What training and evaluation read: 3D sequences seen by cameras, one 2D source, and the files that keep them.

A prepared data set is a folder of plain arrays (`allow_pickle=False`), the same for every data set:

- `poses.npz`: the 3D reference in camera axes with everything known of each sequence (`Poses`);
- `keypoints_SOURCE.npz`: 2D keypoints of the same frames by one source: `gt`, `cpn_ft_h36m_dbb`, a detector.

A *sequence* is one recording seen by one camera. All sequences lie one behind the other along the frame axis F.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from lifter.datasets.archives import BROKEN as BROKEN
from lifter.datasets.archives import read_arrays
from lifter.errors import LifterError
from lifter.whole import whole

Floats = NDArray[np.float32]
Strings = NDArray[np.str_]
FORMAT = "motion-lift/poses/1"
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Poses:
    """3D sequences of a data set, with S sequences and F frames in all; checked at birth.

    Attributes:
        positions: (F, 17, 3) float32 metres, Human3.6M joints, camera axes x right, y down, z away; absolute:
            the pelvis keeps its place in front of the camera (subtract it before any loss or metric).
        valid: (F,) bool, the reference is good there: these frames are scored.
        lengths: (S,) int64 frames of each sequence.
        names: (S,) a name for each sequence, unique.
        subjects, actions, cameras: (S,) who, what (the category that tables are broken down by), seen by which.
        groups: (S,) the collection it comes from; draws can be balanced over groups.
        splits: (S,) train, validation or test.
        sizes: (S, 2) int32 width and height of the picture, pixels.
        intrinsics: (S, 4) float32 f_x, f_y, c_x, c_y, pixels (lens distortion, where there is any, left out).
        fps: (S,) float64 frames a second.
        about: what a reader should know, plain values: data set, protocol in words, `score_joints`.
    """

    positions: Floats
    valid: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    names: Strings
    subjects: Strings
    actions: Strings
    cameras: Strings
    groups: Strings
    splits: Strings
    sizes: NDArray[np.int32]
    intrinsics: Floats
    fps: NDArray[np.float64]
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.lengths.dtype.kind != "i":
            raise ValueError(f"Poses.lengths: whole numbers wanted, got {self.lengths.dtype}")
        count, frames = len(self.lengths), int(self.lengths.sum())
        wanted: dict[str, tuple[tuple[int, ...], str]] = {
            "positions": ((frames, len(joints.NAMES), 3), "f"),
            "valid": ((frames,), "b"),
            "lengths": ((count,), "i"),
            **dict.fromkeys(("names", "subjects", "actions", "cameras", "groups", "splits"), ((count,), "U")),
            "sizes": ((count, 2), "i"),
            "intrinsics": ((count, 4), "f"),
            "fps": ((count,), "f"),
        }
        _check("Poses", {name: getattr(self, name) for name in wanted}, wanted)
        if not (self.lengths > 0).all() or len(set(self.names.tolist())) != count:
            raise ValueError("Poses: sequences of at least one frame and unique names wanted")
        if unknown := set(self.splits.tolist()) - set(SPLITS):
            raise ValueError(f"Poses.splits: {', '.join(SPLITS)} wanted, got {sorted(unknown)}")
        if not np.isfinite(self.positions).all():
            raise ValueError("Poses.positions: numbers that are not finite")

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """(S,) the first frame of each sequence."""
        return np.cumsum(self.lengths) - self.lengths

    def frames(self, sequence: int) -> slice:
        """Where a sequence lies along the frame axis."""
        return slice(int(self.first[sequence]), int(self.first[sequence] + self.lengths[sequence]))

    def frames_of(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Frame indices of the chosen sequences, one sequence after the other."""
        parts = [np.arange(self.first[i], self.first[i] + self.lengths[i]) for i in chosen]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def subset(self, chosen: NDArray[np.int64]) -> Poses:
        """The chosen sequences, in that order."""
        at = self.frames_of(chosen)
        per_frame = {"positions", "valid"}
        picked = {
            item.name: getattr(self, item.name)[at if item.name in per_frame else chosen]
            for item in fields(self)
            if item.name != "about"
        }
        return replace(self, **picked)


@dataclass(frozen=True)
class PoseSet:
    """Sequences with their keypoints by one 2D source.

    Attributes:
        poses: the 3D side.
        source: name of the 2D source.
        keypoints: (F, 17, 2) float32 pixels, Human3.6M joints, x right, y down.
        scores: (F, 17) float32 0..1; 1 where a source has none.
        seen: (F,) bool: the source found the person; elsewhere its keypoints are filled in.
    """

    poses: Poses
    source: str
    keypoints: Floats
    scores: Floats
    seen: NDArray[np.bool_]

    def __post_init__(self) -> None:
        frames = len(self.poses.positions)
        number = len(joints.NAMES)
        wanted = {"keypoints": ((frames, number, 2), "f"), "scores": ((frames, number), "f"), "seen": ((frames,), "b")}
        _check("PoseSet", {name: getattr(self, name) for name in wanted}, wanted)
        if not np.isfinite(self.keypoints).all():
            raise ValueError("PoseSet.keypoints: numbers that are not finite")

    def subset(self, chosen: NDArray[np.int64]) -> PoseSet:
        """The chosen sequences, in that order."""
        at = self.poses.frames_of(chosen)
        return PoseSet(self.poses.subset(chosen), self.source, self.keypoints[at], self.scores[at], self.seen[at])

    def split(self, name: str) -> PoseSet:
        """The sequences of one split.

        Raises:
            LifterError: it has none.
        """
        chosen = np.flatnonzero(self.poses.splits == name)
        if not len(chosen):
            there = ", ".join(sorted(set(self.poses.splits.tolist())))
            raise LifterError(
                f"the data set has no {name!r} split (it has {there}); `prepare` makes splits (--splits, --validation)"
            )
        return self.subset(chosen)


def write_poses(folder: Path, poses: Poses) -> Path:
    """Write `folder/poses.npz`; it appears whole or not at all.

    Raises:
        LifterError: the folder cannot be written to.
    """
    arrays = {item.name: getattr(poses, item.name) for item in fields(poses) if item.name != "about"}
    about = json.dumps({"format": FORMAT, **poses.about})
    return _write(folder / "poses.npz", {**arrays, "about": np.array(about)})


def write_keypoints(folder: Path, made: PoseSet) -> Path:
    """Write `folder/keypoints_SOURCE.npz`; it remembers which sequences it belongs to.

    Raises:
        LifterError: the folder cannot be written to.
    """
    arrays = {
        "keypoints": made.keypoints,
        "scores": made.scores,
        "seen": made.seen,
        "names": made.poses.names,
        "lengths": made.poses.lengths,
    }
    return _write(folder / f"keypoints_{made.source}.npz", arrays)


def read_poses(folder: Path) -> Poses:
    """Read `folder/poses.npz`.

    Raises:
        LifterError: not a prepared data set, or damaged.
    """
    path = folder / "poses.npz"
    if not path.is_file():
        raise LifterError(f"{folder}: not a prepared data set (no poses.npz); make one with `python -m lifter prepare`")
    try:
        data = read_arrays(path, [item.name for item in fields(Poses)])
        about = json.loads(str(data.pop("about")))
        if not isinstance(about, dict) or about.pop("format", None) != FORMAT:
            raise ValueError(f"format {FORMAT!r} wanted")
        return Poses(**data, about=about)
    except BROKEN as error:
        raise LifterError(f"{path}: not a prepared data set ({_told(error)})") from error


def read_poseset(folder: Path, source: str = "gt") -> PoseSet:
    """Read a prepared data set with the keypoints of one source.

    Raises:
        LifterError: not there, damaged, or keypoints that belong to other sequences.
    """
    poses = read_poses(folder)
    path = folder / f"keypoints_{source}.npz"
    if not path.is_file():
        raise LifterError(f"{folder}: no keypoints {source!r} (there are: {', '.join(sources(folder)) or 'none'})")
    try:
        data = read_arrays(path, ("names", "lengths", "keypoints", "scores", "seen"))
        if not np.array_equal(data["names"], poses.names) or not np.array_equal(data["lengths"], poses.lengths):
            raise ValueError("made for other sequences than poses.npz holds; prepare it again")
        return PoseSet(poses, source, data["keypoints"], data["scores"], data["seen"])
    except BROKEN as error:
        raise LifterError(f"{path}: cannot be used ({_told(error)})") from error


def _told(error: BaseException) -> str:
    """An error's words in one line, without numpy's advice to load what is no archive unsafely."""
    text = " ".join(str(error).split())
    return "no archive of plain arrays" if "pickle" in text else text


def sources(folder: Path) -> list[str]:
    """Names of the 2D sources a prepared data set has."""
    return sorted(file.stem.removeprefix("keypoints_") for file in folder.glob("keypoints_*.npz"))


def _check(kind: str, arrays: Mapping[str, Any], wanted: Mapping[str, tuple[tuple[int, ...], str]]) -> None:
    for name, (shape, letter) in wanted.items():
        array = arrays[name]
        if array.shape != shape or array.dtype.kind != letter:
            raise ValueError(f"{kind}.{name}: {shape} of kind {letter!r} wanted, got {array.shape} {array.dtype}")


def _write(path: Path, arrays: Mapping[str, Any]) -> Path:
    with whole(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)
    return path
