"""People, films of them and ways to look at the pixels, for the tests of the drawing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from render.frames import FilmPainter, lay_out
from render.settings import RenderSettings
from render.skeleton import Skeleton

NAMES = (
    "pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "spine", "thorax",
    "neck", "head", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist",
)  # fmt: skip
PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
MIRROR = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]
# Facing the camera (which looks along +y): the person's left is at +x, the picture's right.
STANDING = np.array(
    [
        [0, 0, 0.93], [-0.13, 0, 0.92], [-0.15, -0.05, 0.5], [-0.16, 0.02, 0.08], [0.13, 0, 0.92], [0.15, -0.1, 0.5],
        [0.16, 0.05, 0.08], [0, 0.02, 1.17], [0, 0, 1.42], [0, -0.04, 1.52], [0, -0.02, 1.66], [0.17, 0, 1.38],
        [0.3, 0, 1.12], [0.36, -0.12, 0.9], [-0.17, 0, 1.38], [-0.32, 0.02, 1.14], [-0.34, -0.12, 0.92],
    ],
    np.float32,
)  # fmt: skip
PLAIN = {"view": "front", "show_ids": False, "show_clock": False}


def h36m_skeleton() -> Skeleton:
    """Return the 17 joints of Human3.6M."""
    limbs = tuple((parent, joint) for joint, parent in enumerate(PARENTS) if parent >= 0)
    return Skeleton(NAMES, limbs, tuple(n.split("_")[0] if "_" in n else "center" for n in NAMES))


def film(
    skeleton: Skeleton,
    world: NDArray[np.float32],
    size: tuple[int, int] = (320, 240),
    scores: float | NDArray[np.float32] = 0.9,
    valid: NDArray[np.bool_] | None = None,
    keypoints: NDArray[np.float32] | None = None,
    **settings: object,
) -> FilmPainter:
    """Return a painter of people (P, T, 17, 3), seen in the picture as a far camera sees them."""
    people, frames = world.shape[:2]
    scale = 0.45 * size[1]
    if keypoints is None:
        keypoints = np.stack([size[0] / 2 + scale * world[..., 0], 0.9 * size[1] - scale * world[..., 2]], axis=-1)
    valid = np.ones((people, frames), bool) if valid is None else valid
    scores = np.broadcast_to(np.float32(scores), (people, frames, 17)) if np.isscalar(scores) else scores
    look = RenderSettings(**{**PLAIN, **settings})  # type: ignore[arg-type]
    return FilmPainter(skeleton, look, size, world, keypoints, scores, valid, np.arange(frames) / 25.0)


def grey(size: tuple[int, int], value: int = 120) -> NDArray[np.uint8]:
    return np.full((size[1], size[0], 3), value, np.uint8)


def people(*shifts: tuple[float, float, float], frames: int = 1) -> NDArray[np.float32]:
    return np.stack([np.broadcast_to(STANDING + np.float32(shift), (frames, 17, 3)) for shift in shifts])


def panel_of(painter: FilmPainter, t_index: int = 0, size: tuple[int, int] = (320, 240)) -> NDArray[np.int16]:
    return painter.paint(grey(size), t_index)[:, lay_out(size, 1080).panel_left :].astype(np.int16)


def picture_of(painter: FilmPainter, t_index: int = 0, size: tuple[int, int] = (320, 240)) -> NDArray[np.int16]:
    return painter.paint(grey(size), t_index)[: size[1], : size[0]].astype(np.int16)


def silhouette(
    skeleton: Skeleton, world: NDArray[np.float32], size: tuple[int, int], least: int = 66
) -> NDArray[np.bool_]:
    """Return where people (P, 1, 17, 3) are in the room: where it differs from a frame that they are not in.

    A shadow changes it by less than 66 steps.
    """
    valid = np.array([[True, False]] * len(world))
    painter = film(skeleton, np.repeat(world, 2, axis=1), size, valid=valid)
    return np.abs(panel_of(painter, 0, size) - panel_of(painter, 1, size)).max(axis=-1) > least
