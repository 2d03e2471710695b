"""Held-out motion capture, filmed by random cameras and lifted whole: the lifter's own error, by data set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.filming import CameraRange, film
from lifter.datasets.mocap import Sequence, canonical, select
from lifter.datasets.noise import NoiseSettings, add_noise
from lifter.lifter import Lifter
from lifter.metrics import METRICS
from lifter.screen import to_person, turn_back

Floats = NDArray[np.float32]
Table = dict[str, dict[str, float]]  # row -> metric -> millimetres


def evaluate(
    lifter: Lifter, sequences: list[Sequence], split: str = "test", progress: Callable[[int], None] = lambda _: None
) -> Table:
    """Lift every sequence of a split with true and with noisy 2D.

    One random level or rolled camera a sequence (`CameraRange`), always the same; bodies as recorded. Averages
    are over frames.

    Returns:
        A row "<data set>, <2D>" each, and "all, <2D>"; root-relative errors over 17 joints, millimetres (a
        frame, for velocities).
    """
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    frames: dict[str, int] = defaultdict(int)
    for number, sequence in enumerate(select(sequences, split)):
        random = np.random.default_rng([2020, number])
        body = canonical(sequence.positions)
        truth, keypoints = film((body - body[:, :1])[None], CameraRange(), random)
        true, turns = to_person(keypoints)
        noisy = add_noise(true.copy(), NoiseSettings(), random)
        for label, seen in (("true 2D", true), ("noisy 2D", noisy)):
            lifted = turn_back(lifter.lift_uniform(seen[0])[None], turns)[0]
            for row in (f"{sequence.group}, {label}", f"all, {label}"):
                frames[row] += len(body)
                for name, metric in METRICS.items():
                    sums[row][name] += metric(lifted, truth[0]) * len(body)
        progress(len(body))
    return {row: {name: total / frames[row] for name, total in sums[row].items()} for row in sorted(sums)}


def as_text(table: Table) -> str:
    """Lay a table out for the screen."""
    names = list(next(iter(table.values()), {}))
    width = max((len(row) for row in table), default=0)
    lines = [f"{'mm':<{width}}" + "".join(f"{name:>14}" for name in names)]
    lines += [f"{row:<{width}}" + "".join(f"{values[name]:14.1f}" for name in names) for row, values in table.items()]
    return "\n".join(lines)
