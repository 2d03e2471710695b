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
_OUTLIER = np.radians(8.0)  # deviation at which a frame counts half


def estimate_up(
    positions: NDArray[np.floating], valid: NDArray[np.bool_], scores: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Estimate the unit vector against gravity, in camera axes.

    A person who stands has straight legs, a trunk in line with them, and is steady; then the way from the ankles
    to the top of the trunk is up. The robust mean of these ways over all frames and people is blended with the
    belief in a level camera, (0, -1, 0), which alone is left where nobody stands. A body lying straight is told from a
    standing one by this belief only: tilts beyond 75 degrees are not credible.

    Args:
        positions: (P, T, 17, 3) metres, camera axes: x right, y down, z away.
        valid: (P, T).
        scores: (P, T, 17) in 0..1; frames whose legs are unseen count less.

    Returns:
        (3,) float32 of length one.
    """
    ways, weights = _standing(positions.astype(np.float64), valid, scores.astype(np.float64))
    evidence = weights.sum()
    if evidence <= 0:
        return _CAMERA_UP.astype(np.float32)
    mean = _normalised((ways * weights[:, None]).sum(axis=0))
    for _ in range(20):
        away = np.arccos(np.clip(ways @ mean, -1, 1))
        robust = weights / (1 + (away / _OUTLIER) ** 2)
        mean = _normalised((ways * robust[:, None]).sum(axis=0))
    share = min(1.0, evidence / _ENOUGH)
    return _normalised(share * mean + (1 - share) * _CAMERA_UP).astype(np.float32)


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


def _standing(positions: Doubles, valid: NDArray[np.bool_], scores: Doubles) -> tuple[Doubles, Doubles]:
    """Return unit ways up (N, 3) of all valid frames of all people, and how far each is of one who stands (N,)."""

    def at(name: str) -> Doubles:
        place: Doubles = positions[..., _J[name], :]
        return place

    straight = np.ones(valid.shape)
    for side in ("left", "right"):
        hip, knee, ankle = (at(f"{side}_{part}") for part in ("hip", "knee", "ankle"))
        length = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
        extended = np.linalg.norm(ankle - hip, axis=-1) / np.maximum(length, 1e-6)
        straight *= _ramp(extended, 0.88, 0.97)  # knees bent by 57 degrees, by 28
    feet = (at("left_ankle") + at("right_ankle")) / 2
    legs, trunk = at("pelvis") - feet, at("thorax") - at("pelvis")
    in_line = _ramp(_cosine(legs, trunk), np.cos(np.radians(40)), np.cos(np.radians(15)))
    ways = _normalised(at("thorax") - feet)
    credible = _ramp(-np.arccos(np.clip(ways @ _CAMERA_UP, -1, 1)), -_CREDIBLE[1], -_CREDIBLE[0])
    ankles = [_J["left_ankle"], _J["right_ankle"]]
    seen = 0.3 + 0.7 * np.clip(2 * scores[..., ankles].min(axis=-1), 0, 1)
    weights = straight * in_line * credible * seen * _steady(ways) * valid
    return ways[valid], weights[valid]


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
