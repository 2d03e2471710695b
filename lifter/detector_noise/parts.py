"""What the measuring and the making of detectors' errors share: kinds of joints, joints' own axes, swapped sides."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifter import joints

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# Left and right err alike, mirrored: what is known of a joint is known of its kind.
KINDS = ("pelvis", "hip", "knee", "ankle", "spine", "thorax", "neck", "head", "shoulder", "elbow", "wrist")
KIND_OF = tuple(KINDS.index(name.split("_")[-1]) for name in joints.NAMES)
# The joints whose sides are confused together.
LIMBS = {"legs": (1, 2, 3, 4, 5, 6), "arms": (11, 12, 13, 14, 15, 16)}
# +1 left, -1 right, 0 in the middle.
SIDE = np.array([{"left": 1, "right": -1}.get(side, 0) for side in joints.SIDES], np.float64)
# Knees, ankles, elbows, wrists: parents before children. Their own axis is the bone they end, and who loses the parent
# loses them too.
HINGED = (2, 3, 5, 6, 12, 13, 15, 16)
AXES = ("along", "outward", "ahead")


def of_kind(kind: int) -> list[int]:
    """The joints of a kind, by its number."""
    return [joint for joint, of in enumerate(KIND_OF) if of == kind]


def joint_axes(positions: NDArray[Any], keypoints: NDArray[Any]) -> Doubles:
    """Return each joint's own axes as the picture shows them: (..., 17, 3, 2), in the picture's unit per metre.

    `along` is up the trunk, or for knees, ankles, elbows and wrists on along their bone; `outward` is to the body's
    own side (nothing for joints in the middle), `ahead` is where the body faces. An error that a detector makes
    because it means another place of the body is constant in them.

    Args:
        positions: (..., 17, 3) metres, camera axes.
        keypoints: (..., 17, 2) the same joints in the picture, any unit, turned as the positions are.
    """
    body = np.asarray(positions, np.float64)
    up = _unit(body[..., 8, :] - body[..., 0, :])
    left = body[..., 4, :] - body[..., 1, :] + body[..., 11, :] - body[..., 14, :]
    left = _unit(left - (left * up).sum(-1, keepdims=True) * up)
    ahead = np.cross(left, up)
    along = np.repeat(up[..., None, :], len(joints.NAMES), axis=-2)
    hinged = list(HINGED)
    along[..., hinged, :] = _unit(body[..., hinged, :] - body[..., [joints.PARENTS[j] for j in hinged], :])
    outward = left[..., None, :] * SIDE[:, None]
    axes = np.stack([along, outward, np.broadcast_to(ahead[..., None, :], along.shape)], axis=-2)
    return np.asarray(axes[..., :2] * _scale(body, np.asarray(keypoints, np.float64))[..., None, None, None])


def _scale(positions: Doubles, keypoints: Doubles) -> Doubles:
    """Picture units per metre (...), by least squares over the joints."""
    metres = positions[..., :2] - positions[..., :1, :2]
    seen = keypoints - keypoints[..., :1, :]
    return np.asarray((metres * seen).sum((-1, -2)) / np.maximum(np.square(metres).sum((-1, -2)), 1e-9))


def _unit(vectors: Doubles) -> Doubles:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))
