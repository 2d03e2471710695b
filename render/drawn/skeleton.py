"""The drawn person's skeleton: bone lengths of a real body, and joints from posture by forward and inverse kinematics.

Axes of the world and of a body at heading 0: x forward, y to the person's left, z up; metres, radians.
Joints are Human3.6M's 17; `neck` lies in the middle of the head, at the height of the nose, `head` is its top.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

JOINTS = (
    "pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "spine", "thorax",
    "neck", "head", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist",
)  # fmt: skip
PARENTS = (0, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
INDEX = {name: index for index, name in enumerate(JOINTS)}
SIDES = ("right", "left")
SIGNS = (-1.0, 1.0)  # y of each side


@dataclass(frozen=True)
class Skeleton:
    """Bone lengths in metres of a person of 1.72 m (means of anthropometric tables); `scaled` makes other sizes."""

    hip: float = 0.102
    thigh: float = 0.430
    shank: float = 0.425
    ankle_height: float = 0.085
    lower_spine: float = 0.250
    upper_spine: float = 0.265
    neck: float = 0.130
    head: float = 0.140
    shoulder_side: float = 0.165
    shoulder_down: float = 0.030
    upper_arm: float = 0.285
    forearm: float = 0.250

    def scaled(self, height: float) -> Skeleton:
        """Return the same body `height` metres tall; ValueError unless 0.5 <= height <= 2.5."""
        if not 0.5 <= height <= 2.5:
            raise ValueError(f"height: {height} m, expected 0.5 to 2.5")
        return Skeleton(**{name: value * height / 1.72 for name, value in vars(self).items()})

    @property
    def leg(self) -> float:
        """Hip to ankle with a straight knee, metres."""
        return self.thigh + self.shank


@dataclass
class Posture:
    """What moves: T frames of pelvis, ankles and joint angles (metres, radians; sides are right, left).

    Attributes:
        pelvis: (T, 3) in the world; ankles: (T, 2, 3) in the world.
        turn: (T, 3) yaw (to the left), pitch (forward), roll (to the right) of the pelvis.
        spine: (T, 3) yaw, pitch, roll of the thorax against the pelvis.
        nod: (T,) pitch of neck and head against the thorax.
        arms: (T, 2, 4) flexion (forward), abduction (sideways), external twist of the upper arm; elbow flexion.
    """

    pelvis: Floats
    ankles: Floats
    turn: Floats
    spine: Floats
    nod: Floats
    arms: Floats


def rotation(axis: int, angle: Floats) -> Floats:
    """Return (T, 3, 3) right-handed rotations about axis 0, 1 or 2 (x, y, z) by `angle` (T,) radians."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.zeros((len(angle), 3, 3))
    matrix[:, axis, axis] = 1
    matrix[:, i, i] = matrix[:, j, j] = np.cos(angle)
    matrix[:, j, i] = np.sin(angle)
    matrix[:, i, j] = -np.sin(angle)
    return matrix


def posture_to_joints(posture: Posture, skeleton: Skeleton) -> NDArray[np.float32]:
    """Return the joints (T, 17, 3) float32 metres of a posture; every bone keeps its length in every frame."""
    frames = len(posture.pelvis)
    joints = np.zeros((frames, 17, 3))
    pelvis_axes = _yaw_pitch_roll(posture.turn)
    middle_axes = pelvis_axes @ _yaw_pitch_roll(posture.spine * 0.5)
    thorax_axes = pelvis_axes @ _yaw_pitch_roll(posture.spine)
    head_axes = thorax_axes @ rotation(1, posture.nod)
    joints[:, 0] = posture.pelvis
    for name, parent, axes, bone in (
        ("spine", "pelvis", middle_axes, (0, 0, skeleton.lower_spine)),
        ("thorax", "spine", thorax_axes, (0, 0, skeleton.upper_spine)),
        # The neck leans forward of the spine, the head sits upright on it.
        ("neck", "thorax", head_axes, (0.2 * skeleton.neck, 0, 0.98**0.5 * skeleton.neck)),
        ("head", "neck", head_axes, (-0.05 * skeleton.head, 0, 0.9975**0.5 * skeleton.head)),
    ):
        joints[:, INDEX[name]] = joints[:, INDEX[parent]] + axes @ np.array(bone)
    for side, (name, sign) in enumerate(zip(SIDES, SIGNS, strict=True)):
        _arm(joints, thorax_axes, posture.arms[:, side], skeleton, name, sign)
        hip = joints[:, 0] + pelvis_axes @ np.array([0, sign * skeleton.hip, 0])
        # Knees and toes point a little outward.
        pole = pelvis_axes @ np.array([np.cos(0.14), sign * np.sin(0.14), 0])
        knee, ankle = bend_leg(hip, posture.ankles[:, side], pole, skeleton)
        for joint, place in (("hip", hip), ("knee", knee), ("ankle", ankle)):
            joints[:, INDEX[f"{name}_{joint}"]] = place
    return joints.astype(np.float32)


def bend_leg(hip: Floats, ankle: Floats, pole: Floats, skeleton: Skeleton) -> tuple[Floats, Floats]:
    """Return knee and ankle (T, 3) of legs from `hip` to `ankle` whose knees point along `pole` (law of cosines).

    An ankle out of reach is drawn back along the line to the hip.
    """
    thigh, shank = skeleton.thigh, skeleton.shank
    reach = ankle - hip
    distance = np.linalg.norm(reach, axis=-1, keepdims=True)
    direction = reach / distance
    distance = np.clip(distance, abs(thigh - shank) + 0.01, 0.9999 * (thigh + shank))
    along = (thigh**2 - shank**2 + distance**2) / (2 * distance)
    side = pole - (pole * direction).sum(-1, keepdims=True) * direction
    side /= np.linalg.norm(side, axis=-1, keepdims=True)
    knee = hip + along * direction + np.sqrt(thigh**2 - along**2) * side
    return knee, hip + distance * direction


def _arm(joints: Floats, thorax_axes: Floats, angles: Floats, skeleton: Skeleton, name: str, sign: float) -> None:
    """Write shoulder, elbow and wrist of one side into `joints` (T, 17, 3); `angles` are (T, 4)."""
    flexion, abduction, twist, elbow = angles.T
    # A raised arm lifts its shoulder about the base of the neck.
    lift = 0.25 * np.maximum(abduction - 0.5, 0) + 0.12 * np.maximum(flexion - 0.8, 0)
    girdle = thorax_axes @ rotation(0, sign * lift)
    shoulder = joints[:, INDEX["thorax"]] + girdle @ np.array(
        [0, sign * skeleton.shoulder_side, -skeleton.shoulder_down]
    )
    upper = thorax_axes @ rotation(0, sign * abduction) @ rotation(1, -flexion) @ rotation(2, sign * twist)
    lower = upper @ rotation(1, -elbow)
    joints[:, INDEX[f"{name}_shoulder"]] = shoulder
    joints[:, INDEX[f"{name}_elbow"]] = shoulder - skeleton.upper_arm * upper[..., 2]
    joints[:, INDEX[f"{name}_wrist"]] = shoulder - skeleton.upper_arm * upper[..., 2] - skeleton.forearm * lower[..., 2]


def _yaw_pitch_roll(angles: Floats) -> Floats:
    """Return (T, 3, 3) rotations of (T, 3) angles, yaw applied last."""
    yaw, pitch, roll = angles.T
    return rotation(2, yaw) @ rotation(1, pitch) @ rotation(0, roll)
