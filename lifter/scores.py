"""The tally of an evaluation: error sums of every sequence and joint, so that every average can be taken of them.

Two averages go by the same name in the literature, and both are given: by **frames** (all scored frames weigh the
same) and by **actions** (frames weigh the same inside an action, actions weigh the same; VideoPose3D's `run.py`).
They differ by some tenths of a millimetre on Human3.6M. Velocities weigh by the velocities counted, and never
cross from one sequence to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lifter import joints
from lifter.metrics import bones, correct, motion, position
from lifter.metrics.arrays import Bools, Doubles, pair, scored

ALL_JOINTS: tuple[int, ...] = tuple(range(len(joints.NAMES)))
LABELS = ("action", "group", "subject", "camera", "sequence")
BREAKDOWNS = (*LABELS, "joint")
# Predicted and true (T, 17, 3) metres and valid (T,) to values (N, 17) and the mask (N,) of those that count.
Values = Callable[[Doubles, Doubles, Bools], tuple[Doubles, Bools]]


@dataclass(frozen=True)
class Measure:
    """One column of the tally.

    Attributes:
        unit: of its values.
        values: how it is measured on one sequence.
        joints: the joints its averages are taken over.
        better: "lower" or "higher"; "" where the reference's own value is the goal.
        frames: valid frames in a row that one value takes.
    """

    unit: str
    values: Values
    joints: tuple[int, ...] = ALL_JOINTS
    better: str = "lower"
    frames: int = 1


def measures(score_joints: Sequence[int] = ALL_JOINTS) -> dict[str, Measure]:
    """Everything that is measured; PCK and AUC over `score_joints`, bones over the joints they end in."""
    near = tuple(score_joints)
    return {
        "MPJPE": Measure("mm", _frames(position.distances)),
        "P-MPJPE": Measure("mm", _frames(lambda p, g: position.distances(position.procrustes(p, g), g))),
        "N-MPJPE": Measure("mm", _frames(lambda p, g: position.distances(position.rescaled(p, g), g))),
        "MPJVE": _moving("mm/frame", motion.VELOCITY, lambda p, g: p - g),
        "acceleration": _moving("mm/frame^2", motion.ACCELERATION, lambda p, g: p - g),
        "jerk_error": _moving("mm/frame^3", motion.JERK, lambda p, g: p - g),
        "jerk": _moving("mm/frame^3", motion.JERK, lambda p, _: p, better=""),
        "jerk_of_truth": _moving("mm/frame^3", motion.JERK, lambda _, g: g, better=""),
        "bone_deviation": Measure("mm", _bone_deviation, bones.BONES),
        "bone_asymmetry": Measure("mm", _bone_asymmetry, joints.LIMBS_12),
        "PCK@150": Measure("%", _frames(lambda p, g: correct.near(position.distances(p, g))), near, "higher"),
        "AUC": Measure("%", _frames(lambda p, g: correct.area(position.distances(p, g))), near, "higher"),
    }


@dataclass(frozen=True)
class Scores:
    """What was measured on S sequences.

    Attributes:
        measures: by name, what the sums are of.
        labels: by each of `LABELS`, (S,) the names of the sequences' actions, groups, ...
        sums: by measure, (S, 17) the sums over the frames (or velocities, ...) that counted.
        counts: by measure, (S,) how many counted.
        about: what, how, by which protocol; plain values, among them `notes`, sentences to be told.
    """

    measures: Mapping[str, Measure]
    labels: Mapping[str, NDArray[np.str_]]
    sums: Mapping[str, Doubles]
    counts: Mapping[str, NDArray[np.int64]]
    about: Mapping[str, Any] = field(default_factory=dict)

    def frame_mean(self, name: str, over: Sequence[int] | None = None) -> float:
        """The average in which every frame weighs the same; `over` other joints than the measure's own."""
        count = self.counts[name].sum()
        if not count:
            return float("nan")
        counted = list(self.measures[name].joints if over is None else over)
        return float(self.sums[name].sum(axis=0)[counted].mean() / count)

    def action_mean(self, name: str) -> float:
        """The mean over actions of the average in each, frames alike; actions without a value are left out."""
        values = [value for value in self.by("action", name).values() if np.isfinite(value)]
        return float(np.mean(values)) if values else float("nan")

    def by(self, breakdown: str, name: str) -> dict[str, float]:
        """The averages (frames alike) for each action, group, subject, camera, sequence or joint.

        NaN where nothing counted: a joint that the measure leaves out, an action without two valid frames in a row.
        """
        if breakdown == "joint":
            counted = self.measures[name].joints
            return {
                joint: self.frame_mean(name, [i]) if i in counted else float("nan")
                for i, joint in enumerate(joints.NAMES)
            }
        order = self.names(breakdown)
        row = {label: number for number, label in enumerate(order)}
        rows = [row[label] for label in self.labels[breakdown].tolist()]
        sums, counts = np.zeros(len(order)), np.zeros(len(order))
        np.add.at(sums, rows, self.sums[name][:, list(self.measures[name].joints)].mean(axis=1))
        np.add.at(counts, rows, self.counts[name])
        means = np.divide(sums, counts, out=np.full(len(order), np.nan), where=counts > 0)
        return dict(zip(order, means.tolist(), strict=True))

    def names(self, breakdown: str) -> list[str]:
        """The rows of a breakdown: joints in the skeleton's order, all else by the alphabet (the paper's order)."""
        if breakdown == "joint":
            return list(joints.NAMES)
        return sorted(set(self.labels[breakdown].tolist()), key=lambda name: (name.casefold(), name))

    @property
    def scored_frames(self) -> int:
        """The frames scored, in all."""
        return int(self.counts["MPJPE"].sum())

    def frames(self, breakdown: str) -> dict[str, int]:
        """The frames scored of each row of a breakdown."""
        if breakdown == "joint":
            return dict.fromkeys(joints.NAMES, self.scored_frames)
        found = dict.fromkeys(self.names(breakdown), 0)
        for label, count in zip(self.labels[breakdown].tolist(), self.counts["MPJPE"].tolist(), strict=True):
            found[label] += count
        return found


class Tally:
    """Gathers `Scores`, one sequence after the other.

    Args:
        score_joints: joints that PCK and AUC are taken over.
    """

    def __init__(self, score_joints: Sequence[int] = ALL_JOINTS) -> None:
        self._measures = measures(score_joints)
        self._labels: dict[str, list[str]] = {label: [] for label in LABELS}
        self._sums: dict[str, list[Doubles]] = {name: [] for name in self._measures}
        self._counts: dict[str, list[int]] = {name: [] for name in self._measures}

    def add(
        self, labels: Mapping[str, str], predicted: ArrayLike, truth: ArrayLike, valid: ArrayLike | None = None
    ) -> None:
        """Measure one whole sequence.

        Args:
            labels: its action, group, subject, camera and (its own name) sequence.
            predicted: (T, 17, 3) root-relative metres.
            truth: (T, 17, 3) root-relative metres.
            valid: (T,) bool, the frames to score; all by default.
        """
        p, g = pair(predicted, truth)
        mask = scored(valid, len(p))
        for label, names in self._labels.items():
            names.append(labels[label])
        for name, measure in self._measures.items():
            values, counted = measure.values(p, g, mask)
            self._sums[name].append(values[counted].sum(axis=0))
            self._counts[name].append(int(counted.sum()))

    def scores(self, about: Mapping[str, Any] | None = None) -> Scores:
        """Everything measured so far."""
        return Scores(
            self._measures,
            {label: np.array(names, dtype=np.str_) for label, names in self._labels.items()},
            {name: np.array(sums).reshape(-1, len(ALL_JOINTS)) for name, sums in self._sums.items()},
            {name: np.array(counts, dtype=np.int64) for name, counts in self._counts.items()},
            about or {},
        )


def _frames(errors: Callable[[Doubles, Doubles], Doubles]) -> Values:
    """A measure of each frame by itself: only the scored frames are computed."""

    def values(p: Doubles, g: Doubles, mask: Bools) -> tuple[Doubles, Bools]:
        return errors(p[mask], g[mask]), np.ones(int(mask.sum()), bool)

    return values


def _moving(unit: str, order: int, positions: Callable[[Doubles, Doubles], Doubles], better: str = "lower") -> Measure:
    """A measure of frames in a row: differences of an order."""

    def values(p: Doubles, g: Doubles, mask: Bools) -> tuple[Doubles, Bools]:
        return motion.differences(positions(p, g), order), scored(mask, len(mask), order)

    return Measure(unit, values, better=better, frames=order + 1)


def _bone_deviation(p: Doubles, _: Doubles, mask: Bools) -> tuple[Doubles, Bools]:
    """The same value, the deviation over the sequence, for every scored frame: sequences then weigh by frames."""
    lengths = bones.bone_lengths(p)[mask]
    return np.broadcast_to(lengths.std(axis=0), lengths.shape) if len(lengths) else lengths, np.ones(len(lengths), bool)


def _bone_asymmetry(p: Doubles, _: Doubles, mask: Bools) -> tuple[Doubles, Bools]:
    return bones.side_differences(bones.bone_lengths(p)), mask
