"""The drawn body's axes and size, read from its joints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render.drawn.mesh import unit
from render.drawn.skeleton import INDEX

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Frames:
    """Axes (3, 3) of pelvis and thorax, columns forward, left, up; and the person's size against 0.515 m of spine."""

    pelvis: Floats
    thorax: Floats
    size: float


def body_frames(joints: Floats) -> Frames:
    """Return the frames of one person's joints (17, 3): from the hips, the shoulders and the spine."""
    at = {name: joints[index] for name, index in INDEX.items()}
    pelvis = _axes(at["left_hip"] - at["right_hip"], at["spine"] - at["pelvis"])
    thorax = _axes(at["left_shoulder"] - at["right_shoulder"], at["thorax"] - at["spine"])
    spine = np.linalg.norm(at["spine"] - at["pelvis"]) + np.linalg.norm(at["thorax"] - at["spine"])
    return Frames(pelvis, thorax, float(np.clip(spine / 0.515, 0.4, 2.0)))


def _axes(left: Floats, up: Floats) -> Floats:
    """Return (3, 3) columns forward, left, up; `left` is kept, `up` made square to it."""
    left = unit(left)
    forward = unit(np.cross(left, up))
    return np.stack([forward, left, np.cross(forward, left)], axis=1)
