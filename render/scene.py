"""The 3D room with its people: round shaded limbs, sorted by depth, in a view that never zooms or jumps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from render.blocks import Blocks
from render.body import Body
from render.camera import Camera
from render.colors import Theme, mix, person_colors
from render.framing import Extent, film_extent, frame_extent
from render.parts import STEPS, Parts, see
from render.room import Room
from render.settings import RenderSettings
from render.shadow import ShadowPainter, Shadows, cast
from render.skeleton import SIDES, Skeleton
from render.surface import Surface


@dataclass(frozen=True)
class _Crowd:
    """Everybody in the frames of a block.

    Attributes:
        people: who is seen in any of them.
        parts: theirs.
        tones: (B, K, STEPS, 3) RGB of the parts' layers.
        shadows: (P, B, limbs) theirs.
    """

    people: NDArray[np.intp]
    parts: Parts
    tones: NDArray[np.float32]
    shadows: Shadows


class ScenePainter:
    """Paints people of one film into a panel of one size.

    Args:
        skeleton: the joints of `world`.
        settings: view, theme, turning.
        size: (W, H) of the panel, pixels.
        world: (P, T, J, 3) metres, x right, y away, z up, floor at z = 0.
        valid: (P, T) bool; what is not valid is not drawn.
        timestamps: (T,) seconds.
        film: panels are parts of a film's planes, not RGB.
        ahead: frames whose shapes are worked out at once; with 1 `world` may change between two calls.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        settings: RenderSettings,
        size: tuple[int, int],
        theme: Theme,
        world: NDArray[np.float32],
        valid: NDArray[np.bool_],
        timestamps: NDArray[np.float64],
        film: bool = False,
        ahead: int = 1,
    ) -> None:
        self.extent: Extent = film_extent(world, valid)
        self._settings, self._theme = settings, theme
        self._world, self._valid, self._timestamps = world, valid, timestamps
        self._camera = frame_extent(self.extent, size, settings.azimuth(0.0), settings.elevation, settings.turns)
        self.room = Room(theme, size, self._camera, self.extent, settings.turns, film)
        self._shadows = ShadowPainter(size, theme.shadow)
        self._body = Body.of(skeleton)
        self._colors = [person_colors(index) for index in range(len(world))]
        self._haze = np.array(mix(theme.bottom, theme.glow, 0.35), np.float32)
        table = [[colors.shades(side, STEPS) for side in SIDES] for colors in self._colors]
        self._shades = np.array(table, np.float32).reshape(-1, len(SIDES), STEPS, 3)
        self._blocks = Blocks(self._crowd, ahead)

    def camera(self, t_index: int) -> Camera:
        """Return the room's camera of a frame."""
        return self._camera.turned(self._settings.azimuth(float(self._timestamps[t_index])))

    def paint(self, panel: Surface, t_index: int) -> None:
        """Paint the room and its people of one frame over a panel, in place."""
        camera = self.camera(t_index)
        self.room.paint(panel, camera)
        if not self._valid[:, t_index].any() or not len(self._body.ends):
            return
        crowd, at = self._blocks.at(t_index)
        self._shadows.paint(panel, camera, crowd.shadows[self._valid[crowd.people, t_index], at])
        self._paint_parts(panel, crowd, at)

    def _crowd(self, frames: slice) -> _Crowd:
        """Return everybody in some frames."""
        people = np.flatnonzero(self._valid[:, frames].any(axis=1))
        valid = self._valid[people, frames]
        cameras = [self.camera(t_index) for t_index in range(*frames.indices(len(self._timestamps)))]
        placed = self._body.place(self._world[people, frames])
        nearest = self._camera.distance - self.extent.radius
        parts = see(self._body, placed, valid, cameras, self.room.size, nearest)
        is_limb = ~self._body.is_ball
        shadows = cast(placed[..., is_limb, :, :], self._body.radii[is_limb])
        return _Crowd(people, parts, self._tones(people, parts), shadows)

    def _tones(self, people: NDArray[np.intp], parts: Parts) -> NDArray[np.float32]:
        """Return (B, K, STEPS, 3) RGB: what is far away is hazy."""
        shades = self._shades[people[:, None], self._body.sides].reshape(-1, STEPS, 3)
        far = np.clip(parts.behind / max(self.extent.radius, 0.5), -1.0, 1.0)
        fog = (self._theme.fog * (far + 1) / 2).astype(np.float32)[..., None, None]
        return np.asarray(shades + (self._haze - shades) * fog, np.float32)

    def _paint_parts(self, panel: Surface, crowd: _Crowd, at: int) -> None:
        """Paint all people's parts of one frame of a block, the far ones first."""
        parts, count = crowd.parts, len(self._body.ends)
        tones = panel.tones(crowd.tones[at]).tolist()
        edges = panel.tones(np.array([self._colors[person].outline for person in crowd.people])).tolist()
        outlines, layers = panel.shapes(parts.rims[at]), panel.shapes(parts.layers[at])
        shades = parts.shades[at].tolist()
        for index, is_rim in parts.order[at]:
            if is_rim:
                panel.fill(outlines, index, edges[index // count])
            else:
                panel.shade(layers, index, _picks(shades[index]), tones[index])


@cache
def _picks(count: int) -> tuple[int, ...]:
    """Return `count` of the steps, evenly, with the first and the last."""
    return tuple(round(k * (STEPS - 1) / (count - 1)) for k in range(count))
