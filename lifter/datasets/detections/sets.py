"""The 2D that training takes, by a detector of ours: a data set's films seen by it, its people matched to the truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from lifter.datasets.detections.films import Matches, Sight, Watcher
from lifter.datasets.filming.studio import project
from lifter.datasets.poseset import Poses, PoseSet
from lifter.errors import LifterError

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
# A found person is the right one while its limbs are off by less than this share of the reference's extent.
RIGHT_PERSON = 0.5
LIMBS = list(joints.LIMBS_12)


def detect(
    reference: PoseSet,
    films: Matches,
    source: str,
    watch: Watcher,
    tell: Callable[[str], None] = lambda _: None,
    partial: bool = False,
) -> PoseSet:
    """Return the keypoints of a detector for all sequences of `reference`; frames where nobody is found are filled.

    Args:
        reference: poses, with the keypoints that tell which person is meant (`reference_of`).
        films: sequence name -> film.
        source: name of the new 2D source.
        watch: film -> what the detector sees.
        tell: told a line for each film.
        partial: go on where the person is found in no frame of a film: none of its frames is `seen` then.

    Raises:
        LifterError: a film fails, does not fit its sequence, or (unless `partial`) shows nobody.
    """
    poses = reference.poses
    keypoints, scores = np.zeros_like(reference.keypoints), np.zeros_like(reference.scores)
    seen = np.zeros(len(keypoints), bool)
    for index, name in enumerate(poses.names.tolist()):
        at, film = poses.frames(index), films[name]
        sight = fitted(watch(film), poses, index, film)
        chosen = choose(sight, reference.keypoints[at], poses.valid[at])
        if (chosen >= 0).any():
            keypoints[at], scores[at], seen[at] = taken(sight, chosen)
        elif not partial:
            raise LifterError(f"{film}: the person of {name!r} is not found in any frame; is it the right film?")
        tell(f"{name}: found in {int(seen[at].sum())} of {poses.lengths[index]} frames")
    return PoseSet(poses, source, keypoints, scores, seen)


def reference_of(poses: Poses) -> PoseSet:
    """Where the person is in the picture, by the poses alone: a pinhole, source `gt`."""
    keypoints = np.zeros((*poses.positions.shape[:2], 2), np.float32)
    for index in range(len(poses)):
        at = poses.frames(index)
        f_x, f_y, c_x, c_y = poses.intrinsics[index].tolist()
        keypoints[at] = project(poses.positions[at], (f_x, f_y, c_x, c_y))
    ones = np.ones(keypoints.shape[:2], np.float32)
    return PoseSet(poses, "gt", keypoints, ones, np.ones(len(keypoints), bool))


def fitted(sight: Sight, poses: Poses, index: int, film: Path) -> Sight:
    """Cut what was seen to a sequence's frames, and scale it to its picture.

    Raises:
        LifterError: the film is shorter, runs at another rate, or has a picture of another shape.
    """
    frames, rate = int(poses.lengths[index]), float(poses.fps[index])
    there = sight.valid.shape[1]
    name = str(poses.names[index])
    if there < frames:
        raise LifterError(f"{film}: {there} frames, but {name!r} has {frames}; a whole film is wanted")
    if sight.fps and abs(sight.fps / rate - 1) > 0.05:
        raise LifterError(f"{film}: {sight.fps:.4g} frames a second, but {name!r} has {rate:.4g}; convert one of them")
    scale = poses.sizes[index] / np.array(sight.size, np.float64)
    if abs(scale[0] / scale[1] - 1) > 0.01:
        width, height = poses.sizes[index].tolist()
        raise LifterError(f"{film}: a picture of {sight.size[0]}x{sight.size[1]}, but {name!r} has {width}x{height}")
    keypoints = np.asarray(sight.keypoints[:, :frames] * scale, np.float32)
    size = (int(poses.sizes[index, 0]), int(poses.sizes[index, 1]))
    return Sight(keypoints, sight.scores[:, :frames], sight.valid[:, :frames], size, sight.fps)


def choose(sight: Sight, reference: Floats, trusted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Say which person of each frame is the one meant: (T,) indices, -1 where it is not found.

    The one whose limbs are nearest to the reference's, if they are near at all. Where the reference is not good for
    a frame, the person there that is nearest over the others; where it is good for none, the largest.

    Args:
        sight: P people over T frames.
        reference: (T, 17, 2) pixels.
        trusted: (T,) the reference is good there.
    """
    people, frames = sight.valid.shape
    if not people:
        return np.full(frames, -1)
    if not (trusted & sight.valid.any(axis=0)).any():
        largest = int((extent(sight.keypoints) * sight.valid).sum(axis=1).argmax())
        return np.where(sight.valid[largest], largest, -1)
    off = np.linalg.norm(sight.keypoints[:, :, LIMBS] - reference[:, LIMBS], axis=-1).mean(axis=-1)
    off = off / np.maximum(extent(reference), 1e-6)  # P T
    near = sight.valid & trusted & (off < RIGHT_PERSON)
    count = near.sum(axis=1)
    usual = np.where(count > 0, np.where(near, off, 0).sum(axis=1) / np.maximum(count, 1), np.inf)  # P
    cost = np.where(trusted, np.where(near, off, np.inf), np.where(sight.valid, usual[:, None], np.inf))
    return np.where(np.isfinite(cost.min(axis=0)), cost.argmin(axis=0), -1)


def extent(keypoints: Floats) -> Doubles:
    """Diagonal (...) of the box about keypoints (..., 17, 2)."""
    return np.asarray(np.linalg.norm(np.ptp(keypoints, axis=-2), axis=-1), np.float64)


def taken(sight: Sight, chosen: NDArray[np.int64]) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Take the chosen (T,) people: keypoints (T, 17, 2), scores (T, 17), seen (T,).

    Frames without one get the keypoints of the nearest frame that has one, with score 0.
    """
    seen = chosen >= 0
    there = np.flatnonzero(seen)
    frames = np.arange(len(chosen))
    after = np.clip(np.searchsorted(there, frames), 0, len(there) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(there[after] - frames < frames - there[before], there[after], there[before])
    keypoints = sight.keypoints[chosen[nearest], nearest]
    scores = np.where(seen[:, None], sight.scores[chosen[nearest], nearest], 0)
    return keypoints, np.asarray(scores, np.float32), seen
