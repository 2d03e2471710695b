"""`python -m pipeline.drawn`: films of drawn people who perform motion capture, and the set of their true poses.

They are what detectors are measured on, and what a lifter can be trained on straight. Bodies, clothes, rooms,
furniture, light, cameras, smear, blur, noise and compression differ from film to film. The set is one that
`python -m lifter prepare detections` takes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m pipeline.drawn`."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.drawn",
        description="Draw films of people who perform motion capture, with the set of their true poses.",
    )
    add = parser.add_argument
    add("--source", type=Path, required=True, metavar="DIR", help="motion capture, as `lifter prepare mocap` takes it")
    add("--out", type=Path, required=True, metavar="DIR", help="where the set goes; its films in DIR/video")
    add("--splits", default="train,validation", metavar="LIST", help="whose people perform (default %(default)s)")
    add("--count", type=int, default=20, metavar="N", help="films of each split (default %(default)s)")
    add("--seconds", type=float, default=3.0, metavar="S", help="length of a film, at most (default %(default)s)")
    add("--fps", type=int, default=50, metavar="HZ", help="frames a second, 50 or 25 (default %(default)s)")
    add("--seed", type=int, default=0, metavar="N", help="of all that is drawn")
    add("--jobs", type=int, default=1, metavar="N", help="films drawn at the same time (default %(default)s)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw a set; return the exit code."""
    from pipeline.guard import guarded

    parser = build_parser()
    given = vars(parser.parse_args(arguments))
    jobs = given.pop("jobs")
    given["splits"] = tuple(word.strip() for word in given["splits"].split(",") if word.strip())

    from pipeline.drawn.plan import DrawSettings

    try:
        settings = DrawSettings(**given)
    except ValueError as error:
        parser.error(str(error))

    def work() -> int:
        from pipeline.drawn.sets import draw_set
        from pipeline.progress import Console

        draw_set(settings, Console(), jobs)
        return 0

    return guarded(work)


if __name__ == "__main__":
    sys.exit(main())
