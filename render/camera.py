"""The room's camera: perspective projection and its inverse.

World: x right, y away from the film's camera, z up, metres. Panel: x right, y down, pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks at a target.

    Attributes:
        target: (3,) metres, what is at the middle of the panel.
        distance: metres from the target.
        azimuth: degrees about the vertical; 0 stands where the film's camera stood, 90 on its right.
        elevation: degrees above the horizon; it looks down by so much.
        f_px: focal length, pixels.
        middle: pixels, the panel's middle.
    """

    target: tuple[float, float, float]
    distance: float
    azimuth: float
    elevation: float
    f_px: float
    middle: tuple[float, float]

    @cached_property
    def axes(self) -> NDArray[np.float64]:
        """(3, 3): rows are the panel's right, its down, and away from the camera, in world axes."""
        turn, tilt = np.radians([self.azimuth, self.elevation])
        east, north, up = np.cos(turn), np.sin(turn), np.sin(tilt)
        level = np.cos(tilt)
        return np.array([[east, north, 0.0], [north * up, -east * up, -level], [-north * level, east * level, -up]])

    def project(self, points: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Map (..., 3) metres to (..., 2) panel pixels and (...) depth in metres; depth <= 0 is behind the camera."""
        seen = (np.asarray(points, np.float64) - self.target) @ self.axes.T
        depth = seen[..., 2] + self.distance
        safe = np.where(depth > 1e-3, depth, 1e-3)
        return seen[..., :2] * (self.f_px / safe)[..., None] + self.middle, depth

    def unproject(self, pixels: Floats, depth: Floats) -> NDArray[np.float64]:
        """Map (..., 2) panel pixels and (...) depth in metres back to (..., 3) metres; `project`'s inverse."""
        depth = np.asarray(depth, np.float64)
        across = (np.asarray(pixels, np.float64) - self.middle) * (depth / self.f_px)[..., None]
        seen = np.concatenate([across, (depth - self.distance)[..., None]], axis=-1)
        return seen @ self.axes + self.target

    def turned(self, azimuth: float) -> Camera:
        """Return the same camera at another azimuth, degrees."""
        return replace(self, azimuth=azimuth)
