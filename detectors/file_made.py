"""Key points that others made, once read: the joints' names and every frame's people, whatever the file was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.base import FARTHEST, People
from detectors.joints import COCO_17, HALPE_26, MPII_16, OPENPOSE_25

BY_COUNT = {16: MPII_16, 17: COCO_17, 25: OPENPOSE_25, 26: HALPE_26}


@dataclass(frozen=True)
class Made:
    """What a file holds.

    Attributes:
        joints: J names.
        frames: the people of frame 0, 1, ...
    """

    joints: tuple[str, ...]
    frames: list[People]


def people(
    keypoints: NDArray[np.floating], scores: NDArray[np.floating], boxes: NDArray[np.floating] | None = None
) -> People:
    """Make the people of a frame from numbers of any quality.

    Args:
        keypoints: (P, J, 2) pixels; a joint that is not finite, or absurdly far, becomes unseen at 0, 0.
        scores: (P, J), cut to 0..1.
        boxes: (P, 4), or None (or not finite) for the extent of the seen key points.

    Raises:
        ValueError: shapes that do not fit each other.
    """
    # In doubles: the least whole number has no absolute value, and halves know no number as large as `FARTHEST`.
    with np.errstate(over="ignore", invalid="ignore"):
        keypoints, scores = np.asarray(keypoints, np.float64), np.asarray(scores, np.float64)
        boxes = None if boxes is None else np.asarray(boxes, np.float64)
    sound = np.isfinite(keypoints).all(-1) & (np.abs(keypoints) < FARTHEST).all(-1) & np.isfinite(scores)
    points = np.where(sound[..., None], keypoints, 0).astype(np.float32)
    certain = np.clip(np.where(sound, scores, 0), 0, 1).astype(np.float32)
    around = np.array([_extent(p, s) for p, s in zip(points, certain, strict=True)], np.float32).reshape(-1, 4)
    if boxes is not None:
        told = np.isfinite(boxes).all(-1, keepdims=True) & (np.abs(boxes) < FARTHEST).all(-1, keepdims=True)
        around = np.where(told, boxes, around).astype(np.float32)
    return People(around, points, certain)


def _extent(points: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the box (4,) of the seen points (J, 2); all zero when none is seen."""
    seen = points[scores > 0]
    return np.concatenate([seen.min(0), seen.max(0)]) if len(seen) else np.zeros(4, np.float32)
