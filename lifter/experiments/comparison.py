"""UGCN with and without motion loss against other lifters: the same windows, the same number of steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean, stdev
from typing import Any

from lifter.errors import LifterError
from lifter.experiments.trial import Result, Trial
from lifter.training.overrides import parsed

POSITION_ONLY = (("model.loss.operators", ()),)
# UGCN has the paper's learning rate, 1e-2. The others' were chosen by the validation split after the whole schedule of
# 3,000 steps (MPJPE, mm): TCN 1e-3 67.3, 3e-3 63.7, 1e-2 67.2; fully connected 1e-3 65.4, 3e-3 62.6, 1e-2 65.1.
TCN = (("model.network.type", "tcn"), ("model.network.dropout", 0.0), ("optim_wrapper.optimizer.lr", 3e-3))
ROWS: Mapping[str, tuple[tuple[str, Any], ...]] = {
    "UGCN + motion loss": (),
    "UGCN": POSITION_ONLY,
    "TCN, 243 frames": (*POSITION_ONLY, *TCN, ("model.network.channels", 256)),
    "TCN, 27 frames": (*POSITION_ONLY, *TCN, ("model.network.channels", 512), ("model.network.filters", (3, 3, 3))),
    "fully connected": (
        *POSITION_ONLY,
        ("model.network.type", "fully_connected"),
        ("model.network.dropout", 0.0),
        ("optim_wrapper.optimizer.lr", 3e-3),
    ),
}
SHOWN = ("MPJPE", "P-MPJPE", "MPJVE", "acceleration")


@dataclass(frozen=True)
class Spread:
    """A figure over seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Their mean."""
        return mean(self.values)

    def __str__(self) -> str:
        """Mean and standard deviation."""
        if len(self.values) == 1:
            return f"{self.mean:.1f}"
        return f"{self.mean:.1f} ± {stdev(self.values):.1f}"


def trials(rows: Sequence[str] = tuple(ROWS), keypoints: str = "gt") -> list[Trial]:
    """One trial a row, seed 0."""
    return [Trial(name, ROWS[name], keypoints) for name in rows]


def varied(rows: Sequence[Trial], name: str, values: Sequence[str]) -> list[Trial]:
    """Every trial once for each value of one config field, in place of what the row itself says of it.

    Args:
        rows: the trials.
        name: dotted name of the field.
        values: as `--cfg-options` takes them.

    Raises:
        LifterError: no value, or one that cannot be read.
    """
    if not values:
        raise LifterError(f"--vary {name}: values wanted, as `--vary optim_wrapper.optimizer.lr 0.003 0.01`")
    return [
        replace(
            trial,
            label=f"{trial.label}, {name.split('.')[-1]} {value}",
            options=(*(own for own in trial.options if own[0] != name), *parsed([f"{name}={value}"]).items()),
        )
        for trial in rows
        for value in values
    ]


def spreads(results: Mapping[Trial, Result], label: str) -> dict[str, Spread]:
    """The measures of one row over its seeds, millimetres (a frame, for velocities)."""
    own = [result for trial, result in results.items() if trial.label == label]
    return {name: Spread(tuple(result["scores"][name] for result in own)) for name in SHOWN}


def as_markdown(results: Mapping[Trial, Result], floor: Mapping[str, float]) -> str:
    """The table: a row a lifter, mean ± standard deviation over seeds; and what was gained on the TCN."""
    labels = list(dict.fromkeys(trial.label for trial in results))
    lines = [
        "| lifter | parameters | " + " | ".join(SHOWN) + " | training, CPU min |",
        "|---|---|" + "---|" * (len(SHOWN) + 1),
    ]
    for label in labels:
        own = [result for trial, result in results.items() if trial.label == label]
        row = spreads(results, label)
        minutes = mean(result["training_cpu_seconds"] for result in own) / 60
        cells = " | ".join(str(row[name]) for name in SHOWN)
        lines.append(f"| {label} | {own[0]['parameters'] / 1e6:.2f} M | {cells} | {minutes:.1f} |")
    cells = " | ".join(f"{floor[name]:.1f}" for name in SHOWN)
    lines.append(f"| mean pose, a constant | | {cells} | |")
    return "\n".join([*lines, "", *_gains(results, labels)])


def _gains(results: Mapping[Trial, Result], labels: Sequence[str]) -> list[str]:
    """How the first row compares with the others, in words."""
    first = spreads(results, labels[0])
    said = []
    for other in labels[1:]:
        row = spreads(results, other)
        parts = [f"{name} {100 * (first[name].mean / row[name].mean - 1):+.0f} %" for name in SHOWN[:3]]
        said.append(f"- {labels[0]} against {other}: {', '.join(parts)}")
    return said
