"""The flags of `live` beside those of the stages; loads nothing, so that help is instant."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_flags(verb: argparse.ArgumentParser) -> None:
    """Add them to the parser of the verb."""
    verb.add_argument(
        "source", metavar="SOURCE", help="a camera's number, rtsp://..., http://..., or a film, played at its own pace"
    )
    live = verb.add_argument_group("live")
    live.add_argument("--out", type=Path, metavar="DIR", help="keep film and arrays in this new folder")
    live.add_argument("--seconds", type=float, metavar="S", help="end after so long (default: with the source)")
    live.add_argument("--delay", type=int, default=0, metavar="N", help="show each frame N frames later, lifted better")
    show = live.add_mutually_exclusive_group()
    show.add_argument("--show", action="store_true", default=None, help="a window (default: where there is a display)")
    show.add_argument("--no-show", dest="show", action="store_false", help="no window")
