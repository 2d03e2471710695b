"""Poses in the form of MMPose's 3D inferencer: a dict a person and frame, and the JSON file of its `pred_out_dir`.

MMPose 1.x turns a lifter's camera axes (x right, y down, z away) into x left, y away, z up, a left-handed system, and
unless told otherwise moves everyone's lowest joint to height 0 in every frame (`Pose3DInferencer.forward`); a file is
what `BaseMMPoseInferencer` dumps. Joints and their order are Human3.6M's, the same there as here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pipeline.export.axes import Axes
    from pipeline.export.motion import Motion

Floats = NDArray[np.float32]


class Instance(TypedDict):
    """One person in one frame: 17 joints of 3 numbers, metres from the pelvis, and their scores, 0..1, as detected."""

    keypoints: list[list[float]]
    keypoint_scores: list[float]


class FramePrediction(TypedDict):
    """What an inferencer yields for a frame; `predictions` has one list, of everyone in it."""

    visualization: list[NDArray[np.uint8]] | None
    predictions: list[list[Instance]]


class FrameRow(TypedDict):
    """What a film's file holds of a frame."""

    frame_id: int
    instances: list[Instance]


def to_mmpose_axes(positions: NDArray[np.floating], rebase: bool = True) -> Floats:
    """Return (..., 17, 3) of camera axes in MMPose's; `rebase`: the lowest joint of each pose at height 0."""
    points = np.stack([-positions[..., 0], positions[..., 2], -positions[..., 1]], axis=-1).astype(np.float32)
    if rebase and points.size:
        points[..., 2] -= points[..., 2].min(axis=-1, keepdims=True)
    return points


def frames_of(points: Floats, scores: NDArray[np.floating], valid: NDArray[np.bool_]) -> Iterator[list[Instance]]:
    """Yield everyone in each frame, by number.

    Args:
        points: (P, T, 17, 3) in MMPose's axes.
        scores: (P, T, 17).
        valid: (P, T).
    """
    for frame in range(points.shape[1]):
        yield [
            {"keypoints": points[row, frame].tolist(), "keypoint_scores": scores[row, frame].tolist()}
            for row in valid[:, frame].nonzero()[0]
        ]


def document(frames: Iterable[list[Instance]]) -> bytes:
    """Return a film's file."""
    rows: list[FrameRow] = [{"frame_id": frame, "instances": people} for frame, people in enumerate(frames)]
    return json.dumps(rows, indent="  ").encode("utf-8")


def to_mmpose(motion: Motion, _axes: Axes, _title: str) -> bytes:
    """Return the file of everyone as the camera was held."""
    camera = (motion.positions - motion.positions[:, :, :1])[..., [0, 2, 1]] * np.array([1.0, -1.0, 1.0])
    return document(frames_of(to_mmpose_axes(camera), motion.scores.astype(np.float32), motion.valid))
