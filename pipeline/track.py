"""Who is who over time: the detector's people of each frame become tracks, looking at the whole film.

Two passes of the same optimal assignment (scipy's). The first goes from frame to frame and only joins what is
certain; the second joins the ends of the pieces with the beginnings of later ones over longer gaps. Then ghosts go,
short gaps are bridged, and the people are put in the order of how long and how large they are seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from pipeline.errors import PipelineError
from pipeline.poses import Pose2D
from pipeline.tracklets import Tracklet, box_overlap, link_costs, pose_similarity

Doubles = NDArray[np.float64]

_SHORT_GAP = 0.5  # seconds that are bridged, and that a piece may be out of sight in the first pass
_LEAST_ALIKE = 0.15  # of box overlap and pose similarity, each half, for the same person in the next frame
_LEAST_SEEN = 0.2  # seconds; who is seen for less is a ghost
_LEAST_SCORE = 0.15  # mean score of the joints; less is a ghost
_SAME_PLACE = 0.7  # pose similarity of two detections that are one person


class PeopleLike(Protocol):
    """The people of one frame, as any detector gives them: arrays (P, 4), (P, J, 2) and (P, J)."""

    @property
    def boxes(self) -> ArrayLike: ...
    @property
    def keypoints(self) -> ArrayLike: ...
    @property
    def scores(self) -> ArrayLike: ...


def associate(
    people: Sequence[PeopleLike], timestamps: Doubles, picture_size: tuple[int, int], joints: tuple[str, ...]
) -> Pose2D:
    """Join the people of all frames into tracks; nobody at all gives P = 0.

    Args:
        people: one entry per frame, boxes and key points in pixels.
        timestamps: (T,) seconds, not running backwards.
        picture_size: width and height in pixels.
        joints: J names.

    Returns:
        P tracks, the longest and largest seen first. Gaps of up to half a second are interpolated, valid with
        scores 0; over longer ones the person is not valid, and the arrays hold the nearest place with scores 0.

    Raises:
        PipelineError: the detector gave arrays that do not fit each other, `joints` or the number of frames.
    """
    times = np.asarray(timestamps, dtype=np.float64)
    if len(people) != len(times):
        raise PipelineError(
            f"detector: gave people for {len(people)} of {len(times)} frames; it must give one entry per frame"
        )
    frames = [_checked(entry, frame, len(joints)) for frame, entry in enumerate(people)]
    pieces = _follow([_without_twins(*frame) for frame in frames], times)
    tracks = _join(pieces, times, picture_size)
    tracks = _without_ghosts(tracks, times)
    tracks.sort(key=lambda track: -len(track.frames) * np.sqrt(np.median(track.areas())))
    filled = [_fill(track, times) for track in tracks]
    shapes = ((len(times), len(joints), 2), (len(times), len(joints)), (len(times), 4), (len(times),))
    keypoints, scores, boxes, valid = (
        np.stack([person[part] for person in filled]) if filled else np.zeros((0, *shape))
        for part, shape in enumerate(shapes)
    )
    return Pose2D(
        keypoints.astype(np.float32),
        scores.astype(np.float32),
        boxes.astype(np.float32),
        valid.astype(np.bool_),
        times,
        joints,
    )


def _checked(entry: PeopleLike, frame: int, joints: int) -> tuple[Doubles, Doubles, Doubles]:
    """Return boxes, key points and scores as numbers, refusing what a stranger's detector may get wrong."""
    boxes, keypoints, scores = (np.asarray(part, np.float64) for part in (entry.boxes, entry.keypoints, entry.scores))
    number = len(scores)
    for name, array, shape in (
        ("boxes", boxes, (number, 4)),
        ("keypoints", keypoints, (number, joints, 2)),
        ("scores", scores, (number, joints)),
    ):
        if array.shape != shape:
            raise PipelineError(
                f"detector, frame {frame}: {name} must be {shape}, got {array.shape}; mend the detector"
            )
        if not np.isfinite(array).all():
            raise PipelineError(f"detector, frame {frame}: {name} must be finite; mend the detector")
    return boxes, keypoints, scores


def _without_twins(boxes: Doubles, keypoints: Doubles, scores: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Drop detections that repeat a more certain one: nearly the same box and the same pose."""
    order = np.argsort(-scores.mean(axis=1), kind="stable")
    overlap = box_overlap(boxes, boxes)
    alike = pose_similarity(keypoints, scores, keypoints, scores, spread=0.07, boxes=boxes)
    kept: list[int] = []
    for index in order:
        if all(overlap[index, other] < 0.6 or alike[other, index] < _SAME_PLACE for other in kept):
            kept.append(int(index))
    chosen = sorted(kept)
    return boxes[chosen], keypoints[chosen], scores[chosen]


def _follow(frames: list[tuple[Doubles, Doubles, Doubles]], times: Doubles) -> list[Tracklet]:
    """First pass: from frame to frame, each piece to where its motion leads, the best for all together."""
    finished: list[Tracklet] = []
    active: list[Tracklet] = []
    for frame, (boxes, keypoints, scores) in enumerate(frames):
        lost = [piece for piece in active if times[frame] - times[piece.frames[-1]] > _SHORT_GAP + _step(times)]
        finished += lost
        active = [piece for piece in active if piece not in lost]
        alike = np.array([piece.likeness(times, frame, boxes, keypoints, scores) for piece in active])
        alike = alike.reshape(len(active), len(boxes))
        taken: set[int] = set()
        for row, column in zip(*linear_sum_assignment(-alike), strict=True):
            if alike[row, column] >= _LEAST_ALIKE:
                active[row].add(times, frame, boxes[column], keypoints[column], scores[column])
                taken.add(int(column))
        for new in set(range(len(boxes))) - taken:
            active.append(Tracklet.start(frame, boxes[new], keypoints[new], scores[new]))
    return finished + active


def _step(times: Doubles) -> float:
    """Return the usual seconds from frame to frame."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


def _join(pieces: list[Tracklet], times: Doubles, picture_size: tuple[int, int]) -> list[Tracklet]:
    """Second pass: the ends of pieces to the beginnings of later ones, the best for all together."""
    # What flashes up in one frame of many is noise, and would only slow the search.
    lone = 0 < _step(times) < _LEAST_SEEN / 2
    pieces = sorted((p for p in pieces if len(p.frames) > 1 or not lone), key=lambda piece: piece.frames[0])
    if len(pieces) < 2:
        return pieces
    costs = link_costs(pieces, times, picture_size)
    count = len(pieces)
    # Beside every end stands "ends here", beside every beginning "begins here"; both together cost 1.
    square = np.full((2 * count, 2 * count), 1e6)
    square[:count, :count] = np.where(costs < 1, costs, 1e6)
    square[:count, count:][np.diag_indices(count)] = 0.5
    square[count:, :count][np.diag_indices(count)] = 0.5
    square[count:, count:] = 0
    follower = {
        int(row): int(column)
        for row, column in zip(*linear_sum_assignment(square), strict=True)
        if row < count and column < count
    }
    tracks = []
    for first in range(count):
        if first in follower.values():
            continue
        track, piece = pieces[first], first
        while piece in follower:
            piece = follower[piece]
            track = track.joined(pieces[piece])
        tracks.append(track)
    return tracks


def _without_ghosts(tracks: list[Tracklet], times: Doubles) -> list[Tracklet]:
    """Drop who is seen only for a moment or without certainty, and who shadows a longer track."""
    step = _step(times)
    least = min(max(2, round(_LEAST_SEEN / step)) if step > 0 else 1, len(times))
    kept: list[Tracklet] = []
    for track in sorted(tracks, key=lambda track: -len(track.frames)):
        scores = np.array(track.scores)
        certain = scores[scores > 0].mean() if (scores > 0).any() else 0
        if len(track.frames) < least or certain < _LEAST_SCORE:
            continue
        if not any(track.shadows(other) for other in kept):
            kept.append(track)
    return kept


def _fill(track: Tracklet, times: Doubles) -> tuple[Doubles, Doubles, Doubles, NDArray[np.bool_]]:
    """Return key points (T, J, 2), scores (T, J), boxes (T, 4) and valid (T,) of one track."""
    frames = np.array(track.frames)
    known = np.concatenate([np.array(track.keypoints).reshape(len(frames), -1), np.array(track.boxes)], axis=1)
    after = np.searchsorted(frames, np.arange(len(times)))
    first, last = np.maximum(after - 1, 0), np.minimum(after, len(frames) - 1)
    begin, end = times[frames[first]], times[frames[last]]
    share = np.clip((times - begin) / np.maximum(end - begin, 1e-9), 0, 1)[:, None]
    inside = (np.arange(len(times)) >= frames[0]) & (np.arange(len(times)) <= frames[-1])
    short = inside & (end - begin <= _SHORT_GAP + _step(times))
    nearest = np.where(share < 0.5, known[first], known[last])
    values = np.where(short[:, None], (1 - share) * known[first] + share * known[last], nearest)
    values[frames] = known
    scores = np.zeros((len(times), len(track.scores[0])))
    scores[frames] = np.array(track.scores)
    valid = short.copy()
    valid[frames] = True
    return values[:, :-4].reshape(len(times), -1, 2), scores, values[:, -4:], valid
