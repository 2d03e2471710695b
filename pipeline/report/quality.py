"""How good one person's poses look without the truth: what was seen, how it fits the picture, how it moves.

None of these numbers is an error in 3D: a pose may be calm, fit the picture, and be wrong in depth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from pipeline.camera import Camera
from pipeline.clean import FILLED, SWAPPED
from pipeline.ground import ANKLES, planted
from pipeline.lens import straighten
from pipeline.poses import Pose3D
from pipeline.view.trust import PARTS

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

LIMB_PARTS = tuple(part for part in PARTS if part != "whole body")
_HELD = 1e-3  # of a bone's length: a skeleton that varies less was held at one length
_STANDS = 0.5  # how surely a foot stands (`pipeline.ground`) to count as standing
_DIFFERENCE = np.array([1.0, -4.0, 6.0, -4.0, 1.0]) / np.sqrt(70)  # of white noise it gives back the deviation


@dataclass(frozen=True)
class Quality:
    """One person, frame by frame over all T frames of the film, NaN where they are out of track.

    Attributes:
        seen: (T,) in track.
        score: (T, 5) mean score of the joints of `LIMB_PARTS`.
        filled: (T,) key points of 17 that were filled in.
        swapped: (T,) left and right were swapped back.
        reprojection_px: (T,) median distance of the projected pose from the key points that were seen, pixels.
        reprojection: (T,) the same as a share of the person's height in the picture.
        bones: (16,) deviation of each bone's length as a share of it.
        held: all bones were held at one length, so `bones` says nothing.
        jitter_m: noise from frame to frame of the pose, metres; `jitter_px` of the key points, pixels.
        skate: (T,) metres a second that feet which stand move along the floor; NaN where none stands.
        height_px: the person's median height in the picture.
    """

    seen: Bools
    score: Doubles
    filled: NDArray[np.int64]
    swapped: Bools
    reprojection_px: Doubles
    reprojection: Doubles
    bones: Doubles
    held: bool
    jitter_m: float
    jitter_px: float
    skate: Doubles
    height_px: float


def quality_of(pose: Pose3D, person: int, size: tuple[int, int], camera: Camera) -> Quality:
    """Look at one person.

    Args:
        pose: the run's people.
        person: row.
        size: (W, H) pixels of the film.
        camera: what was known of the lens.
    """
    seen = pose.valid[person]
    body, pixels = pose.positions[person].astype(np.float64), pose.keypoints[person].astype(np.float64)
    known = pose.repairs[person] & FILLED == 0
    columns = [[joints.NAMES.index(name) for name in PARTS[part]] for part in LIMB_PARTS]
    score = np.stack([pose.scores[person][:, part].mean(axis=1) for part in columns], axis=1).astype(np.float64)
    tall = np.where(seen, np.ptp(pixels[..., 1], axis=1), np.nan)
    height = float(np.nanmedian(tall)) if seen.any() else float("nan")
    off = reprojection(body, pose.root[person].astype(np.float64), pixels, known & seen[:, None], size, camera)
    bones = bone_deviations(body[seen])
    runs = _runs(seen)
    return Quality(
        seen, np.where(seen[:, None], score, np.nan), np.where(seen, (~known).sum(axis=1), 0),
        seen & (pose.repairs[person] & SWAPPED > 0).any(axis=1), off, off / max(height, 1.0),
        bones, bool((bones < _HELD).all()), jitter(body[:, 1:], runs), jitter(pixels, runs),
        skate(pose, person, size, camera), height,
    )  # fmt: skip


def reprojection(
    body: Doubles, root: Doubles, pixels: Doubles, known: Bools, size: tuple[int, int], camera: Camera
) -> Doubles:
    """Return (T,) median distance, pixels, of projected joints (T, 17, 3) from those that are known (T, 17)."""
    there = root[:, None] + body
    ahead = known & (there[..., 2] > 1e-3)
    depth = np.where(ahead, there[..., 2], 1.0)[..., None]
    drawn = camera.focal_px(size) * there[..., :2] / depth + np.array(camera.centre_px(size))
    off = np.where(ahead, np.linalg.norm(drawn - straighten(pixels, camera, size), axis=-1), np.nan)
    some = ahead.any(axis=1)
    found = np.full(len(body), np.nan)
    if some.any():
        found[some] = np.nanmedian(off[some], axis=1)
    return found


def bone_deviations(body: Doubles) -> Doubles:
    """Return (16,) standard deviation of each limb's length over its mean, of poses (T, 17, 3)."""
    lengths = np.stack([np.linalg.norm(body[:, a] - body[:, b], axis=-1) for a, b in joints.LIMBS], axis=1)
    if not len(lengths):
        return np.zeros(len(joints.LIMBS))
    deviations: Doubles = lengths.std(axis=0) / np.maximum(lengths.mean(axis=0), 1e-9)
    return deviations


def jitter(places: Doubles, runs: list[tuple[int, int]]) -> float:
    """Return the noise from frame to frame of places (T, J, C), root mean square of a joint, in their unit.

    Fourth differences within runs of frames (first, end): a smooth motion has next to none, and of white noise they
    are as large as itself. It is what trembles; what is wrong for longer is not in it.
    """
    rough = [
        np.apply_along_axis(np.convolve, 0, places[a:b], _DIFFERENCE, "valid") for a, b in runs if b - a >= 5
    ]  # fmt: skip
    if not rough:
        return float("nan")
    return float(np.sqrt((np.concatenate(rough) ** 2).sum(axis=-1).mean()))


def skate(pose: Pose3D, person: int, size: tuple[int, int], camera: Camera) -> Doubles:
    """Return (T,) metres a second that ankles which stand move along the floor; NaN where none does."""
    found = np.full(len(pose.timestamps), np.nan)
    body, root = pose.positions[person].astype(np.float64), pose.root[person].astype(np.float64)
    up, focal = pose.up.astype(np.float64), camera.focal_px(size)
    for first, end in _runs(pose.valid[person]):
        span = slice(first, end)
        seconds = np.cumsum(np.maximum(np.diff(pose.timestamps[span], prepend=pose.timestamps[first]), 1e-3))
        if len(seconds) < 2:
            continue
        pixels = straighten(pose.keypoints[person, span].astype(np.float64), camera, size)
        scores = pose.scores[person, span].astype(np.float64)
        feet = planted(body[span], pixels, scores, root[span, 2], seconds, up, focal) >= _STANDS
        moves = np.gradient(root[span, None] + body[span][:, ANKLES], seconds, axis=0)
        moves -= (moves @ up)[..., None] * up
        speed = np.where(feet, np.linalg.norm(moves, axis=-1), 0).sum(axis=1)
        found[span] = np.where(feet.any(axis=1), speed / np.maximum(feet.sum(axis=1), 1), np.nan)
    return found


def _runs(seen: Bools) -> list[tuple[int, int]]:
    """Return (first, end) of the runs of True (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
