"""Errors of 3D poses against a reference, as the literature on Human3.6M and MPI-INF-3DHP defines them.

All functions take root-relative positions (T, J, 3) in metres of **one** sequence, compute in float64 and return
millimetres (a frame, for velocities; percent, for PCK and AUC). `valid` (T,) bool says which frames are scored:
a velocity needs both its frames, an acceleration three in a row. A measure with nothing to measure (no scored
frame, a sequence too short) is NaN, never 0.
"""

from __future__ import annotations

from lifter.metrics.bones import bone_asymmetry, bone_deviation, bone_lengths
from lifter.metrics.correct import auc, pck
from lifter.metrics.motion import acceleration_error, jerk, jerk_error, mpjve
from lifter.metrics.position import mpjpe, n_mpjpe, p_mpjpe, procrustes

METRICS = {
    "MPJPE": mpjpe,
    "P-MPJPE": p_mpjpe,
    "N-MPJPE": n_mpjpe,
    "MPJVE": mpjve,
    "acceleration": acceleration_error,
}

__all__ = [
    "METRICS", "acceleration_error", "auc", "bone_asymmetry", "bone_deviation", "bone_lengths", "jerk", "jerk_error",
    "mpjpe", "mpjve", "n_mpjpe", "p_mpjpe", "pck", "procrustes",
]  # fmt: skip
