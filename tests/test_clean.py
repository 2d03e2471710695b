"""Cleaning: swapped sides are put right and turning people left alone; spikes go, gaps fill, the rest stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detectors.joints import H36M_17, MEDIAPIPE_33
from pipeline.adapter import adapt
from pipeline.clean import FILLED, SWAPPED, clean, swap_sides

J = {name: index for index, name in enumerate(H36M_17)}
MULTIVIEW = Path(__file__).parents[1] / ".." / "shared" / "data" / "multiview"
PIXELS = 300.0  # per metre


def walker(
    seconds: float = 4, fps: float = 30, turns: float = 0, heading: float = 0.3, noise: float = 0.01, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (T, 17, 2) pixels, (T, 17) scores, (T,) seconds of one who walks on the spot and turns so often a second.

    Args:
        seconds: length.
        fps: frames per second.
        turns: whole turns per second.
        heading: radians at the start; 0 faces the camera.
        noise: metres.
        seed: of the noise.
    """
    t = np.arange(round(seconds * fps)) / fps
    places = np.zeros((len(t), 17, 3))  # metres, x left of the person, y up, z ahead
    swing = 0.45 * np.sin(2 * np.pi * t)
    for name, x, y in (("spine", 0, 0.25), ("thorax", 0, 0.5), ("neck", 0, 0.6), ("head", 0, 0.75)):
        places[:, J[name], :2] = x, y
    for side, sign in (("left", 1), ("right", -1)):
        leg, arm = sign * swing, -sign * swing
        thigh = np.stack([0 * t, -0.42 * np.cos(leg), 0.42 * np.sin(leg)], axis=-1)
        upper = np.stack([0 * t, -0.28 * np.cos(arm), 0.28 * np.sin(arm)], axis=-1)
        fore = np.stack([0 * t, -0.25 * np.cos(arm + 0.4), 0.25 * np.sin(arm + 0.4)], axis=-1)
        places[:, J[f"{side}_hip"], 0] = sign * 0.12
        places[:, J[f"{side}_knee"]] = places[:, J[f"{side}_hip"]] + thigh
        places[:, J[f"{side}_ankle"]] = places[:, J[f"{side}_knee"]] + thigh
        places[:, J[f"{side}_shoulder"], :2] = sign * 0.18, 0.47
        places[:, J[f"{side}_elbow"]] = places[:, J[f"{side}_shoulder"]] + upper + (sign * 0.05, 0, 0)
        places[:, J[f"{side}_wrist"]] = places[:, J[f"{side}_elbow"]] + fore
    angle = heading + 2 * np.pi * turns * t[:, None]
    across = np.cos(angle) * places[..., 0] + np.sin(angle) * places[..., 2]
    keypoints = np.stack([across, -places[..., 1]], axis=-1) * PIXELS + (500, 400)
    keypoints += np.random.default_rng(seed).normal(0, noise * PIXELS, keypoints.shape)
    return keypoints.astype(np.float32), np.full((len(t), 17), 0.9, np.float32), t


def clean_one(keypoints, scores, timestamps, valid=None):
    valid = np.ones(len(keypoints), bool) if valid is None else valid
    got = clean(keypoints[None], scores[None], valid[None], timestamps)
    return got.keypoints[0], got.scores[0], got.repairs[0], got.notes


def swapped_in(keypoints, scores, frames, groups=(0, 1)):
    swapped = np.zeros((len(keypoints), 2), bool)
    swapped[np.ix_(frames, groups)] = True
    return swap_sides(keypoints, scores, swapped)


@pytest.mark.parametrize("groups", [(0, 1), (0,), (1,)], ids=["whole body", "arms", "legs"])
@pytest.mark.parametrize("frames", [[60], [40, 41], range(30, 70), range(12), range(110, 120), [20, 50, 52, 90]])
def test_swapped_frames_are_put_right_single_ones_and_long_runs_alike(frames, groups) -> None:
    keypoints, scores, t = walker()
    broken, broken_scores = swapped_in(keypoints, scores, list(frames), groups)
    got, got_scores, repairs, notes = clean_one(broken, broken_scores, t)
    np.testing.assert_array_equal(got, keypoints)
    np.testing.assert_array_equal(got_scores, scores)
    touched = (repairs & SWAPPED).any(axis=1)
    assert set(np.flatnonzero(touched)) == set(frames)
    assert not (repairs & FILLED).any()
    assert len(notes) == 1
    assert f"swapped back in {len(frames)} frames" in notes[0]


@pytest.mark.parametrize(
    ("fps", "turns"),
    [(5, 0.25), (5, 1), (5, 3), (10, 0.5), (10, 1), (15, 1), (24, 1), (30, 0.1), (30, 0.25), (30, 1), (30, 2), (60, 3)],
)
def test_a_person_who_turns_is_left_alone(fps: float, turns: float) -> None:
    for seed in range(3):
        keypoints, scores, t = walker(fps=fps, turns=turns, heading=seed, seed=seed)
        got, _, repairs, notes = clean_one(keypoints, scores, t)
        np.testing.assert_array_equal(got, keypoints)
        assert not repairs.any()
        assert notes == []


@pytest.mark.parametrize("heading", [0.0, np.pi / 2, np.pi, 2.0])
def test_a_walker_is_left_alone_from_every_side(heading: float) -> None:
    keypoints, scores, t = walker(heading=heading, noise=0.015)
    assert not clean_one(keypoints, scores, t)[2].any()


def test_a_swap_during_a_slow_turn_is_put_right_and_the_turn_kept() -> None:
    keypoints, scores, t = walker(turns=0.25, heading=0)
    broken, _ = swapped_in(keypoints, scores, list(range(45, 75)))  # the back is turned at frame 60
    np.testing.assert_array_equal(clean_one(broken, scores, t)[0], keypoints)


def test_a_collapsed_frame_between_right_and_swapped_does_not_hide_the_swap() -> None:
    keypoints, scores, t = walker(fps=60)
    broken, _ = swapped_in(keypoints, scores, list(range(100, 140)))
    for frame in (99, 140):
        for pair in (("left_" + part, "right_" + part) for part in ("shoulder", "elbow", "wrist", "hip", "knee")):
            both = [J[name] for name in pair]
            broken[frame, both] = broken[frame, both].mean(axis=0)
    got = clean_one(broken, scores, t)[0]
    np.testing.assert_array_equal(got[100:140], keypoints[100:140])
    np.testing.assert_array_equal(got[:99], keypoints[:99])
    np.testing.assert_array_equal(got[141:], keypoints[141:])


def test_cleaning_commutes_with_mirroring_moving_and_scaling() -> None:
    keypoints, scores, t = walker()
    broken, _ = swapped_in(keypoints, scores, list(range(30, 60)))
    scores[80:90, J["left_knee"]] = 0
    plain = clean_one(broken, scores, t)
    twin = [J[n.replace("left", "right") if "left" in n else n.replace("right", "left")] for n in H36M_17]
    mirrored = clean_one((broken * (-0.5, 0.5) + (900, 10))[:, twin].astype("f4"), scores[:, twin], t)
    np.testing.assert_allclose(mirrored[0], (plain[0] * (-0.5, 0.5) + (900, 10))[:, twin], atol=1e-2)
    np.testing.assert_array_equal(mirrored[2], plain[2][:, twin])


def test_a_spike_is_taken_out_and_a_fast_wave_is_kept() -> None:
    keypoints, scores, t = walker(noise=0.003)
    wrist = J["right_wrist"]
    keypoints[:, wrist, 1] -= 0.3 * PIXELS * np.sin(2 * np.pi * 3 * t)  # three waves a second, 0.6 m
    broken = keypoints.copy()
    broken[50, wrist] += (0, 250)
    broken[70:72, J["left_ankle"]] = 10
    got, got_scores, repairs, notes = clean_one(broken, scores, t)
    hit = np.zeros(repairs.shape, bool)
    hit[50, wrist] = hit[70:72, J["left_ankle"]] = True
    np.testing.assert_array_equal((repairs & FILLED) > 0, hit)
    np.testing.assert_array_equal(got[~hit], keypoints[~hit])
    assert np.linalg.norm(got[hit] - keypoints[hit], axis=-1).max() < 0.1 * PIXELS
    assert (got_scores[hit] == 0).all()
    assert notes == ["person 1: 3 key points filled in (0.1%), 3 of them outliers"]


def test_short_gaps_are_interpolated_and_long_ones_held_on_the_moving_body() -> None:
    keypoints, scores, t = walker(noise=0)
    keypoints[..., 0] += 60 * t[:, None]  # the whole body moves to the right
    broken, low = keypoints.copy(), scores.copy()
    short, long = slice(20, 26), slice(50, 110)
    for frames, joint in ((short, J["left_wrist"]), (long, J["head"])):
        broken[frames, joint], low[frames, joint] = (0, 0), 0.05
    got, got_scores, repairs, _ = clean_one(broken, low, t)
    assert (
        np.linalg.norm(got[short, J["left_wrist"]] - keypoints[short, J["left_wrist"]], axis=-1).max() < 0.03 * PIXELS
    )
    np.testing.assert_allclose(got[long, J["head"]], keypoints[long, J["head"]], atol=2)  # the head rides along
    assert (got_scores[long, J["head"]] == 0).all()
    assert ((repairs & FILLED) > 0).sum() == 66


def test_garbage_and_absence_stay_finite_and_near_the_body() -> None:
    keypoints, scores, t = walker()
    valid = np.ones(len(t), bool)
    valid[:20] = valid[60:90] = False
    keypoints[~valid] = 0
    for name in ("left_ankle", "right_ankle", "pelvis", "head"):  # out of the picture for the whole film
        keypoints[:, J[name]], scores[:, J[name]] = 0, 0
    got, got_scores, repairs, _ = clean_one(keypoints, scores, t, valid)
    assert np.isfinite(got).all()
    assert np.abs(got - (500, 400)).max() < 1.5 * PIXELS
    assert not repairs[~valid].any()
    assert not got_scores[~valid].any()
    assert (got[:, J["left_ankle"], 1] > got[:, J["left_knee"], 1] + 50).all()


def test_nobody_nothing_and_a_single_frame_are_legal() -> None:
    nobody = clean(np.zeros((0, 9, 17, 2)), np.zeros((0, 9, 17)), np.zeros((0, 9), bool), np.arange(9.0))
    assert nobody.keypoints.shape == (0, 9, 17, 2)
    unseen = clean_one(np.zeros((5, 17, 2), "f4"), np.zeros((5, 17), "f4"), np.arange(5.0))
    assert np.isfinite(unseen[0]).all()
    keypoints, scores, _ = walker(seconds=1 / 30)
    np.testing.assert_array_equal(clean_one(keypoints, scores, np.zeros(1))[0], keypoints)


def mediapipe_on(film: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return key points, scores and seconds of MediaPipe on a film, adapted to Human3.6M-17."""
    cv2 = pytest.importorskip("cv2")
    pose_module = pytest.importorskip("mediapipe").solutions.pose
    capture, found = cv2.VideoCapture(str(film)), []
    with pose_module.Pose(model_complexity=1) as pose:
        while (read := capture.read())[0]:
            height, width = read[1].shape[:2]
            marks = pose.process(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB)).pose_landmarks
            found.append(
                [(m.x * width, m.y * height, m.visibility) for m in marks.landmark] if marks else [(0,) * 3] * 33
            )
    array = np.array(found)
    return *adapt(array[..., :2], array[..., 2], MEDIAPIPE_33), np.arange(len(array)) / capture.get(cv2.CAP_PROP_FPS)


def sides_right(keypoints: np.ndarray, camera: str) -> np.ndarray:
    """Return (T, 2): left is nearer to the true left than to the true right, for arms and legs."""
    import tomllib

    import cv2

    calibration = tomllib.loads((MULTIVIEW / "calibration.toml").read_text())[camera]
    with np.load(MULTIVIEW / "reference.npz", allow_pickle=False) as reference:
        positions, names = reference["positions"].astype(float), [str(name) for name in reference["names"]]
    rotation, translation = np.array(calibration["rotation"]), np.array(calibration["translation"])
    lens = np.array(calibration["matrix"]), np.array(calibration["distortions"])
    truth = cv2.projectPoints(positions.reshape(-1, 3), rotation, translation, *lens)[0].reshape(len(positions), -1, 2)
    right = []
    for parts in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")):
        same = other = 0
        for side, twin in (("left", "R"), ("right", "L")):
            for part in parts:
                place = keypoints[:, J[f"{side}_{part}"]]
                own = "L" if twin == "R" else "R"
                same = same + np.linalg.norm(place - truth[:, names.index(own + part.title())], axis=-1)
                other = other + np.linalg.norm(place - truth[:, names.index(twin + part.title())], axis=-1)
        right.append(same < other)
    return np.stack(right, axis=-1)


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(("camera", "before"), [("cam_02", 75), ("cam_03", 100)])
def test_mediapipes_swap_on_a_real_film_is_put_right(camera: str, before: int) -> None:
    film = MULTIVIEW / f"p2s_single_{camera.replace('_', '')}.mp4"
    if not film.exists():
        pytest.skip(f"{film} is not beside this checkout")
    keypoints, scores, t = mediapipe_on(film)
    assert sides_right(keypoints, camera).all(axis=1).sum() <= before
    got, _, repairs, _ = clean_one(keypoints, scores, t)
    assert sides_right(got, camera).all(axis=1).sum() >= 98
    if before == 100:
        assert not (repairs & SWAPPED).any()
