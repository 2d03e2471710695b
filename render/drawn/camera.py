"""A pinhole camera: where points of the world lie in camera axes and in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion; pixel centres lie at whole numbers.

    Attributes:
        K: (3, 3) focal lengths and principal point, pixels.
        R: (3, 3) rotation, world to camera axes (x right, y down, z away).
        t: (3,) metres; a world point X lies at R X + t.
        size: (width, height) pixels.

    Raises:
        ValueError: wrong shapes, numbers that are not finite, an R that is no rotation, an empty picture.
    """

    K: Floats
    R: Floats
    t: Floats
    size: tuple[int, int]

    def __post_init__(self) -> None:
        for name, shape in (("K", (3, 3)), ("R", (3, 3)), ("t", (3,))):
            array = np.asarray(getattr(self, name), np.float64)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"Camera.{name}: expected finite {shape}, got {array.shape}")
            object.__setattr__(self, name, array)
        if np.abs(self.R @ self.R.T - np.eye(3)).max() > 1e-6 or np.linalg.det(self.R) < 0:
            raise ValueError("Camera.R: not a rotation")
        if len(self.size) != 2 or min(self.size) < 1:
            raise ValueError(f"Camera.size: expected width and height of at least 1, got {self.size}")

    @property
    def eye(self) -> Floats:
        """(3,) metres, the camera's place in the world."""
        place: Floats = -self.R.T @ self.t
        return place

    def to_camera(self, points: NDArray[np.floating]) -> Floats:
        """Return world points (..., 3) in camera axes: x right, y down, z away, metres."""
        moved: Floats = np.asarray(points, np.float64) @ self.R.T + self.t
        return moved

    def project(self, points: NDArray[np.floating]) -> Floats:
        """Return the pixels (..., 2) of world points (..., 3); points behind the camera are held at 1 cm before it."""
        return self.to_pixels(self.to_camera(points))

    def to_pixels(self, seen: Floats) -> Floats:
        """Return the pixels (..., 2) of points (..., 3) in camera axes."""
        homogeneous = seen @ self.K.T
        pixels: Floats = homogeneous[..., :2] / np.maximum(homogeneous[..., 2:], 0.01)
        return pixels


def look_at(
    eye: tuple[float, float, float],
    target: tuple[float, float, float],
    f_px: float,
    size: tuple[int, int],
    roll: float = 0.0,
) -> Camera:
    """Return the camera at `eye` (metres, z up) that has `target` in the picture's middle.

    `roll` in radians turns the camera clockwise about its view, so that the picture turns anticlockwise.

    Raises:
        ValueError: eye and target coincide, or the camera looks straight up or down.
    """
    away = np.asarray(target, np.float64) - np.asarray(eye, np.float64)
    right = np.cross(away, [0.0, 0.0, 1.0])
    if np.linalg.norm(right) < 1e-9:
        raise ValueError("look_at: eye and target must differ, and not by height alone")
    away, right = away / np.linalg.norm(away), right / np.linalg.norm(right)
    down = np.cross(away, right)
    c, s = np.cos(roll), np.sin(roll)
    rotation = np.stack([c * right + s * down, c * down - s * right, away])
    width, height = size
    K = np.array([[f_px, 0, (width - 1) / 2], [0, f_px, (height - 1) / 2], [0, 0, 1]])
    return Camera(K, rotation, -rotation @ np.asarray(eye, np.float64), size)
