"""A person walking across the picture, computed, not seen: for tests of everything behind the detector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from detectors.base import DetectorOptions, Floats, Frame, People
from detectors.joints import COCO_17

_STEPS_PER_SECOND = 0.9  # full cycles, left and right, of a calm walk
_HEIGHT = 0.6  # of the body, in picture heights
_CROSSING = 8.0  # seconds from one side of the picture to the other, and as many back


def create(options: DetectorOptions) -> ScriptedDetector:
    """Make the `scripted` detector; it reads only the frame rate."""
    return ScriptedDetector(options.fps)


class ScriptedDetector:
    """Looks at frames for their size alone; the same film size and rate give the same walk, always."""

    joints: tuple[str, ...] = COCO_17

    def __init__(self, fps: float = 25.0) -> None:
        """Remember the frame rate: the walk is in seconds."""
        self._fps = fps
        self._first = self._count = 0

    def remember(self) -> dict[str, NDArray[np.generic]]:
        """Return how many frames there were."""
        return {"count": np.array(self._count)}

    def recall(self, memory: Mapping[str, NDArray[np.generic]]) -> None:
        """Count on from there."""
        self._first = int(memory["count"])

    def __call__(self, frames: Iterable[Frame]) -> Iterator[People]:
        """Yield one person per frame, every joint seen."""
        first, self._first = self._first, 0
        for index, frame in enumerate(frames, first):
            height, width = frame.shape[:2]
            keypoints = walker(index / self._fps, width, height)
            low, high = keypoints.min(0), keypoints.max(0)
            margin = 0.1 * (high - low).max()
            box = np.concatenate([low - margin, high + margin])
            scores = np.full((1, len(COCO_17)), 0.9, np.float32)
            self._count = index + 1
            yield People(box[None].astype(np.float32), keypoints[None], scores)


def walker(seconds: float, width: int, height: int) -> Floats:
    """Return the 17 key points (17, 2), pixels, of a walker seen a little from the front, `seconds` into the walk."""
    phase = 2 * np.pi * _STEPS_PER_SECOND * seconds
    seconds += 1.0  # not to begin with a turn
    to_and_fro = 2 / np.pi * np.arcsin(np.sin(np.pi * (seconds / _CROSSING - 0.5)))  # -1..1, at an even speed
    facing = float(np.clip(6 * np.sin(np.pi * seconds / _CROSSING), -1, 1))  # turns in about a second, no jump
    body = _body(phase)
    body[:, 0] *= facing  # the mirror image: the names stay with the limbs
    size = min(_HEIGHT * height, 0.9 * width)
    center = np.array([width / 2 + to_and_fro * 0.5 * max(width - 0.9 * size, 0.0), height / 2])
    return np.asarray(center + size * body, np.float32)


def _body(phase: float) -> NDArray[np.float64]:
    """Return the joints (17, 2) at a phase of the stride: x ahead, y down, in body heights, middle at 0."""
    bob = 0.01 * np.cos(2 * phase)
    hip_y, shoulder_y = 0.0 + bob, -0.29 + bob
    points: dict[str, tuple[float, float]] = {"nose": (0.07, shoulder_y - 0.12)}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        swing = 0.42 * np.sin(phase + (0 if sign > 0 else np.pi))
        knee_bend = 0.35 * (1 + np.cos(phase + (0 if sign > 0 else np.pi))) / 2
        aside = -0.035 * sign  # the three-quarter view: both sides are seen
        hip = (aside, hip_y)
        knee = _hang(hip, 0.245, swing)
        shoulder = (1.8 * aside, shoulder_y)
        elbow = _hang(shoulder, 0.18, -0.8 * swing)
        points |= {
            f"{side}_eye": (0.055 + 0.3 * aside, shoulder_y - 0.145),
            f"{side}_ear": (0.01 + 0.6 * aside, shoulder_y - 0.135),
            f"{side}_shoulder": shoulder,
            f"{side}_elbow": elbow,
            f"{side}_wrist": _hang(elbow, 0.15, -0.8 * swing + 0.25),
            f"{side}_hip": hip,
            f"{side}_knee": knee,
            f"{side}_ankle": _hang(knee, 0.245, swing - knee_bend),
        }
    return np.array([points[name] for name in COCO_17])


def _hang(top: tuple[float, float], length: float, angle: float) -> tuple[float, float]:
    """Return the end of a limb of `length` that hangs from `top`, swung forward by `angle` radians."""
    return (top[0] + length * float(np.sin(angle)), top[1] + length * float(np.cos(angle)))
