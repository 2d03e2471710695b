"""Painting surfaces: light, depth order and fill of their quads at twice the size, and their shadow on the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from render.drawn.camera import Camera
from render.drawn.mesh import Surface, unit

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

NEAR = 0.15  # metres; quads nearer to the camera are not drawn
SUPER = 2  # the canvas is so much larger than the picture
SUBPIXEL = 4  # bits of fraction that OpenCV's polygons take


@dataclass(frozen=True)
class Light:
    """The room's light: a key light far away, a fill from the camera, and ambient light from above and below.

    Attributes:
        towards: (3,) the way to the key light, world axes, z up.
        key, fill, sky, ground: strengths; a face in full light should come near 1.
    """

    towards: tuple[float, float, float] = (0.45, -0.35, 0.85)
    key: float = 0.50
    fill: float = 0.20
    sky: float = 0.44
    ground: float = 0.26


@dataclass(frozen=True)
class Quads:
    """Quads ready for paint: corners (M, 4, 3) world metres, colours (M, 3) 0..255, lift (M,) metres."""

    corners: Floats
    colours: Floats
    lift: Floats


def gather(surfaces: Sequence[Surface]) -> Quads:
    """Return all quads of some surfaces as one list."""
    corners, colours, lift = [], [], []
    for surface in surfaces:
        v = surface.vertices
        quads = np.stack([v[:-1, :-1], v[1:, :-1], v[1:, 1:], v[:-1, 1:]], axis=2)
        shape = quads.shape[:2]
        kept = np.ones(shape, bool) if surface.keep is None else surface.keep
        corners.append(quads[kept])
        colours.append(np.broadcast_to(surface.colours, (*shape, 3))[kept])
        lift.append(np.full(int(kept.sum()), surface.lift))
    return Quads(np.concatenate(corners), np.concatenate(colours), np.concatenate(lift))


def paint(picture: Picture, quads: Quads, camera: Camera, light: Light) -> None:
    """Paint quads onto `picture` (H, W, 3) RGB in place, farthest first, edges smooth."""
    seen = camera.to_camera(quads.corners)
    normal = np.cross(seen[:, 2] - seen[:, 0], seen[:, 1] - seen[:, 3]) * -1.0
    middle = seen.mean(axis=1)
    visible = ((normal * middle).sum(-1) < 0) & (seen[..., 2].min(axis=1) > NEAR)
    pixels = camera.to_pixels(seen)
    width, height = camera.size
    box = _bounds(pixels[visible], width, height)
    if box is None:
        return
    x0, y0, x1, y1 = box
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    visible &= (high[:, 0] >= x0) & (low[:, 0] <= x1) & (high[:, 1] >= y0) & (low[:, 1] <= y1)
    colours = _shade(quads.colours[visible], unit(normal[visible]), unit(middle[visible]), camera, light)
    order = np.argsort(-(np.linalg.norm(middle[visible], axis=-1) - quads.lift[visible]))
    # Pixel centres at whole numbers: sample s of the canvas lies at (s + 0.5) / SUPER - 0.5 of the picture.
    canvas_points = (pixels[visible][order] + 0.5 - [x0, y0]) * SUPER - 0.5
    fixed = np.round(np.clip(canvas_points, -9000, 9000) * (1 << SUBPIXEL)).astype(np.int32)
    canvas = np.zeros(((y1 - y0) * SUPER, (x1 - x0) * SUPER, 4), np.uint8)
    opaque = np.full((len(order), 1), 255.0)
    for points, colour in zip(fixed, np.hstack([colours[order], opaque]).tolist(), strict=True):
        cv2.fillConvexPoly(canvas, points, colour, cv2.LINE_8, SUBPIXEL)
    layer = np.asarray(cv2.resize(canvas, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA), np.uint8)
    _lay(picture[y0:y1, x0:x1], layer)


def cast_shadow(picture: Picture, quads: Quads, camera: Camera, light: Light) -> None:
    """Darken `picture` in place where quads keep the key light from the floor, and close under what touches it."""
    towards = np.asarray(light.towards) / light.towards[2]
    points = quads.corners.mean(axis=1)
    fallen = points - points[:, 2:] * towards
    low = points[points[:, 2] < 0.22] * [1, 1, 0]
    for spots, strength, spread in ((fallen, 0.38, 1.0), (low, 0.42, 0.7)):
        _darken(picture, spots, camera, strength, spread)


def _darken(picture: Picture, spots: Floats, camera: Camera, strength: float, spread: float) -> None:
    """Darken `picture` around points (N, 3) of the floor."""
    seen = camera.to_camera(spots)
    seen = seen[seen[:, 2] > NEAR]
    width, height = camera.size
    if not len(seen):
        return
    pixels = camera.to_pixels(seen)
    # The picture's size of 4 cm of floor says how far to smear; the mask is small, for the blur is wide.
    blur = float(np.clip(0.045 * spread * camera.K[0, 0] / np.median(seen[:, 2]), 1.5, 200))
    box = _bounds(pixels[:, None], width, height, margin=int(4 * blur) + 2)
    if box is None:
        return
    x0, y0, x1, y1 = box
    step = max(1, int(blur / 3))
    mask = np.zeros(((y1 - y0) // step + 2, (x1 - x0) // step + 2), np.uint8)
    columns = np.round((pixels[:, 0] - x0) / step).astype(int)
    rows = np.round((pixels[:, 1] - y0) / step).astype(int)
    inside = (columns >= 0) & (rows >= 0) & (columns < mask.shape[1]) & (rows < mask.shape[0])
    mask[rows[inside], columns[inside]] = 255
    reach = 2 * int(np.ceil(0.5 * blur / step)) + 1
    grown = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, reach)))
    smooth = cv2.GaussianBlur(grown, (0, 0), blur / step, sigmaY=0.6 * blur / step)
    spread_out = cv2.resize(smooth, (mask.shape[1] * step, mask.shape[0] * step), interpolation=cv2.INTER_LINEAR)
    kept = 255 - (strength * spread_out[: y1 - y0, : x1 - x0]).astype(np.uint8)
    part = picture[y0:y1, x0:x1]
    part[:] = cv2.multiply(part, cv2.merge([kept, kept, kept]), scale=1 / 255)


def _bounds(pixels: Floats, width: int, height: int, margin: int = 2) -> tuple[int, int, int, int] | None:
    """Return the box x0 y0 x1 y1 of points (N, K, 2) within the picture; None where they do not reach it."""
    if not len(pixels):
        return None
    low = np.clip(pixels.min(axis=(0, 1)), -1e6, 1e6).astype(int) - margin
    high = np.clip(pixels.max(axis=(0, 1)), -1e6, 1e6).astype(int) + margin + 1
    x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
    x1, y1 = min(int(high[0]), width), min(int(high[1]), height)
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _shade(colours: Floats, normal: Floats, view: Floats, camera: Camera, light: Light) -> Floats:
    """Return the lit colours (M, 3) of quads with normals and views (M, 3) in camera axes."""
    towards = camera.R @ unit(np.asarray(light.towards))
    up = camera.R @ np.array([0.0, 0.0, 1.0])
    # Light wraps a little around soft bodies.
    key = np.clip((normal @ towards + 0.15) / 1.15, 0, 1)
    facing = np.clip(-(normal * view).sum(-1), 0, 1)
    sky = 0.5 + 0.5 * (normal @ up)
    warm, cool = np.array([1.03, 1.0, 0.95]), np.array([0.97, 1.0, 1.05])
    strength = (light.key * key)[:, None] * warm + (light.fill * facing)[:, None]
    strength = strength + (light.ground + (light.sky - light.ground) * sky)[:, None] * cool
    return np.asarray(np.clip(colours * strength, 0, 255), np.float64)


def _lay(part: Picture, layer: Picture) -> None:
    """Lay `layer` (h, w, 4), colour already times alpha, over `part` (h, w, 3) in place."""
    gap = cv2.bitwise_not(layer[..., 3])
    behind = cv2.multiply(part, cv2.merge([gap, gap, gap]), scale=1 / 255)
    part[:] = cv2.add(behind, np.ascontiguousarray(layer[..., :3]))
