"""CSV in long form: a line for every joint of everyone in every frame in which they are seen."""

from __future__ import annotations

import csv
import io

from lifter import joints
from pipeline.export.axes import Axes
from pipeline.export.motion import Motion


def header(axes: Axes) -> list[str]:
    """Return the names of the columns; those of the places tell where the axis points, and the unit."""
    places = [f"{axis}_{way}_{axes.units}" for axis, way in zip("xyz", axes.names, strict=True)]
    return ["person", "frame", "time_s", "joint", *places, "score", "repair"]


def to_csv(motion: Motion, axes: Axes, _title: str) -> bytes:
    """Return the table of everyone; frames are counted from 0."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header(axes))
    places = axes.points(motion.positions)
    for row, number in enumerate(motion.people.tolist()):
        for frame in motion.valid[row].nonzero()[0].tolist():
            time = f"{motion.seconds[frame]:.6f}"
            numbers = zip(
                joints.NAMES, places[row, frame].tolist(), motion.scores[row, frame].tolist(),
                motion.repairs[row, frame].tolist(), strict=True,
            )  # fmt: skip
            table.writerows(
                (number, frame, time, joint, *(f"{part:.6f}" for part in place), f"{score:.4f}", repair)
                for joint, place, score, repair in numbers
            )
    return text.getvalue().encode("utf-8")
