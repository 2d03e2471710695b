"""How the film shall look: `RenderSettings`, each field with a sentence, checked where it is made."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass

from render.colors import THEMES

VIEWS: dict[str, tuple[float, float]] = {
    # name: azimuth and elevation, degrees
    "turn": (0.0, 13.0),
    "front": (0.0, 13.0),
    "side": (90.0, 13.0),
    "top": (0.0, 86.0),
}


@dataclass(frozen=True)
class RenderSettings:
    """The look of the film.

    Attributes:
        max_height: the canvas is never taller than so many pixels; larger pictures are scaled down.
        view: `turn` (slowly turning, starts at the film's own camera), `front` (the film's own camera), `side`
            (a quarter turn on), `top`, or a fixed azimuth in degrees, as a number.
        turn_period_s: seconds that a turning view takes for a full turn.
        style: colours of the room and the writing: `night` or `paper`, which is light.
        score_faint: joints with a score below this (0..1) are drawn faint, the fainter the less sure.
        show_ids: write each person's label near the head.
        show_clock: write time and frame number below the room.

    Raises:
        ValueError: a value out of its range, with the range in the message.
    """

    max_height: int = 1080
    view: str = "turn"
    turn_period_s: float = 30.0
    style: str = "night"
    score_faint: float = 0.4
    show_ids: bool = True
    show_clock: bool = True

    def __post_init__(self) -> None:
        if self.max_height < 16:
            raise ValueError(f"max_height: expected at least 16 pixels, got {self.max_height}")
        if not (math.isfinite(self.turn_period_s) and self.turn_period_s > 0):
            raise ValueError(f"turn_period_s: expected more than 0 seconds, got {self.turn_period_s}")
        if not 0 <= self.score_faint <= 1:
            raise ValueError(f"score_faint: expected 0..1, got {self.score_faint}")
        if self.style not in THEMES:
            raise ValueError(f"style: {self.style!r} is none of {', '.join(THEMES)}")
        _view_angles(self.view)

    @property
    def turns(self) -> bool:
        """Whether the view moves."""
        return self.view == "turn"

    @property
    def elevation(self) -> float:
        """Degrees that the room's camera looks down."""
        return _view_angles(self.view)[1]

    def azimuth(self, time_s: float) -> float:
        """Return where the room's camera stands at a time: degrees, 0 is the film's own camera, 90 on its right."""
        start = _view_angles(self.view)[0]
        return (start + 360.0 * time_s / self.turn_period_s) % 360.0 if self.turns else start


def _view_angles(view: str) -> tuple[float, float]:
    """Return azimuth and elevation of a view's name or number, degrees; ValueError names the nearest view."""
    if view in VIEWS:
        return VIEWS[view]
    try:
        azimuth = float(view)
    except ValueError:
        azimuth = math.nan
    if not math.isfinite(azimuth):
        near = difflib.get_close_matches(view, VIEWS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"view: {view!r} is none of {', '.join(VIEWS)}, nor a number of degrees{hint}")
    return azimuth % 360.0, VIEWS["front"][1]
