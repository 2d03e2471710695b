"""A small body for glTF: a stick for every bone at rest, pointed like the bones that animation programs draw."""

from __future__ import annotations

import numpy as np

from pipeline.export.skeleton import NODES, PARENTS, Doubles, forward

_SHOULDER, _THICKEST, _SLIM = 0.2, 0.035, 0.12  # of its length, metres, of its length
# A stick's four corners, then its triangles: 4 corners about the shoulder, 4 head, 5 tail; all wound outwards.
_CORNERS = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], np.float64)
_TRIANGLES = np.array([[4, 1, 0], [4, 2, 1], [4, 3, 2], [4, 0, 3], [5, 0, 1], [5, 1, 2], [5, 2, 3], [5, 3, 0]])


def rest_places(offsets: Doubles, stubs: Doubles) -> Doubles:
    """Return (N, 3) metres: where the nodes of a rest pose are whose lowest end stands on the floor."""
    local = np.tile(np.eye(3), (1, len(NODES), 1, 1))
    places: Doubles = forward(offsets, np.zeros((1, 3)), local)[0]
    places[:, 2] -= (places + stubs)[:, 2].min()
    return places


def sticks(places: Doubles, stubs: Doubles, side: str) -> tuple[Doubles, Doubles, np.ndarray]:
    """Return the triangles of one side's sticks at rest.

    Args:
        places: (N, 3) of the nodes.
        stubs: (N, 3) from each node to an end drawn behind it, or zeros.
        side: left, right or center.

    Returns:
        Corners (3 M, 3), normals (3 M, 3), and the node that each moves with (3 M,).
    """
    corners, nodes = [], []
    for index, node in enumerate(NODES):
        if side != (node.name.split("_")[0] if node.name.startswith(("left_", "right_")) else "center"):
            continue
        ends = [places[child] for child, parent in enumerate(PARENTS) if parent == index]
        tails = [end for end in [*ends, places[index] + stubs[index]] if np.linalg.norm(end - places[index]) > 1e-3]
        for tail in tails:
            corners.append(_stick(places[index], tail))
            nodes.append(np.full(len(_TRIANGLES) * 3, index))
    together = np.concatenate(corners)
    faces = together.reshape(-1, 3, 3)
    across = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])
    normals = np.repeat(across / np.linalg.norm(across, axis=-1, keepdims=True), 3, axis=0)
    return together, normals, np.concatenate(nodes)


def _stick(head: Doubles, tail: Doubles) -> Doubles:
    """Return (24, 3), the corners of a stick's triangles."""
    length = float(np.linalg.norm(tail - head))
    way = (tail - head) / length
    one = np.cross(way, np.eye(3)[np.abs(way).argmin()])
    one /= np.linalg.norm(one)
    thick = min(_THICKEST, _SLIM * length)
    about = head + _SHOULDER * (tail - head) + thick * _CORNERS @ np.stack([one, np.cross(way, one)]) / np.sqrt(2)
    points: Doubles = np.concatenate([about, head[None], tail[None]])[_TRIANGLES.ravel()]
    return points
