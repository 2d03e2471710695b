"""The empty room: a lit floor that fades into the wall, and a grid of whole metres on it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from render.camera import Camera
from render.colors import Color, Theme
from render.framing import Extent
from render.shapes import SHIFT, Picture, fixed_point
from render.surface import BLACK, Surface, halved, to_yuv

_CELLS = (0.5, 1.0, 2.0, 5.0)  # metres between grid lines; the first that gives few enough
_MOST_CELLS = 9  # from the middle of the floor to where it ends
_LEVELS = 12  # steps in which lines fade
_NEAR = 0.2  # metres before the camera where a line ends


class Room:
    """The room of one film; what does not move is painted once.

    The floor's light is round about the axis that the view turns on, so only the grid moves with the view.
    """

    def __init__(
        self, theme: Theme, size: tuple[int, int], camera: Camera, extent: Extent, turns: bool, film: bool = False
    ) -> None:
        x, y, _ = extent.middle
        self._center = np.array([x, y, 0.0])
        self._reach = 1.5 * extent.radius + 1.7
        self.cell = next((cell for cell in _CELLS if self._reach / cell <= _MOST_CELLS), _CELLS[-1])
        self.size, self._turns = size, turns
        self._sign = -1.0 if theme.dark_lines else 1.0
        # What a whole line adds to each channel or plane.
        self._light = to_yuv(np.array(theme.line)) - BLACK if film else np.array(theme.line, np.float64)
        self._backdrop = _backdrop(theme, size, camera, self._center, self._reach, film)
        self._levels = (np.arange(1, _LEVELS + 1)[:, None] / _LEVELS * self._light).tolist()
        self._pieces, self._ends = self._lattice()
        self._lines = np.zeros_like(self._backdrop.planes[0])
        if not turns:
            self._draw_grid(self._backdrop, camera)

    def paint(self, panel: Surface, camera: Camera) -> None:
        """Cover a panel, of the kind the room was made for, with the room as a camera sees it."""
        for plane, empty in zip(panel.planes, self._backdrop.planes, strict=True):
            np.copyto(plane, empty)
        if self._turns:
            self._draw_grid(panel, camera)

    def _lattice(self) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Return grid pieces (N, 2, 3), metres, from faint to bright, and for each of `_LEVELS` levels its end."""
        cell, (x, y, _) = self.cell, self._center
        columns = np.arange(np.ceil((x - self._reach) / cell), np.floor((x + self._reach) / cell) + 1)
        rows = np.arange(np.ceil((y - self._reach) / cell), np.floor((y + self._reach) / cell) + 1)
        i, j = (grid.ravel() for grid in np.meshgrid(columns, rows, indexing="ij"))
        start = np.stack([i, j, 0 * i], axis=-1)
        along_x, along_y = start + np.array([1, 0, 0]), start + np.array([0, 1, 0])
        pieces = np.concatenate([np.stack([start, along_x], axis=1), np.stack([start, along_y], axis=1)])
        # Every second line is a strong one: with cells of half a metre these are the whole metres.
        strong = np.concatenate([j, i]) % 2 == 0
        away = np.linalg.norm(pieces.mean(axis=1) * cell - self._center, axis=-1) / self._reach
        brightness = np.where(strong, 1.0, 0.45) * np.clip(1 - away**2, 0, 1) ** 1.5
        level = np.rint(brightness * _LEVELS).astype(int)
        order = np.argsort(level, kind="stable")
        order = order[level[order] > 0]
        brightest = np.bincount(level[order], minlength=_LEVELS + 1)[1:]
        return pieces[order] * cell, np.cumsum(brightest)

    def _draw_grid(self, panel: Surface, camera: Camera) -> None:
        """Add the grid's light to a panel, or take it away in a bright room."""
        pixels, depth = camera.project(self._pieces)
        limit = 4 * max(panel.size)
        seen = np.logical_and((depth > _NEAR).all(axis=1), (np.abs(pixels) < limit).all(axis=(1, 2)))
        if not seen.any():
            return
        corners = pixels[seen].reshape(-1, 2)
        part = panel.window(corners.min(axis=0) - 4, corners.max(axis=0) + 4)
        if part is None:
            return
        lines = self._lines[part]
        lines.fill(0)
        lines_px = fixed_point(pixels - (part[1].start, part[0].start))
        thick = max(1, round(min(panel.size) / 800))
        start = 0
        for color, end in zip(self._levels, self._ends, strict=True):
            bunch = lines_px[start:end][seen[start:end]]
            start = end
            if len(bunch):
                # OpenCV takes the rows of one array as lines of two points each.
                cv2.polylines(lines, list(bunch), False, color, thick, cv2.LINE_AA, SHIFT)
        self._shine(panel.part(part), lines)

    def _shine(self, floor: Surface, lines: Picture) -> None:
        """Add drawn lines, RGB or brightness alone, to the floor; the colour of light goes with its brightness."""
        (cv2.add if self._sign > 0 else cv2.subtract)(floor.planes[0], lines, dst=floor.planes[0])
        half = halved(lines) if floor.is_film else lines
        for plane, amount in zip(floor.planes[1:], self._light[1:], strict=False):
            cv2.addWeighted(plane, 1.0, half, self._sign * float(amount / self._light[0]), 0.0, dst=plane)


def _backdrop(
    theme: Theme, size: tuple[int, int], camera: Camera, center: NDArray[np.float64], reach: float, film: bool
) -> Surface:
    """Return the wall and the lit floor."""
    width, height = size
    columns, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    eye = camera.unproject(np.zeros(2), np.zeros(()))
    # The camera never leans to a side, so how far off the floor is depends on the row alone.
    right, down, ahead = camera.axes
    across, below = (columns - camera.middle[0]) / camera.f_px, (rows - camera.middle[1]) / camera.f_px
    slope = below * down[2] + ahead[2]
    falls = slope < -1e-6
    steps = np.where(falls, -eye[2] / np.where(falls, slope, -1.0), 0.0)
    east, north = (eye[k] - center[k] + steps * (across * right[k] + below * down[k] + ahead[k]) for k in (0, 1))
    away = (np.square(east, dtype=np.float32) + np.square(north, dtype=np.float32)) * np.float32((0.62 * reach) ** -2)
    light = np.where(falls & (steps > 0), np.exp(-away), np.float32(0))
    share = rows / max(height - 1, 1)
    edges = 1 - 0.18 * np.square(2 * (columns / max(width - 1, 1) - 0.5))  # a little darker towards the sides
    # Noise of half a step hides the bands that a slow gradient shows in 8 bits.
    grain = np.random.default_rng(7).random((height, width), np.float32) - np.float32(0.5)
    channels: list[Picture] = []
    tones = (_tones(color, film) for color in (theme.top, theme.bottom, theme.glow))
    for top, bottom, glow in zip(*tones, strict=True):
        zero = np.float32(BLACK[len(channels)] if film else 0)
        wall = (top + (bottom - top) * share - zero) * edges + zero
        noise = grain if not (film and channels) else 0
        channels.append(np.clip(np.rint(wall + (glow - wall) * light + noise), 0, 255).astype(np.uint8))
    if film:
        return Surface.of_planes([channels[0], *(halved(channel) for channel in channels[1:])])
    return Surface(np.stack(channels, axis=-1))


def _tones(color: Color, film: bool) -> NDArray[np.float32]:
    """Return a colour as the room's channels, RGB or YUV."""
    return np.asarray(to_yuv(np.array(color)) if film else color, np.float32)
