"""The film's frames: the picture with its overlay at the left, the 3D room at the right, time and frame number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from render.colors import THEMES, Theme
from render.lettering import Lettering
from render.marks import PanelMarks, StatusLine
from render.overlay import OverlayPainter
from render.scene import ScenePainter
from render.settings import RenderSettings
from render.shapes import Picture
from render.skeleton import Skeleton

_PORTRAIT_PANEL = 0.75  # width of the room against its height, at the least
_LEAST_LETTERS = 6.5  # pixels: the smallest readable capitals
_LETTERS = 0.0165  # height of capitals against the canvas


@dataclass(frozen=True)
class Layout:
    """Where things are on the canvas, pixels; the canvas is even both ways, as H.264 wants it.

    Attributes:
        picture: (w, h) of the picture, upper left.
        canvas: (W, H); the picture's last row or column is repeated where it falls short.
        panel_left: column where the room begins, after the separator.
    """

    picture: tuple[int, int]
    canvas: tuple[int, int]
    panel_left: int

    @property
    def panel(self) -> tuple[int, int]:
        """(W, H) of the room."""
        return self.canvas[0] - self.panel_left, self.canvas[1]


def lay_out(picture_size: tuple[int, int], max_height: int) -> Layout:
    """Return the layout for pictures of (W, H): a square room, or one of 3:4 beside a portrait picture."""
    width, height = picture_size
    limit = max_height - max_height % 2
    shown = limit if height > limit else height
    picture = (max(1, round(width * shown / height)), shown)
    tall = shown + shown % 2
    separator = max(1, round(tall / 540))
    room = tall if picture[0] >= picture[1] else int(np.ceil(_PORTRAIT_PANEL * tall))
    left = picture[0] + separator
    return Layout(picture, (left + room + (left + room) % 2, tall), left)


class FilmPainter:
    """Paints a film's frames, in any order.

    Args:
        skeleton: the J joints and the limbs between them.
        settings: the look.
        picture_size: (W, H) of the upright video frames, pixels.
        world: (P, T, J, 3) float32 metres: x right, y away from the film's camera, z up, floor at z = 0.
        keypoints: (P, T, J, 2) float32 pixels, x right, y down.
        scores: (P, T, J) float32, 0..1.
        valid: (P, T) bool; the person is in track.
        timestamps: (T,) seconds.
        labels: P short names of the people; "1", "2", ... where none are given.

    Raises:
        ValueError: arrays whose shapes do not fit each other, or values that are not finite.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        settings: RenderSettings,
        picture_size: tuple[int, int],
        world: NDArray[np.float32],
        keypoints: NDArray[np.float32],
        scores: NDArray[np.float32],
        valid: NDArray[np.bool_],
        timestamps: NDArray[np.float64],
        labels: Sequence[str] | None = None,
    ) -> None:
        names = tuple(labels) if labels is not None else tuple(str(k + 1) for k in range(len(world)))
        _check(skeleton, picture_size, world, keypoints, scores, valid, timestamps, names)
        theme = THEMES[settings.theme]
        self._picture_size = picture_size
        self._layout = lay_out(picture_size, settings.max_height)
        self._timestamps = timestamps
        self._canvas = _blank(self._layout, theme)
        capitals = max(_LEAST_LETTERS, _LETTERS * self._layout.canvas[1])
        letters = Lettering(capitals) if min(self._layout.canvas) >= 12 * capitals else None
        shown = self._layout.picture
        scale = shown[0] / picture_size[0], shown[1] / picture_size[1]
        self._overlay = OverlayPainter(
            skeleton, theme, shown, scale, keypoints, scores, valid, names, settings.score_faint,
            letters if settings.show_ids else None,
        )  # fmt: skip
        self._scene = ScenePainter(skeleton, settings, self._layout.panel, theme, world, valid)
        self._status = StatusLine(letters, names, valid)
        self._marks = PanelMarks(letters, theme, settings, self._scene.room.cell, timestamps, bool(valid.any()))

    @property
    def size(self) -> tuple[int, int]:
        """(W, H) of the canvas, both even."""
        return self._layout.canvas

    def paint(self, frame_rgb: Picture, t_index: int) -> Picture:
        """Return the canvas of one frame: (H, W, 3) uint8 RGB, contiguous.

        The canvas is the same array each time, painted over by the next call; copy it to keep it. `frame_rgb`
        is only read.

        Args:
            frame_rgb: (H, W, 3) uint8 RGB, of the size the painter was made for.
            t_index: which frame of the film, 0..T-1.

        Raises:
            ValueError: a frame of another size or type. IndexError: no such frame.
        """
        width, height = self._picture_size
        if frame_rgb.shape != (height, width, 3) or frame_rgb.dtype != np.uint8:
            raise ValueError(f"frame: expected {(height, width, 3)} uint8, got {frame_rgb.shape} {frame_rgb.dtype}")
        if not 0 <= t_index < len(self._timestamps):
            raise IndexError(f"frame {t_index}: the film has {len(self._timestamps)} frames")
        time_s = float(self._timestamps[t_index])
        picture = self._place_picture(frame_rgb)
        self._overlay.paint(picture, t_index)
        self._status.paint(picture, t_index)
        panel = self._canvas[:, self._layout.panel_left :]
        self._scene.paint(panel, t_index, time_s)
        self._marks.paint(panel, t_index, self._scene.camera(time_s))
        return self._canvas

    def _place_picture(self, frame_rgb: Picture) -> Picture:
        """Copy the frame to the canvas, scaled down where it is too tall, and return its part of the canvas."""
        shown_width, shown_height = self._layout.picture
        picture = self._canvas[:shown_height, :shown_width]
        if self._layout.picture == self._picture_size:
            np.copyto(picture, frame_rgb)
        else:
            picture[:] = cv2.resize(frame_rgb, self._layout.picture, interpolation=cv2.INTER_AREA)
        if shown_height < self._layout.canvas[1]:
            self._canvas[shown_height:, :shown_width] = picture[-1]
        return picture


def _blank(layout: Layout, theme: Theme) -> Picture:
    """Return a canvas in the separator's colour."""
    canvas = np.empty((layout.canvas[1], layout.canvas[0], 3), np.uint8)
    canvas[:] = theme.separator
    return canvas


def _check(
    skeleton: Skeleton,
    picture_size: tuple[int, int],
    world: NDArray[np.float32],
    keypoints: NDArray[np.float32],
    scores: NDArray[np.float32],
    valid: NDArray[np.bool_],
    timestamps: NDArray[np.float64],
    labels: tuple[str, ...],
) -> None:
    """Refuse arrays that do not fit each other or are not finite, with wanted and given shape."""
    if len(picture_size) != 2 or min(picture_size) < 1:
        raise ValueError(f"picture_size: expected (width, height) of at least 1 pixel, got {picture_size}")
    people, frames, joints = len(world), len(timestamps), len(skeleton.joints)
    wanted = {
        "world": (world, (people, frames, joints, 3)),
        "keypoints": (keypoints, (people, frames, joints, 2)),
        "scores": (scores, (people, frames, joints)),
        "valid": (valid, (people, frames)),
        "timestamps": (timestamps, (frames,)),
    }
    for name, (array, shape) in wanted.items():
        if array.shape != shape:
            raise ValueError(f"FilmPainter {name}: expected {shape}, got {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"FilmPainter {name}: values must be finite")
    if len(labels) != people:
        raise ValueError(f"FilmPainter labels: expected {people}, got {len(labels)}")
