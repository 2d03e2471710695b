"""The empty room: a lit floor that fades into the wall, and a grid of whole metres on it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from render.camera import Camera
from render.colors import Theme
from render.framing import Extent
from render.shapes import SHIFT, fixed_point, window

Picture = NDArray[np.uint8]

_CELLS = (0.5, 1.0, 2.0, 5.0)  # metres between grid lines; the first that gives few enough
_MOST_CELLS = 9  # from the middle of the floor to where it ends
_LEVELS = 12  # steps in which lines fade
_NEAR = 0.2  # metres before the camera where a line ends


class Room:
    """The room of one film; what does not move is painted once.

    The floor's light is round about the axis that the view turns on, so only the grid moves with the view.
    """

    def __init__(self, theme: Theme, size: tuple[int, int], camera: Camera, extent: Extent, turns: bool) -> None:
        x, y, _ = extent.middle
        self._center = np.array([x, y, 0.0])
        self._reach = 1.5 * extent.radius + 1.7
        self.cell = next((cell for cell in _CELLS if self._reach / cell <= _MOST_CELLS), _CELLS[-1])
        self._theme = theme
        self._turns = turns
        self._backdrop = _backdrop(theme, size, camera, self._center, self._reach)
        self._pieces, self._ends = self._lattice()
        self._lines = np.zeros_like(self._backdrop)
        if not turns:
            self._draw_grid(self._backdrop, camera)

    def paint(self, panel: Picture, camera: Camera) -> None:
        """Cover a panel (H, W, 3) with the room as a camera sees it."""
        np.copyto(panel, self._backdrop)
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

    def _draw_grid(self, panel: Picture, camera: Camera) -> None:
        """Add the grid's light to a panel, or take it away in a bright room."""
        pixels, depth = camera.project(self._pieces)
        limit = 4 * max(panel.shape[:2])
        seen = (depth > _NEAR).all(axis=1) & (np.abs(pixels) < limit).all(axis=(1, 2))
        if not seen.any():
            return
        part = window(
            (panel.shape[1], panel.shape[0]), pixels[seen].min(axis=(0, 1)) - 4, pixels[seen].max(axis=(0, 1)) + 4
        )
        if part is None:
            return
        lines, floor = self._lines[part], panel[part]
        lines.fill(0)
        lines_px = fixed_point(pixels - (part[1].start, part[0].start))
        thick = max(1, round(min(panel.shape[:2]) / 800))
        start = 0
        for level, end in enumerate(self._ends, start=1):
            color = tuple(level / _LEVELS * value for value in self._theme.line)
            bunch = lines_px[start:end][seen[start:end]]
            start = end
            if len(bunch):
                # OpenCV takes the rows of one array as lines of two points each.
                cv2.polylines(lines, bunch, False, color, thick, cv2.LINE_AA, SHIFT)
        combine = cv2.subtract if self._theme.dark_lines else cv2.add
        combine(floor, lines, dst=floor)


def _backdrop(
    theme: Theme, size: tuple[int, int], camera: Camera, center: NDArray[np.float64], reach: float
) -> Picture:
    """Return the wall and the lit floor, (H, W, 3)."""
    width, height = size
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    pixels = np.stack([columns, rows], axis=-1)
    eye = camera.unproject(np.zeros(2), np.zeros(()))
    ray = camera.unproject(pixels, np.ones((height, width))) - eye
    falls = ray[..., 2] < -1e-6
    steps = np.where(falls, -eye[2] / np.where(falls, ray[..., 2], -1.0), 0.0)
    floor = eye[:2] + steps[..., None] * ray[..., :2]
    away = np.hypot(*np.moveaxis(floor - center[:2], -1, 0)) / reach
    light = np.where(falls & (steps > 0), np.exp(-((away / 0.62) ** 2)), 0.0)[..., None]
    down = (rows / max(height - 1, 1))[..., None]
    wall = np.array(theme.top) * (1 - down) + np.array(theme.bottom) * down
    across = (columns / max(width - 1, 1) - 0.5)[..., None]
    wall = wall * (1 - 0.18 * (2 * across) ** 2)  # a little darker towards the sides
    color = wall + (np.array(theme.glow) - wall) * light
    # Noise of half a step hides the bands that a slow gradient shows in 8 bits.
    grain = np.random.default_rng(7).uniform(-0.5, 0.5, (height, width, 1))
    return np.clip(np.rint(color + grain), 0, 255).astype(np.uint8)
