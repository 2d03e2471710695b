"""`python -m lifter compare`: several lifters trained on the same windows with the same budget."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    from lifter.commands.plan import add_plan

    add_plan(parser, config=Path("configs/mocap.py"))
    parser.add_argument("--keypoints", default="gt", metavar="SOURCE", help="2D trained and tested on (default: gt)")
    parser.add_argument("--rows", nargs="+", metavar="NAME", help="of the rows, by their begin (default: all)")


def run(given: argparse.Namespace) -> int:
    """Train what is missing, score, print and write the table."""
    from lifter.commands.plan import protocol_of, words_of
    from lifter.commands.say import say
    from lifter.errors import LifterError
    from lifter.experiments.comparison import ROWS, as_markdown, trials
    from lifter.experiments.files import write_text
    from lifter.experiments.trials import floor, run_all, seeded

    protocol = protocol_of(given)
    rows = [name for name in ROWS if given.rows is None or name.lower().startswith(tuple(map(str.lower, given.rows)))]
    if not rows:
        raise LifterError(f"--rows: none of {', '.join(ROWS)} begins so")
    results = run_all(seeded(trials(rows, given.keypoints), given.seeds), protocol, given.out, say, given.jobs)
    table = as_markdown(results, floor(protocol, given.keypoints))
    text = "\n\n".join(["# Lifters compared", words_of(given, results), table])
    say(text)
    say(f"wrote {write_text(given.out / 'compare.md', text)}")
    return 0
