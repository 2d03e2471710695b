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
    parser.add_argument(
        "--vary", nargs="+", metavar=("NAME", "VALUE"), help="every row once for each value of a config field"
    )
    parser.add_argument(
        "--split", default="test", choices=("validation", "test"), help="what is scored (default: test)"
    )


def run(given: argparse.Namespace) -> int:
    """Train what is missing, score, print and write the table."""
    from lifter.commands.plan import protocol_of, words_of
    from lifter.commands.say import say
    from lifter.errors import LifterError
    from lifter.experiments.comparison import ROWS, as_markdown, trials, varied
    from lifter.experiments.files import write_text
    from lifter.experiments.trials import floor, run_all, seeded

    protocol = protocol_of(given, given.split)
    rows = [name for name in ROWS if given.rows is None or name.lower().startswith(tuple(map(str.lower, given.rows)))]
    if not rows:
        raise LifterError(f"--rows: none of {', '.join(ROWS)} begins so")
    wanted = trials(rows, given.keypoints)
    if given.vary is not None:
        wanted = varied(wanted, given.vary[0], given.vary[1:])
    results = run_all(seeded(wanted, given.seeds), protocol, given.out, say, given.jobs)
    table = as_markdown(results, floor(protocol, given.keypoints))
    text = "\n\n".join(["# Lifters compared", words_of(given, results, given.split), table])
    say(text)
    about = "compare" if given.vary is None else f"vary_{given.vary[0]}"
    name = f"{about}{'' if given.split == 'test' else '_' + given.split}.md"
    say(f"wrote {write_text(given.out / name, text)}")
    return 0
