"""Who is who while a film runs: each frame's detections joined to the people of the frames before it, for good."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pipeline.packed import PeopleLike
from pipeline.track import distinct
from pipeline.tracklets import Tracklet

Doubles = NDArray[np.float64]

_LEAST_ALIKE = 0.15  # as in `pipeline.track`
_LEAST_SCORE = 0.15
_LEAST_SEEN_S = 0.2  # until then nobody is shown: who flashes up is a ghost
_PATIENCE_S = 1.0  # out of sight for longer, one comes back as somebody new


@dataclass(eq=False)
class _Known:
    """Somebody in sight, or just out of it.

    Attributes:
        track: their last two detections.
        since: when they were first seen, seconds.
        number: 0 until they have been seen for long enough.
    """

    track: Tracklet
    since: float
    number: int = 0


class Crowd:
    """People by number, from 1, in the order in which they were first seen; memory grows by one number a frame."""

    def __init__(self) -> None:
        self._times = np.zeros(1024)
        self._frames = 0
        self._known: list[_Known] = []
        self._count = 0

    def join(self, seconds: float, people: PeopleLike) -> dict[int, int]:
        """Return the detection (its row) of everyone who is known in this frame, by number.

        Args:
            seconds: of the frame, later than the one before.
            people: as the detector gives them, pixels.
        """
        frame = self._note(seconds)
        arrays = [np.asarray(part, np.float64) for part in (people.boxes, people.keypoints, people.scores)]
        rows = _kept(*arrays)
        boxes, keypoints, scores = (part[rows] for part in arrays)
        self._known = [one for one in self._known if seconds - self._times[one.track.frames[-1]] <= _PATIENCE_S]
        alike = np.array([one.track.likeness(self._times, frame, boxes, keypoints, scores) for one in self._known])
        alike = alike.reshape(len(self._known), len(rows))
        seen: dict[int, _Known] = {}
        pairs = zip(*(ends.tolist() for ends in linear_sum_assignment(-alike)), strict=True)
        for which, row in pairs:
            if alike[which, row] >= _LEAST_ALIKE:
                track = self._known[which].track
                track.add(self._times, frame, boxes[row], keypoints[row], scores[row])
                track.forget(keep=2)  # nobody looks further back
                seen[row] = self._known[which]
        for row in set(range(len(rows))) - set(seen):
            # Who is there from the beginning need not wait.
            since = seconds if frame else seconds - _LEAST_SEEN_S
            seen[row] = _Known(Tracklet.start(frame, boxes[row], keypoints[row], scores[row]), since)
            self._known.append(seen[row])
        return self._numbered(seen, rows, seconds)

    def _numbered(self, seen: dict[int, _Known], rows: NDArray[np.intp], seconds: float) -> dict[int, int]:
        """Return the rows by number of those seen for long enough; who is so for the first time gets the next one."""
        found = {}
        for row, one in sorted(seen.items()):
            if not one.number and seconds - one.since >= _LEAST_SEEN_S - 1e-9:
                self._count += 1
                one.number = self._count
            if one.number:
                found[one.number] = int(rows[row])
        return dict(sorted(found.items()))

    def _note(self, seconds: float) -> int:
        """Write down the time of a frame; return its index."""
        if self._frames == len(self._times):
            self._times = np.concatenate([self._times, np.zeros_like(self._times)])
        self._times[self._frames] = seconds
        self._frames += 1
        return self._frames - 1


def _kept(boxes: Doubles, keypoints: Doubles, scores: Doubles) -> NDArray[np.intp]:
    """Return the rows of detections that are neither ghosts nor the same person twice."""
    seen = np.array([row[row > 0].mean() if (row > 0).any() else 0.0 for row in scores])
    certain = np.flatnonzero(seen >= _LEAST_SCORE)
    return np.asarray(certain[distinct(boxes[certain], keypoints[certain], scores[certain])], np.intp)
