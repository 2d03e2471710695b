"""Inner joint angles: what a goniometer would be laid on, 180 degrees where the limb is straight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lifter import joints

SIDES = ("left", "right")
# The angle at the middle joint between the ways to the outer two; the trunk's side stands for the trunk.
_AT: dict[str, tuple[str, str, str]] = {
    "elbow": ("shoulder", "elbow", "wrist"),
    "shoulder": ("hip", "shoulder", "elbow"),
    "hip": ("shoulder", "hip", "knee"),
    "knee": ("hip", "knee", "ankle"),
}
ANGLES: tuple[tuple[str, str], ...] = tuple((name, side) for name in _AT for side in SIDES)
_SHORTEST = 1e-6  # metres; between joints nearer than that there is no angle


def inner_angles(positions: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return (..., 8) degrees in 0..180, in the order of `ANGLES`; NaN where two joints coincide.

    Args:
        positions: (..., 17, 3) in any unit and any axes, joints in the order of `lifter.joints.NAMES`.
    """
    triples = np.array([[joints.NAMES.index(f"{side}_{part}") for part in _AT[name]] for name, side in ANGLES])
    ends, middles = positions[..., triples[:, [0, 2]], :], positions[..., triples[:, 1], :]
    ways = np.asarray(ends, np.float64) - np.asarray(middles, np.float64)[..., None, :]
    lengths = np.linalg.norm(ways, axis=-1)
    # By half angles: an arccos of a dot product loses half its digits near straight limbs, where people mostly are.
    units = ways / np.maximum(lengths, _SHORTEST)[..., None]
    apart = np.linalg.norm(units[..., 0, :] - units[..., 1, :], axis=-1)
    together = np.linalg.norm(units[..., 0, :] + units[..., 1, :], axis=-1)
    degrees = np.degrees(2 * np.arctan2(apart, together))
    return np.where((lengths > _SHORTEST).all(axis=-1), degrees, np.nan)
