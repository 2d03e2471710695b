"""Colours: themes of the room, and per person three related tints (left, center, right) shaded from dark to light."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Color = tuple[int, int, int]  # RGB, 0..255

# Hues (degrees in OKLCH) in the order people get them, far apart first: sky, amber, pink, green, violet, red, ...
_HUES: tuple[float, ...] = (225.0, 62.0, 345.0, 140.0, 295.0, 28.0, 185.0, 100.0)
_YELLOW = 110.0  # the hue that is lightest by nature: light tints lean towards it, deep ones away from it
# side: lightness, chroma, lean towards yellow in degrees. Left is light and right is deep, so that they also
# differ without colour vision.
_SIDES: dict[str, tuple[float, float, float]] = {
    "left": (0.86, 0.115, 26.0),
    "center": (0.76, 0.085, 0.0),
    "right": (0.61, 0.170, -26.0),
}


@dataclass(frozen=True)
class Theme:
    """Colours of the room and the writing.

    Attributes:
        top, bottom: the wall's colour at the panel's upper and lower edge.
        glow: the floor's colour in the middle of the light.
        line: what a grid line adds to the floor (or takes from it, where `dark_lines`).
        dark_lines: lines are darker than the floor.
        text, faint_text: writing.
        shadow: how dark a body's shadow is, 0..1.
        fog: how far the furthest limb fades into the wall, 0..1.
        separator: between the picture and the room.
    """

    top: Color
    bottom: Color
    glow: Color
    line: Color
    dark_lines: bool
    text: Color
    faint_text: Color
    shadow: float
    fog: float
    separator: Color


THEMES: dict[str, Theme] = {
    "night": Theme(
        top=(15, 18, 27),
        bottom=(22, 27, 39),
        glow=(66, 78, 104),
        line=(52, 60, 76),
        dark_lines=False,
        text=(232, 237, 245),
        faint_text=(128, 141, 163),
        shadow=0.62,
        fog=0.38,
        separator=(8, 10, 15),
    ),
    "paper": Theme(
        top=(226, 230, 236),
        bottom=(212, 217, 225),
        glow=(250, 251, 252),
        line=(62, 56, 46),
        dark_lines=True,
        text=(36, 43, 56),
        faint_text=(112, 122, 138),
        shadow=0.42,
        fog=0.30,
        separator=(188, 195, 205),
    ),
}


@dataclass(frozen=True)
class PersonColors:
    """One person's colours, by side of the body.

    Attributes:
        base: the flat colour of each side, as the overlay uses it.
        outline: a dark tone of the same hue.
        label: the colour of the person's mark beside a name.
    """

    base: dict[str, Color]
    outline: Color
    label: Color
    hue: float

    def shades(self, side: str, steps: int) -> NDArray[np.float32]:
        """Return (steps, 3) RGB from the shaded rim to the lit spot of a round limb of one side."""
        lightness, chroma, lean = _SIDES[side]
        hue = _leaning(self.hue, lean)
        rise = np.linspace(0.0, 1.0, steps)
        levels = lightness - 0.30 + 0.40 * rise**0.75
        # A lit spot is whiter, a shaded rim deeper: chroma falls towards the light.
        tones = [
            oklch(min(float(level), 0.97), chroma * (1.05 - 0.55 * float(t) ** 2), hue)
            for level, t in zip(levels, rise, strict=True)
        ]
        return np.array(tones, np.float32)


def person_colors(index: int) -> PersonColors:
    """Return the colours of the person at an index: eight far hues first, then hues by the golden angle."""
    hue = _HUES[index] if index < len(_HUES) else (_HUES[0] + 137.508 * index) % 360.0
    base = {side: oklch(light, chroma, _leaning(hue, lean)) for side, (light, chroma, lean) in _SIDES.items()}
    return PersonColors(base, outline=oklch(0.20, 0.045, hue + 10.0), label=oklch(0.75, 0.14, hue), hue=hue)


def _leaning(hue: float, lean: float) -> float:
    """Return a hue moved by so many degrees the short way towards yellow, away from it if negative."""
    towards = (_YELLOW - hue + 180.0) % 360.0 - 180.0
    return (hue + (lean if towards >= 0 else -lean)) % 360.0


def oklch(lightness: float, chroma: float, hue: float) -> Color:
    """Return the sRGB colour of an OKLCH one: lightness 0..1, chroma 0..0.4, hue in degrees.

    OKLab is even to the eye, so tints made by one rule look equally strong in every hue (Ottosson, "A perceptual
    color space for image processing", 2020). A colour that no screen can show loses chroma until one can.
    """
    for share in np.linspace(1.0, 0.0, 33):
        linear = _linear_rgb(lightness, chroma * float(share), math.radians(hue))
        if all(-1e-4 <= value <= 1.0001 for value in linear):
            break
    red, green, blue = (round(255 * _gamma(min(max(value, 0.0), 1.0))) for value in linear)
    return red, green, blue


def mix(first: Color, second: Color, share: float) -> Color:
    """Return the colour `share` (0..1) of the way from the first to the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _linear_rgb(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    """OKLCH (hue in radians) to linear sRGB, Ottosson's matrices."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _gamma(value: float) -> float:
    """Linear light to sRGB's curve (IEC 61966-2-1), 0..1."""
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
