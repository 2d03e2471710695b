"""The parts of bodies as a camera sees them: their outlines and shading, and which hides which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from render.body import Body
from render.camera import Camera
from render.shapes import Floats, clip_segments, fixed_point, round_ends

_LIGHT = np.array([-0.48, -0.70])  # where the light comes from on the panel: upper left
STEPS = 11  # from a limb's rim to its lit spot
_FEWEST_SHADES, _SHADE_PX = 3, 5.0  # of the steps; pixels of radius that call for one more
_NEAR = 0.25  # metres; what is nearer to the camera is left out
_RIM_BEHIND = 0.11  # metres that a limb's dark rim lies behind it
_STEEP = 0.15  # metres of depth along a limb beyond which it may hide the ball in its own end


@dataclass(frozen=True)
class Parts:
    """The K parts of everybody in B frames, person by person.

    Attributes:
        rims: (B, K, C, 2) outlines, `fixed_point` pixels.
        layers: (B, K, STEPS, C, 2) shapes of equal light, each lying in the last, `fixed_point` pixels.
        shades: (B, K) of how many of the steps a part is painted.
        behind: (B, K) metres that a part lies behind the middle of the room.
        order: of each frame the parts from far to near, and whether the rim is meant.
    """

    rims: NDArray[np.int32]
    layers: NDArray[np.int32]
    shades: NDArray[np.intp]
    behind: NDArray[np.float64]
    order: list[list[tuple[int, bool]]]


def see(
    body: Body,
    placed: Floats,
    valid: NDArray[np.bool_],
    cameras: Sequence[Camera],
    size: tuple[int, int],
    nearest: float,
) -> Parts:
    """Return the parts of P people in B frames.

    Args:
        placed: (P, B, N, 2, 3) metres, as `Body.place` puts them.
        valid: (P, B); what is not valid is in no order.
        cameras: one a frame.
        size: (W, H) of the panel, pixels.
        nearest: metres from the cameras to whoever may come nearest: how round a round end must be.
    """
    people, frames, count = placed.shape[:3]
    by_frame = np.moveaxis(placed, 1, 0).reshape(frames, people * count, 2, 3)
    seen = [camera.project(ends) for camera, ends in zip(cameras, by_frame, strict=True)]
    pixels, depth = (np.stack(each).reshape(-1, 2, *each[0].shape[2:]) for each in zip(*seen, strict=True))
    radii = np.tile(body.radii, (frames * people, 1)) * cameras[0].f_px / np.maximum(depth, _NEAR)
    pixels, inside = clip_segments(pixels, size, 2.0 * max(size))
    drawn = inside & (depth > _NEAR).all(axis=1) & np.repeat(valid.T.ravel(), count)
    # A thin part needs few shades: it skips some, but never the first and the last.
    per_shade = np.where(np.tile(body.is_ball, frames * people), 2.0, 1.0) * _SHADE_PX
    shades = np.clip(_FEWEST_SHADES + radii.max(axis=1) // per_shade, _FEWEST_SHADES, STEPS).astype(np.intp)
    roundest = float(body.radii.max(initial=0.0)) * cameras[0].f_px / max(nearest, _NEAR)
    rims, layers = _layers(pixels, radii, int(np.clip(6 + roundest / 5, 7, 18)), outline=max(0.8, min(size) / 600))
    each = frames, people * count
    return Parts(
        rims=rims.reshape(*each, *rims.shape[1:]),
        layers=layers.reshape(*each, *layers.shape[1:]),
        shades=shades.reshape(each),
        behind=depth.mean(axis=1).reshape(each) - np.array([camera.distance for camera in cameras])[:, None],
        order=_painting_order(body, depth.reshape(frames, people, count, 2), drawn.reshape(each)),
    )


def _painting_order(body: Body, depth: Floats, drawn: NDArray[np.bool_]) -> list[list[tuple[int, bool]]]:
    """Return the parts of each frame, and whether their rim, from far to near; of ends at `depth` (B, P, N, 2), metres.

    A rim lies a little behind its part, so that it parts limbs that cross and does not cut limbs that meet;
    a ball lies before the limbs that meet in it, unless one points at the camera and hides it.
    """
    middle = depth.mean(axis=-1)
    flat = np.where(np.abs(depth[..., 1] - depth[..., 0]) < _STEEP, middle, np.inf)
    least = np.where(body.meeting, flat[..., None, :], np.inf).min(axis=-1, initial=np.inf) - 1e-3
    keys = np.where(body.is_ball, np.minimum(middle - body.radii[:, 0], least), middle).reshape(drawn.shape)
    parts = drawn.shape[1]
    has_rim = drawn & ~np.tile(body.is_ball, depth.shape[1])
    shown = np.concatenate([drawn, has_rim], axis=1)
    far_first = np.argsort(-np.concatenate([keys, keys + _RIM_BEHIND], axis=1), axis=1, kind="stable")
    return [
        [(int(k % parts), bool(k >= parts)) for k in order[is_shown[order]]]
        for order, is_shown in zip(far_first, shown, strict=True)
    ]


def _layers(
    pixels: Floats, radii_px: Floats, corners: int, outline: float
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the outline (N, C, 2) of each part and its shading: (N, STEPS, C, 2) shapes, each lying in the last.

    Each shape is smaller than the one before it and nearer to the light, as the lines of equal light on a round
    body are.
    """
    ends, radii, rays = round_ends(pixels, radii_px, corners)
    rims = ends[:, :, None] + (radii + outline)[..., None, None] * rays
    shrink = np.linspace(0.0, 0.86, STEPS)
    # (N, STEPS, 2 ends): the inner shapes keep the outer one's rays, near enough to their own tangents.
    inner = radii[:, None] * (1 - shrink)[:, None]
    middles = ends[:, None] + _LIGHT * (0.62 * shrink[:, None, None]) * radii[:, None, :, None]
    layers = middles[..., None, :] + inner[..., None, None] * rays[:, None]
    count = len(pixels)
    return fixed_point(rims.reshape(count, 2 * corners, 2)), fixed_point(layers.reshape(count, STEPS, 2 * corners, 2))
