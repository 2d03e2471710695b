"""Lettering: smooth small type from OpenCV's stroke font, and labels on rounded plates, as stamps made once."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from render.colors import Color
from render.shapes import Picture
from render.surface import BLACK, Surface, halved, to_yuv

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAP_HEIGHT = 21.0  # pixels of a capital letter at scale 1, without its stroke
_FINE = 4  # letters are drawn so many times larger and averaged down: smooth edges, exact stroke width


Pieces = tuple[tuple[Picture, Picture], ...]


@dataclass(frozen=True)
class Stamp:
    """A small picture with soft edges.

    Attributes:
        color: (h, w, 3) uint8 RGB, already weighted by its opacity.
        keep: (h, w, 3) uint8, how much of what lies below stays, 255 all.
    """

    color: Picture
    keep: Picture
    _made: dict[tuple[int, int, bool], Pieces] = field(default_factory=dict, repr=False, compare=False)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.color.shape[1], self.color.shape[0]

    def put(self, picture: Surface, left: int, top: int) -> None:
        """Lay the stamp on a picture in place; what falls outside is cut off."""
        pieces = self._pieces(left % 2, top % 2, picture.is_film)
        left, top = left - left % 2, top - top % 2
        for plane, (color, keep) in zip(picture.planes, pieces, strict=True):
            step = 1 if plane is picture.planes[0] else 2
            _lay(plane, color, keep, left // step, top // step)

    def _pieces(self, right: int, down: int, film: bool) -> Pieces:
        """Return colour and keep for each plane, moved by an odd pixel or none; made once."""
        if (right, down, film) not in self._made:
            moved = (down, self.color.shape[0] % 2 ^ down, right, self.color.shape[1] % 2 ^ right)
            sides = ((moved[0], moved[1]), (moved[2], moved[3]), (0, 0))
            color, keep = np.pad(self.color, sides), np.pad(self.keep, sides, constant_values=255)
            self._made[right, down, film] = _film_pieces(color, keep[..., 0]) if film else ((color, keep),)
        return self._made[right, down, film]


@dataclass(frozen=True)
class Ink:
    """A soft-edged shape in one colour, quick to make.

    Attributes:
        mask: (h, w) uint8 opacity.
        color: RGB.
    """

    mask: Picture
    color: Color
    _made: dict[tuple[int, int, bool], Pieces] = field(default_factory=dict, repr=False, compare=False)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.mask.shape[1], self.mask.shape[0]

    def put(self, picture: Surface, left: int, top: int) -> None:
        """Lay it on a picture in place; what falls outside is cut off."""
        key = left % 2, top % 2, picture.is_film
        if key not in self._made:
            self._made[key] = self._pieces(picture, *key[:2])
        left, top = left - left % 2, top - top % 2
        for plane, (color, keep), step in zip(picture.planes, self._made[key], (1, 2, 2), strict=False):
            _lay(plane, color, keep, left // step, top // step)

    def _pieces(self, picture: Surface, right: int, down: int) -> Pieces:
        """Return colour and keep for each plane of a picture of that kind, moved by an odd pixel or none."""
        width, height = self.size
        mask = np.zeros((height + down + (height + down) % 2, width + right + (width + right) % 2), np.uint8)
        mask[down : down + height, right : right + width] = self.mask
        tones = picture.tones(self.color)
        if not picture.is_film:
            color = np.rint(mask[..., None] * (tones / 255)).astype(np.uint8)
            return ((color, np.repeat(255 - mask[..., None], 3, axis=2)),)
        half = halved(mask)
        parts = zip((mask, half, half), tones.tolist(), strict=True)
        return tuple(
            (np.asarray(cv2.convertScaleAbs(part, alpha=tone / 255), np.uint8), 255 - part) for part, tone in parts
        )


@dataclass
class Lettering:
    """Type of one height; letters are drawn once and kept.

    Attributes:
        height: pixels of a capital letter.
        weight: stroke width as a share of the height.
    """

    height: float
    weight: float = 0.125
    _glyphs: dict[str, NDArray[np.uint8]] = field(default_factory=dict, repr=False)

    def mask(self, text: str) -> NDArray[np.uint8]:
        """Return (h, w) opacity 0..255 of one line of text; signs that the font lacks become `?`."""
        plain = "".join(sign if " " <= sign <= "~" else "?" for sign in text)
        if not plain:
            return np.zeros((self._rows, 1), np.uint8)
        return np.concatenate([self._glyph(sign) for sign in plain], axis=1)

    def write(self, text: str, color: Color) -> Ink:
        """Return a line of text."""
        return Ink(self.mask(text), color)

    def plate(self, text: str, color: Color, back: Color, mark: Color | None = None, opacity: float = 0.72) -> Stamp:
        """Return a line of text on a rounded dark plate, after a round mark where one is given."""
        letters = self.mask(text)
        pad = max(2, round(0.75 * self.height))
        dot = round(0.9 * self.height) if mark is not None else 0
        gap = round(0.6 * self.height) if mark is not None else 0
        height = letters.shape[0] + max(2, round(0.5 * self.height))
        width = letters.shape[1] + 2 * pad + dot + gap
        plate = _stamp(_rounded(width, height), back, opacity)
        top = (height - letters.shape[0]) // 2
        _stamp(letters, color, 1.0).put(Surface(plate.color), pad + dot + gap, top)
        keep = plate.keep[top : top + letters.shape[0], pad + dot + gap : pad + dot + gap + letters.shape[1]]
        keep[:] = cv2.multiply(keep, 255 - cv2.merge([letters] * 3), scale=1 / 255)
        if mark is not None:
            disc = _disc(dot)
            rows, columns = slice((height - dot) // 2, (height - dot) // 2 + dot), slice(pad, pad + dot)
            _stamp(disc, mark, 1.0).put(Surface(plate.color), columns.start, rows.start)
            keep = plate.keep[rows, columns]
            keep[:] = cv2.multiply(keep, 255 - cv2.merge([disc] * 3), scale=1 / 255)
        return plate

    @property
    def _rows(self) -> int:
        return int(np.ceil(1.55 * self.height))

    def _glyph(self, sign: str) -> NDArray[np.uint8]:
        """Return (h, w) opacity of one sign; all digits are equally wide, so a running clock stands still."""
        if sign not in self._glyphs:
            scale = self.height * _FINE / _CAP_HEIGHT
            thick = max(1, round(self.weight * self.height * _FINE))
            measured = "0" if sign.isdigit() else sign
            width = cv2.getTextSize(measured, _FONT, scale, 1)[0][0]
            columns = max(1, round(width / _FINE))
            canvas = np.zeros((self._rows * _FINE, columns * _FINE), np.uint8)
            indent = (columns * _FINE - cv2.getTextSize(sign, _FONT, scale, 1)[0][0]) // 2
            baseline = round(1.22 * self.height * _FINE)
            cv2.putText(canvas, sign, (indent, baseline), _FONT, scale, 255, thick, cv2.LINE_AA)
            self._glyphs[sign] = np.asarray(
                cv2.resize(canvas, (columns, self._rows), interpolation=cv2.INTER_AREA), np.uint8
            )
        return self._glyphs[sign]


def _lay(plane: Picture, color: Picture, keep: Picture, left: int, top: int) -> None:
    """Weaken a plane by `keep` and add `color`, in place; what falls outside is cut off."""
    height, width = color.shape[:2]
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + width, plane.shape[1]), min(top + height, plane.shape[0])
    if x1 >= x2 or y1 >= y2:
        return
    part = slice(y1 - top, y2 - top), slice(x1 - left, x2 - left)
    below = plane[y1:y2, x1:x2]
    below[:] = cv2.add(cv2.multiply(below, keep[part], scale=1 / 255), color[part])


def _film_pieces(color: Picture, keep: Picture) -> Pieces:
    """Return the pieces of an RGB stamp of even sides for the planes of a film."""
    # What is let through of black is taken out of the colour again: black is not 0 there.
    yuv = to_yuv(color) - np.array(BLACK) * (keep / 255.0)[..., None]
    means = yuv.reshape(yuv.shape[0] // 2, 2, yuv.shape[1] // 2, 2, 3).mean(axis=(1, 3))
    whole = (yuv[..., 0], means[..., 1], means[..., 2])
    rounded = [np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in whole]
    half = halved(keep)
    return (rounded[0], keep), (rounded[1], half), (rounded[2], half)


def _stamp(mask: NDArray[np.uint8], color: Color, opacity: float) -> Stamp:
    """Return a one-coloured stamp of an (h, w) opacity mask."""
    share = mask.astype(np.float32) * (opacity / 255.0)
    weighted = np.rint(share[..., None] * np.array(color, np.float32)).astype(np.uint8)
    kept = np.rint(255.0 * (1.0 - share)).astype(np.uint8)
    return Stamp(weighted, cv2.merge([kept, kept, kept]).astype(np.uint8, copy=False))


def _rounded(width: int, height: int) -> NDArray[np.uint8]:
    """Return the opacity of a plate with fully rounded ends."""
    radius = height * _FINE / 2
    canvas = np.zeros((height * _FINE, width * _FINE), np.uint8)
    left, right = round(radius), round(width * _FINE - radius)
    cv2.line(canvas, (left, round(radius)), (right, round(radius)), 255, max(1, round(2 * radius) - 2), cv2.LINE_AA)
    return np.asarray(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _disc(diameter: int) -> NDArray[np.uint8]:
    """Return the opacity of a disc."""
    size = max(1, diameter)
    canvas = np.zeros((size * _FINE, size * _FINE), np.uint8)
    middle = size * _FINE // 2
    cv2.circle(canvas, (middle, middle), max(1, middle - 1), 255, -1, cv2.LINE_AA)
    return np.asarray(cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
