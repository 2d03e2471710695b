"""The overlay: people's joints and limbs in the picture they were found in, faint where the detector was unsure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render.blocks import Blocks
from render.colors import Color, Theme, mix, person_colors
from render.lettering import Lettering, Stamp
from render.shapes import Floats, capsules, clip_segments, fixed_point
from render.skeleton import Skeleton
from render.surface import Surface

_FAINTEST = 0.16  # opacity of a joint with score 0
_STEPS = 6  # steps of opacity: what is equally faint is blended together
_CORNERS = 7  # of a line's round end: it is only a few pixels wide
_WHITE: Color = (255, 255, 255)


@dataclass(frozen=True)
class _Parts:
    """A person's N limbs and joints in B frames, ready to be filled.

    Attributes:
        rims, insides: (B, N, C, 2) `fixed_point` pixels.
        rim_color: of all rims.
        colors: (N, 3) RGB of the insides.
        steps: (B, N) opacity in steps; 0 is not drawn.
    """

    rims: NDArray[np.int32]
    insides: NDArray[np.int32]
    rim_color: Color
    colors: NDArray[np.float64]
    steps: NDArray[np.int64]


class OverlayPainter:
    """Paints the people of one film on its frames.

    Args:
        size: (W, H) of the picture as it is shown, pixels.
        scale: (x, y) shown pixels per pixel of `keypoints`.
        keypoints: (P, T, J, 2) pixels of the original picture.
        scores: (P, T, J) 0..1.
        valid: (P, T) bool.
        labels: P short names.
        score_faint: scores below it are drawn faint.
        lettering: type of labels; None writes none.
        ahead: frames whose shapes are worked out at once; with 1 the arrays may change between two calls.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        theme: Theme,
        size: tuple[int, int],
        scale: tuple[float, float],
        keypoints: NDArray[np.float32],
        scores: NDArray[np.float32],
        valid: NDArray[np.bool_],
        labels: tuple[str, ...],
        score_faint: float,
        lettering: Lettering | None,
        ahead: int = 1,
    ) -> None:
        self._skeleton, self._size, self._scale = skeleton, size, np.array(scale)
        self._keypoints, self._scores, self._valid = keypoints, scores, valid
        self._faint = score_faint
        self._colors = [person_colors(index) for index in range(len(keypoints))]
        self._tags: list[Stamp] = []
        if lettering is not None:
            self._tags = [
                lettering.plate(label, theme_text(theme), (14, 17, 24), colors.label)
                for label, colors in zip(labels, self._colors, strict=True)
            ]
        picture = 0.0052 * float(np.sqrt(size[0] * size[1]))
        self._widths = [
            max(1.5, picture * _relative_size(self._to_shown(person[seen]), size[1]))
            for person, seen in zip(keypoints, valid, strict=True)
        ]

        self._blocks = Blocks(self._everybody, ahead)

    def paint(self, picture: Surface, t_index: int) -> None:
        """Draw the people of one frame on a picture, in place."""
        people = np.flatnonzero(self._valid[:, t_index]).tolist()
        if not people:
            return
        everybody, at = self._blocks.at(t_index)
        for index in people:
            _paint_person(picture, everybody[index], at)
        if self._tags:
            for index in people:
                self._put_tag(picture, index, self._to_shown(self._keypoints[index, t_index]))

    def _everybody(self, frames: slice) -> dict[int, _Parts]:
        """Return the parts of whoever is seen in some frames."""
        return {
            index: self._parts(index, self._to_shown(self._keypoints[index, frames]), self._scores[index, frames])
            for index in np.flatnonzero(self._valid[:, frames].any(axis=1)).tolist()
        }

    def _to_shown(self, points: Floats) -> NDArray[np.float64]:
        """Map pixels of the original picture to pixels of the shown one; a pixel's middle is its whole number."""
        shown: NDArray[np.float64] = (np.asarray(points, np.float64) + 0.5) * self._scale - 0.5
        return shown

    def opacity(self, scores: Floats) -> NDArray[np.float64]:
        """Return how opaque joints of these scores are drawn, `_FAINTEST`..1."""
        if self._faint <= 0:
            return np.ones(np.shape(scores))
        sure = np.clip(np.asarray(scores, np.float64) / self._faint, 0, 1)
        return _FAINTEST + (1 - _FAINTEST) * sure**1.5

    def _parts(self, index: int, points: Floats, scores: Floats) -> _Parts:
        """Return a person's limbs, then joints, of (B, J, 2) points; those that do not touch the picture in step 0."""
        colors, width, limbs = self._colors[index], self._widths[index], self._skeleton.limbs
        joints = np.arange(points.shape[1])
        ends = np.concatenate([np.array(limbs, np.intp).reshape(-1, 2), np.stack([joints] * 2, axis=1)])
        each = len(points), len(ends)
        cut, inside = clip_segments(points[:, ends].reshape(-1, 2, 2), self._size, float(max(self._size)))
        segments = np.stack([cut.reshape(*each, 2, 2)] * 2)
        radius = np.where(np.arange(len(ends)) < len(limbs), 0.5 * width, 0.78 * width)
        radii = np.stack([radius + max(0.8, 0.26 * width), radius])
        wide = np.broadcast_to(radii[:, None, :, None], segments.shape[:-1])
        rims, insides = fixed_point(capsules(segments, wide, _CORNERS))
        steps = np.maximum(np.rint(self.opacity(scores)[:, ends].min(axis=-1) * _STEPS).astype(int), 1)
        sides = [colors.base[self._skeleton.limb_side(limb)] for limb in limbs]
        dots = [mix(colors.base[side], _WHITE, 0.55) for side in self._skeleton.sides]
        shown = np.where(inside.reshape(each), steps, 0)
        return _Parts(rims, insides, colors.outline, np.array(sides + dots, np.float64).reshape(-1, 3), shown)

    def _put_tag(self, picture: Surface, index: int, points: Floats) -> None:
        """Lay a person's label above the head, or above the highest joint, inside the picture."""
        head = self._skeleton.head
        top = points[head] if head is not None else points[np.argmin(points[:, 1])]
        tag = self._tags[index]
        gap = 2.5 * self._widths[index] + 0.25 * tag.size[1]
        limit = np.maximum(np.array(self._size) - tag.size, 0)
        corner = np.clip(top - (tag.size[0] / 2, tag.size[1] + gap), 0, limit)
        tag.put(picture, round(float(corner[0])), round(float(corner[1])))


def theme_text(theme: Theme) -> Color:
    """Return the colour of writing on a dark plate: the theme's own where that is light, else white."""
    return (240, 243, 248) if theme.dark_lines else theme.text


def _paint_person(picture: Surface, parts: _Parts, at: int) -> None:
    """Draw one person's limbs and joints of a frame: rims first, so that no rim cuts through a limb."""
    steps = parts.steps[at]
    for step in np.unique(steps[steps > 0]):
        alike = np.flatnonzero(steps == step)
        if step == _STEPS:
            _fill_all(picture, parts, at, alike, (0, 0))
            continue
        corners = parts.rims[at, alike] / 16.0
        area = picture.window(corners.min(axis=(0, 1)) - 2, corners.max(axis=(0, 1)) + 2)
        if area is not None:
            below = picture.part(area)
            layer = below.copy()
            _fill_all(layer, parts, at, alike, (area[1].start, area[0].start))
            below.mix(layer, float(step) / _STEPS)


def _fill_all(picture: Surface, parts: _Parts, at: int, alike: NDArray[np.intp], corner: tuple[int, int]) -> None:
    """Fill the parts of these numbers on a picture whose upper left is at `corner` (x, y)."""
    move = np.array(corner, np.int32) * 16
    rims = picture.shapes(parts.rims[at, alike] - move)
    insides = picture.shapes(parts.insides[at, alike] - move)
    edge, tones = picture.tones(parts.rim_color).tolist(), picture.tones(parts.colors[alike]).tolist()
    for k in range(len(alike)):
        picture.fill(rims, k, edge)
    for k, tone in enumerate(tones):
        picture.fill(insides, k, tone)


def _relative_size(poses: NDArray[np.float64], height: int) -> float:
    """Return how thick a person of poses (T, J, 2) is drawn, 0.5..1: people small in the picture get finer lines."""
    if not len(poses):
        return 1.0
    tall = float(np.median(np.hypot(*np.moveaxis(poses.max(axis=1) - poses.min(axis=1), -1, 0))))
    return float(np.clip(tall / (0.7 * height), 0.5, 1.0))
