"""The camera's tilt from people who stand: turned poses give a turned answer; weak evidence gives a level camera."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from detectors.joints import H36M_17
from pipeline.upright import estimate_up, rotation_to_room

J = {name: index for index, name in enumerate(H36M_17)}
LEVEL = np.array([0.0, -1.0, 0.0])


def person(frames: int = 60, knees: float = 0.0, lean: float = 0.0, noise: float = 0.01, seed: int = 0) -> np.ndarray:
    """Return (1, T, 17, 3) metres in level camera axes: one who stands and shifts weight, knees bent, trunk leaning.

    Args:
        frames: T.
        knees: radians by which the thighs point forward, and the shanks back.
        lean: radians by which the trunk leans to the front.
        noise: metres.
        seed: of the noise.
    """
    rng = np.random.default_rng(seed)
    places = np.zeros((frames, 17, 3))  # x right, y down, z away; the person faces the camera
    for name, up in (("spine", 0.25), ("thorax", 0.5), ("neck", 0.6), ("head", 0.75)):
        places[:, J[name]] = (0, -up * np.cos(lean), -up * np.sin(lean))
    for side, sign in (("left", 1), ("right", -1)):
        places[:, J[f"{side}_hip"], 0] = sign * 0.12
        places[:, J[f"{side}_knee"]] = (sign * 0.12, 0.42 * np.cos(knees), -0.42 * np.sin(knees))
        places[:, J[f"{side}_ankle"]] = (sign * 0.12, 0.84 * np.cos(knees), 0.0)
        for part, up in (("shoulder", 0.47), ("elbow", 0.2), ("wrist", -0.05)):
            places[:, J[f"{side}_{part}"]] = (sign * 0.2, -up * np.cos(lean), -up * np.sin(lean))
    sway = 0.02 * np.sin(np.arange(frames) / 10)
    places[..., 0] += -places[..., 1] * sway[:, None]
    return (places + rng.normal(0, noise, places.shape))[None]


def angle(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(np.dot(a, b), -1, 1))))


def estimate(positions: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    valid = np.ones(positions.shape[:2], bool) if valid is None else valid
    return estimate_up(positions.astype(np.float32), valid, np.full(positions.shape[:3], 0.9, np.float32))


def tilted(roll: float, pitch: float) -> np.ndarray:
    return Rotation.from_euler("zx", [roll, pitch], degrees=True).as_matrix()


@pytest.mark.parametrize("roll", [-45, -20, 0, 30, 45])
@pytest.mark.parametrize("pitch", [-40, 0, 15, 40])
def test_the_tilt_is_found_from_standing_people(roll: float, pitch: float) -> None:
    turn = tilted(roll, pitch)
    up = estimate(person() @ turn.T)
    assert np.linalg.norm(up) == pytest.approx(1, abs=1e-6)
    assert angle(up, turn @ LEVEL) < 3


def test_turning_the_poses_turns_the_answer() -> None:
    positions = person(seed=4)
    plain = estimate(positions)
    for roll, pitch in ((10, 5), (-30, 20), (40, -25)):
        turn = tilted(roll, pitch)
        np.testing.assert_allclose(estimate(positions @ turn.T), turn @ plain, atol=1e-4)


def test_some_standing_frames_among_squats_and_bows_decide() -> None:
    turn = tilted(25, -15)
    film = np.concatenate([person(60, knees=1.2), person(30), person(60, lean=1.3)], axis=1)
    assert angle(estimate(film @ turn.T), turn @ LEVEL) < 4


def test_a_lying_or_sitting_film_leaves_a_level_camera() -> None:
    lying = person() @ Rotation.from_euler("z", 90, degrees=True).as_matrix().T
    sitting = person(knees=1.4) @ tilted(20, 20).T
    bowing = person(lean=1.4)
    for film in (lying, sitting, bowing):
        assert angle(estimate(film), LEVEL) < 3


def test_a_lying_person_beside_a_standing_one_changes_nothing() -> None:
    lying = person(seed=1) @ Rotation.from_euler("z", 90, degrees=True).as_matrix().T
    assert angle(estimate(np.concatenate([person(), lying])), LEVEL) < 3


def test_a_few_standing_frames_move_the_answer_only_part_of_the_way() -> None:
    turn = tilted(30, 0)
    few, many = (angle(estimate(person(frames) @ turn.T), LEVEL) for frames in (4, 40))
    assert 3 < few < 20 < many


def test_only_valid_frames_count_and_nobody_is_legal() -> None:
    turn = tilted(30, 0)
    film = np.concatenate([person(), person() @ turn.T], axis=1)
    valid = np.arange(120)[None] >= 60
    assert angle(estimate(film, valid), turn @ LEVEL) < 3
    np.testing.assert_array_equal(estimate(film, np.zeros((1, 120), bool)), LEVEL)
    np.testing.assert_array_equal(estimate(np.zeros((0, 5, 17, 3))), LEVEL)
    assert np.isfinite(estimate(np.zeros((1, 1, 17, 3)))).all()


def test_a_level_camera_becomes_the_room_by_naming_axes() -> None:
    room = rotation_to_room(LEVEL)
    np.testing.assert_allclose(room @ [1, 0, 0], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(room @ [0, 1, 0], [0, 0, -1], atol=1e-12)
    np.testing.assert_allclose(room @ [0, 0, 1], [0, 1, 0], atol=1e-12)


def test_the_room_is_a_rotation_with_up_up_and_the_view_straight_ahead() -> None:
    rng = np.random.default_rng(0)
    for vector in [*rng.normal(size=(50, 3)), (0, 0, 1), (0, 0, -1), (0, -3, 0)]:
        room = rotation_to_room(np.array(vector))
        np.testing.assert_allclose(room @ room.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(room) == pytest.approx(1)
        np.testing.assert_allclose(room @ np.array(vector) / np.linalg.norm(vector), [0, 0, 1], atol=1e-9)
        ahead = room @ [0, 0, 1]
        assert ahead[0] == pytest.approx(0, abs=1e-9)
        assert ahead[1] >= -1e-9
    np.testing.assert_allclose(rotation_to_room(np.array([0, 0, -1.0])) @ LEVEL, [0, 1, 0], atol=1e-9)
    np.testing.assert_allclose(rotation_to_room(np.array([0, 0, 1.0])) @ LEVEL, [0, -1, 0], atol=1e-9)
    np.testing.assert_allclose(
        rotation_to_room(np.array([0, -0.06, -1.0])), rotation_to_room(np.array([0, 0, -1.0])), atol=0.1
    )


def test_what_is_no_direction_is_refused() -> None:
    for bad in (np.zeros(3), np.array([0, np.nan, 1.0]), np.ones(4)):
        with pytest.raises(ValueError, match="up: expected"):
            rotation_to_room(bad)
