"""Runs to export that tests write themselves: bodies of known motion, as a camera of known tilt would have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lifter import joints
from lifter.datasets.mocap.tiny_motion import motion, places
from pipeline.camera import up_of
from pipeline.poses import Pose3D
from pipeline.store import save_pose
from pipeline.upright import rotation_to_room

ANKLE_HIGH = 0.065  # metres from the floor to the lowest ankle of `standing`


def to_pose(
    room: np.ndarray,
    valid: np.ndarray | None = None,
    fps: float = 25.0,
    pitch: float = 0.0,
    away: float = 4.0,
    seconds: np.ndarray | None = None,
) -> Pose3D:
    """People (P, T, 17, 3), metres, z up, before a camera pitched down by degrees, 1.5 m above the floor."""
    up = np.array(up_of(pitch, 0.0))
    camera = (room + np.array([0, away, -1.5])) @ rotation_to_room(up)
    count, frames = room.shape[:2]
    ones = np.ones((count, frames, 17), np.float32)
    return Pose3D(
        (camera - camera[:, :, :1]).astype(np.float32),
        np.ones((count, frames), bool) if valid is None else valid,
        np.arange(frames) / fps if seconds is None else seconds,
        joints.NAMES, np.arange(count) + 1, np.zeros((count, frames, 17, 2), np.float32), ones,
        np.zeros((count, frames, 17), np.uint8), up.astype(np.float32), camera[:, :, 0].astype(np.float32),
        np.zeros((count, frames, 3), np.float32),
    )  # fmt: skip


def two_people(frames: int = 40) -> Pose3D:
    """Two who move, the second not seen in the first frames and in a gap."""
    room = np.stack([places(motion(frames, number)) + np.array([2.0 * number, 0, 0]) for number in range(2)])
    valid = np.ones((2, frames), bool)
    valid[1, :5] = valid[1, 20:25] = False
    return to_pose(room, valid)


def standing(frames: int) -> np.ndarray:
    """Somebody (T, 17, 3) who stands at one place, the ankles at `ANKLE_HIGH` above the floor."""
    still = motion(1, 0)
    for name in still:
        if name != "path":
            still[name] = np.zeros(1)
    body = places(still).astype(np.float64)
    return np.repeat(body + np.array([0, 0, ANKLE_HIGH - body[0, [3, 6], 2].min()]), frames, axis=0)


def write_run(folder: Path, pose: Pose3D) -> Path:
    """Write the poses as the run `film` in a folder; return the run's folder."""
    run = folder / "film"
    run.mkdir(parents=True, exist_ok=True)
    save_pose(run / "pose3d.npz", pose, fingerprint="f" * 64)
    return run
