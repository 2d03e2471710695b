"""The skeleton the lifter speaks: Human3.6M's 17 joints, their tree and their mirror pairs (VideoPose3D's order)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMES: tuple[str, ...] = (
    "pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "spine", "thorax",
    "neck", "head", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist",
)  # fmt: skip
PARENTS: tuple[int, ...] = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
ROOT = 0
LEFT: tuple[int, ...] = (4, 5, 6, 11, 12, 13)
RIGHT: tuple[int, ...] = (1, 2, 3, 14, 15, 16)
LIMBS: tuple[tuple[int, int], ...] = tuple((parent, joint) for joint, parent in enumerate(PARENTS) if parent >= 0)
SIDES: tuple[str, ...] = tuple(name.split("_")[0] if "_" in name else "center" for name in NAMES)
# Where every joint goes when the picture is mirrored; its own inverse.
MIRROR: tuple[int, ...] = (0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13)
# The joints of arms and legs, which every 2D detector and every reference define alike.
LIMBS_12: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16)


def mirror(points: NDArray[Any]) -> NDArray[Any]:
    """Mirror (..., 17, C) left to right about x = 0: x changes sign, the sides change names; its own inverse."""
    swapped: NDArray[Any] = np.take(points, MIRROR, axis=-2)
    swapped[..., 0] *= -1
    return swapped
