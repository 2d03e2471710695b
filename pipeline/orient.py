"""From the lifter's axes to the camera's, and which way is up.

A lifter that measures people by themselves does not know where in the picture they are: it shows them as if the
camera looked straight at them (`lifter.rays`): exactly if it was trained in those axes, nearly if in the camera's. That
is geometry, and is undone exactly, as far as the focal length is known. And it plays safe: of a camera's pitch it shows
about six tenths (`tests/benchmarks/bench_tilt.py --fit`). That is undone in part only, since a detector's errors grow
by as much.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lifter.rays import calmed, shortest_turns, turns_to_ray
from pipeline.camera import Camera
from pipeline.upright import believe, mean_way, standing_ways

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

# What is undone: who is looked down on by p degrees is shown as if by _TOWARD + _SHOWN * (p - _TOWARD). Chosen for the
# shipped lifter on validation motion capture (of 1 to 0.65, 3 and 8 degrees), and best there on drawn films seen by
# detectors, too; `tests/benchmarks/bench_tilt.py --split validation`, and `--fit` for a line through the pitches alone.
_SHOWN, _TOWARD = 0.75, 3.0
_STEEPEST = 85.0  # degrees of pitch, beyond which nothing is corrected
_AT_ONCE = 500  # frames


def orient(
    positions: NDArray[np.floating],
    keypoints: NDArray[np.floating],
    scores: NDArray[np.floating],
    valid: Bools,
    timestamps: Doubles,
    picture_size: tuple[int, int],
    camera: Camera,
    placed: bool = False,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn every pose as a whole into camera axes, upright as far as it is known, and return which way is up.

    Args:
        positions: (P, T, 17, 3) metres about the pelvis, as they were lifted.
        keypoints: (P, T, 17, 2) pixels of the same joints.
        scores: (P, T, 17) in 0..1.
        valid: (P, T).
        timestamps: (T,) seconds.
        picture_size: width and height in pixels.
        camera: what is known of it.
        placed: the lifter saw where in the picture people are ("screen" units), and speaks camera axes already.

    Returns:
        (P, T, 17, 3) float32 metres, camera axes x right, y down, z away; and (3,) float32, the unit vector against
        gravity in the same axes: the camera's if it is known, else estimated from how people stand.
    """
    turns = view_turns(keypoints[..., 0, :], valid, timestamps, picture_size, camera)
    shown = _SHOWN
    if placed:
        turns, shown = np.broadcast_to(np.eye(3), turns.shape), 1.0
    ways, weights = standing_ways(positions, valid, scores)
    estimate = believe(*mean_way(_apply(turns, _pitched(ways, 1 / shown)), weights))
    up = np.array(camera.hold(estimate.tolist()))
    seen_up = _apply(turns.swapaxes(-1, -2), np.broadcast_to(up, ways.shape))
    turns = turns @ shortest_turns(_pitched(seen_up, shown), seen_up)
    if camera.tilt != (None, None):
        # What is still left of the lifter's error shows in how people stand; squared, so that no walker counts.
        stand, share = mean_way(_apply(turns, ways), weights**2)
        turns = shortest_turns(stand, up, share) @ turns
    turned = np.empty(positions.shape, np.float32)
    for first in range(0, len(timestamps), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        turned[:, part] = _apply(turns[:, part, None], positions[:, part].astype(np.float64))
    return turned, up.astype(np.float32)


def view_turns(
    pelvis: NDArray[np.floating],
    valid: Bools,
    timestamps: Doubles,
    picture_size: tuple[int, int],
    camera: Camera,
) -> Doubles:
    """Return (P, T, 3, 3), the shortest turns from the optical axis to each person's pelvis (P, T, 2), pixels."""
    plane = (pelvis - np.array(camera.centre_px(picture_size))) / camera.focal_px(picture_size)
    step = float(np.median(np.diff(timestamps))) if len(timestamps) > 1 else 1.0
    frames = np.arange(len(timestamps))
    for person, seen in enumerate(valid):
        if not seen.any():
            plane[person] = 0
            continue
        tracks = [np.interp(frames, frames[seen], plane[person, seen, axis]) for axis in (0, 1)]
        plane[person] = calmed(np.stack(tracks, axis=-1), step)
    return turns_to_ray(plane)


def _pitched(ups: Doubles, share: float) -> Doubles:
    """Return directions against gravity (..., 3) of a pitch that differs from _TOWARD by a share of what it did.

    With _SHOWN, how the lifter shows them; with its inverse, what it was shown.
    """
    pitch = _TOWARD + share * (np.degrees(np.arcsin(np.clip(-ups[..., 2], -1, 1))) - _TOWARD)
    pitch = np.radians(np.clip(pitch, -_STEEPEST, _STEEPEST))[..., None]
    flat = np.linalg.norm(ups[..., :2], axis=-1, keepdims=True)
    level = np.where(flat > 1e-9, ups[..., :2] / np.maximum(flat, 1e-9), (0.0, -1.0))
    return np.concatenate([level * np.cos(pitch), -np.sin(pitch)], axis=-1)


def _apply(turns: Doubles, vectors: Doubles) -> Doubles:
    """Turn vectors (..., 3) by matrices (..., 3, 3)."""
    return np.asarray(np.einsum("...ij,...j->...i", turns, vectors))
