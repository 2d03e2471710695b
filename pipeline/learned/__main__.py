"""`python -m pipeline.learned`: learn an adapter from detections of a set's films beside the set's truth.

Films with known truth: `python -m pipeline.drawn`; detections of them: `python -m lifter prepare detections`, which
keeps them in the folder `films` of its --out. What is learned is used by `python -m pipeline run --adapter FILE`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m pipeline.learned`."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.learned",
        description="Learn where Human3.6M's joints lie among a detector's, from detections beside the truth.",
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="a prepared set: its poses and exact key points")
    add("--runs", type=Path, nargs="+", required=True, metavar="DIR",
        help="folders that hold a folder a film with what the pipeline detected (pose2d.npz)")  # fmt: skip
    add("--split", default="train", help="whose films are learned from (default %(default)s)")
    add("--check", default="validation", metavar="SPLIT", help="whose films it is scored on (default %(default)s)")
    add("--out", type=Path, metavar="FILE", help="write it there (TOML); without it nothing but the tables is made")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Learn, print what it brings, write; return the exit code."""
    from pipeline.guard import guarded

    given = build_parser().parse_args(arguments)
    return guarded(lambda: work(given))


def work(given: argparse.Namespace) -> int:
    """Do what the command line says.

    Raises:
        LifterError, PipelineError: no set, no detections, or a file that cannot be written.
    """
    from lifter.datasets.poseset import read_poseset
    from pipeline import store
    from pipeline.learned.fit import learn
    from pipeline.learned.pairs import gather
    from pipeline.learned.report import table
    from pipeline.learned.shares import Shares, written
    from pipeline.progress import Console

    console, truth = Console(), read_poseset(given.data)
    pairs = gather(truth.split(given.split), given.runs)
    held = gather(truth.split(given.check), given.runs) if given.check in truth.poses.splits else []
    made: dict[str, Shares] = {}
    for key in sorted({pair.vocabulary for pair in pairs}):
        of = [pair for pair in pairs if pair.vocabulary == key]
        learned = learn(of)
        made[key] = learned.shares
        console.say(f"{key}: ridge {learned.ridge}, {learned.films} films, {learned.frames} frames")
        for name, films in ((given.split, of), (given.check, [pair for pair in held if pair.vocabulary == key])):
            for line in table(learned.shares, films, f"{key}, {name}") if films else []:
                console.say(line)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        store.write_whole(given.out, lambda file: file.write(written(made).encode()))
        console.say(f"written: {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
