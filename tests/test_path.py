"""Paths: walkers whose way is known, feet that stand, gaps, and what the uncertainty promises."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from detectors.joints import H36M_17
from pipeline.camera import Camera
from pipeline.ground import ANKLES, floor_under, planted
from pipeline.path import follow

J = {name: index for index, name in enumerate(H36M_17)}
SIZE, FOCAL = (1280, 720), 1100.0
CAMERA, LEVEL, RATE = Camera(focal=FOCAL), np.array([0.0, -1.0, 0.0]), 25.0


def standing(frames: int) -> np.ndarray:
    """Return (T, 17, 3) metres about the pelvis, level camera axes."""
    places = np.zeros((frames, 17, 3))
    for name, up in (("spine", 0.25), ("thorax", 0.5), ("neck", 0.6), ("head", 0.75)):
        places[:, J[name], 1] = -up
    for side, sign in (("left", 1), ("right", -1)):
        for part, up, aside in (
            ("hip", 0.0, 0.1), ("knee", -0.42, 0.1), ("ankle", -0.84, 0.1),
            ("shoulder", 0.47, 0.2), ("elbow", 0.2, 0.25), ("wrist", -0.05, 0.25),
        ):  # fmt: skip
            places[:, J[f"{side}_{part}"], :2] = sign * aside, -up
    return places


def walking(frames: int, step: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Return a body that walks towards -z, (T, 17, 3), and its way (T, 3): each foot stands for half of the time."""
    body, way = standing(frames), np.zeros((frames, 3))
    phase = np.arange(frames) / RATE  # a step a second
    way[:, 2] = -2 * step * phase
    for side, late in (("left", 0.0), ("right", 0.5)):
        at = (phase + late) % 1
        swings = at >= 0.5
        forth = np.where(swings, np.interp(at, (0.5, 1.0), (step / 2, -step / 2)), step * (2 * at - 0.5))
        body[:, J[f"{side}_ankle"], 2] = forth
        body[:, J[f"{side}_knee"], 2] = forth / 2
        body[:, J[f"{side}_ankle"], 1] -= np.where(swings, 0.15 * np.sin(2 * np.pi * (at - 0.5)), 0)
    return body, way


def picture(body: np.ndarray, root: np.ndarray, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    there = body + root[:, None]
    exact = there[..., :2] / there[..., 2:] * FOCAL + np.array(SIZE) / 2
    return exact + np.random.default_rng(seed).normal(0, noise, exact.shape)


def found(body, pixels, valid=None, up=LEVEL, scores=None, given=False, camera=CAMERA, grounded=True):
    frames = len(body)
    valid = np.ones(frames, bool) if valid is None else valid
    scores = np.ones((frames, 17)) if scores is None else scores
    root, sigma = follow(
        body[None], pixels[None], scores[None], valid[None], np.arange(frames) / RATE, up, SIZE, camera,
        np.array([given]), grounded,
    )  # fmt: skip
    assert root.dtype == sigma.dtype == np.float32
    assert root.shape == sigma.shape == (1, frames, 3)
    assert np.isfinite(root).all() and (sigma > 0).all()
    return root[0].astype(float), sigma[0].astype(float)


@pytest.mark.parametrize("turn", [(0, 0), (25, -15)])
def test_an_exact_walk_is_found_whatever_the_cameras_tilt(turn: tuple[float, float]) -> None:
    axes = Rotation.from_euler("zx", turn, degrees=True).as_matrix()
    body, way = walking(100)
    root = way + np.array([0.4, 0.5, 7.0])
    body, root = body @ axes.T, root @ axes.T
    path, _ = found(body, picture(body, root), up=axes @ LEVEL)
    assert np.abs(path - root).max() < 0.05
    assert np.abs(path - root).mean() < 0.01


def test_noise_is_smoothed_and_lies_within_what_is_told() -> None:
    body, way = walking(150)
    root = way + np.array([0.4, 0.5, 8.0])
    pixels = picture(body, root, noise=6)
    path, sigma = found(body, pixels, given=True)
    assert np.abs(path - root)[:, :2].mean() < 0.02
    assert np.abs(path - root)[:, 2].mean() < 0.10
    assert (np.abs(path - root) < sigma).mean() > 0.7
    assert np.abs(np.diff(path[:, 2], 2)).mean() < 0.01


def test_feet_that_stand_stay_where_they_are() -> None:
    body, root = standing(150), np.tile([0.2, 0.3, 5.0], (150, 1))
    # A lifter whose body grows and shrinks while the picture does not move.
    breathing = body * (1 + 0.03 * np.sin(np.arange(150) / 8))[:, None, None]
    free, _ = found(breathing, picture(body, root), grounded=False)
    held, _ = found(breathing, picture(body, root))
    assert np.ptp(free[:, 2]) > 0.2
    assert np.ptp(held[:, 2]) < np.ptp(free[:, 2]) / 2


def test_holding_feet_does_not_hold_a_walk_back() -> None:
    body, way = walking(150)
    root = way + np.array([0.0, 0.5, 8.0])
    path, _ = found(body, picture(body, root, noise=3))
    assert np.ptp(path[:, 2]) == pytest.approx(np.ptp(root[:, 2]), rel=0.05)


def test_gaps_are_bridged_and_the_ends_held_with_growing_uncertainty() -> None:
    body, way = walking(150)
    root = way + np.array([0.0, 0.5, 8.0])
    pixels, valid = picture(body, root), np.ones(150, bool)
    valid[:20] = valid[70:90] = valid[140:] = False
    pixels[~valid], body[~valid] = -1e5, 1e3  # what lies there holds no meaning
    path, sigma = found(body, pixels, valid)
    assert np.abs(path[20:140] - root[20:140]).max() < 0.15
    assert sigma[80, 0] > 1.5 * sigma[60, 0]
    np.testing.assert_array_equal(path[:20], np.broadcast_to(path[20], (20, 3)))
    np.testing.assert_array_equal(path[140:], np.broadcast_to(path[139], (10, 3)))
    assert (np.diff(sigma[:20], axis=0) < 0).all() and (np.diff(sigma[140:], axis=0) > 0).all()


def test_one_wild_frame_is_no_jump() -> None:
    body, root = standing(90), np.tile([0.0, 0.3, 5.0], (90, 1))
    pixels = picture(body, root, noise=2)
    pixels[45] = (pixels[45] - pixels[45, 0]) * 1.6 + pixels[45, 0] + 200
    path, _ = found(body, pixels)
    assert np.abs(path - root).max() < 0.15


def test_the_uncertainty_knows_what_was_given() -> None:
    body, root = standing(50), np.tile([0.5, 0.3, 6.0], (50, 1))
    pixels = picture(body, root)
    guessed, lens, both = (
        found(body, pixels, given=given, camera=camera)[1].mean(axis=0)
        for given, camera in ((False, Camera()), (False, CAMERA), (True, CAMERA))
    )
    assert guessed[2] > 2 * lens[2] and lens[2] > 1.3 * both[2]
    assert guessed[0] == pytest.approx(lens[0], rel=0.1)  # the lens says how far, not how far aside
    assert lens[2] == pytest.approx(0.07 * 6, rel=0.2)


def test_nobody_and_never_seen_are_legal() -> None:
    nobody = follow(
        np.zeros((0, 5, 17, 3)), np.zeros((0, 5, 17, 2)), np.zeros((0, 5, 17)), np.zeros((0, 5), bool),
        np.arange(5) / 25, LEVEL, SIZE, CAMERA, np.zeros(0, bool),
    )  # fmt: skip
    assert nobody[0].shape == nobody[1].shape == (0, 5, 3)
    for frames in (1, 2, 3):
        body, root = standing(frames), np.tile([0.0, 0.3, 5.0], (frames, 1))
        path, _ = found(body, picture(body, root))
        np.testing.assert_allclose(path, root, atol=0.01)
    path, sigma = found(standing(4), np.zeros((4, 17, 2)), np.zeros(4, bool))
    assert (path == 0).all() and (sigma >= 10).all()


@pytest.mark.parametrize("where", [13.6, 403.3, -1e5, 1e6])
@pytest.mark.parametrize("times", [[0.0, 0.0, 0.0], [0.0, 0.001, 0.002], [0.0, 1e-9, 86_400.0]])
def test_a_point_far_beside_a_tiny_picture_has_a_place_and_a_deviation(where: float, times: list[float]) -> None:
    shape, body = (1, len(times), 17), 1e-3 * standing(3)[None]
    root, sigma = follow(
        body, np.full((*shape, 2), where), np.ones(shape), np.ones(shape[:2], bool), np.array(times), LEVEL, (1, 1),
        Camera(), np.array([False]),
    )  # fmt: skip
    assert np.isfinite(root).all() and np.isfinite(sigma).all()
    assert (sigma >= 0.01).all()


def test_which_foot_stands() -> None:
    body, way = walking(100)
    root = way + np.array([0.0, 0.5, 6.0])
    feet = planted(body, picture(body, root), np.ones((100, 17)), root[:, 2], np.arange(100) / RATE, LEVEL, FOCAL)
    phase = np.arange(100) / RATE % 1
    assert feet[(phase > 0.12) & (phase < 0.38), 0].min() > 0.5
    assert feet[(phase > 0.62) & (phase < 0.88), 0].max() < 0.3
    unseen = np.ones((100, 17))
    unseen[:, ANKLES[0]] = 0
    feet = planted(body, picture(body, root), unseen, root[:, 2], np.arange(100) / RATE, LEVEL, FOCAL)
    assert (feet[:, 0] == 0).all() and feet[:, 1].max() == 1


def test_the_floor_is_the_plane_under_the_feet() -> None:
    rng = np.random.default_rng(0)
    true_up = Rotation.from_euler("x", 4, degrees=True).as_matrix() @ LEVEL
    aside = np.linalg.svd(true_up[None])[2][1:]
    feet = -1.3 * true_up + rng.uniform(-3, 3, (400, 2)) @ aside
    normal, offset = floor_under(feet, np.ones(400), LEVEL)
    np.testing.assert_allclose(feet @ normal, offset, atol=0.01)
    assert normal @ true_up / np.linalg.norm(normal) > 0.99999
    normal, offset = floor_under(feet[:1], np.ones(1), LEVEL)  # one foot says where, not how it leans
    np.testing.assert_allclose(normal, LEVEL, atol=1e-9)
    assert offset == pytest.approx(feet[0] @ LEVEL)
    assert np.isfinite(floor_under(feet, np.zeros(400), LEVEL)[1])


@pytest.mark.parametrize("rate", [25, 50, 100])
def test_nobody_stands_at_the_top_of_a_jump(rate: int) -> None:
    """There the feet rest in the picture, for a moment; the way up and down shows that it is no floor."""
    seconds = np.arange(4 * rate) / rate
    high = np.maximum(0.3 - 9.81 / 2 * (seconds - 2) ** 2, 0)
    body, root = standing(len(seconds)), np.tile([0.0, 0.3, 5.0], (len(seconds), 1))
    root[:, 1] -= high
    feet = planted(body, picture(body, root), np.ones((len(seconds), 17)), root[:, 2], seconds, LEVEL, FOCAL)
    assert feet[high > 0.1].max() < 0.05
    assert feet[np.abs(seconds - 2) > 0.5].min() == 1
