"""Who is who over time: the detector's people of each frame become tracks, looking at the whole film.

Two passes of the same optimal assignment (scipy's). The first goes from frame to frame and only joins what is
certain; the second joins the ends of the pieces with the beginnings of later ones over longer gaps. Then ghosts go,
short gaps are bridged, and the people are put in the order of how long and how large they are seen. Poses are kept
densely, every person in every frame, so that a long film of passers-by keeps only the most important of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pipeline.errors import PipelineError
from pipeline.links import followers
from pipeline.packed import PeopleLike
from pipeline.poses import Pose2D
from pipeline.progress import Tick, ticking
from pipeline.tracklets import Tracklet, box_overlap, pose_similarity

Doubles = NDArray[np.float64]

_SHORT_GAP = 0.5  # seconds that are bridged, and that a piece may be out of sight in the first pass
_LEAST_ALIKE = 0.15  # of box overlap and pose similarity, each half, for the same person in the next frame
_LEAST_SEEN = 0.2  # seconds; who is seen for less is a ghost
_LEAST_SCORE = 0.15  # mean score of the joints; less is a ghost
_SAME_PLACE = 0.7  # pose similarity of two detections that are one person
MOST_PEOPLE = 200
MOST_PLACES = 3_000_000  # people times frames: of 17 joints, 660 MB


def associate(
    people: Sequence[PeopleLike],
    timestamps: Doubles,
    picture_size: tuple[int, int],
    joints: tuple[str, ...],
    tick: Tick = lambda frames=1: None,  # noqa: ARG005 - nobody counts
) -> tuple[Pose2D, int]:
    """Join the people of all frames into tracks; nobody at all gives P = 0.

    At most `MOST_PEOPLE` are kept, and in long films as many as make `MOST_PLACES` with the frames (100 in twenty
    minutes at 25 frames a second, and always one): the longest and largest seen.

    Args:
        people: one entry per frame, boxes and key points in pixels; of a long film, `pipeline.packed.Detections`.
        timestamps: (T,) seconds, not running backwards.
        picture_size: width and height in pixels.
        joints: J names.
        tick: called as frames are done.

    Returns:
        P tracks, the longest and largest seen first. Gaps of up to half a second are interpolated, valid with
        scores 0; over longer ones the person is not valid, and the arrays hold the nearest place with scores 0.
        And how many people were found beyond those.

    Raises:
        PipelineError: the detector gave arrays that do not fit each other, `joints` or the number of frames.
    """
    times = np.asarray(timestamps, dtype=np.float64)
    if len(people) != len(times):
        raise PipelineError(
            f"detector: gave people for {len(people)} of {len(times)} frames; it must give one entry per frame"
        )
    # One frame after the other, so that only what is kept takes memory.
    frames = (_checked(entry, frame, len(joints)) for frame, entry in enumerate(ticking(people, tick)))
    pieces = _follow((_without_twins(*frame) for frame in frames), times)
    tracks = _join(pieces, times, picture_size)
    tracks = _without_ghosts(tracks, times)
    tracks.sort(key=lambda track: -len(track.frames) * np.sqrt(np.median(track.areas())))
    most = max(1, min(MOST_PEOPLE, MOST_PLACES // max(len(times), 1)))
    return _dense(tracks[:most], times, joints), max(0, len(tracks) - most)


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
    """Drop detections that repeat a more certain one."""
    chosen = distinct(boxes, keypoints, scores)
    return boxes[chosen], keypoints[chosen], scores[chosen]


def distinct(boxes: Doubles, keypoints: Doubles, scores: Doubles) -> list[int]:
    """Return the rows of one frame's detections that repeat no more certain one: nearly the same box and pose."""
    order = np.argsort(-scores.mean(axis=1), kind="stable")
    overlap = box_overlap(boxes, boxes)
    alike = pose_similarity(keypoints, scores, keypoints, scores, spread=0.07, boxes=boxes)
    kept: list[int] = []
    for index in order:
        if all(overlap[index, other] < 0.6 or alike[other, index] < _SAME_PLACE for other in kept):
            kept.append(int(index))
    return sorted(kept)


def _follow(frames: Iterable[tuple[Doubles, Doubles, Doubles]], times: Doubles) -> list[Tracklet]:
    """First pass: from frame to frame, each piece to where its motion leads, the best for all together."""
    finished: list[Tracklet] = []
    active: list[Tracklet] = []
    patience = _SHORT_GAP + _step(times)
    for frame, (boxes, keypoints, scores) in enumerate(frames):
        lost = [piece for piece in active if times[frame] - times[piece.frames[-1]] > patience]
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
    follower = followers(pieces, times, picture_size)
    begun = set(follower.values())
    tracks = []
    for first in range(len(pieces)):
        if first in begun:
            continue
        later, piece = [], first
        while piece in follower:
            piece = follower[piece]
            later.append(pieces[piece])
        tracks.append(pieces[first].joined(later))
    return tracks


def _without_ghosts(tracks: list[Tracklet], times: Doubles) -> list[Tracklet]:
    """Drop who is seen only for a moment or without certainty, and who shadows a longer track."""
    step = _step(times)
    least = min(max(2, round(_LEAST_SEEN / step)) if step > 0 else 1, len(times))
    kept: list[Tracklet] = []
    for track in sorted(tracks, key=lambda track: -len(track.frames)):
        scores = track.scores[:]
        certain = scores[scores > 0].mean() if (scores > 0).any() else 0
        if len(track.frames) < least or certain < _LEAST_SCORE:
            continue
        if not any(track.shadows(other) for other in kept):
            kept.append(track)
    return kept


def _dense(tracks: list[Tracklet], times: Doubles, joints: tuple[str, ...]) -> Pose2D:
    """Return the tracks as arrays over the whole film, in their order."""
    shape = (len(tracks), len(times))
    keypoints = np.zeros((*shape, len(joints), 2), np.float32)
    scores = np.zeros((*shape, len(joints)), np.float32)
    boxes = np.zeros((*shape, 4), np.float32)
    valid = np.zeros(shape, np.bool_)
    bridge = _SHORT_GAP + _step(times)
    for row, track in enumerate(tracks):
        frames = np.array(track.frames)
        scores[row, frames] = track.scores.packed()
        for array, known in ((keypoints[row], track.keypoints.packed()), (boxes[row], track.boxes.packed())):
            array[: frames[0]], array[frames], array[frames[-1] + 1 :] = known[0], known, known[-1]
        valid[row, frames] = True
        valid[row] |= _bridge(frames, times, bridge, keypoints[row].reshape(len(times), -1), boxes[row])
    return Pose2D(keypoints, scores, boxes, valid, times, joints)


def _bridge(
    frames: NDArray[np.int64], times: Doubles, longest: float, *arrays: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Fill the gaps between known frames: short ones by interpolation, long ones with the nearest in time.

    Args:
        frames: indices of the known rows, ascending.
        times: (T,) seconds.
        longest: seconds from a known frame to the next, for a gap to be short.
        arrays: (T, ...) each, changed in the gaps.

    Returns:
        (T,) true in the short gaps.
    """
    gaps = np.setdiff1d(np.arange(frames[0], frames[-1]), frames, assume_unique=True)
    after = np.searchsorted(frames, gaps)
    begin, end = frames[after - 1], frames[after]
    seconds = times[end] - times[begin]
    share = np.clip((times[gaps] - times[begin]) / np.maximum(seconds, 1e-9), 0, 1)
    short = seconds <= longest
    share = np.where(short, share, share >= 0.5)[:, None]
    for array in arrays:
        array[gaps] = (1 - share) * array[begin] + share * array[end]
    bridged = np.zeros(len(times), np.bool_)
    bridged[gaps] = short
    return bridged
