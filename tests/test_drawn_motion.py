"""The drawn person's motions: bodies stay whole, feet stand and do not slide, time may be sliced at any rate."""

from __future__ import annotations

import numpy as np
import pytest

from render.drawn import JOINTS, PARENTS, Skeleton, demo_motion, squat, walk, wave

MOTIONS = {
    "walk": lambda fps: walk(4, fps),
    "turning walk": lambda fps: walk(4, fps, turn=1.2),
    "march": lambda fps: walk(4, fps, speed=0),
    "wave": lambda fps: wave(3, fps),
    "squat": lambda fps: squat(5, fps),
    "demo": lambda fps: demo_motion(10, fps),
    "short demo": lambda fps: demo_motion(4, fps),
}
FPS = 50.0


@pytest.fixture(params=MOTIONS, scope="module")
def joints(request: pytest.FixtureRequest) -> np.ndarray:
    return MOTIONS[request.param](FPS)


def at(joints: np.ndarray, name: str) -> np.ndarray:
    return joints[:, JOINTS.index(name)]


def flexion(joints: np.ndarray, upper: str, middle: str, lower: str) -> np.ndarray:
    """Degrees by which a hinge is bent; 0 is straight."""
    a, b = at(joints, middle) - at(joints, upper), at(joints, lower) - at(joints, middle)
    cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def test_bones_keep_their_lengths_and_are_the_same_on_both_sides(joints: np.ndarray) -> None:
    lengths = np.linalg.norm(joints - joints[:, list(PARENTS)], axis=-1)
    assert np.ptp(lengths, axis=0).max() < 1e-5
    for name in JOINTS:
        if name.startswith("left_"):
            other = JOINTS.index(name.replace("left", "right"))
            assert lengths[0, JOINTS.index(name)] == pytest.approx(lengths[0, other], abs=1e-6)


def test_feet_stay_above_the_floor_and_one_of_them_stands_still(joints: np.ndarray) -> None:
    sole = 0.085
    ankles = np.stack([at(joints, "right_ankle"), at(joints, "left_ankle")])
    assert ankles[..., 2].min() > sole - 1e-4
    assert ankles[..., 2].min(axis=0).max() < sole + 0.03, "nobody flies"
    for ankle in ankles:
        standing = ankle[:, 2] < sole + 0.002
        for run in np.split(np.arange(len(ankle)), np.flatnonzero(np.diff(standing)) + 1):
            if standing[run[0]]:
                assert np.ptp(ankle[run, :2], axis=0).max() < 0.02


def test_movement_is_smooth(joints: np.ndarray) -> None:
    acceleration = np.linalg.norm(np.diff(joints, 2, axis=0), axis=-1) * FPS**2
    assert acceleration[:, 0].max() < 8, "pelvis, m/s2"
    assert acceleration.max() < 60, "any joint, m/s2"


def test_knees_and_elbows_bend_as_they_can(joints: np.ndarray) -> None:
    for side in ("left", "right"):
        assert flexion(joints, f"{side}_hip", f"{side}_knee", f"{side}_ankle").min() > 0
        assert flexion(joints, f"{side}_hip", f"{side}_knee", f"{side}_ankle").max() < 140
        assert flexion(joints, f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist").max() < 150
        # A knee bends forward: it lies before the line from hip to ankle.
        hip, knee, ankle = (at(joints, f"{side}_{name}") for name in ("hip", "knee", "ankle"))
        across = at(joints, "left_hip") - at(joints, "right_hip")
        forward = np.cross(across, [0.0, 0.0, 1.0])
        assert (((knee - (hip + ankle) / 2) * forward).sum(-1) > 0).all()


def test_arms_swing_against_the_legs() -> None:
    joints = walk(6, FPS)
    wrist = (at(joints, "right_wrist") - at(joints, "left_wrist"))[:, 0]
    ankle = (at(joints, "right_ankle") - at(joints, "left_ankle"))[:, 0]
    assert np.corrcoef(wrist, ankle)[0, 1] < -0.8


def test_walk_covers_its_way_and_turns_about_its_circle() -> None:
    straight = walk(4, FPS, speed=1.0)
    assert at(straight, "pelvis")[-1, 0] - at(straight, "pelvis")[0, 0] == pytest.approx(4, abs=0.1)
    turning = at(walk(8, FPS, speed=0.9, turn=0.9), "pelvis")
    # To the left with radius v / turn = 1 m about (0, 1).
    assert np.linalg.norm(turning[:, :2] - [0, 1], axis=-1) == pytest.approx(1, abs=0.06)


def test_the_left_side_is_left_and_the_right_hand_waves() -> None:
    joints = wave(3, FPS)
    assert (at(joints, "left_shoulder")[:, 1] > at(joints, "right_shoulder")[:, 1] + 0.3).all()
    assert (at(joints, "right_wrist")[:, 2] > at(joints, "neck")[:, 2]).all()
    assert (at(joints, "left_wrist")[:, 2] < at(joints, "spine")[:, 2]).all()
    assert np.ptp(at(joints, "right_wrist")[:, 1]) > 0.15


def test_squat_goes_down_and_comes_up() -> None:
    joints = squat(5.2, FPS)
    height = at(joints, "pelvis")[:, 2]
    assert height.max() > 0.88
    assert height.min() < 0.62
    lowest = np.flatnonzero((height[1:-1] < height[:-2]) & (height[1:-1] <= height[2:]) & (height[1:-1] < 0.7))
    assert len(lowest) == 2


def test_demo_ends_where_the_camera_looks_and_holds_all_three() -> None:
    joints = demo_motion(12, FPS)
    assert joints.shape == (600, 17, 3)
    assert joints.dtype == np.float32
    assert np.abs(at(joints, "pelvis")[-1, :2]).max() < 0.2
    assert np.ptp(at(joints, "pelvis")[:280, :2], axis=0).min() > 0.8, "a walk on a curve"
    assert (at(joints, "right_wrist") - at(joints, "neck"))[300:420, 2].max() > 0, "a wave"
    assert at(joints, "pelvis")[430:, 2].min() < 0.65, "squats"


@pytest.mark.parametrize("make", [walk, wave, squat, demo_motion])
def test_the_frame_rate_only_samples_the_motion(make) -> None:  # type: ignore[no-untyped-def]
    # Two rates meet exactly wherever both fall on a point of the inner grid.
    assert make(3, 60)[::3] == pytest.approx(make(3, 20), abs=1e-5)


def test_a_scaled_body_is_larger_in_every_bone() -> None:
    child, adult = (wave(0.1, 10, skeleton=Skeleton().scaled(height))[0] for height in (1.2, 1.72))
    child, adult = (np.linalg.norm(body - body[list(PARENTS)], axis=-1)[1:] for body in (child, adult))
    assert child == pytest.approx(adult * 1.2 / 1.72, abs=1e-5)


@pytest.mark.parametrize(
    "call",
    [lambda: walk(0, 30), lambda: wave(2, 0), lambda: walk(2, 30, speed=3), lambda: Skeleton().scaled(17.2)],
)
def test_nonsense_is_refused(call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="expected"):
        call()
