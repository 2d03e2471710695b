"""Strips of poses on paper: rows of skeletons at one scale, heads up, left and right told by colour."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from lifter.experiments.strips import Row, Strip, level_axes, seen_from

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Doubles = NDArray[np.float64]

COLOURS = {"left": "#2166ac", "right": "#d6604d", "center": "#333333"}
BEHIND = "#b0b0b0"
FLOOR_M = 0.45  # half the side of the square drawn beneath a pose
MARGIN = 1.12


@dataclass(frozen=True)
class View:
    """Where the viewer of 3D poses stands, degrees (`strips.seen_from`); a 3D row is drawn for each azimuth."""

    azimuths: tuple[float, ...] = (45.0,)
    elevation: float = 12.0


@dataclass(frozen=True)
class _Solid:
    """A 3D row as its viewer sees it, feet on the floor: (N, 17, 3) x right, y up, z towards; the floor (4, 2)."""

    row: Row
    poses: Doubles
    behind: Doubles | None
    floor: Doubles

    @classmethod
    def of(cls, row: Row, azimuth: float, elevation: float) -> _Solid:
        right, vertical, away = level_axes(row.up)
        lowest = (row.poses @ vertical).min(axis=-1)[:, None, None] * vertical
        square = [FLOOR_M * (a * right + b * away) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]

        def seen(points: Doubles) -> Doubles:
            return seen_from(points, row.up, azimuth, elevation).astype(np.float64)

        behind = None if row.behind is None else seen(row.behind - lowest)
        return cls(row, seen(row.poses - lowest), behind, seen(np.stack(square))[:, :2])

    @property
    def points(self) -> Doubles:
        """Everything in it: (K, 2)."""
        parts = [self.poses, *([] if self.behind is None else [self.behind])]
        return np.concatenate([self.floor, *(part[..., :2].reshape(-1, 2) for part in parts)])


def draw(strip: Strip, view: View | None = None, cell: float = 1.75) -> Figure:
    """Draw a strip; all its 3D poses have one scale and stand on the floor, all 2D poses of a row have the row's scale.

    Args:
        strip: what to draw.
        view: of the 3D rows.
        cell: width of a frame in inches.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    rows = _seen(strip, view or View())
    columns = len(strip.heads)
    figure = Figure(figsize=(cell * columns + 1.1, 1.25 * cell * len(rows) + 0.9), layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    box = _box([row for row in rows if isinstance(row, _Solid)])
    for axes_of_row, row in zip(grid, rows, strict=True):
        for column, axes in enumerate(axes_of_row):
            if isinstance(row, _Solid):
                _draw_solid(axes, row, column, box)
                _dress(axes, row.row, column)
            else:
                _draw_flat(axes, row, column)
                _dress(axes, row, column)
    for axes, head in zip(grid[0], strip.heads, strict=True):
        axes.set_title(head, fontsize=9)
    sides = [Line2D([], [], color=COLOURS[side], linewidth=2.5, label=side) for side in ("left", "right")]
    if any(row.behind is not None for row in strip.rows):
        sides.append(Line2D([], [], color=BEHIND, linewidth=2.5, label="truth"))
    figure.legend(handles=sides, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    figure.suptitle(strip.title, fontsize=11)
    return figure


def _seen(strip: Strip, view: View) -> list[Row | _Solid]:
    """Return the rows of the drawing: a 3D row once for every azimuth, told in its title where there are several."""
    rows: list[Row | _Solid] = []
    for row in strip.rows:
        if row.flat:
            rows.append(row)
            continue
        for azimuth in view.azimuths:
            title = row.title if len(view.azimuths) == 1 else f"{row.title}, from {azimuth:g}°"
            rows.append(_Solid.of(replace(row, title=title), azimuth, view.elevation))
    return rows


def _dress(axes: Axes, row: Row, column: int) -> None:
    """Leave nothing of the frame but the row's title and the caption."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    if column == 0:
        axes.set_ylabel(row.title, fontsize=9)
    if row.captions:
        axes.set_xlabel(row.captions[column], fontsize=8, labelpad=1)


def _draw_flat(axes: Axes, row: Row, column: int) -> None:
    pose = row.poses[column].astype(np.float64)
    extent = np.ptp(row.poses, axis=1).max(axis=0) * MARGIN + 2
    height = max(extent[1], extent[0] / 0.8)  # of a cell, in pixels of the picture
    middle = (pose.min(axis=0) + pose.max(axis=0)) / 2
    if row.pictures:
        axes.imshow(row.pictures[column], interpolation="antialiased")
    _bones(axes, pose, np.zeros(len(pose)), outlined=bool(row.pictures))
    axes.set_aspect("equal")
    axes.set_xlim(middle[0] - 0.4 * height, middle[0] + 0.4 * height)
    axes.set_ylim(middle[1] + height / 2, middle[1] - height / 2)  # y of a picture points down


def _draw_solid(axes: Axes, row: _Solid, column: int, box: Doubles) -> None:
    axes.fill(*row.floor.T, facecolor="#eeeeee", edgecolor="#d5d5d5", linewidth=0.6, zorder=0)
    if row.behind is not None:
        _bones(axes, row.behind[column, :, :2], row.behind[column, :, 2], colour=BEHIND)
    _bones(axes, row.poses[column, :, :2], row.poses[column, :, 2])
    axes.set_aspect("equal")
    axes.set_xlim(*box[:, 0])
    axes.set_ylim(*box[:, 1])


def _bones(axes: Axes, pose: Doubles, depth: Doubles, outlined: bool = False, colour: str | None = None) -> None:
    """Draw a skeleton (17, 2); what is nearer, by depth (17,), covers what is farther."""
    from matplotlib import patheffects

    around = [patheffects.withStroke(linewidth=4.2, foreground="white")] if outlined else None
    rank = 2 + np.argsort(np.argsort([depth[[parent, child]].mean() for parent, child in joints.LIMBS])) / 100
    under = 1 if colour else 0
    for order, (parent, child) in zip(rank, joints.LIMBS, strict=True):
        ends = pose[[parent, child]]
        axes.plot(
            ends[:, 0], ends[:, 1], color=colour or COLOURS[joints.SIDES[child]], linewidth=2.2,
            solid_capstyle="round", zorder=order - under, path_effects=around,
        )  # fmt: skip
    if colour is None:
        axes.scatter(pose[:, 0], pose[:, 1], s=5, color=[COLOURS[side] for side in joints.SIDES], zorder=3)


def _box(rows: list[_Solid]) -> Doubles:
    """Return the limits (least and most, x and y) that hold all 3D rows."""
    if not rows:
        return np.array([[-1.0, -1.0], [1.0, 1.0]])
    points = np.concatenate([row.points for row in rows])
    half = np.abs(points[:, 0]).max() * 1.03
    least, most = points[:, 1].min(), points[:, 1].max()
    edge = 0.03 * (most - least)
    return np.array([[-half, least - edge], [half, most + edge]])
