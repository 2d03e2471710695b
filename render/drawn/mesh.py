"""Surfaces of the drawn body: grids of vertices with a colour per face, lofted through elliptical rings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Surface:
    """A sheet of quads.

    Attributes:
        vertices: (R, S, 3) metres; rings along the part, S points around. The outside is where the cross
            product of "to the next ring" and "to the next point" points to.
        colours: (R - 1, S - 1, 3) RGB 0..255 of each quad in full light.
        lift: metres by which the sheet is drawn nearer than it is (painted features lie on the skin).
        keep: (R - 1, S - 1) bool, quads that exist; None is all.
    """

    vertices: Floats
    colours: Floats
    lift: float = 0.0
    keep: NDArray[np.bool_] | None = None

    def moved(self, axes: Floats, origin: Floats) -> Surface:
        """Return the surface with its points p at axes @ p + origin; axes (3, 3), origin (3,)."""
        return Surface(self.vertices @ axes.T + origin, self.colours, self.lift, self.keep)


def loft(centres: Floats, first: Floats, second: Floats, power: float, points: int) -> Floats:
    """Return closed rings (R, points + 1, 3) of superellipses.

    Args:
        centres: (R, 3); first, second: (R, 3) or (R, 2, 3) half axes with their lengths. Two half axes a
            ring are those of its positive and its negative side.
        power: 2 is an ellipse, more is boxier.

    The points run from `first` to `second`, or the other way around where the outside asks for it.
    """
    angle = np.linspace(0, 2 * np.pi, points + 1)
    middle = len(centres) // 2
    across = np.cross(first.reshape(len(first), -1, 3)[middle, 0], second.reshape(len(second), -1, 3)[middle, 0])
    if across @ (centres[-1] - centres[0]) > 0:
        angle = -angle
    c, s = np.cos(angle), np.sin(angle)
    x = np.sign(c) * np.abs(c) ** (2 / power)
    y = np.sign(s) * np.abs(s) ** (2 / power)
    return np.asarray(centres[:, None] + _side(first, x) + _side(second, y), np.float64)


def _side(axis: Floats, along: Floats) -> Floats:
    """Return along * axis for each ring and point, with the axis of the side that `along` (S,) is on."""
    if axis.ndim == 2:
        return axis[:, None] * along[:, None]
    chosen = np.where((along >= 0)[:, None], axis[:, 0, None], axis[:, 1, None])
    return np.asarray(chosen * along[:, None], np.float64)


def tube(points: Floats, side: Floats, radii: Floats, count: int, power: float = 2.0) -> Floats:
    """Return rings (R, count + 1, 3) around a line of centres (R, 3).

    Args:
        side: (3,) a direction that is nowhere along the line (a hinge's axis); radii: (R, 2) or (R, 3) metres
            along `side`, and in front of and behind the line; front is `side` x the line.
    """
    along = np.gradient(points, axis=0)
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    first = side - (along @ side)[:, None] * along
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    second = np.cross(first, along)
    front, back = radii[:, 1], radii[:, -1]
    halves = np.stack([second * front[:, None], second * back[:, None]], axis=1)
    return loft(points, first * radii[:, :1], halves, power, count)


def bend(start: Floats, middle: Floats, end: Floats, stations: Floats, rounding: float) -> Floats:
    """Return points (R, 3) at stations 0 (start) .. 1 (middle) .. 2 (end), the corner rounded; beyond 0..2 straight.

    `rounding` is the share of each half that the corner's curve takes.
    """
    u = stations[:, None]
    straight = np.where(u < 1, start + u * (middle - start), middle + (u - 1) * (end - middle))
    v = np.clip((u - (1 - rounding)) / (2 * rounding), 0, 1)
    a = start + (1 - rounding) * (middle - start)
    b = middle + rounding * (end - middle)
    # Halfway between the corner and its Bezier curve: the joint stays inside the limb.
    curve = (1 - v) ** 2 * a + 2 * v * (1 - v) * middle + v**2 * b
    near = np.abs(u - 1) < rounding
    return np.where(near, 0.5 * curve + 0.5 * straight, straight)


def unit(vector: Floats) -> Floats:
    """Return vectors (..., 3) at length 1; a zero vector stays zero."""
    return np.asarray(vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9), np.float64)


def interpolate(stations: Floats, table: Floats) -> Floats:
    """Return columns 1.. of `table` (N, 1 + C) at `stations` (R,) of column 0: (R, C), smooth, without overshoot."""
    return np.asarray(PchipInterpolator(table[:, 0], table[:, 1:])(np.clip(stations, table[0, 0], table[-1, 0])))


def grain(shape: tuple[int, int], strength: float, seed: int) -> Floats:
    """Return brightness factors (R, S, 1) around 1 that stay on the cloth: weave, creases, strands."""
    noise = np.random.default_rng(seed).normal(size=shape)
    noise = (noise + np.roll(noise, 1, axis=0) + np.roll(noise, 1, axis=1)) / np.sqrt(3)
    return np.asarray(1 + strength * noise[..., None], np.float64)
