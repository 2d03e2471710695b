"""Cleaning of tracked Human3.6M-17 key points before lifting: sides put right, spikes taken out, the unseen filled in.

What is well seen keeps its place to the bit; whatever was changed is recorded per joint and told in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from detectors.joints import H36M_17
from pipeline.swaps import LEFT, RIGHT, find_swaps

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

SWAPPED, FILLED = 1, 2  # bits of Cleaned.repairs

_SHORT_GAP = 0.5  # seconds over which a joint is interpolated; longer gaps hold
_PELVIS, _THORAX = H36M_17.index("pelvis"), H36M_17.index("thorax")
# Parents before children; pelvis and thorax hold each other.
_TREE = tuple(
    (H36M_17.index(child), H36M_17.index(parent))
    for child, parent in (
        ("spine", "pelvis"), ("neck", "thorax"), ("head", "neck"),
        ("right_hip", "pelvis"), ("right_knee", "right_hip"), ("right_ankle", "right_knee"),
        ("left_hip", "pelvis"), ("left_knee", "left_hip"), ("left_ankle", "left_knee"),
        ("right_shoulder", "thorax"), ("right_elbow", "right_shoulder"), ("right_wrist", "right_elbow"),
        ("left_shoulder", "thorax"), ("left_elbow", "left_shoulder"), ("left_wrist", "left_elbow"),
    )
)  # fmt: skip
# Where a joint hangs from its parent if it is never seen in the whole film, in trunk lengths down the trunk; hips and
# shoulders: on it.
_NEVER_SEEN = {
    "spine": -0.5, "neck": -0.25, "head": -0.25, "right_knee": 0.85, "right_ankle": 0.85, "left_knee": 0.85,
    "left_ankle": 0.85, "right_elbow": 0.55, "right_wrist": 0.5, "left_elbow": 0.55, "left_wrist": 0.5,
}  # fmt: skip


@dataclass(frozen=True)
class Cleaned:
    """Key points fit for lifting, and what was done to them.

    Attributes:
        keypoints: (P, T, 17, 2) float32 pixels, finite everywhere.
        scores: (P, T, 17) float32, as detected; 0 where filled in.
        repairs: (P, T, 17) uint8 bits: 1 left and right swapped back, 2 filled in. Nothing is recorded where the
            person is out of track.
        notes: one line per person and kind of repair.
    """

    keypoints: NDArray[np.float32]
    scores: NDArray[np.float32]
    repairs: NDArray[np.uint8]
    notes: list[str]


def clean(
    keypoints: NDArray[np.floating],
    scores: NDArray[np.floating],
    valid: Bools,
    timestamps: NDArray[np.float64],
    people: Sequence[int] | None = None,
) -> Cleaned:
    """Repair swapped sides, take out single-joint spikes and fill in what is not seen, person by person.

    Args:
        keypoints: (P, T, 17, 2) pixels, x right and y down, in the order of `detectors.joints.H36M_17`.
        scores: (P, T, 17) in 0..1; 0 means unseen.
        valid: (P, T), the person is in track.
        timestamps: (T,) seconds.
        people: P numbers by which the notes call the people; 1, 2, ... where none are given.
    """
    result = Cleaned(
        keypoints.astype(np.float32), scores.astype(np.float32), np.zeros(scores.shape, dtype=np.uint8), []
    )
    for person in range(len(keypoints)):
        _clean_one(result, person, valid[person], timestamps, person + 1 if people is None else people[person])
    return result


def body_size(keypoints: Doubles, seen: Bools) -> Doubles:
    """Return (T,) pixels: the spread of the seen joints about their middle, smoothed; about 0.5 m of an adult.

    It does not depend on which side is which. Frames in which little is seen take the nearest one's.
    """
    counted = seen[..., None].astype(np.float64)
    number = np.maximum(counted.sum(axis=1), 1)
    centre = (keypoints * counted).sum(axis=1) / number
    squares = ((keypoints - centre[:, None]) ** 2).sum(axis=-1) * seen
    spread = np.sqrt(squares.sum(axis=1) / number[:, 0])
    known = np.flatnonzero((seen.sum(axis=1) >= 8) & (spread > 1))
    if len(known) == 0:
        return np.full(len(keypoints), max(float(spread.max(initial=0)), 1.0))
    spread[known] = median_filter(spread[known], size=min(len(known), 15), mode="nearest")
    size: Doubles = np.interp(np.arange(len(keypoints)), known, spread[known])
    return size


def _clean_one(result: Cleaned, person: int, valid: Bools, timestamps: Doubles, number: int) -> None:
    """Clean one person in place in `result`."""
    keypoints = result.keypoints[person].astype(np.float64)
    scores = np.where(valid[:, None], result.scores[person], 0).astype(np.float64)
    usual = float(np.median(scores[scores > 0.1])) if (scores > 0.1).any() else 1.0
    size = body_size(keypoints, scores > 0)
    trust = np.clip((scores / usual - 0.35) / 0.4, 0, 1)
    swapped = find_swaps(keypoints, trust, timestamps, size)
    keypoints, scores = swap_sides(keypoints, scores, swapped)
    seen = scores >= min(0.3, 0.4 * usual)
    # A joint that is never well seen keeps the detector's guess: there is nothing better to hold.
    seen |= ~seen.any(axis=0) & (scores > 0)
    spikes = find_spikes(keypoints, scores, seen, timestamps, size)
    seen &= ~spikes
    filled = fill_unseen(keypoints, seen, timestamps)
    missing = ~seen & valid[:, None]
    result.keypoints[person] = filled
    result.scores[person] = np.where(seen, scores, 0)
    crossed = np.zeros(seen.shape, dtype=np.bool_)
    crossed[:, [*LEFT, *RIGHT]] = np.tile(np.repeat(swapped, 3, axis=1), 2)
    result.repairs[person] = SWAPPED * (crossed & valid[:, None]) + FILLED * missing
    result.notes.extend(_tell(number, swapped.any(axis=1) & valid, spikes, missing, valid, timestamps))


def _tell(number: int, swapped: Bools, spikes: Bools, missing: Bools, valid: Bools, timestamps: Doubles) -> list[str]:
    notes = []
    if swapped.any():
        times = timestamps[swapped]
        notes.append(
            f"person {number}: left and right swapped back in {swapped.sum()} frames, "
            f"first {times[0]:.2f} s, last {times[-1]:.2f} s"
        )
    if missing.any():
        share = missing.sum() / max(1, valid.sum() * missing.shape[1])
        notes.append(
            f"person {number}: {missing.sum()} key points filled in ({share:.1%}), {spikes.sum()} of them outliers"
        )
    return notes


def swap_sides(keypoints: Doubles, scores: Doubles, swapped: Bools) -> tuple[Doubles, Doubles]:
    """Return copies of (T, 17, 2) and (T, 17) with arms and legs exchanged where (T, 2) says so."""
    keypoints, scores = keypoints.copy(), scores.copy()
    for group in range(2):
        frames = np.flatnonzero(swapped[:, group])[:, None]
        left, right = list(LEFT[3 * group : 3 * group + 3]), list(RIGHT[3 * group : 3 * group + 3])
        for array in (keypoints, scores):
            array[frames, [*left, *right]] = array[frames, [*right, *left]]
    return keypoints, scores


def find_spikes(keypoints: Doubles, scores: Doubles, seen: Bools, timestamps: Doubles, size: Doubles) -> Bools:
    """Return (T, 17): joints that leave for up to three frames and come back to where they would be.

    A spike is farther from the line between the frames around it than a limb can be thrown in that time (about
    100 m/s^2), and much farther than these are from each other; a confident joint is given half as much again.
    """
    spikes = np.zeros(seen.shape, dtype=np.bool_)
    frames = len(keypoints)
    for run in (1, 2, 3):
        for start in range(1, frames - run):
            before, after = start - 1, start + run
            span = timestamps[after] - timestamps[before]
            ends = seen[before] & seen[after] & ~spikes[before]
            if not ends.any() or span <= 0:
                continue
            inside = slice(start, after)
            share = ((timestamps[inside] - timestamps[before]) / span)[:, None, None]
            line = keypoints[before] + share * (keypoints[after] - keypoints[before])
            away = np.linalg.norm(keypoints[inside] - line, axis=-1) / size[inside, None]
            across = np.linalg.norm(keypoints[after] - keypoints[before], axis=-1) / size[start]
            limit = (0.2 + 200 * (span / 2) ** 2) * (1 + 0.5 * np.clip(scores[inside], 0, 1))
            far = (away > limit) & (away > 2 * across)
            spikes[inside] |= (far | ~seen[inside]).all(axis=0) & ends & seen[inside]
    return spikes


def fill_unseen(keypoints: Doubles, seen: Bools, timestamps: Doubles) -> Doubles:
    """Return (T, 17, 2) in which unseen joints move with the body, each along with its parent.

    Short gaps are interpolated in time; over long ones the joint holds its place relative to the parent and
    moves to the next one seen in the last half second.
    """
    filled = keypoints.copy()
    trunk = seen[:, _PELVIS] & seen[:, _THORAX]
    rise = _over_time(filled[:, _THORAX] - filled[:, _PELVIS], trunk, timestamps)
    if rise is None:
        rise = body_size(keypoints, seen)[:, None] * (0.0, -1.0)
    only_top = seen[:, _THORAX] & ~seen[:, _PELVIS]
    filled[only_top, _PELVIS] = (filled[:, _THORAX] - rise)[only_top]
    known = seen[:, _PELVIS] | seen[:, _THORAX]
    pelvis = _over_time(filled[:, _PELVIS], known, timestamps)
    if pelvis is None:
        pelvis = _anywhere(keypoints, seen, timestamps)
    filled[:, _PELVIS] = np.where(known[:, None], filled[:, _PELVIS], pelvis)
    filled[:, _THORAX] = np.where(seen[:, _THORAX, None], filled[:, _THORAX], filled[:, _PELVIS] + rise)
    for child, parent in _TREE:
        offset = _over_time(filled[:, child] - filled[:, parent], seen[:, child], timestamps)
        if offset is None:
            offset = -_NEVER_SEEN.get(H36M_17[child], 0.0) * rise
        filled[:, child] = np.where(seen[:, child, None], filled[:, child], filled[:, parent] + offset)
    return filled


def _anywhere(keypoints: Doubles, seen: Bools, timestamps: Doubles) -> Doubles:
    """Return (T, 2): the middle of what is seen, for a trunk that never is; the given pelvis if nothing is."""
    number = seen.sum(axis=1)
    middle = (keypoints * seen[..., None]).sum(axis=1) / np.maximum(number, 1)[:, None]
    found = _over_time(middle, number > 0, timestamps)
    return keypoints[:, _PELVIS] if found is None else found


def _over_time(values: Doubles, known: Bools, timestamps: Doubles) -> Doubles | None:
    """Return (T, 2) with unknown values from the known ones around them; None where none is known."""
    frames = np.flatnonzero(known)
    if len(frames) == 0:
        return None
    after = np.searchsorted(frames, np.arange(len(values)))
    first, last = frames[np.maximum(after - 1, 0)], frames[np.minimum(after, len(frames) - 1)]
    # A long gap is held, then crossed in its last half second.
    begin = np.maximum(timestamps[first], timestamps[last] - _SHORT_GAP)
    share = np.clip((timestamps - begin) / np.maximum(timestamps[last] - begin, 1e-9), 0, 1)[:, None]
    blended: Doubles = np.where(known[:, None], values, (1 - share) * values[first] + share * values[last])
    return blended
