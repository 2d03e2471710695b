"""Biovision's BVH: the rest pose as a tree of offsets, then a line of angles a frame."""

from __future__ import annotations

import numpy as np

from pipeline.export.axes import Axes
from pipeline.export.motion import Motion
from pipeline.export.rotations import euler_angles
from pipeline.export.skeleton import NODES, PARENTS, Doubles


def to_bvh(motion: Motion, axes: Axes, _title: str) -> bytes:
    """Return the file of one person; frames in which they are not seen hold the last pose.

    Args:
        motion: one person at an even frame rate.
        axes: of the file.
    """
    (body,) = motion.bodies()
    turned, root = axes.turned(body.local), axes.points(body.root)
    orders = [_letters(node.order, axes) for node in NODES]
    angles = [euler_angles(turned[:, index], order) for index, order in enumerate(orders)]
    rows = np.concatenate([root, *angles], axis=1)
    lines = ["HIERARCHY"]
    _write_node(lines, 0, 0, axes.points(body.offsets), axes.points(body.stubs), orders)
    lines += ["MOTION", f"Frames: {len(rows)}", f"Frame Time: {1 / motion.fps:.9f}"]
    lines += [" ".join(f"{number:.6f}" for number in row) for row in rows.tolist()]
    return ("\n".join(lines) + "\n").encode("ascii")


def _write_node(lines: list[str], index: int, depth: int, offsets: Doubles, stubs: Doubles, orders: list[str]) -> None:
    """Add a node and all below it to the lines of the hierarchy."""
    node, children = NODES[index], [child for child, parent in enumerate(PARENTS) if parent == index]
    tab = "\t" * depth
    channels = ["Xposition", "Yposition", "Zposition"] if not node.parent else []
    channels += [f"{axis}rotation" for axis in orders[index]]
    lines += [
        f"{tab}{'JOINT' if node.parent else 'ROOT'} {node.name}",
        f"{tab}{{",
        f"{tab}\tOFFSET {_numbers(offsets[index])}",
        f"{tab}\tCHANNELS {len(channels)} {' '.join(channels)}",
    ]
    for child in children:
        _write_node(lines, child, depth + 1, offsets, stubs, orders)
    if not children:
        lines += [f"{tab}\tEnd Site", f"{tab}\t{{", f"{tab}\t\tOFFSET {_numbers(stubs[index])}", f"{tab}\t}}"]
    lines.append(f"{tab}}}")


def _letters(order: str, axes: Axes) -> str:
    """Return an order that is meant for y up, with the names that its axes have in the file."""
    return order.translate(str.maketrans("YZ", "ZY")) if axes.up == "z" else order


def _numbers(vector: Doubles) -> str:
    return " ".join(f"{number:.6f}" for number in vector.tolist())
