"""Appendix A as the paper does it: a lifter trained and tested for every mixture of true and detected 2D (Figure 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

from lifter.datasets.poseset import read_poseset, sources, write_keypoints
from lifter.experiments.disturb import ALPHAS
from lifter.experiments.noise_study import Point, error_2d, heights_px, mixture_source
from lifter.experiments.paper_tables import BEST, motion
from lifter.experiments.thinning import thinned
from lifter.experiments.trial import Protocol, Result, Trial
from lifter.sequences import SCORES


def prepare(data: Path, detections: Sequence[str], alphas: Sequence[float] = ALPHAS) -> dict[tuple[str, float], str]:
    """Write the mixtures into a prepared data set, where they are missing.

    Returns:
        For every detected source and weight alpha, p = (1 - alpha) truth + alpha detected: the 2D source to train on.

    Raises:
        LifterError: no such 2D source.
    """
    truth, there = read_poseset(data), set(sources(data))
    found: dict[tuple[str, float], str] = {}
    for source in detections:
        detected = read_poseset(data, source)
        for alpha in alphas:
            made = mixture_source(truth, detected, alpha)
            found[source, alpha] = {0.0: "gt", 1.0: source}.get(alpha, made.source)
            if found[source, alpha] not in there:
                write_keypoints(data, made)
    return found


def trials(names: Mapping[tuple[str, float], str]) -> dict[tuple[str, float], Trial]:
    """A training with motion loss (Table 2's best) on every mixture."""
    return {
        (source, alpha): Trial(f"{source} {alpha:g}", motion(BEST), name) for (source, alpha), name in names.items()
    }


def points(
    wanted: Mapping[tuple[str, float], Trial], results: Mapping[Trial, Result], protocol: Protocol
) -> list[Point]:
    """A point a mixture: 2D error over the scored frames, and the metrics as means over seeds."""
    clean = thinned(read_poseset(protocol.data), *protocol.scored)
    heights = heights_px(clean.poses)
    found = []
    for (source, alpha), trial in wanted.items():
        pixels, percent = error_2d(
            thinned(read_poseset(protocol.data, trial.keypoints), *protocol.scored), clean, heights
        )
        own = [result for each, result in results.items() if replace(each, seed=0) == trial]
        scores = {name: mean(result["scores"][name] for result in own) for name in SCORES}
        curve = f"{source}, a lifter each"
        found.append(Point(curve, "mixture", "share of the detector's 2D", "all", alpha, pixels, percent, scores))
    return found
