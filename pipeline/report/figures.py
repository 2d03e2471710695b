"""The page's figures, by matplotlib: PNGs of one person over the film's time."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from pipeline.report.quality import LIMB_PARTS, Quality
from pipeline.view.trust import WHYS, Span

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Doubles = NDArray[np.float64]

_WHY_COLORS = dict(zip(WHYS, ("#d55e00", "#e69f00", "#0072b2"), strict=True))
_LINE = "#0072b2"
# Of plots over time; alike, so that a moment is at one place in all of them.
_PLACE = {"left": 0.085, "right": 0.93, "top": 0.93, "hspace": 0.4}


def draw_trust(seconds: Doubles, quality: Quality, spans: list[Span]) -> bytes:
    """Return confidence by part of the body over time, and beneath it the spans of low trust."""
    figure = _figure(3.8)
    above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={**_PLACE, "bottom": 0.2})
    ends = _edges(seconds)
    image = above.pcolormesh(
        ends, np.arange(len(LIMB_PARTS) + 1), np.ma.masked_invalid(quality.score.T), vmin=0, vmax=1, cmap="cividis"
    )
    above.set_yticks(np.arange(len(LIMB_PARTS)) + 0.5, LIMB_PARTS)
    above.invert_yaxis()
    above.set_title("confidence of the detector (blank: out of track)", fontsize=10)
    figure.colorbar(image, cax=above.inset_axes((1.012, 0, 0.012, 1)))
    rows = [*LIMB_PARTS, "whole body"]
    for why, color in _WHY_COLORS.items():
        own = [span for span in spans if span.why == why]
        for span in own:
            place = ends[span.first], rows.index(span.part) + 0.1
            below.broken_barh([(place[0], ends[span.last + 1] - place[0])], (place[1], 0.8), color=color)
        below.plot([], [], lw=6, color=color, label=why)
    below.set_yticks(np.arange(len(rows)) + 0.5, rows)
    below.set_ylim(len(rows), 0)
    below.set_xlim(ends[0], ends[-1])
    below.set_title("low trust", fontsize=10)
    below.set_xlabel("s")
    figure.legend(fontsize=8, loc="lower center", ncols=len(_WHY_COLORS), frameon=False)
    return _png(figure)


def draw_fit(seconds: Doubles, quality: Quality) -> bytes:
    """Return how the lifted pose fits the picture, and how feet that stand slide, over time."""
    figure = _figure(3.6)
    above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={**_PLACE, "bottom": 0.13})
    _line(above, seconds, 100 * quality.reprojection, "off the key points, % of the person's height")
    _line(below, seconds, quality.skate, "feet that stand slide, m/s (blank: none stands)")
    below.set_xlim(*_edges(seconds)[[0, -1]])
    below.set_xlabel("s")
    return _png(figure)


def draw_bones(quality: Quality) -> bytes:
    """Return how much each bone's length varies, a bar a bone."""
    figure = _figure(2.6, constrained=True)
    axis = figure.subplots()
    names = [f"{joints.NAMES[a]}\n{joints.NAMES[b]}".replace("_", " ") for a, b in joints.LIMBS]
    axis.bar(np.arange(len(names)), 100 * quality.bones, color=_LINE)
    axis.set_xticks(np.arange(len(names)), names, fontsize=6, rotation=90)
    axis.set_title("bone lengths vary by, %", fontsize=10)
    axis.grid(axis="y", alpha=0.3)
    return _png(figure)


def _line(axis: Axes, seconds: Doubles, values: Doubles, words: str) -> None:
    axis.plot(seconds, values, color=_LINE, lw=1.2, marker="." if len(seconds) < 50 else None)
    axis.set_title(words, fontsize=10)
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)


def _edges(seconds: Doubles) -> Doubles:
    """Return (T + 1,) rising times at which frames begin, and at which the last one ends."""
    step = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1.0
    whole = np.append(seconds, seconds[-1] + max(step, 1e-3))
    return np.asarray(np.maximum.accumulate(whole + 1e-9 * np.arange(len(whole))))


def _figure(height: float, constrained: bool = False) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(11, height), layout="constrained" if constrained else None, facecolor="white")


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()
