"""Laws of the room's camera, of the framing and of the shapes that are drawn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from render.camera import Camera
from render.framing import Extent, film_extent, frame_extent
from render.shapes import capsules, clip_segments, fill, fixed_point, window

CAMERAS = [
    Camera((0.3, 1.0, 0.9), 5.0, azimuth, elevation, 900.0, (320.0, 250.0))
    for azimuth in (0.0, 37.0, 90.0, 250.0)
    for elevation in (0.0, 13.0, 86.0)
]


@pytest.mark.parametrize("camera", CAMERAS)
def test_unproject_undoes_project(camera: Camera) -> None:
    points = np.random.default_rng(1).uniform(-1.5, 1.5, (4, 50, 3))
    pixels, depth = camera.project(points)
    np.testing.assert_allclose(camera.unproject(pixels, depth), points, atol=1e-9)


@pytest.mark.parametrize("camera", CAMERAS)
def test_the_camera_axes_are_a_right_handed_frame(camera: Camera) -> None:
    axes = camera.axes
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.cross(axes[0], axes[1]), axes[2], atol=1e-12)


def test_the_target_is_in_the_middle_and_at_the_distance() -> None:
    for camera in CAMERAS:
        pixels, depth = camera.project(np.array(camera.target))
        np.testing.assert_allclose(pixels, camera.middle)
        assert depth == pytest.approx(camera.distance)


def test_azimuth_0_shows_right_up_and_away_as_the_film_does() -> None:
    camera = Camera((0.0, 0.0, 1.0), 5.0, 0.0, 13.0, 900.0, (320.0, 250.0))
    pixels, depth = camera.project(np.array([[0, 0, 1], [0.5, 0, 1], [0, 0, 1.5], [0, 1.0, 1.0]], float))
    assert pixels[1, 0] > pixels[0, 0] and pixels[2, 1] < pixels[0, 1] and depth[3] > depth[0]


def test_azimuth_90_stands_on_the_right_of_the_film_camera() -> None:
    camera = Camera((0.0, 0.0, 1.0), 5.0, 90.0, 0.0, 900.0, (320.0, 250.0))
    assert camera.project(np.array([1.0, 0.0, 1.0]))[1] == pytest.approx(4.0)


def test_a_full_turn_of_the_world_is_a_turn_of_the_camera() -> None:
    """Turning the camera one way and the world with it about the target changes nothing."""
    points = np.random.default_rng(2).uniform(-1, 1, (20, 3))
    angle = np.radians(40.0)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    still = Camera((0.0, 0.0, 1.0), 4.0, 0.0, 13.0, 700.0, (200.0, 200.0))
    np.testing.assert_allclose(still.turned(40.0).project(points @ turn.T)[0], still.project(points)[0], atol=1e-9)


def test_a_mirrored_world_is_a_mirrored_picture() -> None:
    points = np.random.default_rng(3).uniform(-1, 1, (30, 3))
    camera = Camera((0.0, 0.4, 1.0), 4.0, 0.0, 13.0, 700.0, (200.0, 180.0))
    there, depth = camera.project(points)
    mirrored, same_depth = camera.project(points * (-1, 1, 1))
    np.testing.assert_allclose(mirrored[:, 0], 400.0 - there[:, 0])
    np.testing.assert_allclose(mirrored[:, 1], there[:, 1])
    np.testing.assert_allclose(same_depth, depth)


@pytest.mark.parametrize("size", [(480, 480), (810, 1080), (240, 240), (1082, 1080)])
@pytest.mark.parametrize("elevation", [13.0, 86.0])
def test_a_turning_camera_holds_the_people_all_the_way_round(size: tuple[int, int], elevation: float) -> None:
    extent = Extent((-1.2, 0.5, 0.0), (2.0, 3.0, 1.9))
    camera = frame_extent(extent, size, 0.0, elevation, turns=True)
    filled = 0.0
    for azimuth in range(0, 360, 15):
        pixels, depth = camera.turned(float(azimuth)).project(extent.corners())
        assert depth.min() > 0.3
        assert pixels.min() > 0 and (pixels < size).all()
        filled = max(filled, float((np.ptp(pixels, axis=0) / size).max()))
    assert filled > 0.6, "the room is used"


def test_a_fixed_camera_fills_more_of_the_panel_than_one_that_must_turn() -> None:
    extent = Extent((-3.0, -0.5, 0.0), (3.0, 0.5, 1.8))
    turning = frame_extent(extent, (500, 500), 0.0, 13.0, turns=True)
    side = frame_extent(extent, (500, 500), 90.0, 13.0, turns=False)
    assert side.distance < turning.distance


def test_one_broken_pose_in_a_film_does_not_change_the_extent_much() -> None:
    world = np.random.default_rng(4).normal([0, 0, 0.9], 0.3, (1, 200, 17, 3)).astype(np.float32)
    valid = np.ones((1, 200), bool)
    clean = film_extent(world, valid)
    world[0, 77] += 50.0
    broken = film_extent(world, valid)
    np.testing.assert_allclose(broken.high, clean.high, atol=0.15)


def test_the_extent_heeds_only_valid_poses_and_every_person() -> None:
    world = np.zeros((2, 10, 17, 3), np.float32)
    world[1] += (3.0, 1.0, 0.5)
    valid = np.ones((2, 10), bool)
    assert film_extent(world, valid).high[0] >= 3.0
    valid[1] = False
    assert film_extent(world, valid).high[0] < 1.0
    nobody = film_extent(world, np.zeros((2, 10), bool))
    assert nobody.low[2] == 0.0 and nobody.high[2] > 1.0


def test_a_capsule_holds_both_circles_and_is_no_larger_than_their_hull() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        ends, radii = rng.uniform(50, 250, (2, 2)), rng.uniform(3, 40, 2)
        drawn, truth = np.zeros((300, 300), np.uint8), np.zeros((300, 300), np.uint8)
        cv2.fillConvexPoly(drawn, np.rint(capsules(ends, radii, 32)).astype(np.int32), 1)
        circles = np.concatenate([capsules(ends[[k, k]], radii[[k, k]], 90) for k in (0, 1)])
        cv2.fillConvexPoly(truth, cv2.convexHull(np.rint(circles).astype(np.int32)), 1)
        assert np.count_nonzero(drawn != truth) < 0.05 * truth.sum() + 40


def test_a_circle_inside_another_adds_nothing() -> None:
    outline = capsules(np.array([[100.0, 100.0], [104.0, 103.0]]), np.array([20.0, 5.0]))
    np.testing.assert_allclose(np.linalg.norm(outline - (100.0, 100.0), axis=1), 20.0)


def test_clipping_keeps_what_is_inside_and_the_line_it_lies_on() -> None:
    rng = np.random.default_rng(6)
    segments = rng.uniform(-4000, 4000, (400, 2, 2))
    cut, inside = clip_segments(segments, (640, 480), 50.0)
    assert inside.any() and not inside.all()
    kept, whole = cut[inside], segments[inside]
    assert (kept > -50.001).all() and (kept[..., 0] < 690).all() and (kept[..., 1] < 530).all()
    step = whole[:, 1] - whole[:, 0]
    for end in (0, 1):
        offset = kept[:, end] - whole[:, 0]
        np.testing.assert_allclose(step[:, 0] * offset[:, 1] - step[:, 1] * offset[:, 0], 0, atol=1e-3)
    again, still = clip_segments(kept, (640, 480), 50.0)
    assert still.all()
    np.testing.assert_allclose(again, kept, atol=1e-6)


def test_clipping_finds_exactly_the_segments_that_touch_the_picture() -> None:
    segments = np.random.default_rng(7).uniform(-600, 1200, (300, 2, 2))
    segments[:100, 1, 0] = segments[:100, 0, 0]  # upright
    segments[50:150, 1, 1] = segments[50:150, 0, 1]  # level, or one point
    _, inside = clip_segments(segments, (640, 480), 0.0)
    along = np.linspace(0, 1, 4001)[:, None, None]
    points = segments[:, 0] + along * (segments[:, 1] - segments[:, 0])
    touches = ((points >= 0) & (points <= (639, 479))).all(axis=-1).any(axis=0)
    np.testing.assert_array_equal(inside, touches)


def test_points_beyond_any_integer_are_drawn_without_harm() -> None:
    picture = np.zeros((60, 80, 3), np.uint8)
    segments = np.array([[[-1e12, 30.0], [1e12, 30.0]], [[1e15, 1e15], [1e15, 2e15]]])
    cut, inside = clip_segments(segments, (80, 60), 100.0)
    assert inside.tolist() == [True, False]
    fill(picture, fixed_point(capsules(cut[0], np.array([2.0, 2.0]))), (255, 255, 255))
    assert picture[30].min() > 200 and picture[:20].max() == 0


def test_a_window_is_cut_to_the_picture() -> None:
    assert window((100, 50), np.array([-5.0, 10.2]), np.array([20.0, 99.0])) == (slice(10, 50), slice(0, 21))
    assert window((100, 50), np.array([120.0, 0.0]), np.array([140.0, 9.0])) is None
