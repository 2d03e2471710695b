"""The room: upright, feet on the floor, side by side as the camera saw them, each at one place."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d, median_filter
from scipy.spatial.transform import Rotation

from detectors.joints import H36M_17
from pipeline.room import floor_height, pixels_per_metre, place, running_gaussian, running_median

J = {name: index for index, name in enumerate(H36M_17)}
SIZE = (1280, 720)
FOCAL = 1.2 * 1280
LEVEL = np.array([0.0, -1.0, 0.0])


def body(frames: int = 90, squat: float = 0.0, jitter: float = 0.0, seed: int = 0) -> np.ndarray:
    """Return (T, 17, 3) metres about the pelvis, camera axes: one who stands, or goes down and up by `squat` metres."""
    places = np.zeros((frames, 17, 3))
    for name, up in (("spine", 0.25), ("thorax", 0.5), ("neck", 0.6), ("head", 0.75)):
        places[:, J[name], 1] = -up
    down = squat * (1 - np.cos(np.arange(frames) / 30 * np.pi)) / 2  # one squat in two seconds
    for side, sign in (("left", 1), ("right", -1)):
        for part, up in (("hip", 0.0), ("shoulder", 0.47), ("elbow", 0.2), ("wrist", -0.05)):
            places[:, J[f"{side}_{part}"], :2] = sign * 0.2, -up
        places[:, J[f"{side}_knee"], 0] = places[:, J[f"{side}_ankle"], 0] = sign * 0.12
        places[:, J[f"{side}_ankle"], 1] = 0.84 - down
        places[:, J[f"{side}_knee"], 1] = (0.84 - down) / 2
    return places + np.random.default_rng(seed).normal(0, jitter, places.shape)


def film(bodies: list[np.ndarray], at: list[tuple[float, float, float]], turn: np.ndarray | None = None):
    """Return positions, key points, scores, valid of bodies seen by a pinhole camera, turned as a tilted one would."""
    turn = np.eye(3) if turn is None else turn
    positions = np.stack(bodies) @ turn.T
    space = positions + (np.array(at) @ turn.T)[:, None, None]
    keypoints = space[..., :2] / space[..., 2:] * FOCAL + np.array(SIZE) / 2
    return positions, keypoints, np.ones(positions.shape[:3]), np.ones(positions.shape[:2], bool)


@pytest.mark.parametrize(("roll", "pitch"), [(0, 0), (30, 0), (0, 25), (-20, -20)])
def test_people_stand_upright_on_the_floor_where_they_are(roll: float, pitch: float) -> None:
    at = [(-1.0, 0.0, 5.0), (1.2, 0.0, 6.0)]
    turn = Rotation.from_euler("zx", [roll, pitch], degrees=True).as_matrix()
    world = place(*film([body(), body()], at, turn), turn @ LEVEL, SIZE)
    assert world.dtype == np.float32
    np.testing.assert_allclose(world[..., 2].min(axis=-1), 0, atol=1e-3)
    np.testing.assert_allclose(world[..., J["head"], 2], 0.84 + 0.75, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(world[..., J["head"], :2] - world[..., 0, :2], axis=-1), 0, atol=1e-3)
    apart = world[1, 0, 0, :2] - world[0, 0, 0, :2]
    if roll == 0:
        np.testing.assert_allclose(apart, (2.2, 1.0), atol=0.4)
    assert np.linalg.norm(apart) == pytest.approx(np.hypot(2.2, 1.0), abs=0.4)
    np.testing.assert_allclose(world[:, 0, 0, :2].mean(axis=0), 0, atol=1e-3)


def test_a_squat_lowers_the_pelvis_and_leaves_the_feet_on_the_ground() -> None:
    world = place(*film([body(squat=0.45)], [(0, 0, 5)]), LEVEL, SIZE)[0]
    feet = world[:, [J["left_ankle"], J["right_ankle"]], 2]
    assert np.abs(feet).max() < 0.03
    assert np.ptp(world[:, 0, 2]) == pytest.approx(0.45, abs=0.05)


def test_at_five_frames_a_second_a_squat_stays_on_the_ground_too() -> None:
    world = place(*film([body(180, squat=0.45)[::6]], [(0, 0, 5)]), LEVEL, SIZE, fps=5)[0]
    assert np.abs(world[:, [J["left_ankle"], J["right_ankle"]], 2]).max() < 0.06


def test_legs_drawn_up_for_a_moment_are_seen_off_the_ground() -> None:
    jumper = body()
    jumper[40:44, [J["left_ankle"], J["right_ankle"]], 1] -= 0.3
    world = place(*film([jumper], [(0, 0, 5)]), LEVEL, SIZE)[0]
    assert world[40:44, :, 2].min() > 0.2


def test_jitter_of_the_feet_does_not_shake_the_body() -> None:
    jittery = body()
    jittery[:, J["left_ankle"], 1] += np.random.default_rng(0).normal(0, 0.02, 90)
    height = place(*film([jittery], [(0, 0, 5)]), LEVEL, SIZE)[0, :, 0, 2]
    assert np.abs(np.diff(height)).max() < 0.005


def test_everyone_keeps_one_place_and_distances_are_limited() -> None:
    positions, keypoints, scores, valid = film([body(), body(), body()], [(0, 0, 4), (1, 0, 5), (2, 0, 40)])
    keypoints[0, :, :, 0] += np.linspace(-100, 100, 90)[:, None]  # walks past the camera
    world = place(positions, keypoints, scores, valid, LEVEL, SIZE)
    pelvis = world[:, :, 0, :2]
    np.testing.assert_allclose(pelvis, pelvis[:, :1] + np.zeros_like(pelvis), atol=1e-5)
    assert np.ptp(pelvis[:, 0, 1]) < 5.01
    np.testing.assert_allclose((pelvis[:, 0].min(axis=0) + pelvis[:, 0].max(axis=0)) / 2, 0, atol=1e-5)


def test_who_has_a_path_walks_it_about_the_place() -> None:
    turn = Rotation.from_euler("z", 20, degrees=True).as_matrix()
    way = np.stack([np.linspace(-1, 1, 90), np.zeros(90), np.linspace(0, 3, 90)], axis=-1)
    positions, keypoints, scores, valid = film([body(), body()], [(-1, 0, 5), (1, 0, 5)], turn)
    root = np.stack([way, np.zeros_like(way)]) + np.array([0, 0, 5])
    valid[0, :10] = False
    world = place(positions, keypoints, scores, valid, turn @ LEVEL, SIZE, root=root @ turn.T)
    stays = place(positions, keypoints, scores, valid, turn @ LEVEL, SIZE)
    walked = world[0, :, 0, :2] - world[0, 10, 0, :2]
    np.testing.assert_allclose(walked[10:], (way[10:] - way[10])[:, [0, 2]], atol=1e-4)
    np.testing.assert_allclose(walked[:10], 0, atol=1e-5)  # out of track: waits where it is first seen
    np.testing.assert_allclose(world[1], stays[1], atol=1e-5)
    np.testing.assert_allclose(world[..., 2], stays[..., 2], atol=1e-5)
    np.testing.assert_allclose(np.median(world[0, 10:, 0], axis=0), stays[0, 50, 0], atol=1e-4)


def test_a_path_that_leads_far_away_is_drawn_smaller() -> None:
    positions, keypoints, scores, valid = film([body()], [(0, 0, 5)])
    root = np.zeros((1, 90, 3))
    root[0, :, 2] = np.linspace(5, 45, 90)
    walked = place(positions, keypoints, scores, valid, LEVEL, SIZE, root=root)[0, :, 0, 1]
    assert np.ptp(walked) == pytest.approx(10, abs=1e-3)
    np.testing.assert_allclose(np.diff(walked), np.diff(walked)[0], atol=1e-4)


def test_people_at_one_place_are_put_side_by_side() -> None:
    world = place(*film([body(seed=i) for i in range(4)], [(0, 0, 5)] * 4), LEVEL, SIZE)
    pelvis = world[:, 0, 0, :2]
    distances = np.linalg.norm(pelvis[:, None] - pelvis[None], axis=-1)[np.triu_indices(4, 1)]
    assert distances.min() > 0.85


def test_frames_out_of_track_hold_the_nearest_pose() -> None:
    positions, keypoints, scores, valid = film([body(squat=0.3)], [(0, 0, 5)])
    valid[0, :20] = valid[0, 50:60] = False
    positions[0, ~valid[0]], keypoints[0, ~valid[0]], scores[0, ~valid[0]] = 1e3, 0, 0
    world = place(positions, keypoints, scores, valid, LEVEL, SIZE)[0]
    np.testing.assert_allclose(world[:20], np.broadcast_to(world[20], (20, 17, 3)), atol=1e-5)
    assert world[50:60, :, 2].min() > -0.05
    assert np.abs(world).max() < 3


def test_nobody_and_never_valid_are_legal() -> None:
    empty = place(
        np.zeros((0, 7, 17, 3)), np.zeros((0, 7, 17, 2)), np.zeros((0, 7, 17)), np.zeros((0, 7), bool), LEVEL, SIZE
    )
    assert empty.shape == (0, 7, 17, 3)
    unseen = place(
        np.zeros((2, 3, 17, 3)), np.zeros((2, 3, 17, 2)), np.zeros((2, 3, 17)), np.zeros((2, 3), bool), LEVEL, SIZE
    )
    assert np.isfinite(unseen).all()


def test_the_scale_is_the_one_that_made_the_picture_whatever_is_unseen() -> None:
    positions = body(5, jitter=0.05)
    keypoints, scores = positions[..., :2] * 240 + (600, 300), np.ones((5, 17))
    np.testing.assert_allclose(pixels_per_metre(positions, keypoints, scores), 240)
    keypoints[:, 3], scores[:, 3] = 0, 0
    np.testing.assert_allclose(pixels_per_metre(positions, keypoints, scores), 240)
    assert np.isnan(pixels_per_metre(positions, keypoints, np.zeros((5, 17)))).all()


def test_the_floor_is_as_far_below_the_pelvis_as_the_lowest_joint() -> None:
    upright = np.zeros((40, 17, 3))
    upright[:, J["left_ankle"], 2] = -0.9
    np.testing.assert_allclose(floor_height(upright, np.ones(40, bool)), 0.9)


@pytest.mark.parametrize("frames", [1, 2, 5, 12, 41, 4001])
@pytest.mark.parametrize("width", [1, 2, 5, 12, 25])
def test_calming_is_scipys(frames: int, width: int) -> None:
    values = np.random.default_rng(frames).normal(size=frames)
    width = min(width, frames)
    np.testing.assert_array_equal(running_median(values, width), median_filter(values, size=width, mode="nearest"))
    wanted = gaussian_filter1d(values, 0.4 * width, mode="nearest")
    np.testing.assert_allclose(running_gaussian(values, 0.4 * width), wanted, atol=1e-12)
