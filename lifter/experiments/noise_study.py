"""How errors of 2D key points become errors of the 3D pose: any lifter, any kind of noise (paper, appendix A)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from lifter.datasets.poseset import Poses, PoseSet
from lifter.errors import LifterError
from lifter.experiments.disturb import ALPHAS, KINDS, check_level, disturb, height_m, mix
from lifter.lifter import Lifter
from lifter.sequences import score, with_keypoints

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

NEAREST_M = 0.1  # a depth below this is no person in front of a camera


@dataclass(frozen=True)
class Curve:
    """What one curve asks: a kind of noise at several levels.

    Attributes:
        kind: a name in `disturb.KINDS`, or "mixture".
        levels: the points of the curve, in the kind's unit.
        detected: the detector's key points of the same frames ("mixture" alone).
        joint: the only joint that is disturbed; None for all.
    """

    kind: str
    levels: tuple[float, ...]
    detected: PoseSet | None = None
    joint: int | None = None

    def __post_init__(self) -> None:
        for level in self.levels:
            check_level(self.kind, level)
        if (self.kind == "mixture") != (self.detected is not None):
            raise LifterError("mixture: a detector's key points wanted (--detections), and for nothing else")

    @property
    def name(self) -> str:
        """Its name in tables: the kind, for a mixture with the detector, with the joint where there is one."""
        name = f"mixture {self.detected.source}" if self.detected else self.kind
        return name if self.joint is None else f"{name}, {joints.NAMES[self.joint]}"

    @property
    def unit(self) -> str:
        """What a level means."""
        return "alpha" if self.kind == "mixture" else KINDS[self.kind].unit


@dataclass(frozen=True)
class Point:
    """A point of a curve.

    Attributes:
        curve: the name of the curve; kind, unit, level, joint as in `Curve` ("all" joints, or one's name).
        error_px: 2D error: mean Euclidean distance from the clean key points over valid frames and all joints.
        error_percent: the same as a percentage of the person's height in the picture.
        scores: metric -> millimetres (a frame).
    """

    curve: str
    kind: str
    unit: str
    joint: str
    level: float
    error_px: float
    error_percent: float
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Fit:
    """The straight line 3D = offset + slope * 2D through a curve, and the share of the variance it explains."""

    slope: float
    offset: float
    r_squared: float


def default_levels(kind: str) -> tuple[float, ...]:
    """Return the levels a kind is taken at where none are asked for; a mixture's are those of appendix A."""
    check_level(kind, 0.0)
    return ALPHAS if kind == "mixture" else KINDS[kind].levels


def study(
    lifter_at: Callable[[Curve, float], Lifter],
    clean: PoseSet,
    curves: Sequence[Curve],
    split: str = "test",
    seed: int = 0,
    average: str = "action",
) -> Iterator[Point]:
    """Measure curve after curve, point after point.

    Args:
        lifter_at: the lifter for a level of a curve: always the same one, or one trained for each mixture.
        clean: the sequences with the key points that noise is added to, of one split.
        curves: what to measure; their detections belong to the same sequences as `clean`.
        split: the split of `clean` that is scored.
        seed: of the noise; a sequence's noise hangs on it, the kind and the sequence's name alone.
        average: "action" or "frame", as in `lifting.score`.
    """
    heights = heights_px(clean.poses)
    known: dict[Lifter, dict[str, float]] = {}  # many curves begin at the clean key points
    for curve in curves:
        for level in curve.levels:
            lifter = lifter_at(curve, level)
            made = disturbed(clean, curve, level, heights, seed)
            untouched = np.array_equal(made.keypoints, clean.keypoints)
            scores = known.get(lifter) if untouched else None
            scores = scores or score(lifter, made, split, average)
            if untouched:
                known[lifter] = scores
            joint = "all" if curve.joint is None else joints.NAMES[curve.joint]
            errors = error_2d(made, clean, heights)
            yield Point(curve.name, curve.kind, curve.unit, joint, level, *errors, scores)


def disturbed(clean: PoseSet, curve: Curve, level: float, heights: Doubles, seed: int) -> PoseSet:
    """Return the sequences with noise in their key points."""
    if curve.detected is not None:
        mixed = mix(clean.keypoints, curve.detected.keypoints, level)
        if curve.joint is not None:
            alone = clean.keypoints.copy()
            alone[:, curve.joint] = mixed[:, curve.joint]
            mixed = alone
        return with_keypoints(clean, mixed, curve.name)
    made = np.empty_like(clean.keypoints)
    for number, (name, height) in enumerate(zip(clean.poses.names.tolist(), heights, strict=True)):
        frames = clean.poses.frames(number)
        random = np.random.default_rng([seed, *(zlib.crc32(word.encode()) for word in (curve.kind, name))])
        made[frames] = disturb(curve.kind, clean.keypoints[frames], level, float(height), random, curve.joint)
    return with_keypoints(clean, made, curve.name)


def error_2d(made: PoseSet, clean: PoseSet, heights: Doubles) -> tuple[float, float]:
    """Mean Euclidean distance over valid frames and joints: pixels, and percent of the person's height."""
    distances = np.linalg.norm(made.keypoints.astype(np.float64) - clean.keypoints, axis=-1).mean(axis=-1)
    valid = clean.poses.valid
    percent = 100 * distances / np.repeat(heights, clean.poses.lengths)
    return float(distances[valid].mean()), float(percent[valid].mean())


def heights_px(poses: Poses) -> Doubles:
    """Return (S,) how tall each sequence's person would stand in the picture: focal length * height / depth, from 1."""
    heights = np.empty(len(poses))
    for number in range(len(poses)):
        positions = poses.positions[poses.frames(number)]
        depth = np.median(np.maximum(positions[:, joints.ROOT, 2], NEAREST_M))
        heights[number] = poses.intrinsics[number, :2].mean() * height_m(positions) / depth
    return np.maximum(heights, 1.0)


def mixture_source(truth: PoseSet, detected: PoseSet, alpha: float) -> PoseSet:
    """Return a 2D source between truth and detector (appendix A), for training: `mix_<detector>_<alpha>`.

    Raises:
        LifterError: the two belong to different sequences, or an alpha outside 0..2.
    """
    check_level("mixture", alpha)
    one, other = truth.poses, detected.poses
    if not (np.array_equal(one.names, other.names) and np.array_equal(one.lengths, other.lengths)):
        raise LifterError(f"mixture: {truth.source} and {detected.source} belong to different sequences")
    scores = truth.scores + np.float32(min(alpha, 1)) * (detected.scores - truth.scores)
    return replace(
        detected,
        source=f"mix_{detected.source}_{alpha:g}",
        keypoints=mix(truth.keypoints, detected.keypoints, alpha),
        scores=scores.astype(np.float32),
        seen=truth.seen.copy() if alpha == 0 else truth.seen & detected.seen,
    )


def lifter_file(folder: Path, source: str, alpha: float) -> Path:
    """Return the file of the lifter that was trained for a mixture: `alpha_0.2.safetensors` in `folder/<source>`, or in
    `folder`.

    Raises:
        LifterError: it is in neither.
    """
    name = f"alpha_{alpha:g}.safetensors"
    for path in (folder / source / name, folder / name):
        if path.is_file():
            return path
    raise LifterError(f"{folder}: no {name} (nor {source}/{name}); train one lifter for every mixture")


def fits(points: Sequence[Point], metric: str = "MPJPE") -> dict[str, Fit]:
    """Fit a straight line of a metric over the 2D error in pixels to every curve of three points and more.

    Appendix A finds the relation "near linear".
    """
    found = {}
    for curve in dict.fromkeys(point.curve for point in points):
        own = [point for point in points if point.curve == curve]
        x, y = np.array([p.error_px for p in own]), np.array([p.scores[metric] for p in own])
        if len(own) >= 3 and np.ptp(x) > 0:
            slope, offset = np.polyfit(x, y, 1)
            spread = np.square(y - y.mean()).sum()
            left = np.square(y - offset - slope * x).sum()
            found[curve] = Fit(float(slope), float(offset), float(1 - left / spread) if spread > 0 else 1.0)
    return found
