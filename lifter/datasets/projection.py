"""A fixed camera: world to camera axes by a quaternion, and onto the picture by a pinhole with lens distortion."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Points = NDArray[np.floating[Any]]


def rotation_matrix(quaternion: Points) -> Doubles:
    """Return (..., 3, 3) rotations for quaternions (..., 4) in the order w, x, y, z; their length does not matter.

    Raises:
        ValueError: not (..., 4), or a quaternion of length zero.
    """
    given = np.asarray(quaternion, np.float64)
    length = np.linalg.norm(given, axis=-1, keepdims=True)
    if given.shape[-1:] != (4,) or not (length > 0).all():
        raise ValueError(f"rotation_matrix: (..., 4) quaternions of some length wanted, got {given.shape}")
    w, x, y, z = np.moveaxis(given / length, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def world_to_camera(points: Points, orientation: Points, translation: Points) -> Doubles:
    """Bring (..., 3) world points into camera axes: R(orientation)^-1 (X - translation).

    Args:
        points: (..., 3) metres, world axes.
        orientation: (4,) quaternion w, x, y, z that turns camera axes into world axes.
        translation: (3,) metres, where the camera stands in the world.
    """
    # A row vector times R is R transposed, which is R inverse, times the column.
    moved: Doubles = (np.asarray(points, np.float64) - translation) @ rotation_matrix(orientation)
    return moved


def camera_to_world(points: Points, orientation: Points, translation: Points) -> Doubles:
    """Bring (..., 3) points from camera axes back into the world: the inverse of `world_to_camera`."""
    moved: Doubles = np.asarray(points, np.float64) @ rotation_matrix(orientation).T + translation
    return moved


def project(points: Points, intrinsics: Points, distortion: Points | None = None) -> Doubles:
    """Project (..., 3) metres in camera axes to (..., 2) pixels.

    With distortion it is Human3.6M's own formula, by which the ground-truth 2D of all its papers is made:
    radial and tangential terms on the image plane, whose tangential products lack the factor 2 of the usual
    (Brown's, OpenCV's) formula. As in VideoPose3D, x / z and y / z are held within -1..1 there, beyond which the
    polynomial runs away.

    Args:
        points: x right, y down, z away; in front of the camera.
        intrinsics: (4,) or (..., 4) f_x, f_y, c_x, c_y, pixels.
        distortion: (5,) k_1, k_2, k_3 of the radial part, then the tangential coefficient that acts along x and
            the one along y; None for a pinhole.

    Raises:
        ValueError: a shape that does not fit, or a point at or behind the camera.
    """
    where, lens = np.asarray(points, np.float64), np.asarray(intrinsics, np.float64)
    if where.shape[-1:] != (3,) or lens.shape[-1:] != (4,):
        raise ValueError(f"project: (..., 3) points and (..., 4) intrinsics wanted, got {where.shape}, {lens.shape}")
    if not (where[..., 2] > 0).all():
        raise ValueError("project: a point lies at or behind the camera")
    plane = where[..., :2] / where[..., 2:]
    if distortion is not None:
        plane = _distort(np.clip(plane, -1, 1), np.asarray(distortion, np.float64))
    pixels: Doubles = plane * lens[..., :2] + lens[..., 2:]
    return pixels


def _distort(plane: Doubles, distortion: Doubles) -> Doubles:
    if distortion.shape != (5,):
        raise ValueError(f"project: (5,) distortion wanted, got {distortion.shape}")
    radial, tangential = distortion[:3], distortion[3:]
    square = (plane**2).sum(axis=-1, keepdims=True)
    stretch = 1 + square * (radial[0] + square * (radial[1] + square * radial[2]))
    lean = (plane * tangential).sum(axis=-1, keepdims=True)
    bent: Doubles = plane * (stretch + lean) + tangential * square
    return bent
