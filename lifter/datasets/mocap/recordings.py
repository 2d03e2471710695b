"""One form of motion capture, whatever file it came in: who did what, in which split.

A source folder holds the collected sets (`*.npz`), or anybody's own recordings: `*.bvh`, or `*.asf` with `*.amc`, in
a folder for each person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.mocap.asf_amc import read_asf_amc
from lifter.datasets.mocap.bvh import read_bvh
from lifter.datasets.mocap.packed import RATE_HZ, Sequence, read_folder, resample, split_of
from lifter.datasets.mocap.skeleton_map import TURNS, Tracks, to_joints
from lifter.errors import LifterError

Floats = NDArray[np.float32]
# UI-PRMD's ten movements, by their number.
EXERCISES = (
    "deep squat", "hurdle step", "inline lunge", "side lunge", "sit to stand", "straight leg raise",
    "shoulder abduction", "shoulder extension", "shoulder rotation", "shoulder scaption",
)  # fmt: skip


@dataclass(frozen=True)
class Recording:
    """One recording: (T, 17, 3) float32 metres at 50 Hz, world axes with z up.

    Attributes:
        name: unique in its group.
        group: the collection it comes from.
        subject, action: who did what.
        split: train, validation, test or unused.
    """

    name: str
    group: str
    subject: str
    action: str
    split: str
    positions: Floats


@dataclass(frozen=True)
class OwnSettings:
    """How a folder of somebody's own recordings is read.

    Attributes:
        up: the axis that points up in the files: auto, x, y, z, -x, -y or -z.
        unit: metres in their unit of length; 0 guesses by the legs.
        fps: of AMC files, which do not tell.
        test, validation: the people of these splits; empty ones are chosen (`split_by_person`).
    """

    up: str = "auto"
    unit: float = 0.0
    fps: float = 120.0
    test: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.up != "auto" and self.up not in TURNS:
            raise LifterError(f"up: auto, {', '.join(TURNS)} wanted, got {self.up!r}")
        if not 0 <= self.unit <= 100 or not 1 <= self.fps <= 1000:
            raise LifterError(f"unit from 0 to 100 m and fps from 1 to 1000 wanted, got {self.unit} and {self.fps}")


def read_recordings(folder: Path, own: OwnSettings | None = None) -> list[Recording]:
    """Read a source folder.

    Raises:
        LifterError: it holds no motion capture, or a file of it cannot be read or understood.
    """
    if any(folder.glob("*.npz")):
        return [described(sequence) for sequence in read_folder(folder)]
    own = own or OwnSettings()
    group = folder.resolve().name or "own"
    made = []
    for name, file, tracks in own_files(folder, own.fps):
        try:
            positions = resample(to_joints(tracks, own.up, own.unit or None), tracks.fps)
        except LifterError as error:
            raise LifterError(f"{file}: {error}") from error
        if len(positions) < RATE_HZ / 2:
            continue
        person = name.split("/")[0] if "/" in name else group
        action = re.sub(r"[\W_]*\d+$", "", file.stem) or file.stem
        made.append(Recording(name, group, person, action, "train", positions))
    if not made:
        raise LifterError(
            f"{folder}: holds no motion capture of half a second or more (*.npz, *.bvh, *.asf with *.amc)"
        )
    return split_by_person(made, own.test, own.validation)


def own_files(folder: Path, amc_fps: float) -> Iterator[tuple[str, Path, Tracks]]:
    """Yield (name, file, tracks) of the recordings in a folder and its folders, in the order of their names."""
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).with_suffix("").as_posix()
        if file.suffix.lower() == ".bvh":
            yield name, file, read_bvh(file)
        elif file.suffix.lower() == ".amc":
            # CMU has a skeleton a folder; where there are several, a motion begins with the name of its own.
            there = [path for path in sorted(file.parent.iterdir()) if path.suffix.lower() == ".asf"]
            fitting = [path for path in there if file.stem.startswith(path.stem)] or (there if len(there) == 1 else [])
            if not fitting:
                raise LifterError(f"{file}: no skeleton beside it (*.asf); its name begins the motion's name")
            yield name, file, read_asf_amc(max(fitting, key=lambda path: len(path.stem)), file, amc_fps)


def split_by_person(
    recordings: list[Recording], test: tuple[str, ...] = (), validation: tuple[str, ...] = ()
) -> list[Recording]:
    """Split recordings by who is recorded.

    Where no one is named, the last person (by name) is for testing, and of three or more the last but one for
    validation. One person's recordings cannot be split by person: the last fifth of them is for testing.

    Raises:
        LifterError: a name that is nobody's, a person in two splits, or none left to train on.
    """
    people = sorted({recording.subject for recording in recordings})
    if unknown := sorted({*test, *validation} - set(people)):
        raise LifterError(f"split: there is no {unknown[0]!r} (there are: {', '.join(people)})")
    if both := sorted(set(test) & set(validation)):
        raise LifterError(f"split: {both[0]!r} cannot be for both test and validation")
    if len(people) == 1 and not test and not validation:
        kept = len(recordings) - max(len(recordings) // 5, 1)
        return [
            replace(one, split="test" if number >= max(kept, 1) else "train") for number, one in enumerate(recordings)
        ]
    rest = [person for person in people if person not in {*test, *validation}]
    if not test and len(rest) > 1:
        test = (rest.pop(),)
    if not validation and len(rest) > 1:
        validation = (rest.pop(),)
    if not rest:
        raise LifterError(f"split: nobody of {', '.join(people)} is left to train on")
    of = {**dict.fromkeys(rest, "train"), **dict.fromkeys(validation, "validation"), **dict.fromkeys(test, "test")}
    return [replace(recording, split=of[recording.subject]) for recording in recordings]


def described(sequence: Sequence) -> Recording:
    """Tell subject and action of a sequence from its name, as well as the names of its set allow."""
    family = re.split(r"[_\d]", sequence.group, maxsplit=1)[0]
    name = sequence.name
    subject, action = "", ""
    if family == "uiprmd" and (found := re.match(r"m(\d\d)_(s\d\d)_", name)):
        number = int(found[1])
        subject, action = found[2], EXERCISES[number - 1] if 1 <= number <= len(EXERCISES) else f"m{number:02d}"
    elif family == "hdm" and (found := re.match(r"HDM_([a-z]+)_(\D+?)(\d\w*)?_\d+_\d+$", name)):
        subject, action = found[1], found[2]
    elif sequence.group.startswith("cmu8") and name.count("/") == 2:
        action = name.split("/")[1].removesuffix("_extra")
    elif family == "cmu" and (found := re.match(r"(?:\d+/)?(\d+)_\d+$", name)):
        subject, action = found[1], f"subject {found[1]}"
    return Recording(
        name=name,
        group=sequence.group,
        subject=f"{family} {subject}".strip(),
        action=action or sequence.group,
        split=split_of(sequence),
        positions=sequence.positions,
    )
