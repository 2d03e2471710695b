"""Which piece of a track goes on as which later one: what it costs, and the best for all together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from pipeline.tracklets import MEMORY, Doubles, Tracklet, box_areas, box_centres, coast, pose_similarity

_LONGEST_GAP = 8.0  # seconds after which nobody is recognised


def followers(pieces: list[Tracklet], times: Doubles, picture_size: tuple[int, int]) -> dict[int, int]:
    """Return piece -> the later piece that it goes on as, the cheapest for all together; staying alone costs 1.

    Args:
        pieces: N, in the order of their first frames.
        times: (T,) seconds.
        picture_size: width and height in pixels.
    """
    rows, columns, costs = link_costs(pieces, times, picture_size)
    count, alone = len(pieces), np.arange(len(pieces))
    # Each row takes one column: a later piece, or its own "ends here". The matching takes no zeros for costs, so that
    # all are one higher, which changes nothing: every row pays once.
    weights = np.concatenate([costs + 1, np.full(count, 2.0)])
    places = (np.concatenate([rows, alone]), np.concatenate([columns, alone + count]))
    taken = min_weight_full_bipartite_matching(csr_array((weights, places), shape=(count, 2 * count)))
    return {int(row): int(column) for row, column in zip(*taken, strict=True) if column < count}


def link_costs(
    pieces: list[Tracklet], times: Doubles, picture_size: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Doubles]:
    """Return the costs of one piece going on as a later one, for the pairs that may be one person.

    The cost grows with the distance between where the one was going and the other came from, with the change
    of size and of pose, and with the gap; the longer the gap, the wider the place that is credible.

    Args:
        pieces: N, in the order of their first frames.
        times: (T,) seconds.
        picture_size: width and height in pixels.

    Returns:
        early, late, cost: (L,) each, indices of the two pieces and the cost; only pairs of which the second begins
        within 8 s after the first ends, and only costs below 1: work and memory grow with these, not with N^2.
    """
    first, last = (np.array([piece.frames[end] for piece in pieces], np.int64) for end in (0, -1))
    limits = np.array(picture_size, dtype=np.float64)
    begins = _Beginnings.of(pieces, times)
    starts = np.searchsorted(first, last, side="right")
    stops = np.searchsorted(times[first], times[last] + _LONGEST_GAP, side="right")
    links: list[tuple[NDArray[np.int64], NDArray[np.int64], Doubles]] = []
    for early, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        if start < stop:
            gaps = times[first[start:stop]] - times[last[early]]
            costs = _link_costs(pieces[early], begins.slice(start, stop), gaps, limits)
            late = np.flatnonzero(costs < 1)
            links.append((np.full(len(late), early), late + start, costs[late]))
    if not links:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    rows, columns, costs = (np.concatenate(part) for part in zip(*links, strict=True))
    return rows, columns, costs


@dataclass(frozen=True)
class _Beginnings:
    """How K pieces begin: boxes (K, 4), key points (K, J, 2), scores (K, J), velocities (K, 2) pixels per second."""

    boxes: Doubles
    keypoints: Doubles
    scores: Doubles
    velocities: Doubles

    @classmethod
    def of(cls, pieces: list[Tracklet], times: Doubles) -> _Beginnings:
        return cls(
            np.array([piece.boxes[0] for piece in pieces]),
            np.array([piece.keypoints[0] for piece in pieces]),
            np.array([piece.scores[0] for piece in pieces]),
            np.array([_first_velocity(piece, times) for piece in pieces]),
        )

    def slice(self, start: int, stop: int) -> _Beginnings:
        """Return those from `start` up to `stop`."""
        part = slice(start, stop)
        return _Beginnings(self.boxes[part], self.keypoints[part], self.scores[part], self.velocities[part])


def _link_costs(early: Tracklet, late: _Beginnings, gaps: Doubles, limits: Doubles) -> Doubles:
    """Return (K,) costs of one piece going on as each of K beginnings, `gaps` (K,) seconds later."""
    left, found = early.boxes[-1], late.boxes
    area, areas = float(box_areas(left)), box_areas(found)
    sizes = np.sqrt(np.maximum(np.sqrt(area * areas), 1.0))
    onward = box_centres(left) + coast(early.velocity, gaps)
    backward = box_centres(found) - coast(late.velocities, gaps)
    # Who walks out of the picture waits at its border.
    onward, backward = np.clip(onward, 0, limits), np.clip(backward, 0, limits)
    misses = (
        np.linalg.norm(onward - box_centres(found), axis=-1),
        np.linalg.norm(backward - box_centres(left), axis=-1),
    )
    place = (misses[0] + misses[1]) / 2 / sizes / (0.5 + np.minimum(gaps, 2.0))
    growth = np.abs(np.log(np.sqrt(areas / max(area, 1.0)) + 1e-9)) / 0.7
    pose = pose_similarity(
        (early.keypoints[-1] - box_centres(left))[None], early.scores[-1][None],
        late.keypoints - box_centres(found)[:, None], late.scores, 0.2, left[None],
    )[0]  # fmt: skip
    unlike = 0.2 * (1 - pose) * np.exp(-gaps)
    costs: Doubles = 0.7 * place + 0.5 * growth**2 + unlike + 0.2 * gaps / _LONGEST_GAP
    return costs


def _first_velocity(piece: Tracklet, times: Doubles) -> Doubles:
    """Return (2,) pixels per second at a piece's beginning, over its first quarter second."""
    stop = np.searchsorted(times[piece.frames], times[piece.frames[0]] + MEMORY)
    last = int(min(max(stop, 1), len(piece.frames) - 1))
    seconds = times[piece.frames[last]] - times[piece.frames[0]]
    if seconds <= 0:
        return np.zeros(2)
    velocity: Doubles = (box_centres(piece.boxes[last]) - box_centres(piece.boxes[0])) / seconds
    return velocity
