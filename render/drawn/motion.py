"""Motions of our own, from formulas and no motion capture: walk, wave, squat, and the three joined for the demo.

Each returns joints (T, 17, 3) float32, metres, z up, floor at z = 0, in Human3.6M's order, at any frame rate.
At heading 0 the person faces along x.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from render.drawn.gait import Path, ankles_on_path, ride_height
from render.drawn.skeleton import Posture, Skeleton, posture_to_joints

Floats = NDArray[np.float64]
Joints = NDArray[np.float32]

GRID = 120.0  # Hz of the grid that motions are made on, before they are read at the film's rate
CYCLE = 1.12  # seconds for two steps
SPEED = 0.95  # m/s
TURN_RADIUS = 0.75  # metres of the curve that the demo walks
WAVE_HZ = 1.6
MARGIN = 2.0  # seconds made before and after, so that no end shows


@dataclass
class _Score:
    """What the person does when, on the grid: strengths 0..1 of each action and the path; all (T,) but `path`."""

    path: Path
    walking: Floats
    marching: Floats
    waving: Floats
    squatting: Floats


def walk(
    seconds: float, fps: float, speed: float = SPEED, turn: float = 0.0, skeleton: Skeleton | None = None
) -> Joints:
    """Return a walk along the floor, passing the origin at half time with heading 0.

    Args:
        seconds: length; fps: frames per second; the result has round(seconds * fps) frames, at least 1.
        speed: m/s, 0 (marches in place) to 1.3.
        turn: radians per second to the left.
        skeleton: whose bones; None is the 1.72 m person.

    Raises:
        ValueError: no time, no frame rate, or a speed outside 0..1.3.
    """
    if not 0 <= speed <= 1.3:
        raise ValueError(f"speed: {speed} m/s, expected 0 to 1.3")
    time = _grid(seconds, fps)
    ones = np.ones_like(time)
    middle = seconds / 2
    path = Path.from_speed(time, speed * ones, turn * (time - middle), middle)
    score = _Score(path, ones, (1 - min(speed / 0.4, 1)) * ones, 0 * ones, 0 * ones)
    return _perform(score, seconds, fps, skeleton or Skeleton())


def wave(seconds: float, fps: float, skeleton: Skeleton | None = None) -> Joints:
    """Return a person who stands at the origin, heading 0, and waves with the right hand throughout."""
    return _standing(seconds, fps, skeleton, waving=True)


def squat(seconds: float, fps: float, period: float = 2.6, skeleton: Skeleton | None = None) -> Joints:
    """Return squats at the origin, heading 0, arms forward; one takes about `period` seconds, all are complete."""
    return _standing(seconds, fps, skeleton, waving=False, period=period)


def demo_motion(seconds: float, fps: float, skeleton: Skeleton | None = None) -> Joints:
    """Return a walk on a curve that ends at the origin with heading 0, a wave, and squats, in one flow.

    From about eight seconds on each has its time; under four they are hurried.
    """
    time = _grid(seconds, fps)
    walk_end, wave_end = 0.48 * seconds, 0.70 * seconds
    blend = min(0.7, 0.1 * seconds)
    walking = 1 - _rise(time, walk_end - blend, walk_end + 0.2 * blend)
    waving = _rise(time, walk_end, walk_end + blend) * (1 - _rise(time, wave_end - blend, wave_end))
    count = max(1, round((seconds - wave_end) / 2.6))
    squatting = _squats(time, wave_end, seconds, count)
    # The heading turns with the way gone, so that the curve keeps its radius while the walk slows down.
    gone = np.cumsum(SPEED * walking) / GRID
    heading = (gone - gone[-1]) / TURN_RADIUS
    path = Path.from_speed(time, SPEED * walking, heading, seconds)
    return _perform(_Score(path, walking, 0 * time, waving, squatting), seconds, fps, skeleton or Skeleton())


def _standing(seconds: float, fps: float, skeleton: Skeleton | None, waving: bool, period: float = 2.6) -> Joints:
    """Return a person who stays in place and waves or squats."""
    time = _grid(seconds, fps)
    zero = np.zeros_like(time)
    path = Path(time, np.zeros((len(time), 2)), zero)
    squats = zero if waving else _squats(time, 0.0, seconds, max(1, round(seconds / period)))
    return _perform(_Score(path, zero, zero, zero + waving, squats), seconds, fps, skeleton or Skeleton())


def _perform(score: _Score, seconds: float, fps: float, skeleton: Skeleton) -> Joints:
    """Return the joints of a score, read off at the film's frames."""
    posture = _posture(score, skeleton)
    frames = np.arange(max(1, round(seconds * fps))) / fps
    time = score.path.time
    read = {}
    for name, values in vars(posture).items():
        columns = values.reshape(len(time), -1).T
        read[name] = np.stack([np.interp(frames, time, column) for column in columns], -1).reshape(
            -1, *values.shape[1:]
        )
    return posture_to_joints(Posture(**read), skeleton)


def _posture(score: _Score, skeleton: Skeleton) -> Posture:
    """Return the posture on the grid: gait, breath and sway, wave and squat laid over one another."""
    time, heading, walking = score.path.time, score.path.heading, score.walking
    phase = 2 * np.pi * time / CYCLE  # the left foot lands at 0
    swing = walking * np.cos(phase)
    depth = score.squatting
    moving = np.maximum(walking, score.marching)
    sway = -0.018 * moving * np.sin(phase + 0.5) + 0.006 * np.sin(0.9 * time)
    back = -0.17 * depth
    pelvis = np.zeros((len(time), 3))
    ahead = np.stack([np.cos(heading), np.sin(heading)], -1)
    sideways = np.stack([-ahead[:, 1], ahead[:, 0]], -1)
    pelvis[:, :2] = score.path.place + back[:, None] * ahead - sway[:, None] * sideways
    turn = np.stack([heading - 0.10 * swing, 0.03 + 0.30 * depth, 0.045 * moving * np.sin(phase + 0.5)], -1)
    breath = 0.012 * np.sin(2 * np.pi * time / 3.7)
    spine = np.stack(
        [0.19 * swing + 0.05 * score.waving, 0.03 + breath + 0.25 * depth, -1.1 * turn[:, 2] - 0.05 * score.waving], -1
    )
    ankles = ankles_on_path(score.path, CYCLE, score.marching, skeleton)
    pelvis[:, 2] = ride_height(pelvis, turn, ankles, 0.36 * depth * skeleton.leg / 0.855, skeleton, 1 / GRID)
    nod = -0.5 * (turn[:, 1] + spine[:, 1]) + 0.02 * np.sin(1.3 * time)
    return Posture(pelvis, ankles, turn, spine, nod, _arms(score, phase, breath))


def _arms(score: _Score, phase: Floats, breath: Floats) -> Floats:
    """Return arm angles (T, 2, 4): they swing against the legs, rise for a squat; the right one waves."""
    arms = np.zeros((len(phase), 2, 4))
    moving = np.maximum(score.walking, 0.7 * score.marching)
    for side, sign in enumerate((1.0, -1.0)):
        # The right arm is in front as the left foot lands; the forearm follows a little late.
        swing = sign * moving * np.cos(phase)
        late = sign * moving * np.cos(phase - 0.5)
        arms[:, side, 0] = 0.05 + 0.40 * swing
        arms[:, side, 1] = 0.13 + breath
        arms[:, side, 2] = -0.15
        arms[:, side, 3] = 0.22 + moving * 0.12 + 0.22 * late
    lift = np.clip(1.15 * score.squatting, 0, 1)[:, None, None]
    arms += lift * (np.array([1.80, 0.10, -0.15, 0.20]) - arms)
    hand = np.sin(2 * np.pi * WAVE_HZ * score.path.time)
    waved = np.stack([0.15 + 0 * hand, 1.30 + 0.05 * hand, 1.40 + 0.10 * hand, 1.75 - 0.38 * hand], -1)
    arms[:, 0] += score.waving[:, None] * (waved - arms[:, 0])
    return np.asarray(gaussian_filter1d(arms, 0.03 * GRID, axis=0, mode="nearest"), np.float64)


def _squats(time: Floats, start: float, end: float, count: int) -> Floats:
    """Return depth 0..1 (T,) of `count` squats between two times, standing at both ends; quick ones are shallow."""
    inside = np.clip((time - start) / (end - start), 0, 1)
    depth: Floats = 0.5 - 0.5 * np.cos(2 * np.pi * count * inside)
    quick = min(1.0, (end - start) / count / 1.8)
    return quick**2 * depth**0.85


def _rise(time: Floats, start: float, end: float) -> Floats:
    """Return a smooth step from 0 to 1 between two times."""
    u = np.clip((time - start) / (end - start), 0, 1)
    step: Floats = u * u * (3 - 2 * u)
    return step


def _grid(seconds: float, fps: float) -> Floats:
    """Return the grid's times (T,), with a margin at both ends; ValueError for no time or no rate."""
    if not (0 < seconds < 3600 and 0 < fps <= 1000):
        raise ValueError(f"seconds {seconds} and fps {fps}: expected 0 < seconds < 3600 and 0 < fps <= 1000")
    return np.arange(-MARGIN, seconds + MARGIN, 1 / GRID)
