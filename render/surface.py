"""What is painted on: an RGB picture, or the three planes of a film's picture.

A film holds brightness (Y) in every pixel and colour (U, V) in every second one both ways: 4:2:0, here BT.709 in
limited range (ITU-R BT.709-6, section 3; 16..235 and 16..240). Painting on these planes themselves converts a colour
once instead of every pixel of every frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from render.shapes import SHIFT, Floats, Picture, window

# RGB 0..255 to Y, U, V.
_MATRIX = (
    np.array([[0.2126, 0.7152, 0.0722], [-0.2126, -0.7152, 0.9278], [0.7874, -0.7152, -0.0722]])
    * np.array([[219.0], [224 / 1.8556], [224 / 1.5748]])
    / 255
)
BLACK = (16.0, 128.0, 128.0)
# A colour sample lies at the first of its two columns and between its two rows: in `fixed_point` units of its plane,
# which has one binary digit of fraction more, half a row higher than the number of the brightness row says.
_SITE = np.array([0, 1 << (SHIFT - 1)], np.int32)

_ALIKE = 3.0  # levels of U or V that nobody tells apart
_ROUGH = 12.0  # levels from which on a step at an edge is seen


def to_yuv(rgb: Sequence[float] | NDArray[Any]) -> NDArray[np.float64]:
    """Return the (..., 3) Y, U, V of RGB colours (..., 3), 0..255, not rounded."""
    yuv: NDArray[np.float64] = np.asarray(rgb, np.float64) @ _MATRIX.T + BLACK
    return yuv


class Surface:
    """A picture to paint on, in place.

    Args:
        pixels: (H, W, 3) RGB; or (3 * H / 2, W) with H and W even: the rows of Y, then of U, then of V, each two of
            whose rows lie in one (FFmpeg's yuv420p without gaps).

    Attributes:
        planes: RGB as one plane, or Y (H, W) and U, V (H / 2, W / 2, upwards rounded).
        is_film: it has the planes of a film.
    """

    def __init__(self, pixels: Picture) -> None:
        self.planes: tuple[Picture, ...] = (pixels,) if pixels.ndim == 3 else _planes_of(pixels)
        self.is_film = len(self.planes) == 3

    @classmethod
    def of_planes(cls, planes: Sequence[Picture]) -> Surface:
        """Return the surface of planes as `planes` has them."""
        surface = cls.__new__(cls)
        surface.planes, surface.is_film = tuple(planes), len(planes) == 3
        return surface

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.planes[0].shape[1], self.planes[0].shape[0]

    def part(self, area: tuple[slice, slice]) -> Surface:
        """Return rows and columns of it as a surface of the same memory; both begin at an even pixel."""
        rows, columns = area
        halves = tuple(slice((side.start or 0) // 2, (side.stop + 1) // 2) for side in area)
        return Surface.of_planes([self.planes[0][rows, columns], *(plane[halves] for plane in self.planes[1:])])

    def window(self, low: Floats, high: Floats) -> tuple[slice, slice] | None:
        """Return the rows and columns between two points in pixels, begun at even ones; None where nothing is left."""
        area = window(self.size, low, high)
        if area is None:
            return None
        rows, columns = (slice(side.start - side.start % 2, side.stop) for side in area)
        return rows, columns

    def tones(self, colors: Sequence[float] | NDArray[Any]) -> NDArray[np.float64]:
        """Return RGB colours (..., 3) in the surface's own numbers."""
        return to_yuv(colors) if self.is_film else np.asarray(colors, np.float64)

    def shapes(self, polygons: NDArray[np.int32]) -> tuple[NDArray[np.int32], ...]:
        """Return polygons (..., C, 2) of `fixed_point` pixels as `fill` wants them."""
        return (polygons, polygons - _SITE) if self.is_film else (polygons,)

    def fill(self, shapes: tuple[NDArray[np.int32], ...], at: int | tuple[int, ...], tone: Sequence[float]) -> None:
        """Fill one convex polygon, that at an index of `shapes`, anti-aliased, in a colour of `tones`."""
        if not self.is_film:
            cv2.fillConvexPoly(self.planes[0], shapes[0][at], tone, cv2.LINE_AA, SHIFT)
            return
        bright, colored = shapes[0][at], shapes[1][at]
        cv2.fillConvexPoly(self.planes[0], bright, tone[0], cv2.LINE_AA, SHIFT)
        cv2.fillConvexPoly(self.planes[1], colored, tone[1], cv2.LINE_AA, SHIFT + 1)
        cv2.fillConvexPoly(self.planes[2], colored, tone[2], cv2.LINE_AA, SHIFT + 1)

    def shade(
        self, shapes: tuple[NDArray[np.int32], ...], at: int, steps: Sequence[int], tones: Sequence[Sequence[float]]
    ) -> None:
        """Fill the polygons (at, step) of `shapes`, from a limb's rim to its lit spot, each in its step's tone.

        In a film, an edge between tones near each other is not smoothed, and colour that hardly changes is not painted.
        """
        if not self.is_film:
            for step in steps:
                self.fill(shapes, (at, step), tones[step])
            return
        for k, plane in enumerate(self.planes):
            polygons, shift, alike = (shapes[1][at], SHIFT + 1, _ALIKE) if k else (shapes[0][at], SHIFT, 0.0)
            last = -np.inf
            for step in steps:
                tone = tones[step][k]
                change = abs(tone - last)
                if change > alike:
                    cv2.fillConvexPoly(
                        plane, polygons[step], tone, cv2.LINE_AA if change > _ROUGH else cv2.LINE_8, shift
                    )
                    last = tone

    def dim(self, light: Picture) -> None:
        """Let through a share (H, W) of all light, 0 nothing, 255 all of it."""
        if not self.is_film:
            cv2.multiply(self.planes[0], cv2.merge([light] * 3), dst=self.planes[0], scale=1 / 255)
            return
        for plane, black in zip(self.planes, BLACK, strict=True):
            lit = light if plane.shape == light.shape else halved(light)
            kept = cv2.multiply(plane, lit, scale=1 / 255)
            lost = np.rint(black * np.arange(255, -1, -1) / 255).astype(np.uint8)
            cv2.add(kept, cv2.LUT(lit, lost), dst=plane)

    def mix(self, layer: Surface, share: float) -> None:
        """Lay a surface of the same size over it, `share` (0..1) opaque."""
        for below, above in zip(self.planes, layer.planes, strict=True):
            cv2.addWeighted(above, share, below, 1 - share, 0.0, dst=below)

    def copy(self) -> Surface:
        """Return the same in memory of its own."""
        return Surface.of_planes([plane.copy() for plane in self.planes])


def halved(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an (H, W) plane at half its size, upwards rounded: the mean of each two by two pixels."""
    height, width = plane.shape[:2]
    if height % 2 or width % 2:
        plane = np.asarray(cv2.copyMakeBorder(plane, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)
    size = (plane.shape[1] // 2, plane.shape[0] // 2)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)


def _planes_of(pixels: Picture) -> tuple[Picture, ...]:
    """Split (3 * H / 2, W) into Y, U and V, views of the same memory."""
    if pixels.ndim != 2 or pixels.shape[0] % 3 or pixels.shape[1] % 2:
        raise ValueError(f"Surface: expected (H, W, 3), or (3 * H / 2, W) of even sides, got {pixels.shape}")
    height, width = pixels.shape[0] * 2 // 3, pixels.shape[1]
    colors = pixels[height:].reshape(2, height // 2, width // 2)
    return pixels[:height], colors[0], colors[1]
