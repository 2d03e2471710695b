"""The 3D room with its people: round shaded limbs, sorted by depth, in a view that never zooms or jumps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from render.camera import Camera
from render.colors import Theme, mix, person_colors
from render.framing import Extent, film_extent, frame_extent
from render.room import Room
from render.settings import RenderSettings
from render.shadow import ShadowPainter
from render.shapes import Floats, clip_segments, fixed_point, round_ends
from render.skeleton import SIDES, Skeleton
from render.surface import Surface

_LIGHT = np.array([-0.48, -0.70])  # where the light comes from on the panel: upper left
_FEWEST_SHADES, _MOST_SHADES, _SHADE_PX = 3, 11, 5.0  # shades of a limb; pixels of radius that call for one more
_NEAR = 0.25  # metres; what is nearer to the camera is left out
_RIM_BEHIND = 0.11  # metres that a limb's dark rim lies behind it
_STEEP = 0.15  # metres of depth along a limb beyond which it may hide the ball in its own end
_JOINT_SWELL = 1.06  # a joint's ball against the limbs that meet in it


@dataclass(frozen=True)
class Body:
    """The parts a skeleton is drawn of: its limbs, then a ball at each joint that bends.

    Attributes:
        ends: (N, 2) joint indices; a ball has the same joint twice.
        radii: (N, 2) metres.
        sides: N indices into `SIDES`.
        is_ball: (N,) bool.
        meeting: (N, N) bool; the second part is a limb that meets in the first, a ball.
        skull: the part that is the head, if any: it ends below its outer joint, the top of the head.
    """

    ends: NDArray[np.intp]
    radii: NDArray[np.float64]
    sides: NDArray[np.intp]
    is_ball: NDArray[np.bool_]
    meeting: NDArray[np.bool_]
    skull: int | None

    @classmethod
    def of(cls, skeleton: Skeleton) -> Body:
        """Return the parts of a skeleton."""
        limbs = list(skeleton.limbs)
        balls = [(j, j) for j, side in enumerate(skeleton.sides) if side != "center"]
        sides = [skeleton.limb_side(pair) for pair in limbs + balls]
        radii = np.array([[skeleton.radius(a), skeleton.radius(b)] for a, b in limbs + balls], np.float64)
        is_ball = np.array([False] * len(limbs) + [True] * len(balls), bool)
        radii = radii.reshape(-1, 2) * np.where(is_ball, _JOINT_SWELL, 1.0)[:, None]
        tops = [i for i, (_, end) in enumerate(limbs) if skeleton.joints[end] in ("head", "head_top")]
        if tops:
            radii[tops[0]] = 0.84 * radii[tops[0], 1], radii[tops[0], 1]
        meeting = [[a == b and a in other and other not in balls for other in limbs + balls] for a, b in limbs + balls]
        return cls(
            ends=np.array(limbs + balls, np.intp).reshape(-1, 2),
            radii=radii,
            sides=np.array([SIDES.index(side) for side in sides], np.intp),
            is_ball=is_ball,
            meeting=np.array(meeting, bool).reshape(len(meeting), len(meeting)),
            skull=tops[0] if tops else None,
        )

    def place(self, joints: Floats) -> NDArray[np.float64]:
        """Return the ends of all parts, (P, N, 2, 3) metres, of people's joints (P, J, 3)."""
        parts = np.asarray(joints, np.float64)[:, self.ends]
        if self.skull is not None:
            chin, crown = parts[:, self.skull, 0], parts[:, self.skull, 1]
            length = np.maximum(np.linalg.norm(crown - chin, axis=-1, keepdims=True), 1e-6)
            inward = np.minimum(self.radii[self.skull, 1], 0.9 * length)
            parts[:, self.skull, 1] = crown - (crown - chin) / length * inward
        return parts


class ScenePainter:
    """Paints people of one film into a panel of one size.

    Args:
        skeleton: the joints of `world`.
        settings: view, theme, turning.
        size: (W, H) of the panel, pixels.
        world: (P, T, J, 3) metres, x right, y away, z up, floor at z = 0.
        valid: (P, T) bool; what is not valid is not drawn.
        film: panels are parts of a film's planes, not RGB.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        settings: RenderSettings,
        size: tuple[int, int],
        theme: Theme,
        world: NDArray[np.float32],
        valid: NDArray[np.bool_],
        film: bool = False,
    ) -> None:
        self.extent: Extent = film_extent(world, valid)
        self._settings, self._theme = settings, theme
        self._world, self._valid = world, valid
        self._camera = frame_extent(self.extent, size, settings.azimuth(0.0), settings.elevation, settings.turns)
        self.room = Room(theme, size, self._camera, self.extent, settings.turns, film)
        self._shadows = ShadowPainter(size, theme.shadow)
        self._body = Body.of(skeleton)
        self._colors = [person_colors(index) for index in range(len(world))]
        self._haze = np.array(mix(theme.bottom, theme.glow, 0.35), np.float32)
        self._shades: dict[int, NDArray[np.float32]] = {}

    def camera(self, time_s: float) -> Camera:
        """Return the room's camera at a time."""
        return self._camera.turned(self._settings.azimuth(time_s))

    def paint(self, panel: Surface, t_index: int, time_s: float) -> None:
        """Paint the room and its people of one frame over a panel, in place."""
        camera = self.camera(time_s)
        self.room.paint(panel, camera)
        people = np.flatnonzero(self._valid[:, t_index])
        if not len(people) or not len(self._body.ends):
            return
        parts = self._body.place(self._world[people, t_index])
        limbs = parts[:, ~self._body.is_ball].reshape(-1, 2, 3)
        self._shadows.paint(panel, camera, limbs, np.tile(self._body.radii[~self._body.is_ball], (len(people), 1)))
        self._paint_parts(panel, camera, people, parts)

    def _paint_parts(
        self, panel: Surface, camera: Camera, people: NDArray[np.intp], parts: NDArray[np.float64]
    ) -> None:
        """Paint all people's parts (P, N, 2, 3), the far ones first."""
        count = parts.shape[1]
        radii = np.tile(self._body.radii, (len(people), 1))
        pixels, depth = camera.project(parts.reshape(-1, 2, 3))
        size = panel.size
        pixels, inside = clip_segments(pixels, size, 2.0 * max(size))
        radii_px = radii * camera.f_px / np.maximum(depth, _NEAR)
        drawn = inside & (depth > _NEAR).all(axis=1)
        # A thin part needs few shades: it skips some, but never the first and the last.
        per_shade = np.where(np.tile(self._body.is_ball, len(people)), 2.0, 1.0) * _SHADE_PX
        few = np.clip(_FEWEST_SHADES + radii_px.max(axis=1) // per_shade, _FEWEST_SHADES, _MOST_SHADES).astype(int)
        steps = int(few[drawn].max(initial=_FEWEST_SHADES))
        rims, layers = _layers(pixels, radii_px, steps, outline=max(0.8, min(size) / 600))
        shades = self._all_shades(steps)[people[:, None], self._body.sides].reshape(-1, steps, 3)
        far = np.clip((depth.mean(axis=1) - camera.distance) / max(self.extent.radius, 0.5), -1.0, 1.0)
        fogged = shades + (self._haze - shades) * (self._theme.fog * (far + 1) / 2)[:, None, None]
        tones, edges = panel.tones(fogged).tolist(), panel.tones(np.array([c.outline for c in self._colors])).tolist()
        outlines, shapes = panel.shapes(rims), panel.shapes(layers)
        for index, is_rim in self._painting_order(depth, drawn):
            if is_rim:
                panel.fill(outlines, index, edges[people[index // count]])
            else:
                panel.shade(shapes, index, _picks(int(few[index]), steps), tones[index])

    def _painting_order(self, depth: NDArray[np.float64], drawn: NDArray[np.bool_]) -> list[tuple[int, bool]]:
        """Return (part, whether its rim) from far to near, of parts whose ends have `depth` (P * N, 2), metres.

        A rim lies a little behind its part, so that it parts limbs that cross and does not cut limbs that meet;
        a ball lies before the limbs that meet in it, unless one points at the camera and hides it.
        """
        body, count = self._body, len(self._body.ends)
        middle = depth.mean(axis=1).reshape(-1, count)
        flat = np.where(np.abs(depth[:, 1] - depth[:, 0]).reshape(-1, count) < _STEEP, middle, np.inf)
        least = np.where(body.meeting, flat[:, None], np.inf).min(axis=2) - 1e-3
        keys = np.where(body.is_ball, np.minimum(middle - body.radii[:, 0], least), middle).ravel()
        has_rim = drawn & ~np.tile(body.is_ball, len(middle))
        fills, rims = np.flatnonzero(drawn), np.flatnonzero(has_rim)
        everything = np.concatenate([fills, rims])
        order = np.argsort(-np.concatenate([keys[fills], keys[rims] + _RIM_BEHIND]), kind="stable")
        return [(int(everything[k]), bool(k >= len(fills))) for k in order]

    def _all_shades(self, steps: int) -> NDArray[np.float32]:
        """Return (people, sides, steps, 3) RGB; made once per number of steps."""
        if steps not in self._shades:
            table = [[colors.shades(side, steps) for side in SIDES] for colors in self._colors]
            self._shades[steps] = np.array(table, np.float32)
        return self._shades[steps]


@cache
def _picks(count: int, steps: int) -> tuple[int, ...]:
    """Return `count` of the numbers below `steps`, evenly, with the first and the last."""
    return tuple(round(k * (steps - 1) / (count - 1)) for k in range(count))


def _layers(
    pixels: Floats, radii_px: Floats, steps: int, outline: float
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the outline (N, C, 2) of each part and its shading: (N, steps, C, 2) shapes, each lying in the last.

    Each shape is smaller than the one before it and nearer to the light, as the lines of equal light on a round
    body are.
    """
    corners = int(np.clip(6 + radii_px.max(initial=0.0) / 5, 7, 18))
    ends, radii, rays = round_ends(pixels, radii_px, corners)
    rims = ends[:, :, None] + (radii + outline)[..., None, None] * rays
    shrink = np.linspace(0.0, 0.86, steps)
    # (N, steps, 2 ends): the inner shapes keep the outer one's rays, near enough to their own tangents.
    inner = radii[:, None] * (1 - shrink)[:, None]
    middles = ends[:, None] + _LIGHT * (0.62 * shrink[:, None, None]) * radii[:, None, :, None]
    layers = middles[..., None, :] + inner[..., None, None] * rays[:, None]
    count = len(pixels)
    return fixed_point(rims.reshape(count, 2 * corners, 2)), fixed_point(layers.reshape(count, steps, 2 * corners, 2))
