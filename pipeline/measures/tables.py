"""Angles and steps as tables: CSV with names and units in the header, a line a frame or an event."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.measures.angles import NAMES
from pipeline.measures.steps import Walk
from pipeline.poses import Pose3D
from pipeline.view.trust import low_trust

ANGLE_COLUMNS = ("person", "frame", "time_s", *(f"{name}_deg" for name in NAMES), "low_trust")
STEP_COLUMNS = ("person", "walk", "event", "side", "frame", "time_s", "step_length_m")


def angles_csv(pose: Pose3D, rows: Sequence[int], angles: NDArray[np.float64]) -> bytes:
    """Return a line for every frame in which one of the people is seen; cells of undefined angles are empty.

    Args:
        pose: the run's people.
        rows: whom to tell of.
        angles: (P, T, 15) degrees of everyone, of `pipeline.measures.angles`.
    """
    spans = low_trust(pose)
    lines = []
    for row in rows:
        parts: dict[int, list[str]] = {}
        for span in spans:
            if span.person == row:
                for frame in range(span.first, span.last + 1):
                    parts.setdefault(frame, []).append(f"{span.part} {span.why}")
        for frame in pose.valid[row].nonzero()[0].tolist():
            degrees = ("" if np.isnan(value) else f"{value:.2f}" for value in angles[row, frame].tolist())
            time = f"{pose.timestamps[frame]:.6f}"
            lines.append((int(pose.people[row]), frame, time, *degrees, "; ".join(parts.get(frame, []))))
    return _csv(ANGLE_COLUMNS, lines)


def steps_csv(walks: dict[int, list[Walk]]) -> bytes:
    """Return a line for every contact and lift-off, by person's number; a person's walks are counted from 1."""
    return _csv(
        STEP_COLUMNS,
        (
            (
                person, number, event.kind, event.side, event.frame, f"{event.seconds:.3f}",
                "" if np.isnan(event.step_m) else f"{event.step_m:.3f}",
            )
            for person, of_one in walks.items()
            for number, walk in enumerate(of_one, 1)
            for event in walk.events
        ),
    )  # fmt: skip


def _csv(columns: Sequence[str], lines: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows(lines)
    return text.getvalue().encode("utf-8")
