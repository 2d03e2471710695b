"""Everyone's path through an upright room, feet on its floor.

The path of `pose3d.npz` is measured from the camera. Here the room's floor is laid under the feet that stand
(`pipeline.ground`), person by person, since people whose size is not known stand at heights that do not agree. What
is left, a foot that stands a little above or below, is taken out slowly, so that steps and jumps stay.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from pipeline.export.skeleton import ANKLE
from pipeline.ground import ANKLES, floor_under, planted
from pipeline.height import standing_height
from pipeline.room import floor_height
from pipeline.upright import rotation_to_room

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

_CALM_S = 0.2  # seconds over which the floor under standing feet is calmed
_ALIKE_S = 0.4  # seconds in which errors are alike: so many make one independent sighting of the floor
_ENOUGH_S = 0.3  # seconds of standing without which nothing is known of the floor
_OFF = 0.10  # metres from the floor at which an ankle counts half
_TURNS = 8
_FAITH = 0.05  # of a standing foot: what the floor itself is worth against the feet of the moment
_FLOOR = np.array([0.0, 0.0, 1.0])


def stand(positions: Doubles, root: Doubles, scores: Doubles, valid: Bools, seconds: Doubles, up: Doubles) -> Doubles:
    """Return (T, 17, 3) metres: right as the camera sees it, away from it, up; the floor at 0, the camera above 0, 0.

    An ankle that stands is as high above the floor as ankles are (`ANKLE` of the standing height). Where nobody
    stands, the lowest joint is near the floor. Frames that are not valid hold no meaning.

    Args:
        positions: (T, 17, 3) metres about the pelvis, camera axes x right, y down, z away.
        root: (T, 3) metres from the camera to the pelvis, camera axes.
        scores: (T, 17) in 0..1.
        valid: (T,).
        seconds: (T,), rising.
        up: (3,) against gravity, camera axes.
    """
    turn = rotation_to_room(up)
    there = root[:, None] + positions
    room = there @ turn.T
    if not valid.any():
        return room
    rate = 1 / float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1.0
    seen = there[..., :2] / np.maximum(there[..., 2:], 0.1)  # in the picture of a camera of focal length 1
    feet = planted(positions, seen, scores * valid[:, None], there[:, 0, 2], seconds, up, 1.0) * _lowest(room)[:, None]
    if feet.sum() < _ENOUGH_S * rate:
        height = floor_height(positions @ turn.T, valid, rate)
        room[..., 2] += (height - room[:, 0, 2])[:, None]
        return room
    floor, near = _floor(room, feet / max(1.0, _ALIKE_S * rate))
    room[..., 2] -= floor[:, None]
    room[..., 2] -= _left(room[:, ANKLES, 2], feet * near, _CALM_S * rate)[:, None]
    room[..., 2] += ANKLE * standing_height(positions[valid])
    return room


def _floor(room: Doubles, weights: Doubles) -> tuple[Doubles, Doubles]:
    """Return (T,) how high the floor is under the pelvis, and (T, 2) 1 for ankles on it, nearly 0 for those well off.

    It is the floor of most feet: who climbs onto something stands off it, and does not lift it.

    Args:
        room: (T, 17, 3) metres, z up.
        weights: (T, 2) how many independent sightings of the floor each ankle is.
    """
    ankles, near = room[:, ANKLES], np.ones_like(weights)
    for _ in range(_TURNS):
        normal, offset = floor_under(ankles.reshape(-1, 3), (weights * near).ravel(), _FLOOR)
        near = 1 / (1 + ((ankles @ normal - offset) / _OFF) ** 2)
    floor: Doubles = (offset - room[:, 0, :2] @ normal[:2]) / normal[2]
    return floor, near**3


def _lowest(room: Doubles) -> Doubles:
    """Return (T,) 1 where an ankle is the lowest joint, 0 where another hangs more than 15 cm below both."""
    below = room[:, ANKLES, 2].min(axis=1) - room[..., 2].min(axis=1)
    lowest: Doubles = np.clip((0.15 - below) / 0.10, 0, 1)
    return lowest


def _left(heights: Doubles, feet: Doubles, calm: float) -> Doubles:
    """Return (T,) how high feet that stand are (T, 2), of heights (T, 2), calmed over frames; 0 far from any."""
    total = gaussian_filter1d((heights * feet).sum(axis=1), calm, mode="nearest")
    sure = gaussian_filter1d(feet.sum(axis=1), calm, mode="nearest")
    left: Doubles = total / (sure + _FAITH)
    return left
