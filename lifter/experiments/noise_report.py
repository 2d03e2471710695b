"""A noise study told: lines for the screen, CSV, JSON, curves and bars."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lifter.experiments.noise_study import Point, fits
from lifter.sequences import SCORES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMAT = "motion-lift/noise-study/1"
UNITS = {"MPJPE": "mm", "P-MPJPE": "mm", "MPJVE": "mm a frame"}
MARKERS = "osD^vPX*<>"


def head(width: int) -> str:
    """Return the head of the table; `width` of its first column."""
    return f"{'noise':<{width}}{'level':>9}{'2D px':>9}{'2D %':>8}" + "".join(f"{name:>10}" for name in SCORES)


def line(point: Point, width: int) -> str:
    """Return a point as a line of the table: pixels, percent of the person's height, millimetres (a frame)."""
    values = "".join(f"{point.scores[name]:10.2f}" for name in SCORES)
    return f"{point.curve:<{width}}{point.level:9g}{point.error_px:9.2f}{point.error_percent:8.2f}{values}"


def fit_lines(points: Sequence[Point], width: int) -> list[str]:
    """Return a line for every curve: how straight MPJPE grows with the 2D error, and how steep."""
    found = fits(points)
    lines = [f"{name:<{width}}{fit.slope:9.2f}{fit.offset:9.2f}{fit.r_squared:8.3f}" for name, fit in found.items()]
    return ["", f"{'MPJPE over 2D':<{width}}{'mm / px':>9}{'at 0 mm':>9}{'R2':>8}", *lines] if lines else []


def joint_rises(points: Sequence[Point]) -> list[tuple[Point, dict[str, float]]]:
    """Return every point with one disturbed joint and by how much each metric rose over that curve's clean point.

    The joint that hurts most comes first.
    """
    clean = {point.curve: point.scores for point in points if point.level == 0}
    rises = [
        (point, {name: point.scores[name] - clean[point.curve][name] for name in SCORES})
        for point in points
        if point.joint != "all" and point.level != 0 and point.curve in clean
    ]
    return sorted(rises, key=lambda rise: -rise[1]["MPJPE"])


def joint_lines(points: Sequence[Point]) -> list[str]:
    """Return the table of joints: the error of the joint alone in 2D, and what it does to the whole pose."""
    lines = [f"{'one joint noisy':<17}{'its 2D px':>10}" + "".join(f"{f'+{name}':>10}" for name in SCORES)]
    for point, rise in joint_rises(points):
        values = "".join(f"{rise[name]:10.2f}" for name in SCORES)
        lines.append(f"{point.joint:<17}{point.error_px * 17:10.2f}{values}")
    return lines


def as_csv(points: Iterable[Point]) -> str:
    """Return a line for every point, units in the head."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    metrics = [f"{name} ({UNITS[name]})" for name in SCORES]
    writer.writerow(["curve", "kind", "joint", "level", "unit", "2D error (px)", "2D error (% of height)", *metrics])
    for point in points:
        errors = [f"{point.error_px:.6g}", f"{point.error_percent:.6g}"]
        scores = [f"{point.scores[name]:.6g}" for name in SCORES]
        writer.writerow([point.curve, point.kind, point.joint, f"{point.level:g}", point.unit, *errors, *scores])
    return file.getvalue()


def as_json(points: Sequence[Point], about: Mapping[str, Any]) -> str:
    """Return everything: `format`, `about`, `points` (fields of `Point`), `fits` (curve -> fields of `Fit`).

    A velocity that no two frames tell is null.
    """
    whole = {
        "format": FORMAT,
        "about": dict(about),
        "points": [{**vars(point), "scores": _known(point.scores)} for point in points],
        "fits": {name: vars(fit) for name, fit in fits(points).items()},
    }
    return json.dumps(whole, indent=1, allow_nan=False) + "\n"


def _known(scores: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in scores.items()}


def draw_curves(points: Sequence[Point], title: str) -> Figure:
    """Draw every metric over the 2D error, a line for each curve (figure 6 of the paper)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 4.6), layout="constrained")
    panels = figure.subplots(1, len(SCORES))
    for axes, metric in zip(panels, SCORES, strict=True):
        _draw_metric(axes, points, metric)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False)
    figure.suptitle(title, fontsize=11)
    return figure


def draw_joints(points: Sequence[Point], title: str) -> Figure:
    """Draw by how much MPJPE and P-MPJPE rise when one joint alone is noisy, the worst joint on top."""
    from matplotlib.figure import Figure

    rises = joint_rises(points)[::-1]
    figure = Figure(figsize=(8, 5.6), layout="constrained")
    axes = figure.subplots()
    at = np.arange(len(rises))
    for shift, name, colour in ((0.2, "MPJPE", "tab:blue"), (-0.2, "P-MPJPE", "tab:orange")):
        axes.barh(at + shift, [rise[name] for _, rise in rises], 0.38, color=colour, label=name)
    axes.set_yticks(at, [point.joint.replace("_", " ") for point, _ in rises])
    axes.axvline(0, color="0.3", linewidth=0.8)
    axes.set(xlabel="rise of the error over all joints, mm")
    axes.legend(frameon=False, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=11)
    return figure


def _draw_metric(axes: Axes, points: Sequence[Point], metric: str) -> None:
    for number, curve in enumerate(dict.fromkeys(point.curve for point in points)):
        own = sorted((point for point in points if point.curve == curve), key=lambda point: point.error_px)
        marker = MARKERS[number % len(MARKERS)]
        axes.plot(
            [point.error_px for point in own], [point.scores[metric] for point in own],
            marker=marker, markersize=4.5, linewidth=1.4, color=f"C{number % 10}", label=curve,
        )  # fmt: skip
    axes.set(title=metric, xlabel="2D error, mean px", ylabel=UNITS[metric])
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.grid(color="0.92")
    axes.spines[["top", "right"]].set_visible(False)
    worst = max(points, key=lambda point: point.error_px)
    if worst.error_px > 0:
        factor = worst.error_percent / worst.error_px
        both = (lambda x: np.asarray(x) * factor, lambda x: np.asarray(x) / factor)
        axes.secondary_xaxis(-0.2, functions=both).set_xlabel("about % of the person's height")
