"""What is wrong with a motion without any reference: bones that change length, sides that differ.

Positions (T, 17, 3) in metres, Human3.6M joints; a bone is named by the joint it ends in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lifter import joints
from lifter.metrics.arrays import MM, Doubles, average, scored, sequence

BONES: tuple[int, ...] = tuple(joint for joint, parent in enumerate(joints.PARENTS) if parent >= 0)


def bone_deviation(positions: ArrayLike, valid: ArrayLike | None = None) -> float:
    """Standard deviation over time of every bone's length, mean over the 16 bones, millimetres."""
    lengths = bone_lengths(positions)
    mask = scored(valid, len(lengths))
    return float(lengths[mask].std(axis=0)[list(BONES)].mean()) if mask.any() else float("nan")


def bone_asymmetry(positions: ArrayLike, valid: ArrayLike | None = None) -> float:
    """Mean over time and the 6 pairs of difference in length between a left and its right bone, millimetres."""
    lengths = bone_lengths(positions)
    return average(side_differences(lengths)[:, list(joints.LIMBS_12)], scored(valid, len(lengths)))


def bone_lengths(positions: ArrayLike) -> Doubles:
    """Lengths (T, 17) of the bones that end in each joint, millimetres; the root, where none ends, has 0.

    Raises:
        ValueError: positions that are not (T, 17, 3).
    """
    p = sequence(positions)
    if p.shape[1] != len(joints.PARENTS):
        raise ValueError(f"metrics: {len(joints.PARENTS)} joints wanted to measure bones, got {p.shape[1]}")
    parents = [max(parent, 0) for parent in joints.PARENTS]
    return np.asarray(MM * np.linalg.norm(p - p[:, parents], axis=-1))


def side_differences(lengths: Doubles) -> Doubles:
    """Absolute differences (T, 17) between every bone's length and that of its mirror image."""
    return np.abs(lengths - lengths[:, list(joints.MIRROR)])
