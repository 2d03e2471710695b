"""Detections beside the truth: what the pipeline left of each film of a set, of the person that the set means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.detections.films import Sight
from lifter.datasets.detections.sets import choose
from lifter.datasets.poseset import PoseSet
from pipeline import store
from pipeline.adapter import adapt, recognise
from pipeline.errors import PipelineError

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """A film's N frames in which the person was found.

    Attributes:
        vocabulary: key of the detector's joints.
        joints: J names of them.
        who: whose motion it is; people are kept apart when the ridge is chosen.
        found: (N, J, 2) pixels, the detector's; seen: (N, J) bool, it gave the joint a score at all.
        rules: (N, 17, 2) pixels, by the rules.
        truth: (N, 17, 2) pixels; inside: (N, 17) bool, the truth is good and in the picture.
        unit: size of the person, pixels: the joints' mean distance from the pelvis.
    """

    vocabulary: str
    joints: tuple[str, ...]
    who: str
    found: Doubles
    seen: NDArray[np.bool_]
    rules: Doubles
    truth: Doubles
    inside: NDArray[np.bool_]
    unit: float


def gather(truth: PoseSet, runs: Sequence[Path]) -> list[Pairs]:
    """Read `pose2d.npz` of every film of a set from the folders that the pipeline keeps films in.

    Films that are in none of the folders, or in which the person was not found, are left out.

    Raises:
        PipelineError: nothing there, or a file that is damaged or belongs to another film.
    """
    pairs = []
    for folder in runs:
        for index, name in enumerate(truth.poses.names.tolist()):
            file = folder / re.sub(r"[/\s]", "_", name) / "pose2d.npz"
            if file.is_file() and (one := pair(truth, index, file)):
                pairs.append(one)
    if not pairs:
        raise PipelineError(
            f"{', '.join(map(str, runs))}: no detections of the set's films; make them with "
            "`python -m lifter prepare detections` (its --cache, or films in its --out)"
        )
    return pairs


def pair(truth: PoseSet, index: int, file: Path) -> Pairs | None:
    """Lay a film's detections beside the truth; None where the person is never found.

    Raises:
        PipelineError: the file is damaged, or shorter than the sequence.
    """
    pose, poses, at = store.load_pose2d(file), truth.poses, truth.poses.frames(index)
    frames, size = int(poses.lengths[index]), poses.sizes[index]
    if len(pose.timestamps) < frames:
        raise PipelineError(f"{file}: {len(pose.timestamps)} frames, but the set has {frames}; is it the right film?")
    rules, scores = adapt(pose.keypoints[:, :frames], pose.scores[:, :frames], pose.joints)
    sight = Sight(rules, scores, pose.valid[:, :frames], (int(size[0]), int(size[1])), float(poses.fps[index]))
    chosen = choose(sight, truth.keypoints[at], poses.valid[at])
    there = np.flatnonzero((chosen >= 0) & poses.valid[at])
    if not len(there):
        return None
    true = truth.keypoints[at][there].astype(np.float64)
    inside = ((true >= 0) & (true < size)).all(axis=-1)
    at_person = (chosen[there], there)
    return Pairs(
        recognise(pose.joints), pose.joints, str(poses.subjects[index]),
        pose.keypoints[at_person].astype(np.float64), pose.scores[at_person] > 0, rules[at_person].astype(np.float64),
        true, inside, float(np.linalg.norm(true - true[:, :1], axis=-1).mean()),
    )  # fmt: skip
