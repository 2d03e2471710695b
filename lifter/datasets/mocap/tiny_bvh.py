"""The tiny motion-capture set as BVH files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.mocap.tiny_motion import (
    FOREARM,
    FPS,
    HEAD,
    HIP,
    NECK,
    SHIN,
    SHOULDER,
    THIGH,
    TRUNK,
    UPPER_ARM,
    hinges_of,
    motion,
    path_y_up,
    recordings,
    write_text,
)

Doubles = NDArray[np.float64]

# A joint of the BVH: name, offset in metres (y up, z ahead, x left), what turns it, its children.
Branch = tuple[str, tuple[float, float, float], str, list[Any]]


def _bvh_tree() -> Branch:
    def leg(side: str, sign: int) -> Branch:
        toe: Branch = ("", (0, -0.05, 0.15), "", [])
        foot: Branch = (f"{side}Foot", (0, -SHIN, 0), "none", [toe])
        shin: Branch = (f"{side}Leg", (0, -THIGH, 0), f"{side.lower()}_shin", [foot])
        return f"{side}UpLeg", (sign * HIP, 0, 0), f"{side.lower()}_thigh", [shin]

    def arm(side: str, sign: int) -> Branch:
        finger: Branch = ("", (0, -0.15, 0), "", [])
        hand: Branch = (f"{side}Hand", (0, -FOREARM, 0), "none", [finger])
        fore: Branch = (f"{side}ForeArm", (0, -UPPER_ARM, 0), f"{side.lower()}_forearm", [hand])
        upper: Branch = (f"{side}Arm", (sign * (SHOULDER - 0.05), 0.04, 0), f"{side.lower()}_arm", [fore])
        return f"{side}Shoulder", (sign * 0.05, TRUNK - 0.24, 0), "none", [upper]

    top: Branch = ("", (0, HEAD, 0), "", [])
    neck: Branch = ("Neck", (0, TRUNK - 0.15, 0), "none", [("Head", (0, NECK - 0.05, 0), "none", [top])])
    spine: Branch = ("Spine1", (0, 0.2, 0), "none", [neck, arm("Left", 1), arm("Right", -1)])
    trunk: Branch = ("Spine", (0, 0, 0), "lean", [spine])
    return "Hips", (0, 0, 0), "yaw", [leg("Left", 1), leg("Right", -1), trunk]


def write_tiny_bvh(folder: Path, frames: int, seed: int) -> list[Path]:
    """Centimetres, y up, in a folder for each person."""
    files = []
    for person, name, number in recordings("bvh"):
        moved = motion(frames, number, seed)
        lines, columns = ["HIERARCHY"], [100 * path_y_up(moved)]
        _bvh_joint(_bvh_tree(), {**hinges_of(moved), "yaw": moved["yaw"]}, lines, columns, "")
        values = np.concatenate(columns, axis=1)
        lines += ["MOTION", f"Frames: {frames}", f"Frame Time: {1 / FPS:.6f}"]
        lines += [" ".join(f"{value:.6f}" for value in row) for row in values]
        files.append(write_text(folder / person / f"{name}.bvh", lines))
    return files


def _bvh_joint(branch: Branch, turns: dict[str, Doubles], lines: list[str], columns: list[Doubles], pad: str) -> None:
    name, offset, turn, children = branch
    place = f"{pad}\tOFFSET " + " ".join(f"{100 * value:.6f}" for value in offset)
    if not name:
        lines += [f"{pad}End Site", f"{pad}{{", place, f"{pad}}}"]
        return
    root = not pad
    frames = len(turns["yaw"])
    about_y = turn == "yaw"
    angles = np.degrees(turns.get(turn, np.zeros(frames)))
    zero = np.zeros(frames)
    # Channels in the usual order Z, X, Y.
    columns.append(np.stack([zero, zero if about_y else angles, angles if about_y else zero], axis=1))
    channels = "6 Xposition Yposition Zposition" if root else "3"
    lines += [f"{pad}{'ROOT' if root else 'JOINT'} {name}", f"{pad}{{", place]
    lines += [f"{pad}\tCHANNELS {channels} Zrotation Xrotation Yrotation"]
    for child in children:
        _bvh_joint(child, turns, lines, columns, pad + "\t")
    lines.append(f"{pad}}}")
