"""The film's frames: the picture with its overlay at the left, the 3D room at the right, time and frame number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from render.colors import THEMES
from render.lettering import Lettering
from render.marks import PanelMarks, StatusLine
from render.overlay import OverlayPainter
from render.scene import ScenePainter
from render.settings import RenderSettings
from render.shapes import Picture
from render.skeleton import Skeleton
from render.surface import Surface

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
    scaled = max(2, 2 * round(width * shown / height / 2))  # even: a film's colours are scaled with it
    picture = (width if shown == height else scaled, shown)
    tall = shown + shown % 2
    left = picture[0] + max(1, round(tall / 540))
    left += left % 2  # a film's colours begin at even pixels
    room = tall if picture[0] >= picture[1] else int(np.ceil(_PORTRAIT_PANEL * tall))
    return Layout(picture, (left + room + (left + room) % 2, tall), left)


class FilmPainter:
    """Paints a film's frames, in any order, as RGB or straight onto the planes of a film (`render.surface`).

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
        film: frames come, and canvases go, as planes of 4:2:0 video instead of RGB.
        ahead: frames of one person, of more people fewer, whose shapes are worked out at once, which is quicker where
            they are painted one after the other; with 1 the arrays may change between two calls.

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
        film: bool = False,
        ahead: int = 1,
    ) -> None:
        names = tuple(labels) if labels is not None else tuple(str(k + 1) for k in range(len(world)))
        _check(skeleton, picture_size, world, keypoints, scores, valid, timestamps, names)
        theme, ahead = THEMES[settings.style], max(1, ahead // max(1, len(world)))
        self._picture_size, self._film, self._theme = picture_size, film, theme
        self._layout = lay_out(picture_size, settings.max_height)
        self._timestamps = timestamps
        self._canvas: Picture | None = None
        capitals = max(_LEAST_LETTERS, _LETTERS * self._layout.canvas[1])
        letters = Lettering(capitals) if min(self._layout.canvas) >= 12 * capitals else None
        shown = self._layout.picture
        scale = shown[0] / picture_size[0], shown[1] / picture_size[1]
        self._overlay = OverlayPainter(
            skeleton, theme, shown, scale, keypoints, scores, valid, names, settings.score_faint,
            letters if settings.show_ids else None, ahead,
        )  # fmt: skip
        self._scene = ScenePainter(skeleton, settings, self._layout.panel, theme, world, valid, timestamps, film, ahead)
        self._status = StatusLine(letters, names, valid)
        self._marks = PanelMarks(letters, theme, settings, self._scene.room.cell, timestamps, bool(valid.any()))

    @property
    def size(self) -> tuple[int, int]:
        """(W, H) of the canvas, both even."""
        return self._layout.canvas

    def blank(self) -> Picture:
        """Return a new canvas in the separator's colour: (H, W, 3) RGB, or (3 * H / 2, W) where film is painted."""
        width, height = self._layout.canvas
        canvas = np.empty((height * 3 // 2, width) if self._film else (height, width, 3), np.uint8)
        surface = Surface(canvas)
        tones = np.rint(surface.tones(self._theme.separator))
        for plane, tone in zip(surface.planes, tones if self._film else [tones], strict=True):
            plane[:] = tone
        return canvas

    def paint(self, frame: Picture | Sequence[Picture], t_index: int, canvas: Picture | None = None) -> Picture:
        """Return the canvas of one frame, contiguous uint8, of `blank`'s shape.

        Without a `canvas` it is the same array each time, painted over by the next call; copy it to keep it. `frame`
        is only read.

        Args:
            frame: (H, W, 3) uint8 RGB of the size the painter was made for; where film is painted, its planes:
                Y (H, W), U and V (H / 2, W / 2, upwards rounded), BT.709 in limited range.
            t_index: which frame of the film, 0..T-1.
            canvas: a canvas from `blank` to paint on.

        Raises:
            ValueError: a frame of another size or type. IndexError: no such frame.
        """
        if not 0 <= t_index < len(self._timestamps):
            raise IndexError(f"frame {t_index}: the film has {len(self._timestamps)} frames")
        planes = self._checked(frame)
        if canvas is None:
            canvas = self._canvas = self.blank() if self._canvas is None else self._canvas
        whole = Surface(canvas)
        picture = self._place_picture(planes, whole)
        self._overlay.paint(picture, t_index)
        self._status.paint(picture, t_index)
        width, height = self._layout.canvas
        panel = whole.part((slice(0, height), slice(self._layout.panel_left, width)))
        self._scene.paint(panel, t_index)
        self._marks.paint(panel, t_index, self._scene.camera(t_index))
        return canvas

    def _checked(self, frame: Picture | Sequence[Picture]) -> tuple[Picture, ...]:
        """Return the planes of a frame; ValueError names the wanted and the given shapes."""
        width, height = self._picture_size
        half = (height + 1) // 2, (width + 1) // 2
        wanted = [(height, width), half, half] if self._film else [(height, width, 3)]
        planes = (frame,) if isinstance(frame, np.ndarray) else tuple(frame)
        given = [plane.shape for plane in planes]
        if given != wanted or any(plane.dtype != np.uint8 for plane in planes):
            shapes = [", ".join(map(str, shapes)) for shapes in (wanted, given)]
            raise ValueError(f"frame: expected {shapes[0]} uint8, got {shapes[1]} {planes[0].dtype if planes else ''}")
        return planes

    def _place_picture(self, planes: tuple[Picture, ...], whole: Surface) -> Surface:
        """Copy the frame to the canvas, scaled down where it is too tall, and return its part of the canvas."""
        width, height = self._layout.picture
        picture = whole.part((slice(0, height), slice(0, width)))
        for source, target in zip(planes, picture.planes, strict=True):
            if source.shape == target.shape:
                np.copyto(target, source)
            else:
                cv2.resize(source, target.shape[1::-1], dst=target, interpolation=cv2.INTER_AREA)
        if height < self._layout.canvas[1]:
            whole.planes[0][height:, :width] = picture.planes[0][-1]
        return picture


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
