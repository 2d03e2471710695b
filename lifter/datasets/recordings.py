"""One form of motion capture, whatever file it came in: who did what, in which split."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.mocap import Sequence, read_folder, split_of

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


def read_collections(folder: Path) -> list[Recording]:
    """Read a folder of collected sets (`*.npz`, see `lifter.datasets.mocap`).

    Raises:
        LifterError: the folder holds no set, or a file is not one.
    """
    return [described(sequence) for sequence in read_folder(folder)]


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
