"""The table of lifters as Markdown, and whether it clears the bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from lifters_films import MEASURES, MEDIAPIPE, REFERENCE, TRUE_2D, Record
from real_films import LIMB_NAMES

Rows = dict[str, dict[str, float]]
OURS, NO_MOTION = "ours", "ours without motion loss"
UNITS = {"MPJVE": "mm/frame", "acceleration": "mm/frame^2", "jitter": "mm/frame^3"}


def markdown(first: str, columns: Sequence[str], rows: dict[str, list[str]]) -> str:
    """Lay out a table."""
    lines = [[first, *columns], ["---"] + ["---:"] * len(columns), *([title, *cells] for title, cells in rows.items())]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def mocap_table(rows: Rows) -> str:
    """Held-out motion capture."""
    columns = list(next(iter(rows.values())))
    titles = [f"{column} {UNITS.get(column.split()[-1], 'mm')}" for column in columns]
    return markdown(
        "held-out mocap", titles, {title: [f"{row[c]:.1f}" for c in columns] for title, row in rows.items()}
    )


def film_table(records: Sequence[Record], source: str) -> str:
    """Real films by one source of 2D: the mean over cameras; for places, each camera's in brackets."""
    mine = [record for record in records if record.source == source]
    rows: dict[str, list[str]] = {}
    for title in dict.fromkeys(record.row for record in mine):
        own = [record for record in mine if record.row == title]
        cells = []
        for measure in MEASURES:
            each = [record.values[measure] for record in own]
            cell = f"{np.mean(each):.1f}"
            if measure in ("P-MPJPE", "N-MPJPE"):
                cell += f" ({', '.join(f'{value:.1f}' for value in each)})"
            cells.append("-" if title == REFERENCE and measure not in ("jitter", "bone deviation") else cell)
        rows[title] = cells
    titles = [f"{measure} {UNITS.get(measure, 'mm')}" for measure in MEASURES]
    return markdown(f"films, {source}", titles, rows)


def budget_table(records: Sequence[Record], reference: Rows) -> str:
    """Where the first lifter's error lies, by joint, the mean over cameras."""
    first = records[0].row
    sources = sorted(dict.fromkeys(record.source for record in records), key=lambda source: source != TRUE_2D)
    columns = {source: _joints(records, source, first) for source in sources}
    if any(record.row == MEDIAPIPE for record in records):
        columns[MEDIAPIPE] = _joints(records, "mediapipe", MEDIAPIPE)
    columns |= reference
    rows = {joint: [f"{column[joint]:.0f}" for column in columns.values()] for joint in LIMB_NAMES}
    rows["mean"] = [f"{np.mean(list(column.values())):.1f}" for column in columns.values()]
    return markdown(f"{first}: P-MPJPE by joint, mm", list(columns), rows)


def _joints(records: Sequence[Record], source: str, row: str) -> dict[str, float]:
    own = [record.joints for record in records if record.source == source and record.row == row]
    return {joint: float(np.mean([each[joint] for each in own])) for joint in LIMB_NAMES}


def film_mean(records: Sequence[Record], source: str, row: str, measure: str) -> float:
    """The mean over cameras; NaN where there is no such row."""
    own = [record.values[measure] for record in records if record.source == source and record.row == row]
    return float(np.mean(own)) if own else float("nan")


def bars(records: Sequence[Record], mocap: Rows) -> list[str]:
    """The bars that were set, each with what was reached; those whose rows are not there are left out."""
    theirs = film_mean(records, "mediapipe", MEDIAPIPE, "P-MPJPE")
    still = mocap.get(NO_MOTION, {}).get("true 2D MPJVE", float("nan"))
    wanted: list[tuple[str, float, float]] = [
        ("films, onnx: P-MPJPE", film_mean(records, "onnx", OURS, "P-MPJPE"), 60.0),
        ("films, onnx: N-MPJPE", film_mean(records, "onnx", OURS, "N-MPJPE"), 90.0),
        ("films, mediapipe: P-MPJPE", film_mean(records, "mediapipe", OURS, "P-MPJPE"), 80.0),
        ("films, mediapipe: P-MPJPE, three quarters of MediaPipe's own 3D",
         film_mean(records, "mediapipe", OURS, "P-MPJPE"), 0.75 * theirs),
        ("mocap, true 2D: MPJVE, 70 % of that without motion loss",
         mocap.get(OURS, {}).get("true 2D MPJVE", float("nan")), 0.7 * still),
    ]  # fmt: skip
    return [
        f"{what}: {value:.1f}, at most {bar:.1f} wanted: {'met' if value <= bar else 'MISSED'}"
        for what, value, bar in wanted
        if np.isfinite(value) and np.isfinite(bar)
    ]


def as_plain(records: Sequence[Record], mocap: Rows, reference: Rows) -> dict[str, Any]:
    """Everything, for JSON."""
    return {"mocap": mocap, "films": [vars(record) for record in records], "reference": reference}
