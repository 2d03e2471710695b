"""Validation in training: windows joined to sequences as in lifting, then the usual errors."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from numpy.typing import NDArray

from lifter.metrics import mpjpe, mpjve, p_mpjpe
from lifter.screen import turn_back

Doubles = NDArray[np.float64]
# Each with the frames in a row that one of its values needs.
SHOWN = {"MPJPE": (mpjpe, 1), "P-MPJPE": (p_mpjpe, 1), "MPJVE": (mpjve, 2)}


class SlidingWindowPose3DMetric(BaseMetric):  # type: ignore[misc]  # MMEngine has no types
    """MPJPE, P-MPJPE (mm) and MPJVE (mm a frame) over joined windows, averaged over frames, or pairs of frames.

    Windows of a sequence may overlap: every frame is the plain average of what they say of it. No velocity is taken
    across frames that do not count. With nothing to average, a value is NaN. Where the recipe's axes are
    those of the ray, both are compared in these: as if the ray were known exactly, which changes no position error.
    """

    default_prefix = ""

    def process(self, data_batch: Any, data_samples: list[dict[str, Any]]) -> None:
        """Keep the predictions of `LifterModel` in its predict mode."""
        del data_batch
        self.results.extend({name: value.numpy() for name, value in sample.items()} for sample in data_samples)

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Score all sequences."""
        sequences: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for sample in results:
            sequences[int(sample["sequence"])].append(sample)
        totals, counts = dict.fromkeys(SHOWN, 0.0), dict.fromkeys(SHOWN, 0)
        for samples in sequences.values():
            predicted, truth, valid = joined(samples)
            for name, (metric, row) in SHOWN.items():
                count = int((valid if row == 1 else valid[1:] & valid[:-1]).sum())
                if count:
                    totals[name] += metric(predicted, truth, valid) * count
                    counts[name] += count
        return {name: totals[name] / counts[name] if counts[name] else float("nan") for name in SHOWN}


def joined(samples: list[dict[str, Any]]) -> tuple[Doubles, Doubles, NDArray[np.bool_]]:
    """Average the windows of one sequence: predicted and true (T, 17, 3), and the frames (T,) that count."""
    begin = min(int(sample["start"]) for sample in samples)
    frames = max(int(sample["start"]) + len(sample["mask"]) for sample in samples) - begin
    total, truth, count = np.zeros((frames, 17, 3)), np.zeros((frames, 17, 3)), np.zeros(frames)
    for sample in samples:
        predicted, positions = sample["predicted"], sample["positions"]
        if "turns" in sample:  # every window was turned by itself
            both = np.stack([predicted, positions])
            predicted, positions = turn_back(both, np.stack([sample["turns"]] * 2))
        inside = np.flatnonzero(sample["mask"])
        at = inside + int(sample["start"]) - begin
        total[at] += predicted[inside]
        truth[at] = positions[inside]
        count[at] += 1
    return total / np.maximum(count, 1)[:, None, None], truth, count > 0
