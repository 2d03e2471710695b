"""Poses that no one should give and someone will: points, lines, nobody, far away, too large for any number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.base import People
from detectors.joints import COCO_17, H36M_17, HALPE_26, MEDIAPIPE_33

Doubles = NDArray[np.float64]
Random = np.random.Generator
VOCABULARIES = (COCO_17, H36M_17, HALPE_26, MEDIAPIPE_33)
LARGEST = float(np.finfo(np.float32).max)

# What places (T, J, 2) are, pixels.
PLACES: dict[str, Callable[[Random, tuple[int, int, int]], Doubles]] = {
    "body": lambda r, s: 300 + 80 * r.normal(size=(1, *s[1:])) + np.cumsum(r.normal(size=s), axis=0),
    "noise": lambda r, s: r.normal(0, 1000, s),
    "point": lambda r, s: np.full(s, r.uniform(0, 500)),
    "origin": lambda r, s: np.zeros(s),
    "line": lambda r, s: np.stack([np.broadcast_to(np.arange(s[1]) * 9.0, s[:2]), np.zeros(s[:2])], axis=-1),
    "tiny": lambda r, s: r.normal(0, 1e-30, s),
    "far": lambda r, s: 1e6 + r.normal(0, 50, s),
    "jumping": lambda r, s: r.choice([-1e6, 0, 1e6], s),
    "huge": lambda r, s: r.normal(0, 1e30, s),
    "largest": lambda r, s: r.choice([-LARGEST, LARGEST], s),
    "one far": lambda r, s: np.where(np.arange(s[1])[:, None] == 3, 1e12, 300 + 50 * r.normal(size=s)),
}
# What scores (T, J) are.
SCORES: dict[str, Callable[[Random, tuple[int, int]], Doubles]] = {
    "sure": lambda r, s: np.ones(s),
    "any": lambda r, s: r.uniform(0, 1, s),
    "unseen": lambda r, s: np.zeros(s),
    "one joint": lambda r, s: np.broadcast_to(np.arange(s[1]) == r.integers(s[1]), s).astype(float),
    "smallest": lambda r, s: np.full(s, 1e-38),
    "holes": lambda r, s: (r.uniform(size=s) < 0.4).astype(float),
    "one frame": lambda r, s: np.broadcast_to((np.arange(s[0]) == r.integers(s[0]))[:, None], s).astype(float),
}
BOXES = ("around", "none", "inside out", "endless")
TIMES: dict[str, Callable[[Random, int], Doubles]] = {
    "even": lambda r, n: np.arange(n) / 25,
    "thousand": lambda r, n: np.arange(n) / 1000,
    "at once": lambda r, n: np.zeros(n),
    "uneven": lambda r, n: np.concatenate([[0], np.cumsum(r.choice([0, 1e-6, 0.04, 3.0], n - 1))]),
    "days": lambda r, n: np.arange(n) * 86_400.0 * 29 / max(n, 1),
}


@st.composite
def films(draw: st.DrawFn, most_frames: int = 30) -> tuple[list[People], Doubles, tuple[str, ...], tuple[int, int]]:
    """Draw the people of every frame, when it was shown, the names of their joints, and the size of the picture."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    joints = draw(st.sampled_from(VOCABULARIES))
    count, people = draw(st.integers(1, most_frames)), draw(st.integers(0, 3))
    size = draw(st.sampled_from([(640, 480), (1, 1), (8192, 2), (33, 999)]))
    tracks = []
    for _ in range(people):
        shape = (count, len(joints), 2)
        places = PLACES[draw(st.sampled_from(list(PLACES)))](random, shape)
        scores = SCORES[draw(st.sampled_from(list(SCORES)))](random, shape[:2])
        tracks.append((places, scores, _boxes(places, draw(st.sampled_from(BOXES)))))
    gone = draw(st.sampled_from([0.0, 0.3]))
    frames = []
    for frame in range(count):
        there = [track for track in tracks if random.uniform() >= gone]
        made = [np.array([track[k][frame] for track in there], np.float32) for k in (2, 0, 1)]
        shapes = ((-1, 4), (-1, len(joints), 2), (-1, len(joints)))
        frames.append(People(*(a.reshape(s) if len(there) else np.zeros((0, *s[1:]), np.float32)
                               for a, s in zip(made, shapes, strict=True))))  # fmt: skip
    return frames, TIMES[draw(st.sampled_from(list(TIMES)))](random, count), joints, size


def _boxes(places: Doubles, kind: str) -> Doubles:
    """Return boxes (T, 4) of a kind for places (T, J, 2)."""
    if kind == "endless":
        return np.tile([-LARGEST, -LARGEST, LARGEST, LARGEST], (len(places), 1))
    if kind == "none":
        return np.tile(places[:, 0], 2)
    boxes = np.concatenate([places.min(axis=1), places.max(axis=1)], axis=-1)
    return boxes[:, ::-1] if kind == "inside out" else boxes
