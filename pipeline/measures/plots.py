"""Angles and steps of one person over time, drawn by matplotlib."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.measures.angles import NAMES
from pipeline.measures.steps import Walk
from pipeline.view.trust import Span

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Doubles = NDArray[np.float64]

# Blue and orange of Okabe and Ito, which the colour blind tell apart; the trunk in grey.
COLORS = {"left": "#0072b2", "right": "#d55e00", "": "#444444"}
PANELS: dict[str, str] = {
    "hip_flexion": "hip flexion (to the trunk)",
    "hip_abduction": "hip abduction",
    "knee_flexion": "knee flexion",
    "shoulder_elevation": "shoulder elevation",
    "shoulder_plane": "plane of elevation (0 aside, 90 forward)",
    "elbow_flexion": "elbow flexion",
    "trunk_lean_forward": "trunk lean, forward",
    "trunk_lean_right": "trunk lean, to the right",
    "trunk_turn_left": "shoulders turned left of the hips",
}


def draw_person(title: str, seconds: Doubles, angles: Doubles, walks: list[Walk], spans: list[Span]) -> bytes:
    """Return a PNG: a panel an angle, contacts of feet as ticks below the knees, low trust shaded.

    Args:
        title: above all.
        seconds: (T,).
        angles: (T, 15) degrees; NaN where not defined or nobody is seen.
        walks: the person's.
        spans: the person's spans of low trust.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 10), layout="constrained")
    figure.suptitle(f"{title}: joint angles, estimated from one camera (degrees)")
    axes = figure.subplots(3, 3, sharex=True)
    for axis, (name, words) in zip(axes.flat, PANELS.items(), strict=True):
        _panel(axis, name, seconds, angles)
        axis.set_title(words, fontsize=10)
        _shade(axis, name, seconds, spans)
    for walk in walks:
        for contact in walk.contacts:
            axes.flat[2].axvline(contact.seconds, ymax=0.06, color=COLORS[contact.side], lw=2)
    if walks:
        axes.flat[2].set_xlabel("ticks: feet come down", fontsize=8)
    axes.flat[0].legend(fontsize=8, loc="upper right")
    for axis in axes[-1]:
        axis.set_xlabel("s")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    return file.getvalue()


def _panel(axis: Axes, name: str, seconds: Doubles, angles: Doubles) -> None:
    for side in ("left", "right") if f"left_{name}" in NAMES else ("",):
        whole = f"{side}_{name}" if side else name
        values = angles[:, NAMES.index(whole)]
        if name == "shoulder_plane":  # it goes round at 180: no line is drawn across
            values = np.where(np.abs(np.diff(values, prepend=values[:1])) > 180, np.nan, values)
        axis.plot(seconds, values, color=COLORS[side], lw=1.2, label=side or None)
    axis.grid(alpha=0.3)
    axis.margins(x=0)


def _shade(axis: Axes, name: str, seconds: Doubles, spans: list[Span]) -> None:
    """Shade where the limbs of a panel are not to be trusted, in the colour of the side."""
    limb = "leg" if name.startswith(("hip", "knee")) else "arm" if name.startswith(("shoulder", "elbow")) else ""
    for span in spans:
        side, _, part = span.part.partition(" ")
        if span.part == "whole body" or (limb and part == limb):
            axis.axvspan(seconds[span.first], seconds[span.last], color=COLORS.get(side, COLORS[""]), alpha=0.12, lw=0)
