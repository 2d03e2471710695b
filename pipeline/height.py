"""How tall people are: what a user says (`--height`), how tall a lifted body stands, and bringing one to the other.

A body's standing height follows from its legs and its trunk alone. Neck and head are left out: where detectors and
recordings put these two joints differs by 5 cm and more, and the ankle lies above the sole, the topmost joint below
the top of the head. What legs and trunk are of the whole is taken from Drillis and Contini's proportions (as in
Winter, *Biomechanics and Motor Control of Human Movement*): above the sole the ankle stands at 0.039 of the height,
the hip at 0.530, the shoulder at 0.818; so hip to ankle and shoulders to hips make 0.779 of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from detectors.joints import H36M_17
from pipeline.errors import PipelineError

EVERYONE = 0  # people are counted from 1

_ANKLE, _SHOULDER = 0.039, 0.818  # of the standing height, above the sole
_SHORTEST, _TALLEST = 0.4, 2.6  # metres
_ONE = re.compile(r"(?:([1-9][0-9]{0,5})=)?([0-9.]+)")
_J = {name: index for index, name in enumerate(H36M_17)}
_LEGS = tuple(
    (_J[f"{side}_{upper}"], _J[f"{side}_{lower}"])
    for side in ("left", "right")
    for upper, lower in (("hip", "knee"), ("knee", "ankle"))
)


def read_heights(said: str | None) -> dict[int, float]:
    """Read `1.82`, everyone's height in metres, or `1=1.82,2=1.65`, by the numbers that the film shows.

    Returns:
        Metres by number; `EVERYONE` for all that are not named.

    Raises:
        ValueError: neither, a number twice, or a height that no one has.
    """
    heights: dict[int, float] = {}
    for part in said.split(",") if said else ():
        match = _ONE.fullmatch(part.strip())
        if match is None or match[2].count(".") > 1 or not match[2].strip("."):
            raise ValueError(f"height: metres, or metres by number as 1=1.82,2=1.65, wanted, got {said!r}")
        who, metres = int(match[1] or EVERYONE), float(match[2])
        if not _SHORTEST <= metres <= _TALLEST:
            raise ValueError(f"height: {_SHORTEST} to {_TALLEST} metres wanted, got {match[2]}")
        if who in heights:
            raise ValueError(f"height: {f'person {who}' if who else 'everyone'} is given twice")
        heights[who] = metres
    return heights


def standing_height(positions: NDArray[np.floating]) -> float:
    """Return how tall a body (T, 17, 3), metres, would stand: by the median length of its legs and its trunk."""
    body = np.asarray(positions, np.float64)
    legs = sum(float(np.median(np.linalg.norm(body[:, a] - body[:, b], axis=-1))) for a, b in _LEGS) / 2
    shoulders = (body[:, _J["left_shoulder"]] + body[:, _J["right_shoulder"]]) / 2
    trunk = float(np.median(np.linalg.norm(shoulders - body[:, _J["pelvis"]], axis=-1)))
    return (legs + trunk) / (_SHOULDER - _ANKLE)


def scale_to_heights(
    positions: NDArray[np.float32],
    valid: NDArray[np.bool_],
    people: NDArray[np.integer],
    heights: Mapping[int, float],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Scale everyone whose height is known until they stand so tall.

    Args:
        positions: (P, T, 17, 3) metres, pelvis 0.
        valid: (P, T).
        people: P numbers.
        heights: of `read_heights`.

    Returns:
        (P, T, 17, 3) float32, and whose height was given (P,).
    """
    scaled, known = positions.copy(), np.zeros(len(positions), bool)
    for row, number in enumerate(people):
        metres = heights.get(int(number), heights.get(EVERYONE))
        tall = standing_height(positions[row, valid[row]]) if metres and valid[row].any() else 0.0
        if metres and tall > 1e-3:
            scaled[row] *= metres / tall
            known[row] = True
    return scaled, known


def check_people(heights: Mapping[int, float], count: int) -> None:
    """Refuse heights of people whom a film of `count` people has not.

    Raises:
        PipelineError: nobody has that number.
    """
    if heights and max(heights) > count:
        number = max(heights)
        there = f"has people 1 to {count}" if count else "has nobody"
        raise PipelineError(f"--height {number}={heights[number]:g}: the film {there}")
