"""Measured errors of 2D sources told: a table, CSV, JSON and a figure."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lifter.detector_noise.measure import Measured
from lifter.detector_noise.parts import KINDS
from lifter.detector_noise.settings import DetectorNoise

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = "motion-lift/detector-errors/1"
COLUMNS = (
    "median", "p90", "along", "outward", "ahead", "bias", "drift", "drift_s", "jitter", "tail", "spread", "lost_%",
    "lost_per_s", "lost_s", "lost_from", "with_parent",
)  # fmt: skip


def row(measured: Measured, kind: str) -> dict[str, float]:
    """Return a kind's numbers by the names of `COLUMNS`: person units, metres (offset), seconds, percent."""
    joint = measured.noise.joints[kind]
    along, outward, ahead = joint.offset
    return {
        "median": measured.median[kind], "p90": measured.p90[kind], "along": along, "outward": outward, "ahead": ahead,
        "bias": joint.bias, "drift": joint.drift, "drift_s": joint.drift_s, "jitter": joint.jitter,
        "tail": joint.tail, "spread": joint.spread, "lost_%": 100 * measured.lost[kind],
        "lost_per_s": joint.lost_per_s, "lost_s": joint.lost_s, "lost_from": joint.lost_from,
        "with_parent": joint.with_parent,
    }  # fmt: skip


def table(measured: Measured, source: str, against: str) -> list[str]:
    """Return the lines of a table: a line a kind of joint, then swaps, correlations and confidence."""
    nowhere = f"person missed in {100 * measured.missed:.1f} %, sought elsewhere in {100 * measured.astray:.1f} %"
    lines = [
        f"{source} against {against}: {measured.clips} clips, {measured.frames} frames; {nowhere}; lengths in person "
        "units (about 0.7 m), offsets in metres",
        f"{'':<9}" + "".join(f"{name:>12}" for name in COLUMNS),
    ]
    for kind in KINDS:
        values = row(measured, kind)
        lines.append(f"{kind:<9}" + "".join(f"{'':>12}" if math.isnan(v) else f"{v:12.3f}" for v in values.values()))
    for limb, swaps in measured.noise.swaps.items():
        share = 100 * measured.swapped[limb]
        lines.append(
            f"swapped {limb}: {share:.1f} % of frames, {swaps.per_s:.3f} times a second for {swaps.seconds:.2f} s"
        )
    lines.append(f"joints' slow errors together: {', '.join(f'{k} {v:.2f}' for k, v in together(measured).items())}")
    lines.append(f"size of errors, part common to a clip's joints: {measured.noise.shared:.2f}")
    if measured.calibration:
        lines.append(f"confidence and error, rank correlation {measured.rank:.2f}; by tenths of confidence:")
        for name in ("score", "median", "p90"):
            lines.append(f"{name:<9}" + "".join(f"{getattr(part, name):8.3f}" for part in measured.calibration))
    return [*lines, ""]


def together(measured: Measured) -> dict[str, float]:
    """Mean correlation of a joint with its parent, with its other side, and with all others."""
    from lifter import joints

    matrix = np.array(measured.noise.correlation)
    family = [matrix[child, parent] for parent, child in joints.LIMBS]
    sides = [matrix[left, right] for left, right in zip(joints.LEFT, joints.RIGHT, strict=True)]
    rest = matrix[np.triu_indices(17, 1)]
    return {
        "with the parent": float(np.mean(family)),
        "left with right": float(np.mean(sides)),
        "all": float(rest.mean()),
    }


def told(measured: Mapping[str, Measured], about: Mapping[str, Any]) -> dict[str, DetectorNoise]:
    """Return the noises with what they were measured on."""
    return {
        source: replace(one.noise, about={**about, "clips": one.clips, "frames": one.frames})
        for source, one in measured.items()
    }


def as_csv(measured: Mapping[str, Measured]) -> str:
    """Return a line for every source and kind of joint."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["source", "joint", *COLUMNS])
    for source, one in measured.items():
        for kind in KINDS:
            values = row(one, kind).values()
            writer.writerow([source, kind, *("" if math.isnan(value) else f"{value:.5g}" for value in values)])
    return file.getvalue()


def as_json(measured: Mapping[str, Measured], about: Mapping[str, Any]) -> str:
    """Return everything: `format`, `about`, `sources` (fields of `Measured`); what is not known is null."""
    whole = {"format": FORMAT, "about": dict(about), "sources": {k: asdict(v) for k, v in measured.items()}}
    return json.dumps(_known(whole), indent=1, allow_nan=False) + "\n"


def _known(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _known(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_known(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def draw(measured: Mapping[str, Measured], title: str) -> Figure:
    """Draw what errors are made of, joint by joint, and the error by confidence."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 3.4 * len(measured)), layout="constrained")
    panels = figure.subplots(len(measured), 2, squeeze=False, width_ratios=(2.2, 1))
    at = np.arange(len(KINDS))
    for (left, right), (source, one) in zip(panels, measured.items(), strict=True):
        for shift, part in enumerate(("bias", "drift", "jitter")):
            values = [getattr(one.noise.joints[kind], part) for kind in KINDS]
            left.bar(at + 0.25 * (shift - 1), values, 0.24, label=part)
        left.plot(at, [one.median[kind] for kind in KINDS], "k_", markersize=16, label="median error")
        left.set_xticks(at, KINDS)
        left.set(title=source, ylabel="person units")
        left.legend(frameon=False, ncols=4, fontsize=8)
        for name in ("median", "p90"):
            right.plot([part.score for part in one.calibration], [getattr(part, name) for part in one.calibration],
                       marker="o", markersize=4, label=name)  # fmt: skip
        right.set(xlabel="confidence", ylabel="error", xlim=(0, 1))
        right.set_ylim(bottom=0)
        if one.calibration:
            right.legend(frameon=False, fontsize=8)
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=11)
    return figure
