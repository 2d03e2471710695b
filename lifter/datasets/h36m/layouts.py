"""Joint layouts of the published 2D detections of Human3.6M, each brought to the 17 joints name by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifter import joints

Floats = NDArray[np.floating[Any]]
Named = dict[str, Floats]

COCO_17: tuple[str, ...] = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
MPII_16: tuple[str, ...] = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "pelvis", "thorax",
    "upper_neck", "head_top", "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow",
    "left_wrist",
)  # fmt: skip
# The same places, taught Human3.6M's joints: what was MPII's thorax is its spine, the upper neck its thorax.
HOURGLASS_16: tuple[str, ...] = tuple(
    {"thorax": "spine", "upper_neck": "thorax", "head_top": "head"}.get(name, name) for name in MPII_16
)
# Sideways share of the spine's bend that the trunk's four corners understate.
_BEND = 0.3


@dataclass(frozen=True)
class Layout:
    """One way of laying out keypoints.

    Attributes:
        names: of its joints, in their order.
        words: how it becomes Human3.6M's 17, for the reader of the prepared set.
        convert: joints by name to joints by Human3.6M's names.
    """

    names: tuple[str, ...]
    words: str
    convert: Callable[[Named], Named]

    @property
    def symmetry(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Joints of the left side and of the right side, pair by pair."""
        left = [index for index, name in enumerate(self.names) if name.startswith("left_")]
        right = [self.names.index(self.names[index].replace("left_", "right_")) for index in left]
        return tuple(left), tuple(right)


def layout_of(source: str, metadata: object) -> Layout:
    """Recognise the layout by what the file says of its joints: their number, the left ones and the right ones.

    Both Stacked Hourglass files say the same; the one whose name has `pt_mpii` was never taught Human3.6M.

    Args:
        source: name of the 2D source, as in `data_2d_h36m_SOURCE.npz`.
        metadata: the file's `metadata`: `num_joints` and `keypoints_symmetry`.

    Raises:
        ValueError: no such metadata, or a layout that is not known.
    """
    if not isinstance(metadata, Mapping):
        raise ValueError("metadata: a dict wanted")
    number, pairs = metadata.get("num_joints"), metadata.get("keypoints_symmetry")
    if not isinstance(number, int | np.integer) or not isinstance(pairs, list | tuple) or len(pairs) != 2:
        raise ValueError("metadata: num_joints, and keypoints_symmetry with a left and a right list wanted")
    left, right = (sorted(int(joint) for joint in side) for side in pairs)
    for key, layout in LAYOUTS.items():
        # As sets: the published lists of the 16 joints do not stand pair by pair.
        if (len(layout.names), left, right) == (number, *map(sorted, layout.symmetry)):
            return LAYOUTS["mpii"] if key == "hourglass" and "pt_mpii" in source else layout
    raise ValueError(f"metadata: {number} joints with the left ones {left[:9]} are no layout known here")


def to_h36m(keypoints: Floats, layout: Layout) -> Floats:
    """Bring (..., J, 2) keypoints of a layout to (..., 17, 2) in Human3.6M's order."""
    named = layout.convert({name: keypoints[..., index, :] for index, name in enumerate(layout.names)})
    made: Floats = np.stack([named[name] for name in joints.NAMES], axis=-2)
    return made


def _from_h36m(named: Named) -> Named:
    return named


def _from_hourglass(named: Named) -> Named:
    return {**named, "neck": (named["thorax"] + named["head"]) / 2}


def _from_mpii(named: Named) -> Named:
    corners = [named[name] for name in ("left_hip", "right_hip", "left_shoulder", "right_shoulder")]
    return {
        **named, "spine": np.mean(corners, axis=0), "neck": named["upper_neck"], "head": named["head_top"],
    }  # fmt: skip


def _from_coco(named: Named) -> Named:
    """Thorax, neck and head from nose, eyes, ears and shoulders, along the trunk, so that any posture is served.

    The rules of MHFormer and GAST-Net with their vertical terms taken along the trunk; what lifts films in this
    project does the same.
    """
    hips, shoulders, eyes, ears = (
        (named[f"left_{part}"] + named[f"right_{part}"]) / 2 for part in ("hip", "shoulder", "eye", "ear")
    )
    nose, trunk = named["nose"], shoulders - hips
    length = np.linalg.norm(trunk, axis=-1, keepdims=True)
    up = trunk / np.where(length > 0, length, 1)
    across = np.stack([-up[..., 1], up[..., 0]], axis=-1)
    nod, face = _along(eyes - nose, up), (eyes + ears) / 2
    head = face + _along(2 * eyes - nose - face, up)
    thorax = (2 * shoulders + nose) / 3 - 2 / 3 * nod
    corners = (hips + shoulders) / 2
    spine = corners + _BEND * _along(corners - (hips + thorax) / 2, across)
    return {
        **named, "pelvis": hips, "spine": spine, "thorax": thorax, "neck": (3 * nose + shoulders) / 4, "head": head,
    }  # fmt: skip


def _along(part: Floats, axis: Floats) -> Floats:
    """Return the share of (..., 2) vectors that lies along unit vectors."""
    share: Floats = (part * axis).sum(axis=-1, keepdims=True) * axis
    return share


LAYOUTS: dict[str, Layout] = {
    "h36m": Layout(joints.NAMES, "Human3.6M's 17 joints as they are", _from_h36m),
    "coco": Layout(COCO_17, "COCO's 17 joints: limbs as they are, trunk and head derived", _from_coco),
    "hourglass": Layout(
        HOURGLASS_16, "16 joints fine-tuned on Human3.6M: the neck, which they lack, midway from thorax to head",
        _from_hourglass,
    ),
    "mpii": Layout(
        MPII_16, "MPII's 16 joints: thorax, neck and head top as MPII has them, the spine amid the trunk's corners",
        _from_mpii,
    ),
}  # fmt: skip
