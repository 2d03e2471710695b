"""People at random: skins, hair, clothes and builds, so that no detector's error is that of one drawn person."""

from __future__ import annotations

import cv2
import numpy as np

from render.drawn.look import Colour, Look

# From very light to very dark, and from white to black; a person's own lies between two neighbours.
SKINS = ((241, 204, 180), (228, 178, 148), (204, 150, 116), (168, 116, 84), (122, 80, 60), (78, 52, 42))
HAIRS = ((206, 200, 190), (196, 158, 100), (140, 86, 48), (84, 58, 40), (44, 34, 30), (22, 19, 20))
LONG_HAIR, STRIPED, DARK_CLOTHES = 0.4, 0.25, 0.35  # shares of people


def random_look(random: np.random.Generator) -> Look:
    """Return how somebody looks whom nobody knows."""
    sleeve = float(random.choice([random.uniform(0.3, 0.9), random.uniform(1.7, 1.95)]))
    leg = float(random.choice([2.0, 2.0, random.uniform(0.6, 1.1)]))
    return Look(
        skin=_between(SKINS, random),
        hair=_between(HAIRS, random),
        shirt=_cloth(random),
        trousers=_cloth(random),
        shoes=_cloth(random),
        eyes=_between(((108, 130, 150), (92, 104, 70), (70, 48, 34)), random),
        sleeve=sleeve,
        leg=leg,
        hem=float(random.uniform(-0.14, 0.0)),
        stripes=float(random.uniform(0.15, 0.6)) if random.random() < STRIPED else 0.0,
        long_hair=bool(random.random() < LONG_HAIR),
        width=float(np.clip(random.normal(1.0, 0.07), 0.86, 1.2)),
        belly=float(np.clip(random.normal(1.08, 0.1), 0.92, 1.4)),
    )


def random_colour(random: np.random.Generator, saturation: tuple[float, float], value: tuple[float, float]) -> Colour:
    """Return a colour (RGB) of any hue, its saturation and value (0..1) drawn from their ranges."""
    hsv = [random.uniform(0, 180), 255 * random.uniform(*saturation), 255 * random.uniform(*value)]
    red, green, blue = (
        int(level) for level in cv2.cvtColor(np.array([[hsv]]).astype(np.uint8), cv2.COLOR_HSV2RGB)[0, 0]
    )
    return red, green, blue


def _cloth(random: np.random.Generator) -> Colour:
    dark = random.random() < DARK_CLOTHES
    return random_colour(random, (0.0, 0.7), (0.1, 0.35) if dark else (0.3, 0.92))


def _between(colours: tuple[Colour, ...], random: np.random.Generator) -> Colour:
    """Return a colour somewhere between two neighbours of a row."""
    at = random.uniform(0, len(colours) - 1)
    low = min(int(at), len(colours) - 2)
    mixed = (1 - at + low) * np.array(colours[low]) + (at - low) * np.array(colours[low + 1])
    red, green, blue = (int(level) for level in mixed)
    return red, green, blue
