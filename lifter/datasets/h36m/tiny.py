"""A tiny Human3.6M in VideoPose3D's own files: a jointed figure that moves before the real cameras, for trials.

Every pose is made by the figure's angles, so that the truth is known: 32 joints in world metres, 2D by the cameras'
projection, and a "detector" that errs, sees further subjects and runs longer than the motion capture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from lifter.datasets.h36m.cameras import cameras
from lifter.datasets.h36m.names import FPS, KEPT
from lifter.datasets.projection import project, world_to_camera
from lifter.errors import LifterError
from lifter.whole import whole

Doubles = NDArray[np.float64]

# What each subject does; S11 has no Directions, as in the files that papers use.
ACTIONS: dict[str, tuple[str, ...]] = {
    "S1": ("Directions", "Walking 1", "Sitting", "SittingDown 2"),
    "S5": ("Directions 1", "Walking", "Sitting 1", "SittingDown"),
    "S9": ("Directions", "Walking 1", "Sitting 1", "SittingDown"),
    "S11": ("Walking", "Sitting", "SittingDown 1"),
}
JOINTS_32 = 32
# Joints that the release says twice: hip, neck and the wrists' doubles.
_SAME: dict[int, int] = {11: 0, 16: 13, 20: 19, 22: 19, 23: 19, 24: 13, 28: 27, 30: 27, 31: 27}
DETECTOR_ERROR_PX = 4.0


def write_tiny_h36m(folder: Path, frames: int = 150, seed: int = 0) -> None:
    """Write `data_3d_h36m.npz`, `data_2d_h36m_gt.npz` and `data_2d_h36m_cpn_ft_h36m_dbb.npz`.

    Args:
        folder: made where it is missing.
        frames: of the shortest recording; each further one of a subject is seven frames longer.
        seed: of body sizes, paths and the detector's errors.

    Raises:
        LifterError: the folder cannot be written to.
    """
    random = np.random.default_rng(seed)
    sizes = random.uniform(0.92, 1.08, len(ACTIONS))
    positions = {
        subject: {
            name: figure(name.split()[0], frames + 7 * number, size, random).astype(np.float32)
            for number, name in enumerate(names)
        }
        for (subject, names), size in zip(ACTIONS.items(), sizes, strict=True)
    }
    truth = {
        subject: {name: seen_by_cameras(subject, points) for name, points in of_subject.items()}
        for subject, of_subject in positions.items()
    }
    metadata = {"num_joints": 17, "keypoints_symmetry": [list(joints.LEFT), list(joints.RIGHT)]}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _save(folder / "data_3d_h36m.npz", positions_3d=positions)
        _save(folder / "data_2d_h36m_gt.npz", positions_2d=truth, metadata=metadata)
        _save(
            folder / "data_2d_h36m_cpn_ft_h36m_dbb.npz",
            positions_2d=_detected(truth, random),
            metadata={"layout_name": "h36m", **metadata},
        )
    except OSError as error:
        raise LifterError(f"{folder}: cannot be written ({error.strerror or error}); check the folder") from error


def seen_by_cameras(subject: str, points: NDArray[Any]) -> list[NDArray[np.float32]]:
    """Return what the subject's four cameras see of (T, 32, 3) world metres: four times (T, 17, 2) pixels."""
    kept = points[:, list(KEPT)]
    return [
        project(
            world_to_camera(kept, camera.orientation, camera.translation), camera.intrinsics, camera.distortion
        ).astype(np.float32)
        for camera in cameras(subject)
    ]


def figure(action: str, frames: int, size: float, random: np.random.Generator) -> Doubles:
    """Return (T, 32, 3) metres, world axes with z up: a person who does one action; pace and start are by chance."""
    seconds = np.arange(frames) / FPS
    pace, start = random.uniform(0.8, 1.1), random.uniform(0, 2 * np.pi)
    beat = 2 * np.pi * pace * seconds + start
    swing = np.sin(beat)
    still = np.zeros(frames)
    if action == "Walking":
        heading = start + seconds * 0.8  # along a circle of 0.9 m
        place = 0.9 * np.stack([-np.cos(heading), -np.sin(heading), still], axis=-1)
        body = pose(0.45 * swing, 0.35 * (1 - np.cos(beat)), 0.4 * swing, 0.3 + 0.1 * swing, still)
    else:
        heading, place = start + 0.1 * np.sin(seconds), np.tile([0.3, -0.2, 0.0], (frames, 1))
        low = {"Sitting": 1.4 + still, "SittingDown": 0.8 - 0.7 * np.cos(np.pi * seconds / seconds[-1])}
        bent = low.get(action, still)
        body = pose(0.04 * swing, bent, 0.5 * swing + 0.6, 0.8 + 0.5 * swing, 0.3 * bent, seat=bent)
    turned: Doubles = np.einsum("tab,tjb->tja", _about_z(heading), body * size)
    turned[..., 2] -= turned[..., 2].min(axis=-1, keepdims=True)  # the lowest point stands on the floor
    return turned + place[:, None]


def pose(
    stride: Doubles, knees: Doubles, arms: Doubles, elbows: Doubles, lean: Doubles, seat: Doubles | None = None
) -> Doubles:
    """Return (T, 32, 3) metres with the pelvis in the origin: x to the left, y behind, z up.

    Args:
        stride: (T,) radians, left thigh forward and right thigh back.
        knees: (T,) radians, both knees bent.
        arms: (T,) radians, right upper arm forward and left one back.
        elbows: (T,) radians, both elbows bent.
        lean: (T,) radians, trunk forward.
        seat: (T,) radians, both thighs forward on top of the stride.
    """
    lifted = np.zeros_like(stride) if seat is None else seat
    body = np.zeros((len(stride), JOINTS_32, 3))
    up = _along(lean)
    for joint, height in ((12, 0.24), (13, 0.49), (15, 0.72)):
        body[:, joint] = height * up
    body[:, 14] = body[:, 13] + 0.125 * _along(lean + 0.5)
    for side, hip, shoulder in ((1, 6, 17), (-1, 1, 25)):
        thigh, upper = lifted + side * stride, -side * arms
        body[:, hip] = (side * 0.13, 0, 0)
        body[:, hip + 1] = body[:, hip] - 0.44 * _along(-thigh)
        body[:, hip + 2] = body[:, hip + 1] - 0.44 * _along(knees - thigh)
        body[:, hip + 3] = body[:, hip + 2] + (0, -0.14, -0.06)
        body[:, hip + 4] = body[:, hip + 3] + (0, -0.07, 0)
        body[:, shoulder] = 0.47 * up + np.array([side * 0.15, 0, 0])
        body[:, shoulder + 1] = body[:, shoulder] - 0.28 * _along(-upper) + np.array([side * 0.06, 0, 0])
        body[:, shoulder + 2] = body[:, shoulder + 1] - 0.25 * _along(-upper - elbows)
        body[:, shoulder + 4] = body[:, shoulder + 2] + (0, -0.08, 0)
    for joint, of in _SAME.items():
        body[:, joint] = body[:, of]
    return body


def _along(forward: Doubles) -> Doubles:
    """Return (T, 3): up, turned forward (to -y) by so many radians."""
    return np.stack([np.zeros_like(forward), -np.sin(forward), np.cos(forward)], axis=-1)


def _about_z(angle: Doubles) -> Doubles:
    zero, one = np.zeros_like(angle), np.ones_like(angle)
    rows = [[np.cos(angle), -np.sin(angle), zero], [np.sin(angle), np.cos(angle), zero], [zero, zero, one]]
    return np.moveaxis(np.array(rows), -1, 0)


def _detected(truth: dict[str, Any], random: np.random.Generator) -> dict[str, Any]:
    def err(points: NDArray[np.float32]) -> NDArray[np.float32]:
        longer = np.concatenate([points, points[-3:]])
        return (longer + random.normal(0, DETECTOR_ERROR_PX, longer.shape)).astype(np.float32)

    found = {
        subject: {name: [err(view) for view in views] for name, views in of_subject.items()}
        for subject, of_subject in truth.items()
    }
    unlabelled = [np.full((20, 17, 2), 500, np.float32) for _ in range(4)]
    return {"S2": {"Directions": unlabelled}, **found}


def _save(path: Path, **members: Any) -> None:
    with whole(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **members)  # dicts: numpy pickles them, as VideoPose3D's files are
