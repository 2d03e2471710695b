"""Scores to read: tables for the screen and Markdown, CSV and JSON for machines, a plot for the eye.

`scores.json` has the keys

- `format`: "motion-lift/scores/1"; `about`: what was evaluated, how, with `notes` in sentences;
- `measures`: by name, `unit`, `better` (lower, higher or "") and the `joints` averaged over;
- `action_mean`, `frame_mean`: by measure, both averages;
- `mpjpe_over`: MPJPE (frame mean) over 17 joints, over 16 (no pelvis) and over the score joints, by their number;
- `by`: by breakdown (action, group, subject, camera, sequence, joint), by label: `frames` and every measure.

What could not be measured is null. `scores.csv` has a line for each value: breakdown, label, measure, unit, value,
frames; the averages stand under the breakdowns `action_mean` and `frame_mean`.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from lifter import joints
from lifter.scores import ALL_JOINTS, BREAKDOWNS, Scores
from lifter.whole import whole

FORMAT = "motion-lift/scores/1"
NOTHING = "-"
Rows = list[list[str]]  # the first row is the header


def as_text(scores: Scores, breakdowns: Sequence[str] = ("action",), width: int = 120) -> str:
    """Lay scores out for a screen of so many characters: the table of each breakdown, then what must be known."""
    parts = [_title(scores)]
    parts += [plain_table(table(scores, breakdown), width) for breakdown in breakdowns or ["average"]]
    return "\n\n".join([*parts, "\n".join(remarks(scores, breakdowns))])


def as_markdown(scores: Scores, breakdowns: Sequence[str] = ("action",)) -> str:
    """The same as `as_text`, in Markdown."""
    parts = ["# " + _title(scores)]
    for breakdown in breakdowns or ["average"]:
        header, *rows = table(scores, breakdown)
        ruler = ["---"] + ["---:"] * (len(header) - 1)
        parts.append("\n".join("| " + " | ".join(row) + " |" for row in [header, ruler, *rows]))
    return "\n\n".join([*parts, "\n".join(f"- {line}" for line in remarks(scores, breakdowns))]) + "\n"


def table(scores: Scores, breakdown: str) -> Rows:
    """One breakdown as rows of words.

    By action as the paper prints it (tables 6-8): measures down, actions across, both averages at the end. Any
    other: its labels down, measures across, all frames at the end; "average" has the averages alone.
    """
    names = list(scores.measures)
    titles = [f"{name} {scores.measures[name].unit}" for name in names]
    if breakdown in ("action", "average"):
        labels = scores.names("action") if breakdown == "action" else []
        values = {name: scores.by("action", name) if labels else {} for name in names}
        rows = [
            [title, *map(_number, (*values[name].values(), scores.action_mean(name), scores.frame_mean(name)))]
            for name, title in zip(names, titles, strict=True)
        ]
        return [["", *labels, "action mean", "frame mean"], *rows]
    columns = [[*scores.by(breakdown, name).values(), scores.frame_mean(name)] for name in names]
    frames = scores.frames(breakdown)
    counts = [*frames.values(), scores.scored_frames]
    labels = [*frames, "all frames"]
    body = [
        [label, str(count), *(_number(column[i]) for column in columns)]
        for i, (label, count) in enumerate(zip(labels, counts, strict=True))
    ]
    return [[breakdown, "frames", *titles], *body]


def plain_table(rows: Rows, width: int) -> str:
    """Align rows in columns; columns that do not fit the width go on below, under the same first column."""
    sizes = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    blocks: list[list[int]] = [[]]
    room = width - sizes[0]
    for column in range(1, len(sizes)):
        if room < sizes[column] + 2 and blocks[-1]:
            blocks.append([])
            room = width - sizes[0]
        blocks[-1].append(column)
        room -= sizes[column] + 2
    lines = [
        "\n".join(f"{row[0]:<{sizes[0]}}" + "".join(f"  {row[i]:>{sizes[i]}}" for i in block) for row in rows)
        for block in blocks
    ]
    return "\n\n".join(lines)


def remarks(scores: Scores, breakdowns: Sequence[str] = ("action",)) -> list[str]:
    """What the tables of these breakdowns hide, in lines: why values are missing, MPJPE over other joints, the
    protocol, the notes of the evaluation."""
    over = [f"{value:.2f} mm over {count} joints" for count, value in mpjpe_over(scores).items()]
    lines = [f"MPJPE, frame mean: {', '.join(over)} (16: without the pelvis, which is always right)."]
    if why := _missing(scores, breakdowns):
        lines.insert(0, f'"{NOTHING}": {why}.')
    if scores.about.get("protocol"):
        lines.append(f"Protocol: {scores.about['protocol']}")
    return lines + list(scores.about.get("notes", []))


def _missing(scores: Scores, breakdowns: Sequence[str]) -> str:
    """Why the tables of these breakdowns have places without a value; "" where every place has one."""
    rows = [breakdown for breakdown in breakdowns if breakdown != "joint"]
    needs: dict[int, list[str]] = {}
    for name, measure in scores.measures.items():
        values = [scores.frame_mean(name), *(value for row in rows for value in scores.by(row, name).values())]
        if not all(map(math.isfinite, values)):
            needs.setdefault(measure.frames, []).append(name)
    reasons = ["no valid frame"] if needs.pop(1, None) else []
    if needs:
        asked = "; ".join(f"{', '.join(names)} {frames}" for frames, names in sorted(needs.items()))
        reasons.append(f"too few valid frames in a row (needed: {asked})")
    if "joint" in breakdowns:
        partial = [name for name, measure in scores.measures.items() if measure.joints != ALL_JOINTS]
        reasons.append(f"a joint that {', '.join(partial)} leave out")
    return "; ".join(reasons)


def mpjpe_over(scores: Scores) -> dict[int, float]:
    """MPJPE, frames alike, by the number of joints: all, all but the pelvis, those of PCK and AUC."""
    every = range(len(joints.NAMES))
    sets = (scores.measures["PCK@150"].joints, [joint for joint in every if joint != joints.ROOT], list(every))
    found = {len(chosen): scores.frame_mean("MPJPE", chosen) for chosen in sets}
    return dict(sorted(found.items(), reverse=True))


def as_dict(scores: Scores) -> dict[str, Any]:
    """Everything, in plain values; the keys are told in this file's first lines."""
    names = list(scores.measures)
    by = {}
    for breakdown in BREAKDOWNS:
        columns = {name: scores.by(breakdown, name) for name in names}
        by[breakdown] = {
            label: {"frames": count, **{name: _plain(columns[name][label]) for name in names}}
            for label, count in scores.frames(breakdown).items()
        }
    return {
        "format": FORMAT,
        "about": dict(scores.about),
        "measures": {
            name: {"unit": one.unit, "better": one.better, "joints": [joints.NAMES[joint] for joint in one.joints]}
            for name, one in scores.measures.items()
        },
        "action_mean": {name: _plain(scores.action_mean(name)) for name in names},
        "frame_mean": {name: _plain(scores.frame_mean(name)) for name in names},
        "mpjpe_over": {str(count): _plain(value) for count, value in mpjpe_over(scores).items()},
        "by": by,
    }


def as_csv(scores: Scores) -> str:
    """A line for each value: breakdown, label, measure, unit, value, frames."""
    whole = as_dict(scores)
    frames = scores.scored_frames
    averages = {name: {"all": {"frames": frames, **whole[name]}} for name in ("action_mean", "frame_mean")}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["breakdown", "label", "measure", "unit", "value", "frames"])
    for breakdown, rows in {**averages, **whole["by"]}.items():
        for label, row in rows.items():
            for name, measure in scores.measures.items():
                value = "" if row[name] is None else repr(row[name])
                writer.writerow([breakdown, label, name, measure.unit, value, row["frames"]])
    return text.getvalue()


def write_report(folder: Path, scores: Scores, breakdowns: Sequence[str] = ("action",)) -> list[Path]:
    """Write scores.json, scores.csv, scores.md and scores.png; each appears whole or not at all.

    Raises:
        LifterError: the folder cannot be written to.
    """
    from lifter.score_plot import draw

    made: Iterable[tuple[str, Callable[[], bytes]]] = (
        ("json", lambda: (json.dumps(as_dict(scores), indent=1, allow_nan=False) + "\n").encode()),
        ("csv", lambda: as_csv(scores).encode()),
        ("md", lambda: as_markdown(scores, breakdowns).encode()),
        ("png", lambda: draw(scores)),
    )
    return [_write(folder / f"scores.{ending}", content()) for ending, content in made]


def _title(scores: Scores) -> str:
    about = scores.about
    return (
        f"{about.get('lifter', 'lifter')} on {about.get('dataset') or 'a data set'}, split {about.get('split', '?')}, "
        f"2D {about.get('keypoints', '?')}: {len(scores.names('sequence'))} sequences, "
        f"{scores.scored_frames} frames scored"
    )


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else NOTHING


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _write(path: Path, content: bytes) -> Path:
    with whole(path) as temporary:
        temporary.write_bytes(content)
    return path
