"""A small prepared data set that tests write themselves: people who walk past a level camera, a detector that errs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from lifter.datasets.poseset import Poses, PoseSet, write_keypoints, write_poses
from lifter.ugcn import UGCN, UGCNSettings
from lifter.weights import Recipe, save

FOCAL, SIZE = 1000.0, 1000
# Metres from the pelvis, camera axes; a person who faces the camera has his left at the picture's right.
STANDING = np.array(
    [[0, 0, 0], [-0.1, 0, 0], [-0.1, 0.42, 0], [-0.1, 0.84, 0], [0.1, 0, 0], [0.1, 0.42, 0], [0.1, 0.84, 0],
     [0, -0.25, 0], [0, -0.5, 0], [0, -0.6, 0], [0, -0.7, 0], [0.18, -0.48, 0], [0.2, -0.2, 0], [0.2, 0.05, 0],
     [-0.18, -0.48, 0], [-0.2, -0.2, 0], [-0.2, 0.05, 0]]
)  # fmt: skip
HEIGHT = 0.84 + 0.7


def walk(frames: int, seed: int, flat: bool = False) -> np.ndarray:
    """Absolute positions (T, 17, 3): swinging arms and legs, 4 m away; `flat` keeps every joint at that depth."""
    random = np.random.default_rng(seed)
    phase = 2 * np.pi * (np.arange(frames) / 40 + random.random())
    body = np.repeat(STANDING[None], frames, axis=0)
    for joint, side in ((2, 1), (3, 2), (5, -1), (6, -2), (13, 1.5), (16, -1.5)):
        swing = 0.15 * side * np.sin(phase)
        body[:, joint, 0] += 0.5 * swing
        if not flat:
            body[:, joint, 2] += swing
    path = np.stack([np.linspace(-0.6, 0.6, frames), np.zeros(frames), np.full(frames, 4.0)], axis=-1)
    return np.asarray(body + path[:, None], np.float32)


def project(positions: np.ndarray) -> np.ndarray:
    """Pixels (..., 2) of positions (..., 3)."""
    return np.asarray(FOCAL * positions[..., :2] / positions[..., 2:] + SIZE / 2, np.float32)


def walkers(count: int = 3, frames: int = 60, flat: bool = False, split: str = "test") -> PoseSet:
    """`count` walks as a data set with exact key points; actions alternate, the last frame has no good reference."""
    positions = np.concatenate([walk(frames, seed, flat) for seed in range(count)])
    valid = np.ones(len(positions), bool)
    valid[-1] = False
    names = [f"walk {number}" for number in range(count)]
    poses = Poses(
        positions, valid, np.full(count, frames), np.array(names), np.array(["S1"] * count),
        np.array([("Walking", "Waiting")[number % 2] for number in range(count)]), np.array(["c0"] * count),
        np.array(["walkers"] * count), np.array([split] * count), np.full((count, 2), SIZE, np.int32),
        np.tile(np.float32([FOCAL, FOCAL, SIZE / 2, SIZE / 2]), (count, 1)), np.full(count, 50.0),
        {"dataset": "walkers"},
    )  # fmt: skip
    return PoseSet(poses, "gt", project(positions), np.ones((len(positions), 17), np.float32), np.ones_like(valid))


def detected(truth: PoseSet, name: str = "cpn") -> PoseSet:
    """The same people by a detector that errs by some pixels and misses one frame."""
    random = np.random.default_rng(7)
    seen = truth.seen.copy()
    seen[3] = False
    noise = random.normal(0, 6, truth.keypoints.shape).astype(np.float32)
    return PoseSet(truth.poses, name, truth.keypoints + noise, truth.scores * np.float32(0.5), seen)


def write_walkers(folder: Path, count: int = 3, frames: int = 60) -> PoseSet:
    """Write the set with the sources gt and cpn; return it with gt."""
    truth = walkers(count, frames)
    write_poses(folder, truth.poses)
    write_keypoints(folder, truth)
    write_keypoints(folder, detected(truth))
    return truth


def write_lifter(path: Path, normalisation: str = "screen") -> Path:
    """Write a tiny network with random weights."""
    torch.manual_seed(0)
    save(path, UGCN(UGCNSettings(widths=(4, 4, 4, 4, 4))), Recipe(normalisation))
    return path
