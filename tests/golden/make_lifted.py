"""Makes `lifted.json`: what the shipped weights say of a drawn walk. Run it again when the weights change.

python tests/golden/make_lifted.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifter.lifter import Lifter
from render.drawn import look_at, walk

FILE = Path(__file__).with_name("lifted.json")
FRAMES, JOINTS = (0, 37, 74, 99), (3, 6, 10, 13, 16)


def lifted() -> NDArray[np.float32]:
    """Return (4, 5, 3) metres: some frames and joints of a walk of 100 frames at 25 Hz, seen from a corner."""
    camera = look_at((3.5, -2.5, 1.5), (0.0, 0.0, 0.9), 900, (1280, 720))
    keypoints = camera.project(walk(4, 25)).astype(np.float32)
    positions = Lifter("ugcn", "cpu").lift_run(keypoints, np.arange(100) / 25, (1280, 720))
    return positions[list(FRAMES)][:, list(JOINTS)]


if __name__ == "__main__":
    FILE.write_text(json.dumps(np.round(lifted().astype(np.float64), 5).tolist()) + "\n")
