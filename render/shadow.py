"""Soft shadows that tie a body to the floor: straight below it, dark where it is near, faint where it is high."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render.camera import Camera
from render.shapes import Floats, capsules, fill, fixed_point, window
from render.surface import Surface

_FADE = 0.45  # metres of height over which a shadow loses most of its darkness
_SPREAD = 0.025  # metres a shadow's edge is soft
_NEAR = 0.2  # metres; what is nearer to the camera is left out
_WIDER = 1.25  # a shadow against its limb: light comes from the whole ceiling
_COARSE = 270  # rows of the picture that shadows are drawn in: soft things need few pixels


@dataclass(frozen=True)
class Shadows:
    """The shadows of limbs.

    Attributes:
        rims: (..., C, 2) metres: outlines on the floor.
        heights: (...) metres that the limbs are above it.
    """

    rims: NDArray[np.float64]
    heights: NDArray[np.float64]

    def __getitem__(self, index: Any) -> Shadows:
        """Return those at an index, (N,) shadows in one row."""
        heights = self.heights[index].ravel()
        return Shadows(self.rims[index].reshape(len(heights), *self.rims.shape[-2:]), heights)


def cast(limbs: Floats, radii: Floats) -> Shadows:
    """Return the shadows of limbs (..., 2, 3) metres of radii (..., 2) metres."""
    wide = np.broadcast_to(_WIDER * radii, limbs.shape[:-1])
    return Shadows(capsules(limbs[..., :2], wide, 6), np.clip(limbs[..., 2].min(axis=-1), 0.0, None))


class ShadowPainter:
    """Darkens the floor below limbs."""

    def __init__(self, size: tuple[int, int], strength: float) -> None:
        self._scale = max(1.0, min(size) / _COARSE)
        self._mask = np.zeros(
            (int(np.ceil(size[1] / self._scale)) + 1, int(np.ceil(size[0] / self._scale)) + 1), np.uint8
        )
        self._strength = strength

    def paint(self, panel: Surface, camera: Camera, shadows: Shadows) -> None:
        """Darken a panel in place; of N shadows."""
        rims = shadows.rims
        if not len(rims):
            return
        pixels, depth = camera.project(np.concatenate([rims, np.zeros_like(rims[..., :1])], axis=-1))
        pixels = pixels / self._scale
        size = self._mask.shape[1], self._mask.shape[0]
        reach = np.abs(pixels).max(axis=(1, 2))
        seen: NDArray[np.bool_] = np.logical_and(depth.min(axis=1) > _NEAR, reach < 4 * max(size))
        if not seen.any():
            return
        soft = _SPREAD * camera.f_px / float(depth.mean()) / self._scale
        border = 3 * soft + 2
        part = window(size, pixels[seen].min(axis=(0, 1)) - border, pixels[seen].max(axis=(0, 1)) + border)
        if part is None:
            return
        self._mask[part] = 0
        darkness = 255 * self._strength * np.exp(-shadows.heights / _FADE)
        polygons = fixed_point(pixels)
        for index in np.argsort(darkness):  # darkest last: shadows do not add up
            if seen[index]:
                fill(self._mask, polygons[index], (float(darkness[index]),) * 3)
        # The floor is seen at a slant, and so is the softness.
        slant = max(0.3, float(np.sin(np.radians(camera.elevation))))
        blurred = cv2.GaussianBlur(self._mask[part], (0, 0), sigmaX=max(soft, 0.6), sigmaY=max(soft * slant, 0.6))
        self._darken(panel, part, np.asarray(blurred, np.uint8))

    def _darken(self, panel: Surface, part: tuple[slice, slice], mask: NDArray[np.uint8]) -> None:
        """Multiply a coarse window of darkness into the panel."""
        width, height = panel.size
        top, left = round(part[0].start * self._scale), round(part[1].start * self._scale)
        bottom = min(round(part[0].stop * self._scale), height)
        right = min(round(part[1].stop * self._scale), width)
        if top >= bottom or left >= right:
            return
        whole = round(part[1].stop * self._scale) - left, round(part[0].stop * self._scale) - top
        fine = cv2.resize(mask, whole, interpolation=cv2.INTER_LINEAR)[: bottom - top, : right - left]
        # A film's colours begin at even pixels; nothing is dark at the window's edge.
        odd_rows, odd_columns = top % 2, left % 2
        floor = panel.part((slice(top + odd_rows, bottom), slice(left + odd_columns, right)))
        floor.dim(np.asarray(255 - fine[odd_rows:, odd_columns:], np.uint8))
