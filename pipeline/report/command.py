"""`python -m pipeline report RUN`: a page and numbers on how far a run can be relied on."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.poses import Pose3D
    from pipeline.report.quality import Quality

LOW = "low trust"  # how the words of a span begin
WHAT = "how far a run can be relied on: report.html with figures, report.json; needs no truth"


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    verb.add_argument("run", type=Path, metavar="RUN", help="the folder of a run, as runs/film")
    verb.add_argument("--output", type=Path, metavar="FILE", help="the page, .html (default: RUN/report.html)")


def report(run: Path, output: Path | None) -> int:
    """Write the page, and the numbers beside it under the same name; print the spans of low trust.

    Raises:
        PipelineError: no run, or a page that cannot be written.
    """
    from pipeline import store
    from pipeline.measures.steps import find_walks
    from pipeline.progress import Console, plain
    from pipeline.report.numbers import tell_all
    from pipeline.report.page import write_page
    from pipeline.report.printed import people_table
    from pipeline.report.quality import quality_of
    from pipeline.tables import marked
    from pipeline.view.kept import open_run

    page = output or run / "report.html"
    if page.suffix.lower() not in (".html", ".htm") or page.is_dir():
        raise PipelineError(f"{page}: a page's name ends in .html; no other file is written over")
    kept = open_run(run)
    pose = kept.pose
    qualities = [quality_of(pose, person, kept.size, kept.camera) for person in range(len(pose.people))]
    walks = [find_walks(pose.positions[p], pose.valid[p], pose.timestamps, pose.up) for p in range(len(pose.people))]
    told = tell_all(pose, qualities, walks, kept.folder.read_record(), plain(kept.name))
    text = json.dumps(told, indent=2, allow_nan=False) + "\n"
    drawn = write_page(told, _figures(pose, qualities)).encode("utf-8")
    store.write_whole(page.with_suffix(".json"), lambda file: file.write(text.encode("utf-8")))
    store.write_whole(page, lambda file: file.write(drawn))
    console = Console()
    console.say(f"{page}\n{page.with_suffix('.json')}")
    if table := people_table(told):
        console.show(table)
    for span in told["low_trust"]:
        sys.stdout.write(span["words"].replace(LOW, marked(LOW, sys.stdout), 1) + "\n")
    return 0


def _figures(pose: Pose3D, qualities: list[Quality]) -> dict[int, list[tuple[str, bytes]]]:
    """Return everyone's figures; none of somebody who is never in track."""
    from pipeline.report.figures import draw_bones, draw_fit, draw_trust
    from pipeline.view.trust import low_trust

    spans, made = low_trust(pose), {}
    for row, quality in enumerate(qualities):
        if not quality.seen.any():
            continue
        own = [span for span in spans if span.person == row]
        figures = [
            ("confidence and low trust over time", draw_trust(pose.timestamps, quality, own)),
            ("fit to the picture and foot skate over time", draw_fit(pose.timestamps, quality)),
        ]
        if not quality.held:
            figures.append(("steadiness of bones", draw_bones(quality)))
        made[int(pose.people[row])] = figures
    return made
