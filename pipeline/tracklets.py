"""Pieces of tracks: one person's unbroken appearance, its motion, and how alike two appearances are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.packed import Rows

Doubles = NDArray[np.float64]

MEMORY = 0.25  # seconds over which the motion is averaged
_COAST = 0.5  # seconds in which a person who is out of sight comes to rest, in the prediction
_CLAIM = 1.0  # seconds out of sight after which the claim to a detection is a third
_UNSEEN = 0.05  # scores up to this say nothing about a pose


@dataclass(eq=False)
class Tracklet:
    """One person's detections, in the order of frames.

    Attributes:
        frames: indices into the film.
        boxes: (N, 4) pixels.
        keypoints: (N, J, 2) pixels.
        scores: (N, J).
        velocity: (2,) pixels per second of the body at the last frame.
    """

    frames: list[int]
    boxes: Rows
    keypoints: Rows
    scores: Rows
    velocity: Doubles = field(default_factory=lambda: np.zeros(2))

    @classmethod
    def start(cls, frame: int, box: Doubles, keypoints: Doubles, scores: Doubles) -> Tracklet:
        return cls([frame], Rows.of(box[None]), Rows.of(keypoints[None]), Rows.of(scores[None]))

    def add(self, times: Doubles, frame: int, box: Doubles, keypoints: Doubles, scores: Doubles) -> None:
        """Append a detection and update the motion."""
        seconds = max(times[frame] - times[self.frames[-1]], 1e-3)
        measured = _shift(self.boxes[-1], self.keypoints[-1], self.scores[-1], box, keypoints, scores) / seconds
        share = 1 - np.exp(-seconds / MEMORY) if len(self.frames) > 1 else 1.0
        self.velocity = self.velocity + share * (measured - self.velocity)
        self.frames.append(frame)
        for rows, row in ((self.boxes, box), (self.keypoints, keypoints), (self.scores, scores)):
            rows.extend(row[None])

    def joined(self, later: Sequence[Tracklet]) -> Tracklet:
        """Return this piece followed by later ones."""
        if not later:
            return self
        parts = [self, *later]
        return Tracklet(
            [frame for part in parts for frame in part.frames],
            Rows.of(np.concatenate([part.boxes.packed() for part in parts])),
            Rows.of(np.concatenate([part.keypoints.packed() for part in parts])),
            Rows.of(np.concatenate([part.scores.packed() for part in parts])),
            later[-1].velocity,
        )

    def forget(self, keep: int) -> None:
        """Drop all detections but the last ones."""
        del self.frames[:-keep]
        for rows in (self.boxes, self.keypoints, self.scores):
            rows.forget(keep)

    def areas(self) -> Doubles:
        """Return (frames,) square pixels of the boxes."""
        return box_areas(self.boxes[:])

    def likeness(self, times: Doubles, frame: int, boxes: Doubles, keypoints: Doubles, scores: Doubles) -> Doubles:
        """Return (P,) in 0..1: how far each detection of a frame is this person, moved on: half box, half pose."""
        seconds = times[frame] - times[self.frames[-1]]
        moved = coast(self.velocity, seconds)
        box = self.boxes[-1] + np.tile(moved, 2)
        alike = pose_similarity(
            (self.keypoints[-1] + moved)[None],
            self.scores[-1][None],
            keypoints,
            scores,
            # A limb moves about one body width a second against the body.
            spread=0.1 + 0.6 * min(seconds, 0.5),
            boxes=box[None],
        )[0]
        # Who was seen just now has the first claim: at a crossing the hidden one must not take over the other.
        claim = np.exp(-seconds / _CLAIM)
        likeness: Doubles = claim * (0.5 * box_overlap(box[None], boxes)[0] + 0.5 * alike)
        return likeness

    def shadows(self, other: Tracklet) -> bool:
        """Tell whether more than half of this track's detections lie on another's: the same person twice."""
        if self.frames[-1] < other.frames[0] or other.frames[-1] < self.frames[0]:
            return False
        _, mine, theirs = np.intersect1d(self.frames, other.frames, assume_unique=True, return_indices=True)
        if 2 * len(mine) <= len(self.frames):
            return False
        boxes = other.boxes[theirs]
        near = _overlap(boxes, self.boxes[mine]) > 0.5
        if 2 * np.count_nonzero(near) <= len(self.frames):
            return False
        alike = _similarity(
            other.keypoints[theirs[near]],
            other.scores[theirs[near]],
            self.keypoints[mine[near]],
            self.scores[mine[near]],
            spread=0.1,
            areas=box_areas(boxes[near]),
        )
        return bool(2 * np.count_nonzero(alike > 0.6) > len(self.frames))


def coast(velocity: Doubles, seconds: Doubles | float) -> Doubles:
    """Return (..., 2) pixels moved in (...) seconds, with the velocity (2,) or (..., 2) dying away."""
    moved: Doubles = velocity * (_COAST * (1 - np.exp(-np.asarray(seconds) / _COAST)))[..., None]
    return moved


def box_overlap(boxes: Doubles, others: Doubles) -> Doubles:
    """Return (P, Q): intersection over union of (P, 4) and (Q, 4) boxes."""
    return _overlap(boxes[:, None], others[None])


def _overlap(boxes: Doubles, others: Doubles) -> Doubles:
    """Return (...): intersection over union of (..., 4) boxes, one by one."""
    low = np.maximum(boxes[..., :2], others[..., :2])
    high = np.minimum(boxes[..., 2:], others[..., 2:])
    shared = np.clip(high - low, 0, None).prod(axis=-1)
    union = box_areas(boxes) + box_areas(others) - shared
    overlap: Doubles = shared / np.maximum(union, 1e-9)
    return overlap


def pose_similarity(
    keypoints: Doubles, scores: Doubles, others: Doubles, other_scores: Doubles, spread: float, boxes: Doubles
) -> Doubles:
    """Return (P, Q) in 0..1: the mean over joints seen in both of exp(-d^2 / 2 s^2), s = spread * body size.

    The size is the root of the first ones' box area. Where fewer than three joints are seen in both, 0.
    """
    areas = box_areas(boxes)[:, None]
    return _similarity(keypoints[:, None], scores[:, None], others[None], other_scores[None], spread, areas)


def _similarity(
    keypoints: Doubles, scores: Doubles, others: Doubles, other_scores: Doubles, spread: float, areas: Doubles
) -> Doubles:
    """Return (...) in 0..1: `pose_similarity` of (..., J, 2) poses, one by one."""
    reach = spread * np.sqrt(np.maximum(areas, 1.0))[..., None]
    squares = ((keypoints - others) ** 2).sum(axis=-1)
    both = (scores > _UNSEEN) & (other_scores > _UNSEEN)
    near = np.exp(-squares / (2 * reach**2)) * both
    number = both.sum(axis=-1)
    similarity: Doubles = np.where(number >= 3, near.sum(axis=-1) / np.maximum(number, 1), 0)
    return similarity


def _shift(
    box: Doubles, keypoints: Doubles, scores: Doubles, other: Doubles, other_keypoints: Doubles, other_scores: Doubles
) -> Doubles:
    """Return (2,) pixels: the median motion of the joints seen in both; of the box where they are few."""
    both = (scores > _UNSEEN) & (other_scores > _UNSEEN)
    if both.sum() < 3:
        return box_centres(other) - box_centres(box)
    shift: Doubles = np.median((other_keypoints - keypoints)[both], axis=0)
    return shift


def box_centres(boxes: Doubles) -> Doubles:
    """Return (..., 2) middles of (..., 4) boxes."""
    centres: Doubles = (boxes[..., :2] + boxes[..., 2:]) / 2
    return centres


def box_areas(boxes: Doubles) -> Doubles:
    """Return (...) areas of (..., 4) boxes."""
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    areas: Doubles = sides[..., 0] * sides[..., 1]
    return areas
