"""The drawn body below the head: torso, arms with hands, legs with shoes, lofted around Human3.6M's 17 joints.

Sizes are those of a person whose spine (pelvis to thorax) measures 0.515 m and grow with the person.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from render.drawn.frames import Frames
from render.drawn.limbs import arm, leg
from render.drawn.look import Look
from render.drawn.mesh import Surface
from render.drawn.skeleton import INDEX
from render.drawn.torso import hips, shirt, yoke

Floats = NDArray[np.float64]


def body_surfaces(joints: Floats, frames: Frames, look: Look, seed: int = 0) -> list[Surface]:
    """Return the sheets of the body without its head: joints (17, 3) metres in the world, z up, floor at 0."""
    surfaces = [hips(joints, frames, look, seed), *shirt(joints, frames, look, seed), yoke(joints, frames, look)]
    for name, sign in (("right", -1.0), ("left", 1.0)):
        chain = joints[[INDEX[f"{name}_{joint}"] for joint in ("shoulder", "elbow", "wrist")]]
        surfaces += arm(chain, frames, look, sign, seed)
        chain = joints[[INDEX[f"{name}_{joint}"] for joint in ("hip", "knee", "ankle")]]
        surfaces += leg(chain, frames, look, sign, seed)
    return surfaces
