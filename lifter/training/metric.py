"""Validation in training: windows joined to sequences as in lifting, then the usual errors."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from numpy.typing import NDArray

from lifter.metrics import mpjpe, mpjve, p_mpjpe

Doubles = NDArray[np.float64]
SHOWN = {"MPJPE": mpjpe, "P-MPJPE": p_mpjpe, "MPJVE": mpjve}


class SlidingWindowPose3DMetric(BaseMetric):  # type: ignore[misc]  # MMEngine has no types
    """MPJPE, P-MPJPE (mm) and MPJVE (mm a frame) over joined windows, averaged over frames.

    Windows of a sequence may overlap: every frame is the plain average of what they say of it. Each unbroken
    run of valid frames is scored by itself, so that no velocity is taken across a gap.
    """

    def process(self, data_batch: Any, data_samples: list[dict[str, Any]]) -> None:
        """Keep the predictions of `LifterModel` in its predict mode."""
        del data_batch
        self.results.extend({name: value.numpy() for name, value in sample.items()} for sample in data_samples)

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Score all sequences."""
        sequences: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for sample in results:
            sequences[int(sample["sequence"])].append(sample)
        totals, frames = dict.fromkeys(SHOWN, 0.0), 0
        for samples in sequences.values():
            for predicted, truth in _runs(samples):
                frames += len(truth)
                for name, metric in SHOWN.items():
                    totals[name] += metric(predicted, truth) * len(truth)
        return {name: total / max(frames, 1) for name, total in totals.items()}


def _runs(samples: list[dict[str, Any]]) -> list[tuple[Doubles, Doubles]]:
    """Average the windows of one sequence; return its runs of valid frames, predicted and true (T, 17, 3)."""
    begin = min(int(sample["start"]) for sample in samples)
    frames = max(int(sample["start"]) + len(sample["mask"]) for sample in samples) - begin
    total, truth, count = np.zeros((frames, 17, 3)), np.zeros((frames, 17, 3)), np.zeros(frames)
    for sample in samples:
        inside = np.flatnonzero(sample["mask"])
        at = inside + int(sample["start"]) - begin
        total[at] += sample["predicted"][inside]
        truth[at] = sample["positions"][inside]
        count[at] += 1
    seen = np.flatnonzero(count)
    total[seen] /= count[seen][:, None, None]
    parts = np.split(seen, np.flatnonzero(np.diff(seen) > 1) + 1) if len(seen) else []
    return [(total[part], truth[part]) for part in parts]
