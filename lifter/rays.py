"""The axes of the view ray: those of a camera that looks straight at a person's pelvis.

A lifter in person units (`lifter.screen.to_person`) is not told where in the picture a person is, and what it sees of
one a degree off the optical axis is what a camera that is turned by this degree would see. In a camera's own axes its
truth would be turned by something it cannot know; in the axes of the ray it is not. Plane points are x / z and y / z.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

Number = TypeVar("Number", bound=np.floating)
Doubles = NDArray[np.float64]
CALM = 0.2  # seconds over which the place of a pelvis in the picture is averaged, against a detector's jitter
NEAREST = 0.3  # metres: no pelvis that is seen is nearer than that to the plane of the camera


def on_plane(places: NDArray[np.floating]) -> Doubles:
    """Return where places (..., 3) in front of a camera, metres, camera axes, are on the plane: (..., 2)."""
    exact = np.asarray(places, np.float64)
    return np.asarray(exact[..., :2] / np.maximum(exact[..., 2:], NEAREST))


def from_pixels(pixels: NDArray[np.floating], intrinsics: NDArray[np.floating]) -> Doubles:
    """Return where pixels (..., 2) are on the plane of a camera of f_x, f_y, c_x, c_y, pixels (4,)."""
    focal, centre = np.asarray(intrinsics, np.float64).reshape(2, 2)
    return np.asarray((pixels - centre) / focal)


def calmed(track: Doubles, step: float) -> Doubles:
    """Average a track (T, ...), frames `step` seconds apart, over `CALM` seconds; its ends are held."""
    return np.asarray(gaussian_filter1d(track, CALM / max(step, 1e-3), axis=0, mode="nearest"))


def turns_to_ray(pelvis: NDArray[np.floating]) -> Doubles:
    """Return the shortest turns (..., 3, 3) from the optical axis to the rays of pelvises (..., 2) on the plane."""
    rays = np.concatenate([np.asarray(pelvis, np.float64), np.ones((*pelvis.shape[:-1], 1))], axis=-1)
    return shortest_turns(np.array([0.0, 0.0, 1.0]), rays)


def to_ray(positions: NDArray[Number], turns: Doubles) -> NDArray[Number]:
    """Bring positions (..., 17, 3) about the pelvis from camera axes to those of the ray, by `turns_to_ray`."""
    return np.asarray(positions @ turns, dtype=positions.dtype)


def from_ray(positions: NDArray[Number], turns: Doubles) -> NDArray[Number]:
    """Inverse of `to_ray`."""
    return np.asarray(positions @ turns.swapaxes(-1, -2), dtype=positions.dtype)


def shortest_turns(start: Doubles, end: Doubles, share: float = 1.0) -> Doubles:
    """Return the shortest turns (..., 3, 3) from directions (..., 3) to others, or a share of the way."""
    axis = np.cross(start, end)
    sine = np.linalg.norm(axis, axis=-1, keepdims=True)
    angle = share * np.arctan2(sine, (start * end).sum(axis=-1, keepdims=True))
    vectors = axis / np.maximum(sine, 1e-12) * angle
    turns: Doubles = Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(*vectors.shape, 3)
    return turns
