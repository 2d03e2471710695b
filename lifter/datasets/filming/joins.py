"""Two motions joined into one: headings matched, the path unbroken, bones turned over and never stretched."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Clips = tuple[Floats, Floats]

# Frames of the training rate over which one motion goes over into the other: 0.3 to 0.6 s.
FRAMES = (15, 30)
# (parent, child) of the bones that are turned: trunk, hips, shoulders, neck, head, limbs. Row 7 holds the shoulders'
# middle meanwhile; thorax and spine come of it and the neck.
MIDDLE, THORAX, NECK = 7, 8, 9
TURNED = (
    (0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (5, 6), (0, MIDDLE), (MIDDLE, NECK), (NECK, 10),
    (MIDDLE, 11), (11, 12), (12, 13), (MIDDLE, 14), (14, 15), (15, 16),
)  # fmt: skip


def join(first: Clips, second: Clips, random: np.random.Generator) -> Clips:
    """Let each of `first` go over into its `second`, at a random time.

    Args:
        first, second: clips (N, T, 17, 3) metres, z up, pelvis 0, of the same bodies; and paths (N, T, 3).
        random: draws when, and how long it takes.
    """
    clips, paths = first
    count, length = clips.shape[:2]
    lasts = np.minimum(random.integers(FRAMES[0], FRAMES[1] + 1, count), length - 2)
    starts = (random.random(count) * (length - 1 - lasts)).astype(int)
    part = np.clip((np.arange(length) - starts[:, None]) / lasts[:, None], 0, 1)
    weight = part * part * (3 - 2 * part)  # (N, T), sets out and arrives softly
    there = starts + lasts // 2
    turn = heading(clips, there) - heading(second[0], there)
    turned, moved = turn_about(second[0], turn), turn_about(second[1], turn)
    return blend(clips, turned, weight), follow(paths, moved, weight)


def heading(clips: Floats, at: NDArray[np.int64]) -> Doubles:
    """Which way the hips' line points in frames (N,) of clips, (N,) radians about the vertical."""
    across = clips[np.arange(len(clips)), at, 4] - clips[np.arange(len(clips)), at, 1]
    return np.asarray(np.arctan2(across[:, 1], across[:, 0]), np.float64)


def turn_about(points: Floats, angles: Doubles) -> Floats:
    """Turn (N, ..., 3) about the vertical by (N,) radians, counter-clockwise from above."""
    shape = (len(points), *(1,) * (points.ndim - 2))
    cosine, sine = np.cos(angles).reshape(shape), np.sin(angles).reshape(shape)
    x, y, z = np.moveaxis(points, -1, 0)
    return np.asarray(np.stack([cosine * x - sine * y, sine * x + cosine * y, z], axis=-1), dtype=np.float32)


def blend(first: Floats, second: Floats, weight: Doubles) -> Floats:
    """Turn the bones of clips (N, T, 17, 3) from those of the first to those of the second by weights (N, T) 0..1.

    Frames of weight 0 and 1 stay as they are. Lengths go over too; bones of one length keep it.
    """
    at = (weight > 0) & (weight < 1)
    joined = np.where((weight < 1)[..., None, None], first, second)
    if at.any():
        joined[at] = _between(first[at], second[at], weight[at])
    return joined


def follow(first: Floats, second: Floats, weight: Doubles) -> Floats:
    """Go the first path (N, T, 3), then on from there along the second; heights above the floor go over."""
    steps = [np.diff(path, axis=1, prepend=path[:, :1]) for path in (first, second)]
    part = weight[..., None]
    made = first[:, :1] + np.cumsum((1 - part) * steps[0] + part * steps[1], axis=1)
    made[..., 2:] = (1 - part) * first[..., 2:] + part * second[..., 2:]
    return np.asarray(made, dtype=np.float32)


def _between(first: Floats, second: Floats, weight: Doubles) -> Floats:
    """Poses (F, 17, 3) between two, by weights (F,)."""
    one, other = (_with_middle(poses) for poses in (first, second))
    parents, children = (list(ends) for ends in zip(*TURNED, strict=True))
    bones = _slerp(one[:, children] - one[:, parents], other[:, children] - other[:, parents], weight[:, None, None])
    made = np.zeros_like(one)
    for number, (parent, child) in enumerate(TURNED):
        made[:, child] = made[:, parent] + bones[:, number]
    shoulders = made[:, MIDDLE].copy()
    made[:, THORAX] = shoulders + (made[:, NECK] - shoulders) / 4
    made[:, MIDDLE] = made[:, THORAX] / 2
    return np.asarray(made, dtype=np.float32)


def _with_middle(poses: Floats) -> Doubles:
    made = poses.astype(np.float64)
    made[:, MIDDLE] = (made[:, 11] + made[:, 14]) / 2
    return made


def _slerp(first: Doubles, second: Doubles, weight: Doubles) -> Doubles:
    """Turn vectors (..., 3) along the great circle between their directions; lengths go over linearly."""
    lengths = [np.linalg.norm(vectors, axis=-1, keepdims=True) for vectors in (first, second)]
    a, b = (vectors / np.maximum(size, 1e-9) for vectors, size in zip((first, second), lengths, strict=True))
    cosine = np.clip((a * b).sum(axis=-1, keepdims=True), -1, 1)
    angle = np.arccos(cosine)
    side = b - cosine * a  # the direction at right angles to the first in which the second lies
    # Opposite bones have no such direction; any will do, one for left and right alike.
    side = np.where(angle > np.pi - 1e-4, np.cross(a, [0.6, 0.48, 0.64]), side)
    side = side / np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-9)
    way = np.cos(weight * angle) * a + np.sin(weight * angle) * side
    return np.asarray(((1 - weight) * lengths[0] + weight * lengths[1]) * way)
