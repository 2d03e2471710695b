"""Pieces of motion capture before cameras held anyhow that stand in the room: for measuring the estimated tilt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.filming.clips import look
from lifter.datasets.filming.noise import NoiseSettings
from lifter.datasets.filming.shots import disturbed
from lifter.datasets.filming.studio import project
from lifter.datasets.mocap.packed import RATE_HZ, Sequence, canonical, read_folder, select

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SECONDS = (2.0, 10.0)
PITCH, ROLL = (-40.0, 50.0), (-45.0, 45.0)  # degrees, evenly
FIELD_OF_VIEW = (30.0, 90.0)  # degrees, across the larger side
DISTANCE = (1.5, 15.0)  # metres, and farther where the person would not fit into the picture
SIZES = ((1920, 1080), (1080, 1920))


@dataclass(frozen=True)
class TiltFilm:
    """One person before one camera.

    Attributes:
        positions: (T, 17, 3) metres, camera axes, at 50 Hz.
        keypoints: (T, 17, 2) pixels.
        size: the picture, pixels.
        focal: pixels.
        pitch, roll: degrees.
        up: (3,) against gravity, camera axes.
    """

    positions: Floats
    keypoints: Floats
    size: tuple[int, int]
    focal: float
    pitch: float
    roll: float
    up: Doubles


def films(folder: Path, split: str, count: int, noisy: bool, seed: int = 0) -> Iterator[TiltFilm]:
    """Film pieces of the recordings of a split, the same number from every data set; a seed makes the same films."""
    recordings = [one for one in select(read_folder(folder), split) if len(one.positions) >= SECONDS[0] * RATE_HZ]
    groups = sorted({recording.group for recording in recordings})
    for number in range(count):
        random = np.random.default_rng([seed, number])
        members = [recording for recording in recordings if recording.group == groups[number % len(groups)]]
        yield _film(_piece(members[random.integers(len(members))], random), noisy, random)


def _piece(recording: Sequence, random: np.random.Generator) -> Floats:
    length = int(random.uniform(*SECONDS) * RATE_HZ)
    first = int(random.integers(0, max(len(recording.positions) - length, 0) + 1))
    return canonical(recording.positions[first : first + length])


def _film(body: Floats, noisy: bool, random: np.random.Generator) -> TiltFilm:
    """Place a camera so that the whole motion is in its picture, anywhere around the middle."""
    size = SIZES[random.integers(2)]
    focal = max(size) / 2 / np.tan(np.radians(random.uniform(*FIELD_OF_VIEW)) / 2)
    pitch, roll = random.uniform(*PITCH), random.uniform(*ROLL)
    turn = look(random.uniform(0, 2 * np.pi, 1), np.radians([pitch]), np.radians([roll]))[0]
    distance = np.exp(random.uniform(*np.log(DISTANCE)))
    aim = random.uniform(0.25, 0.75, 2) * size
    ray = np.array([*(aim - np.array(size) / 2) / focal, 1.0])
    seen = (body - (body[:, 0].min(axis=0) + body[:, 0].max(axis=0)) / 2) @ turn.T
    while True:
        positions = np.asarray(seen + distance * ray, np.float32)
        pixels = project(positions, (focal, focal, size[0] / 2, size[1] / 2))
        if positions[..., 2].min() > 0.5 and (pixels >= 0).all() and (pixels <= size).all():
            break
        distance *= 1.05
    if noisy:
        pixels = disturbed(pixels, NoiseSettings(), random)
    return TiltFilm(positions, pixels, size, float(focal), pitch, roll, turn @ [0.0, 0.0, 1.0])
