"""From places of joints to rotations of bones: swings that are seen, twists as far as bending tells them.

Places of joints say where a bone points, not how it is turned about itself. What is done about the twist:

- pelvis: its frame is the line through the hips and, square to it, the trunk; thorax: the trunk and, square to it,
  the line through the shoulders; the spine between them takes half of what one is turned against the other.
- thigh and upper arm: knee and elbow are hinges, so the plane in which they are bent tells the twist; the straighter
  they are, the less it is believed against no twist at all, and the twist is calmed over time.
- all others (shin, foot, forearm, hand, neck, head, collar bones): no twist, the shortest way from the bone before.

All of it treats left and right as mirror images, and turns with the body.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from lifter import joints
from pipeline.export.skeleton import INDEX, NODES, PARENTS, Node

Doubles = NDArray[np.float64]

_J = {name: index for index, name in enumerate(joints.NAMES)}
_BENT = 0.1  # squared sine of a bend that counts as much as no twist at all: 18 degrees
_CALM_S = 0.15  # seconds over which the twist is calmed
_TINY = 1e-9


def world_rotations(positions: Doubles, fps: float) -> Doubles:
    """Return (T, N, 3, 3): every node's rotation from the rest pose, in the axes of the room.

    Every bone's way at rest is taken exactly onto where it points.

    Args:
        positions: (T, 17, 3) metres in the axes of the room.
        fps: frames a second, for the time over which twists are calmed.
    """
    turns = np.empty((len(positions), len(NODES), 3, 3))
    hips, shoulders = (positions[:, _J[f"left_{j}"]] - positions[:, _J[f"right_{j}"]] for j in ("hip", "shoulder"))
    trunk = positions[:, _J["thorax"]] - positions[:, _J["spine"]]
    pelvis = _frame(hips, positions[:, _J["spine"]] - positions[:, _J["pelvis"]], exact="left")
    thorax = _frame(shoulders, trunk, exact="up")
    turns[:, INDEX["pelvis"]], turns[:, INDEX["thorax"]] = pelvis, thorax
    between = Rotation.from_matrix(_transposed(pelvis) @ thorax).as_rotvec() / 2
    middle = pelvis @ Rotation.from_rotvec(between).as_matrix()
    for index, (node, parent) in enumerate(zip(NODES, PARENTS, strict=True)):
        if node.name in ("pelvis", "thorax"):
            continue
        before = middle if node.name == "spine" else turns[:, parent]
        turns[:, index] = before if node.end is None else _swung(node, before, positions)
        if node.hinge is not None and node.end is not None:
            bone, following = positions[:, node.end] - positions[:, node.joint], _next_bone(node, positions)
            turns[:, index] = turns[:, index] @ _twist(node, turns[:, index], bone, following, fps)
    return turns


def local_rotations(world: Doubles) -> Doubles:
    """Return (T, N, 3, 3): every node's rotation in the axes of its parent, of those in the room's."""
    local = world.copy()
    for index, parent in enumerate(PARENTS):
        if parent >= 0:
            local[:, index] = _transposed(world[:, parent]) @ world[:, index]
    return local


def swing(way: Doubles, to: Doubles) -> Doubles:
    """Return (T, 3, 3): the shortest rotations of a unit vector (3,) without a y onto unit vectors (T, 3)."""
    axis, cosine = np.cross(way, to), to @ way
    cross = np.cross(np.eye(3), axis[:, None])  # rows e_i x axis: the matrix of axis x
    turn = np.eye(3) + cross + cross @ cross / np.maximum(1 + cosine, _TINY)[:, None, None]
    # Onto its opposite all ways are equally short; the one about y is its own mirror image.
    opposite = np.diag([-1.0, 1.0, -1.0])
    return np.where((cosine < -1 + 1e-7)[:, None, None], opposite, turn)


def quaternions(local: Doubles) -> Doubles:
    """Return (T, N, 4) x y z w of rotations (T, N, 3, 3), with signs that do not jump from frame to frame."""
    made = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_quat().reshape(*local.shape[:2], 4)
    flips = np.where((made[1:] * made[:-1]).sum(axis=-1) < 0, -1.0, 1.0)
    signs = np.cumprod(np.concatenate([np.where(made[:1, :, 3] < 0, -1.0, 1.0), flips]), axis=0)
    signed: Doubles = made * signs[..., None]
    return signed


def euler_angles(local: Doubles, order: str) -> Doubles:
    """Return (T, 3) degrees of rotations (T, 3, 3), in the order given, each frame as near to the last as can be.

    Args:
        local: rotations.
        order: three of XYZ; the first named turns last, as in BVH: R = R_first R_second R_third.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # at 90 degrees of the middle one many angles say the same
        one = Rotation.from_matrix(local).as_euler(order)  # type: ignore[call-overload]  # any three axes are right
    # Every rotation has a second set of angles; as one set moves from frame to frame, so does the other.
    two = np.stack([one[:, 0] + np.pi, np.pi - one[:, 1], one[:, 2] + np.pi], axis=-1)
    changes = _apart(two[1:], one[:-1]) < _apart(one[1:], one[:-1])
    second = np.cumsum(np.concatenate([[False], changes])) % 2 == 1
    return np.degrees(np.unwrap(np.where(second[:, None], two, one), axis=0))


def _apart(angles: Doubles, others: Doubles) -> Doubles:
    """Return (T,) how far sets of angles (T, 3) are apart, radians squared, whole turns aside."""
    away = np.angle(np.exp(1j * (angles - others)))
    return np.asarray((away**2).sum(axis=-1))


def _swung(node: Node, before: Doubles, positions: Doubles) -> Doubles:
    """Turn the frame before (T, 3, 3) the shortest way until the node's bone points where the pose says."""
    way = np.array(node.way, np.float64)
    bone = positions[:, node.end] - positions[:, node.joint]
    return before @ swing(way, _unit(np.einsum("tji,tj->ti", before, bone), way))


def _next_bone(node: Node, positions: Doubles) -> Doubles:
    """Return (T, 3): the bone that follows a node's."""
    (after,) = [other for other in NODES if other.parent == node.name]
    following: Doubles = positions[:, after.end] - positions[:, after.joint]
    return following


def _twist(node: Node, turns: Doubles, bone: Doubles, following: Doubles, fps: float) -> Doubles:
    """Return (T, 3, 3): rotations about a bone at rest that bring its hinge to where the next bone bends about it."""
    way, hinge = np.array(node.way, np.float64), np.array(node.hinge, np.float64)
    bend = np.cross(_unit(bone, way), _unit(following, way))  # as long as the sine of the bend
    seen = np.einsum("tji,tj->ti", turns, bend)
    parts = np.stack([seen @ hinge, seen @ np.cross(way, hinge)], axis=-1)
    size = np.linalg.norm(parts, axis=-1, keepdims=True)
    if node.name.endswith("hip"):
        size = np.maximum(parts[:, :1], 0)  # a knee that seems to bend forwards says nothing
    calm = gaussian_filter1d(parts * size, _CALM_S * fps, axis=0, mode="nearest")
    angle = np.arctan2(calm[:, 1], calm[:, 0] + _BENT)
    return Rotation.from_rotvec(angle[:, None] * way).as_matrix()


def _frame(left: Doubles, up: Doubles, exact: str) -> Doubles:
    """Return (T, 3, 3) with the columns left, back, up, of ways (T, 3) of which one is kept and the other squared."""
    x, z = _unit(left, np.array([1.0, 0, 0])), _unit(up, np.array([0, 0, 1.0]))
    aside = np.eye(3)[np.abs(x).argmin(axis=-1)]
    back = _unit(np.cross(z, x), _unit(np.cross(aside, x), aside))
    if exact == "left":
        z = np.cross(x, back)
    else:
        x = np.cross(back, z)
    return np.stack([x, back, z], axis=-1)


def _unit(vectors: Doubles, otherwise: Doubles) -> Doubles:
    """Return (T, 3) of length one; a vector of no length becomes the other one given."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(length > _TINY, vectors / np.maximum(length, _TINY), otherwise)


def _transposed(matrices: Doubles) -> Doubles:
    return np.swapaxes(matrices, -1, -2)
