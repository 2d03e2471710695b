"""Sequences of a prepared data set lifted and scored in memory: what the experiments have in common."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from lifter.datasets.poseset import Poses, PoseSet
from lifter.errors import LifterError
from lifter.evaluate import evaluate, in_camera_axes
from lifter.lifter import Lifter
from lifter.plain import unknown
from lifter.screen import to_screen

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# Columns of the tables; millimetres, and millimetres a frame.
SCORES = ("MPJPE", "P-MPJPE", "MPJVE")
AVERAGES = ("action", "frame")


def from_pelvis(positions: Floats) -> Floats:
    """Return positions (T, 17, 3) measured from the pelvis of their frame."""
    return np.asarray(positions - positions[:, joints.ROOT : joints.ROOT + 1])


def lift_sequence(lifter: Lifter, data: PoseSet, number: int) -> Floats:
    """Lift one sequence at its own frame rate: (T, 17, 3) metres, camera axes, pelvis 0.

    Raises:
        LifterError: a lifter in axes of the view ray, and a camera that the data set does not know.
    """
    at = data.poses.frames(number)
    keypoints = data.keypoints[at]
    if lifter.recipe.normalisation == "screen":
        width, height = data.poses.sizes[number]
        keypoints = to_screen(keypoints, (int(width), int(height)))
    return from_pelvis(in_camera_axes(lifter.recipe, lifter.lift_uniform(keypoints), data, number, at))


def score(lifter: Lifter, data: PoseSet, split: str, average: str = "action") -> dict[str, float]:
    """Lift every sequence of a split and return the metrics of `SCORES`.

    Args:
        lifter: takes the key points.
        data: reference and key points.
        split: train, validation or test.
        average: "action": over the frames of each action, then over the actions, as the paper's tables; "frame".

    Raises:
        LifterError: no valid frames.
    """
    scores = evaluate(lifter, data, split)
    mean = scores.action_mean if average == "action" else scores.frame_mean
    return {name: mean(name) for name in SCORES}


def thin(data: PoseSet, most: int | None) -> PoseSet:
    """Keep at most so many sequences, evenly spaced over all of them; None keeps all.

    Raises:
        LifterError: fewer than one asked for.
    """
    if most is None or most >= len(data.poses):
        return data
    if most < 1:
        raise LifterError(f"sequences: at least 1 wanted, got {most}")
    return data.subset(np.unique(np.linspace(0, len(data.poses) - 1, most).round().astype(np.int64)))


def with_keypoints(data: PoseSet, keypoints: Floats, source: str) -> PoseSet:
    """Return the same sequences with other key points (F, 17, 2)."""
    return replace(data, keypoints=np.asarray(keypoints, np.float32), source=source)


def number_of(poses: Poses, name: str) -> int:
    """Return which sequence has this name.

    Raises:
        LifterError: none has.
    """
    at = np.flatnonzero(poses.names == name)
    if not len(at):
        raise unknown("sequence", name, poses.names.tolist()) if len(poses) <= 20 else _too_many(poses, name)
    return int(at[0])


def _too_many(poses: Poses, name: str) -> LifterError:
    """Tell the nearest of many names, without the whole list."""
    from difflib import get_close_matches

    near = get_close_matches(name, poses.names.tolist(), n=5, cutoff=0.3) or poses.names[:5].tolist()
    return LifterError(f"sequence {name!r}: none of the {len(poses)} has this name; near are {', '.join(near)}")
