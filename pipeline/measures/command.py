"""`python -m pipeline measure RUN`: joint angles, steps and cadence of a run as tables and plots."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.measures.steps import Walk
    from pipeline.poses import Pose3D

WHAT = "joint angles, steps and cadence of a run: CSV, JSON and plots; estimates from one camera"
FORMAT = 1  # of measures.json


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    verb.add_argument("run", type=Path, metavar="RUN", help="the folder of a run, as runs/film")
    verb.add_argument("--person", type=int, metavar="N", help="one alone, by the film's number (default: all)")
    verb.add_argument("--output", type=Path, metavar="DIR", help="where the files go (default: RUN/measures)")
    verb.add_argument("--no-plots", dest="plots", action="store_false", help="tables only")


def measure(run: Path, person: int | None, output: Path | None, plots: bool) -> int:
    """Write angles.csv, steps.csv, measures.json and a plot a person; print what was found.

    Raises:
        PipelineError: no run, nobody of that number in it, or a folder that cannot be written to.
    """
    from pipeline import store
    from pipeline.measures.angles import joint_angles
    from pipeline.measures.printed import NO_WALK, angle_table, walk_table
    from pipeline.measures.steps import find_walks
    from pipeline.measures.summary import NOTE, summary
    from pipeline.measures.tables import angles_csv, steps_csv
    from pipeline.progress import Console
    from pipeline.view.kept import open_run

    console, kept = Console(), open_run(run)
    pose, folder = kept.pose, output or run / "measures"
    rows = _rows(pose, person)
    angles = joint_angles(pose.positions, pose.up)
    walks = {int(pose.people[row]): find_walks(
        pose.positions[row], pose.valid[row], pose.timestamps, pose.up) for row in rows}  # fmt: skip
    told: dict[str, Any] = {
        "format": FORMAT,
        "film": kept.name,
        "note": NOTE,
        "people": {
            str(pose.people[row]): summary(angles[row, pose.valid[row]], walks[int(pose.people[row])]) for row in rows
        },
    }
    files = {
        "angles.csv": angles_csv(pose, rows, angles),
        "steps.csv": steps_csv(walks),
        "measures.json": (json.dumps(told, indent=2, allow_nan=False) + "\n").encode(),
        **(_plots(pose, rows, angles, walks, kept.name) if plots else {}),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PipelineError(f"{folder}: cannot be made ({error.strerror}); choose --output") from error
    for name, content in files.items():
        store.write_whole(folder / name, lambda file, content=content: file.write(content))  # type: ignore[misc]
        console.say(str(folder / name))
    console.show(angle_table(told["people"]))
    if walked := walk_table(told["people"]):
        console.show(walked)
    else:
        console.say(NO_WALK)
    return 0


def _rows(pose: Pose3D, person: int | None) -> list[int]:
    """Return the rows of the people asked for who are seen at all.

    Raises:
        PipelineError: there is nobody.
    """
    rows = [row for row, number in enumerate(pose.people) if person in (None, int(number)) and pose.valid[row].any()]
    if not rows:
        there = ", ".join(str(number) for number in pose.people) or "nobody"
        raise PipelineError(f"nothing to measure: the run has {there}" + ("" if person is None else f", not {person}"))
    return rows


def _plots(pose: Pose3D, rows: list[int], angles: Any, walks: dict[int, list[Walk]], film: str) -> dict[str, bytes]:
    import numpy as np

    from pipeline.measures.plots import draw_person
    from pipeline.progress import plain
    from pipeline.view.trust import low_trust

    spans, made = low_trust(pose), {}
    for row in rows:
        number, seen = int(pose.people[row]), pose.valid[row]
        shown, own = np.where(seen[:, None], angles[row], np.nan), [span for span in spans if span.person == row]
        title = plain(f"{' '.join(film.split())}, person {number}").replace("$", r"\$")
        made[f"angles_{number}.png"] = draw_person(title, pose.timestamps, shown, walks[number], own)
    return made
