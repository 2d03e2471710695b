"""The formats: what each holds, what it needs, and which axes and units it is given unless asked for others."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.export.axes import Axes
    from pipeline.export.motion import Motion


class Format(NamedTuple):  # not a dataclass: help is printed with these, and dataclasses take a while to load
    """A format.

    Attributes:
        maker: module:function of this package that makes a file's bytes of a motion, axes and a title.
        up, units: unless others are asked for.
        alone: a file holds one person.
        even: it knows frames at an even rate only.
        fixed: its axes and units are part of the format.
        held: it knows no gaps: the last pose is held in frames in which a person is not seen.
        kind: of its axes (`pipeline.export.axes`), where they are part of the format and not those of a room.
        file: its name, where that is not the film's with the format's as its ending.
        needs: the package it is written with, and the extra of ours that brings it; empty where none.
    """

    maker: str
    up: str = "z"
    units: str = "m"
    alone: bool = False
    even: bool = False
    fixed: bool = False
    held: bool = False
    kind: str = ""
    file: str = "{title}.{name}"
    needs: tuple[str, str] = ("", "")


FORMATS = {
    "bvh": Format("bvh:to_bvh", up="y", alone=True, even=True, held=True),
    "glb": Format("gltf:to_glb", up="y", fixed=True, held=True, needs=("pygltflib", "export")),
    "gltf": Format("gltf:to_gltf", up="y", fixed=True, held=True, needs=("pygltflib", "export")),
    "trc": Format("trc:to_trc", up="y", units="mm", alone=True, even=True),
    "c3d": Format("c3d:to_c3d", units="mm", alone=True, even=True, needs=("ezc3d", "export")),
    "csv": Format("table:to_csv"),
    "json": Format("arrays:to_json"),
    "npz": Format("arrays:to_npz"),
    "mmpose": Format("mmpose:to_mmpose", fixed=True, kind="mmpose", file="predictions/{title}.json"),
    "rrd": Format("rrd:to_rrd", needs=("rerun", "rerun")),
}


def choose(said: str) -> list[str]:
    """Return the formats of a list between commas, `all` meaning every one that can be written here.

    Raises:
        PipelineError: an unknown one, or one whose package is not installed.
    """
    if said.strip() == "all":
        return [name for name in FORMATS if _there(name)]
    names = list(dict.fromkeys(part.strip().lower() for part in said.split(",") if part.strip()))
    for name in names:
        if name not in FORMATS:
            from difflib import get_close_matches

            near = get_close_matches(name, FORMATS, 1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise PipelineError(f"--format {name}: unknown; {meant}known are {', '.join(FORMATS)}, all")
        if not _there(name):
            package, extra = FORMATS[name].needs
            raise PipelineError(f"--format {name}: needs {package}; pip install -e '.[{extra}]'")
    if not names:
        raise PipelineError(f"--format {said!r}: names none; known are {', '.join(FORMATS)}, all")
    return names


def axes_of(name: str, axes: str, up: str | None, units: str | None) -> Axes:
    """Return the axes of a format's files, as asked for or else as it is usual.

    Raises:
        PipelineError: the format knows others only.
    """
    from pipeline.export.axes import Axes

    form = FORMATS[name]
    if axes == "camera" and up is not None:
        raise PipelineError("--axes camera --up: as a camera is held nothing can be chosen; drop one of them")
    if form.fixed and (axes != "room" or up not in (None, form.up) or units not in (None, form.units)):
        raise PipelineError(f"--format {name}: is {form.up} up and in {form.units} by definition; export it by itself")
    if form.kind:
        return Axes(form.kind, form.up, form.units)
    return Axes(axes, "-y" if axes == "camera" else up or form.up, units or form.units)


def maker_of(name: str) -> Callable[[Motion, Axes, str], bytes]:
    """Return the function that makes a format's files."""
    module, _, function = FORMATS[name].maker.partition(":")
    maker: Callable[[Motion, Axes, str], bytes] = getattr(
        importlib.import_module(f"pipeline.export.{module}"), function
    )
    return maker


def _there(name: str) -> bool:
    package = FORMATS[name].needs[0]
    return not package or importlib.util.find_spec(package) is not None
