"""A caller's arrays as poses: shapes, names and numbers checked, and refused in one line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.joints import VOCABULARIES
from pipeline.errors import PipelineError
from pipeline.poses import Pose2D

_FARTHEST = 1e6  # pixels; beyond it a number is no place in a picture


def to_pose(
    keypoints: ArrayLike, scores: ArrayLike | None, joints: str | Sequence[str], fps: float,
    valid: ArrayLike | None, timestamps: ArrayLike | None,
) -> Pose2D:  # fmt: skip
    """Make poses of what `pipeline.lift` is given; see there.

    Raises:
        PipelineError: arrays that do not fit each other.
    """
    names = _names(joints)
    points = _array("keypoints", keypoints)
    if points.ndim == 3:
        points = points[None]
    if points.ndim != 4 or points.shape[2:] != (len(names), 2) or not points.shape[1]:
        wanted = f"(people, frames, {len(names)}, 2) or (frames, {len(names)}, 2)"
        raise PipelineError(f"keypoints: {wanted} wanted, got {np.shape(points)}")
    people, frames = points.shape[:2]
    certain = np.ones(points.shape[:3]) if scores is None else _fitting("scores", scores, points.shape[:3])
    sound = np.isfinite(points).all(-1) & (np.abs(points) < _FARTHEST).all(-1) & np.isfinite(certain)
    placed = np.where(sound[..., None], points, 0).astype(np.float32)
    seen = np.clip(np.where(sound, certain, 0), 0, 1).astype(np.float32)
    there = np.asarray((seen > 0).any(-1), np.bool_)
    if valid is not None:
        there &= _fitting("valid", valid, (people, frames)) > 0
    seconds = _seconds(frames, fps, timestamps)
    try:
        return Pose2D(placed, seen, _boxes(placed, seen), there, seconds, names)
    except ValueError as error:
        raise PipelineError(str(error).removeprefix("Pose2D.")) from error


def size_of(size: tuple[int, int]) -> tuple[int, int]:
    """Return a picture's (W, H) as whole pixels.

    Raises:
        PipelineError: it is none.
    """
    sides = _array("size", size)
    if sides.shape != (2,) or not ((sides >= 1) & (sides < _FARTHEST)).all():
        raise PipelineError(f"size: width and height in pixels wanted, got {size!r:.60}")
    return int(sides[0]), int(sides[1])


def _names(joints: str | Sequence[str]) -> tuple[str, ...]:
    if not isinstance(joints, str):
        return tuple(str(name) for name in joints)
    if joints not in VOCABULARIES:
        raise PipelineError(f"joints {joints!r}: unknown; give their names, or one of {', '.join(VOCABULARIES)}")
    return VOCABULARIES[joints]


def _array(name: str, values: ArrayLike) -> NDArray[np.float64]:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise PipelineError(f"{name}: an array of numbers wanted ({error})") from error


def _fitting(name: str, values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return an array of the shape, or of that without its first axis where there is one person."""
    array = _array(name, values)
    if shape[0] == 1 and array.shape == shape[1:]:
        array = array[None]
    if array.shape != shape:
        raise PipelineError(f"{name}: {shape} wanted, as the key points have it, got {array.shape}")
    return array


def _seconds(frames: int, fps: float, timestamps: ArrayLike | None) -> NDArray[np.float64]:
    """Return when each frame was shown, (frames,)."""
    rate = _array("fps", fps)
    if rate.shape != () or not 0 < float(rate) < 1e5:
        raise PipelineError(f"fps: frames per second wanted, got {fps!r:.60}")
    if timestamps is None:
        return np.arange(frames) / float(rate)
    seconds = _array("timestamps", timestamps)
    if seconds.shape != (frames,):
        raise PipelineError(f"timestamps: ({frames},) wanted, as the key points have it, got {seconds.shape}")
    return seconds


def _boxes(points: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the extent (P, T, 4) of the joints that are seen; zeros where none is."""
    seen = scores[..., None] > 0
    low = np.where(seen, points, np.inf).min(-2)
    high = np.where(seen, points, -np.inf).max(-2)
    boxes = np.concatenate([low, high], axis=-1)
    return np.where(np.isfinite(boxes), boxes, 0).astype(np.float32)
