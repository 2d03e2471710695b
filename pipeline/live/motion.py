"""From 2D to poses in a room while a film runs: what `pipeline.stages.lift` does, on the frames up to now."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lifter.newest import NewestLifter
from pipeline.adapter import adapt
from pipeline.bones import hold_bones
from pipeline.clean import clean
from pipeline.height import read_heights, scale_to_heights
from pipeline.lens import straighten
from pipeline.orient import orient
from pipeline.room import place
from pipeline.settings import RunSettings

Floats = NDArray[np.float32]

_MEMORY = 128  # frames over which bones, the way up and places are held
_USUAL_STEP_S = 0.04


@dataclass
class Moment:
    """A frame's people, by number; filled as they become known.

    Attributes:
        seconds: on the source's clock.
        keypoints, scores: (17, 2) pixels and (17,), adapted to Human3.6M's joints.
        lifted: (17, 3) metres, pelvis 0, the lifter's axes.
    """

    seconds: float
    keypoints: dict[int, Floats]
    scores: dict[int, Floats]
    lifted: dict[int, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class Posed:
    """The people of one frame in space; rows in the order of `people`.

    Attributes:
        people: (P,) numbers.
        keypoints, scores, repairs: (P, 17, 2) pixels, (P, 17) and (P, 17), as cleaned (`pipeline.clean`).
        positions: (P, 17, 3) metres, pelvis 0, camera axes.
        world: (P, 17, 3) metres in the room.
        up: (3,) against gravity, camera axes.
    """

    people: NDArray[np.int64]
    keypoints: Floats
    scores: Floats
    repairs: NDArray[np.uint8]
    positions: Floats
    world: Floats
    up: Floats


class Motion:
    """Everyone's motion so far, as much of it as a pose now is made from.

    Args:
        settings: camera, heights, bones.
        lifter: lifts.
        joints: the detector's.
        size: (W, H) of the picture, pixels.
    """

    def __init__(
        self, settings: RunSettings, lifter: NewestLifter, joints: tuple[str, ...], size: tuple[int, int]
    ) -> None:
        self._settings, self._lifter, self._joints, self._size = settings, lifter, joints, size
        self._heights = read_heights(settings.height)
        self._past: deque[Moment] = deque()

    def see(self, seconds: float, people: Mapping[int, tuple[Floats, Floats]]) -> Moment:
        """Add a frame: everyone's key points (J, 2), pixels, and scores (J,), by number."""
        adapted = {number: adapt(points, scores, self._joints) for number, (points, scores) in people.items()}
        moment = Moment(seconds, {n: k for n, (k, _) in adapted.items()}, {n: s for n, (_, s) in adapted.items()})
        self._past.append(moment)
        while len(self._past) > _MEMORY and self._past[0].seconds < seconds - 2 * self._lifter.span_s:
            self._past.popleft()
        return moment

    def pose(self, moment: Moment) -> Posed:
        """Lift everyone of a moment that was seen before, with all that has been seen until now."""
        numbers = np.array(sorted(moment.keypoints), np.int64)
        if not len(numbers):
            return _nobody()
        cleaned = [self._lift(moment, int(number)) for number in numbers]
        keypoints, scores = np.stack([one[0] for one in cleaned]), np.stack([one[1] for one in cleaned])
        repairs = np.stack([one[2] for one in cleaned])
        before = [past for past in self._past if past.seconds <= moment.seconds][-_MEMORY:]
        valid = np.array([[number in past.lifted for past in before] for number in numbers])
        lifted, points, sure = (_dense(before, numbers, name) for name in ("lifted", "keypoints", "scores"))
        if self._settings.hold_bones:
            lifted = hold_bones(lifted, valid)
        lifted, _ = scale_to_heights(lifted, valid, numbers, self._heights)
        times = np.array([past.seconds for past in before]) - before[0].seconds
        straight = straighten(points, self._settings.camera, self._size)
        turned, up = orient(
            lifted, straight, sure, valid, times, self._size, self._settings.camera, placed=self._lifter.placed
        )
        fps = 1 / max(float(np.median(np.diff(times))) if len(times) > 1 else _USUAL_STEP_S, 1e-3)
        world = place(turned, points, sure, valid, up, self._size, fps, self._settings.camera)
        return Posed(numbers, keypoints, scores, repairs, turned[:, -1], world[:, -1], up)

    def _lift(self, moment: Moment, number: int) -> tuple[Floats, Floats, NDArray[np.uint8]]:
        """Lift one person of a moment; return their cleaned key points, scores and repairs then."""
        oldest = self._past[-1].seconds - self._lifter.span_s
        track = [
            past for past in self._past if number in past.keypoints and past.seconds >= min(oldest, moment.seconds)
        ]
        times = np.array([past.seconds for past in track])
        points = np.stack([past.keypoints[number] for past in track])
        scores = np.stack([past.scores[number] for past in track])
        cleaned = clean(points[None], scores[None], np.ones((1, len(track)), np.bool_), times, [number])
        at = next(index for index, past in enumerate(track) if past is moment)
        straight = straighten(cleaned.keypoints[0], self._settings.camera, self._size)
        moment.lifted[number] = self._lifter.lift(straight, times, moment.seconds, self._size)
        return cleaned.keypoints[0, at], cleaned.scores[0, at], cleaned.repairs[0, at]


def _dense(moments: list[Moment], numbers: NDArray[np.int64], name: str) -> Floats:
    """Return one kind of array of some people over some moments, (P, T, 17, ...), 0 where there is none."""
    first = next(iter(getattr(moments[-1], name).values()))
    dense = np.zeros((len(numbers), len(moments), *first.shape), np.float32)
    for column, moment in enumerate(moments):
        there = getattr(moment, name)
        for row, number in enumerate(numbers):
            if number in there:
                dense[row, column] = there[number]
    return dense


def _nobody() -> Posed:
    return Posed(
        np.zeros(0, np.int64),
        np.zeros((0, 17, 2), np.float32),
        np.zeros((0, 17), np.float32),
        np.zeros((0, 17), np.uint8),
        np.zeros((0, 17, 3), np.float32),
        np.zeros((0, 17, 3), np.float32),
        np.array([0, -1, 0], np.float32),
    )
