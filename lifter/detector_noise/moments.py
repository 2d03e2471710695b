"""Numbers of errors in time: what stays, what drifts and what jitters; how heavy the tails; how clips differ."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from lifter.datasets.mocap.packed import RATE_HZ
from lifter.detector_noise.parts import KIND_OF, KINDS, Doubles

Bools = NDArray[np.bool_]

LAGS = 60  # frames, at most
LIFETIMES = np.geomspace(1.5, 40, 30)  # frames
TAILS = (2.3, 2.6, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 12.0, 20.0, 100.0)  # degrees of freedom
ENOUGH = 25  # frames of a clip


def calm_parts(error: Doubles, calm: Bools) -> tuple[float, float, float, float]:
    """Split errors (C, T, 2) by how long they live; frames that are not `calm` (C, T) are left out.

    The covariance at a lag of k frames is bias^2 + drift^2 exp(-k / lifetime), and jitter^2 more at none.

    Returns:
        sigmas of bias and drift, the drift's lifetime in seconds, and the sigma of the jitter.
    """
    known, weight = np.where(calm[..., None], error, 0.0), calm.astype(np.float64)
    frames = error.shape[1]
    lags = np.arange(min(LAGS, frames * 2 // 3) + 1)
    pairs = np.array([(weight[:, : frames - k] * weight[:, k:]).sum() for k in lags])
    sums = np.array([(known[:, : frames - k] * known[:, k:]).sum() for k in lags])
    if pairs[0] == 0 or not (pairs[1:] > 0).any():
        return 0.0, 0.0, 0.2, 0.0
    covariance, trust = sums / np.maximum(2 * pairs, 1), np.sqrt(pairs / pairs[0])
    best = (np.inf, 0.0, 0.0, 1.0)
    for lifetime in LIFETIMES:
        design = np.stack([np.ones(len(lags)), np.exp(-lags / lifetime)], axis=1)
        (stays, drifts), off = nnls((trust[:, None] * design)[1:], (trust * covariance)[1:])
        best = min(best, (float(off), float(stays), float(drifts), float(lifetime)))
    _, stays, drifts, lifetime = best
    jitter = max(float(covariance[0]) - stays - drifts, 0.0)
    return float(np.sqrt(stays)), float(np.sqrt(drifts)), lifetime / RATE_HZ, float(np.sqrt(jitter))


def _quick(error: Doubles, calm: Bools) -> tuple[Doubles, Bools]:
    """Lengths (C, T - 2, ...) of what neighbours do not tell of an error (C, T, ..., 2), and where they are known."""
    beside = (error[:, 2:] + error[:, :-2]) / 2
    return np.linalg.norm(error[:, 1:-1] - beside, axis=-1), calm[:, 1:-1] & calm[:, 2:] & calm[:, :-2]


def heavy_tail(error: Doubles, calm: Bools) -> float:
    """Return the degrees of freedom of the Student t whose quick part has the tail of (C, T, 2) errors'.

    Clips are each taken in their own size: that some are worse than others is no tail.
    """
    quick, known = _quick(error, calm)
    ratios = []
    for lengths, there in zip(quick, known, strict=True):
        if there.sum() >= ENOUGH and (usual := np.median(lengths[there])) > 1e-6:
            ratios.append(lengths[there] / usual)
    if not ratios:
        return TAILS[-1]
    found = float(np.percentile(np.concatenate(ratios), 99))
    tails, far = _tail_table()
    return float(np.exp(np.interp(-found, -far, np.log(tails))))


@cache
def _tail_table() -> tuple[Doubles, Doubles]:
    """Degrees of freedom, and the 99th percentile over the median of the quick part of noise that has them."""
    random = np.random.default_rng(0)
    far = []
    for tail in TAILS:
        quick, _ = _quick(random.standard_t(tail, (400, 400, 2)), np.ones((400, 400), bool))
        far.append(np.percentile(quick, 99) / np.median(quick))
    return np.array(TAILS), np.array(far)


def spreads(error: Doubles, calm: Bools) -> tuple[Doubles, float]:
    """Return (11,) by how much the size of quick errors differs from clip to clip, and which part is the clip's.

    Both of the logarithm: its sigma over clips and joints of a kind, and the joints' mean covariance over it.

    Args:
        error: (C, T, 17, 2). calm: (C, T, 17).
    """
    quick, known = _quick(error, calm)
    enough = known.sum(axis=1) >= ENOUGH  # C 17
    usual = np.full(enough.shape, np.nan)
    for clip, joint in zip(*np.nonzero(enough), strict=True):
        usual[clip, joint] = np.log(max(float(np.median(quick[clip, known[clip, :, joint], joint])), 1e-4))
    off = usual - np.array([[_mean(usual[:, joint]) for joint in range(17)]])
    # A median of n lengths is itself uncertain by about 0.7 / sqrt(n).
    own = 0.5 / np.maximum(known.sum(axis=1), 1)
    variance = np.array([_mean((off**2 - own)[:, joint]) for joint in range(17)])
    sigma = np.array([np.sqrt(max(_mean(variance[np.array(KIND_OF) == kind]), 0)) for kind in range(len(KINDS))])
    return sigma, _shared(off, float(np.nanmean(variance)) if np.isfinite(variance).any() else 0.0)


def _shared(off: Doubles, variance: float) -> float:
    known = np.isfinite(off)
    filled = np.where(known, off, 0.0)
    pairs = known.sum(axis=1) ** 2 - known.sum(axis=1)
    if not pairs.sum() or variance <= 0:
        return 0.0
    together = (filled.sum(axis=1) ** 2 - (filled**2).sum(axis=1)).sum() / pairs.sum()
    return float(np.clip(together / variance, 0, 1))


def _mean(values: Doubles) -> float:
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else 0.0
