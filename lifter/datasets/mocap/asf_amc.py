"""Acclaim's ASF (a skeleton) and AMC (its motion), as the CMU Graphics Lab gives them; read into places of joints."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.mocap.bvh import BROKEN, about, refuse_still
from lifter.datasets.mocap.skeleton_map import Tracks
from lifter.errors import LifterError

Doubles = NDArray[np.float64]
RATE_HZ = 120.0  # of CMU's and HDM05's recordings; the files do not tell
INCH = 0.0254


@dataclass(frozen=True)
class Bone:
    """A bone from its parent's end: (3,) direction, length, (3, 3) axes of its angles, and which angles it has."""

    direction: Doubles
    length: float
    axes: Doubles
    freedom: tuple[str, ...]


@dataclass(frozen=True)
class Skeleton:
    """What an ASF file says.

    Attributes:
        metres: in its unit of length.
        degrees: angles are in degrees, not radians.
        order: what the root's numbers in each frame are, as TX TY TZ RX RY RZ.
        root_axes: (3, 3) axes of the root's angles.
        root_place: (3,) added to the root's place.
        bones: by name.
        parents: bone -> parent ("root" or a bone), a parent before its children.
    """

    metres: float
    degrees: bool
    order: tuple[str, ...]
    root_axes: Doubles
    root_place: Doubles
    bones: dict[str, Bone] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)


def read_asf_amc(asf: Path, amc: Path, fps: float = RATE_HZ) -> Tracks:
    """Read a motion with its skeleton; the joint at a bone's end bears the bone's name. Lengths come out in metres.

    Raises:
        LifterError: not such files, damaged, or a motion of another skeleton.
    """
    skeleton = read_asf(asf)
    try:
        values = read_amc(amc.read_text(encoding="utf-8", errors="replace"), skeleton)
    except BROKEN as error:
        raise LifterError(f"{amc}: cannot be read as AMC ({' '.join(str(error).split())[:200]})") from error
    with np.errstate(over="ignore", invalid="ignore"):  # `to_joints` refuses what comes out of it
        return Tracks(("root", *skeleton.parents), places(skeleton, values), fps, "ends")


def read_asf(path: Path) -> Skeleton:
    """Read a skeleton.

    Raises:
        LifterError: not such a file, or damaged.
    """
    try:
        return _skeleton(sections(path.read_text(encoding="utf-8", errors="replace")))
    except BROKEN as error:
        raise LifterError(f"{path}: cannot be read as ASF ({' '.join(str(error).split())[:200]})") from error


def sections(text: str) -> dict[str, list[list[str]]]:
    """Take a file apart at the lines that begin with a colon: name -> lines of words, without comments."""
    found: dict[str, list[list[str]]] = {}
    lines: list[list[str]] = []
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if words and words[0].startswith(":"):
            lines = found.setdefault(words[0][1:].lower(), [])
            words = words[1:]
        if words:
            lines.append(words)
    return found


def _skeleton(parts: dict[str, list[list[str]]]) -> Skeleton:
    units = {words[0].lower(): words[1] for words in parts.get("units", []) if len(words) > 1}
    root = {words[0].lower(): words[1:] for words in parts["root"]}
    degrees = units.get("angle", "deg").startswith("deg")
    turn = np.radians if degrees else np.asarray
    order = tuple(word.upper() for word in root["order"])
    if bad := [word for word in order if word not in ("TX", "TY", "TZ", "RX", "RY", "RZ")]:
        raise ValueError(f"root order {bad[0]!r}")
    bones = {}
    lines = iter(parts["bonedata"])
    for words in lines:
        if words[0].lower() == "begin":
            data: dict[str, list[str]] = {}
            for inner in lines:
                if inner[0].lower() == "end":
                    break
                data.setdefault(inner[0].lower(), inner[1:])
            bones[data["name"][0]] = Bone(
                direction=_vector(data["direction"]),
                length=float(data["length"][0]),
                axes=turned(turn(_vector(data["axis"])), _letters(data["axis"][3])),
                freedom=tuple(word.lower() for word in data.get("dof", []) if word.lower() in ("rx", "ry", "rz")),
            )
    parents: dict[str, str] = {}
    for words in parts["hierarchy"]:
        if words[0].lower() not in ("begin", "end"):
            parent, *children = words
            if (parent != "root" and parent not in parents) or set(children) - set(bones):
                raise ValueError(f"hierarchy: {' '.join(words)}")
            parents |= dict.fromkeys(children, parent)
    if not parents:
        raise ValueError("no bones")
    return Skeleton(
        metres=INCH / float(units.get("length", 1.0)),
        degrees=degrees,
        order=order,
        root_axes=turned(turn(_vector(root["orientation"])), _letters(root["axis"][0])),
        root_place=_vector(root["position"]),
        bones=bones,
        parents=parents,
    )


def _vector(words: list[str]) -> Doubles:
    made = np.array(words[:3], np.float64)
    if made.shape != (3,) or not np.isfinite(made).all():
        raise ValueError(f"three numbers wanted: {' '.join(words)[:60]}")
    return made


def _letters(word: str) -> str:
    if sorted(word.upper()) != ["X", "Y", "Z"]:
        raise ValueError(f"axis {word!r}")
    return word.upper()


def turned(angles: Doubles, letters: str) -> Doubles:
    """Return the rotation (3, 3) by angles (3,), radians, about the fixed axes named, the first one first."""
    made = np.eye(3)
    for angle, letter in zip(angles, letters, strict=True):
        made = about("XYZ".index(letter), np.array([angle]))[0] @ made
    return made


def read_amc(text: str, skeleton: Skeleton) -> dict[str, Doubles]:
    """Take a motion apart: "root" and bones with angles -> (T, numbers).

    Raises:
        ValueError: it is none, or of another skeleton.
    """
    wanted = {"root": len(skeleton.order), **{name: len(skeleton.bones[name].freedom) for name in skeleton.parents}}
    refuse_still(len(wanted), sum(wanted.values()))
    found: dict[str, list[list[str]]] = {name: [] for name, count in wanted.items() if count}
    frames = 0
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if not words or words[0].startswith(":"):
            continue
        if len(words) == 1 and words[0].isdigit():
            frames += 1
        elif words[0] not in found or len(words) - 1 != wanted[words[0]]:
            raise ValueError(f"the skeleton has no {' '.join(words)[:60]!r}")
        else:
            found[words[0]].append(words[1:])
    if short := [name for name, rows in found.items() if len(rows) != frames or not frames]:
        raise ValueError(f"{frames} frames, but {len(found[short[0]])} of {short[0]!r}")
    values = {name: np.array(rows, np.float64) for name, rows in found.items()}
    if not all(np.isfinite(rows).all() for rows in values.values()):
        raise ValueError("numbers that are not finite")
    return values


def places(skeleton: Skeleton, values: dict[str, Doubles]) -> Doubles:
    """Where the root and the ends of the bones are (T, 1 + J, 3), metres.

    A bone's angles turn it about its own axes C, the first angle first: its rotation is C R C^-1 within its parent.
    """
    frames = len(values["root"])

    def rotation(axes: Doubles, names: tuple[str, ...], rows: Doubles) -> Doubles:
        made = np.tile(np.eye(3), (frames, 1, 1))
        for name, column in zip(names, rows.T, strict=True):
            if name[0] in "rR":
                angles = np.radians(column) if skeleton.degrees else column
                made = about("xyz".index(name[1].lower()), angles) @ made
        return np.asarray(axes @ made @ axes.T)

    start = np.tile(skeleton.root_place, (frames, 1))
    for name, column in zip(skeleton.order, values["root"].T, strict=True):
        if name[0] == "T":
            start[:, "XYZ".index(name[1])] += column
    turns = {"root": rotation(skeleton.root_axes, skeleton.order, values["root"])}
    ends = {"root": start}
    for name, parent in skeleton.parents.items():
        bone = skeleton.bones[name]
        inner = rotation(bone.axes, bone.freedom, values.get(name, np.zeros((frames, 0))))
        turns[name] = turns[parent] @ inner
        ends[name] = ends[parent] + turns[name] @ (bone.direction * bone.length)
    return np.stack([ends[name] for name in ("root", *skeleton.parents)], axis=1) * skeleton.metres
