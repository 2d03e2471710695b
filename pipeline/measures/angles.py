"""Joint angles by their clinical names, as far as the places of 17 joints can tell them.

Hips follow the joint coordinate system of Grood and Suntay (1983) that the International Society of Biomechanics
recommends (Wu et al. 2002), shoulders the one of Wu et al. 2005; `pipeline/measures/README.md` has a line on each. A
limb's turn about its own length is not seen in places of joints, so no angle here is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from pipeline.view.angles import ANGLES as INNER
from pipeline.view.angles import inner_angles

Doubles = NDArray[np.float64]

_SHORTEST = 1e-6  # metres; what is shorter points nowhere
_PLANE = np.sin(np.radians(15.0))  # elevation from hanging, or from straight up, below which it has no plane


@dataclass(frozen=True)
class Angle:
    """One angle.

    Attributes:
        name: left_knee_flexion and the like; degrees.
        part: the part of the body (`pipeline.view.trust.PARTS`) whose joints it needs; empty for the trunk.
        mirror: its name in the mirror.
        flips: the mirror also changes its sign.
    """

    name: str
    part: str
    mirror: str
    flips: bool = False


def _both(name: str, limb: str) -> list[Angle]:
    sides = (("left", "right"), ("right", "left"))
    return [Angle(f"{side}_{name}", f"{side} {limb}", f"{other}_{name}") for side, other in sides]


ANGLES: tuple[Angle, ...] = (
    *_both("hip_flexion", "leg"), *_both("hip_abduction", "leg"), *_both("knee_flexion", "leg"),
    *_both("shoulder_elevation", "arm"), *_both("shoulder_plane", "arm"), *_both("elbow_flexion", "arm"),
    Angle("trunk_lean_forward", "", "trunk_lean_forward"),
    Angle("trunk_lean_right", "", "trunk_lean_right", flips=True),
    Angle("trunk_turn_left", "", "trunk_turn_left", flips=True),
)  # fmt: skip
NAMES: tuple[str, ...] = tuple(angle.name for angle in ANGLES)


def joint_angles(positions: NDArray[np.floating], up: NDArray[np.floating]) -> Doubles:
    """Return (..., 15) degrees in the order of `ANGLES`; NaN where an angle is not defined.

    Args:
        positions: (..., 17, 3) in any unit, in right-handed axes.
        up: (3,) against gravity, in the same axes.
    """
    body = np.asarray(positions, np.float64)
    trunk = _unit(_at(body, "thorax") - _at(body, "pelvis"))
    hips = _unit(_at(body, "right_hip") - _at(body, "left_hip"))
    shoulders = _unit(_at(body, "right_shoulder") - _at(body, "left_shoulder"))
    inner = dict(zip(INNER, np.moveaxis(inner_angles(body), -1, 0), strict=True))
    made: dict[str, Doubles] = {}
    for side in ("left", "right"):
        thigh = _unit(_at(body, f"{side}_knee") - _at(body, f"{side}_hip"))
        made[f"{side}_hip_flexion"], made[f"{side}_hip_abduction"] = _hip(thigh, trunk, hips, side)
        made[f"{side}_knee_flexion"] = 180 - inner["knee", side]
        arm = _unit(_at(body, f"{side}_elbow") - _at(body, f"{side}_shoulder"))
        made[f"{side}_shoulder_elevation"], made[f"{side}_shoulder_plane"] = _shoulder(arm, trunk, shoulders, side)
        made[f"{side}_elbow_flexion"] = 180 - inner["elbow", side]
    lean = _lean(trunk, ahead(body, up), np.asarray(up, np.float64))
    made["trunk_lean_forward"], made["trunk_lean_right"] = lean
    made["trunk_turn_left"] = _turn(trunk, hips, shoulders)
    return np.stack([made[name] for name in NAMES], axis=-1)


def ahead(positions: Doubles, up: NDArray[np.floating]) -> Doubles:
    """Return the way a body faces along the floor, unit (..., 3): square to the mean of its hips and shoulders."""
    hips = _at(positions, "right_hip") - _at(positions, "left_hip")
    shoulders = _at(positions, "right_shoulder") - _at(positions, "left_shoulder")
    upward = np.asarray(up, np.float64) / np.linalg.norm(up)
    return _unit(np.cross(upward, _unit(hips) + _unit(shoulders)))


def _hip(thigh: Doubles, trunk: Doubles, hips: Doubles, side: str) -> tuple[Doubles, Doubles]:
    """Return flexion and abduction of a thigh: about the line of the hips, and out of the plane square to it."""
    upward = _unit(trunk - _dot(trunk, hips)[..., None] * hips)
    forward = np.cross(upward, hips)
    flexion = np.degrees(np.arctan2(_dot(thigh, forward), -_dot(thigh, upward)))
    outward = _dot(thigh, hips) * (1 if side == "right" else -1)
    return flexion, np.degrees(np.arcsin(np.clip(outward, -1, 1)))


def _shoulder(arm: Doubles, trunk: Doubles, shoulders: Doubles, side: str) -> tuple[Doubles, Doubles]:
    """Return how far an upper arm is raised from hanging along the trunk, and in which plane: 0 aside, 90 forward."""
    outward = _unit(shoulders - _dot(shoulders, trunk)[..., None] * trunk)
    forward = np.cross(trunk, outward)
    outward = outward * (1 if side == "right" else -1)
    forth, out = _dot(arm, forward), _dot(arm, outward)
    aside = np.hypot(forth, out)
    elevation = np.degrees(np.arctan2(aside, -_dot(arm, trunk)))
    return elevation, np.where(aside > _PLANE, np.degrees(np.arctan2(forth, out)), np.nan)


def _lean(trunk: Doubles, forward: Doubles, up: Doubles) -> tuple[Doubles, Doubles]:
    """Return how far the trunk leans forward and to the right of the vertical, as it faces."""
    upward = up / np.linalg.norm(up)
    right = np.cross(forward, upward)
    fore = np.degrees(np.arctan2(_dot(trunk, forward), trunk @ upward))
    return fore, np.degrees(np.arcsin(np.clip(_dot(trunk, right), -1, 1)))


def _turn(trunk: Doubles, hips: Doubles, shoulders: Doubles) -> Doubles:
    """Return how far the line of the shoulders is turned to the left of that of the hips, about the trunk."""
    turn: Doubles = np.degrees(np.arctan2(_dot(np.cross(hips, shoulders), trunk), _dot(
        hips - _dot(hips, trunk)[..., None] * trunk, shoulders - _dot(shoulders, trunk)[..., None] * trunk
    )))  # fmt: skip
    return turn


def _at(body: Doubles, name: str) -> Doubles:
    place: Doubles = body[..., joints.NAMES.index(name), :]
    return place


def _dot(one: Doubles, other: Doubles) -> Doubles:
    product: Doubles = (one * other).sum(axis=-1)
    return product


def _unit(ways: Doubles) -> Doubles:
    """Return ways (..., 3) of length one; NaN where they point nowhere."""
    lengths = np.linalg.norm(ways, axis=-1, keepdims=True)
    return np.where(lengths > _SHORTEST, ways / np.maximum(lengths, _SHORTEST), np.nan)
