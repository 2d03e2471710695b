"""A 2D source measured against the truth: what `settings.DetectorNoise` holds, and what only a table tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from lifter.datasets.mocap.packed import RATE_HZ
from lifter.detector_noise.clips import Clips
from lifter.detector_noise.moments import calm_parts, heavy_tail, spreads
from lifter.detector_noise.parts import KIND_OF, KINDS, LIMBS, Doubles, of_kind
from lifter.detector_noise.settings import DetectorNoise, JointNoise, SideSwaps

Bools = NDArray[np.bool_]

APART = 0.25  # person units, mean distance of a limb from its other side, from which a swap can be told
CROSSED = 0.6  # swapped: so much nearer to the other side's truth
ASTRAY = 0.5  # person units, from which a median error is that of another place altogether
LOST_AT_LEAST, LOST_SIGMAS = 0.25, 4.5
RAYLEIGH = 1.1774  # median of the length of a normal error, in sigmas of one axis
ROBUST = 0.1  # person units; larger errors pull the offsets with a constant force
BINS = 10
LED = ("knee", "ankle", "elbow", "wrist")  # parents before children


@dataclass(frozen=True)
class ScoreBin:
    """Errors of the joints with confidences in a tenth of all: mean confidence, median and 90th percentile."""

    score: float
    median: float
    p90: float


@dataclass(frozen=True)
class Measured:
    """What came out; lengths in person units.

    Attributes:
        noise: the model's numbers.
        median, p90: of each kind of joint, the whole error's length.
        lost: of each kind, share of frames in which it is lost.
        swapped: share of frames, of those in which it can be told.
        missed: share of frames in which the person was not found.
        astray: share of the frames in which it was, in which it was sought in the wrong place as a whole; they count
            in `median`, `p90` and `calibration` alone.
        rank: rank correlation of confidence and error over all joints; -1 is a confidence that tells all.
        calibration: error by confidence, from the least confident tenth to the most.
        clips, frames: how much was measured.
    """

    noise: DetectorNoise
    median: Mapping[str, float]
    p90: Mapping[str, float]
    lost: Mapping[str, float]
    swapped: Mapping[str, float]
    missed: float
    astray: float
    rank: float
    calibration: tuple[ScoreBin, ...]
    clips: int
    frames: int


def measure(clips: Clips) -> Measured:
    """Measure a source's errors."""
    error: Doubles = np.asarray(clips.found - clips.truth, np.float64)
    length = np.linalg.norm(error, axis=-1)
    away = astray(clips)
    calm = clips.counts & ~away[..., None]
    swaps, swapped = {}, {}
    for limb, members in LIMBS.items():
        crossed, told = find_swaps(clips, members)
        crossed, told = crossed & ~away, told & ~away
        calm[:, :, list(members)] &= ~crossed[..., None]
        per_s, seconds = rate_and_length(crossed, told)
        swaps[limb], swapped[limb] = SideSwaps(per_s, seconds), float(crossed[told].mean()) if told.any() else 0.0
    offsets = np.zeros((len(KINDS), 3))
    if clips.axes is not None:
        offsets = fit_offsets(error, calm, clips.axes)
        error = error - np.einsum("ja,ctjax->ctjx", offsets[list(KIND_OF)], clips.axes)
    kinds, lost = {}, np.zeros_like(calm)
    for kind, name in enumerate(KINDS):
        at = of_kind(kind)
        kinds[name], lost[:, :, at] = _kind(error[:, :, at], calm[:, :, at], offsets[kind])
    spread, shared = spreads(error, calm & ~lost)
    kinds = {name: replace(kinds[name], spread=float(spread[kind])) for kind, name in enumerate(KINDS)}
    kinds |= {name: _by_itself(kinds[name], name, lost, calm) for name in LED}
    correlation = correlations(error, calm & ~lost, kinds)
    noise = DetectorNoise(kinds, swaps, shared, tuple(tuple(row) for row in np.round(correlation, 2).tolist()))
    median, p90, share = _by_kind(length, clips.counts, lost & calm)
    rank, calibration = confidence(clips.scores, length, clips.counts)
    frames = int(clips.counts.any(axis=-1).sum())
    gone = float(away.sum() / max(frames, 1))
    return Measured(noise, median, p90, share, swapped, clips.missed, gone, rank, calibration, len(calm), frames)


def astray(clips: Clips) -> Bools:
    """Return (C, T) frames in which most joints are far from their place, and from that of their other side."""
    mirrored = clips.truth[:, :, list(joints.MIRROR)]
    off = np.minimum(*(np.linalg.norm(clips.found - truth, axis=-1) for truth in (clips.truth, mirrored)))
    known: Bools = np.asarray(clips.counts.any(axis=-1))
    usual = np.nanmedian(np.where(clips.counts | ~known[..., None], off, np.nan), axis=-1)
    return np.asarray(known & (usual > ASTRAY))


def find_swaps(clips: Clips, members: tuple[int, ...]) -> tuple[Bools, Bools]:
    """Return (C, T) frames in which a limb's sides have changed places, and those in which it can be told."""
    own, other = list(members), [joints.MIRROR[joint] for joint in members]
    truth, found = clips.truth[:, :, own], clips.found[:, :, own]
    across = clips.truth[:, :, other]
    apart = np.linalg.norm(truth - across, axis=-1).mean(axis=-1)
    told = clips.counts[:, :, own].all(axis=-1) & (apart > APART)
    straight = np.linalg.norm(found - truth, axis=-1).mean(axis=-1)
    crossed = np.linalg.norm(found - across, axis=-1).mean(axis=-1)
    return told & (crossed < CROSSED * straight), told


def rate_and_length(on: Bools, told: Bools) -> tuple[float, float]:
    """Return how often a second (C, T) something begins, and its mean seconds; runs cut off by a clip's ends count.

    They are those of a chain that goes on and off by chance: it lasts as long as its frames have ends (what never
    ends is given half an end), and begins as often as its share of all frames then asks for.
    """
    both = told[:, 1:] & told[:, :-1]
    ends, on_frames = (both & ~on[:, 1:] & on[:, :-1]).sum(), (both & on[:, :-1]).sum()
    seconds = max(float(on_frames) / max(float(ends), 0.5) / RATE_HZ, 1 / RATE_HZ)
    share = min(float(on[told].mean()), 0.99) if told.any() else 0.0
    return share / (1 - share) / seconds, seconds


def fit_offsets(error: Doubles, calm: Bools, axes: NDArray[np.float32]) -> Doubles:
    """Return (11, 3) metres along the joints' own axes that explain errors best; large errors count less."""
    offsets = np.zeros((len(KINDS), 3))
    for kind in range(len(KINDS)):
        members = of_kind(kind)
        chosen = calm[:, :, members]
        wanted = error[:, :, members][chosen]  # n 2
        design = axes[:, :, members][chosen].astype(np.float64).swapaxes(-1, -2)  # n 2 3
        for _ in range(8 if len(wanted) else 0):
            rest = np.linalg.norm(wanted - design @ offsets[kind], axis=-1)
            weight = np.sqrt(ROBUST / np.maximum(rest, ROBUST))[:, None]
            rows = (weight[..., None] * design).reshape(-1, 3)
            offsets[kind] = np.linalg.lstsq(rows, (weight * wanted).ravel(), rcond=1e-9)[0]
    return offsets


def _kind(error: Doubles, calm: Bools, offset: Doubles) -> tuple[JointNoise, Bools]:
    """Return the numbers of the joints of a kind, (C, T, K, 2), and where they are lost (C, T, K)."""
    length = np.linalg.norm(error, axis=-1)
    usual = float(np.median(length[calm])) if calm.any() else 0.0
    far = max(LOST_AT_LEAST, LOST_SIGMAS * usual / RAYLEIGH)
    lost = calm & (length > far)
    tracks = [np.concatenate(list(np.moveaxis(array, 2, 0))) for array in (error, calm, lost)]  # C*K T ..
    bias, drift, drift_s, jitter = calm_parts(tracks[0], tracks[1] & ~tracks[2])
    per_s, seconds = rate_and_length(tracks[2], tracks[1])
    more = float((length[lost] - far).mean()) if lost.any() else 0.1
    along, outward, ahead = (float(value) for value in offset)
    tail = heavy_tail(tracks[0], tracks[1] & ~tracks[2])
    place = (along, outward, ahead)
    return JointNoise(place, bias, drift, drift_s, jitter, tail, 0.0, per_s, seconds, far, more), lost


def correlations(error: Doubles, calm: Bools, kinds: Mapping[str, JointNoise]) -> Doubles:
    """Return (17, 17): how the slow errors of joints go together, left and right alike."""
    known = np.where(calm[..., None], error, 0.0)
    flat, there = known.swapaxes(2, 3).reshape(-1, 17), np.repeat(calm[:, :, None], 2, axis=2).reshape(-1, 17)
    weights = there.astype(np.float64)
    squares = (flat**2).T @ weights  # of j, where k is known too
    matrix = flat.T @ flat / np.sqrt(np.maximum(squares * squares.T, 1e-12))
    # Jitter is every joint's own; what goes together is the rest.
    of = [kinds[KINDS[kind]] for kind in KIND_OF]
    slow = np.array([1 - one.jitter**2 / max(one.bias**2 + one.drift**2 + one.jitter**2, 1e-12) for one in of])
    matrix = matrix / np.sqrt(np.maximum(np.outer(slow, slow), 0.05))
    mirror = list(joints.MIRROR)
    matrix = np.clip((matrix + matrix[mirror][:, mirror]) / 2, -0.99, 0.99)
    np.fill_diagonal(matrix, 1.0)
    return np.asarray(matrix)


def confidence(scores: NDArray[np.float32], length: Doubles, counts: Bools) -> tuple[float, tuple[ScoreBin, ...]]:
    """Return the rank correlation of confidence and error, and the error in tenths of confidence."""
    from scipy.stats import spearmanr

    given, off = scores[counts], length[counts]
    if np.ptp(given) == 0:
        return float("nan"), ()
    order = np.argsort(given, kind="stable")
    bins = tuple(
        ScoreBin(float(given[part].mean()), float(np.median(off[part])), float(np.percentile(off[part], 90)))
        for part in np.array_split(order, BINS)
        if len(part)
    )
    return float(spearmanr(given, off).statistic), bins


def _by_kind(
    length: Doubles, counts: Bools, lost: Bools
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    median, p90, share = {}, {}, {}
    for kind, name in enumerate(KINDS):
        members = of_kind(kind)
        chosen = counts[:, :, members]
        off = length[:, :, members][chosen] if chosen.any() else np.zeros(1)
        median[name], p90[name] = float(np.median(off)), float(np.percentile(off, 90))
        share[name] = float(lost[:, :, members].sum() / max(chosen.sum(), 1))
    return median, p90, share


def _by_itself(joint: JointNoise, name: str, lost: Bools, calm: Bools) -> JointNoise:
    """Say how often a kind of joint is lost by itself, and how often because its parent joint is."""
    members = of_kind(KINDS.index(name))
    parents = [joints.PARENTS[member] for member in members]
    led = lost[:, :, parents] & calm[:, :, members]
    shape = (-1, lost.shape[1])
    alone, told = (
        np.moveaxis(array, 2, 0).reshape(shape) for array in (lost[:, :, members], calm[:, :, members] & ~led)
    )
    per_s, seconds = rate_and_length(alone, told)
    share = float(lost[:, :, members][led].mean()) if led.any() else 0.0
    return replace(joint, lost_per_s=per_s, lost_s=seconds, with_parent=share)
