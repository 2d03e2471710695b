"""The skeleton of the files: Human3.6M's joints as a tree of nodes that turn, and its rest pose.

A node turns everything below it. Where several bones begin at one joint and do not move as one, as the hips and the
trunk at the pelvis, each has a node of its own there, at no distance from the joint's first: so every bone can point
where the pose says. The rest pose stands upright with the arms out to the sides and faces the camera: in the axes of
the room (`pipeline.export.axes`) the body's left is +x, its back +y, up +z.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from pipeline.height import standing_height

Doubles = NDArray[np.float64]
Way = tuple[int, int, int]

_LEFT, _RIGHT, _UP, _DOWN = (1, 0, 0), (-1, 0, 0), (0, 0, 1), (0, 0, -1)
# Stubs behind the last joints, of the standing height: ankle to sole, wrist to the middle of the hand (Winter,
# *Biomechanics and Motor Control of Human Movement*), and a head that ends where its joint is.
ANKLE, _HAND, _CROWN = 0.039, 0.054, 0.01


@dataclass(frozen=True)
class Node:
    """A node of the tree.

    Attributes:
        name: the joint's, or of a further node at the joint.
        parent: the name of the node that it hangs on; empty for the root.
        joint: where it is, of Human3.6M's 17.
        end: the joint its bone leads to; None where the tree ends or the node is a frame for several bones.
        way: where the bone points at rest.
        hinge: the axis at rest about which the next bone bends; None where no bending tells the twist.
        order: in which its Euler angles turn: the one that goes farthest first or last, the least in the middle,
            so that the middle one stays away from 90 degrees, where the others would jump.
        stub: length of what is drawn behind a last joint, of the standing height.
    """

    name: str
    parent: str
    joint: int
    end: int | None
    way: Way
    hinge: Way | None = None
    order: str = "YXZ"
    stub: float = 0.0


def _leg(side: str, hip: int, out: Way) -> tuple[Node, ...]:
    return (
        Node(f"{side}_pelvis", "pelvis", 0, hip, out),
        Node(f"{side}_hip", f"{side}_pelvis", hip, hip + 1, _DOWN, hinge=_LEFT, order="XZY"),
        Node(f"{side}_knee", f"{side}_hip", hip + 1, hip + 2, _DOWN, order="XZY"),
        Node(f"{side}_ankle", f"{side}_knee", hip + 2, None, _DOWN, order="XZY", stub=ANKLE),
    )


def _arm(side: str, shoulder: int, out: Way, hinge: Way) -> tuple[Node, ...]:
    return (
        Node(f"{side}_clavicle", "thorax", 8, shoulder, out),
        Node(f"{side}_shoulder", f"{side}_clavicle", shoulder, shoulder + 1, out, hinge=hinge, order="ZYX"),
        Node(f"{side}_elbow", f"{side}_shoulder", shoulder + 1, shoulder + 2, out, order="YZX"),
        Node(f"{side}_wrist", f"{side}_elbow", shoulder + 2, None, out, order="YZX", stub=_HAND),
    )


# Parents before their children, every node's children together: the order in which BVH wants them.
NODES: tuple[Node, ...] = (
    Node("pelvis", "", 0, None, _UP),
    *_leg("right", 1, _RIGHT),
    *_leg("left", 4, _LEFT),
    Node("lower_back", "pelvis", 0, 7, _UP),
    Node("spine", "lower_back", 7, 8, _UP),
    Node("thorax", "spine", 8, None, _UP),
    Node("lower_neck", "thorax", 8, 9, _UP),
    Node("neck", "lower_neck", 9, 10, _UP),
    Node("head", "neck", 10, None, _UP, stub=_CROWN),
    *_arm("left", 11, _LEFT, _DOWN),
    *_arm("right", 14, _RIGHT, _UP),
)
INDEX = {node.name: index for index, node in enumerate(NODES)}
PARENTS: tuple[int, ...] = tuple(INDEX.get(node.parent, -1) for node in NODES)
# The first node at each joint.
AT_JOINT: tuple[int, ...] = tuple(next(i for i, node in enumerate(NODES) if node.joint == j) for j in range(17))


def rest_offsets(positions: Doubles) -> tuple[Doubles, Doubles]:
    """Return where every node is at rest, from its parent, and where its stub ends, from itself.

    Args:
        positions: (T, 17, 3) metres with bones of one length each.

    Returns:
        (N, 3) and (N, 3) metres in the axes of the room; a node without a stub has zeros in the second.
    """
    lengths = [
        0.0 if parent < 0 else float(np.median(np.linalg.norm(positions[:, joint] - positions[:, parent], axis=-1)))
        for joint, parent in enumerate(joints.PARENTS)
    ]
    tall = standing_height(positions)
    offsets, stubs = np.zeros((len(NODES), 3)), np.zeros((len(NODES), 3))
    for index, node in enumerate(NODES):
        above = NODES[PARENTS[index]]
        if node.parent and above.end == node.joint:
            offsets[index] = lengths[node.joint] * np.array(above.way)
        stubs[index] = node.stub * tall * np.array(node.way)
    return offsets, stubs


def forward(offsets: Doubles, root: Doubles, local: Doubles) -> Doubles:
    """Return the places of all nodes, by forward kinematics.

    Args:
        offsets: (N, 3) from each node's parent, at rest.
        root: (T, 3) where the first node is.
        local: (T, N, 3, 3) every node's rotation in the axes of its parent.

    Returns:
        (T, N, 3).
    """
    places, turns = np.zeros((*local.shape[:2], 3)), np.empty_like(local)
    for index, parent in enumerate(PARENTS):
        if parent < 0:
            places[:, index], turns[:, index] = root, local[:, index]
        else:
            places[:, index] = places[:, parent] + turns[:, parent] @ offsets[index]
            turns[:, index] = turns[:, parent] @ local[:, index]
    return places
