"""Things that stand in a drawn room, made of boxes: what hides people, and what lies behind them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from render.drawn.look import Colour, albedo
from render.drawn.mesh import Surface, grain

Floats = NDArray[np.float64]

MESH = 0.16  # metres; large quads would not lie in the right order behind and before a person's
# The faces of a box: the axis they are square to, on which side, and the two axes they lie along.
FACES = ((0, 1, 1, 2), (0, -1, 2, 1), (1, 1, 2, 0), (1, -1, 0, 2), (2, 1, 0, 1), (2, -1, 1, 0))

Placed = tuple[float, float]  # x and y on the floor, metres
Kind = Callable[[Colour, np.random.Generator], list[Surface]]  # a thing about the origin


def box(low: Floats, high: Floats, colour: Colour, seed: int = 0) -> list[Surface]:
    """Return the six faces of a box between two corners (3,), metres."""
    sheets = []
    for axis, side, first, second in FACES:
        counts = [max(2, int(np.ceil((high[i] - low[i]) / MESH)) + 1) for i in (first, second)]
        u, v = np.meshgrid(*(np.linspace(low[i], high[i], n) for i, n in zip((first, second), counts, strict=True)),
                           indexing="ij")  # fmt: skip
        vertices = np.empty((*u.shape, 3))
        vertices[..., first], vertices[..., second] = u, v
        vertices[..., axis] = high[axis] if side > 0 else low[axis]
        shape = (counts[0] - 1, counts[1] - 1)
        sheets.append(Surface(vertices, albedo(colour) * grain(shape, 0.02, seed + axis)))
    return sheets


def table(colour: Colour, random: np.random.Generator) -> list[Surface]:
    """Return a table about the origin: a top on four legs."""
    x, y, z = random.uniform(0.4, 0.8), random.uniform(0.3, 0.5), random.uniform(0.68, 0.78)
    sheets = box(np.array([-x, -y, z - 0.04]), np.array([x, y, z]), colour)
    for i in (-1, 1):
        for j in (-1, 1):
            foot = np.array([i * (x - 0.06), j * (y - 0.06), 0.0])
            sheets += box(foot - np.array([0.03, 0.03, 0.0]), foot + np.array([0.03, 0.03, z - 0.04]), colour)
    return sheets


def chair(colour: Colour, random: np.random.Generator) -> list[Surface]:
    """Return a chair: seat, back and four legs."""
    high = random.uniform(0.82, 1.0)
    sheets = box(np.array([-0.22, -0.22, 0.42]), np.array([0.22, 0.22, 0.46]), colour)
    sheets += box(np.array([-0.22, 0.19, 0.55]), np.array([0.22, 0.22, high]), colour)
    for i in (-1, 1):
        for j in (-1, 1):
            foot = np.array([0.2 * i, 0.2 * j, 0.0])
            top = high - 0.05 if j > 0 else 0.42
            sheets += box(foot - np.array([0.02, 0.02, 0.0]), foot + np.array([0.02, 0.02, top]), colour)
    return sheets


def sofa(colour: Colour, random: np.random.Generator) -> list[Surface]:
    """Return a sofa: seat, back and arms."""
    half = random.uniform(0.6, 1.0)
    sheets = box(np.array([-half, -0.4, 0.05]), np.array([half, 0.3, 0.42]), colour)
    sheets += box(np.array([-half, 0.25, 0.42]), np.array([half, 0.42, random.uniform(0.75, 0.9)]), colour)
    for side in (-1, 1):
        at = np.array([side * half, -0.05, 0.0])
        sheets += box(at - np.array([0.09, 0.35, -0.05]), at + np.array([0.09, 0.35, 0.6]), colour)
    return sheets


def cupboard(colour: Colour, random: np.random.Generator) -> list[Surface]:
    """Return a cupboard or a chest of drawers."""
    x, y, z = random.uniform(0.25, 0.6), random.uniform(0.18, 0.3), random.uniform(0.5, 1.9)
    return box(np.array([-x, -y, 0.0]), np.array([x, y, z]), colour)


def post(colour: Colour, random: np.random.Generator) -> list[Surface]:
    """Return a post, a lamp or a narrow pillar."""
    half = random.uniform(0.03, 0.08)
    return box(np.array([-half, -half, 0.0]), np.array([half, half, random.uniform(1.2, 2.4)]), colour)


KINDS: tuple[Kind, ...] = (table, chair, sofa, cupboard, post)


def placed(sheets: list[Surface], at: Placed, turn: float) -> list[Surface]:
    """Return things moved from the origin to a place of the floor, turned to the left by `turn` radians."""
    c, s = np.cos(turn), np.sin(turn)
    axes = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return [sheet.moved(axes, np.array([*at, 0.0])) for sheet in sheets]
