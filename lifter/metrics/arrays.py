"""What every metric does first and last: refuse wrong arrays, average over the scored frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]
MM = 1000.0


def sequence(positions: ArrayLike) -> Doubles:
    """Return positions (T, J, 3) in float64.

    Raises:
        ValueError: another shape, or empty.
    """
    p = np.asarray(positions, np.float64)
    if p.ndim != 3 or p.shape[-1] != 3 or not p.size:
        raise ValueError(f"metrics: positions (T, J, 3) wanted, got {p.shape}")
    return p


def pair(predicted: ArrayLike, truth: ArrayLike) -> tuple[Doubles, Doubles]:
    """Return two sequences (T, J, 3) in float64.

    Raises:
        ValueError: other or different shapes, or empty.
    """
    p, g = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    if p.shape != g.shape or p.ndim != 3 or p.shape[-1] != 3 or not p.size:
        raise ValueError(f"metrics: two equal shapes (T, J, 3) wanted, got {p.shape} and {g.shape}")
    return p, g


def scored(valid: ArrayLike | None, frames: int, order: int = 0) -> Bools:
    """Return (max(T - order, 0),) bool: where `order` + 1 frames in a row are valid (all are, where `valid` is None).

    Raises:
        ValueError: `valid` is not (T,) bool.
    """
    mask = np.ones(frames, bool) if valid is None else np.asarray(valid)
    if mask.shape != (frames,) or mask.dtype != bool:
        raise ValueError(f"metrics: valid ({frames},) bool wanted, got {mask.shape} {mask.dtype}")
    for _ in range(order):
        mask = mask[1:] & mask[:-1]
    return mask


def average(values: Doubles, mask: Bools) -> float:
    """Mean of values (T, ...) over the frames of `mask` (T,) and everything behind them; NaN where there are none."""
    return float(values[mask].mean()) if mask.any() else float("nan")
