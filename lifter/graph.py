"""The skeleton graph and its three-way partition by distance to the root (paper, Eq. 9 and 10)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def hops_to_root(parents: Sequence[int]) -> NDArray[np.int64]:
    """Return (V,) the number of bones between every joint and the root of the tree.

    The true distance matters: limiting it to one hop, as a widely copied implementation does, loses the
    difference between parent and child everywhere except at the root.
    """
    hops = np.zeros(len(parents), np.int64)
    for joint, parent in enumerate(parents):
        while parent >= 0:
            hops[joint] += 1
            parent = parents[parent]
    return hops


def partition(parents: Sequence[int], joint_mixing: bool = True) -> NDArray[np.float32]:
    """Return (K, V, V) the normalised adjacency `A[k, v, w]`: how much of joint v flows into joint w.

    Subset 0 holds neighbours as far from the root as w (itself), subset 1 those farther, subset 2 those nearer
    (Eq. 10); each subset is divided by its cardinality (Eq. 9). Without `joint_mixing` K is 1 and A the
    identity (Table 4, "without spatial graph").
    """
    count = len(parents)
    if not joint_mixing:
        return np.eye(count, dtype=np.float32)[None]
    linked = np.eye(count, dtype=bool)
    for joint, parent in enumerate(parents):
        if parent >= 0:
            linked[joint, parent] = linked[parent, joint] = True
    hops = hops_to_root(parents)
    farther = np.sign(hops[:, None] - hops[None, :])  # [v, w]: sign of h_v - h_w
    subsets = np.stack([linked & (farther == side) for side in (0, 1, -1)]).astype(np.float32)
    return np.asarray(subsets / np.maximum(subsets.sum(axis=1, keepdims=True), 1), dtype=np.float32)
