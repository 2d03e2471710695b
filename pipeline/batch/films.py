"""Which films a batch is of, and the folder that each is made in: no two in one."""

from __future__ import annotations

import glob
import hashlib
import os.path
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.names import from_home

SUFFIXES = (
    ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts",
    ".vob", ".webm", ".wmv",
)  # fmt: skip
LARGEST_LIST_BYTES = 100_000_000


@dataclass(frozen=True)
class Film:
    """A film of a batch.

    Attributes:
        path: as it was named.
        output: the folder that its own folder, named by its stem, is made in.
    """

    path: Path
    output: Path

    @property
    def folder(self) -> Path:
        """Where its files will lie."""
        return self.output / self.path.stem


def find_films(inputs: Sequence[str], listed: Path | None, output: Path) -> list[Film]:
    """Return the films that inputs and a list name, each once, with their folders.

    A folder stands for all films in it and below, whose places below it are kept in `output`; results of earlier runs
    and hidden files are passed over. What does not exist is returned like a film: reading it says what is wrong.

    Args:
        inputs: films, folders and patterns.
        listed: a file of more of them; None where there is none, `-` is standard input.
        output: the folder for everything.

    Raises:
        PipelineError: the list cannot be read, or nothing is named at all.
    """
    named = [*inputs, *(read_list(listed) if listed else ())]
    found: dict[Path, Path] = {}
    for name in named:
        for path, below in _expand(name, output.absolute()):
            found.setdefault(path, below)
    if not found:
        what = f"no film in {', '.join(named[:3])}" if named else "no film named"
        raise PipelineError(f"batch: {what}; name films, folders that hold some, patterns, or a --list of them")
    return [Film(path, output / below) for path, below in _apart(found).items()]


def read_list(path: Path) -> list[str]:
    """Return the lines of a list that name something; those that begin with # do not.

    Raises:
        PipelineError: it cannot be read as text.
    """
    try:
        if str(path) == "-":
            text = sys.stdin.read(LARGEST_LIST_BYTES)
        else:
            with path.open(encoding="utf-8-sig") as file:
                text = file.read(LARGEST_LIST_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError(f"--list {path}: cannot be read as a list of films ({error})") from error
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _expand(name: str, output: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the films that a name stands for, and each one's place below the output folder."""
    path = from_home(name)
    if path.is_dir():
        for film in sorted(path.rglob("*")):
            if _is_film(film, path, output):
                yield film, film.parent.relative_to(path)
    elif not path.exists() and glob.has_magic(name):
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no pattern from the root
        if not matches:
            yield path, Path()
        for match in matches:
            yield from _expand(match, output)
    else:
        yield path, Path()


def _is_film(path: Path, top: Path, output: Path) -> bool:
    """Tell films in a folder from everything else there, and from what an earlier run made."""
    inner = path.relative_to(top).parts
    if path.suffix.lower() not in SUFFIXES or any(part.startswith(".") for part in inner) or not path.is_file():
        return False
    made = path.stem.endswith("_3d") and (path.parent / "run.json").is_file()
    return not made and not (output.is_relative_to(top.absolute()) and path.absolute().is_relative_to(output))


def _apart(found: dict[Path, Path]) -> dict[Path, Path]:
    """Lead films that would be made in one folder into folders named by those that they lie in.

    Who is alone keeps their place whoever else is in the batch, so that a later batch finds it again.
    """
    once: dict[Path, Path] = {}
    for path, below in found.items():  # one film, however its path is written
        once.setdefault(Path(_plain(path)), below)
    named = {Path(_plain(path)): path for path in reversed(found)}
    depth = {path: len(below.parts) for path, below in once.items()}
    places = dict(once)
    while clashing := _clashing(places):
        for path in clashing:
            depth[path] += 1
            parents = path.parent.parts[1:]  # without the root
            places[path] = Path(*parents[max(0, len(parents) - depth[path]) :])
            if depth[path] > len(parents):  # two endings, or upper and lower case, of one name
                places[path] /= f"{path.name}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    return {named[path]: below for path, below in places.items()}


def _clashing(places: dict[Path, Path]) -> list[Path]:
    """Return the films whose folders would be one, also where upper and lower case are the same."""
    keys = {path: str(below / path.stem).casefold() for path, below in places.items()}
    count = Counter(keys.values())
    return [path for path, key in keys.items() if count[key] > 1]


def _plain(path: Path) -> str:
    """Return an absolute path without `..`, links kept."""
    return os.path.abspath(path)  # noqa: PTH100 - Path.resolve would follow links
