"""Where a body of known size stands before a camera: the translation that puts its joints on their key points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

_FEWEST = 4  # joints that must be seen
_NEAREST = 0.3  # metres from the camera to the nearest joint; what comes out nearer is no fit
_STEPS = 8  # of Gauss and Newton; the linear start is close
_AT_ONCE = 2000  # frames
_OUTLIER = 2.0  # a joint this many typical residuals off counts half
_LEAST_ERROR = 0.002  # of the distance: residuals are not believed to be smaller (2 pixels at a focal length of 1000)


def fit_translation(
    positions: NDArray[np.floating],
    keypoints: NDArray[np.floating],
    scores: NDArray[np.floating],
    focal: float,
    centre: tuple[float, float],
) -> tuple[Doubles, Doubles, Bools]:
    """Fit every frame by itself, some at a time, so that a long film needs little memory.

    A pinhole sees a joint X + t at the ray n = (pixel - centre) / focal where (X + t)_xy = n (X + t)_z: two equations
    a joint, linear in t. Their least squares, weighted by the scores, start Gauss-Newton steps on the distances in the
    picture, in which joints far off count less.

    Args:
        positions: (T, 17, 3) metres about the pelvis, camera axes x right, y down, z away.
        keypoints: (T, 17, 2) pixels.
        scores: (T, 17) in 0..1; 0 is unseen.
        focal: focal length, pixels.
        centre: pixels, where the optical axis meets the picture.

    Returns:
        The translations t (T, 3), metres; their covariance (T, 3, 3), scaled by what the fit leaves in the picture;
        and where there is a fit (T,). Frames without one hold zeros.
    """
    parts = [slice(first, first + _AT_ONCE) for first in range(0, max(len(positions), 1), _AT_ONCE)]
    fits = [_fit(positions[part], keypoints[part], scores[part], focal, centre) for part in parts]
    places, covariances, usable = (np.concatenate(column) for column in zip(*fits, strict=True))
    return places, covariances, usable


def _fit(
    positions: NDArray[np.floating],
    keypoints: NDArray[np.floating],
    scores: NDArray[np.floating],
    focal: float,
    centre: tuple[float, float],
) -> tuple[Doubles, Doubles, Bools]:
    """Return what `fit_translation` does, of all frames at once."""
    body = np.asarray(positions, np.float64)
    rays = (np.asarray(keypoints, np.float64) - centre) / focal
    seen: Doubles = np.clip(np.asarray(scores, np.float64), 0, 1)
    usable = (seen > 0).sum(axis=1) >= _FEWEST
    place = _linear(body, rays, seen)
    weights = seen
    for _ in range(_STEPS):
        off, slopes = _picture(body, rays, place)
        weights = seen / (1 + (np.linalg.norm(off, axis=-1) / (_OUTLIER * _typical(off, seen))[:, None]) ** 2)
        normal = np.einsum("tj,tjki,tjkl->til", weights, slopes, slopes)
        place = place - _solve(normal, np.einsum("tj,tjki,tjk->ti", weights, slopes, off))
    off, slopes = _picture(body, rays, place)
    normal = np.einsum("tj,tjki,tjkl->til", weights, slopes, slopes)
    freedom = np.maximum(2 * (weights.sum(axis=1) / np.maximum(weights.max(axis=1), 1e-9)) - 3, 1)
    left = np.einsum("tj,tjk,tjk->t", weights, off, off) / freedom
    left = np.maximum(left, _LEAST_ERROR**2 * weights.max(axis=1))
    covariance = left[:, None, None] * _solve(normal, np.broadcast_to(np.eye(3), normal.shape))
    nearest = (body[..., 2] + place[:, None, 2]).min(axis=1)
    usable &= (nearest > _NEAREST) & np.isfinite(covariance).all(axis=(1, 2)) & np.isfinite(place).all(axis=1)
    return np.where(usable[:, None], place, 0.0), np.where(usable[:, None, None], covariance, 0.0), usable


def _linear(body: Doubles, rays: Doubles, weights: Doubles) -> Doubles:
    """Return (T, 3): the least squares of (X + t)_xy - n (X + t)_z = 0."""
    rows = np.zeros((*rays.shape, 3))
    rows[..., 0, 0] = rows[..., 1, 1] = 1.0
    rows[..., 2] = -rays
    wanted = rays * body[..., 2:] - body[..., :2]
    normal = np.einsum("tj,tjki,tjkl->til", weights, rows, rows)
    return _solve(normal, np.einsum("tj,tjki,tjk->ti", weights, rows, wanted))


def _picture(body: Doubles, rays: Doubles, place: Doubles) -> tuple[Doubles, Doubles]:
    """Return how far joints are from their rays at distance 1 (T, 17, 2), and the slopes of that by t (.., 2, 3)."""
    there = body + place[:, None]
    depth = np.maximum(there[..., 2], _NEAREST)[..., None]
    at: Doubles = there[..., :2] / depth
    slopes = np.zeros((*at.shape, 3))
    slopes[..., 0, 0] = slopes[..., 1, 1] = 1.0
    slopes[..., 2] = -at
    return at - rays, slopes / depth[..., None]


def _typical(off: Doubles, scores: Doubles) -> Doubles:
    """Return (T,) the typical distance of seen joints: the median, but not less than what is believed possible."""
    distance = np.where(scores > 0, np.linalg.norm(off, axis=-1), np.nan)
    seen = np.isfinite(distance).any(axis=1)
    middle: Doubles = np.full(len(off), _LEAST_ERROR)
    middle[seen] = np.nanmedian(distance[seen], axis=1)
    return np.maximum(middle, _LEAST_ERROR)


def _solve(normal: Doubles, right: Doubles) -> Doubles:
    """Solve (T, 3, 3) systems; a trace of damping keeps frames without evidence finite."""
    columns = right if right.ndim == 3 else right[..., None]
    solved = np.asarray(np.linalg.solve(normal + 1e-12 * np.eye(3), columns), np.float64)
    return solved[..., 0] if solved.shape[-1] == 1 else solved
