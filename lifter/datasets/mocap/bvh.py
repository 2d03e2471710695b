"""Biovision's BVH: a skeleton and the angles of its joints, frame by frame; read into places of joints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.mocap.skeleton_map import Tracks
from lifter.errors import LifterError

Doubles = NDArray[np.float64]
AXES = ("X", "Y", "Z")
# What taking a file with anything at all in it apart may raise.
BROKEN = (OSError, ArithmeticError, ValueError, LookupError, RecursionError, MemoryError)


@dataclass(frozen=True)
class Node:
    """A joint: its parent's index (-1: none), its place in the parent's axes, and its channels in their order."""

    name: str
    parent: int
    offset: Doubles
    channels: tuple[str, ...]


def read_bvh(path: Path) -> Tracks:
    """Read a file; joints in the order of the file, the ends of chains as "<last joint>_end".

    Raises:
        LifterError: not such a file, or damaged.
    """
    try:
        head, _, motion = path.read_text(encoding="utf-8", errors="replace").partition("MOTION")
        nodes = read_hierarchy(head)
        channels = sum(len(node.channels) for node in nodes)
        refuse_still(len(nodes), channels)
        values, fps = read_motion(motion, channels)
        with np.errstate(over="ignore", invalid="ignore"):  # `to_joints` refuses what comes out of it
            return Tracks(tuple(node.name for node in nodes), places(nodes, values), fps)
    except BROKEN as error:
        raise LifterError(f"{path}: cannot be read as BVH ({' '.join(str(error).split())[:200]})") from error


def read_hierarchy(text: str) -> list[Node]:
    """Take the part before MOTION apart.

    Raises:
        ValueError: it is none.
    """
    words = iter(text.split())
    if next(words, "") != "HIERARCHY":
        raise ValueError("it does not begin with HIERARCHY")
    nodes: list[Node] = []
    open_: list[int] = []  # the joints whose braces are open
    for word in words:
        if word in ("ROOT", "JOINT", "End"):
            name = " ".join(iter(lambda: next(words, "{"), "{"))
            name = f"{nodes[open_[-1]].name}_end" if word == "End" else name
            nodes.append(Node(name, open_[-1] if open_ else -1, np.zeros(3), ()))
            open_.append(len(nodes) - 1)
        elif word == "}":
            open_.pop()
        elif word == "OFFSET":
            offset = np.array([float(next(words, "")) for _ in range(3)])
            nodes[open_[-1]] = replace(nodes[open_[-1]], offset=offset)
        elif word == "CHANNELS":
            count = int(next(words, ""))
            channels = tuple(next(words, "").capitalize() for _ in range(min(count, 7)))
            if unknown := [str(count)] * (count > 6) + [
                c for c in channels if c[:1] not in AXES or c[1:] not in ("position", "rotation")
            ]:
                raise ValueError(f"channel {unknown[0]!r}")
            nodes[open_[-1]] = replace(nodes[open_[-1]], channels=channels)
        else:
            raise ValueError(f"unexpected {word[:40]!r}")
    if open_ or not nodes or not all(np.isfinite(node.offset).all() for node in nodes):
        raise ValueError("braces that do not close, or offsets that are not finite")
    return nodes


def refuse_still(joints: int, channels: int) -> None:
    """Refuse skeletons of which hardly anything moves: a small file of many joints and frames would fill the memory.

    Raises:
        ValueError: it is one; real ones have about as many channels as joints, or three times as many.
    """
    if joints > 4 * channels:
        raise ValueError(f"{joints} joints with {channels} channels in all")


def read_motion(text: str, channels: int) -> tuple[Doubles, float]:
    """Take the part behind MOTION apart: (T, channels) values and the frame rate.

    Raises:
        ValueError: it is none.
    """
    lines = text.strip().splitlines()
    said = {key.strip().lower(): value for key, _, value in (line.partition(":") for line in lines[:2])}
    if set(said) != {"frames", "frame time"}:
        raise ValueError("behind MOTION it does not say Frames and Frame Time")
    frames, seconds = int(said["frames"]), float(said["frame time"])
    values = np.array(" ".join(lines[2:]).split(), np.float64)
    if frames < 1 or values.size != frames * channels:
        raise ValueError(f"{frames} frames of {channels} channels announced, {values.size} numbers there")
    if not np.isfinite(values).all() or not 0.001 <= seconds <= 1:
        raise ValueError(f"numbers that are not finite, or a frame time of {seconds} s")
    return values.reshape(frames, channels), rate(1 / seconds)


def rate(fps: float) -> float:
    """The whole number a frame rate means: frame times are written with few digits (0.008333 is 120 Hz)."""
    whole = round(fps)
    return float(whole) if abs(fps - whole) < 0.002 * fps else fps


def places(nodes: list[Node], values: Doubles) -> Doubles:
    """Where the joints are (T, J, 3), from the channels (T, channels): rotations in the order the file names them.

    A joint's position channels stand in for its offset.
    """
    made = np.zeros((len(values), len(nodes), 3))
    turns = np.zeros((len(values), len(nodes), 3, 3))
    at = 0
    for index, node in enumerate(nodes):
        place = np.tile(node.offset, (len(values), 1))
        turn = np.tile(np.eye(3), (len(values), 1, 1))
        for channel in node.channels:
            axis = AXES.index(channel[0])
            if channel.endswith("position"):
                place[:, axis] = values[:, at]
            else:
                turn = turn @ about(axis, np.radians(values[:, at]))
            at += 1
        if node.parent >= 0:
            place = made[:, node.parent] + np.einsum("tij,tj->ti", turns[:, node.parent], place)
            turn = turns[:, node.parent] @ turn
        made[:, index], turns[:, index] = place, turn
    return made


def about(axis: int, angles: Doubles) -> Doubles:
    """Return (T, 3, 3) the rotations by angles (T,), radians, about axis 0, 1 or 2."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    made = np.tile(np.eye(3), (len(angles), 1, 1))
    made[:, i, i] = made[:, j, j] = np.cos(angles)
    made[:, i, j], made[:, j, i] = -np.sin(angles), np.sin(angles)
    return made
