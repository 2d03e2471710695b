"""From the lifter's axes to the camera's: what its two faults do to a standing person is undone, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_upright import angle, person

from pipeline import orient as module
from pipeline.camera import Camera, pitch_and_roll, up_of
from pipeline.orient import orient

SIZE, FOCAL = (1000, 800), 900.0
LEVEL = np.array([0.0, -1.0, 0.0])


def seen(pitch: float, roll: float, at: tuple[float, float] = (500, 400)) -> tuple[np.ndarray, np.ndarray]:
    """Return what a lifter shows of a person (1, T, 17, 3) who stands somewhere, and the pelvis' pixels.

    Written from the other side than the module: the body is turned to the camera, to the way of looking at it, and then
    by the difference between the true pitch and the one shown.
    """
    body = person()
    camera = Rotation.align_vectors(np.array([up_of(pitch, roll)]), LEVEL[None])[0]
    ray = np.array([*(np.array(at) - np.array(SIZE) / 2) / FOCAL, 1.0])
    looking = Rotation.align_vectors(ray[None] / np.linalg.norm(ray), np.array([[0.0, 0, 1]]))[0].inv()
    p, r = pitch_and_roll(looking.apply(up_of(pitch, roll)))
    shown = module._TOWARD + module._SHOWN * (p - module._TOWARD)
    pull = Rotation.align_vectors(np.array([up_of(shown, r)]), np.array([up_of(p, r)]))[0]
    lifted = (pull * looking * camera).apply(body.reshape(-1, 3)).reshape(body.shape)
    return lifted, np.broadcast_to(np.array(at), (*body.shape[:3], 2))


def oriented(
    lifted: np.ndarray, pixels: np.ndarray, camera: Camera, placed: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    frames = lifted.shape[1]
    scores, valid = np.full(lifted.shape[:3], 0.9, np.float32), np.ones(lifted.shape[:2], bool)
    return orient(lifted, pixels, scores, valid, np.arange(frames) / 25, SIZE, camera, placed)


@pytest.mark.parametrize("at", [(500, 400), (100, 650), (900, 200)])
@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (30, 0), (-25, 20), (40, -35)])
def test_tilt_and_pose_are_found_wherever_the_person_stands(pitch: float, roll: float, at: tuple[float, float]) -> None:
    lifted, pixels = seen(pitch, roll, at)
    positions, up = oriented(lifted, pixels, Camera(focal=FOCAL))
    assert angle(up, np.array(up_of(pitch, roll))) < 2
    truth = Rotation.align_vectors(np.array([up_of(pitch, roll)]), LEVEL[None])[0].apply(person().reshape(-1, 3))
    assert np.linalg.norm(positions.reshape(-1, 3) - truth, axis=-1).mean() < 0.03


def test_poses_are_only_turned_as_a_whole() -> None:
    lifted, pixels = seen(30, 10, (200, 600))
    positions, _ = oriented(lifted, pixels, Camera())
    np.testing.assert_allclose(
        np.linalg.norm(positions[:, :, 1:] - positions[:, :, :-1], axis=-1),
        np.linalg.norm(lifted[:, :, 1:] - lifted[:, :, :-1], axis=-1),
        atol=1e-5,
    )
    turns = [Rotation.align_vectors(b[1:], a[1:])[0] for a, b in zip(lifted[0], positions[0], strict=True)]
    assert max((turn * turns[0].inv()).magnitude() for turn in turns) < 1e-3


@pytest.mark.parametrize("known", [(20, 0), (-10, 30)])
def test_a_known_camera_is_believed_and_people_stand_upright_in_it(known: tuple[float, float]) -> None:
    """Even where the lifter shows another tilt than the one we expect of it: here 8 degrees off."""
    lifted, pixels = seen(*known)
    lifted = Rotation.from_euler("x", 8, degrees=True).apply(lifted.reshape(-1, 3)).reshape(lifted.shape)
    positions, up = oriented(lifted, pixels, Camera(*known))
    np.testing.assert_allclose(up, up_of(*known), atol=1e-6)
    way = positions[0, :, 8] - positions[0, :, [3, 6]].mean(axis=0)
    assert angle(way.mean(axis=0) / np.linalg.norm(way.mean(axis=0)), up) < 2


def test_one_known_angle_is_kept_and_the_other_estimated() -> None:
    lifted, pixels = seen(25, 12)
    _, up = oriented(lifted, pixels, Camera(roll=0.0))
    pitch, roll = pitch_and_roll(up.tolist())
    assert roll == pytest.approx(0, abs=1e-4)
    assert pitch == pytest.approx(25, abs=2)


def test_a_lifter_that_saw_the_place_is_taken_at_its_word() -> None:
    lifted, pixels = seen(0, 0, (900, 700))
    positions, _ = oriented(lifted, pixels, Camera(), placed=True)
    np.testing.assert_allclose(positions, lifted, atol=1e-6)


def test_nobody_and_rows_without_meaning_are_legal() -> None:
    positions, up = oriented(np.zeros((0, 5, 17, 3)), np.zeros((0, 5, 17, 2)), Camera())
    assert positions.shape == (0, 5, 17, 3)
    np.testing.assert_allclose(up, LEVEL, atol=1e-6)
    positions, up = oriented(np.zeros((1, 1, 17, 3)), np.zeros((1, 1, 17, 2)), Camera(90.0, 0.0))
    assert np.isfinite(positions).all() and np.isfinite(up).all()
    _, up = oriented(np.zeros((1, 3, 17, 3)), np.zeros((1, 3, 17, 2)), Camera())
    np.testing.assert_allclose(up, LEVEL, atol=1e-6)
