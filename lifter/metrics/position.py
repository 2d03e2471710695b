"""Errors of places: MPJPE, P-MPJPE, N-MPJPE (VideoPose3D's definitions; the paper's protocols 1 and 2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lifter.metrics.arrays import MM, Doubles, average, pair, scored


def mpjpe(predicted: ArrayLike, truth: ArrayLike, valid: ArrayLike | None = None) -> float:
    """Mean per-joint position error (protocol 1); the root, always right, counts as a joint."""
    p, g = pair(predicted, truth)
    return average(distances(p, g), scored(valid, len(p)))


def p_mpjpe(predicted: ArrayLike, truth: ArrayLike, valid: ArrayLike | None = None) -> float:
    """MPJPE after the best rotation, scale and translation of every frame (protocol 2).

    The paper says "rigid"; the code everyone compares by has the scale, and so has this.
    """
    p, g = pair(predicted, truth)
    return average(distances(procrustes(p, g), g), scored(valid, len(p)))


def n_mpjpe(predicted: ArrayLike, truth: ArrayLike, valid: ArrayLike | None = None) -> float:
    """MPJPE after the best scale of every frame about the root."""
    p, g = pair(predicted, truth)
    return average(distances(rescaled(p, g), g), scored(valid, len(p)))


def distances(predicted: Doubles, truth: Doubles) -> Doubles:
    """Distances (T, J) between positions (T, J, 3) in metres, millimetres."""
    return np.asarray(MM * np.linalg.norm(predicted - truth, axis=-1))


def rescaled(predicted: Doubles, truth: Doubles) -> Doubles:
    """Return (T, J, 3) every predicted pose at its least-squares scale; a pose of zeros stays one."""
    energy = np.square(predicted).sum(axis=(1, 2), keepdims=True)
    scale = (predicted * truth).sum(axis=(1, 2), keepdims=True) / np.maximum(energy, 1e-12)
    return np.asarray(scale * predicted)


def procrustes(predicted: Doubles, truth: Doubles) -> Doubles:
    """Return (T, J, 3) the predicted poses, each rotated (never mirrored), scaled and moved onto the truth.

    A pose whose joints coincide comes out as the truth's centroid: finite, and as wrong as it can be.
    """
    mean_p, mean_g = predicted.mean(axis=1, keepdims=True), truth.mean(axis=1, keepdims=True)
    p, g = predicted - mean_p, truth - mean_g
    u, s, vt = np.linalg.svd(p.swapaxes(-1, -2) @ g)
    sign = np.ones_like(s)
    sign[:, -1] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * sign[:, None, :]) @ vt
    scale = (s * sign).sum(axis=1) / np.maximum(np.square(p).sum(axis=(1, 2)), 1e-12)
    return np.asarray(scale[:, None, None] * (p @ rotation) + mean_g)
