"""Feet on the ground: which foot is planted when, and the floor under all places where one was."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, grey_opening

from detectors.joints import H36M_17

Numbers = NDArray[np.floating]
Doubles = NDArray[np.float64]

ANKLES = [H36M_17.index("left_ankle"), H36M_17.index("right_ankle")]

_CALM_S = 0.05  # over which the ankles are smoothed before their speed is taken
_STILL = (0.15, 0.35)  # m/s across the view: up to the first an ankle rests, from the second on it moves
_LOW = (0.04, 0.10)  # metres above the lower ankle: likewise
_STANDS_S = 0.12  # seconds for which a foot stands at the least; at the top of a jump it rests for 0.07
_SEEN = (0.1, 0.4)  # score: up to the first nothing is claimed, from the second on all
_TILT = np.radians(6.0)  # one sigma of the estimated way up: the floor may lean so far from it
EVEN = 0.03  # metres: one sigma of a planted ankle's height above the floor


def planted(
    positions: Numbers, keypoints: Numbers, scores: Doubles, depth: Doubles, seconds: Doubles, up: Doubles, focal: float
) -> Doubles:
    """Return (T, 2) in 0..1: how surely the left and the right foot stand.

    A foot that stands rests in the picture of a camera that rests, for longer than at the top of a jump, and the other
    one does not hang much below it. All this is seen without knowing the path.

    Args:
        positions: (T, 17, 3) metres about the pelvis, camera axes.
        keypoints: (T, 17, 2) pixels.
        scores: (T, 17) in 0..1.
        depth: (T,) metres from the camera to the pelvis, along the view.
        seconds: (T,), rising.
        up: (3,) against gravity, camera axes.
        focal: pixels.
    """
    if len(seconds) < 2:
        return np.zeros((len(seconds), 2))
    calm = _CALM_S / float(np.median(np.diff(seconds)))
    ankles, pixels = positions[:, ANKLES].astype(np.float64), keypoints[:, ANKLES].astype(np.float64)
    places = gaussian_filter1d(pixels, calm, axis=0, mode="nearest")
    metres = (depth[:, None] + ankles[..., 2]) / focal  # of a pixel
    speed = np.linalg.norm(np.gradient(places, seconds, axis=0), axis=-1) * metres
    height = gaussian_filter1d(ankles @ up, calm, axis=0, mode="nearest")
    above = height - height.min(axis=1, keepdims=True)
    rests = (1 - _ramp(speed, _STILL)) * (1 - _ramp(above, _LOW)) * _ramp(scores[:, ANKLES], _SEEN)
    frames = max(1, int(np.ceil(_STANDS_S / float(np.median(np.diff(seconds))))))
    stands: Doubles = grey_opening(rests, (frames, 1), mode="nearest")
    return stands


def floor_under(feet: Doubles, weights: Doubles, up: Doubles) -> tuple[Doubles, float]:
    """Return the floor's plane, normal (3,) and offset, through planted feet: normal . x = offset.

    It leans from the estimated way up as far as the feet say so and the belief in the estimate allows.

    Args:
        feet: (N, 3) metres, camera axes.
        weights: (N,) from 0; how many independent sightings each is worth.
        up: (3,) the estimated way up.
    """
    aside = np.linalg.svd(up[None])[2][1:]  # two directions along the floor
    middle = (feet * weights[:, None]).sum(axis=0) / max(float(weights.sum()), 1e-9)
    along, height = (feet - middle) @ aside.T, (feet - middle) @ up
    normal = (along * weights[:, None]).T @ along / EVEN**2 + np.eye(2) / _TILT**2
    lean = np.linalg.solve(normal, (along * weights[:, None]).T @ height / EVEN**2)
    plane = up - lean @ aside
    return plane, float(plane @ middle)


def _ramp(values: Doubles, ends: tuple[float, float]) -> Doubles:
    """Return 0 up to the first end, 1 from the second on, straight between."""
    ramp: Doubles = np.clip((values - ends[0]) / (ends[1] - ends[0]), 0, 1)
    return ramp
