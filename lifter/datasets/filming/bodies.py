"""Bodies for recorded motions: every bone keeps its direction and takes a new length, left and right alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Mean and relative spread of bone lengths in metres: joint centres of adults.
HIP_HALF, SHOULDER_HALF, TRUNK = 0.092, 0.175, 0.49
LIMBS: Mapping[str, float] = {"thigh": 0.42, "shin": 0.415, "upper_arm": 0.285, "forearm": 0.25}
SPREAD, WHOLE_SPREAD = 0.06, 0.03
# (parent, child, bone of `LIMBS`).
LIMB_BONES = (
    (1, 2, "thigh"), (2, 3, "shin"), (4, 5, "thigh"), (5, 6, "shin"),
    (11, 12, "upper_arm"), (12, 13, "forearm"), (14, 15, "upper_arm"), (15, 16, "forearm"),
)  # fmt: skip


@dataclass(frozen=True)
class Bodies:
    """Bone lengths of N people, metres, all (N, 1, 1).

    Attributes:
        trunk: from the hips' middle to the shoulders'; neck and head follow it.
        hips, chest: half the way from hip to hip, and from shoulder to shoulder.
        limbs: by the names of `LIMBS`.
        whole: (N, 1, 1, 1) a factor on all of it.
    """

    trunk: Floats
    hips: Floats
    chest: Floats
    limbs: Mapping[str, Floats]
    whole: NDArray[np.floating]

    def subset(self, chosen: NDArray[np.int64]) -> Bodies:
        """Some of the people."""
        limbs = {name: length[chosen] for name, length in self.limbs.items()}
        return Bodies(self.trunk[chosen], self.hips[chosen], self.chest[chosen], limbs, self.whole[chosen])


def draw_adults(count: int, random: np.random.Generator) -> Bodies:
    """Draw adults, every length by itself around its mean."""

    def length(mean: float) -> Floats:
        return np.asarray(mean * np.exp(random.normal(0, SPREAD, (count, 1, 1))), dtype=np.float32)

    trunk, hips, chest = length(TRUNK), length(HIP_HALF), length(SHOULDER_HALF)
    limbs = {name: length(LIMBS[name]) for *_, name in LIMB_BONES}  # one draw counts for left and right
    return Bodies(trunk, hips, chest, limbs, np.exp(random.normal(0, WHOLE_SPREAD, (count, 1, 1, 1))))


def dress(clips: Floats, bodies: Bodies) -> Floats:
    """Give every clip (N, T, 17, 3) its body; pelvis 0."""
    body = np.zeros_like(clips)
    shoulders = (clips[:, :, 11] + clips[:, :, 14]) / 2
    trunk = shoulders - clips[:, :, 0]
    stretch = bodies.trunk / np.maximum(np.linalg.norm(trunk, axis=-1, keepdims=True), 1e-6)
    middle = stretch * trunk  # the new shoulders' middle
    for joint in (1, 4):
        body[:, :, joint] = bodies.hips * _unit(clips[:, :, joint] - clips[:, :, 0])
    for joint in (11, 14):
        body[:, :, joint] = middle + bodies.chest * _unit(clips[:, :, joint] - shoulders)
    for joint in (8, 9, 10):
        body[:, :, joint] = middle + stretch * (clips[:, :, joint] - shoulders)
    body[:, :, 7] = body[:, :, 8] / 2
    for parent, child, name in LIMB_BONES:
        way = _unit(clips[:, :, child] - clips[:, :, parent])
        body[:, :, child] = body[:, :, parent] + bodies.limbs[name] * way
    return np.asarray(body * bodies.whole, dtype=np.float32)


def on_bodies(windows: Floats, bodies: Bodies) -> tuple[Floats, Floats]:
    """Give windows (N, T, 17, 3) as recorded their bodies, who walk as far as their legs allow.

    Returns:
        (N, T, 17, 3) metres, pelvis 0; and (N, T, 3) the pelvis' path, from 0, its height over the lowest ankle's.
    """
    clips = dress(windows, bodies)
    reach = _legs(clips) / np.maximum(_legs(windows), 1e-6)
    origin = windows[:, 0, 0].copy()
    origin[:, 2] = windows[:, :, (3, 6), 2].min(axis=(1, 2))
    return clips, np.asarray(reach[:, None, None] * (windows[:, :, 0] - origin[:, None]), dtype=np.float32)


def _legs(clips: Floats) -> Floats:
    """Mean length (N,) of the four bones of the legs, metres."""
    bones = clips[:, :, [2, 3, 5, 6]] - clips[:, :, [1, 2, 4, 5]]
    return np.asarray(np.linalg.norm(bones, axis=-1).mean(axis=(1, 2)))


def _unit(vector: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-6))
