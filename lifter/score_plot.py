"""Scores drawn: errors by action and by joint, as a PNG."""

from __future__ import annotations

import io

import numpy as np

from lifter.scores import Scores

DRAWN = {"MPJPE": "#2b6cb0", "P-MPJPE": "#dd8a2e"}
LARGEST = 40  # bars that can still be told apart


def draw(scores: Scores) -> bytes:
    """Return a PNG: MPJPE and P-MPJPE by action (the worst 40, where there are more) and by joint, frame means dashed.

    What could not be measured has a bar of no height.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 8), layout="constrained")
    panels = figure.subplots(2, 1)
    for axes, breakdown in zip(panels, ("action", "joint"), strict=True):
        labels = scores.names(breakdown)
        by = scores.by(breakdown, "MPJPE")
        if len(labels) > LARGEST:
            labels = sorted(labels, key=lambda label: -np.nan_to_num(by[label]))[:LARGEST]
        place = np.arange(len(labels))
        for shift, (name, colour) in zip((-0.2, 0.2), DRAWN.items(), strict=True):
            values = scores.by(breakdown, name)
            axes.bar(place + shift, np.nan_to_num([values[label] for label in labels]), 0.4, color=colour, label=name)
            axes.axhline(scores.frame_mean(name), color=colour, linestyle="--", linewidth=1)
        axes.set_xticks(place, labels, rotation=40, ha="right")
        axes.set_ylabel("mm")
        axes.set_title(f"by {breakdown}")
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", frameon=False)
    about = scores.about
    figure.suptitle(f"{about.get('lifter', 'lifter')}, {about.get('dataset', '')}, 2D {about.get('keypoints', '')}")
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()
