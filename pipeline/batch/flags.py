"""The flags that `batch` has beside those of `run`; loads nothing, so that help is instant."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_flags(verb: argparse.ArgumentParser) -> None:
    """Add them to the parser of the verb."""
    verb.add_argument(
        "inputs",
        nargs="*",
        metavar="INPUT",
        help="films, folders (searched with all within), or patterns as 'films/*.mp4'",
    )
    many = verb.add_argument_group("many films")
    many.add_argument(
        "--list", dest="listed", type=Path, metavar="FILE", help="more inputs, one a line; - reads standard input"
    )
    many.add_argument("--jobs", type=int, metavar="N", help="films at once (default: 1; with --ray all that fit)")
    many.add_argument("--threads", type=int, metavar="N", help="processors a film (default: shared out evenly)")
    many.add_argument("--ray", metavar="ADDRESS", help="work on a Ray cluster: HOST:PORT, auto, or local")
