"""Metrics against closed forms, against naive statements in loops, and by the laws they must obey."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from lifter import joints, metrics
from lifter.metrics import acceleration_error, auc, jerk, jerk_error, mpjpe, mpjve, n_mpjpe, p_mpjpe, pck
from lifter.metrics.correct import area

Doubles = NDArray[np.float64]
RANDOM = np.random.default_rng(7)
TRUTH = RANDOM.normal(0, 0.4, (9, 17, 3))
LIFTED = TRUTH + RANDOM.normal(0, 0.1, TRUTH.shape)
VALID = np.array([1, 1, 1, 0, 1, 1, 1, 1, 0], bool)
STILL = np.zeros((10, 17, 3))
STEPS = np.arange(10.0)[:, None, None]
ERRORS = (mpjpe, p_mpjpe, n_mpjpe, mpjve, acceleration_error, jerk_error)


# Naive statements: one frame, one joint at a time.


def naive_mean(rows: list[list[float]]) -> float:
    flat = [value for row in rows for value in row]
    return math.fsum(flat) / len(flat)


def naive_distances(p: Doubles, g: Doubles) -> list[list[float]]:
    return [[1000 * math.dist(a, b) for a, b in zip(x, y, strict=True)] for x, y in zip(p, g, strict=True)]


def naive_aligned(p: Doubles, g: Doubles) -> Doubles:
    """Each pose turned by scipy's Kabsch solver, scaled by numpy's least squares."""
    out = []
    for x, y in zip(p, g, strict=True):
        a, b = x - x.mean(axis=0), y - y.mean(axis=0)
        turned = Rotation.align_vectors(b, a)[0].apply(a)
        scale = np.linalg.lstsq(turned.reshape(-1, 1), b.reshape(-1), rcond=None)[0][0]
        out.append(scale * turned + y.mean(axis=0))
    return np.array(out)


def naive_rescaled(p: Doubles, g: Doubles) -> Doubles:
    pairs = zip(p, g, strict=True)
    return np.array([x * np.linalg.lstsq(x.reshape(-1, 1), y.reshape(-1), rcond=None)[0][0] for x, y in pairs])


def naive_steps(x: Doubles, weights: tuple[int, ...], valid: NDArray[np.bool_]) -> list[list[float]]:
    """Sizes of a weighted sum of frames in a row, where all of them are valid."""
    rows = []
    for t in range(len(x) - len(weights) + 1):
        if all(valid[t + i] for i in range(len(weights))):
            moves = [sum((w * x[t + i, j] for i, w in enumerate(weights)), np.zeros(3)) for j in range(x.shape[1])]
            rows.append([1000 * math.hypot(*move) for move in moves])
    return rows


NAIVE: dict[str, Callable[[Doubles, Doubles, NDArray[np.bool_]], float]] = {
    "mpjpe": lambda p, g, v: naive_mean(naive_distances(p[v], g[v])),
    "p_mpjpe": lambda p, g, v: naive_mean(naive_distances(naive_aligned(p, g)[v], g[v])),
    "n_mpjpe": lambda p, g, v: naive_mean(naive_distances(naive_rescaled(p, g)[v], g[v])),
    "mpjve": lambda p, g, v: naive_mean(naive_steps(p - g, (-1, 1), v)),
    "acceleration_error": lambda p, g, v: naive_mean(naive_steps(p - g, (1, -2, 1), v)),
    "jerk_error": lambda p, g, v: naive_mean(naive_steps(p - g, (-1, 3, -3, 1), v)),
    "pck": lambda p, g, v: naive_mean([[100.0 * (e < 150) for e in row] for row in naive_distances(p[v], g[v])]),
    "auc": lambda p, g, v: naive_mean(
        [[100.0 * (e < 5 * k) for e in row] for row in naive_distances(p[v], g[v]) for k in range(31)]
    ),
}


@pytest.mark.parametrize("name", NAIVE)
@pytest.mark.parametrize("valid", [None, VALID], ids=["all", "masked"])
def test_against_loops(name: str, valid: NDArray[np.bool_] | None) -> None:
    wanted = NAIVE[name](LIFTED, TRUTH, np.ones(len(TRUTH), bool) if valid is None else valid)
    assert getattr(metrics, name)(LIFTED, TRUTH, valid) == pytest.approx(wanted, rel=1e-12)


def test_any_number_of_joints() -> None:
    assert p_mpjpe(LIFTED[:, :14], TRUTH[:, :14]) == pytest.approx(
        naive_mean(naive_distances(naive_aligned(LIFTED[:, :14], TRUTH[:, :14]), TRUTH[:, :14]))
    )


# Places.


def test_mpjpe_of_a_known_offset() -> None:
    assert mpjpe(TRUTH + np.array([0.03, 0.0, 0.04]), TRUTH) == pytest.approx(50)


def test_p_mpjpe_forgets_rotation_scale_and_place_but_not_reflection() -> None:
    turned = 1.7 * TRUTH @ Rotation.from_euler("xyz", [0.3, 1.0, -2.0]).as_matrix() + [1, 2, 3]
    assert p_mpjpe(turned, TRUTH) < 1e-9
    assert p_mpjpe(TRUTH * [-1, 1, 1], TRUTH) > 50


def test_p_mpjpe_is_the_same_for_every_similar_prediction() -> None:
    turns = Rotation.random(len(LIFTED), rng=1).as_matrix()
    scales, moves = RANDOM.uniform(0.3, 3, (len(LIFTED), 1, 1)), RANDOM.normal(size=(len(LIFTED), 1, 3))
    assert p_mpjpe(scales * LIFTED @ turns + moves, TRUTH) == pytest.approx(p_mpjpe(LIFTED, TRUTH), rel=1e-9)
    assert p_mpjpe(LIFTED, TRUTH) < mpjpe(LIFTED, TRUTH)


def test_a_mirrored_prediction_is_turned_as_well_as_a_turn_can() -> None:
    """The least of the three axes is given up, not another: against scipy's solver."""
    mirrored = LIFTED * [-1, 1, 1]
    wanted = naive_mean(naive_distances(naive_aligned(mirrored, TRUTH), TRUTH))
    assert p_mpjpe(mirrored, TRUTH) == pytest.approx(wanted, rel=1e-9)


def test_p_mpjpe_is_the_least_squares_optimum() -> None:
    """A general optimiser over rotation, scale and translation finds no better squared error, and the same poses."""

    def aligned(x: Doubles) -> Doubles:
        return np.asarray(np.exp(x[3]) * LIFTED[0] @ Rotation.from_rotvec(x[:3]).as_matrix() + x[4:])

    best = minimize(lambda x: np.square(aligned(x) - TRUTH[0]).sum(), np.zeros(7), tol=1e-14)
    wanted = 1000 * np.linalg.norm(aligned(best.x) - TRUTH[0], axis=-1).mean()
    assert p_mpjpe(LIFTED[:1], TRUTH[:1]) == pytest.approx(wanted, rel=1e-5)


def test_n_mpjpe_forgets_scale_only() -> None:
    scales = RANDOM.uniform(0.3, 3, (len(LIFTED), 1, 1))
    assert n_mpjpe(scales * LIFTED, TRUTH) == pytest.approx(n_mpjpe(LIFTED, TRUTH), rel=1e-12)
    assert n_mpjpe(TRUTH * 3, TRUTH) < 1e-9
    assert n_mpjpe(TRUTH + 0.1, TRUTH) > 10
    assert n_mpjpe(TRUTH * 1e-3, TRUTH) < 1e-9  # also a pose of a millimetre
    assert p_mpjpe(TRUTH * 1e-3, TRUTH) < 1e-9


# Motion.


def test_velocity_and_acceleration_of_known_motions() -> None:
    moving = STILL + STEPS * [0.003, 0, 0.004]
    assert mpjve(moving, STILL) == pytest.approx(5)
    assert acceleration_error(moving, STILL) == pytest.approx(0, abs=1e-9)
    assert acceleration_error(STILL + STEPS**2 * 0.001, STILL) == pytest.approx(2 * math.sqrt(3))


def test_jerk_of_known_motions() -> None:
    cubic, square = STILL + STEPS**3 * [0.001, 0, 0], STILL + STEPS**2
    assert jerk(cubic) == pytest.approx(6)
    assert jerk(square) == pytest.approx(0, abs=1e-9)
    assert jerk_error(cubic, square) == pytest.approx(6)
    assert jerk(LIFTED, VALID) == pytest.approx(naive_mean(naive_steps(LIFTED, (-1, 3, -3, 1), VALID)))


@pytest.mark.parametrize("metric", [mpjve, acceleration_error, jerk_error])
def test_velocities_forget_a_constant_offset(metric: Callable[..., float]) -> None:
    assert metric(LIFTED + RANDOM.normal(size=(1, 17, 3)), TRUTH) == pytest.approx(metric(LIFTED, TRUTH))


def test_a_velocity_needs_both_its_frames() -> None:
    jump = STILL.copy()
    jump[5:] += [1.0, 0, 0]
    valid = np.ones(10, bool)
    assert mpjve(jump, STILL, valid) == pytest.approx(1000 / 9)
    valid[5] = False  # takes the jump away, and the step after it
    assert mpjve(jump, STILL, valid) == 0
    assert math.isnan(mpjve(jump, STILL, np.arange(10) % 2 == 0))


# Bones.


def test_bone_deviation_of_a_swinging_bone() -> None:
    """The left wrist goes to and fro by 30 mm along its forearm: one bone of 16 has a deviation of 30 mm."""
    pose = RANDOM.normal(0, 0.4, (17, 3))
    along = pose[13] - pose[12]
    motion = np.repeat(pose[None], 10, axis=0)
    motion[:, 13] += np.where(np.arange(10) % 2, 0.03, -0.03)[:, None] * along / np.linalg.norm(along)
    assert metrics.bone_deviation(motion) == pytest.approx(30 / 16)
    assert metrics.bone_deviation(motion, np.arange(10) % 2 == 0) == pytest.approx(0, abs=1e-9)
    turned = motion @ Rotation.random(10, rng=3).as_matrix() + RANDOM.normal(size=(10, 1, 3))
    assert metrics.bone_deviation(turned) == pytest.approx(30 / 16)


def test_bones_against_loops() -> None:
    lengths = [
        [1000 * math.dist(pose[joint], pose[parent]) for parent, joint in joints.LIMBS] for pose in LIFTED[VALID]
    ]
    deviations = [math.sqrt(sum((x - sum(c) / len(c)) ** 2 for x in c) / len(c)) for c in zip(*lengths, strict=True)]
    assert metrics.bone_deviation(LIFTED, VALID) == pytest.approx(sum(deviations) / 16)
    by_joint = [{joint: row[i] for i, (_, joint) in enumerate(joints.LIMBS)} for row in lengths]
    gaps = [[abs(row[a] - row[b]) for a, b in zip(joints.LEFT, joints.RIGHT, strict=True)] for row in by_joint]
    pairs = [(joints.NAMES[a], joints.NAMES[b]) for a, b in zip(joints.LEFT, joints.RIGHT, strict=True)]
    assert all(a.replace("left", "right") == b for a, b in pairs)
    assert metrics.bone_asymmetry(LIFTED, VALID) == pytest.approx(naive_mean(gaps))


def test_a_mirrored_body_is_as_asymmetric_and_a_symmetric_one_not_at_all() -> None:
    assert metrics.bone_asymmetry(joints.mirror(LIFTED)) == pytest.approx(metrics.bone_asymmetry(LIFTED))
    assert metrics.bone_asymmetry(LIFTED + joints.mirror(LIFTED)) == pytest.approx(0, abs=1e-9)


def test_bones_want_the_whole_skeleton() -> None:
    with pytest.raises(ValueError, match="17 joints wanted to measure bones, got 14"):
        metrics.bone_deviation(LIFTED[:, :14])


# PCK and AUC.


def test_pck_is_strict() -> None:
    exact = STILL + np.array([0.15, 0, 0])
    assert pck(exact, STILL) == 0
    assert pck(exact - [1e-12, 0, 0], STILL) == 100
    assert pck(exact, STILL, threshold_mm=150.1) == 100


def test_auc_of_known_errors() -> None:
    """At zero error only the threshold 0 fails; at 150 mm and beyond all do; at exactly 5 k mm, k + 1 do."""
    assert auc(TRUTH, TRUTH) == pytest.approx(100 * 30 / 31)
    assert auc(STILL + np.array([0.15, 0, 0]), STILL) == 0
    steps = np.arange(31) * 5.0
    assert area(steps) == pytest.approx(100 * (30 - np.arange(31)) / 31)
    assert area(np.nextafter(steps[1:], 0)) == pytest.approx(100 * (31 - np.arange(1, 31)) / 31)


def test_only_the_score_joints_count() -> None:
    half = STILL.copy()
    half[:, :8] += 1.0
    assert pck(half, STILL) == pytest.approx(100 * 9 / 17)
    assert pck(half, STILL, score_joints=range(8)) == 0
    assert auc(half, STILL, score_joints=range(6, 10)) == pytest.approx(50 * 30 / 31)


# Bad and poor input.


@pytest.mark.parametrize("metric", [*ERRORS, pck, auc])
def test_degenerate_poses_stay_finite(metric: Callable[..., float]) -> None:
    zero, constant = np.zeros_like(TRUTH), np.repeat(TRUTH[:1], len(TRUTH), axis=0)
    on_a_line = zero + np.arange(17)[:, None]
    for poor in (zero, constant, on_a_line, np.ones_like(TRUTH)):
        assert math.isfinite(metric(poor, TRUTH))
        assert math.isfinite(metric(TRUTH, poor))
        assert math.isfinite(metric(poor, poor))


def test_a_pose_of_zeros_is_as_wrong_as_the_truth_is_wide() -> None:
    spread = 1000 * np.linalg.norm(TRUTH - TRUTH.mean(axis=1, keepdims=True), axis=-1).mean()
    assert p_mpjpe(np.zeros_like(TRUTH), TRUTH) == pytest.approx(spread)
    assert n_mpjpe(np.zeros_like(TRUTH), TRUTH) == pytest.approx(1000 * np.linalg.norm(TRUTH, axis=-1).mean())


@pytest.mark.filterwarnings("error")
def test_nothing_to_measure_is_no_number() -> None:
    never = np.zeros(len(TRUTH), bool)
    for metric in (*ERRORS, pck, auc):
        assert math.isnan(metric(LIFTED, TRUTH, never))
    for alone in (jerk, metrics.bone_deviation, metrics.bone_asymmetry):
        assert math.isnan(alone(LIFTED, never))
    assert math.isnan(mpjve(LIFTED[:1], TRUTH[:1]))
    assert math.isnan(jerk(LIFTED[:3]))


def test_single_precision_is_widened() -> None:
    far = np.full((1, 17, 3), 4096.0, np.float32)
    near = np.nextafter(far, np.float32(0))
    assert mpjpe(far, near) == pytest.approx(1000 * math.sqrt(3) * 2.0**-12)
    # Numbers whose squares single precision cannot hold.
    huge = (LIFTED * 1e20).astype(np.float32)
    assert metrics.bone_deviation(huge) == pytest.approx(1e20 * metrics.bone_deviation(LIFTED), rel=1e-6)
    assert jerk(huge) == pytest.approx(1e20 * jerk(LIFTED), rel=1e-6)
    assert mpjve(huge, -huge) == pytest.approx(2e20 * mpjve(LIFTED, np.zeros_like(LIFTED)), rel=1e-6)


def test_wrong_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="two equal shapes"):
        mpjpe(TRUTH, TRUTH[:, :16])
    with pytest.raises(ValueError, match="valid \\(9,\\) bool"):
        mpjpe(TRUTH, TRUTH, np.ones(9))
    with pytest.raises(ValueError, match="valid \\(9,\\) bool"):
        mpjve(TRUTH, TRUTH, np.ones(8, bool))
    for wrong in (TRUTH[0], TRUTH[:, :, :2], TRUTH[:0], TRUTH[None], TRUTH[:, :0]):
        with pytest.raises(ValueError, match=re.escape(f"metrics: positions (T, J, 3) wanted, got {wrong.shape}")):
            jerk(wrong)
        two = re.escape(f"metrics: two equal shapes (T, J, 3) wanted, got {wrong.shape} and {wrong.shape}")
        with pytest.raises(ValueError, match=two):
            mpjpe(wrong, wrong)
