"""`python -m pipeline export`: a run's motion in the formats of other programs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.errors import PipelineError
from pipeline.export.formats import FORMATS, axes_of, choose, maker_of

if TYPE_CHECKING:
    from pipeline.export.axes import Axes
    from pipeline.export.motion import Motion

WHAT = "a run's motion for Blender, OpenSim, viewers and scripts: bvh, glb, trc, c3d, csv, json, npz, mmpose, rrd"
RECORD = "export.json"


class Made(NamedTuple):
    """A file that is ready to be written, and what is told of it beside it."""

    name: str
    content: bytes
    told: dict[str, Any]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    verb.add_argument("run", type=Path, metavar="RUN", help="a film's folder, such as runs/film, or its pose3d.npz")
    verb.add_argument(
        "--format", dest="formats", default="glb", metavar="NAMES",
        help=f"some of {', '.join(FORMATS)} between commas, or all (default: glb)",
    )  # fmt: skip
    verb.add_argument("--output", type=Path, metavar="DIR", help="where the files go (default: RUN/export)")
    verb.add_argument("--person", type=int, metavar="N", help="the one to export, by the film's number (default: all)")
    verb.add_argument(
        "--axes", choices=("room", "camera"), default="room",
        help="room: upright, feet on the floor; camera: as the camera was held, itself at 0 (default: room)",
    )  # fmt: skip
    verb.add_argument("--up", choices=("y", "z"), help="the axis that points up (default: y for bvh, glb, trc, else z)")
    verb.add_argument("--units", choices=("m", "cm", "mm"), help="of length (default: mm for trc and c3d, else m)")


def export(
    run: Path, formats: str, output: Path | None, person: int | None, axes: str, up: str | None, units: str | None
) -> int:
    """Write the files, all of them or, where one cannot be made, none; print their names.

    Raises:
        PipelineError: no such run, nobody in it, or a format that cannot be had so.
    """
    from pipeline.export.motion import gather
    from pipeline.progress import Console, plain
    from pipeline.store import load_pose3d

    names = choose(formats)
    spaces = {name: axes_of(name, axes, up, units) for name in names}
    source = run / "pose3d.npz" if run.is_dir() else run
    if not source.is_file() or source.suffix != ".npz":
        raise PipelineError(f"{source}: not there, or no run; give a film's folder, such as runs/film, after `run`")
    pose = load_pose3d(source)
    title = " ".join(source.resolve().parent.name.encode("utf-8", "replace").decode().split()) or "motion"
    kinds = {name: "camera" if FORMATS[name].kind else axes for name in names}
    motions = {kind: gather(pose, kind, person) for kind in set(kinds.values())}
    made = []
    frames = len(motions[kinds[names[0]]].seconds)
    parts = sum(len(motions[kinds[name]].people) if FORMATS[name].alone else 1 for name in names)
    with Console().stage("export", frames * parts) as tick:
        for name in names:
            for file in _make(name, motions[kinds[name]], spaces[name], title):
                made.append(file)
                tick(frames)
    folder = output or source.parent / "export"
    _write(folder, made, source)
    for file in made:
        sys.stdout.write(plain(f"{folder / file.name}\n"))
        for note in file.told["notes"]:
            sys.stdout.write(f"  {note}\n")
    return 0


def _make(name: str, motion: Motion, axes: Axes, title: str) -> Iterator[Made]:
    """Make a format's files: one, or one a person."""
    from pipeline.export.motion import evenly

    form, notes = FORMATS[name], []
    if form.even and not motion.even:
        motion = evenly(motion)
        notes = [f"the film's frames are not evenly spaced: taken anew at {motion.fps:g} frames a second"]
    parts = [motion.only(row) for row in range(len(motion.people))] if form.alone else [motion]
    for part in parts:
        ending = f"_{part.people[0]}" if form.alone else ""
        content = maker_of(name)(part, axes, title)
        told = {
            **axes.told(),
            "fps": part.fps,
            "frames": len(part.seconds),
            "people": part.people.tolist(),
            "notes": [*notes, *(_gaps(part) if form.held else [])],
        }
        yield Made(form.file.format(title=f"{title}{ending}", name=name), content, told)


def _gaps(motion: Motion) -> list[str]:
    """Say who is held in how many frames."""
    gaps = [(int(number), int((~seen).sum())) for number, seen in zip(motion.people, motion.valid, strict=True)]
    total = len(motion.seconds)
    return [f"person {who}: not seen in {count} of {total} frames, held there" for who, count in gaps if count]


def _write(folder: Path, made: list[Made], source: Path) -> None:
    """Write the files, each whole or not at all, and beside them what they are."""
    from pipeline.store import read_about, write_whole

    try:
        for file in made:
            (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PipelineError(f"{folder}: cannot be made ({error.strerror}); choose --output") from error
    for file in made:
        write_whole(folder / file.name, lambda target, content=file.content: target.write(content))  # type: ignore[misc]
    mark = read_about(source, "fingerprint")
    record = {**_earlier(folder), **{file.name: {**file.told, "pose3d": mark} for file in made}}
    text = json.dumps({"format": 1, "files": record}, indent=2) + "\n"
    write_whole(folder / RECORD, lambda target: target.write(text.encode()))


def _earlier(folder: Path) -> dict[str, Any]:
    """Return what is told of files of earlier exports that are still there."""
    try:
        files = dict(json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    return {name: told for name, told in files.items() if (folder / name).is_file()}
