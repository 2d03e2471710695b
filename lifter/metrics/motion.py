"""Errors of motion by differences between frames: MPJVE, acceleration error, jerk.

In millimetres a frame (squared, cubed), at the frame rate the sequence has: numbers of different rates do not
compare. The paper's MPJVE (Table 8) is at Human3.6M's 50 Hz.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lifter.metrics.arrays import MM, Doubles, average, pair, scored, sequence

VELOCITY, ACCELERATION, JERK = 1, 2, 3


def mpjve(predicted: ArrayLike, truth: ArrayLike, valid: ArrayLike | None = None) -> float:
    """Mean per-joint velocity error, millimetres a frame."""
    p, g = pair(predicted, truth)
    return average(differences(p - g, VELOCITY), scored(valid, len(p), VELOCITY))


def acceleration_error(predicted: ArrayLike, truth: ArrayLike, valid: ArrayLike | None = None) -> float:
    """Mean per-joint acceleration error, millimetres a frame squared."""
    p, g = pair(predicted, truth)
    return average(differences(p - g, ACCELERATION), scored(valid, len(p), ACCELERATION))


def jerk_error(predicted: ArrayLike, truth: ArrayLike, valid: ArrayLike | None = None) -> float:
    """Mean per-joint error of the third difference, millimetres a frame cubed."""
    p, g = pair(predicted, truth)
    return average(differences(p - g, JERK), scored(valid, len(p), JERK))


def jerk(positions: ArrayLike, valid: ArrayLike | None = None) -> float:
    """Mean size of the third difference of one motion: how much it trembles, millimetres a frame cubed."""
    p = sequence(positions)
    return average(differences(p, JERK), scored(valid, len(p), JERK))


def differences(positions: Doubles, order: int) -> Doubles:
    """Sizes (max(T - order, 0), J) of the differences of an order of positions (T, J, 3) in metres, millimetres."""
    return np.asarray(MM * np.linalg.norm(np.diff(positions, n=order, axis=0), axis=-1))
