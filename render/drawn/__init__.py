"""People drawn by numpy and OpenCV alone, whom real detectors find, with exactly known 2D and 3D."""

from __future__ import annotations

from render.drawn.camera import Camera, look_at
from render.drawn.film import DrawnFilm
from render.drawn.look import LOOKS, Look
from render.drawn.motion import demo_motion, squat, walk, wave
from render.drawn.paint import Light
from render.drawn.skeleton import JOINTS, PARENTS, Skeleton

__all__ = [
    "JOINTS", "LOOKS", "PARENTS", "Camera", "DrawnFilm", "Light", "Look", "Skeleton", "demo_motion", "look_at",
    "squat", "walk", "wave",
]  # fmt: skip
