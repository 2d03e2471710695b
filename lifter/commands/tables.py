"""`python -m lifter tables N`: one of the paper's tables by one command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lifter.experiments.paper_tables import Available


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    from lifter.commands.plan import add_plan

    parser.add_argument("numbers", type=int, nargs="+", metavar="N", help="tables of the paper, 1 to 9")
    add_plan(parser, config=Path("configs/mocap_tables.py"))
    parser.add_argument(
        "--detections", nargs="+", metavar="SOURCE", help="2D sources of Tables 6 and 8 (default: all but gt)"
    )
    parser.add_argument("--report", action="store_true", help="only report what is there; train nothing")


def run(given: argparse.Namespace) -> int:
    """Train what is missing, print and write the tables."""
    import json

    from lifter.commands.plan import protocol_of, words_of
    from lifter.commands.say import say
    from lifter.errors import LifterError
    from lifter.experiments.files import write_text
    from lifter.experiments.paper_tables import build
    from lifter.experiments.table_report import as_dict, as_markdown
    from lifter.experiments.trials import known, run_all, seeded

    protocol = protocol_of(given)
    available = _available(given)
    tables = [build(number, available) for number in given.numbers]
    trials = list(dict.fromkeys(cell.trial for table in tables for cell in table.cells))
    wanted = seeded(trials, given.seeds)
    results = (
        known(wanted, protocol, given.out) if given.report else run_all(wanted, protocol, given.out, say, given.jobs)
    )
    if not results:
        raise LifterError(f"{given.out}: no trial of these tables is there yet; leave out --report")
    words = words_of(given, results)
    for table in tables:
        text = f"{as_markdown(table, results)}\n\n{words}\n"
        say(text)
        write_text(given.out / f"table{table.number}.json", json.dumps(as_dict(table, results), indent=1))
        say(f"wrote {write_text(given.out / f'table{table.number}.md', text)}")
    return 0


def _available(given: argparse.Namespace) -> Available:
    """Look into the data set."""
    from lifter.datasets.poseset import read_poses, sources
    from lifter.experiments.paper_tables import Available
    from lifter.refine import camera_known

    poses = read_poses(given.data)
    actions = sorted(set(poses.actions[poses.splits == "test"].tolist()), key=lambda name: (name.casefold(), name))
    found = given.detections or [name for name in sources(given.data) if name != "gt" and not name.startswith("mix_")]
    return Available(tuple(found), tuple(actions), camera_known(poses.intrinsics))
