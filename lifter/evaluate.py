"""A lifter on a prepared data set: every sequence lifted whole, root subtracted, valid frames scored.

The paper's protocol (section 4.2, tables 6-9): overlapping windows averaged, mirror averaged, Human3.6M's errors
by action. Sequences are lifted at the frame rate they have, as the literature does, whatever rate the lifter was
trained at (MPI-INF-3DHP: 25 frames a second); `resample` brings them to the lifter's rate and back instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from lifter.datasets.poseset import Poses, PoseSet
from lifter.errors import LifterError
from lifter.rates import between, training_grid
from lifter.rays import calmed, from_pixels, from_ray, turns_to_ray
from lifter.refine import LABEL, Refine, known_intrinsics, refine_sequence
from lifter.scores import ALL_JOINTS, Scores, Tally
from lifter.screen import to_screen
from lifter.weights import Recipe

Floats = NDArray[np.float32]


class SequenceLifter(Protocol):
    """What is evaluated: a `lifter.lifter.Lifter`, or anything that lifts a sequence whole."""

    @property
    def recipe(self) -> Recipe:
        """How it wants to be fed."""

    @property
    def step(self) -> int:
        """Frames between its windows."""

    def lift_uniform(self, sequence: Floats) -> Floats:
        """Lift (T, 17, 2), in the recipe's units, to (T, 17, 3) metres."""


class MeanPose:
    """The floor of every comparison: the mean root-relative pose of the train split, whatever it sees.

    Raises:
        LifterError: the data set has no train split, or no valid frame in it.
    """

    recipe = Recipe("screen")

    def __init__(self, poses: Poses, step: int = 5) -> None:
        self.step = step
        total, count = np.zeros((len(joints.NAMES), 3)), 0
        for sequence in np.flatnonzero(poses.splits == "train"):
            at = poses.frames(int(sequence))
            good = poses.positions[at][poses.valid[at]].astype(np.float64)
            total += (good - good[:, joints.ROOT : joints.ROOT + 1]).sum(axis=0)
            count += len(good)
        if not count:
            raise LifterError("lifter mean: the data set has no valid frame in a train split; take another lifter")
        self.pose = np.asarray(total / count, np.float32)

    def lift_uniform(self, sequence: Floats) -> Floats:
        """Return the mean pose (T, 17, 3) for each frame of (T, 17, 2)."""
        return np.repeat(self.pose[None], len(sequence), axis=0)


def evaluate(
    lifter: SequenceLifter,
    poseset: PoseSet,
    split: str = "test",
    progress: Callable[[int], None] = lambda _: None,
    *,
    drop_tail: bool = False,
    resample: bool = False,
    skip: Sequence[str] = (),
    refine: Refine | None = None,
) -> Scores:
    """Lift and score every sequence of a split.

    Args:
        lifter: takes screen units of each sequence's own picture, or persons, as its recipe says.
        poseset: the reference and one source of keypoints.
        split: train, validation or test.
        progress: told the number of frames lifted since the last call.
        drop_tail: windows at multiples of the step only, as trajectory-pose-3d cuts them: the frames behind the
            last such window are neither lifted nor scored, and sequences shorter than a window are left out.
        resample: bring sequences of another frame rate to the lifter's and the poses back.
        skip: patterns (`S9_Greeting*`) of names of sequences to leave out.
        refine: goes over what is lifted (the dagger rows of Table 6); it is told root depths and cameras.

    Raises:
        LifterError: no such split, a pattern without a match, nothing to score, a lifter that gives no numbers.
    """
    if drop_tail and resample:
        raise LifterError("evaluate: drop-tail counts the data's own frames; leave out one of drop-tail and resample")
    chosen = _without(poseset.split(split), skip)
    poses = chosen.poses
    score_joints = _score_joints(poses.about)
    tally = Tally(score_joints)
    left_out = 0
    for number in range(len(poses)):
        whole = poses.frames(number)
        length = _covered(int(poses.lengths[number]), lifter) if drop_tail else int(poses.lengths[number])
        left_out += int(poses.lengths[number]) - length
        if length:
            at = slice(whole.start, whole.start + length)
            rate = float(poses.fps[number]) if resample else lifter.recipe.rate_hz
            lifted = _lift(lifter, chosen.keypoints[at], _size(poses, number), rate)
            if not np.isfinite(lifted).all():
                raise LifterError(
                    f"sequence {poses.names[number]}: the lifter gives no finite numbers; check its weights"
                )
            lifted = in_camera_axes(lifter.recipe, lifted, chosen, number, at)
            if refine is not None:
                lifted = _refined(refine, lifted, chosen, number, at)
            tally.add(_labels(poses, number), _rooted(lifted), _rooted(poses.positions[at]), poses.valid[at])
        progress(int(poses.lengths[number]))
    about: dict[str, Any] = {
        "dataset": str(poses.about.get("dataset", "")),
        "protocol": str(poses.about.get("protocol", "")),
        "split": split,
        "keypoints": chosen.source,
        "drop_tail": drop_tail,
        "resample": resample,
        "skip": list(skip),
        "score_joints": [joints.NAMES[joint] for joint in score_joints],
        "notes": _notes(lifter, chosen, score_joints, resample, left_out),
    }
    if refine is not None:
        about["notes"].insert(0, f"Refined, which {LABEL}: not to be compared with methods that know neither.")
    scores = tally.scores(about)
    if not scores.scored_frames:
        raise LifterError(f"split {split!r}: no valid frame to score; check the data set or leave out drop-tail")
    return scores


def _lift(lifter: SequenceLifter, keypoints: Floats, size: tuple[int, int], rate: float) -> Floats:
    """Lift (T, 17, 2) pixels at a frame rate to (T, 17, 3) metres, by way of the lifter's rate if that is another."""
    own = lifter.recipe.rate_hz
    times = np.arange(len(keypoints)) / rate
    grid = times if rate == own else training_grid(times, own)
    sequence = keypoints if rate == own else between(keypoints, times, grid)
    units = to_screen(sequence, size) if lifter.recipe.normalisation == "screen" else sequence
    lifted = lifter.lift_uniform(units)
    return lifted if rate == own else between(lifted, grid, times)


def in_camera_axes(recipe: Recipe, lifted: Floats, data: PoseSet, number: int, at: slice) -> Floats:
    """Bring a lifted sequence (T, 17, 3) from the recipe's axes to the camera's, by the pelvis' ray as it is seen.

    Args:
        recipe: of who lifted it.
        lifted: metres, about any root: it is turned as a whole.
        data: keypoints and intrinsics.
        number: of the sequence.
        at: its frames that were lifted.

    Raises:
        LifterError: axes of the ray, and the data set does not know its camera.
    """
    if recipe.axes == "camera":
        return lifted
    poses = data.poses
    camera = known_intrinsics(poses.intrinsics[number], str(poses.names[number]), "a lifter in axes of the view ray")
    pelvis = calmed(from_pixels(data.keypoints[at, joints.ROOT], camera), 1 / float(poses.fps[number]))
    return from_ray(lifted, turns_to_ray(pelvis))


def _refined(module: Refine, lifted: Floats, chosen: PoseSet, number: int, at: slice) -> Floats:
    """Refine a lifted sequence (T, 17, 3) with what only the reference and the camera know."""
    poses = chosen.poses
    camera = known_intrinsics(poses.intrinsics[number], str(poses.names[number]))
    rooted = _rooted(lifted).astype(np.float32)
    return refine_sequence(module, rooted, chosen.keypoints[at], poses.positions[at][:, joints.ROOT, 2], camera)


def _covered(frames: int, lifter: SequenceLifter) -> int:
    """Frames that windows at multiples of the step cover: none where a sequence is shorter than a window."""
    window = lifter.recipe.window
    return 0 if frames < window else (frames - window) // lifter.step * lifter.step + window


def _rooted(positions: Floats) -> NDArray[np.float64]:
    exact = positions.astype(np.float64)
    return np.asarray(exact - exact[:, joints.ROOT : joints.ROOT + 1])


def _size(poses: Poses, number: int) -> tuple[int, int]:
    width, height = poses.sizes[number].tolist()
    return width, height


def _labels(poses: Poses, number: int) -> dict[str, str]:
    columns = {
        "action": poses.actions,
        "group": poses.groups,
        "subject": poses.subjects,
        "camera": poses.cameras,
        "sequence": poses.names,
    }
    return {label: str(values[number]) for label, values in columns.items()}


def _without(chosen: PoseSet, patterns: Sequence[str]) -> PoseSet:
    """Leave out the sequences whose names match a pattern."""
    names = chosen.poses.names.tolist()
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise LifterError(f"skip {pattern!r}: no sequence of that name in the split (the first is {names[0]!r})")
    keep = [i for i, name in enumerate(names) if not any(fnmatchcase(name, pattern) for pattern in patterns)]
    if not keep:
        raise LifterError("skip: the patterns leave out every sequence of the split")
    return chosen.subset(np.array(keep)) if patterns else chosen


def _score_joints(about: Mapping[str, Any]) -> tuple[int, ...]:
    """The joints of PCK and AUC that a data set names, or all."""
    named = about.get("score_joints", ALL_JOINTS)
    good = isinstance(named, list | tuple) and all(type(joint) is int and joint in ALL_JOINTS for joint in named)
    if not good or not named:
        raise LifterError(f"the data set's score_joints: a list of joint numbers 0 to 16 wanted, got {named!r}")
    return tuple(sorted(set(named)))


def _notes(
    lifter: SequenceLifter, chosen: PoseSet, score_joints: tuple[int, ...], resample: bool, left_out: int
) -> list[str]:
    """What a reader of the numbers must know, in sentences."""
    poses, rate = chosen.poses, lifter.recipe.rate_hz
    notes = []
    rates = sorted(set(poses.fps.tolist()))
    said = ", ".join(f"{value:g}" for value in rates)
    if rates != [rate] and not isinstance(lifter, MeanPose):
        how = "resampled to that rate and back" if resample else "lifted frame by frame as it is"
        notes.append(f"The lifter was trained at {rate:g} frames a second, the data has {said}: {how}.")
    if lifter.recipe.axes == "ray":
        notes.append("Brought to the camera's axes by the pelvis in the picture, its focal length and centre known.")
    if len(rates) > 1:
        notes.append(f"Velocities mix sequences of {said} frames a second.")
    if len(score_joints) == len(ALL_JOINTS):
        notes.append("PCK and AUC are over all 17 joints, the always right pelvis among them.")
    else:
        notes.append(f"PCK and AUC are over {len(score_joints)} joints, everything else over 17.")
    if not poses.valid.all():
        notes.append(f"{int((~poses.valid).sum())} of {len(poses.valid)} frames have no valid reference: not scored.")
    if unseen := int((~chosen.seen & poses.valid).sum()):
        notes.append(f"In {unseen} valid frames the detector found no one: scored with the keypoints filled in.")
    if left_out:
        notes.append(f"{left_out} frames behind the last window are left out.")
    return notes
