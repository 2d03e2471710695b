"""A motion-capture studio's cameras: fixed ones around a recording, that see all of it, as in Human3.6M."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.filming.clips import look

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# Human3.6M's cameras: 1000x1000 pictures, focal length 1145 pixels.
SIZE = (1000, 1000)
INTRINSICS = (1145.0, 1145.0, 500.0, 500.0)
FIRST_AZIMUTH, AZIMUTH_JITTER = 45.0, 15.0  # degrees
HEIGHT = (1.1, 1.8)  # metres above the floor
DISTANCE = (3.5, 6.0)  # metres, along the floor
AIM_ERROR, ROLL = 3.0, 2.0  # degrees, either way
NEAREST = 1.5  # metres in front of the camera, for every joint
ANKLE_HEIGHT = 0.08  # of the lowest ankle above the floor


def floor_of(positions: Floats) -> float:
    """Height of the floor under a recording (T, 17, 3), z up, metres: just below where the lower ankle comes to."""
    return float(np.percentile(positions[:, (3, 6), 2].min(axis=1), 1)) - ANKLE_HEIGHT


def azimuths(views: int) -> list[float]:
    """Where cameras stand round a recording, degrees, before jitter: four at 45, 135, 225 and 315."""
    return [FIRST_AZIMUTH + view * 360 / views for view in range(views)]


def place_camera(positions: Floats, azimuth: float, random: np.random.Generator) -> tuple[Doubles, Doubles]:
    """Place a camera about a recording (T, 17, 3), z up, metres, aimed at the pelvis' mean place.

    Drawn within the ranges above. Where it would lose the person, or have a joint nearer than 1.5 m, it stands
    farther back.

    Returns:
        (3, 3) the rotation from the room to camera axes, and (3,) the camera's place in the room.
    """
    middle = positions[:, 0].mean(axis=0, dtype=np.float64)
    floor = floor_of(positions)
    angle = np.radians(azimuth + random.uniform(-AZIMUTH_JITTER, AZIMUTH_JITTER))
    height, distance = random.uniform(*HEIGHT), random.uniform(*DISTANCE)
    error = np.radians(random.uniform(-1, 1, 3) * (AIM_ERROR, AIM_ERROR, ROLL))
    while True:
        place = np.array(
            [middle[0] + distance * np.cos(angle), middle[1] + distance * np.sin(angle), floor + height], np.float64
        )
        rotation = aimed(middle - place, error)
        if sees_all(seen_from(positions, rotation, place)):
            return rotation, place
        distance *= 1.05


def aimed(direction: Doubles, error: Doubles) -> Doubles:
    """Return (3, 3) the rotation of a camera that looks along (3,) `direction`, off by (yaw, pitch, roll) radians."""
    yaw = np.arctan2(direction[0], direction[1]) + error[0]
    pitch = np.arctan2(-direction[2], np.hypot(direction[0], direction[1])) + error[1]
    (rotation,) = look(np.array([yaw]), np.array([pitch]), error[2:])
    return np.asarray(rotation)


def seen_from(positions: Floats, rotation: Doubles, place: Doubles) -> Floats:
    """Bring (T, 17, 3) from the room to a camera's axes (x right, y down, z away), metres."""
    return np.asarray((positions - place) @ rotation.T, dtype=np.float32)


def sees_all(seen: Floats) -> bool:
    """Whether every joint (T, 17, 3), camera axes, is in the picture and far enough away."""
    if seen[..., 2].min() < NEAREST:
        return False
    pixels = project(seen, INTRINSICS)
    return bool((pixels >= 0).all() and (pixels <= SIZE).all())


def project(seen: Floats, intrinsics: tuple[float, float, float, float]) -> Floats:
    """Return the pixels (..., 2) of positions (..., 3), camera axes, by a pinhole f_x, f_y, c_x, c_y.

    What is nearer than 0.3 m, or behind the camera, is drawn as if it were 0.3 m away.
    """
    depth = np.maximum(seen[..., 2:], 0.3)
    return np.asarray(seen[..., :2] / depth * intrinsics[:2] + np.asarray(intrinsics[2:]), dtype=np.float32)
