"""Endless training clips from motion capture: new bodies, speeds and mirror images (3D), then random cameras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from lifter.datasets.filming.bodies import draw_adults, dress, on_bodies
from lifter.datasets.filming.joins import join
from lifter.datasets.filming.people import PeopleSettings, draw_population
from lifter.datasets.mocap.packed import Sequence, canonical
from lifter.errors import LifterError

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class CameraRange:
    """Over which cameras the training clips are seen; angles in degrees, one sigma unless said.

    Attributes:
        pitch_mean, pitch: how far cameras look down.
        roll: of a camera that is meant to be level.
        rolled_share, rolled_max: share of clips whose roll is anything up to this (a phone held askew).
        off_axis: angle between the optical axis and the person.
        distance: (nearest, farthest) metres.
    """

    pitch_mean: float = 8.0
    pitch: float = 12.0
    roll: float = 4.0
    rolled_share: float = 0.3
    rolled_max: float = 50.0
    off_axis: float = 7.0
    distance: tuple[float, float] = (2.5, 9.0)

    def __post_init__(self) -> None:
        if min(self.pitch, self.roll, self.rolled_max, self.off_axis) < 0 or not 0 <= self.rolled_share <= 1:
            raise ValueError("cameras: spreads from 0, and a share in 0..1 wanted")
        if not 1.5 <= self.distance[0] <= self.distance[1]:
            raise ValueError(f"cameras.distance: nearest (from 1.5 m) and farthest wanted, got {self.distance}")


class ClipSource:
    """Draws windows of root-relative 3D from sequences, every data set with its own share.

    Args:
        sequences: where windows come from.
        shares: weight of each data set (group name prefix) in the draw; missing ones have weight 1.
        length: frames of a window at 50 Hz.
    """

    def __init__(self, sequences: list[Sequence], shares: dict[str, float], length: int = 96) -> None:
        self.length = length
        self.tracks = [canonical(sequence.positions) for sequence in sequences]
        frames = np.array([len(track) for track in self.tracks], np.float64)
        groups = np.array([sequence.group for sequence in sequences])
        weights = np.zeros(len(frames))
        for group in np.unique(groups):
            share = next((value for prefix, value in shares.items() if group.startswith(prefix)), 1.0)
            member = groups == group
            weights[member] = share * frames[member] / frames[member].sum()
        if not weights.sum() > 0:
            raise LifterError("shares: every data set there is has share 0")
        self.probability = weights / weights.sum()

    def draw(self, count: int, random: np.random.Generator) -> Floats:
        """Return (count, length, 17, 3) float32 metres, z up, pelvis 0: random speed, mirror image and body."""
        clips = new_bodies(self._windows(count, random), random)
        mirrored = random.random(count) < 0.5
        clips[mirrored] = joints.mirror(clips[mirrored])
        return clips

    def draw_scenes(self, count: int, people: PeopleSettings, random: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw clips as `draw` does, of people as told, and where they go.

        Returns:
            (count, length, 17, 3) float32 metres, z up, pelvis 0; and (count, length, 3) the pelvis' path.
        """
        body = draw_population(count, people, random) if people.population else draw_adults(count, random)
        clips, paths = on_bodies(self._windows(count, random), body)
        joined = np.flatnonzero(random.random(count) < people.join)
        if len(joined):
            others = on_bodies(self._windows(len(joined), random), body.subset(joined))
            clips[joined], paths[joined] = join((clips[joined], paths[joined]), others, random)
        mirrored = random.random(count) < 0.5
        clips[mirrored] = joints.mirror(clips[mirrored])
        paths[mirrored, :, 0] *= -1
        return clips, paths

    def _windows(self, count: int, random: np.random.Generator) -> Floats:
        """Draw windows (count, length, 17, 3) of random speed, as they were recorded."""
        chosen = random.choice(len(self.tracks), size=count, p=self.probability)
        speeds = np.exp(random.normal(0, 0.2, count))
        return np.stack([self._window(self.tracks[i], s, random) for i, s in zip(chosen, speeds, strict=True)])

    def _window(self, track: Floats, speed: float, random: np.random.Generator) -> Floats:
        """Cut a window at a speed, by linear interpolation; short sequences go forth and back."""
        span = (self.length - 1) * speed
        last = len(track) - 1
        start = random.uniform(0, max(last - span, 0))
        at = start + np.arange(self.length) * speed
        at = last - np.abs(last - at % (2 * last))  # reflection at both ends
        low = np.minimum(at.astype(int), last - 1)
        part = (at - low)[:, None, None]
        return np.asarray((1 - part) * track[low] + part * track[low + 1], dtype=np.float32)


def new_bodies(clips: Floats, random: np.random.Generator) -> Floats:
    """Give every clip (N, T, 17, 3) another body: the directions of its bones, lengths of a random adult. Pelvis 0."""
    return dress(clips, draw_adults(len(clips), random))


def film(clips: Floats, cameras: CameraRange, random: np.random.Generator) -> tuple[Floats, Floats]:
    """See every clip (N, T, 17, 3), z up, from a random camera.

    Returns:
        positions (N, T, 17, 3) in camera axes (x right, y down, z away), pelvis 0, metres; and keypoints
        (N, T, 17, 2), the pinhole picture at focal length 1.
    """
    rotation, place = random_cameras(len(clips), cameras, random)
    seen = np.asarray(np.einsum("nij,ntvj->ntvi", rotation, clips), dtype=np.float32)
    absolute = seen + place[:, None, None]
    depth = np.maximum(absolute[..., 2:], 0.3)
    return seen, np.asarray(absolute[..., :2] / depth, dtype=np.float32)


def random_cameras(count: int, cameras: CameraRange, random: np.random.Generator) -> tuple[Doubles, Doubles]:
    """Draw cameras: rotations (N, 3, 3) from the room to camera axes, and the pelvis' places (N, 3) in them, metres."""
    degrees = np.pi / 180
    yaw = random.uniform(0, 2 * np.pi, count)
    pitch = random.normal(cameras.pitch_mean, cameras.pitch, count) * degrees
    roll = random.normal(0, cameras.roll, count)
    rolled = random.random(count) < cameras.rolled_share
    roll = np.where(rolled, random.uniform(-cameras.rolled_max, cameras.rolled_max, count), roll) * degrees
    rotation = look(yaw, pitch, roll)
    nearest, farthest = np.log(cameras.distance)
    distance = np.exp(random.uniform(nearest, farthest, count))
    aside = np.tan(random.normal(0, cameras.off_axis, (count, 2)) * degrees) * distance[:, None]
    return rotation, np.concatenate([aside, distance[:, None]], axis=1)


def look(yaw: Doubles, pitch: Doubles, roll: Doubles) -> Doubles:
    """Return (N, 3, 3) the rotations from the room (z up) to camera axes (x right, y down, z away), radians.

    At 0, 0, 0 the camera looks along the room's y; a positive pitch looks down, a positive roll turns the
    picture's content counter-clockwise.
    """
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def matrix(*rows: list[Doubles]) -> Doubles:
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    turn = matrix([np.cos(yaw), -np.sin(yaw), zero], [np.sin(yaw), np.cos(yaw), zero], [zero, zero, one])
    level = matrix([one, zero, zero], [zero, zero, -one], [zero, one, zero])
    tilt = matrix([one, zero, zero], [zero, np.cos(pitch), -np.sin(pitch)], [zero, np.sin(pitch), np.cos(pitch)])
    lean = matrix([np.cos(roll), np.sin(roll), zero], [-np.sin(roll), np.cos(roll), zero], [zero, zero, one])
    return np.asarray(lean @ tilt @ level @ turn)
