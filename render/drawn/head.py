"""The drawn person's head: a shaped skull with nose and chin, ears, hair, and painted eyes, brows and lips.

Face and hair tell front from back, for people and for detectors. A head is built once in its own axes (x forward,
y left, z up, metres, origin in its middle at the height of the eyes) and then only moved.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from render.drawn.frames import Frames
from render.drawn.look import Look, albedo
from render.drawn.mesh import Surface, grain, interpolate, tube, unit
from render.drawn.skeleton import INDEX

Floats = NDArray[np.float64]

# Height, half width, depth of the face, depth of the back of the head.
SKULL = np.array([
    [-0.122, 0.004, 0.064, -0.040], [-0.118, 0.022, 0.080, -0.020], [-0.108, 0.036, 0.086, 0.005],
    [-0.090, 0.050, 0.087, 0.040], [-0.065, 0.061, 0.087, 0.066], [-0.035, 0.068, 0.087, 0.084],
    [0.0, 0.073, 0.088, 0.097], [0.03, 0.076, 0.091, 0.102], [0.06, 0.073, 0.085, 0.097],
    [0.085, 0.061, 0.068, 0.080], [0.102, 0.042, 0.046, 0.056], [0.111, 0.022, 0.024, 0.030],
    [0.114, 1e-4, 1e-4, 1e-4],
])  # fmt: skip
TOP = 0.114
POINTS = 60


def build_head(look: Look, seed: int = 0) -> list[Surface]:
    """Return the sheets of a head in its own axes."""
    heights = np.concatenate([np.linspace(-0.122, -0.1, 6), np.linspace(-0.096, 0.09, 44), np.linspace(0.094, TOP, 7)])
    # Clockwise seen from above, which has the outside out.
    angle = np.linspace(0, -2 * np.pi, POINTS + 1)
    skin = _skull(heights[:, None], angle[None])
    centre_height = 0.5 * (heights[1:] + heights[:-1])[:, None]
    centre_angle = (0.5 * (angle[1:] + angle[:-1]) + np.pi) % (2 * np.pi) - np.pi
    sheets = [Surface(skin, _complexion(centre_height, centre_angle[None], look, seed))]
    sheets += _hair(heights, angle, centre_height, centre_angle, look, seed)
    sheets += [_ear(look, sign) for sign in (-1.0, 1.0)]
    return sheets + _features(look)


def place_head(sheets: list[Surface], joints: Floats, frames: Frames, look: Look, seed: int = 0) -> list[Surface]:
    """Return head and neck of one person's joints (17, 3): the top of the head is the joint `head`."""
    thorax, neck, top = (joints[INDEX[name]] for name in ("thorax", "neck", "head"))
    # From the base of the neck to the crown, made a little steeper: the neck itself leans forward.
    up = unit(unit(top - thorax) + 0.5 * unit(top - neck) + 0.16 * -frames.thorax[:, 0])
    forward = unit(frames.thorax[:, 0] - frames.thorax[:, 0] @ up * up)
    axes = np.stack([forward, np.cross(up, forward), up], axis=1)
    size = frames.size
    middle = top - TOP * size * up + 0.012 * size * forward
    root = thorax - 0.01 * size * frames.thorax[:, 2]
    base = middle - 0.05 * size * up - 0.022 * size * forward
    share = np.linspace(0, 1, 9)
    line = root + share[:, None] * (base - root)
    width = interpolate(share, np.array([[0.0, 0.066, 0.060], [0.4, 0.054, 0.056], [1.0, 0.054, 0.062]])) * size
    rings = tube(line, -frames.thorax[:, 1], width * (0.5 + 0.5 * look.width), 20)
    # The chin's shadow.
    colours = albedo(look.skin) * 0.86 * grain((8, 20), 0.01, seed + 7)
    return [Surface(rings, colours), *(sheet.moved(axes * size, middle) for sheet in sheets)]


def _skull(height: Floats, angle: Floats, swell: float = 0.0) -> Floats:
    """Return the skin (..., 3) at heights and angles (0 in front, to the left), `swell` metres outside the skull."""
    flat = np.broadcast_to(height, np.broadcast_shapes(height.shape, angle.shape))
    table = interpolate(flat.ravel(), SKULL).reshape(*flat.shape, 3)
    width, front, back = np.moveaxis(table, -1, 0)
    c, s = np.cos(angle), np.sin(angle)
    # The face is flatter than an ellipse.
    ahead = np.where(c > 0, front * np.sign(c) * np.abs(c) ** 0.88, back * c)
    y = width * s
    ahead = ahead + np.where(c > 0, _relief(y, flat), 0.0)
    vertices = np.stack([ahead, y, flat], axis=-1)
    if swell:
        outward = np.stack([width * c / 0.076**2, width * s / 0.076**2, np.clip(flat, 0, None) / 0.11**2], axis=-1)
        vertices = vertices + swell * unit(outward)
    return vertices


def _relief(y: Floats, z: Floats) -> Floats:
    """Return how far the face stands out of the skull, metres: nose, sockets, brow, lips, chin, cheeks."""

    def bump(y0: float, z0: float, wide: float, high: float) -> Floats:
        shape: Floats = np.exp(-(((np.abs(y) - y0) / wide) ** 2) - ((z - z0) / high) ** 2)
        return shape

    along = np.clip((0.008 - z) / 0.05, 0, 1) * (z > -0.046) + np.clip((z + 0.06) / 0.014, 0, 1) * (z <= -0.046)
    nose = 0.024 * along * np.exp(-((y / 0.0125) ** 2))
    wings = 0.006 * bump(0.011, -0.040, 0.008, 0.008)
    sockets = -0.008 * bump(0.031, 0.003, 0.018, 0.013)
    brow = 0.003 * bump(0.026, 0.024, 0.026, 0.009)
    lips = 0.005 * bump(0.0, -0.068, 0.022, 0.010) - 0.002 * bump(0.0, -0.083, 0.025, 0.006)
    chin = 0.007 * bump(0.0, -0.102, 0.022, 0.013)
    cheeks = 0.004 * bump(0.040, -0.022, 0.018, 0.018)
    return nose + wings + sockets + brow + lips + chin + cheeks


def _complexion(height: Floats, angle: Floats, look: Look, seed: int) -> Floats:
    """Return the skin's colours (R, S, 3): redder cheeks and nose, darker sockets, a shadow under the jaw."""
    y = 0.07 * np.sin(angle) + 0 * height
    front = np.cos(angle) > 0
    z = height + 0 * angle
    colours = albedo(look.skin) * grain((height.shape[0], angle.shape[1]), 0.008, seed + 6)
    red = np.exp(-(((np.abs(y) - 0.040) / 0.018) ** 2) - ((z + 0.032) / 0.02) ** 2)
    red = red + np.exp(-((y / 0.014) ** 2) - ((z + 0.04) / 0.014) ** 2)
    dark = np.exp(-(((np.abs(y) - 0.030) / 0.018) ** 2) - ((z - 0.006) / 0.012) ** 2)
    under = np.exp(-((y / 0.014) ** 2) - ((z + 0.052) / 0.006) ** 2)
    tint = 1 - (0.16 * red * front)[..., None] * np.array([0.15, 1.0, 0.9])
    shade = 1 - (front * (0.2 * dark + 0.25 * under))[..., None]
    return np.asarray(colours * tint * shade, np.float64)


def _hair(
    heights: Floats, angle: Floats, centre_height: Floats, centre_angle: Floats, look: Look, seed: int
) -> list[Surface]:
    """Return the cap of hair above a hairline, and long hair's fall on the neck."""
    strands = np.random.default_rng(seed + 8).normal(size=POINTS) * 0.002
    turn = np.abs(centre_angle)
    hairline = np.interp(
        turn, [0, 0.7, 1.05, 1.3, 1.62, 1.95, 2.5, np.pi], [0.064, 0.058, 0.03, -0.004, -0.006, -0.05, -0.078, -0.08]
    )
    keep = centre_height > (hairline + strands)[None]
    # The hair is thickest on top and at the back, and thin at the hairline.
    thick = 0.004 + 0.012 * np.clip((heights[:, None] - 0.02) / 0.09, 0, 1) + 0.009 * np.clip(-np.cos(angle), 0, 1)
    cap = _skull(heights[:, None], angle[None])
    outer = _skull(heights[:, None], angle[None], 1.0) - cap
    colours = albedo(look.hair) * grain(keep.shape, 0.03, seed + 9)
    colours *= 1 + 0.09 * np.random.default_rng(seed + 10).normal(size=(1, POINTS, 1))
    sheets = [Surface(cap + outer * thick[..., None], np.clip(colours, 6, 255), 0.008, keep)]
    if look.long_hair:
        back = np.linspace(0.27 * np.pi, 1.73 * np.pi, 25)
        fall = np.linspace(0.09, -0.20, 22)[:, None]
        wide = np.interp(fall, [-0.2, -0.1, 0.0, 0.06, 0.09], [0.075, 0.088, 0.092, 0.088, 0.070])
        deep = np.interp(fall, [-0.2, -0.1, 0.0, 0.06, 0.09], [0.075, 0.096, 0.112, 0.110, 0.085])
        veil = np.stack(
            [deep * np.cos(back) * np.where(np.cos(back) > 0, 0.35, 1), wide * np.sin(back), fall + 0 * back], -1
        )
        shade = albedo(look.hair) * (1 + 0.09 * np.random.default_rng(seed + 11).normal(size=(1, 24, 1)))
        both = np.broadcast_to(np.clip(shade, 6, 255), (21, 24, 3))
        sheets += [Surface(veil, both), Surface(veil[:, ::-1] * np.array([0.97, 0.97, 1]), both * 0.6)]
    return sheets


def _ear(look: Look, sign: float) -> Surface:
    """Return an ear: a small flat shell beside the head."""
    polar, around = np.meshgrid(np.linspace(0, np.pi, 8), np.linspace(0, 2 * np.pi, 11), indexing="ij")
    shell = np.stack(
        [
            0.018 * np.sin(polar) * np.cos(around) - 0.006,
            sign * (0.074 + 0.010 * np.sin(polar) * np.sin(around)),
            -0.012 - 0.031 * np.cos(polar),
        ],
        axis=-1,
    )
    shell[..., 0] -= 0.25 * (shell[..., 2] + 0.012)
    # The far rim stands off the head.
    shell[..., 1] += sign * 0.35 * np.clip(-0.006 - shell[..., 0], 0, 1)
    colours = np.broadcast_to(albedo(look.skin) * np.array([0.97, 0.86, 0.84]), (7, 10, 3))
    return Surface(shell if sign < 0 else shell[:, ::-1], colours)


def _features(look: Look) -> list[Surface]:
    """Return painted eyes, brows and lips: small fans of quads on the skin, drawn a little nearer than it."""
    skin, hair = albedo(look.skin), albedo(look.hair)
    lip = skin * np.array([0.86, 0.62, 0.62])
    sheets = []
    for sign in (-1.0, 1.0):
        eye = sign * 0.031
        for lift, colour, half, offset in (
            (0.005, skin * 0.42, (0.0160, 0.0068), 0.0018),  # lashes and the lid's shadow
            (0.011, 0.75 * np.array([236.0, 232, 226]) + 0.12 * skin, (0.0140, 0.0050), 0.0),
            (0.017, albedo(look.eyes), (0.0058, 0.0052), 0.0004),
            (0.023, np.array([16.0, 14, 14]), (0.0030, 0.0030), 0.0006),
        ):
            sheets.append(_patch(_ellipse(eye, 0.002 + offset, *half), colour, lift))
        u = np.linspace(-1, 1, 9)
        centre = np.stack([sign * (0.031 + 0.019 * u), 0.0245 - 0.005 * u**2 + 0.002 * u], -1)
        thick = 0.0042 * (1.15 - 0.6 * np.abs(u - 0.1))
        sheets.append(_band(centre, thick, 0.35 * skin * 0.5 + 0.65 * hair, 0.012))
        sheets.append(_patch(_ellipse(sign * 0.0075, -0.0495, 0.0045, 0.0026), skin * 0.4, 0.012))
    u = np.linspace(-1, 1, 11)
    upper = np.stack([0.024 * u, -0.0655 + 0.002 * np.abs(u) - 0.002 * (1 - u**2)], -1)
    sheets.append(_band(upper, 0.0045 * (1 - 0.85 * np.abs(u) ** 1.5), lip * 0.92, 0.012))
    lower = np.stack([0.022 * u, -0.0735 + 0.005 * u**2], -1)
    sheets.append(_band(lower, 0.0052 * (1 - 0.9 * u**2), lip, 0.012))
    mouth = np.stack([0.0245 * u, -0.0695 + 0.002 * u**2], -1)
    sheets.append(_band(mouth, np.full(11, 0.0011), skin * 0.33, 0.014))
    return sheets


def _ellipse(y: float, z: float, half_wide: float, half_high: float) -> Floats:
    """Return (2, 9, 2): the lower and the upper edge of an ellipse in the face's plane, y and z."""
    u = np.cos(np.linspace(0, np.pi, 9))
    v = np.sin(np.linspace(0, np.pi, 9))
    return np.stack([np.stack([y - half_wide * u, z + side * half_high * v], -1) for side in (-1, 1)])


def _band(centre: Floats, thick: Floats, colour: Floats, lift: float) -> Surface:
    """Return a line (N, 2) of the face's plane, painted `thick` (N,) half breadths wide."""
    edges = np.stack([centre - [0, 1] * thick[:, None], centre + [0, 1] * thick[:, None]])
    if centre[0, 0] > centre[-1, 0]:
        edges = edges[:, ::-1]
    return _patch(edges, colour, lift)


def _patch(edges: Floats, colour: Floats, lift: float) -> Surface:
    """Return two edges (2, N, 2; y and z, the lower first, y growing) laid on the face and filled with a colour."""
    y, z = edges[..., 0], edges[..., 1]
    table = interpolate(z.ravel(), SKULL).reshape(*z.shape, 3)
    c = np.sqrt(np.clip(1 - (y / table[..., 0]) ** 2, 0, 1))
    x = table[..., 1] * c**0.88 + _relief(y, z) + 0.001
    vertices = np.stack([x, y, z], axis=-1)
    # Right to left would have the outside in.
    return Surface(vertices[:, ::-1], np.broadcast_to(colour, (1, y.shape[1] - 1, 3)), lift)
