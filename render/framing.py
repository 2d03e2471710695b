"""Framing: the room that a film's people need, and a camera that holds it from every side without ever zooming."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render.camera import Camera

_FIELD_OF_VIEW = 32.0  # degrees over the panel's smaller side: a portrait lens, little distortion
_SIDE_MARGIN, _TOP_MARGIN, _BOTTOM_MARGIN = 0.08, 0.10, 0.13  # shares of the panel kept free of people
_SMALLEST = np.array([0.5, 0.5])  # metres: half width and half depth that are always in sight
_LOWEST_TOP, _HEADROOM = 1.2, 0.08  # metres: always in sight above the floor; above the highest joint
_LARGEST = 12.0  # metres from the middle: a stray track further out must not make everyone tiny


@dataclass(frozen=True)
class Extent:
    """The room that a film's people need: an upright box, metres.

    Attributes:
        low, high: opposite corners; low z is at most 0, the floor.
    """

    low: tuple[float, float, float]
    high: tuple[float, float, float]

    @property
    def middle(self) -> tuple[float, float, float]:
        """The box's middle."""
        x, y, z = ((a + b) / 2 for a, b in zip(self.low, self.high, strict=True))
        return x, y, z

    @property
    def radius(self) -> float:
        """Metres from the middle to a vertical edge."""
        return float(np.hypot(self.high[0] - self.low[0], self.high[1] - self.low[1])) / 2

    def corners(self) -> NDArray[np.float64]:
        """Return the (8, 3) corners."""
        ends = np.array([self.low, self.high])
        return np.array([[ends[i, 0], ends[j, 1], ends[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)])

    def drum(self, reach: float) -> NDArray[np.float64]:
        """Return (48, 3) points of the upright cylinder of a radius: what a turning camera must hold."""
        turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        x, y, _ = self.middle
        ring = np.stack([x + reach * np.cos(turn), y + reach * np.sin(turn)], axis=-1)
        return np.concatenate([np.insert(ring, 2, z, axis=1) for z in (self.low[2], self.high[2])])


def film_extent(world: NDArray[np.floating], valid: NDArray[np.bool_]) -> Extent:
    """Return the box that holds the people of a film (P, T, J, 3), where valid (P, T), but for stray poses.

    Each person's box leaves out the outermost 2 % of poses, so that one broken pose does not shrink everybody.
    """
    lows, highs = [], []
    for person, seen in zip(world, valid, strict=True):
        if seen.any():
            poses = np.asarray(person[seen], np.float64)
            lows.append(np.percentile(poses.min(axis=1), 2, axis=0))
            highs.append(np.percentile(poses.max(axis=1), 98, axis=0))
    if not lows:
        return Extent((-1.0, -1.0, 0.0), (1.0, 1.0, 1.8))
    low, high = np.min(lows, axis=0), np.max(highs, axis=0)
    middle = (low[:2] + high[:2]) / 2
    half = np.clip((high[:2] - low[:2]) / 2, _SMALLEST, _LARGEST)
    bottom = float(np.clip(low[2], -_LARGEST, 0.0))
    top = float(np.clip(high[2] + _HEADROOM, _LOWEST_TOP, _LARGEST))
    (west, south), (east, north) = middle - half, middle + half
    return Extent((float(west), float(south), bottom), (float(east), float(north), top))


def frame_extent(extent: Extent, size: tuple[int, int], azimuth: float, elevation: float, turns: bool) -> Camera:
    """Return the camera that just holds an extent in a panel of (W, H) pixels.

    A turning camera holds the upright cylinder about the extent, so its distance and height never change.
    """
    points = extent.drum(extent.radius) if turns else extent.corners()
    width, height = size
    f_px = min(width, height) / 2 / np.tan(np.radians(_FIELD_OF_VIEW / 2))
    # The people's part of the panel is not in its middle (the writing is below): move the optical axis there.
    middle = ((width - 1) / 2, height * (_TOP_MARGIN + 1 - _BOTTOM_MARGIN) / 2)
    target, near, far = np.array(extent.middle), 1.0, 400.0
    half = np.array([width * (0.5 - _SIDE_MARGIN), height * (1 - _TOP_MARGIN - _BOTTOM_MARGIN) / 2])

    def camera_at(distance: float) -> tuple[Camera, bool]:
        x, y, z = (float(value) for value in target)
        camera = Camera((x, y, z), distance, azimuth, elevation, float(f_px), middle)
        for _ in range(3):  # raise or lower the camera until what it sees is centred
            pixels, depth = camera.project(points)
            if depth.min() < 0.3:
                return camera, False
            offset = (pixels[:, 1].min() + pixels[:, 1].max()) / 2 - middle[1]
            shift = camera.axes[1] * offset * distance / f_px
            x, y, z = (float(a + b) for a, b in zip(camera.target, shift, strict=True))
            if turns:  # only the height may move, else the room would sway about the turning axis
                x, y, z = camera.target[0], camera.target[1], float(camera.target[2] + shift[2])
            camera = Camera((x, y, z), distance, azimuth, elevation, float(f_px), middle)
        pixels, depth = camera.project(points)
        fits = bool(depth.min() >= 0.3) and bool((np.abs(pixels - middle) <= half * 1.001).all())
        return camera, fits

    for _ in range(40):
        distance = (near * far) ** 0.5
        near, far = (near, distance) if camera_at(distance)[1] else (distance, far)
    return camera_at(far)[0]
