"""What a camera does to a picture besides projecting it: a shutter that is open for a while, soft glass, exposure."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]

STEP_PX = 3.0  # between the moments of an exposure, of the joint that moves fastest
MOST_MOMENTS = 9


@dataclass(frozen=True)
class Lens:
    """How pictures are taken; the default changes nothing.

    Attributes:
        shutter: part of the time between two frames for which the shutter is open; what moves smears. It opens as
            long before a frame's moment as it closes after it, so that the frame's truth stays the middle of the smear.
        softness: sigma of the blur, pixels.
        exposure: factor on the brightness.

    Raises:
        ValueError: a shutter outside 0..1, a softness below 0, or an exposure outside 0.1..3.
    """

    shutter: float = 0.0
    softness: float = 0.0
    exposure: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.shutter <= 1 and self.softness >= 0 and 0.1 <= self.exposure <= 3):
            raise ValueError(f"Lens: shutter 0..1, softness from 0 and exposure 0.1..3 wanted, got {self}")

    def moments(self, before: Floats, at: Floats, after: Floats) -> list[float]:
        """Return when, in frames from this one, a moment of the exposure is drawn: 0 alone where nothing smears.

        Args:
            before, at, after: (N, 2) pixels of points in the frame before, this one and the next.
        """
        if not self.shutter or not len(at):
            return [0.0]
        way = max(float(np.linalg.norm(other - at, axis=-1).max()) for other in (before, after))
        count = int(np.clip(np.ceil(self.shutter * way / STEP_PX), 1, MOST_MOMENTS))
        if count == 1:
            return [0.0]
        return [float(moment) for moment in np.linspace(-0.5, 0.5, count) * self.shutter]

    def develop(self, picture: Picture) -> Picture:
        """Return a picture (H, W, 3) softened and exposed."""
        if self.softness > 0:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), self.softness), np.uint8)
        if self.exposure != 1:
            picture = np.asarray(cv2.convertScaleAbs(picture, alpha=self.exposure), np.uint8)
        return picture


def mean(pictures: list[Picture]) -> Picture:
    """Return the mean of pictures (H, W, 3), which is what a sensor sums up."""
    if len(pictures) == 1:
        return pictures[0]
    total = np.zeros(pictures[0].shape, np.float32)
    for picture in pictures:
        cv2.accumulate(picture, total)
    return np.asarray(np.round(total / len(pictures)), np.uint8)
