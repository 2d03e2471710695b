"""`python -m lifter prepare detections`: the 2D of a prepared set by a detector of ours, from its films."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--detector", required=True, metavar="NAME", help="see `python -m pipeline detectors`")
    add("--data", type=Path, required=True, metavar="DIR", help="the prepared set whose films these are")
    add("--films", type=Path, nargs="+", required=True, metavar="PATH",
        help="films or folders of films; a film's stem is its sequence's name with / and spaces as _")  # fmt: skip
    add("--match", type=Path, metavar="CSV", help="or a file that says film,sequence line by line")
    add("--out", type=Path, required=True, metavar="DIR", help="where the set with the new 2D goes (may be --data)")
    add("--partial", action="store_true", help="pass over films and sequences that have no partner, "
        "and films in which the person is never found")  # fmt: skip
    add("--name", metavar="SOURCE", help="what to call the new 2D (default: the detector's name)")
    add("--cache", type=Path, metavar="DIR", help="what the pipeline keeps of each film (default: OUT/films)")
    add("--pass", dest="words", default="", metavar="'WORDS'",
        help="more for the pipeline, as '--device cuda' or '--keypoints made/{stem}.npz'")  # fmt: skip


def run(given: argparse.Namespace) -> int:
    """Watch every film and write; return the exit code."""
    import numpy as np

    from lifter.commands.say import say
    from lifter.datasets.detections.films import Sight, find_films, match_films, watch
    from lifter.datasets.detections.sets import detect, reference_of
    from lifter.datasets.poseset import read_poses, read_poseset, sources, write_keypoints, write_poses
    from lifter.errors import LifterError

    source = name_of(given.name or given.detector)
    poses = read_poses(given.data)
    films = match_films(poses.names.tolist(), find_films(given.films), given.match, given.partial)
    missing = [name for name in poses.names.tolist() if name not in films]
    in_place = given.out.resolve() == given.data.resolve()
    if missing and not given.partial:
        raise LifterError(f"{len(missing)} sequences have no film, {missing[0]!r} the first; --partial leaves them out")
    if missing and in_place:
        raise LifterError(f"{given.out}: holds the whole set; a part of it needs an --out of its own")
    there = sources(given.data)
    chosen = np.flatnonzero(np.isin(poses.names, list(films)))
    reference = (read_poseset(given.data) if "gt" in there else reference_of(poses)).subset(chosen)
    words = words_of(given.words)
    cache = given.cache or given.out / "films"

    def look(film: Path) -> Sight:
        return watch(film, given.detector, cache, words)

    made = detect(reference, films, source, look, say, given.partial)
    if not in_place:
        write_poses(given.out, made.poses)
        for other in there:
            if other != source:
                write_keypoints(given.out, read_poseset(given.data, other).subset(chosen))
    write_keypoints(given.out, made)
    found = f"{made.seen.sum()} of {len(made.seen)} frames with the person found"
    say(f"{given.out}: keypoints {source}: {len(made.poses)} sequences, {found}")
    return 0


def name_of(text: str) -> str:
    """A name that a file can bear.

    Raises:
        LifterError: it is none, or the reference's.
    """
    from lifter.errors import LifterError

    if text == "gt" or not text.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise LifterError(
            f"--name {text}: letters, digits, dots and dashes wanted, and not 'gt', which is the reference"
        )
    return text


def words_of(text: str) -> list[str]:
    """Take words apart as a shell does.

    Raises:
        LifterError: quotes that do not close.
    """
    from lifter.errors import LifterError

    try:
        return shlex.split(text)
    except ValueError as error:
        raise LifterError(f"--pass {text}: {error}") from error
