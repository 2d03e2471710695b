"""Pieces of tracks: one person's unbroken appearance, its motion, and how alike two appearances are."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

_MEMORY = 0.25  # seconds over which the motion is averaged
_COAST = 0.5  # seconds in which a person who is out of sight comes to rest, in the prediction
_CLAIM = 1.0  # seconds out of sight after which the claim to a detection is a third
_LONGEST_GAP = 8.0  # seconds after which nobody is recognised
_UNSEEN = 0.05  # scores up to this say nothing about a pose


@dataclass(eq=False)
class Tracklet:
    """One person's detections, in the order of frames.

    Attributes:
        frames: indices into the film.
        boxes: (4,) pixels each.
        keypoints: (J, 2) pixels each.
        scores: (J,) each.
        velocity: (2,) pixels per second of the body at the last frame.
    """

    frames: list[int]
    boxes: list[Doubles]
    keypoints: list[Doubles]
    scores: list[Doubles]
    velocity: Doubles = field(default_factory=lambda: np.zeros(2))

    @classmethod
    def start(cls, frame: int, box: Doubles, keypoints: Doubles, scores: Doubles) -> Tracklet:
        return cls([frame], [box], [keypoints], [scores])

    def add(self, times: Doubles, frame: int, box: Doubles, keypoints: Doubles, scores: Doubles) -> None:
        """Append a detection and update the motion."""
        seconds = max(times[frame] - times[self.frames[-1]], 1e-3)
        measured = _shift(self.boxes[-1], self.keypoints[-1], self.scores[-1], box, keypoints, scores) / seconds
        share = 1 - np.exp(-seconds / _MEMORY) if len(self.frames) > 1 else 1.0
        self.velocity = self.velocity + share * (measured - self.velocity)
        self.frames.append(frame)
        self.boxes.append(box)
        self.keypoints.append(keypoints)
        self.scores.append(scores)

    def joined(self, later: Tracklet) -> Tracklet:
        """Return this piece followed by a later one."""
        return Tracklet(
            self.frames + later.frames,
            self.boxes + later.boxes,
            self.keypoints + later.keypoints,
            self.scores + later.scores,
            later.velocity,
        )

    def areas(self) -> Doubles:
        """Return (frames,) square pixels of the boxes."""
        return _areas(np.array(self.boxes))

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
        mine, theirs = {frame: i for i, frame in enumerate(self.frames)}, {f: i for i, f in enumerate(other.frames)}
        shared = [(mine[frame], theirs[frame]) for frame in mine.keys() & theirs.keys()]
        if 2 * len(shared) <= len(self.frames):
            return False
        hits = 0
        for i, j in shared:
            box = other.boxes[j][None]
            alike = pose_similarity(
                other.keypoints[j][None], other.scores[j][None], self.keypoints[i][None], self.scores[i][None], 0.1, box
            )
            hits += bool(alike[0, 0] > 0.6 and box_overlap(box, self.boxes[i][None])[0, 0] > 0.5)
        return 2 * hits > len(self.frames)


def coast(velocity: Doubles, seconds: float) -> Doubles:
    """Return (2,) pixels moved, with the velocity dying away."""
    moved: Doubles = velocity * _COAST * (1 - np.exp(-seconds / _COAST))
    return moved


def box_overlap(boxes: Doubles, others: Doubles) -> Doubles:
    """Return (P, Q): intersection over union of (P, 4) and (Q, 4) boxes."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=-1)
    union = _areas(boxes)[:, None] + _areas(others)[None] - shared
    overlap: Doubles = shared / np.maximum(union, 1e-9)
    return overlap


def pose_similarity(
    keypoints: Doubles, scores: Doubles, others: Doubles, other_scores: Doubles, spread: float, boxes: Doubles
) -> Doubles:
    """Return (P, Q) in 0..1: the mean over joints seen in both of exp(-d^2 / 2 s^2), s = spread * body size.

    The size is the root of the first ones' box area. Where fewer than three joints are seen in both, 0.
    """
    reach = spread * np.sqrt(np.maximum(_areas(boxes), 1.0))[:, None, None]
    squares = ((keypoints[:, None] - others[None]) ** 2).sum(axis=-1)
    both = (scores[:, None] > _UNSEEN) & (other_scores[None] > _UNSEEN)
    near = np.exp(-squares / (2 * reach**2)) * both
    number = both.sum(axis=-1)
    similarity: Doubles = np.where(number >= 3, near.sum(axis=-1) / np.maximum(number, 1), 0)
    return similarity


def link_costs(pieces: list[Tracklet], times: Doubles, picture_size: tuple[int, int]) -> Doubles:
    """Return (N, N) costs of one piece (row) going on as a later one (column); 1 and more: not the same person.

    The cost grows with the distance between where the one was going and the other came from, with the change
    of size and of pose, and with the gap; the longer the gap, the wider the place that is credible.
    """
    count = len(pieces)
    costs = np.full((count, count), np.inf)
    limits = np.array(picture_size, dtype=np.float64)
    for i, early in enumerate(pieces):
        for j, late in enumerate(pieces):
            gap = times[late.frames[0]] - times[early.frames[-1]]
            if late.frames[0] <= early.frames[-1] or gap > _LONGEST_GAP:
                continue
            costs[i, j] = _link_cost(early, late, times, gap, limits)
    return costs


def _link_cost(early: Tracklet, late: Tracklet, times: Doubles, gap: float, limits: Doubles) -> float:
    left, found = early.boxes[-1], late.boxes[0]
    size = np.sqrt(max(float(np.sqrt(_areas(left[None])[0] * _areas(found[None])[0])), 1.0))
    onward = _centre(left) + coast(early.velocity, gap)
    backward = _centre(found) - coast(_first_velocity(late, times), gap)
    # Who walks out of the picture waits at its border.
    onward, backward = np.clip(onward, 0, limits), np.clip(backward, 0, limits)
    misses = (np.linalg.norm(onward - _centre(found)), np.linalg.norm(backward - _centre(left)))
    distance = float(np.mean(misses)) / size
    place = distance / (0.5 + min(gap, 2.0))
    growth = abs(np.log(np.sqrt(_areas(found[None])[0] / max(_areas(left[None])[0], 1.0)) + 1e-9)) / 0.7
    pose = pose_similarity(
        (early.keypoints[-1] - _centre(left))[None], early.scores[-1][None],
        (late.keypoints[0] - _centre(found))[None], late.scores[0][None], 0.2, left[None],
    )[0, 0]  # fmt: skip
    unlike = 0.2 * (1 - pose) * np.exp(-gap)
    return float(0.7 * place + 0.5 * growth**2 + unlike + 0.2 * gap / _LONGEST_GAP)


def _first_velocity(piece: Tracklet, times: Doubles) -> Doubles:
    """Return (2,) pixels per second at a piece's beginning, over its first quarter second."""
    stop = np.searchsorted(times[piece.frames], times[piece.frames[0]] + _MEMORY)
    last = int(min(max(stop, 1), len(piece.frames) - 1))
    seconds = times[piece.frames[last]] - times[piece.frames[0]]
    if seconds <= 0:
        return np.zeros(2)
    velocity: Doubles = (_centre(piece.boxes[last]) - _centre(piece.boxes[0])) / seconds
    return velocity


def _shift(
    box: Doubles, keypoints: Doubles, scores: Doubles, other: Doubles, other_keypoints: Doubles, other_scores: Doubles
) -> Doubles:
    """Return (2,) pixels: the median motion of the joints seen in both; of the box where they are few."""
    both = (scores > _UNSEEN) & (other_scores > _UNSEEN)
    if both.sum() < 3:
        return _centre(other) - _centre(box)
    shift: Doubles = np.median((other_keypoints - keypoints)[both], axis=0)
    return shift


def _centre(box: Doubles) -> Doubles:
    centre: Doubles = (box[:2] + box[2:]) / 2
    return centre


def _areas(boxes: Doubles) -> Doubles:
    areas: Doubles = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=-1)
    return areas
