"""Smoothing of motion in space, only where asked for, and what it did: jitter before and after, and the lag.

The filter is Savitzky and Golay's (scipy.signal.savgol_filter): in every place a polynomial of third degree over the
moments around it, which keeps the height of fast moves better than a mean of the same length, and is symmetric.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

OFF = "off"
WORDS = "off, savgol, or savgol=SECONDS (0.05 to 5)"
_USUAL_S = 0.25
_DEGREE = 3
_WIDEST_S = 5.0
_LAG_S = 0.5  # the largest lag that is looked for
_UNEVEN = 0.25  # of a frame by which time stamps may miss an even rate


def read_smooth(text: str) -> float | None:
    """Return the length of the filter's window in seconds, of the setting `smooth`; None is no smoothing.

    Raises:
        ValueError: neither.
    """
    if text == OFF:
        return None
    found = re.fullmatch(r"savgol(?:=(\d{0,3}(?:\.\d{0,6})?\d))?", text)
    seconds = float(found[1] or _USUAL_S) if found else 0.0
    if not 0.05 <= seconds <= _WIDEST_S:
        raise ValueError(f"smooth: {WORDS} wanted, got {text!r}")
    return seconds


@dataclass(frozen=True)
class Told:
    """What smoothing did to somebody.

    Attributes:
        before, after: jitter: mean third difference of the joints, millimetres a frame cubed.
        lag_s: by how much the smoothed motion comes later, seconds.
        moved: mean distance between a joint before and after, millimetres.
        frames: of the window; 0 where the film is too slow or too short, and nothing was smoothed.
    """

    before: float
    after: float
    lag_s: float
    moved: float
    frames: int

    def line(self, number: int, seconds: float) -> str:
        """Return it in words."""
        if not self.frames:
            return f"person {number}: not smoothed; {seconds:g} s hold too few frames in a row"
        return (
            f"person {number}: smoothed over {seconds:g} s ({self.frames} frames): jitter {self.before:.1f} -> "
            f"{self.after:.1f} mm/frame^3, lag {1000 * self.lag_s:+.1f} ms, joints moved by {self.moved:.1f} mm"
        )


def smooth(positions: Doubles, valid: Bools, timestamps: Doubles, seconds: float) -> tuple[Doubles, Told]:
    """Smooth one person's motion, stretch by stretch of frames in track.

    Args:
        positions: (T, 17, 3) metres about the pelvis.
        valid: (T,).
        timestamps: (T,) seconds; where they are uneven, what is taken off is found at an even rate and put back at
            the frames' own times.
        seconds: length of the window.

    Returns:
        (T, 17, 3), frames out of track as they were, and what was done.
    """
    steps = np.diff(timestamps)
    step = float(np.median(steps)) if len(steps) else 1.0
    frames = 2 * round((seconds / max(step, 1e-3) - 1) / 2) + 1
    made, used = positions.astype(np.float64).copy(), 0
    for span in _stretches(valid):
        if frames > _DEGREE + 1 and span.stop - span.start >= frames:
            made[span] += _taken_off(made[span], timestamps[span], step, frames)
            used = frames
    return made, _tell(positions.astype(np.float64), made, valid, step, used)


def _taken_off(positions: Doubles, times: Doubles, step: float, frames: int) -> Doubles:
    """Return (T, 17, 3) what the filter adds to positions (T, 17, 3)."""
    from scipy.interpolate import make_interp_spline
    from scipy.signal import savgol_filter

    even = times[0] + step * np.arange(len(times))
    if np.abs(times - even).max() <= _UNEVEN * step:
        return np.asarray(savgol_filter(positions, frames, _DEGREE, axis=0) - positions)
    grid = np.arange(times[0], times[-1] + step / 2, step)
    risen = times[0] + np.concatenate([[0.0], np.cumsum(np.maximum(np.diff(times), 1e-4))])
    there = np.asarray(make_interp_spline(risen, positions, 1, axis=0)(np.minimum(grid, risen[-1])))
    if len(grid) < frames:
        return np.zeros_like(positions)
    change = savgol_filter(there, frames, _DEGREE, axis=0) - there
    return np.asarray(make_interp_spline(grid, change, 1, axis=0)(np.clip(risen, grid[0], grid[-1])))


def _tell(before: Doubles, after: Doubles, valid: Bools, step: float, frames: int) -> Told:
    from lifter.metrics import jerk

    moved = float(np.linalg.norm(after - before, axis=-1)[valid].mean()) if valid.any() else 0.0
    return Told(jerk(before, valid), jerk(after, valid), step * lag(before, after, valid, step), 1000 * moved, frames)


def lag(before: Doubles, after: Doubles, valid: Bools, step: float) -> float:
    """Return by how many frames a motion (T, 17, 3) comes later than another: where their velocities agree best.

    The best whole shift is found, and between it and its neighbours the top of a parabola.
    """
    if len(valid) < 2:
        return 0.0
    pairs = valid[1:] & valid[:-1]
    v, w = (np.where(pairs[:, None, None], np.diff(p, axis=0), 0.0).reshape(len(pairs), -1) for p in (before, after))
    widest = min(round(_LAG_S / max(step, 1e-3)), len(pairs) - 1)
    if widest < 1 or not v.any():
        return 0.0
    agree = np.array([_agreement(v, w, shift) for shift in range(-widest, widest + 1)])
    best = int(agree.argmax())
    if not 0 < best < len(agree) - 1:
        return float(best - widest)
    left, top, right = agree[best - 1 : best + 2]
    return float(best - widest + 0.5 * (left - right) / (left + right - 2 * top))


def _agreement(v: Doubles, w: Doubles, shift: int) -> float:
    """Return how little w, taken `shift` frames later, differs from v: both (T, C); less than 0."""
    late, early = (w[shift:], v[: len(v) - shift]) if shift >= 0 else (w[:shift], v[-shift:])
    return -float(((late - early) ** 2).mean())


def _stretches(valid: Bools) -> list[slice]:
    """Return the runs of true frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], valid, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
