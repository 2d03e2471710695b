"""MediaPipe's own 3D: the world landmarks that the package gives beside the picture's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from real_films import LIMB_NAMES

from detectors.joints import MEDIAPIPE_33
from pipeline.video import VideoReader, probe

COLUMNS = [MEDIAPIPE_33.index(name) for name in LIMB_NAMES]


def world_landmarks(path: Path) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Run MediaPipe, with the settings it comes with, over a film.

    Returns:
        (T, 12, 3) the limb joints, metres, camera axes, the hips' middle at 0; and (T,) where it found someone.
    """
    from mediapipe.python.solutions import pose

    rows = []
    with pose.Pose(model_complexity=1) as network:
        for _, frame in VideoReader(probe(path)):
            found = network.process(np.ascontiguousarray(frame)).pose_world_landmarks
            marks = found.landmark if found else ()
            rows.append([(mark.x, mark.y, mark.z) for mark in marks] or np.full((len(MEDIAPIPE_33), 3), np.nan))
    limbs = np.array(rows, np.float64)[:, COLUMNS]
    seen = np.isfinite(limbs).all(axis=(1, 2))
    return np.where(seen[:, None, None], limbs, 0.0), seen
