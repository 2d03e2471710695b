"""The picture's edge: joints beyond it are unseen, and filled in as the pipeline fills in what is unseen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lifter import joints

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

SHORT_GAP = 25  # frames, half a second: over these a joint is interpolated; longer gaps hold
THORAX = 8
# Parents before children; pelvis and thorax hold each other.
TREE = (
    (7, 0), (9, 8), (10, 9), (1, 0), (2, 1), (3, 2), (4, 0), (5, 4), (6, 5), (14, 8), (15, 14), (16, 15), (11, 8),
    (12, 11), (13, 12),
)  # fmt: skip


def beyond(keypoints: Floats, halves: Doubles) -> Bools:
    """Say which of keypoints (N, T, 17, 2) lie outside of pictures that reach as far as halves (N, 2) each way."""
    return np.asarray((np.abs(keypoints) > halves[:, None, None]).any(axis=-1))


def fill_beyond(keypoints: Floats, hidden: Bools, halves: Doubles) -> Floats:
    """Fill in hidden joints (N, T, 17) as `pipeline.clean` does, each moving along with its parent.

    Short gaps are interpolated in time; over long ones a joint holds its place relative to its parent and moves to
    the next one seen in the last half second. One that is never seen is where a detector puts it: at the edge.
    """
    edge = np.clip(keypoints, -halves[:, None, None], halves[:, None, None]).astype(np.float64)
    seen = ~hidden
    never: Bools = np.asarray(hidden.all(axis=1))
    filled = np.where(never[:, None, :, None], edge, keypoints)
    seen = seen | never[:, None]
    trunk = seen[:, :, joints.ROOT] & seen[:, :, THORAX]
    apart = np.asarray(trunk.any(axis=1))[:, None, None]
    given = filled[:, :, THORAX] - filled[:, :, joints.ROOT]
    rise = np.where(apart, over_time(given, trunk), edge[:, :, THORAX] - edge[:, :, joints.ROOT])
    only_top = (seen[:, :, THORAX] & ~seen[:, :, joints.ROOT])[..., None]
    pelvis = np.where(only_top, filled[:, :, THORAX] - rise, filled[:, :, joints.ROOT])
    filled[:, :, joints.ROOT] = over_time(pelvis, seen[:, :, joints.ROOT] | seen[:, :, THORAX])
    top = seen[:, :, THORAX, None]
    filled[:, :, THORAX] = np.where(top, filled[:, :, THORAX], filled[:, :, joints.ROOT] + rise)
    for child, parent in TREE:
        offset = over_time(filled[:, :, child] - filled[:, :, parent], seen[:, :, child])
        moved = filled[:, :, parent] + offset
        filled[:, :, child] = np.where(seen[:, :, child, None], filled[:, :, child], moved)
    return np.asarray(filled, dtype=np.float32)


def over_time(values: Doubles, known: Bools) -> Doubles:
    """Return (N, T, 2) with the values of unknown frames (N, T) from the known ones around; as they are if none is."""
    frames = np.arange(known.shape[1])
    before = np.maximum.accumulate(np.where(known, frames, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, frames, len(frames))[:, ::-1], axis=1)[:, ::-1]
    none = ~np.asarray(known.any(axis=1))[:, None]
    first = np.where(none, frames, np.where(before < 0, after, before))
    last = np.where(none, frames, np.where(after == len(frames), before, after))
    begin = np.maximum(first, last - SHORT_GAP)
    share = np.clip((frames - begin) / np.maximum(last - begin, 1e-9), 0, 1)[..., None]
    start, end = (np.take_along_axis(values, at[..., None], axis=1) for at in (first, last))
    return np.asarray(np.where(known[..., None], values, (1 - share) * start + share * end))
