"""A tiny motion-capture set of a known motion, in every form that is read: to test the readers and to try them.

The person walks on the spot of a moving, turning root: legs and arms swing by hinges, the trunk leans. `places` says
by sines and cosines alone where every joint is; the files say the same in their own way.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from lifter.errors import LifterError

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

FORMS = ("npz", "bvh", "asf_amc")
FPS = 50.0
PEOPLE = ("anna", "bela", "cleo", "dora")  # dora tests, cleo validates
# Metres; the trunk from the hips' middle to the shoulders' middle.
HIP, THIGH, SHIN, TRUNK, NECK, HEAD, SHOULDER, UPPER_ARM, FOREARM = 0.09, 0.42, 0.41, 0.5, 0.16, 0.15, 0.17, 0.28, 0.25
ASF_UNIT = 0.0254 / 0.45  # metres


def write_tiny_mocap(folder: Path, form: str = "npz", frames: int = 150, seed: int = 0) -> list[Path]:
    """Write a tiny set; train, validation and test all come out of it. Return its files.

    Raises:
        LifterError: an unknown form.
    """
    writers = {"npz": _write_npz, "bvh": _write_bvh, "asf_amc": _write_asf_amc}
    if form not in writers:
        raise LifterError(f"form: {', '.join(FORMS)} wanted, got {form!r}")
    folder.mkdir(parents=True, exist_ok=True)
    return writers[form](folder, frames, seed)


def motion(frames: int, number: int, seed: int = 0) -> dict[str, Doubles]:
    """The angles (T,), radians, and the root's path (T, 3), metres and z up, of recording `number`.

    `yaw` turns about the vertical, `lean` brings the trunk forward; `thigh`, `shin`, `arm` and `forearm` of the
    `left_` and `right_` side are measured from hanging straight down, forward positive.
    """
    random = np.random.default_rng([seed, number])
    stride, arc = random.uniform(0.3, 0.5), random.uniform(-1, 1)
    seconds = np.arange(frames) / FPS
    phase = 2 * np.pi * seconds * random.uniform(0.8, 1.2) + random.uniform(0, 2 * np.pi)
    made = {
        "yaw": random.uniform(-np.pi, np.pi) + arc * np.sin(seconds),
        "lean": 0.1 + 0.1 * np.sin(0.7 * phase),
        "path": np.stack([0.5 * np.sin(seconds), 0.3 * seconds, 0.9 + 0.02 * np.cos(2 * phase)], axis=1),
    }
    for side, shift in (("left", 0.0), ("right", np.pi)):
        made[f"{side}_thigh"] = stride * np.sin(phase + shift)
        made[f"{side}_shin"] = made[f"{side}_thigh"] - 0.4 * (1 + np.cos(phase + shift))
        made[f"{side}_arm"] = -0.8 * made[f"{side}_thigh"]
        made[f"{side}_forearm"] = made[f"{side}_arm"] + 0.5
    return made


def places(moved: dict[str, Doubles]) -> Floats:
    """Where the joints are: (T, 17, 3) metres, z up, by plain geometry."""
    yaw, root = moved["yaw"], moved["path"]
    zero = np.zeros_like(yaw)
    left = np.stack([np.cos(yaw), np.sin(yaw), zero], axis=1)
    ahead = np.stack([np.sin(yaw), -np.cos(yaw), zero], axis=1)
    up = np.array([0.0, 0.0, 1.0])

    def swung(angle: Doubles) -> Doubles:
        return np.asarray(np.sin(angle)[:, None] * ahead - np.cos(angle)[:, None] * up)

    trunk = np.sin(moved["lean"])[:, None] * ahead + np.cos(moved["lean"])[:, None] * up
    made = np.zeros((len(yaw), 17, 3))
    made[:, 0] = root
    for side, sign, hip, shoulder in (("left", 1, 4, 11), ("right", -1, 1, 14)):
        made[:, hip] = root + sign * HIP * left
        made[:, hip + 1] = made[:, hip] + THIGH * swung(moved[f"{side}_thigh"])
        made[:, hip + 2] = made[:, hip + 1] + SHIN * swung(moved[f"{side}_shin"])
        made[:, shoulder] = root + TRUNK * trunk + sign * SHOULDER * left
        made[:, shoulder + 1] = made[:, shoulder] + UPPER_ARM * swung(moved[f"{side}_arm"])
        made[:, shoulder + 2] = made[:, shoulder + 1] + FOREARM * swung(moved[f"{side}_forearm"])
    made[:, 8] = root + (TRUNK + NECK / 4) * trunk
    made[:, 7] = (made[:, 0] + made[:, 8]) / 2
    made[:, 9] = root + (TRUNK + NECK) * trunk
    made[:, 10] = root + (TRUNK + NECK + HEAD) * trunk
    return made.astype(np.float32)


def _write_npz(folder: Path, frames: int, seed: int) -> list[Path]:
    """Two sets, one with z up and one with y up, named so that `split_of` finds every split in them."""
    sets = {
        "uiprmd_50fps": ["m01_s01_e01_positions", "m02_s02_e01_positions", "m03_s09_e01", "m04_s10_e01_positions"],
        "cmu_daz_01-14_50fps": ["01/01_01", "10/10_01", "13/13_01"],
    }
    files = []
    for stem, names in sets.items():
        world = np.concatenate([places(motion(frames, number, seed)) for number in range(len(names))])
        if not stem.startswith("uiprmd"):
            world = np.stack([world[..., 0], world[..., 2], -world[..., 1]], axis=-1)
        arrays: dict[str, Any] = {
            "pos": np.round(1000 * world).astype(np.int16),
            "lens": np.full(len(names), frames, np.int32),
            "names": np.array(names),
            "fps": np.array(FPS),
        }
        files.append(folder / f"{stem}.npz")
        with files[-1].open("wb") as file:
            np.savez(file, **arrays)
    return files


def recordings(form: str) -> list[tuple[str, str, int]]:
    """What the forms of own files hold: (person, name, number of its `motion`)."""
    per_person = 2
    return [
        (person, f"walk_{take + 1}" if form == "bvh" else f"{person}_walk_{take + 1}", who * per_person + take)
        for who, person in enumerate(PEOPLE)
        for take in range(per_person)
    ]


def _path_y_up(moved: dict[str, Doubles]) -> Doubles:
    x, y, z = moved["path"].T
    return np.stack([x, z, -y], axis=1)


def _hinges(moved: dict[str, Doubles]) -> dict[str, Doubles]:
    """Turns about each joint's own x axis that points left, y up: forward is a negative turn of what hangs."""
    hinges = {"lean": moved["lean"]}
    for side in ("left", "right"):
        hinges[f"{side}_thigh"] = -moved[f"{side}_thigh"]
        hinges[f"{side}_shin"] = moved[f"{side}_thigh"] - moved[f"{side}_shin"]
        hinges[f"{side}_arm"] = -moved[f"{side}_arm"] - moved["lean"]
        hinges[f"{side}_forearm"] = moved[f"{side}_arm"] - moved[f"{side}_forearm"]
    return hinges


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


def _write_bvh(folder: Path, frames: int, seed: int) -> list[Path]:
    """Centimetres, y up, in a folder for each person."""
    files = []
    for person, name, number in recordings("bvh"):
        moved = motion(frames, number, seed)
        lines, columns = ["HIERARCHY"], [100 * _path_y_up(moved)]
        _bvh_joint(_bvh_tree(), {**_hinges(moved), "yaw": moved["yaw"]}, lines, columns, "")
        values = np.concatenate(columns, axis=1)
        lines += ["MOTION", f"Frames: {frames}", f"Frame Time: {1 / FPS:.6f}"]
        lines += [" ".join(f"{value:.6f}" for value in row) for row in values]
        files.append(_write_text(folder / person / f"{name}.bvh", lines))
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


def _write_asf_amc(folder: Path, frames: int, seed: int) -> list[Path]:
    """CMU's scaled inches, degrees, y up; a skeleton and two motions in a folder for each person."""
    files = []
    for person, name, number in recordings("asf_amc"):
        moved = motion(frames, number, seed)
        files.append(_write_text(folder / person / f"{person}.asf", _asf_lines()))
        columns = {"root": np.concatenate([_path_y_up(moved) / ASF_UNIT, _about_y(moved["yaw"])], axis=1)}
        hinges = _hinges(moved)
        for bone, (_, _, _, axis, turn) in ASF_BONES.items():
            if turn:
                columns[bone] = _asf_angles(hinges[turn], axis)
        lines = ["#!OML:ASF", ":FULLY-SPECIFIED", ":DEGREES"]
        for frame in range(frames):
            lines.append(str(frame + 1))
            lines += [f"{bone} " + " ".join(f"{value:.7f}" for value in rows[frame]) for bone, rows in columns.items()]
        files.append(_write_text(folder / person / f"{name}.amc", lines))
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


def _write_text(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
