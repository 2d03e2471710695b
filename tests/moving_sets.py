"""Prepared data sets of known motions for the tests of training: pinhole pictures, frames that do not count."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lifter.datasets.mocap.tiny_motion import motion, places
from lifter.datasets.poseset import Poses, PoseSet, write_keypoints, write_poses

FOCAL_PX, SIZE = 1100.0, (1000, 800)
ROOM_TO_CAMERA = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])  # x right, y down, z away


def moving_set(lengths: dict[str, list[int]], gaps: bool = False, seed: int = 0) -> PoseSet:
    """Sequences of the given lengths by split, in two groups; with gaps, frames that are unseen and invalid."""
    splits = [name for name, of_split in lengths.items() for _ in of_split]
    frames = [length for of_split in lengths.values() for length in of_split]
    count = len(frames)
    positions = np.concatenate(
        [places(motion(length, i, seed)) @ ROOM_TO_CAMERA.T + [0.2 * i, 1.0, 4.5] for i, length in enumerate(frames)]
    ).astype(np.float32)
    total = len(positions)
    random = np.random.default_rng(seed)
    valid, seen = ((random.random(total) > 0.05) | (not gaps) for _ in range(2))
    poses = Poses(
        positions=positions,
        valid=np.asarray(valid, bool),
        lengths=np.array(frames),
        names=np.array([f"sequence_{i}" for i in range(count)]),
        subjects=np.array(["anna"] * count),
        actions=np.array(["walk"] * count),
        cameras=np.array(["front"] * count),
        groups=np.array([f"group_{'ab'[i % 2]}" for i in range(count)]),
        splits=np.array(splits),
        sizes=np.tile(np.array(SIZE, np.int32), (count, 1)),
        intrinsics=np.tile(np.array([FOCAL_PX, FOCAL_PX, 500, 400], np.float32), (count, 1)),
        fps=np.full(count, 50.0),
        about={"dataset": "moving", "protocol": "none"},
    )
    keypoints = (FOCAL_PX * positions[..., :2] / positions[..., 2:] + [500, 400]).astype(np.float32)
    return PoseSet(poses, "gt", keypoints, np.ones((total, 17), np.float32), np.asarray(seen, bool))


def write_set(folder: Path, made: PoseSet, detector_px: float = 6.0) -> PoseSet:
    """Write a set with its `gt` keypoints and those of a `detector` that errs by some pixels."""
    write_poses(folder, made.poses)
    write_keypoints(folder, made)
    noise = np.random.default_rng(1).normal(0, detector_px, made.keypoints.shape).astype(np.float32)
    write_keypoints(folder, PoseSet(made.poses, "detector", made.keypoints + noise, made.scores, made.seen))
    return made
