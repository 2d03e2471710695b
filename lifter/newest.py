"""The newest frames of a track lifted as they come: one window that ends now, for watching live."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from lifter.lifter import Lifter
from lifter.rates import between
from lifter.screen import to_screen

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


class NewestLifter:
    """Lifts the newest frame of a track, or one a little earlier, from the window of the training length that ends now.

    Nothing of what is to come is known, so nothing is averaged over windows: one pass, and one of the mirror image.
    A track that is shorter than a window stands still before it began. `tests/benchmarks/bench_live_delay.py`
    measures what the missing future costs, and why the window ends with the newest frame and is not filled beyond it.

    Args:
        name, device, flip: those of `Lifter`.

    Attributes:
        span_s: seconds of the past that count.

    Raises:
        LifterError: as `Lifter`.
    """

    def __init__(self, name: str | Path = "ugcn", device: str = "auto", flip: bool = True) -> None:
        self._lifter = Lifter(name, device, flip=flip, phased=False)
        recipe = self._lifter.recipe
        self.placed = recipe.normalisation == "screen"
        self.span_s = (recipe.window - 1) / recipe.rate_hz

    def warm_up(self) -> None:
        """Lift once, so that no frame need wait for what a network does at its first."""
        self.lift(np.zeros((1, 17, 2), np.float32), np.zeros(1), 0.0, (1, 1))

    def lift(self, keypoints: Floats, timestamps: Doubles, wanted_s: float, size: tuple[int, int]) -> Floats:
        """Lift one person at one moment.

        Args:
            keypoints: (T, 17, 2) pixels, Human3.6M joints, of the newest T >= 1 frames; those older than `span_s`
                before the last one are not looked at.
            timestamps: (T,) seconds, not running backwards, at any rate.
            wanted_s: the moment, on the same clock; at most `span_s` before the last frame.
            size: (W, H) of the picture, pixels.

        Returns:
            (17, 3) float32 metres, the recipe's axes, pelvis 0.
        """
        recipe = self._lifter.recipe
        grid = timestamps[-1] - np.arange(recipe.window - 1, -1, -1) / recipe.rate_hz
        sequence = between(keypoints, timestamps, grid)
        lifted = self._lifter.lift_uniform(to_screen(sequence, size) if self.placed else sequence)
        moment = between(lifted, grid, np.array([wanted_s]))[0]
        return np.asarray(moment - moment[joints.ROOT])
