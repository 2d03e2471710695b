"""Which parts of which recordings are drawn: every collection its share, every film a part, a body and a seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lifter.datasets.mocap.recordings import Recording

# Weights in the draw by the start of a collection's name: hours do not tell how varied a collection is.
SHARES = {"cmu_daz": 0.35, "cmu_amc": 0.25, "cmu8": 0.12, "uiprmd": 0.28}


@dataclass(frozen=True)
class DrawSettings:
    """What is drawn.

    Attributes:
        source: a folder of motion capture, as `python -m lifter prepare mocap` takes it.
        out: the folder of the set.
        splits: whose people perform; what is to be measured has none in common with what is trained on.
        count: films of each split.
        seconds: length of a film, at most.
        fps: frames a second; motion is at 50.
        seed: of everything.

    Raises:
        ValueError: no film, no time, or a rate that does not divide 50.
    """

    source: Path
    out: Path
    splits: tuple[str, ...] = ("train", "validation")
    count: int = 20
    seconds: float = 3.0
    fps: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1 or not 0.5 <= self.seconds <= 600 or self.fps < 1 or 50 % self.fps or self.seed < 0:
            raise ValueError("count from 1, seconds 0.5 to 600, fps 50, 25, 10, 5, 2 or 1 and a seed from 0 wanted")


@dataclass(frozen=True)
class Scene:
    """A part of a recording to be drawn: what a process of its own needs to draw it.

    Attributes:
        name: of the sequence: collection, recording and number.
        recording: who did what.
        first: its first frame in the recording.
        length: frames of the recording, at 50 a second.
        seed: of the film.
    """

    name: str
    recording: Recording
    first: int
    length: int
    seed: tuple[int, ...]

    @property
    def stem(self) -> str:
        """Name of the film's file, by which `prepare detections` knows it."""
        return "_".join(self.name.replace("/", " ").split())

    def motion(self, fps: int) -> tuple[NDArray[np.float32], np.random.Generator]:
        """Return the motion (T, 17, 3) metres, z up, on a body of its own, and the chance that goes on from there."""
        from lifter.datasets.filming.shots import another_body
        from lifter.datasets.mocap.packed import canonical

        random = np.random.default_rng(self.seed)
        part = canonical(self.recording.positions)[self.first : self.first + self.length]
        return another_body(part, random)[:: 50 // fps], random


def plan(settings: DrawSettings) -> list[Scene]:
    """Choose what is drawn; the same settings choose the same, and a larger count begins with the same films.

    Raises:
        LifterError: no motion capture there, or none of a split.
    """
    from lifter.datasets.mocap.recordings import read_recordings
    from lifter.datasets.poseset import SPLITS
    from lifter.errors import LifterError

    recordings = read_recordings(settings.source)
    scenes = []
    for split in settings.splits:
        of_split = [one for one in recordings if one.split == split]
        if split not in SPLITS or not of_split:
            raise LifterError(f"{settings.source}: no recording of the {split!r} split")
        groups = sorted({one.group for one in of_split})
        shares = np.array([next((v for k, v in SHARES.items() if group.startswith(k)), 1.0) for group in groups])
        for number in range(settings.count):
            seed = (settings.seed, SPLITS.index(split), number)
            random = np.random.default_rng((*seed, 1))
            group = groups[random.choice(len(groups), p=shares / shares.sum())]
            members = [one for one in of_split if one.group == group]
            chosen = members[random.integers(len(members))]
            length = min(len(chosen.positions), round(settings.seconds * 50))
            first = int(random.integers(len(chosen.positions) - length + 1))
            name = f"{group}/{chosen.name}/{split}_{number:04d}"
            scenes.append(Scene(name, chosen, first, length, seed))
    return scenes
