"""`python -m lifter figure`: the paper's figures 1, 5 and 7 (figure 6 is drawn by `noise`)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lifter.commands.say import say

if TYPE_CHECKING:
    from lifter.experiments.strips import Strip

FIGURES = {
    "1": "a pendulum: equal l1 distance, other motion losses",
    "5": "poses of a data set: 2D, lifters, truth",
    "7": "poses of a film that a run of the pipeline left",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    told = "; ".join(f"{number}: {what}" for number, what in FIGURES.items())
    parser.add_argument("number", choices=FIGURES, metavar="NUMBER", help=f"{told}. Figure 6: `lifter noise`")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="write figure_NUMBER.png there")
    strips = parser.add_argument_group("figures 5 and 7")
    strips.add_argument("--frames", metavar="10,40,70", help="frames, from 0 (default: six, evenly spaced)")
    strips.add_argument("--azimuth", metavar="0,60", help="of the 3D views, degrees (default: 5: 45; 7: 0,60)")
    strips.add_argument("--elevation", type=float, default=12.0, help="it looks down by, degrees")
    data = parser.add_argument_group("figure 5")
    data.add_argument("--data", type=Path, metavar="DIR", help="a prepared data set")
    data.add_argument("--sequence", metavar="NAME", help="name of a sequence (default: the first of the test split)")
    data.add_argument("--keypoints", default="gt", help="2D source (default: %(default)s)")
    data.add_argument(
        "--lifter", action="append", default=[], metavar="[TITLE=]NAME-OR-FILE", help="a row each (default: ugcn)"
    )
    data.add_argument("--device", default="auto", help="auto, cpu or cuda (default: %(default)s)")
    film = parser.add_argument_group("figure 7")
    film.add_argument("--run", type=Path, metavar="DIR", help="folder with a film's pose3d.npz")
    film.add_argument("--person", type=int, default=1, help="which person, from 1 (default: %(default)s)")
    film.add_argument("--film", type=Path, metavar="VIDEO", help="the film, to show its pictures beneath the 2D")


def run(given: argparse.Namespace) -> int:
    """Run the verb; return the exit code."""
    from lifter.experiments.files import write_figure, write_text

    if given.number == "1":
        from lifter.experiments import pendulum

        rows = pendulum.table()
        text = pendulum.as_text(rows)
        say(text)
        written = [
            write_figure(given.out / "figure_1.png", pendulum.draw(rows), dpi=150),
            write_text(given.out / "figure_1.txt", text + "\n"),
        ]
    else:
        from lifter.experiments.strip_drawing import View, draw

        strip = _compared(given) if given.number == "5" else _filmed(given)
        figure = draw(strip, View(_azimuths(given), given.elevation))
        written = [write_figure(given.out / f"figure_{given.number}.png", figure, dpi=150)]
    say(f"written: {', '.join(str(path) for path in written)}")
    return 0


def _azimuths(given: argparse.Namespace) -> tuple[float, ...]:
    import math

    from lifter.errors import LifterError

    words = given.azimuth or ("45" if given.number == "5" else "0,60")
    try:
        azimuths = tuple(float(word) for word in words.split(","))
    except ValueError:
        azimuths = ()
    if not azimuths or not all(math.isfinite(angle) for angle in (*azimuths, given.elevation)):
        raise LifterError(f"--azimuth {words!r}, --elevation {given.elevation}: degrees wanted, azimuths with commas")
    return azimuths


def _compared(given: argparse.Namespace) -> Strip:
    from lifter.datasets.poseset import read_poseset
    from lifter.errors import LifterError
    from lifter.experiments.strips import compared, spread
    from lifter.lifter import Lifter
    from lifter.sequences import number_of

    if given.data is None:
        raise LifterError("figure 5: name a prepared data set with --data")
    data = read_poseset(given.data, given.keypoints)
    sequence = given.sequence or str(data.split("test").poses.names[0])
    frames = _frames(given.frames) or spread(int(data.poses.lengths[number_of(data.poses, sequence)]))
    lifters = []
    for words in given.lifter or ["ugcn"]:
        title, found, name = words.partition("=")
        file = name if found else title
        lifters.append((title if found else Path(title).stem, Lifter(file, given.device)))
    return compared(data, sequence, frames, lifters)


def _filmed(given: argparse.Namespace) -> Strip:
    from lifter.errors import LifterError
    from lifter.experiments.strips import filmed, spread, tracked

    if given.run is None:
        raise LifterError("figure 7: name the folder of a film's result with --run")
    seen = tracked(given.run, given.person)
    frames = _frames(given.frames) or [int(seen[at]) for at in spread(len(seen))]
    return filmed(given.run, frames, given.person, given.film)


def _frames(text: str | None) -> list[int]:
    from lifter.errors import LifterError

    if text is None:
        return []
    try:
        return [int(word) for word in text.split(",")]
    except ValueError as error:
        raise LifterError(f"--frames {text!r}: whole numbers with commas between them wanted") from error
