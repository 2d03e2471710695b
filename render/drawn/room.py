"""The room behind the drawn people: floor boards and painted walls, cast ray by ray from the camera."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from render.drawn.camera import Camera

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

BOARD = 0.14  # metres
SKIRTING = 0.09


@dataclass(frozen=True)
class Room:
    """A box of air: walls at +-`half` metres of `centre` (x, y), floor at 0, ceiling at `height`; RGB colours 0..255."""

    centre: tuple[float, float] = (0.0, 0.0)
    half: tuple[float, float] = (4.0, 4.0)
    height: float = 3.2
    wall: tuple[int, int, int] = (186, 190, 188)
    floor: tuple[int, int, int] = (158, 132, 104)

    @classmethod
    def around(cls, places: Floats, seed: int = 0) -> Room:
        """Return a room that holds the points (N, 3) with air around them, in colours drawn by `seed`."""
        low, high = places.min(axis=0), places.max(axis=0)
        centre, half = (low + high) / 2, np.maximum((high - low) / 2 + 0.9, 2.6)
        walls = ((186, 190, 188), (198, 188, 172), (166, 180, 190), (178, 186, 168), (192, 178, 178))
        floors = ((158, 132, 104), (132, 108, 84), (150, 146, 140), (172, 148, 116))
        return cls(
            (float(centre[0]), float(centre[1])),
            (float(half[0]), float(half[1])),
            max(3.2, float(high[2]) + 0.6),
            walls[seed % len(walls)],
            floors[seed % len(floors)],
        )


def draw_room(camera: Camera, room: Room) -> Picture:
    """Return what the camera sees of the empty room: (H, W, 3) uint8 RGB."""
    width, height = camera.size
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    pixels = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    rays = pixels @ (np.linalg.inv(camera.K).T @ camera.R).astype(np.float32)
    eye = camera.eye.astype(np.float32)
    low = np.array([room.centre[0] - room.half[0], room.centre[1] - room.half[1], 0], np.float32)
    high = np.array([room.centre[0] + room.half[0], room.centre[1] + room.half[1], room.height], np.float32)
    # Where each ray leaves the box: at the nearest of the three planes that it runs towards.
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.where(rays > 0, high - eye, low - eye) / rays
    far = np.where(np.isfinite(far) & (far > 0), far, np.inf)
    plane = far.argmin(axis=-1)
    point = eye + rays * far.min(axis=-1)[..., None]
    is_floor = (plane == 2) & (rays[..., 2] < 0)
    is_ceiling = (plane == 2) & ~is_floor
    along = np.where(plane == 0, point[..., 1], point[..., 0])
    colour = np.asarray(_wall(along, point[..., 2], plane, room))
    colour[is_floor] = _boards(point[is_floor], room)
    colour[is_ceiling] = np.array([224.0, 224, 220])
    # Corners take less light.
    gap = np.sort(np.minimum(np.abs(point - low), np.abs(point - high)), axis=-1)[..., 1]
    colour *= (1 - 0.22 * np.exp(-gap / 0.35))[..., None]
    soft = cv2.GaussianBlur(np.clip(colour, 0, 255).astype(np.uint8), (0, 0), max(0.4, width / 1600))
    return np.asarray(soft, np.uint8)


def _wall(along: NDArray[np.float32], z: NDArray[np.float32], plane: NDArray[np.intp], room: Room) -> Floats:
    """Return wall colours (H, W, 3): a darker dado, a skirting board, a framed picture on each wall."""
    tone = np.where(plane == 0, 1.0, 0.9) * (0.88 + 0.05 * z)
    tone = tone * (1 + 0.012 * np.sin(along * 1.7) + 0.008 * np.sin(along * 5.3 + z * 3.1))
    colour = np.asarray(room.wall, np.float64) * tone[..., None]
    colour[z < SKIRTING] = np.array([206.0, 204, 198])
    colour[(z >= SKIRTING) & (z < SKIRTING + 0.012)] *= 0.72
    # Two frames hang beside the middle of each wall, where no head is.
    middle = np.where(plane == 0, room.centre[1], room.centre[0])
    half = np.where(plane == 0, room.half[1], room.half[0])
    for share, hue in ((-0.52, (96.0, 120, 132)), (0.5, (150.0, 116, 88))):
        dx, dz = np.abs(along - middle - share * half), np.abs(z - 1.75)
        colour[(dx < 0.34) & (dz < 0.45)] = np.array([72.0, 62, 54])
        inside = (dx < 0.30) & (dz < 0.41)
        colour[inside] = np.array(hue) * (0.85 + 0.3 * (z[inside] - 1.4))[..., None]
    return colour


def _boards(point: NDArray[np.float32], room: Room) -> Floats:
    """Return floor colours (N, 3): boards with their own tones, grain and joints, fading with distance."""
    row = np.floor(point[:, 1] / BOARD)
    shifted = point[:, 0] + np.sin(row * 12.9) * 1.7
    column = np.floor(shifted / 1.3)
    tone = 0.93 + 0.10 * (np.sin(row * 78.2 + column * 37.7) * 43758.5 % 1.0)
    fibre = 0.02 * np.sin(point[:, 1] * 190 + 3 * np.sin(point[:, 0] * 4 + row))
    gap = np.minimum(point[:, 1] % BOARD, shifted % 1.3)
    joint = 1 - 0.28 * np.exp(-((gap / 0.006) ** 2))
    return np.asarray(room.floor, np.float64) * ((tone + fibre) * joint)[:, None]
