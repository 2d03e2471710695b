"""How people are filmed: cameras of all kinds that stand, turn after the person, move and shake; and picture's edges.

A static camera's axes (x right, y down, z away) hold the scene at first; what a camera does after that turns truth
and picture alike, so that positions are always in the axes of the frame's own camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

from lifter.datasets.filming.clips import CameraRange, look, random_cameras
from lifter.datasets.filming.edge import beyond, fill_beyond
from lifter.rays import on_plane

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

DEGREE = np.pi / 180
BODY, PELVIS = 1.7, 0.95  # metres: how tall a person is, and how high the pelvis of one who stands
RATIOS = (16 / 9, 4 / 3)  # of a picture's longer side to its shorter one
NEAREST = 1.2  # metres between camera and pelvis, at least
LEAST_SEEN = 0.5  # of a clip's joints: with fewer a detector sees nobody
USUAL_FIELD = 70.0  # degrees, of a camera of `CameraRange`, which has no picture of its own
WAVES = 6  # of which a shaking hand is made


@dataclass(frozen=True)
class TakeSettings:
    """How clips are filmed; with all shares 0, by the cameras of `CameraRange`, which stay with the person.

    Attributes:
        wide: share of clips by a camera from the ranges below, evenly; the others' are those of `CameraRange`.
        pitch, roll: (least, most) degrees; a camera of positive pitch looks down.
        field: (least, most) field of view along the picture's longer side, degrees.
        distance: (nearest, farthest) metres, even in the logarithm.
        height: (lowest, highest) metres of the camera above the floor.
        off_centre: how far from the picture's centre the pelvis is at most, in shares of the way to the edge.
        largest: a person's height in the picture at most, in shares of the picture's height.
        path: share of clips in which the person goes where the recording went; in the others the camera stays with
            the person, the pelvis at one place in front of it.
        pan: share of these whose camera turns after the person; who would leave the picture is always followed.
        lag: (least, most) seconds by which such a camera is late.
        moving: share of clips whose camera moves too, and turns after the person.
        speed: (least, most) metres a second of a moving camera.
        shaking: share of clips by a shaking hand.
        shake: (least, most) root mean square of its turns, degrees.
        edge: share of clips whose picture has an edge, beyond which joints are unseen.
    """

    wide: float = 0.0
    pitch: tuple[float, float] = (-40.0, 50.0)
    roll: tuple[float, float] = (-45.0, 45.0)
    field: tuple[float, float] = (30.0, 90.0)
    distance: tuple[float, float] = (1.5, 15.0)
    height: tuple[float, float] = (0.1, 10.0)
    off_centre: float = 0.85
    largest: float = 1.4
    path: float = 0.0
    pan: float = 0.5
    lag: tuple[float, float] = (0.1, 0.8)
    moving: float = 0.0
    speed: tuple[float, float] = (0.2, 1.2)
    shaking: float = 0.0
    shake: tuple[float, float] = (0.1, 0.8)
    edge: float = 0.0

    def __post_init__(self) -> None:
        for name in ("wide", "path", "pan", "moving", "shaking", "edge", "off_centre"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"takes.{name}: a share, 0..1 wanted, got {getattr(self, name)}")
        for name in ("pitch", "roll", "field", "distance", "height", "lag", "speed", "shake"):
            least, most = getattr(self, name)
            if not least <= most or (name not in ("pitch", "roll") and least < 0):
                raise ValueError(f"takes.{name}: least and most wanted, got {getattr(self, name)}")
        if not (self.field[0] > 0 and self.field[1] < 170 and self.distance[0] >= NEAREST and self.largest > 0):
            raise ValueError("takes: a field of view within 0 to 170 degrees, and distances from 1.2 m, wanted")


@dataclass(frozen=True)
class Cameras:
    """N static cameras: rotations (N, 3, 3) from the room, pelvises (N, 3) metres, half pictures (N, 2) at focal 1."""

    rotation: Doubles
    place: Doubles
    halves: Doubles


def film_takes(
    clips: Floats, paths: Floats, takes: TakeSettings, usual: CameraRange, rate_hz: float, random: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Film clips (N, T, 17, 3), z up, pelvis 0, whose pelvis goes along paths (N, T, 3), metres.

    Returns:
        positions (N, T, 17, 3) in the axes of each frame's camera, pelvis 0; keypoints (N, T, 17, 2), the picture at
        focal length 1, with what lies beyond its edge filled in; and the pelvis' true place (N, T, 2) in that picture.
    """
    count = len(clips)
    cameras = draw_cameras(count, takes, usual, random)
    rotation, place = follow_scene(cameras, paths, takes, rate_hz, random)
    seen = np.matmul(clips, rotation.swapaxes(-1, -2).astype(np.float32))
    absolute = seen + place[:, :, None].astype(np.float32)
    keypoints = absolute[..., :2] / np.maximum(absolute[..., 2:], np.float32(0.3))
    hidden = beyond(keypoints, cameras.halves) | (absolute[..., 2] < 0.3)
    cut = (random.random(count) < takes.edge) & hidden.any(axis=(1, 2)) & (hidden.mean(axis=(1, 2)) <= 1 - LEAST_SEEN)
    if cut.any():
        keypoints[cut] = fill_beyond(keypoints[cut], hidden[cut], cameras.halves[cut])
    return seen, keypoints, on_plane(place).astype(np.float32)


def draw_cameras(count: int, takes: TakeSettings, usual: CameraRange, random: np.random.Generator) -> Cameras:
    """Draw static cameras, each of its kind."""
    rotation, place = random_cameras(count, usual, random)
    halves = np.full((count, 2), np.tan(USUAL_FIELD / 2 * DEGREE))
    wide = np.flatnonzero(random.random(count) < takes.wide)
    for _ in range(20):  # until none stands in the ground or in the clouds; what is left then stays
        drawn = _wide(len(wide), takes, random)
        rotation[wide], place[wide], halves[wide] = drawn.rotation, drawn.place, drawn.halves
        # The room's up in camera axes, towards the person: how far the camera is above the pelvis.
        above = PELVIS - (drawn.rotation[:, :, 2] * drawn.place).sum(axis=-1)
        wide = wide[(above < takes.height[0]) | (above > takes.height[1])]
        if not len(wide):
            break
    return Cameras(rotation, place, halves)


def _wide(count: int, takes: TakeSettings, random: np.random.Generator) -> Cameras:
    yaw = random.uniform(0, 2 * np.pi, count)
    pitch, roll = (random.uniform(*limits, count) * DEGREE for limits in (takes.pitch, takes.roll))
    longer = np.tan(random.uniform(*takes.field, count) / 2 * DEGREE)
    shorter = longer / random.choice(RATIOS, count)
    portrait = random.random(count) < 0.5
    halves = np.where(portrait[:, None], np.stack([shorter, longer], 1), np.stack([longer, shorter], 1))
    nearest = np.clip(BODY / (2 * halves[:, 1] * takes.largest), takes.distance[0], takes.distance[1])
    distance = np.exp(random.uniform(np.log(nearest), np.log(takes.distance[1])))
    aside = takes.off_centre * random.uniform(-1, 1, (count, 2)) * halves * distance[:, None]
    return Cameras(look(yaw, pitch, roll), np.concatenate([aside, distance[:, None]], axis=1), halves)


def follow_scene(
    cameras: Cameras, paths: Floats, takes: TakeSettings, rate_hz: float, random: np.random.Generator
) -> tuple[Doubles, Doubles]:
    """What cameras do while people go along paths (N, T, 3).

    Returns:
        (N, T, 3, 3) rotations from the room to the camera of each frame, and (N, T, 3) the pelvis in its axes.
    """
    count, frames = paths.shape[:2]
    chances = random.random((4, count))
    shares = np.array([takes.path, takes.moving, takes.shaking, takes.pan])
    going, moving, shaking, panning = chances < shares[:, None]
    # At the clip's middle the person stands where the camera was put for.
    walked = np.einsum("nij,ntj->nti", cameras.rotation, paths - paths[:, frames // 2, None])
    moved = smooth_path(count, frames, rate_hz, takes.speed, random)
    place = cameras.place[:, None] + going[:, None, None] * walked - moving[:, None, None] * moved
    place[..., 2] += np.maximum(NEAREST - place[..., 2].min(axis=1), 0)[:, None]
    leaves = (np.abs(place[..., :2] / place[..., 2:]) > cameras.halves[:, None]).any(axis=(1, 2))
    follows = moving | (going & (panning | leaves))
    turns = np.broadcast_to(np.eye(3), (count, frames, 3, 3)).copy()
    late = np.asarray(random.uniform(*takes.lag, count))
    if follows.any():
        turns[follows] = pans(place[follows], late[follows] * rate_hz)
    shakes = np.asarray(random.uniform(*takes.shake, count))
    if shaking.any():
        turns[shaking] = hand(int(shaking.sum()), frames, rate_hz, shakes[shaking], random) @ turns[shaking]
    return turns @ cameras.rotation[:, None], np.einsum("ntij,ntj->nti", turns, place)


def pans(place: Doubles, late: Doubles) -> Doubles:
    """Turn cameras after people who go through places (N, T, 3), (N,) frames late: rotations (N, T, 3, 3).

    The first frame is as it was. The camera turns about its own upright axis, then about the one across.
    """
    across = np.arctan2(place[..., 0], place[..., 2])
    down = np.arctan2(place[..., 1], np.hypot(place[..., 0], place[..., 2]))
    angles = np.stack([down, across], axis=-1)
    angles = angles - angles[:, :1]
    keep = np.exp(-1 / np.maximum(late, 1e-3))
    for one, kept in zip(angles, keep, strict=True):
        one[:] = lfilter([1 - kept], [1, -kept], one, axis=0)
    lower = Rotation.from_rotvec(angles[..., :1].reshape(-1, 1) * [1.0, 0.0, 0.0])
    aside = Rotation.from_rotvec(angles[..., 1:].reshape(-1, 1) * [0.0, -1.0, 0.0])
    return np.asarray((lower * aside).as_matrix().reshape(*place.shape[:2], 3, 3))


def smooth_path(
    count: int, frames: int, rate_hz: float, speed: tuple[float, float], random: np.random.Generator
) -> Doubles:
    """Ways (N, T, 3) of moving cameras, metres in their own axes, 0 at the middle; up and down they move least."""
    seconds = np.arange(frames) / rate_hz
    pace = random.uniform(*speed, (count, 1, 1)) * np.array([0.7, 0.25, 0.7])
    rhythm = 2 * np.pi * random.uniform(0.05, 0.4, (count, 1, 3))
    phase = random.uniform(0, 2 * np.pi, (count, 1, 3))
    way = pace * np.sqrt(2) / rhythm * np.sin(rhythm * seconds[:, None] + phase)
    return np.asarray(way - way[:, frames // 2, None])


def hand(count: int, frames: int, rate_hz: float, shakes: Doubles, random: np.random.Generator) -> Doubles:
    """Turns (N, T, 3, 3) of shaking hands: waves of 0.5 to 6 Hz, the slow ones larger; by (N,) degrees, root mean
    square.
    """
    seconds = np.arange(frames) / rate_hz
    rhythm = np.exp(random.uniform(np.log(0.5), np.log(6.0), (count, 1, 3, WAVES)))
    phase = random.uniform(0, 2 * np.pi, rhythm.shape)
    sizes = 1 / rhythm
    sizes = sizes / np.sqrt(np.square(sizes).sum(axis=-1, keepdims=True) / 2)
    turns = (sizes * np.sin(2 * np.pi * rhythm * seconds[:, None, None] + phase)).sum(axis=-1)
    turns *= shakes[:, None, None] * DEGREE / np.sqrt(3)
    return np.asarray(Rotation.from_rotvec(turns.reshape(-1, 3)).as_matrix().reshape(count, frames, 3, 3))
