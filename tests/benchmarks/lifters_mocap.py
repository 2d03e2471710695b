"""Lifters on held-out motion capture (`python -m lifter prepare mocap`): true 2D and a detector's noise."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifter import joints, weights
from lifter.datasets.poseset import Poses, PoseSet, read_poses, read_poseset
from lifter.errors import LifterError
from lifter.evaluate import MeanPose, SequenceLifter, evaluate
from lifter.lifter import Lifter

MEASURES = ("MPJPE", "P-MPJPE", "MPJVE", "acceleration")
SOURCES = {"gt": "true 2D", "noisy": "noisy 2D"}
Row = dict[str, float]


class MeanBody(MeanPose):
    """A fairer constant than the mean pose, which is a pole, as people face all ways: their mean turned to the camera.

    Every pose of the train split is turned until its trunk is upright and its hips lie across the picture.
    """

    def __init__(self, poses: Poses) -> None:
        super().__init__(poses)
        train = np.repeat(poses.splits == "train", poses.lengths) & poses.valid
        self.pose = np.asarray(facing(poses.positions[train]).mean(axis=0), np.float32)


def facing(positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn every pose (N, 17, 3), camera axes, to face the camera with an upright trunk; pelvis 0."""
    body = positions - positions[:, joints.ROOT : joints.ROOT + 1]
    down = -_unit(body[:, joints.NAMES.index("thorax")])
    across = body[:, joints.NAMES.index("left_hip")] - body[:, joints.NAMES.index("right_hip")]
    across = _unit(across - (across * down).sum(axis=-1, keepdims=True) * down)
    turns = np.stack([across, down, np.cross(across, down)], axis=-2)
    return np.asarray(np.einsum("nij,nvj->nvi", turns, body), np.float32)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6))


def constants(folder: Path) -> dict[str, MeanPose]:
    """The rows that are constants: title -> mean of the prepared set's train split; none where it has none."""
    poses = read_poses(folder)
    try:
        return {"constant mean pose": MeanPose(poses), "constant mean body, facing the camera": MeanBody(poses)}
    except LifterError:
        return {}


def measure(
    lifters: Mapping[str, str], means: Mapping[str, MeanPose], folder: Path, output: Path, device: str, every: int
) -> dict[str, Row]:
    """Score lifters on the test split, each by the average in which all frames weigh the same.

    Args:
        lifters: title -> shipped name or weights file.
        means: title -> constant, scored too.
        folder: the prepared set, with the keypoints of `SOURCES`.
        output: keeps what was scored in `mocap/`, by the content of weights and set: minutes are not spent twice.
        device: auto, cpu or cuda.
        every: only each so many-th sequence, for a quick look.

    Returns:
        title -> column -> value, millimetres (a frame, a frame squared).
    """
    rows: dict[str, Row] = {title: {} for title in lifters}
    for source, seen in SOURCES.items():
        test = read_poseset(folder, source).split("test")
        test = test.subset(np.arange(0, len(test.poses), every))
        mark = _mark(test)
        for title, name in lifters.items():
            kept = output / "mocap" / f"{_hash(weights.find(name).read_bytes())}_{mark}.json"
            if not kept.is_file():
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(json.dumps(_scores(Lifter(name, device), test)))
            scores = json.loads(kept.read_text())
            rows[title] |= {f"{seen} {name}": scores[name] for name in MEASURES}
        for title, mean in means.items():
            scores = _scores(mean, test)
            rows.setdefault(title, {}).update({f"{seen} {name}": scores[name] for name in MEASURES})
    return rows


def _scores(lifter: SequenceLifter, test: PoseSet) -> Row:
    scores = evaluate(lifter, test)
    return {name: scores.frame_mean(name) for name in MEASURES}


def _mark(test: PoseSet) -> str:
    return _hash(test.poses.positions.tobytes() + test.keypoints.tobytes() + test.poses.lengths.tobytes())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
