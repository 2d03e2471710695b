"""Anybody's skeleton to the 17 joints, by the names of its joints: Mixamo, CMU, SMPL, Biped, Rigify and their like."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from lifter.datasets.mocap.packed import Floats, canonical, lengthen_forearms
from lifter.errors import LifterError

Doubles = NDArray[np.float64]

# Part of a limb -> what its joint is called in skeletons whose bones are named after the joint they begin at; first
# come, first taken. "LeftShoulder" is the collar bone where there is a "LeftArm" too.
STARTS = {
    "hip": ("upleg", "upperleg", "thigh", "hip", "femur", "hipjoint"),
    "knee": ("knee", "leg", "lowerleg", "shin", "calf", "tibia", "loleg"),
    "ankle": ("ankle", "foot"),
    "shoulder": ("arm", "upperarm", "uparm", "shldr", "humerus", "shoulder"),
    "elbow": ("elbow", "forearm", "lowerarm", "loarm", "radius"),
    "wrist": ("wrist", "hand"),
}
# The same where bones are named after what they are, and end at the joint (Acclaim's ASF).
ENDS = {
    "hip": ("hipjoint",), "knee": ("femur",), "ankle": ("tibia",),
    "shoulder": ("clavicle",), "elbow": ("humerus",), "wrist": ("radius",),
}  # fmt: skip
# The joint between neck and skull, and the top of the head.
NECKS = {"starts": ("head",), "ends": ("upperneck", "lowerneck")}
HEADS = {"starts": ("headend", "headtopend", "headtop", "headnub", "endhead"), "ends": ("head",)}
SIDES = {"left": ("left", "l"), "right": ("right", "r")}
# Of the trunk, hips' to shoulders' middle: how far the skull's joint is above it, and the head's top above that.
NECK_OF_TRUNK, HEAD_OF_TRUNK = 0.33, 0.31
SHORT_FOREARM = 0.75  # of the upper arm: the "wrist" lies well up the forearm
# Metres in a unit: m, dm, cm, mm, inches, feet, and CMU's scaled inches.
UNITS = (1.0, 0.1, 0.01, 0.001, 0.0254, 0.3048, 0.0254 / 0.45)
LEG = 0.84  # metres, thigh and shin of an adult
FARTHEST = 1000.0  # metres
LARGEST = 1e9  # of a file's numbers, whatever their unit
# Up axis of a file -> (axes, signs) of the turn to z up.
TURNS = {
    "z": ((0, 1, 2), (1, 1, 1)), "-z": ((0, 1, 2), (1, -1, -1)),
    "y": ((0, 2, 1), (1, -1, 1)), "-y": ((0, 2, 1), (1, 1, -1)),
    "x": ((1, 2, 0), (1, 1, 1)), "-x": ((2, 1, 0), (1, 1, -1)),
}  # fmt: skip


@dataclass(frozen=True)
class Tracks:
    """What a motion-capture file says: where J named joints are, (T, J, 3), in its own unit and axes.

    Attributes:
        names: J names, unique.
        positions: (T, J, 3) float64.
        fps: frames a second.
        named: `starts` where a name means the joint its bone begins at (BVH), `ends` where it ends (ASF).
    """

    names: tuple[str, ...]
    positions: Doubles
    fps: float
    named: str = "starts"


def to_joints(tracks: Tracks, up: str = "auto", unit: float | None = None) -> Floats:
    """Bring a file's joints (T, J, 3) to ours: (T, 17, 3) float32 metres, z up.

    The trunk is defined as in every set (`canonical`); wrists that lie up the forearm are moved out, as in the
    collected sets; neck and head, where they are missing, follow the trunk.

    Args:
        tracks: from `read_bvh` or `read_asf_amc`.
        up: the file's axis that points up: x, y, z, -x, -y, -z; `auto` takes the one along which heads are above feet.
        unit: metres in the file's unit; None guesses by the legs, which are an adult's.

    Raises:
        LifterError: the skeleton is not understood, or no person's.
    """
    if not np.abs(tracks.positions).max() < LARGEST:
        raise LifterError("skeleton: places beyond all bounds; is the file damaged?")
    found = find_joints(tracks.names, tracks.named)
    made = np.zeros((len(tracks.positions), len(joints.NAMES), 3))
    for joint, index in found.items():
        made[:, joints.NAMES.index(joint)] = tracks.positions[:, index]
    _derive_trunk(made, found)
    leg = float(np.mean([np.linalg.norm(made[:, j] - made[:, j - 1], axis=-1) for j in (2, 3, 5, 6)])) * 2
    if not leg > 0:
        raise LifterError("skeleton: its legs have no length")
    scale = unit or min(UNITS, key=lambda metres: abs(np.log(metres * leg / LEG)))
    if unit is None and not 0.4 < leg * scale < 1.6:
        raise LifterError(f"skeleton: legs of {leg:.4g} units; say with --unit how many metres a unit is")
    axes, signs = TURNS[find_up(made) if up == "auto" else up]
    upright = np.asarray(made[..., axes] * signs * scale, np.float32)
    if not np.abs(upright).max() < FARTHEST:
        raise LifterError(f"skeleton: it goes farther than {FARTHEST:.0f} m; is the file damaged, or its --unit wrong?")
    upper, fore = (np.linalg.norm(upright[:, b] - upright[:, a], axis=-1).mean() for a, b in ((11, 12), (12, 13)))
    return canonical(lengthen_forearms(upright) if fore < SHORT_FOREARM * upper else upright)


def find_joints(names: Sequence[str], named: str = "starts") -> dict[str, int]:
    """Say which of a skeleton's joints are ours: our name -> index.

    Raises:
        LifterError: a joint of the limbs is not among them; the line names those that are.
    """
    plain = simplified(names)
    index = {name: number for number, name in reversed(list(enumerate(plain)))}
    found: dict[str, int] = {}
    for part, words in (STARTS if named == "starts" else ENDS).items():
        for side, marks in SIDES.items():
            asked = [spelled for word in words for mark in marks for spelled in (mark + word, word + mark)]
            found |= _first(f"{side}_{part}", asked, index)
    found |= _first("neck", NECKS[named], index) | _first("head", HEADS[named], index)
    missing = [name for name in joints.NAMES if "_" in name and name not in found]
    if missing:
        shown = ", ".join(names[:60]) + (", ..." if len(names) > 60 else "")
        raise LifterError(f"skeleton not understood: no {', '.join(missing)} among its joints {shown}")
    return found


def _first(joint: str, asked: Sequence[str], index: Mapping[str, int]) -> dict[str, int]:
    return next(({joint: index[name]} for name in asked if name in index), {})


def simplified(names: Sequence[str]) -> list[str]:
    """Return names as letters and digits in lower case, without a name space or what they all begin with."""
    plain = [re.sub(r"[^a-z0-9]", "", name.lower().rsplit(":", 1)[-1]) for name in names]
    shared = os.path.commonprefix(plain) if len(plain) > 1 else ""
    return [name.removeprefix(shared) for name in plain]


def find_up(positions: Doubles) -> str:
    """Say which axis points up in (T, 17, 3): the one along which shoulders are above ankles."""
    rise = (positions[:, [11, 14]].mean(axis=1) - positions[:, [3, 6]].mean(axis=1)).mean(axis=0)
    axis = int(np.abs(rise).argmax())
    return ("" if rise[axis] > 0 else "-") + "xyz"[axis]


def _derive_trunk(made: Doubles, found: Mapping[str, int]) -> None:
    """Fill in, in place, pelvis, neck and head as far as they are missing; spine and thorax are `canonical`'s."""
    made[:, 0] = (made[:, 1] + made[:, 4]) / 2
    shoulders = (made[:, 11] + made[:, 14]) / 2
    trunk = shoulders - made[:, 0]
    if "neck" not in found:
        made[:, 9] = shoulders + NECK_OF_TRUNK * trunk
    # Files end a head in a point of no length as often as in its top.
    at_the_neck = np.linalg.norm(made[:, 10] - made[:, 9], axis=-1).mean() < 0.1 * np.linalg.norm(trunk, axis=-1).mean()
    if "head" not in found or at_the_neck:
        direction = made[:, 9] - shoulders
        direction /= np.maximum(np.linalg.norm(direction, axis=-1, keepdims=True), 1e-9)
        made[:, 10] = made[:, 9] + HEAD_OF_TRUNK * np.linalg.norm(trunk, axis=-1, keepdims=True) * direction
