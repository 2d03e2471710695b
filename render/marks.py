"""What is written on the film: time and frame number, the view, the axes, and who is out of track."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from render.camera import Camera
from render.colors import Color, Theme, person_colors
from render.lettering import Ink, Lettering, Stamp
from render.settings import RenderSettings
from render.shapes import fixed_point
from render.surface import Surface

_NAMED = 3  # so many people out of track are named; more are counted
_PLATE: Color = (14, 17, 24)
_PLATE_TEXT: Color = (236, 240, 246)
_AXES: tuple[tuple[str, Color], ...] = (("x", (238, 110, 104)), ("y", (126, 200, 112)), ("z", (104, 158, 244)))


def clock(time_s: float) -> str:
    """Return seconds as mm:ss.cc, hundredths cut off; minutes go on above 99."""
    hundredths = int(np.floor(max(time_s, 0.0) * 100 + 1e-6))
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


def counter(t_index: int, frames: int) -> str:
    """Return which frame of how many this is; the first is 1, as players count."""
    return f"frame {t_index + 1} / {frames}"


class StatusLine:
    """Tells in the picture's lower left who of the film is not in track in a frame."""

    def __init__(self, letters: Lettering | None, labels: tuple[str, ...], valid: NDArray[np.bool_]) -> None:
        self._letters, self._labels, self._valid = letters, labels, valid
        self._plates: dict[str, Stamp] = {}

    def text(self, t_index: int) -> str:
        """Return the line for a frame; empty where everybody is in track."""
        out = [label for label, seen in zip(self._labels, self._valid[:, t_index], strict=True) if not seen]
        if not out:
            return ""
        if len(out) > _NAMED:
            return f"{len(out)} people: out of track"
        return f"{'person' if len(out) == 1 else 'people'} {', '.join(out)}: out of track"

    def paint(self, picture: Surface, t_index: int) -> None:
        """Write the line on a picture, in place."""
        line = self.text(t_index)
        if self._letters is None or not line:
            return
        if line not in self._plates:
            gone = np.flatnonzero(~self._valid[:, t_index])
            mark = person_colors(int(gone[0])).label if len(gone) == 1 else None
            self._plates[line] = self._letters.plate(line, _PLATE_TEXT, _PLATE, mark, opacity=0.62)
        plate = self._plates[line]
        edge = round(1.3 * self._letters.height)
        plate.put(picture, edge, picture.size[1] - plate.size[1] - edge)


class PanelMarks:
    """Writes on the room: time and frame number below, the view above, small axes in the corner."""

    def __init__(
        self,
        letters: Lettering | None,
        theme: Theme,
        settings: RenderSettings,
        cell: float,
        timestamps: NDArray[np.float64],
        anybody: bool,
    ) -> None:
        self._letters, self._theme, self._settings = letters, theme, settings
        self._timestamps = timestamps
        self._still: list[tuple[Ink | Stamp, tuple[float, float]]] = []  # stamps and where: shares of the free room
        self._axes: list[Ink] = []
        if letters is not None:
            small = Lettering(max(6.5, 0.8 * letters.height))
            hint = f"{_view_name(settings.view)}  -  grid {cell:g} m"
            self._still.append((small.write(hint, theme.faint_text), (0.0, 0.0)))
            if not anybody:
                self._still.append((letters.plate("no person found", _PLATE_TEXT, _PLATE), (0.5, 0.5)))
            self._axes = [small.write(name, color) for name, color in _AXES]
            self._small = small

    def paint(self, panel: Surface, t_index: int, camera: Camera) -> None:
        """Write on a panel, in place."""
        if self._letters is None:
            return
        edge = 1.5 * self._letters.height
        for stamp, share in self._still:
            self._put(panel, stamp, share, edge)
        if self._settings.show_clock:
            time = self._letters.write(clock(float(self._timestamps[t_index])), self._theme.text)
            self._put(panel, time, (0.0, 1.0), edge)
            frame = self._small.write(counter(t_index, len(self._timestamps)), self._theme.faint_text)
            self._put(panel, frame, (1.0, 1.0), edge)
        self._paint_axes(panel, camera, edge)

    def _put(self, panel: Surface, stamp: Ink | Stamp, share: tuple[float, float], edge: float) -> None:
        """Lay a stamp at a share of the room that the edges leave: (0, 0) upper left, (1, 1) lower right."""
        free = np.array(panel.size) - 2 * edge - stamp.size
        left, top = edge + np.array(share) * free
        stamp.put(panel, round(float(left)), round(float(top)))

    def _paint_axes(self, panel: Surface, camera: Camera, edge: float) -> None:
        """Draw the world's axes as the camera sees them, in the upper right."""
        assert self._letters is not None
        length = 2.1 * self._letters.height
        origin = np.array([panel.size[0] - edge - 1.3 * length, edge + 1.35 * length])
        across = camera.axes[:2].T * length  # row k: where axis k points on the panel
        thick = max(1.0, 0.14 * self._letters.height)
        aside = (
            across[:, ::-1] * (-1, 1) * (thick / 2 / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6))
        )
        # Flat ends: on lines of two or three pixels nobody sees round ones.
        shapes = panel.shapes(fixed_point(origin + np.stack([aside, across + aside, across - aside, -aside], axis=1)))
        tones = panel.tones(np.array([color for _, color in _AXES])).tolist()
        for k in np.argsort(-camera.axes[2]):  # the axis that points away first
            panel.fill(shapes, int(k), tones[k])
            reach = float(np.linalg.norm(across[k]))
            if reach > 0.3 * length:  # an axis seen end on has no room for its name
                middle = origin + across[k] * (1 + 0.42 * length / reach)
                left, top = middle - np.array(self._axes[k].size) / 2
                self._axes[k].put(panel, round(float(left)), round(float(top)))


def _view_name(view: str) -> str:
    """Return what a view is called on the film."""
    names = {"turn": "turning view", "front": "front view", "side": "side view", "top": "top view"}
    return names.get(view, f"view {view} deg")
