"""A 2D source beside the truth: clips of both in person units at 50 Hz, and which of it counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.mocap.packed import RATE_HZ, resample
from lifter.datasets.poseset import PoseSet
from lifter.detector_noise.parts import Floats, joint_axes
from lifter.errors import LifterError
from lifter.screen import to_person, turn

SECONDS = 2.0  # of a clip: about a window of the lifter


@dataclass(frozen=True)
class Clips:
    """C clips of T frames at 50 Hz, as the lifter gets them; shorter ones are filled up with frames that do not count.

    Attributes:
        truth, found: (C, T, 17, 2) person units (the mean radius of the true person), the true pelvis at 0.
        scores: (C, T, 17) 0..1.
        counts: (C, T, 17) bool: the truth is good and in the picture, and the person was found.
        missed: share of the good frames in which the person was not found.
        axes: (C, T, 17, 3, 2) each joint's own axes, person units per metre; None where there is no 3D.
    """

    truth: Floats
    found: Floats
    scores: Floats
    counts: NDArray[np.bool_]
    missed: float
    axes: Floats | None

    def __post_init__(self) -> None:
        shape = (*self.counts.shape, 2)
        axes = shape if self.axes is None else (*self.axes.shape[:3], self.axes.shape[4])
        if not self.truth.shape == self.found.shape == axes == shape or self.scores.shape != self.counts.shape:
            raise ValueError(f"Clips: {self.truth.shape}, {self.found.shape}, {self.scores.shape} do not fit {shape}")


def clips_of(truth: PoseSet, source: PoseSet, solid: bool = True) -> Clips:
    """Cut two 2D sources of the same poses into clips.

    Args:
        truth: the one that is held to be true.
        source: the one to be measured.
        solid: use the 3D positions for the joints' own axes.

    Raises:
        LifterError: they are of different sequences, or nothing counts.
    """
    if not np.array_equal(truth.poses.names, source.poses.names):
        raise LifterError(f"{source.source} and {truth.source} are of different sequences")
    parts: list[tuple[Floats, ...]] = []
    for index in range(len(truth.poses)):
        parts += _cut(truth, source, index)
    poses = truth.poses
    good = poses.valid & truth.seen
    if not parts or not any(counts.any() for *_, counts in parts):
        raise LifterError(f"{source.source}: no frame that is good and in which the person was found")
    true, found, scores, axes, counts = (np.stack(column) for column in zip(*parts, strict=True))
    missed = 1 - float(source.seen[good].mean())
    return Clips(true, found, scores, counts.astype(bool), missed, axes if solid else None)


def _cut(truth: PoseSet, source: PoseSet, index: int) -> list[tuple[Floats, ...]]:
    """Clips of one sequence: truth, found, scores, axes, counts."""
    poses, at = truth.poses, truth.poses.frames(index)
    fps = float(poses.fps[index])
    inside = ((truth.keypoints[at] >= 0) & (truth.keypoints[at] < poses.sizes[index])).all(axis=-1)
    good = inside & (poses.valid[at] & truth.seen[at] & source.seen[at])[:, None]
    if len(good) < 2:
        return []
    true, found, scores, positions = (
        resample(array[at], fps) for array in (truth.keypoints, source.keypoints, source.scores, poses.positions)
    )
    # A frame between two counts if both do.
    counts = resample(good.astype(np.float32), fps) > 0.99
    length = round(SECONDS * RATE_HZ)
    clips = []
    for first in range(0, max(len(true) - length // 2, 1), length):
        part = slice(first, first + length)
        units, turns = to_person(true[None, part])
        unit = np.linalg.norm(true[part] - true[part, :1]) / max(float(np.linalg.norm(units)), 1e-6)
        seen = np.einsum("ij,tvj->tvi", turns[0], found[part] - true[part, :1]) / unit
        axes = joint_axes(turn(positions[None, part], turns)[0], units[0])
        clips.append(
            tuple(_filled(array, length) for array in (units[0], seen, scores[part], axes, counts[part].astype(float)))
        )
    return clips


def _filled(array: NDArray[np.floating], length: int) -> Floats:
    """Bring (t, ...) to (length, ...) with zeros."""
    more = [(0, length - len(array))] + [(0, 0)] * (array.ndim - 1)
    return np.asarray(np.pad(array, more), np.float32)
