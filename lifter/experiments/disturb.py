"""Kinds of noise in 2D key points: pure, seeded, the identity at level 0, and larger at every larger level.

All take one sequence of key points (T, 17, 2) in pixels. A generator in the same state draws the same noise at
every level: a higher level is more of the same, never other noise, so that curves over levels are smooth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from lifter.errors import LifterError
from lifter.plain import unknown

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Random = np.random.Generator

DEGREES_OF_FREEDOM = 2.5  # heavy tails: a finite variance, no finite third moment
SPAN_FRAMES = 12.0  # mean length of what lasts: swaps and drop-outs; about a quarter of a second at 50 Hz
# Left and right are swapped as detectors do it: both legs, or both arms.
SWAPPED = (((1, 2, 3), (4, 5, 6)), ((11, 12, 13), (14, 15, 16)))
# The six levels of the paper's appendix A: shares of the detector in the mixture.
ALPHAS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Kind:
    """A kind of noise.

    Attributes:
        make: (key points (T, 17, 2), level, person's height in pixels, generator) -> key points.
        unit: what a level means.
        levels: taken where none are asked for.
        largest: the highest level that has a meaning.
    """

    make: Callable[[Doubles, float, float, Random], Doubles]
    unit: str
    levels: tuple[float, ...]
    largest: float = 1.0


def offset(keypoints: Doubles, level: float, height_px: float, random: Random) -> Doubles:
    """Displace every joint for the whole sequence in its own random direction, as a detector does that means another
    place by the joint's name; level: how far, as a share of the person's height."""
    angle = random.uniform(0, 2 * np.pi, keypoints.shape[1])
    return keypoints + level * height_px * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def gaussian(keypoints: Doubles, level: float, height_px: float, random: Random) -> Doubles:
    """Add independent normal errors; level: sigma per axis as a share of the person's height."""
    return keypoints + level * height_px * random.standard_normal(keypoints.shape)


def heavy_tailed(keypoints: Doubles, level: float, height_px: float, random: Random) -> Doubles:
    """Add independent errors by Student's t (few degrees of freedom: rare, wild misses); level: its scale as a share of
    the person's height."""
    return keypoints + level * height_px * random.standard_t(DEGREES_OF_FREEDOM, keypoints.shape)


def swaps(keypoints: Doubles, level: float, _height_px: float, random: Random) -> Doubles:
    """Swap left and right, of the legs and of the arms, for runs of frames; level: share of frames."""
    made = keypoints.copy()
    for left, right in SWAPPED:
        frames = spans(len(keypoints), random) < level
        for one, other in (*zip(left, right, strict=True), *zip(right, left, strict=True)):
            made[frames, one] = keypoints[frames, other]
    return made


def dropped_joints(keypoints: Doubles, level: float, _height_px: float, random: Random) -> Doubles:
    """Lose joints, each for its own spans, and fill them by straight lines in time; level: share of a joint's frames.

    A joint that is lost at the first or the last frame stays where it was first or last seen.
    """
    made = keypoints.copy()
    for joint in range(keypoints.shape[1]):
        lost = spans(len(keypoints), random) < level
        made[:, joint] = _bridged(keypoints[:, joint], lost)
    return made


def dropped_frames(keypoints: Doubles, level: float, _height_px: float, random: Random) -> Doubles:
    """Lose the whole person for spans and keep the last pose seen, as a tracker does; level: share of frames."""
    lost = spans(len(keypoints), random) < level
    return _held(keypoints, lost)


def jitter(keypoints: Doubles, level: float, _height_px: float, random: Random) -> Doubles:
    """Take every frame at a shaken time, t + dt, by straight lines between frames; level: sigma of dt in frames."""
    last = len(keypoints) - 1
    at = np.clip(np.arange(last + 1) + level * random.standard_normal(last + 1), 0, last)
    low = np.minimum(at.astype(np.int64), max(last - 1, 0))
    part = (at - low)[:, None, None]
    return np.asarray((1 - part) * keypoints[low] + part * keypoints[np.minimum(low + 1, last)])


KINDS: dict[str, Kind] = {
    "offset": Kind(offset, "distance / height", (0.0, 0.005, 0.01, 0.02, 0.04), 10.0),
    "gaussian": Kind(gaussian, "sigma / height", (0.0, 0.005, 0.01, 0.02, 0.04), 10.0),
    "heavy_tailed": Kind(heavy_tailed, "scale / height", (0.0, 0.0025, 0.005, 0.01, 0.02), 10.0),
    "swaps": Kind(swaps, "share of frames", (0.0, 0.02, 0.05, 0.1, 0.2)),
    "dropped_joints": Kind(dropped_joints, "share of frames", (0.0, 0.1, 0.2, 0.4, 0.6)),
    "dropped_frames": Kind(dropped_frames, "share of frames", (0.0, 0.05, 0.1, 0.2, 0.4)),
    "jitter": Kind(jitter, "sigma in frames", (0.0, 0.5, 1.0, 2.0, 4.0), 100.0),
}
MIXTURE_LARGEST = 2.0  # beyond 1 a worse detector is extrapolated


def disturb(
    kind: str, keypoints: Floats, level: float, height_px: float, random: Random, joint: int | None = None
) -> Floats:
    """Return key points (T, 17, 2) pixels with noise of a kind.

    Args:
        kind: a name in `KINDS`.
        keypoints: (T, 17, 2) pixels.
        level: how much, in the kind's unit; 0 returns the key points as they are.
        height_px: the person's height in the picture.
        random: where the noise comes from.
        joint: the only joint to disturb; None disturbs all.

    Raises:
        LifterError: an unknown kind, or a level outside its range.
    """
    check_level(kind, level)
    if level == 0:
        return keypoints.copy()
    made = KINDS[kind].make(keypoints.astype(np.float64), level, height_px, random).astype(np.float32)
    if joint is None:
        return made
    alone = keypoints.copy()
    alone[:, joint] = made[:, joint]
    return alone


def mix(truth: Floats, detected: Floats, alpha: float) -> Floats:
    """Appendix A: p = (1 - alpha) p_gt + alpha p_det of (..., 2) pixels; its 2D error is alpha times the detector's."""
    if alpha == 0:
        return truth.copy()
    return np.asarray(truth + np.float64(alpha) * (detected.astype(np.float64) - truth), dtype=np.float32)


def check_level(kind: str, level: float) -> None:
    """Refuse a kind that is not known and a level that means nothing.

    Raises:
        LifterError: as said.
    """
    if kind != "mixture" and kind not in KINDS:
        raise unknown("kind of noise", kind, [*KINDS, "mixture"])
    largest = MIXTURE_LARGEST if kind == "mixture" else KINDS[kind].largest
    if not 0 <= level <= largest or not np.isfinite(level):
        raise LifterError(f"level {level:g} of {kind}: 0 to {largest:g} wanted")


def spans(frames: int, random: Random) -> Doubles:
    """Cut (T,) into spans of random length, a number 0..1 for each: those below a share make up that share of frames.

    Spans have `SPAN_FRAMES` frames in the mean. The numbers are spread evenly over the spans in random order, so
    that short sequences get their share too.
    """
    starts = random.random(frames) < 1 / SPAN_FRAMES
    number = np.cumsum(starts) - starts[0]
    order = random.permutation(frames)  # drawn for all frames: the state after does not hang on the spans
    count = int(number[-1]) + 1
    ranks = np.argsort(np.argsort(order[:count]))
    return np.asarray(((ranks + random.random()) / count)[number])


def _bridged(track: Doubles, lost: NDArray[np.bool_]) -> Doubles:
    """Fill the lost frames of (T, 2) by straight lines; a track that is lost throughout keeps its first place."""
    if lost.all():
        return np.repeat(track[:1], len(track), axis=0)
    at, seen = np.arange(len(track)), np.flatnonzero(~lost)
    return np.stack([np.interp(at, seen, track[seen, axis]) for axis in range(2)], axis=-1)


def _held(keypoints: Doubles, lost: NDArray[np.bool_]) -> Doubles:
    """Fill the lost frames of (T, 17, 2) by the last seen one, before the first by the first."""
    if lost.all():
        return np.repeat(keypoints[:1], len(keypoints), axis=0)
    seen = np.where(lost, -1, np.arange(len(keypoints)))
    latest = np.maximum.accumulate(seen)
    return keypoints[np.where(latest < 0, np.argmax(~lost), latest)]


def height_m(positions: Floats) -> float:
    """Return a person's height: bones of (T, 17, 3) metres from foot to head, sides averaged, median over frames.

    Unlike the extent in the picture it is the same for a person who sits.
    """
    bones = np.linalg.norm(positions[:, 1:] - positions[:, list(joints.PARENTS[1:])], axis=-1)
    leg = (bones[:, 1] + bones[:, 2] + bones[:, 4] + bones[:, 5]) / 2
    return float(np.median(leg + bones[:, 6:10].sum(axis=1)))
