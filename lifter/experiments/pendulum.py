"""Figure 1 of the paper: traces of a pendulum, equally far from the truth, told apart by the motion loss alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lifter.losses import motion_loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Doubles = NDArray[np.float64]

FRAMES, PERIOD = 200, 100
DISTANCE = 0.1  # of every estimated trace from the truth: the mean l1 distance
# Column of the table -> operator and intervals.
LOSSES: dict[str, tuple[str, tuple[int, ...]]] = {
    "subtraction {1}": ("subtraction", (1,)),
    "subtraction {12}": ("subtraction", (12,)),
    "subtraction {8,12,16,24}": ("subtraction", (8, 12, 16, 24)),
    "inner {12}": ("inner", (12,)),
    "cross {12}": ("cross", (12,)),
}
COLOURS = {"same shape": "tab:blue", "other tendency": "tab:orange", "random": "c", "truth": "0.6"}


@dataclass(frozen=True)
class Row:
    """One estimated trace against the truth: mean l1 distance, root mean square, and the losses of `LOSSES`."""

    l1: float
    rms: float
    losses: dict[str, float]


def truth() -> Doubles:
    """Return (T,) the horizontal place of a pendulum of length 1 that swings by 0.6 rad: sin(0.6 sin wt)."""
    return np.asarray(np.sin(0.6 * np.sin(2 * np.pi * np.arange(FRAMES) / PERIOD)))


def traces() -> dict[str, Doubles]:
    """Return the three estimates (T,) of the figure: each differs from `truth` by `DISTANCE` in the mean.

    The first has the shape of the truth, the second is smooth with another tendency, the third fluctuates at
    random (paper, section 1).
    """
    at = np.arange(FRAMES) / PERIOD
    errors = {
        "same shape": np.ones(FRAMES),
        "other tendency": np.sin(2 * np.pi * 3.1 * at + 0.4),
        "random": np.random.default_rng(0).standard_normal(FRAMES),
    }
    return {name: truth() + DISTANCE * error / np.abs(error).mean() for name, error in errors.items()}


def encoding_error(estimate: Doubles, true: Doubles, operator: str, intervals: tuple[int, ...]) -> float:
    """Motion loss (Eq. 4) of a trace (T,), as a mean over its pairs of frames and over the intervals.

    A line has no cross product: there the point is put back on the circle around the pivot.
    """
    predicted, wanted = (torch.from_numpy(_places(trace, operator)) for trace in (estimate, true))
    frames = len(true)
    means = [
        float(motion_loss(predicted, wanted, operator, (tau,))) * frames / (frames - tau)  # the loss divides by T
        for tau in intervals
    ]
    return float(np.mean(means))


def table() -> dict[str, Row]:
    """Measure the three traces."""
    true = truth()
    rows = {}
    for name, trace in traces().items():
        error = trace - true
        losses = {column: encoding_error(trace, true, *how) for column, how in LOSSES.items()}
        rows[name] = Row(float(np.abs(error).mean()), float(np.sqrt(np.square(error).mean())), losses)
    return rows


def as_text(rows: dict[str, Row]) -> str:
    """Lay the table out for the screen."""
    head = ["l1 distance", "rms", *LOSSES]
    lines = [f"{'trace':<16}" + "".join(f"{name:>{len(name) + 3}}" for name in head)]
    for name, row in rows.items():
        values = [row.l1, row.rms, *row.losses.values()]
        lines.append(
            f"{name:<16}" + "".join(f"{value:{len(title) + 3}.3f}" for title, value in zip(head, values, strict=True))
        )
    return "\n".join(lines)


def draw(rows: dict[str, Row]) -> Figure:
    """Draw the figure: traces on the left, l1 distance and motion losses on the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    _draw_traces(left)
    _draw_losses(right, rows)
    return figure


def _draw_traces(axes: Axes) -> None:
    axes.plot(truth(), color=COLOURS["truth"], linewidth=4, label="truth")
    for name, trace in traces().items():
        axes.plot(trace, color=COLOURS[name], linewidth=1.4, label=name)
    axes.set(title="A pendulum and three estimates of it", xlabel="frame", ylabel="horizontal place (pendulum = 1)")
    axes.set_ylim(-0.98, 1.15)
    axes.legend(ncols=4, loc="upper center", frameon=False, columnspacing=1.2, handlelength=1.5)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_losses(axes: Axes, rows: dict[str, Row]) -> None:
    groups = ["l1 distance", "subtraction {1}", "subtraction {8,12,16,24}"]
    titles = ["mean l1\ndistance", "motion loss,\nsubtraction {1}", "motion loss, sub-\ntraction {8,12,16,24}"]
    width = 0.26
    for number, (name, row) in enumerate(rows.items()):
        heights = [row.l1 if group == "l1 distance" else row.losses[group] for group in groups]
        bars = axes.bar(np.arange(3) + (number - 1) * width, heights, width * 0.92, color=COLOURS[name], label=name)
        axes.bar_label(bars, fmt="%.3f", padding=2, fontsize=9)
    axes.set(title="Equal in l1 distance, told apart by the motion loss", ylabel="mean over frames (or pairs)")
    axes.set_xticks(np.arange(3), titles)
    axes.set_ylim(0, 0.185)
    axes.spines[["top", "right"]].set_visible(False)


def _places(trace: Doubles, operator: str) -> Doubles:
    """Return (1, T, 1, 3) the places of a trace: on its line, or for the cross product on the pendulum's circle."""
    places = np.zeros((1, len(trace), 1, 3))
    places[0, :, 0, 0] = trace
    if operator == "cross":
        places[0, :, 0, 1] = -np.sqrt(1 - np.square(trace))
    return places
