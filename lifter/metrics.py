"""Errors of 3D poses in millimetres: MPJPE, P-MPJPE, N-MPJPE, MPJVE and acceleration, as VideoPose3D defines them.

All take root-relative positions (T, J, 3) in metres of one sequence, predicted and true, and compute in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Doubles = NDArray[np.float64]


def mpjpe(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Mean per-joint position error (protocol 1)."""
    p, g = _pair(predicted, truth)
    return float(1000 * np.linalg.norm(p - g, axis=-1).mean())


def p_mpjpe(predicted: ArrayLike, truth: ArrayLike) -> float:
    """MPJPE after the best rotation, scale and translation of every frame (protocol 2)."""
    p, g = _pair(predicted, truth)
    return float(1000 * np.linalg.norm(procrustes(p, g) - g, axis=-1).mean())


def n_mpjpe(predicted: ArrayLike, truth: ArrayLike) -> float:
    """MPJPE after the best scale of every frame."""
    p, g = _pair(predicted, truth)
    energy = np.square(p).sum(axis=(1, 2), keepdims=True)
    scale = (p * g).sum(axis=(1, 2), keepdims=True) / np.maximum(energy, 1e-12)
    return mpjpe(scale * p, g)


def mpjve(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Mean per-joint velocity error, millimetres a frame."""
    p, g = _pair(predicted, truth)
    return float(1000 * np.linalg.norm(np.diff(p - g, axis=0), axis=-1).mean()) if len(p) > 1 else 0.0


def acceleration_error(predicted: ArrayLike, truth: ArrayLike) -> float:
    """Mean per-joint acceleration error, millimetres a frame squared."""
    p, g = _pair(predicted, truth)
    return float(1000 * np.linalg.norm(np.diff(p - g, n=2, axis=0), axis=-1).mean()) if len(p) > 2 else 0.0


METRICS = {
    "MPJPE": mpjpe,
    "P-MPJPE": p_mpjpe,
    "N-MPJPE": n_mpjpe,
    "MPJVE": mpjve,
    "acceleration": acceleration_error,
}


def procrustes(predicted: Doubles, truth: Doubles) -> Doubles:
    """Return (T, J, 3) the predicted poses, each rotated (never mirrored), scaled and moved onto the truth."""
    mean_p, mean_g = predicted.mean(axis=1, keepdims=True), truth.mean(axis=1, keepdims=True)
    p, g = predicted - mean_p, truth - mean_g
    u, s, vt = np.linalg.svd(np.einsum("tji,tjk->tik", p, g))
    sign = np.ones_like(s)
    sign[:, -1] = np.sign(np.linalg.det(u @ vt))
    sign[sign == 0] = 1
    rotation = (u * sign[:, None, :]) @ vt
    scale = (s * sign).sum(axis=1) / np.maximum(np.square(p).sum(axis=(1, 2)), 1e-12)
    return np.asarray(scale[:, None, None] * (p @ rotation) + mean_g)


def _pair(predicted: ArrayLike, truth: ArrayLike) -> tuple[Doubles, Doubles]:
    p, g = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    if p.shape != g.shape or p.ndim != 3 or p.shape[-1] != 3 or not p.size:
        raise ValueError(f"metrics: two equal shapes (T, J, 3) wanted, got {p.shape} and {g.shape}")
    return p, g
