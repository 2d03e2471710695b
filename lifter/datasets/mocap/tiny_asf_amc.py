"""The tiny motion-capture set as ASF and AMC files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from lifter.datasets.mocap.tiny_motion import (
    FOREARM,
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
ASF_UNIT = 0.0254 / 0.45  # metres

# A bone of the ASF: parent, direction, length in metres, axis in degrees, what turns it.
ASF_BONES: dict[str, tuple[str, tuple[float, float, float], float, tuple[float, float, float], str]] = {
    "lhipjoint": ("root", (1, 0, 0), HIP, (0, 0, 0), ""),
    "lfemur": ("lhipjoint", (0, -1, 0), THIGH, (0, 0, 20), "left_thigh"),
    "ltibia": ("lfemur", (0, -1, 0), SHIN, (0, 30, 20), "left_shin"),
    "rhipjoint": ("root", (-1, 0, 0), HIP, (0, 0, 0), ""),
    "rfemur": ("rhipjoint", (0, -1, 0), THIGH, (0, 0, -20), "right_thigh"),
    "rtibia": ("rfemur", (0, -1, 0), SHIN, (0, 0, 0), "right_shin"),
    "lowerback": ("root", (0, 1, 0), 0.2, (0, 0, 0), "lean"),
    "upperback": ("lowerback", (0, 1, 0), 0.2, (0, 0, 0), ""),
    "thorax": ("upperback", (0, 1, 0), TRUNK - 0.4, (0, 0, 0), ""),
    "lowerneck": ("thorax", (0, 1, 0), NECK / 2, (0, 0, 0), ""),
    "upperneck": ("lowerneck", (0, 1, 0), NECK / 2, (0, 0, 0), ""),
    "head": ("upperneck", (0, 1, 0), HEAD, (0, 0, 0), ""),
    "lclavicle": ("thorax", (1, 0, 0), SHOULDER, (0, 0, 0), ""),
    "lhumerus": ("lclavicle", (0, -1, 0), UPPER_ARM, (180, 30, 90), "left_arm"),
    "lradius": ("lhumerus", (0, -1, 0), FOREARM, (0, 0, 0), "left_forearm"),
    "rclavicle": ("thorax", (-1, 0, 0), SHOULDER, (0, 0, 0), ""),
    "rhumerus": ("rclavicle", (0, -1, 0), UPPER_ARM, (180, -30, -90), "right_arm"),
    "rradius": ("rhumerus", (0, -1, 0), FOREARM, (0, 0, 0), "right_forearm"),
}


def write_tiny_asf_amc(folder: Path, frames: int, seed: int) -> list[Path]:
    """CMU's scaled inches, degrees, y up; a skeleton and two motions in a folder for each person."""
    files = []
    for person, name, number in recordings("asf_amc"):
        moved = motion(frames, number, seed)
        files.append(write_text(folder / person / f"{person}.asf", _asf_lines()))
        columns = {"root": np.concatenate([path_y_up(moved) / ASF_UNIT, _about_y(moved["yaw"])], axis=1)}
        hinges = hinges_of(moved)
        for bone, (_, _, _, axis, turn) in ASF_BONES.items():
            if turn:
                columns[bone] = _asf_angles(hinges[turn], axis)
        lines = ["#!OML:ASF", ":FULLY-SPECIFIED", ":DEGREES"]
        for frame in range(frames):
            lines.append(str(frame + 1))
            lines += [f"{bone} " + " ".join(f"{value:.7f}" for value in rows[frame]) for bone, rows in columns.items()]
        files.append(write_text(folder / person / f"{name}.amc", lines))
    return files


def _about_y(yaw: Doubles) -> Doubles:
    return np.stack([np.zeros_like(yaw), np.degrees(yaw), np.zeros_like(yaw)], axis=1)


def _asf_angles(hinge: Doubles, axis: tuple[float, float, float]) -> Doubles:
    """Degrees of rx, ry, rz that turn a bone by `hinge` about x, when its angles are about axes turned by `axis`."""
    axes = Rotation.from_euler("xyz", axis, degrees=True)
    inner = axes.inv() * Rotation.from_rotvec(hinge[:, None] * [1.0, 0.0, 0.0]) * axes
    return np.asarray(inner.as_euler("xyz", degrees=True))


def _asf_lines() -> list[str]:
    lines = [":version 1.10", ":name tiny", ":units", "  mass 1.0", "  length 0.45", "  angle deg"]
    lines += [":root", "  order TX TY TZ RX RY RZ", "  axis XYZ", "  position 0 0 0", "  orientation 0 0 0"]
    lines += [":bonedata"]
    for number, (name, (_, direction, length, axis, turn)) in enumerate(ASF_BONES.items(), 1):
        lines += ["  begin", f"    id {number}", f"    name {name}"]
        lines += [f"    direction {' '.join(map(str, direction))}", f"    length {length / ASF_UNIT:.8f}"]
        lines += [f"    axis {' '.join(map(str, axis))} XYZ"]
        lines += ["    dof rx ry rz", "    limits (-180 180)", "      (-180 180)", "      (-180 180)"] if turn else []
        lines += ["  end"]
    children: dict[str, list[str]] = {}
    for name, (parent, *_) in ASF_BONES.items():
        children.setdefault(parent, []).append(name)
    return [*lines, ":hierarchy", "  begin", *(f"    {p} {' '.join(c)}" for p, c in children.items()), "  end"]
