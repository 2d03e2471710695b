"""One length for each bone of a person: the lifter says where bones point, the whole film how long they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lifter import joints


def hold_bones(positions: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Give every bone of every person its median length over the film, left and right alike; directions stay.

    Args:
        positions: (P, T, 17, 3) metres, pelvis 0, Human3.6M's joints.
        valid: (P, T).

    Returns:
        (P, T, 17, 3) float32; frames that are not valid stay as they are.
    """
    held = positions.copy()
    for person, seen in enumerate(valid):
        if seen.any():
            held[person, seen] = _hold(positions[person, seen])
    return held


def _hold(positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rebuild (T, 17, 3) from the pelvis outwards."""
    parents = np.array(joints.PARENTS[1:])
    bones = positions[:, 1:] - positions[:, parents]
    lengths = np.linalg.norm(bones, axis=-1)
    typical = np.concatenate([[0.0], np.median(lengths, axis=0)])
    typical = (typical + typical[list(joints.MIRROR)]) / 2
    held = positions.copy()
    for joint, parent in enumerate(joints.PARENTS):
        if parent >= 0:  # parents come before their children
            way = bones[:, joint - 1] / np.maximum(lengths[:, joint - 1, None], 1e-6)
            held[:, joint] = held[:, parent] + typical[joint] * way
    return held
