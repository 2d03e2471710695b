"""The drawn torso: shirt, seat of the trousers and the skin in the collar, rings around the spine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from render.drawn.frames import Frames
from render.drawn.look import Look, albedo
from render.drawn.mesh import Surface, bend, grain, interpolate, loft, unit
from render.drawn.skeleton import INDEX

Floats = NDArray[np.float64]

# Height above the pelvis, half width, depth in front, depth behind; metres.
TORSO = np.array([
    [-0.110, 0.085, 0.050, 0.060], [-0.095, 0.135, 0.085, 0.100], [-0.05, 0.172, 0.104, 0.124],
    [0.01, 0.174, 0.110, 0.124], [0.06, 0.164, 0.110, 0.106], [0.13, 0.149, 0.106, 0.090],
    [0.20, 0.145, 0.104, 0.084], [0.29, 0.156, 0.108, 0.094], [0.37, 0.170, 0.116, 0.104],
    [0.42, 0.178, 0.112, 0.106], [0.455, 0.182, 0.098, 0.100], [0.487, 0.174, 0.082, 0.092],
    [0.508, 0.150, 0.068, 0.082], [0.530, 0.100, 0.062, 0.070], [0.548, 0.066, 0.056, 0.062],
])  # fmt: skip
COLLAR = 0.531  # metres above the pelvis


def _torso_rings(joints: Floats, frames: Frames, heights: Floats, scale: tuple[float, float], points: int) -> Floats:
    """Return rings (R, points + 1, 3) around the spine at `heights` above the pelvis (metres of the mean body)."""
    pelvis, spine, thorax = (joints[INDEX[name]] for name in ("pelvis", "spine", "thorax"))
    share = np.clip((heights - 0.05) / 0.38, 0, 1)
    share = (share * share * (3 - 2 * share))[:, None]
    forward = unit((1 - share) * frames.pelvis[:, 0] + share * frames.thorax[:, 0])
    left = unit((1 - share) * frames.pelvis[:, 1] + share * frames.thorax[:, 1])
    stations = heights / 0.2575
    centres = bend(pelvis, spine, thorax, stations, 0.5)
    below = np.minimum(heights, 0)[:, None] * frames.size
    centres = np.where(heights[:, None] < 0, pelvis + below * frames.pelvis[:, 2], centres)
    size = interpolate(heights, TORSO) * frames.size
    # The chest lies in front of the spine.
    centres = centres + 0.015 * frames.size * share * forward
    shoulders = np.linalg.norm(joints[INDEX["left_shoulder"]] - joints[INDEX["right_shoulder"]]) / (0.33 * frames.size)
    hips = np.linalg.norm(joints[INDEX["left_hip"]] - joints[INDEX["right_hip"]]) / (0.204 * frames.size)
    breadth = np.clip((1 - share[:, 0]) * (0.5 + 0.5 * hips) + share[:, 0] * shoulders, 0.8, 1.3) * scale[0]
    waist = 1 + (scale[1] - 1) * np.exp(-(((heights - 0.14) / 0.13) ** 2))
    front = forward * (size[:, 1] * waist)[:, None]
    back = -forward * size[:, 2:3]
    sides = left * (size[:, 0] * breadth)[:, None]
    # A half axis on the negative side is counted from the centre backwards.
    return loft(centres, np.stack([front, -back], axis=1), sides, 2.35, points)


def shirt(joints: Floats, frames: Frames, look: Look, seed: int) -> list[Surface]:
    """Return the shirt from its hem to the collar, a little wider than the body, and the collar's inside."""
    heights = np.concatenate([[look.hem, look.hem], np.linspace(look.hem + 0.012, COLLAR, 44)])
    rings = _torso_rings(joints, frames, heights, (look.width * 1.03, look.belly * 1.02), 48)
    centres = rings[:, :-1].mean(axis=1, keepdims=True)
    rings = centres + (rings - centres) * (1 + 0.05 * np.exp(-(heights - look.hem) / 0.05))[:, None, None]
    rings[0] = centres[0] + (rings[0] - centres[0]) * 0.93
    shape = (len(heights) - 1, 48)
    colours = albedo(look.shirt) * grain(shape, 0.012, seed + 1)
    if look.stripes:
        bright = (np.floor(heights[:-1] / 0.034) % 2 == 0)[:, None, None] * look.stripes
        colours = colours * (1.05 - bright * 0.8)
    colours[1:3] *= 0.86
    colours[-2:] *= 0.8
    angle = np.linspace(0, 2 * np.pi, 49)[:-1]
    # Creases run obliquely over the waist.
    wave = np.sin(angle * 3 + heights[:-1, None] * 55 + np.sin(heights[:-1, None] * 31) * 2)
    fold = np.exp(-(((heights[:-1] - 0.1) / 0.12) ** 2))[:, None] * wave
    # The shirt hangs over the seat and the tops of the thighs.
    outside = Surface(rings, colours * (1 + 0.03 * fold[..., None]), 0.03)
    return [outside, Surface(rings[-6:, ::-1], colours[-5:] * 0.7)]


def yoke(joints: Floats, frames: Frames, look: Look) -> Surface:
    """Return the skin of shoulders and neck that shows within the collar."""
    rings = _torso_rings(joints, frames, np.linspace(COLLAR - 0.04, 0.548, 7), (0.97 * look.width, 1.0), 24)
    return Surface(rings, np.broadcast_to(albedo(look.skin) * 0.95, (6, 24, 3)))


def hips(joints: Floats, frames: Frames, look: Look, seed: int) -> Surface:
    """Return the trousers' seat, from the crotch to the waistband under the shirt."""
    heights = np.linspace(-0.11, look.hem + 0.02, 16)
    rings = _torso_rings(joints, frames, heights, (look.width, look.belly), 32)
    colours = albedo(look.trousers) * grain((15, 32), 0.012, seed + 2)
    colours[:3] *= 0.8
    colours[-6:] *= 0.75
    return Surface(rings, colours)
