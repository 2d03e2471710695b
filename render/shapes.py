"""Shapes: round limbs as polygons, clipped far outside the picture, painted crisp or faint on an RGB array."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # (H, W, 3) RGB
Floats = NDArray[np.floating]

SHIFT = 4  # binary digits of a pixel's fraction in the coordinates that OpenCV gets
_REACH = 1e7  # pixels


def clip_segments(
    segments: Floats, size: tuple[int, int], margin: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Cut segments (N, 2, 2) to the picture (W, H) grown by a margin; all in pixels.

    A point far outside would overflow OpenCV's integers. Liang and Barsky's parametric clipping, 1984.

    Returns:
        The cut segments (N, 2, 2), and (N,) which of them touch the grown picture (the others are unchanged).
    """
    start = np.asarray(segments[:, 0], np.float64)
    step = np.asarray(segments[:, 1], np.float64) - start
    enter, leave = np.zeros(len(start)), np.ones(len(start))
    inside = np.ones(len(start), bool)
    for axis in (0, 1):
        low, high = -margin - start[:, axis], size[axis] - 1 + margin - start[:, axis]
        along = step[:, axis]
        still = np.abs(along) < 1e-9
        inside &= ~still | ((low <= 0) & (high >= 0))
        divisor = np.where(still, 1.0, along)
        first, second = low / divisor, high / divisor
        enter = np.where(still, enter, np.maximum(enter, np.minimum(first, second)))
        leave = np.where(still, leave, np.minimum(leave, np.maximum(first, second)))
    inside &= enter <= leave
    ends = np.stack([np.where(inside, enter, 0.0), np.where(inside, leave, 1.0)], axis=1)
    return start[:, None] + ends[..., None] * step[:, None], inside


def capsules(ends: Floats, radii: Floats, corners: int = 10) -> NDArray[np.float64]:
    """Return the outlines of tapered capsules, the convex hulls of two circles each.

    Args:
        ends: (..., 2, 2), the circles' centres.
        radii: (..., 2), in the same unit.
        corners: of each round end.

    Returns:
        (..., 2 * corners, 2) corners, in the same unit.
    """
    ends, radii, rays = round_ends(ends, radii, corners)
    outline: NDArray[np.float64] = ends[..., None, :] + radii[..., None, None] * rays
    return outline.reshape(*outline.shape[:-3], 2 * corners, 2)


def round_ends(ends: Floats, radii: Floats, corners: int) -> tuple[Floats, Floats, Floats]:
    """Return what `capsules` are built from: centres, radii, and (..., 2, corners, 2) unit rays to each end's corners.

    Where one circle holds the other, both ends become the larger one.
    """
    ends, radii = np.asarray(ends, np.float64), np.asarray(radii, np.float64)
    step = ends[..., 1, :] - ends[..., 0, :]
    length = np.hypot(step[..., 0], step[..., 1])
    swallowed = length <= np.abs(radii[..., 0] - radii[..., 1]) + 1e-9
    if (swallowed & (radii[..., 0] != radii[..., 1])).any():
        larger = np.argmax(radii, axis=-1)[..., None]
        ends = np.where(swallowed[..., None, None], np.take_along_axis(ends, larger[..., None], axis=-2), ends)
        radii = np.where(swallowed[..., None], np.take_along_axis(radii, larger, axis=-1), radii)
    lean = np.arccos(np.where(swallowed, 0.0, (radii[..., 0] - radii[..., 1]) / np.where(swallowed, 1.0, length)))
    arc = np.linspace(0.0, 1.0, corners)
    heading = np.arctan2(step[..., 1], step[..., 0])
    back = heading[..., None] + lean[..., None] + arc * (2 * np.pi - 2 * lean)[..., None]
    front = heading[..., None] - lean[..., None] + arc * (2 * lean)[..., None]
    turns = np.stack([back, front], axis=-2)
    return ends, radii, np.stack([np.cos(turns), np.sin(turns)], axis=-1)


def fixed_point(pixels: Floats) -> NDArray[np.int32]:
    """Return pixels in the fixed-point numbers that OpenCV draws with (`SHIFT` binary digits of fraction).

    What is out of all reach is moved to where the numbers still hold it; nobody draws it.
    """
    return np.rint(np.clip(pixels, -_REACH, _REACH) * (1 << SHIFT)).astype(np.int32)


def fill(picture: NDArray[np.uint8], polygon: NDArray[np.int32], color: Sequence[float]) -> None:
    """Fill one convex polygon of `fixed_point` pixels in place, anti-aliased."""
    cv2.fillConvexPoly(picture, polygon, color, cv2.LINE_AA, SHIFT)


def window(size: tuple[int, int], low: Floats, high: Floats) -> tuple[slice, slice] | None:
    """Return the rows and columns of a picture (W, H) between two points in pixels; None where nothing is left."""
    left, top = (int(max(np.floor(value), 0)) for value in low)
    right = int(min(np.ceil(high[0]) + 1, size[0]))
    bottom = int(min(np.ceil(high[1]) + 1, size[1]))
    return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None
