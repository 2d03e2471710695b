"""NPZ and JSON: places, and the skeleton with its rotations, as arrays and as a document that says what it is."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from lifter import joints
from pipeline.export.axes import Axes
from pipeline.export.motion import Motion
from pipeline.export.rotations import quaternions
from pipeline.export.skeleton import NODES, PARENTS

FORMAT, VERSION = "motion-lift", 1
SCHEMA = Path(__file__).with_name("motion.schema.json")


def to_npz(motion: Motion, axes: Axes, _title: str) -> bytes:
    """Return the arrays; loads with `allow_pickle=False`."""
    bodies = motion.bodies()
    arrays: dict[str, Any] = {
        "positions": axes.points(motion.positions).astype(np.float32),
        "valid": motion.valid,
        "timestamps": motion.seconds,
        "joints": np.array(joints.NAMES),
        "people": motion.people,
        "scores": motion.scores.astype(np.float32),
        "repairs": motion.repairs,
        "nodes": np.array([node.name for node in NODES]),
        "node_parents": np.array(PARENTS),
        "node_joints": np.array([node.joint for node in NODES]),
        "offsets": np.stack([axes.points(body.offsets) for body in bodies]).astype(np.float32),
        "root": np.stack([axes.points(body.root) for body in bodies]).astype(np.float32),
        "rotations": np.stack([quaternions(axes.turned(body.local)) for body in bodies]).astype(np.float32),
        "format": np.array(f"{FORMAT} {VERSION}"),
        **{name: np.array(value) for name, value in axes.told().items()},
    }
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def to_json(motion: Motion, axes: Axes, title: str) -> bytes:
    """Return the document that `motion.schema.json` describes; null where a person is not seen."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "title": title,
        "space": axes.told(),
        "fps": motion.fps,
        "times_s": np.round(motion.seconds, 6).tolist(),
        "joints": [{"name": name, "parent": parent} for name, parent in zip(joints.NAMES, joints.PARENTS, strict=True)],
        "nodes": [
            {"name": node.name, "parent": parent, "joint": node.joint}
            for node, parent in zip(NODES, PARENTS, strict=True)
        ],
        "people": [_person(motion.only(row), axes) for row in range(len(motion.people))],
    }
    return (json.dumps(document, separators=(",", ":")) + "\n").encode("utf-8")


def _person(motion: Motion, axes: Axes) -> dict[str, Any]:
    """Return what the document says of one person."""
    (body,) = motion.bodies()
    frames = {
        "positions": np.round(axes.points(motion.positions[0]), 6),
        "scores": np.round(motion.scores[0], 4),
        "repairs": motion.repairs[0],
        "rotations": np.round(quaternions(axes.turned(body.local)), 6),
    }
    seen = motion.valid[0].tolist()
    told = {
        name: [row if there else None for row, there in zip(values.tolist(), seen, strict=True)]
        for name, values in frames.items()
    }
    return {"person": int(motion.people[0]), "offsets": np.round(axes.points(body.offsets), 6).tolist(), **told}
