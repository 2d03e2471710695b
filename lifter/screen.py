"""Pixels to the network's input units, used alike in training and in lifting.

The only place that knows screen units. `screen` is VideoPose3D's convention (the paper's setting); `person`
measures a window by the person in it, so that the place and the size in the picture make no difference.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lifter import joints

Floats = NDArray[np.float32]
NORMALISATIONS = ("screen", "person")


def to_screen(keypoints_px: Floats, size: tuple[int, int]) -> Floats:
    """Map pixels (..., 2) to [-1, 1] across the width, y by the same factor, centre of the picture at 0."""
    width, height = size
    return np.asarray(keypoints_px / width * 2 - np.array([1, height / width]), dtype=np.float32)


def to_pixels(keypoints_screen: Floats, size: tuple[int, int]) -> Floats:
    """Inverse of `to_screen`."""
    width, height = size
    return np.asarray((keypoints_screen + np.array([1, height / width])) * width / 2, dtype=np.float32)


def person_units(windows: Floats) -> Floats:
    """Bring windows (N, T, 17, 2), any unit, to person units: pelvis of every frame at 0, mean radius of the window 1.

    The pelvis is taken out frame by frame (its path tells nothing about the pose); the size once a window (a
    crouch must stay smaller than a stand).
    """
    centred = windows - windows[:, :, joints.ROOT : joints.ROOT + 1]
    radius = np.sqrt(np.square(centred).sum(axis=-1).mean(axis=-1)).mean(axis=-1)  # N
    return np.asarray(centred / np.maximum(radius, 1e-6)[:, None, None, None], dtype=np.float32)
