"""Where a pose should not be trusted: what cleaning had to fill in or swap back, and what was seen unsurely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from pipeline.clean import FILLED, SWAPPED
from pipeline.poses import Pose3D

# The torso hangs between the limbs and is not told of by itself.
PARTS: dict[str, tuple[str, ...]] = {
    "left arm": ("left_elbow", "left_wrist"),
    "right arm": ("right_elbow", "right_wrist"),
    "left leg": ("left_knee", "left_ankle"),
    "right leg": ("right_knee", "right_ankle"),
    "head": ("neck", "head"),
    "whole body": joints.NAMES,
}
WHYS = ("hidden", "unsure", "left and right swapped back")
_UNSURE = 0.4  # mean score below which the film draws a limb faint, too (`render.settings.score_faint`)
_JOIN_S, _SHORTEST_S = 0.2, 0.1  # seconds between spans that count as one; seconds of a span that is told


@dataclass(frozen=True)
class Span:
    """Frames of one person in which a part of the body should not be trusted.

    Attributes:
        person: row in the pose.
        part: key of `PARTS`.
        why: one of `WHYS`: hidden (its key points were filled in), unsure (seen with low scores), swapped back.
        first, last: frames, both included.
    """

    person: int
    part: str
    why: str
    first: int
    last: int


def low_trust(pose: Pose3D) -> list[Span]:
    """Return the spans of everyone, by time. Frames in which a person is out of track belong to none."""
    spans: list[Span] = []
    for person, seen in enumerate(pose.valid):
        for part, why, flags in _flags(pose.scores[person], pose.repairs[person]):
            spans += [Span(person, part, why, a, b) for a, b in runs(flags & seen, pose.timestamps)]
    return sorted(spans, key=lambda span: (span.first, span.person))


def _flags(scores: NDArray[np.floating], repairs: NDArray[np.uint8]) -> list[tuple[str, str, NDArray[np.bool_]]]:
    """Return part, why and (T,) flags of one person's scores and repairs (T, 17)."""
    found = []
    swapped = np.asarray((repairs & SWAPPED > 0).any(axis=1))
    for part, names in PARTS.items():
        if part == "whole body":
            found.append((part, WHYS[2], swapped))
            continue
        columns = [joints.NAMES.index(name) for name in names]
        hidden = np.asarray((repairs[:, columns] & FILLED > 0).any(axis=1))
        unsure = (scores[:, columns].mean(axis=1) < _UNSURE) & ~hidden
        found += [(part, WHYS[0], hidden), (part, WHYS[1], unsure)]
    return found


def runs(flags: NDArray[np.bool_], timestamps: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return (first, last) frames of the runs of True (T,); near ones are joined, then short ones left out.

    A frame lasts until the next one begins, the last as long as the one before it.
    """
    if not flags.any():
        return []
    steps = np.diff(timestamps)
    ends = np.append(timestamps[1:], timestamps[-1] + (steps[-1] if len(steps) else _SHORTEST_S))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    joined: list[tuple[int, int]] = []
    for first, after in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        last = after - 1
        if joined and timestamps[first] - ends[joined[-1][1]] < _JOIN_S:
            joined[-1] = joined[-1][0], last
        else:
            joined.append((first, last))
    return [(a, b) for a, b in joined if ends[b] - timestamps[a] >= _SHORTEST_S - 1e-9]
