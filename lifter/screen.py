"""Pixels to the network's input units, used alike in training and in lifting.

The only place that knows screen units. `screen` is VideoPose3D's convention (the paper's setting); `person`
measures a window by the person in it, so that place, size and turn in the picture make no difference.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d

from lifter import joints

Floats = NDArray[np.float32]
NORMALISATIONS = ("screen", "person")
THORAX, ANKLES = 8, [3, 6]
AT_ONCE = 500  # frames


def to_screen(keypoints_px: Floats, size: tuple[int, int]) -> Floats:
    """Map pixels (..., 2) to [-1, 1] across the width, y by the same factor, centre of the picture at 0."""
    width, height = size
    return np.asarray(keypoints_px / width * 2 - np.array([1, height / width]), dtype=np.float32)


def to_pixels(keypoints_screen: Floats, size: tuple[int, int]) -> Floats:
    """Inverse of `to_screen`."""
    width, height = size
    return np.asarray((keypoints_screen + np.array([1, height / width])) * width / 2, dtype=np.float32)


def to_person(windows: Floats) -> tuple[Floats, Floats]:
    """Bring windows (N, T, 17, 2), any unit with y down, to person units.

    The pelvis of every frame goes to 0 (its path tells nothing about the pose), the mean radius of the window
    to 1 (of the window: a crouch must stay smaller than a stand), and the window is turned in the picture until
    its mean direction from ankles to thorax points up: a camera held askew makes no difference then.

    Returns:
        The windows in person units, and the turns (N, 2, 2) that were applied, for `turn_back`.
    """
    centred, radii, ups = _measured(windows)
    radius, up = radii.mean(axis=-1), ups.mean(axis=1)  # N, N 2
    turns = _upright(up)
    units = np.einsum("nij,ntvj->ntvi", turns, centred) / np.maximum(radius, 1e-6)[:, None, None, None]
    return np.asarray(units, dtype=np.float32), np.asarray(turns, dtype=np.float32)


def to_person_along(sequence: Floats, window: int) -> tuple[Floats, Floats]:
    """Bring a sequence (T, 17, 2) of any length to person units that follow the person.

    Every frame is measured and turned by the mean of all windows of so many frames that hold it, as it would be on
    average in `to_person` of those windows: a triangle of weights around the frame, cut at the ends of the sequence.

    Returns:
        The sequence in person units, and the turns (T, 2, 2) that were applied, for `turn_back` of single frames.
    """
    measures = np.ones((len(sequence), 4))  # the last sums the weights
    for part in in_parts(len(sequence)):
        _, radii, ups = (measured[0] for measured in _measured(sequence[None, part]))
        measures[part, 0], measures[part, 1:3] = radii, ups
    triangle = np.minimum(np.arange(1, 2 * window), np.arange(1, 2 * window)[::-1]) / window
    mean = convolve1d(measures, triangle, axis=0, mode="constant")
    mean = mean[:, :3] / mean[:, 3:]
    turns = np.asarray(_upright(np.asarray(mean[:, 1:], np.float32)), np.float32)
    scaled = turns / np.maximum(mean[:, :1, None], 1e-6).astype(np.float32)
    units = np.empty(sequence.shape, np.float32)
    for part in in_parts(len(sequence)):
        centred = sequence[part] - sequence[part, joints.ROOT : joints.ROOT + 1]
        units[part] = np.einsum("tij,tvj->tvi", scaled[part], centred)
    return units, turns


def in_parts(frames: int) -> Iterator[slice]:
    """Split frames into what is worked on at a time, so that a long film needs little memory in between."""
    return (slice(first, first + AT_ONCE) for first in range(0, frames, AT_ONCE))


def _measured(windows: Floats) -> tuple[Floats, Floats, Floats]:
    """Windows (N, T, 17, 2) from the pelvis, the mean radius of every frame (N, T), its way from ankles to thorax
    (N, T, 2)."""
    centred = windows - windows[:, :, joints.ROOT : joints.ROOT + 1]
    radii = np.sqrt(np.square(centred).sum(axis=-1).mean(axis=-1))
    ups = centred[:, :, THORAX] - centred[:, :, ANKLES].mean(axis=2)
    return centred, radii, ups


def _upright(up: Floats) -> Floats:
    """Return the turns (N, 2, 2) that take ways up (N, 2) to (0, -1); none where there is no way."""
    length = np.linalg.norm(up, axis=-1, keepdims=True)
    x, y = np.where(length > 1e-6, up / np.maximum(length, 1e-6), [0.0, -1.0]).T
    return np.stack([np.stack([-y, x], axis=-1), np.stack([-x, -y], axis=-1)], axis=-2)  # takes (x, y) to (0, -1)


def turn(positions: Floats, turns: Floats) -> Floats:
    """Turn positions (N, T, 17, 3), camera or ray axes, about the viewing axis as `to_person` turned the picture."""
    turned = positions.copy()
    turned[..., :2] = np.einsum("nij,ntvj->ntvi", turns, positions[..., :2])
    return turned


def turn_back(positions: Floats, turns: Floats) -> Floats:
    """Inverse of `turn`."""
    return turn(positions, turns.swapaxes(-1, -2))
