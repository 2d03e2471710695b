"""Laws of the 3D room: sides, depth, scale, views and themes, judged by the panel's pixels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from render_bodies import MIRROR, STANDING, film, grey, h36m_skeleton, panel_of, people, picture_of, silhouette

from render.colors import THEMES, person_colors
from render.frames import FilmPainter, lay_out
from render.scene import ScenePainter
from render.settings import RenderSettings
from render.skeleton import Skeleton


@pytest.fixture(scope="module")
def skeleton() -> Skeleton:
    return h36m_skeleton()


def test_the_same_pose_at_another_time_is_the_same_panel(skeleton: Skeleton) -> None:
    """Fixed scale, no jumps: a film in which someone walks off and comes back."""
    world = people((0, 0, 0), frames=30).copy()
    world[0, :, :, 0] += 0.8 * np.sin(np.linspace(0, np.pi, 30))[:, None]
    world[0, 29] = world[0, 0]
    painter = film(skeleton, world)
    first, middle, last = (panel_of(painter, t) for t in (0, 15, 29))
    np.testing.assert_array_equal(first, last)
    assert (first != middle).any()


def test_who_is_left_in_the_picture_is_left_in_the_room(skeleton: Skeleton) -> None:
    world = people((-0.8, 0, 0), (0.8, 0, 0), frames=3)
    painter = film(skeleton, world, valid=np.array([[True, False, False], [False, True, False]]))
    empty_picture, empty_room = picture_of(painter, 2)[:200], panel_of(painter, 2)
    for t_index, is_left in ((0, True), (1, False)):
        in_picture = np.nonzero(np.abs(picture_of(painter, t_index)[:200] - empty_picture).max(axis=-1) > 40)[1].mean()
        in_room = np.nonzero(np.abs(panel_of(painter, t_index) - empty_room).max(axis=-1) > 66)[1].mean()
        assert (in_picture < 150) == is_left and (in_picture > 170) == (not is_left)
        assert (in_room < 0.45 * empty_room.shape[1]) == is_left and (in_room > 0.55 * empty_room.shape[1]) != is_left


@pytest.mark.parametrize("film_planes", [False, True])
def test_how_many_frames_are_worked_out_at_once_changes_no_picture(skeleton: Skeleton, film_planes: bool) -> None:
    size, frames = (120, 160), 23
    world = people((-0.5, 0, 0), (0.5, 0.4, 0), frames=frames).copy()
    world[..., 1] += np.cos(np.arange(frames, dtype=np.float32))[:, None] * world[..., 2]  # nearer and farther
    keypoints = np.stack([60 + 50 * world[..., 0], 140 - 60 * world[..., 2]], axis=-1)
    scores = np.random.default_rng(3).uniform(0, 1, (2, frames, 17)).astype(np.float32)
    valid = np.ones((2, frames), bool)
    valid[0, 4:9] = valid[1, 7:] = False
    picture = grey(size)
    given = [picture[..., 0], picture[::2, ::2, 0], picture[::2, ::2, 0]] if film_planes else picture
    painters = [
        FilmPainter(
            skeleton, RenderSettings(), size, world, keypoints, scores, valid, np.arange(frames) / 25.0,
            film=film_planes, ahead=ahead,
        )
        for ahead in (1, 10, 1000)
    ]  # fmt: skip
    for t_index in (*range(frames), 3, 20, 0):  # backwards, too
        one, few, all_at_once = (painter.paint(given, t_index).copy() for painter in painters)
        np.testing.assert_array_equal(one, few)
        np.testing.assert_array_equal(one, all_at_once)


def test_what_is_worked_out_a_frame_at_a_time_follows_arrays_that_change(skeleton: Skeleton) -> None:
    world = people((0, 0, 0), frames=1).copy()
    painter = film(skeleton, world)
    before = panel_of(painter, 0).copy()
    world += np.float32((0.2, 0, 0))
    assert np.abs(panel_of(painter, 0) - before).max() > 60


def test_a_standing_person_has_the_head_above_the_feet_and_is_drawn_where_the_camera_says(skeleton: Skeleton) -> None:
    size = (480, 480)
    rows = np.nonzero(silhouette(skeleton, people((0, 0, 0)), size).any(axis=1))[0]
    pixels, _ = ScenePainter(
        skeleton, RenderSettings(view="front"), lay_out(size, 1080).panel, THEMES["night"],
        people((0, 0, 0)), np.ones((1, 1), bool), np.zeros(1),
    ).camera(0).project(STANDING)  # fmt: skip
    head, feet = pixels[10, 1], pixels[[3, 6], 1].max()
    assert head + 200 < feet
    assert rows.min() == pytest.approx(head, abs=4) and rows.max() == pytest.approx(feet, abs=20)


def test_a_mirrored_person_is_a_mirrored_picture_and_the_sides_keep_their_colors(skeleton: Skeleton) -> None:
    size = (480, 480)
    leaning = people((0, 0, 0)).copy()
    leaning[..., 0] += 0.3 * leaning[..., 2]  # not its own mirror image
    leaning[..., 0] -= leaning[..., 0].mean()
    mirrored = leaning * np.float32((-1, 1, 1))
    # The extents are mirror images too, so the cameras are.
    there, back = silhouette(skeleton, leaning, size, 12), silhouette(skeleton, mirrored, size, 12)
    assert there.sum() > 2000
    assert (there[:, ::-1] != back).sum() < 0.03 * there.sum()
    assert (there != back).sum() > 0.3 * there.sum()

    def arm_colors(world: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        painter = film(skeleton, world, size)
        pixels, _ = painter._scene.camera(0).project(world[0, 0])
        room = panel_of(painter, 0, size)
        middles = [np.rint(pixels[[a, b]].mean(axis=0)).astype(int) for a, b in ((12, 13), (15, 16))]
        return room[middles[0][1], middles[0][0]], room[middles[1][1], middles[1][0]]

    for world in (leaning, mirrored):  # the person's left is light, wherever it is on the screen
        left, right = arm_colors(world)
        assert left.sum() > right.sum() + 60
    renamed_left, renamed_right = arm_colors(mirrored[:, :, MIRROR])
    assert renamed_left.sum() > renamed_right.sum() + 60


@pytest.mark.parametrize("left_depth", [-0.4, 0.4])
@pytest.mark.parametrize("whose", ["one person", "two people"])
def test_the_near_limb_covers_the_far_one_where_they_cross(left_depth: float, whose: str) -> None:
    cross = Skeleton(("left_a", "left_b", "right_a", "right_b"), ((0, 1), (2, 3)), ("left", "left", "right", "right"))
    joints = np.array([[-0.5, 0, 0.5], [0.5, 0, 1.5], [0.5, 0, 0.5], [-0.5, 0, 1.5]], np.float32)
    joints[:2, 1], joints[2:, 1] = left_depth, -left_depth
    world = joints[None, None]
    if whose == "two people":  # each shows one limb; the other is folded into its own first end
        world = np.repeat(world, 2, axis=0).copy()
        world[0, :, 2:] = world[0, :, :1]
        world[1, :, :2] = world[1, :, 2:3]
    people_count = len(world)
    painter = FilmPainter(
        cross, RenderSettings(view="front", show_ids=False), (480, 480), world,
        np.zeros((people_count, 1, 4, 2), np.float32), np.ones((people_count, 1, 4), np.float32),
        np.ones((people_count, 1), bool), np.zeros(1),
    )  # fmt: skip
    seen = panel_of(painter, 0, (480, 480))[_crossing(painter, joints)]
    to_left = np.abs(seen - person_colors(0).shades("left", 20)).sum(axis=-1).min()
    to_right = np.abs(seen - person_colors(people_count - 1).shades("right", 20)).sum(axis=-1).min()
    assert (to_left < to_right) == (left_depth < 0)


def _crossing(painter: FilmPainter, joints: NDArray[np.float32]) -> tuple[int, int]:
    """Return row and column of the panel where the limbs 0-1 and 2-3 cross."""
    (a, b, c, d), _ = painter._scene.camera(0).project(joints)
    share = np.linalg.solve(np.stack([b - a, c - d], axis=1), c - a)[0]
    column, row = np.rint(a + share * (b - a)).astype(int)
    return int(row), int(column)


def test_people_far_outside_the_room_or_behind_the_camera_harm_nothing(skeleton: Skeleton) -> None:
    world = people((0, 0, 0), frames=100).copy()
    world[0, 50] += (0, -40, 0)
    world[0, 51] += (1e7, 1e7, 0)
    painter = film(skeleton, world)
    empty = film(skeleton, world, valid=np.arange(100)[None] < 50)
    np.testing.assert_array_equal(panel_of(painter, 50), panel_of(empty, 50))
    np.testing.assert_array_equal(panel_of(painter, 51), panel_of(empty, 50))


def test_a_film_with_nobody_shows_the_empty_room_and_says_so(skeleton: Skeleton) -> None:
    nobody = film(skeleton, np.zeros((0, 3, 17, 3), np.float32))
    never = film(skeleton, people((0, 0, 0), frames=3), valid=np.zeros((1, 3), bool))
    np.testing.assert_array_equal(panel_of(nobody, 1), panel_of(never, 1))
    assert (picture_of(nobody) == 120).all()
    present = film(skeleton, people((0, 0, 0), frames=3), valid=np.array([[True, False, False]]))
    middle = np.s_[100:140, 60:180]
    assert (panel_of(nobody, 1)[middle].min(axis=-1) > 180).sum() > 30, "writing"
    assert (panel_of(present, 1)[middle].min(axis=-1) > 180).sum() == 0


def test_only_time_and_frame_number_change_between_equal_poses(skeleton: Skeleton) -> None:
    painter = film(skeleton, people((0, 0, 0), frames=200), show_clock=True)
    first, later = panel_of(painter, 0), panel_of(painter, 150)
    changed = (first != later).any(axis=-1)
    assert changed.any() and not changed[:215].any()


def test_a_turning_view_begins_at_the_films_camera_and_comes_back(skeleton: Skeleton) -> None:
    painter = film(skeleton, people((0, 0, 0), frames=101), view="turn", turn_period_s=4.0)
    start, quarter, full = (panel_of(painter, t) for t in (0, 25, 100))
    np.testing.assert_array_equal(start, full)
    assert (start != quarter).any()
    look = RenderSettings(turn_period_s=4.0)
    assert [look.azimuth(t) for t in (0.0, 1.0, 4.0)] == [0.0, 90.0, 0.0]
    assert RenderSettings(view="-30").azimuth(9.0) == 330.0 and RenderSettings(view="side").azimuth(9.0) == 90.0


@pytest.mark.parametrize("theme", sorted(THEMES))
def test_every_theme_keeps_people_and_writing_readable(skeleton: Skeleton, theme: str) -> None:
    world = people(*[(0.7 * k, 0, 0) for k in range(4)], frames=2)
    valid = np.array([[True, False]] * 4)
    painter = film(skeleton, world, (480, 480), valid=valid, style=theme, show_clock=True)
    difference = np.abs(panel_of(painter, 0, (480, 480)) - panel_of(painter, 1, (480, 480))).max(axis=-1)
    assert (difference > 66).sum() > 4000
    clock_part = panel_of(painter, 1, (480, 480))[440:475, 8:90]
    assert np.ptp(clock_part.mean(axis=-1)) > 120
