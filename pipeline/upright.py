"""Which way is up: the camera's tilt, from how people stand, and the rotation from the camera to an upright room."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.joints import H36M_17

Doubles = NDArray[np.float64]

_J = {name: index for index, name in enumerate(H36M_17)}
_CAMERA_UP = np.array([0.0, -1.0, 0.0])
_ENOUGH = 12.0  # frames of good standing that outweigh the belief in a level camera
_CREDIBLE = np.radians((60.0, 75.0))  # tilt of the camera up to which, and from which on no more, it is believed
_ON_THE_MOVE = 0.1  # what a frame of walking counts against one of standing
_OUTLIER = np.radians(8.0)  # deviation at which a frame counts half


def estimate_up(
    positions: NDArray[np.floating], valid: NDArray[np.bool_], scores: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Estimate the unit vector against gravity, in camera axes, from how people stand.

    Args:
        positions: (P, T, 17, 3) metres, camera axes: x right, y down, z away.
        valid: (P, T).
        scores: (P, T, 17) in 0..1; frames whose legs are unseen count less.

    Returns:
        (3,) float32 of length one.
    """
    return believe(*mean_way(*standing_ways(positions, valid, scores))).astype(np.float32)


def mean_way(ways: Doubles, weights: Doubles) -> tuple[Doubles, float]:
    """Return the robust mean (3,) of ways up (..., 3), and how far it can be relied on, 0 (no evidence) to 1."""
    evidence = float(weights.sum())
    if evidence <= 0:
        return _CAMERA_UP.copy(), 0.0
    ways, weights = ways[weights > 0], weights[weights > 0]
    mean = _normalised((ways * weights[:, None]).sum(axis=0))
    for _ in range(20):
        away = np.arccos(np.clip(ways @ mean, -1, 1))
        robust = weights / (1 + (away / _OUTLIER) ** 2)
        mean = _normalised((ways * robust[:, None]).sum(axis=0))
    return mean, min(1.0, evidence / _ENOUGH)


def believe(way: Doubles, share: float) -> Doubles:
    """Blend a way up (3,) with the belief in a level camera, (0, -1, 0), which alone is left where nobody stands."""
    return _normalised(share * way + (1 - share) * _CAMERA_UP)


def rotation_to_room(up: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return R (3, 3) that takes camera axes (x right, y down, z away) to room axes: x right, y away, z up.

    The camera's heading is kept: the room's y lies under the direction in which the camera looks. A camera that
    looks straight down (or up) heads where the top (or bottom) of its picture is.

    Raises:
        ValueError: `up` is no direction.
    """
    upward = np.asarray(up, dtype=np.float64)
    if upward.shape != (3,) or not np.isfinite(upward).all() or np.linalg.norm(upward) < 1e-6:
        raise ValueError(f"up: expected a vector of three numbers that is not zero, got {up}")
    upward = _normalised(upward)
    away = np.array([0.0, 0.0, 1.0])
    if abs(upward @ away) > 0.999:
        away = -np.sign(upward @ away) * _CAMERA_UP
    away = _normalised(away - (away @ upward) * upward)
    return np.stack([np.cross(away, upward), away, upward])


def standing_ways(
    positions: NDArray[np.floating], valid: NDArray[np.bool_], scores: NDArray[np.floating]
) -> tuple[Doubles, Doubles]:
    """Return the ways from the ankles to the top of the trunk, unit (P, T, 3), and how far each is up (P, T), 0..1.

    A person who stands has straight legs, a trunk in line with them, and is steady. Who walks or runs has not, but is
    upright on the average of many steps: such frames count a little, which matters where nobody stands. A body lying
    straight is told from a standing one by belief only: tilts beyond 75 degrees are not credible.

    The arguments are those of `estimate_up`.
    """
    joints, seen = np.asarray(positions, np.float64), np.asarray(scores, np.float64)

    def at(name: str) -> Doubles:
        place: Doubles = joints[..., _J[name], :]
        return place

    extended = []
    for side in ("left", "right"):
        hip, knee, ankle = (at(f"{side}_{part}") for part in ("hip", "knee", "ankle"))
        length = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
        extended.append(np.linalg.norm(ankle - hip, axis=-1) / np.maximum(length, 1e-6))
    feet = (at("left_ankle") + at("right_ankle")) / 2
    in_line = _cosine(at("pelvis") - feet, at("thorax") - at("pelvis"))
    ways = _normalised(at("thorax") - feet)
    # Knees bent by 57 and by 28 degrees; on the move, by 106 and by 52.
    stands = np.prod([_ramp(leg, 0.88, 0.97) for leg in extended], axis=0) * _steady(ways)
    moves = np.prod([_ramp(leg, 0.6, 0.9) for leg in extended], axis=0)
    stands *= _ramp(in_line, np.cos(np.radians(40)), np.cos(np.radians(15)))
    moves *= _ramp(in_line, np.cos(np.radians(60)), np.cos(np.radians(25)))
    credible = _ramp(-np.arccos(np.clip(ways @ _CAMERA_UP, -1, 1)), -_CREDIBLE[1], -_CREDIBLE[0])
    ankles = [_J["left_ankle"], _J["right_ankle"]]
    legs_seen = 0.3 + 0.7 * np.clip(2 * seen[..., ankles].min(axis=-1), 0, 1)
    return ways, (stands + _ON_THE_MOVE * moves) * credible * legs_seen * valid


def _steady(ways: Doubles) -> Doubles:
    """Return (P, T) in 0..1: near 1 where the body hardly leans from frame to frame, half at two degrees."""
    turn = np.arccos(np.clip((ways[:, 1:] * ways[:, :-1]).sum(axis=-1), -1, 1))
    turn = np.pad(turn, ((0, 0), (1, 0)), mode="edge") if turn.shape[1] else np.zeros(ways.shape[:2])
    steady: Doubles = 1 / (1 + (turn / np.radians(2)) ** 2)
    return steady


def _ramp(values: Doubles, low: float, high: float) -> Doubles:
    ramp: Doubles = np.clip((values - low) / (high - low), 0, 1)
    return ramp


def _cosine(a: Doubles, b: Doubles) -> Doubles:
    cosine: Doubles = (_normalised(a) * _normalised(b)).sum(axis=-1)
    return cosine


def _normalised(vectors: Doubles) -> Doubles:
    unit: Doubles = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return unit
