"""The scripted walker: always the same, in the picture, human, and walking."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import registry
from detectors.base import DetectorOptions
from detectors.joints import COCO_17


def walk(width: int = 640, height: int = 480, seconds: float = 20, fps: float = 25) -> np.ndarray:
    """Return the walk (T, 17, 2)."""
    frame = np.zeros((height, width, 3), np.uint8)
    detector = registry.create("scripted", DetectorOptions(fps=fps))
    assert detector.joints == COCO_17
    return np.concatenate([people.keypoints for people in detector([frame] * round(seconds * fps))])


@pytest.mark.parametrize(("width", "height"), [(640, 480), (480, 640), (3840, 2160), (320, 64), (64, 320)])
def test_the_walker_stays_in_the_picture_head_up(width: int, height: int) -> None:
    points = walk(width, height)
    assert (points >= 0).all()
    assert (points <= (width, height)).all()
    rise = {name: points[:, k, 1] for k, name in enumerate(COCO_17)}
    assert (rise["nose"] < rise["left_shoulder"]).all()
    assert (rise["left_shoulder"] < rise["left_hip"]).all()
    assert (rise["left_hip"] < np.minimum(rise["left_ankle"], rise["right_ankle"])).all()


def test_the_walk_is_in_seconds_and_the_same_every_time() -> None:
    np.testing.assert_array_equal(walk(), walk())
    np.testing.assert_allclose(walk(fps=50)[::2], walk(fps=25), atol=1e-3)


def test_limbs_keep_their_length_and_nothing_jumps() -> None:
    points = walk()
    size = 0.6 * 480
    assert np.linalg.norm(np.diff(points, axis=0), axis=-1).max() < 0.1 * size
    thigh = np.linalg.norm(points[25:100, 11] - points[25:100, 13], axis=-1)  # between two turns
    np.testing.assert_allclose(thigh, 0.245 * size, rtol=1e-3)


def test_the_feet_step_in_turn_and_the_body_goes_to_and_fro() -> None:
    points = walk(width=1280, seconds=16)
    feet = points[:150, 15, 0] - points[:150, 16, 0]
    steps = np.count_nonzero(np.diff(np.sign(feet)))
    assert steps == pytest.approx(6 * 0.9 * 2, abs=2)
    across = points[:, 11:13, 0].mean(1)
    assert np.ptp(across) > 0.5 * 1280
