"""Laws of the empty room and of the shadows on its floor, judged by their pixels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from render.camera import Camera
from render.colors import THEMES
from render.framing import Extent, frame_extent
from render.room import Room
from render.shadow import ShadowPainter, cast
from render.surface import Surface

SIZE = (300, 300)
EXTENT = Extent((-0.6, -0.6, 0.0), (0.6, 0.6, 1.8))


@pytest.fixture(scope="module")
def camera() -> Camera:
    return frame_extent(EXTENT, SIZE, 0.0, 13.0, turns=True)


def painted(room: Room, camera: Camera) -> NDArray[np.int16]:
    panel = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    room.paint(Surface(panel), camera)
    return panel.astype(np.int16)


@pytest.mark.parametrize("theme", sorted(THEMES))
def test_a_still_room_is_one_picture_of_the_turning_room(camera: Camera, theme: str) -> None:
    still, turning = (Room(THEMES[theme], SIZE, camera, EXTENT, turns) for turns in (False, True))
    np.testing.assert_array_equal(painted(still, camera), painted(turning, camera))
    assert (painted(turning, camera.turned(30.0)) != painted(turning, camera)).any()


def test_a_square_grid_looks_the_same_a_quarter_turn_on(camera: Camera) -> None:
    room = Room(THEMES["night"], SIZE, camera, EXTENT, True)
    difference = np.abs(painted(room, camera.turned(20.0)) - painted(room, camera.turned(110.0)))
    assert difference.max() < 40 and (difference > 4).mean() < 0.01


def test_grid_lines_are_where_the_camera_says_and_fade_far_off(camera: Camera) -> None:
    room = Room(THEMES["night"], SIZE, camera, EXTENT, True)
    lit = painted(room, camera).sum(axis=-1)

    def brightness(x: float, y: float) -> int:
        """How much brighter a point of the floor is than the floor two hands before and behind it."""
        pixels, _ = camera.project(np.array([[x, y, 0.0], [x, y - 0.2, 0.0], [x, y + 0.2, 0.0]]))
        line, before, behind = (lit[round(v) - 1 : round(v) + 2, round(u)].max() for u, v in pixels)
        return int(line - (before + behind) / 2)

    near, far = brightness(0.25, 0.0), brightness(0.25, 2.0)
    assert near > 100 and 10 < far < 0.6 * near


def test_a_shadow_lies_below_the_limb_and_is_darker_the_nearer_the_floor(camera: Camera) -> None:
    spots = []
    for height in (0.05, 0.5, 1.5):
        panel = np.full((SIZE[1], SIZE[0], 3), 200, np.uint8)
        limbs = np.array([[[-0.2, 0.0, height], [0.2, 0.0, height]]])
        ShadowPainter(SIZE, 0.6).paint(Surface(panel), camera, cast(limbs, np.array([[0.08, 0.08]])))
        (column, row), _ = camera.project(np.array([0.0, 0.0, 0.0]))
        spots.append(int(panel[round(float(row)), round(float(column)), 0]))
        assert panel.max() == 200, "nothing gets brighter"
        assert (panel[:100] == 200).all() and (panel[:, :60] == 200).all(), "and only the floor below gets darker"
    assert spots[0] < 120 and spots == sorted(spots) and spots[2] > 170


def test_shadows_do_not_add_up_and_leave_nothing_for_the_next_frame(camera: Camera) -> None:
    limb = np.array([[[-0.2, 0.0, 0.1], [0.2, 0.0, 0.1]]])
    radii = np.array([[0.08, 0.08]])
    painter = ShadowPainter(SIZE, 0.6)
    once, twice, after = (np.full((SIZE[1], SIZE[0], 3), 200, np.uint8) for _ in range(3))
    painter.paint(Surface(once), camera, cast(limb, radii))
    painter.paint(Surface(twice), camera, cast(np.repeat(limb, 2, axis=0), np.repeat(radii, 2, axis=0)))
    np.testing.assert_allclose(once.astype(int), twice, atol=16)  # but for the smooth edges; added up: 50
    elsewhere = limb + np.array([0.0, 0.3, 0.0])
    painter.paint(Surface(after), camera, cast(elsewhere, radii))
    fresh = np.full((SIZE[1], SIZE[0], 3), 200, np.uint8)
    ShadowPainter(SIZE, 0.6).paint(Surface(fresh), camera, cast(elsewhere, radii))
    np.testing.assert_array_equal(after, fresh)
