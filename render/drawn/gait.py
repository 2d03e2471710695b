"""Footsteps along a path: where the ankles are planted and swing, and how high the pelvis can ride on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, minimum_filter1d, uniform_filter1d

from render.drawn.skeleton import SIGNS, Skeleton, rotation

Floats = NDArray[np.float64]

STANCE = 0.62  # the share of a cycle that a foot is on the floor
HEEL_OFF = 0.44  # from here on the heel rises and the ankle turns about the ball of the foot
BALL = 0.13  # metres from the ankle forward to the ball
STEP_WIDTH = 0.085  # metres from the path to each foot


@dataclass(frozen=True)
class Path:
    """A person's way over the floor on a regular time grid.

    Attributes:
        time: (T,) seconds; place: (T, 2) metres; heading: (T,) radians, 0 along x, to the left positive.
    """

    time: Floats
    place: Floats
    heading: Floats

    @classmethod
    def from_speed(cls, time: Floats, speed: Floats, heading: Floats, anchor: float) -> Path:
        """Integrate `speed` (T,) m/s along `heading` (T,); the path passes the origin at time `anchor`."""
        velocity = speed[:, None] * np.stack([np.cos(heading), np.sin(heading)], axis=-1)
        place = np.cumsum(velocity, axis=0) * (time[1] - time[0])
        origin = np.stack([np.interp(anchor, time, column) for column in place.T])
        return cls(time, place - origin, heading)

    def at(self, time: Floats) -> tuple[Floats, Floats]:
        """Return place (N, 2) and heading (N,) at times (N,); the ends are held."""
        place = np.stack([np.interp(time, self.time, column) for column in self.place.T], axis=-1)
        return place, np.interp(time, self.time, self.heading)


def ankles_on_path(path: Path, cycle: float, march: Floats, skeleton: Skeleton) -> Floats:
    """Return the ankles (T, 2, 3; right, left) of a person who steps along a path, `cycle` seconds for two steps.

    A planted foot does not slide. `march` (T,) 0..1 says how high the feet rise where the path stands still.
    The left foot lands at phase 0 of the cycle, the right foot half a cycle later.
    """
    ankles = np.zeros((len(path.time), 2, 3))
    for side, (sign, offset) in enumerate(zip(SIGNS, (0.5, 0.0), strict=True)):
        count = path.time / cycle - offset
        step = np.floor(count)
        phase = count - step
        # The body is a little behind the middle of its stance: feet are planted nearer than they are left.
        here, heading = _plants(path, (step + offset + 0.26) * cycle, sign)
        there, _ = _plants(path, (step + offset + 1.26) * cycle, sign)
        effort = np.clip(np.linalg.norm(there - here, axis=-1) / 0.7, 0, 1)
        effort = np.maximum(effort, march * 0.8)
        forward, rise = _heel_off(phase, effort)
        swing = np.clip((phase - STANCE) / (1 - STANCE), 0, 1)
        ahead = np.stack([np.cos(heading), np.sin(heading)], axis=-1)
        left = here + forward[:, None] * ahead
        ankles[:, side, :2] = left + _ease(swing)[:, None] * (there - left)
        bump = effort * 0.05 * np.sin(np.pi * swing) ** 2 + march * 0.05 * np.sin(np.pi * swing) ** 2
        ankles[:, side, 2] = skeleton.ankle_height + rise * (1 - _ease(swing)) + bump
    step_s = path.time[1] - path.time[0]
    return np.asarray(gaussian_filter1d(ankles, 0.02 / step_s, axis=0, mode="nearest"), np.float64)


def ride_height(
    pelvis: Floats, turn: Floats, ankles: Floats, drop: Floats, skeleton: Skeleton, step_s: float
) -> Floats:
    """Return the height (T,) of a pelvis that both legs can reach, `drop` (T,) metres below standing, smooth in time.

    A minimum over a window followed by a mean over the same window never exceeds what it smooths.
    """
    reach = 0.992 * skeleton.leg
    heights = [skeleton.ankle_height + reach - drop]
    axes = rotation(2, turn[:, 0]) @ rotation(1, turn[:, 1]) @ rotation(0, turn[:, 2])
    for side, sign in enumerate(SIGNS):
        offset = axes @ np.array([0, sign * skeleton.hip, 0])
        flat = np.linalg.norm((pelvis + offset - ankles[:, side])[:, :2], axis=-1)
        heights.append(ankles[:, side, 2] + np.sqrt(np.maximum(reach**2 - flat**2, 0.01)) - offset[:, 2])
    window = 2 * int(0.06 / step_s) + 1
    lowest = minimum_filter1d(np.min(heights, axis=0), 2 * window - 1, mode="nearest")
    for _ in range(2):
        lowest = uniform_filter1d(lowest, window, mode="nearest")
    return np.asarray(lowest, np.float64)


def _plants(path: Path, time: Floats, sign: float) -> tuple[Floats, Floats]:
    """Return where a foot is planted for the body's place at `time` (N,), and the heading there."""
    place, heading = path.at(time)
    sideways = np.stack([-np.sin(heading), np.cos(heading)], axis=-1)
    return place + sign * STEP_WIDTH * sideways, heading


def _heel_off(phase: Floats, effort: Floats) -> tuple[Floats, Floats]:
    """Return how far forward and up (T,) the ankle has turned about the ball of the foot."""
    pitch = 0.75 * effort * _ease(np.clip((phase - HEEL_OFF) / (STANCE - HEEL_OFF), 0, 1))
    height = 0.06
    forward = BALL * (1 - np.cos(pitch)) + height * np.sin(pitch)
    rise = BALL * np.sin(pitch) - height * (1 - np.cos(pitch))
    return forward, rise


def _ease(u: Floats) -> Floats:
    """Return the smooth step of 0..1."""
    eased: Floats = u * u * (3 - 2 * u)
    return eased
