"""Shares of joints that are near enough: PCK and AUC, as MPI-INF-3DHP's own evaluation counts them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from lifter.metrics.arrays import Doubles, average, pair, scored
from lifter.metrics.position import distances

PCK_MM = 150.0
AUC_THRESHOLDS_MM: tuple[float, ...] = tuple(range(0, 151, 5))  # 31, with 0, which nothing passes


def pck(
    predicted: ArrayLike,
    truth: ArrayLike,
    valid: ArrayLike | None = None,
    score_joints: Sequence[int] | None = None,
    threshold_mm: float = PCK_MM,
) -> float:
    """Percentage of joints nearer than 150 mm (at exactly 150 mm a joint is wrong).

    Args:
        predicted: (T, J, 3) root-relative metres.
        truth: (T, J, 3) root-relative metres.
        valid: (T,) bool, the frames to score.
        score_joints: the joints that count; all by default, the always right root among them.
        threshold_mm: the distance that is near enough.
    """
    p, g = pair(predicted, truth)
    hits = near(_of(distances(p, g), score_joints), threshold_mm)
    return average(hits, scored(valid, len(p)))


def auc(
    predicted: ArrayLike,
    truth: ArrayLike,
    valid: ArrayLike | None = None,
    score_joints: Sequence[int] | None = None,
) -> float:
    """Area under the curve of PCK: its mean over thresholds 0, 5, ..., 150 mm; at best 100 * 30 / 31 percent."""
    p, g = pair(predicted, truth)
    return average(area(_of(distances(p, g), score_joints)), scored(valid, len(p)))


def near(errors_mm: Doubles, threshold_mm: float = PCK_MM) -> Doubles:
    """100 where an error is below the threshold, else 0; of any shape."""
    return np.where(errors_mm < threshold_mm, 100.0, 0.0)


def area(errors_mm: Doubles) -> Doubles:
    """Percentage of AUC's thresholds that lie above each error; of any shape."""
    not_above = np.searchsorted(np.asarray(AUC_THRESHOLDS_MM), errors_mm, side="right")
    return np.asarray(100.0 - 100.0 * not_above / len(AUC_THRESHOLDS_MM))


def _of(errors: Doubles, score_joints: Sequence[int] | None) -> Doubles:
    return errors if score_joints is None else errors[:, list(score_joints)]
