"""What is told of a person's angles and walks in a few numbers: plain values for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.measures.angles import NAMES
from pipeline.measures.steps import SIDES, Walk

NOTE = (
    "Estimates from one camera, not measurements: pelvis and thighs cannot be told about their own axes, "
    "depth is inferred. See pipeline/measures/README.md for definitions, sources and errors."
)


def summary(angles: NDArray[np.float64], walks: list[Walk]) -> dict[str, Any]:
    """Return ranges of angles (T, 15) of the frames in which a person is seen, and the walks."""
    return {
        "angles_deg": {name: _range(column) for name, column in zip(NAMES, angles.T, strict=True)},
        "walks": [_walk(walk) for walk in walks],
    }


def _range(values: NDArray[np.float64]) -> dict[str, float] | None:
    """Return percentiles, which single bad frames do not move; None where the angle is never defined."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    low, middle, high = np.percentile(known, (5, 50, 95)).tolist()
    return {"p5": round(low, 1), "median": round(middle, 1), "p95": round(high, 1)}


def _walk(walk: Walk) -> dict[str, Any]:
    contacts = walk.contacts
    return {
        "first_s": round(contacts[0].seconds, 3),
        "last_s": round(contacts[-1].seconds, 3),
        "steps": len(contacts) - 1,
        "cadence_steps_per_min": round(walk.cadence, 1),
        "step_time_s": {side: _mean(walk.step_seconds(side), 3) for side in SIDES},
        "step_length_m": {side: _mean([c.step_m for c in contacts if c.side == side], 2) for side in SIDES},
    }


def _mean(values: list[float], digits: int) -> float | None:
    return round(float(np.mean(values)), digits) if values else None
