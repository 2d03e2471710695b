"""A track at another frame rate: the moments of the training rate, and interpolation between moments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
CURVE = 2000  # frames interpolated at once


def training_grid(timestamps: Doubles, rate_hz: float) -> Doubles:
    """Return time stamps at the training rate that cover a run, at least one."""
    count = int(np.ceil((timestamps[-1] - timestamps[0]) * rate_hz - 1e-6)) + 1
    return np.asarray(timestamps[0] + np.arange(count) / rate_hz)


def between(track: Floats, known: Doubles, wanted: Doubles) -> Floats:
    """Interpolate (T, ...) from known to wanted time stamps without overshooting; ends are held."""
    distinct = np.concatenate([[True], np.diff(known) > 1e-9])
    if distinct.sum() < 2:
        return np.repeat(track[:1], len(wanted), axis=0)
    times, rows = (known, track) if distinct.all() else (known[distinct], track[distinct])
    inside = np.clip(wanted, times[0], times[-1])
    # A piece of the curve knows its neighbours only: some at a time are the same curve, in little memory.
    starts = range(0, len(times) - 1, CURVE)
    cuts = [0, *np.searchsorted(inside, times[list(starts)[1:]]), len(inside)]
    curved = np.empty((len(wanted), *track.shape[1:]), np.float32)
    for start, first, stop in zip(starts, cuts[:-1], cuts[1:], strict=True):
        near = slice(max(start - 3, 0), start + CURVE + 4)
        curve = PchipInterpolator(times[near], rows[near], axis=0)
        curved[first:stop] = curve(inside[first:stop])
    return curved
