"""What flows between the stages: `Pose2D` and `Pose3D`, whole films of people, shape-checked at birth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Pose2D:
    """P tracked people over T frames, in a detector's own joints.

    Attributes:
        keypoints: (P, T, J, 2) float32, pixels, x right and y down.
        scores: (P, T, J) float32 in 0..1; 0 means unseen.
        boxes: (P, T, 4) float32, pixels, x1 y1 x2 y2.
        valid: (P, T) bool; the person is in track in this frame.
        timestamps: (T,) float64, seconds from the first frame.
        joints: J names.

    Raises:
        ValueError: an array of the wrong shape or with values that are not finite.
    """

    keypoints: Floats
    scores: Floats
    boxes: Floats
    valid: Bools
    timestamps: NDArray[np.float64]
    joints: tuple[str, ...]

    def __post_init__(self) -> None:
        p, t, j = len(self.keypoints), len(self.timestamps), len(self.joints)
        _check(self, {"keypoints": (p, t, j, 2), "scores": (p, t, j), "boxes": (p, t, 4), "valid": (p, t)})


@dataclass(frozen=True)
class Pose3D:
    """P tracked people over T frames as Human3.6M's 17 joints in space, and the 2D they were lifted from.

    Attributes:
        positions: (P, T, 17, 3) float32, metres, pelvis = 0; camera axes x right, y down, z away.
        valid: (P, T) bool.
        timestamps: (T,) float64, seconds from the first frame.
        joints: 17 names.
        people: (P,) int64, the number of each person: its row in the detected poses, from 1.
        keypoints: (P, T, 17, 2) float32, pixels: the adapted and cleaned 2D that was lifted.
        scores: (P, T, 17) float32 in 0..1, as detected; 0 where the key point was filled in.
        repairs: (P, T, 17) uint8 bits of what cleaning changed: 1 left/right swapped back, 2 filled in.
        up: (3,) float32, unit vector against gravity, in camera axes: the estimated tilt of the camera.
        root: (P, T, 3) float32, metres from the camera to the pelvis, camera axes: the estimated path.
        root_sigma: (P, T, 3) float32, metres: one standard deviation of each number of `root` (`pipeline.path`).

    Raises:
        ValueError: an array of the wrong shape or with values that are not finite.
    """

    positions: Floats
    valid: Bools
    timestamps: NDArray[np.float64]
    joints: tuple[str, ...]
    people: NDArray[np.int64]
    keypoints: Floats
    scores: Floats
    repairs: NDArray[np.uint8]
    up: Floats
    root: Floats
    root_sigma: Floats

    def __post_init__(self) -> None:
        p, t, j = len(self.positions), len(self.timestamps), len(self.joints)
        _check(
            self,
            {
                "positions": (p, t, j, 3),
                "valid": (p, t),
                "people": (p,),
                "keypoints": (p, t, j, 2),
                "scores": (p, t, j),
                "repairs": (p, t, j),
                "up": (3,),
                "root": (p, t, 3),
                "root_sigma": (p, t, 3),
            },
        )
        if not 0.9 < np.linalg.norm(self.up.astype(np.float64)) < 1.1:
            raise ValueError(f"Pose3D.up: a unit vector wanted, got {self.up}")
        if (self.root_sigma < 0).any():
            raise ValueError("Pose3D.root_sigma: must not be negative")


LONGEST_S = 30 * 86_400.0
# The kind of every array that is not one of floats.
KINDS = {"valid": "b", "people": "i", "repairs": "u"}


def _check(pose: Pose2D | Pose3D, shapes: dict[str, tuple[int, ...]]) -> None:
    """Refuse arrays whose shape or kind differs from what the first ones promise, and numbers that are not finite."""
    for name, shape in {**shapes, "timestamps": (len(pose.timestamps),)}.items():
        array, kind = getattr(pose, name), KINDS.get(name, "f")
        if array.shape != shape or array.dtype.kind != kind:
            raise ValueError(f"{type(pose).__name__}.{name}: expected {shape} {kind}, got {array.shape} {array.dtype}")
        if kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{type(pose).__name__}.{name}: values must be finite")
    seconds = pose.timestamps
    if (seconds[1:] < seconds[:-1]).any() or (len(seconds) and (seconds[0] != 0 or seconds[-1] > LONGEST_S)):
        raise ValueError(
            f"{type(pose).__name__}.timestamps: must begin at 0, not run backwards, and end within 30 days"
        )
