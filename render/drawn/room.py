"""The room behind the drawn people: floor boards and painted walls, cast ray by ray from the camera."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from render.drawn.camera import Camera

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]

BOARD = 0.14  # metres
SKIRTING = 0.09


@dataclass(frozen=True)
class Room:
    """A box of air: walls at +-`half` metres of `centre` (x, y), floor at 0, ceiling at `height`; colours are RGB."""

    centre: tuple[float, float] = (0.0, 0.0)
    half: tuple[float, float] = (4.0, 4.0)
    height: float = 3.2
    wall: tuple[int, int, int] = (186, 190, 188)
    floor: tuple[int, int, int] = (158, 132, 104)

    @classmethod
    def around(cls, places: NDArray[np.float64], seed: int = 0) -> Room:
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


def draw_room(camera: Camera, room: Room, scale: float = 1.5) -> Picture:
    """Return what the camera sees of the empty room: (H, W, 3) uint8 RGB, cast at `scale` times the size.

    More than one makes smooth edges; a half is enough behind a camera that moves.
    """
    width, height = camera.size
    columns, rows = max(1, round(width * scale)), max(1, round(height * scale))
    x = ((np.arange(columns, dtype=np.float32) + 0.5) * width / columns - 0.5)[None]
    y = ((np.arange(rows, dtype=np.float32) + 0.5) * height / rows - 0.5)[:, None]
    # Rays in world axes are linear in the pixel; axis by axis, for speed.
    turn = (camera.R.T @ np.linalg.inv(camera.K)).astype(np.float32)
    rays = [turn[i, 0] * x + turn[i, 1] * y + turn[i, 2] for i in range(3)]
    sides = [(room.centre[i] - room.half[i], room.centre[i] + room.half[i]) for i in range(2)]
    sides.append((0.0, room.height))
    far = [_way_out(ray, float(at), *side) for ray, at, side in zip(rays, camera.eye, sides, strict=True)]
    way = np.minimum(np.minimum(far[0], far[1]), far[2])
    point = [np.float32(at) + ray * way for ray, at in zip(rays, camera.eye, strict=True)]
    level = far[2] == way
    floor, ceiling = level & (rays[2] < 0), level & (rays[2] >= 0)
    facing_x = far[0] == way
    colour = _wall(np.where(facing_x, point[1], point[0]), point[2], facing_x, room)
    colour[floor] = _boards(point[0][floor], point[1][floor], room)
    colour[ceiling] = (224.0, 224.0, 220.0)
    # Corners take less light: the second smallest of the distances to the walls, for the smallest is 0.
    gaps = [np.minimum(at - low, high - at) for at, (low, high) in zip(point, sides, strict=True)]
    gap = np.maximum(np.minimum(gaps[0], gaps[1]), np.minimum(np.maximum(gaps[0], gaps[1]), gaps[2]))
    colour *= (1 - 0.22 * np.exp(gap / np.float32(-0.35)))[..., None]
    levels = np.clip(colour, 0, 255).astype(np.uint8)
    shrink = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(levels, (width, height), interpolation=shrink), np.uint8)


def _way_out(ray: Floats, at: float, low: float, high: float) -> Floats:
    """Return how far (H, W) along rays from `at` the plane `low` or `high` lies that they run towards."""
    with np.errstate(divide="ignore"):
        way = np.where(ray > 0, np.float32(high - at), np.float32(low - at)) / ray
    # A camera outside the room looks through the walls.
    return np.where(way > 0, way, np.float32(1e6)).astype(np.float32)


def _wall(along: Floats, z: Floats, facing_x: NDArray[np.bool_], room: Room) -> Floats:
    """Return wall colours (H, W, 3): paint, a skirting board, and two framed pictures on each wall."""
    tone = np.where(facing_x, np.float32(1.0), np.float32(0.9)) * (0.88 + 0.05 * z)
    tone *= 1 + 0.012 * np.sin(along * 1.7) + 0.008 * np.sin(along * 5.3 + z * 3.1)
    colour = tone[..., None] * np.asarray(room.wall, np.float32)
    colour[z < SKIRTING] = (206.0, 204.0, 198.0)
    colour[(z >= SKIRTING) & (z < SKIRTING + 0.012)] *= 0.72
    # They hang beside the middle, where no head is.
    middle = np.where(facing_x, np.float32(room.centre[1]), np.float32(room.centre[0]))
    half = np.where(facing_x, np.float32(room.half[1]), np.float32(room.half[0]))
    for share, hue in ((-0.52, (96.0, 120.0, 132.0)), (0.5, (150.0, 116.0, 88.0))):
        dx, dz = np.abs(along - middle - share * half), np.abs(z - 1.75)
        colour[(dx < 0.34) & (dz < 0.45)] = (72.0, 62.0, 54.0)
        inside = (dx < 0.30) & (dz < 0.41)
        colour[inside] = (0.85 + 0.3 * (z[inside, None] - 1.4)) * np.asarray(hue, np.float32)
    return np.asarray(colour, np.float32)


def _boards(x: Floats, y: Floats, room: Room) -> Floats:
    """Return floor colours (N, 3): boards with their own tones, grain and joints."""
    row = np.floor(y / BOARD)
    shifted = x + 1.7 * np.sin(row * 12.9)
    column = np.floor(shifted / 1.3)
    tone = 0.93 + 0.10 * (np.sin(row * 78.2 + column * 37.7) * 437.5 % 1.0)
    fibre = 0.02 * np.sin(y * 190 + 3 * np.sin(x * 4 + row))
    gap = np.minimum(y % BOARD, shifted % 1.3)
    joint = 1 - 0.28 * np.exp(-((gap / 0.006) ** 2))
    return np.asarray(((tone + fibre) * joint)[:, None] * np.asarray(room.floor), np.float32)
