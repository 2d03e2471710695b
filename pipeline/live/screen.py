"""What a watcher sees: the picture with its overlay and the room, in a window where there is a display."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lifter import joints
from pipeline.errors import PipelineError
from pipeline.live.motion import Posed
from render.frames import FilmPainter
from render.settings import RenderSettings
from render.skeleton import Skeleton

Picture = NDArray[np.uint8]

_ROOM = np.array([[-0.8, -0.8, 0.0], [0.8, 0.8, 1.9]])  # metres about everyone that the view holds from the beginning
_SLACK = 0.4  # metres that one may leave it by before the view is made anew
_LEAVE_KEYS = (27, ord("q"))


def has_display() -> bool:
    """Tell whether a window can be expected to open."""
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True


class Screen:
    """Paints one frame after the other; nothing of what is to come is known.

    The view of the room stays until somebody comes, goes, or leaves it.

    Args:
        look: how it looks.
        size: (W, H) of the picture, pixels.
    """

    def __init__(self, look: RenderSettings, size: tuple[int, int]) -> None:
        self._look, self._size = replace(look, show_clock=False), size
        self._people: tuple[int, ...] | None = None
        self._bounds = _ROOM
        self._renew(_nowhere(0), ())

    @property
    def size(self) -> tuple[int, int]:
        """(W, H) of what is painted, both even."""
        return self._painter.size

    def paint(self, picture: Picture, posed: Posed, seconds: float, line: str) -> Picture:
        """Return the canvas (H, W, 3) RGB; the same array each time.

        Args:
            picture: (H, W, 3) uint8 RGB.
            posed: its people.
            seconds: of the frame, which a turning view goes by.
            line: what to write below.
        """
        people = tuple(posed.people.tolist())
        if people != self._people or not self._holds(posed.world):
            self._renew(posed.world, people)
        self._world[:, 0], self._keypoints[:, 0], self._scores[:, 0] = posed.world, posed.keypoints, posed.scores
        self._times[0] = seconds
        canvas = self._painter.paint(picture, 0)
        _write(canvas, line)
        return canvas

    def _holds(self, world: NDArray[np.float32]) -> bool:
        low, high = self._bounds
        return bool((world >= low - _SLACK).all() and (world <= high + _SLACK).all())

    def _renew(self, world: NDArray[np.float32], people: tuple[int, ...]) -> None:
        """Make a painter for these people; it paints what stands in our arrays' first frame.

        The frames behind it are never painted: they hold the bounds of the view.
        """
        count = len(people)
        middle = world.mean(axis=(0, 1))[:2] if count else np.zeros(2)
        low, high = _ROOM + np.array([*middle, 0.0])
        if count:
            low = np.minimum(low, world.min(axis=(0, 1)) - _ROOM[1, 0] / 2)
            high = np.maximum(high, world.max(axis=(0, 1)) + _ROOM[1, 0] / 2)
        low[2] = min(0.0, float(world[..., 2].min(initial=0.0)))
        self._bounds, self._people = np.stack([low, high]), people
        self._world = np.zeros((count, 3, len(joints.NAMES), 3), np.float32)
        self._world[:, 0], self._world[:, 1], self._world[:, 2] = world, low, high
        self._keypoints = np.zeros((count, 3, len(joints.NAMES), 2), np.float32)
        self._keypoints[..., 1] = np.linspace(0, 0.6 * self._size[1], len(joints.NAMES))  # lines of usual width
        self._scores = np.zeros((count, 3, len(joints.NAMES)), np.float32)
        self._times = np.zeros(3)
        skeleton = Skeleton(joints.NAMES, tuple(joints.LIMBS), tuple(joints.SIDES))
        self._painter = FilmPainter(
            skeleton, self._look, self._size, self._world, self._keypoints, self._scores,
            np.ones((count, 3), np.bool_), self._times, [str(number) for number in people],
        )  # fmt: skip


class Window:
    """A window that shows pictures; it is gone when a watcher closes it, or presses q or Escape.

    Raises:
        PipelineError: none can be opened here.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        try:
            cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        except cv2.error as error:
            raise PipelineError("--show: no window can be opened here; use --out DIR") from error
        self._sized = False

    def show(self, canvas: Picture) -> bool:
        """Show a picture (H, W, 3) RGB; return whether the watcher still watches."""
        cv2.imshow(self._title, cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR))
        if not self._sized:
            cv2.resizeWindow(self._title, canvas.shape[1], canvas.shape[0])
            self._sized = True
        if cv2.waitKey(1) & 0xFF in _LEAVE_KEYS:
            return False
        return bool(cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1)

    def close(self) -> None:
        """Take it away."""
        cv2.destroyAllWindows()


def _nowhere(count: int) -> NDArray[np.float32]:
    return np.zeros((count, len(joints.NAMES), 3), np.float32)


def _write(canvas: Picture, line: str) -> None:
    """Write a line at the canvas' lower left, in place."""
    height = canvas.shape[0]
    scale, edge = max(0.35, height / 1400), max(4, height // 60)
    thick = max(1, round(2 * scale))
    for color, extra in (((14, 17, 24), 3), ((236, 240, 246), 0)):
        cv2.putText(
            canvas, line, (edge, height - edge), cv2.FONT_HERSHEY_SIMPLEX, scale, color, thick + extra, cv2.LINE_AA
        )
