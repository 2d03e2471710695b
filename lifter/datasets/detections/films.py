"""A data set's films: which film shows which sequence, and what the pipeline's detectors see in it.

The laboratory knows the pipeline by its command line alone: it is run as a program of its own.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.archives import BROKEN, read_arrays
from lifter.errors import LifterError

Floats = NDArray[np.float32]
SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg")


@dataclass(frozen=True)
class Sight:
    """What a detector saw in a film of T frames with P people, as Human3.6M's joints.

    Attributes:
        keypoints: (P, T, 17, 2) float32 pixels; scores: (P, T, 17) float32 0..1; valid: (P, T) bool, person there.
        size: (width, height) of the film.
        fps: its frame rate; 0 where one frame does not tell.
    """

    keypoints: Floats
    scores: Floats
    valid: NDArray[np.bool_]
    size: tuple[int, int]
    fps: float


def find_films(paths: Sequence[Path]) -> list[Path]:
    """Films among files and, at any depth, in folders; in the order of their names within each.

    Raises:
        LifterError: a path that is not there, no film at all, or two films of one stem.
    """
    films: list[Path] = []
    for path in paths:
        if path.is_dir():
            films += sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
        elif path.is_file():
            films.append(path)
        else:
            raise LifterError(f"{path}: no such film or folder")
    if not films:
        raise LifterError(f"{', '.join(map(str, paths))}: no film there ({', '.join(SUFFIXES)})")
    stems: dict[str, Path] = {}
    for film in films:
        if film.stem in stems:
            raise LifterError(f"{film}: {stems[film.stem]} has the same name; give one of them another")
        stems[film.stem] = film
    return films


def match_films(
    names: Sequence[str], films: Sequence[Path], table: Path | None = None, partial: bool = False
) -> dict[str, Path]:
    """Say which film shows which sequence: name -> film; sequences without a film are left out.

    A film's stem is the sequence's name with `/` and spaces as `_`; or a CSV file says film,sequence line by line,
    films by their path (from the CSV file's folder) or by the name of one of `films`.

    Args:
        names: of the sequences.
        films: from `find_films`.
        table: the CSV file.
        partial: pass over films that fit no sequence.

    Raises:
        LifterError: a film that fits no sequence, no film that fits one, two sequences or films that claim each
            other, a table that cannot be read.
    """
    keys: dict[str, str] = {}
    for name in names:
        key = re.sub(r"[/\s]", "_", name)
        if key in keys:
            raise LifterError(f"sequences {keys[key]!r} and {name!r} would have one film {key!r}; use --match")
        keys[key] = name
    matched: dict[str, Path] = {}
    pairs = _read_table(table, films) if table else [(film, keys.get(film.stem, "")) for film in films]
    for film, name in pairs:
        if partial and not table and not name:
            continue
        if name not in names:
            told = f"the data set has no sequence {name!r}" if name else "its name is no sequence's"
            raise LifterError(f"{film}: {told} (the first is {names[0]!r}, its film {next(iter(keys))!r})")
        if name in matched:
            raise LifterError(f"{film}: sequence {name!r} has the film {matched[name]} already")
        matched[name] = film
    if not matched:
        raise LifterError(f"no film fits a sequence; the first is {names[0]!r}, its film {next(iter(keys))!r}")
    return matched


def _read_table(table: Path, films: Sequence[Path]) -> list[tuple[Path, str]]:
    known = {film.name: film for film in films} | {film.stem: film for film in films}
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LifterError(f"{table}: cannot be read ({' '.join(str(error).split())})") from error
    if rows and rows[0] == ["film", "sequence"]:
        rows = rows[1:]
    pairs = []
    for row in rows:
        if len(row) != 2:
            raise LifterError(f"{table}: film,sequence wanted in each line, got {','.join(row)[:100]!r}")
        film = known.get(row[0], table.parent / row[0])
        if not _is_file(film):
            raise LifterError(f"{table}: {row[0][:100]}: no such film")
        pairs.append((film, row[1]))
    stems = [film.stem for film, _ in pairs]
    if twice := next((stem for stem in stems if stems.count(stem) > 1), None):
        raise LifterError(f"{table}: several films are called {twice!r}; give them names of their own")
    return pairs


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than names may be
        return False


def watch(film: Path, detector: str, cache: Path, words: Sequence[str] = ()) -> Sight:
    """Run a detector of the pipeline over a film, unless `cache` holds the result of the same already.

    Args:
        film: the film.
        detector: a name that `python -m pipeline detectors` lists.
        cache: the pipeline's --output.
        words: more for its command line; `{stem}` in them becomes the film's stem.

    Raises:
        LifterError: it failed; the line is its own.
    """
    more = [word.replace("{stem}", film.stem) for word in words]
    command = [sys.executable, "-m", "pipeline", "run", "--no-render", "--quiet", "--person", "all"]
    # Behind --, a name that begins with a dash is a name.
    command += ["--detector", detector, "--output", str(cache), *more, "--", str(film)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # nosec B603
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        last = lines[-1].removeprefix("error: ") if lines else f"ended with {done.returncode}"
        raise LifterError(last if film.name in last else f"{film}: {last}")
    return read_sight(cache / film.stem)


def read_sight(folder: Path) -> Sight:
    """Read what the pipeline left in a film's folder.

    Raises:
        LifterError: it is not what the pipeline writes.
    """
    try:
        video = json.loads((folder / "run.json").read_text(encoding="utf-8"))["video"]
        data = read_arrays(folder / "pose3d.npz", ("keypoints", "scores", "valid", "timestamps"))
        keypoints, scores, valid, seconds = data.values()
        shape = (*valid.shape, 17)
        if keypoints.shape != (*shape, 2) or scores.shape != shape or len(seconds) != valid.shape[1]:
            raise ValueError(f"arrays do not fit each other: {keypoints.shape}, {scores.shape}, {valid.shape}")
        steps = np.diff(seconds)
        fps = 1 / float(np.median(steps)) if len(steps) and np.median(steps) > 0 else 0.0
        width, height = (int(side) for side in video["size"])
        return Sight(keypoints.astype(np.float32), scores.astype(np.float32), valid.astype(bool), (width, height), fps)
    except BROKEN as error:
        raise LifterError(f"{folder}: not what the pipeline writes ({' '.join(str(error).split())})") from error


Watcher = Callable[[Path], Sight]
Matches = Mapping[str, Path]
