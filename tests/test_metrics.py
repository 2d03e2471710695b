"""Metrics against closed forms and against an independent optimiser."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from lifter.metrics import acceleration_error, mpjpe, mpjve, n_mpjpe, p_mpjpe

RANDOM = np.random.default_rng(7)
TRUTH = RANDOM.normal(0, 0.4, (5, 17, 3))


def test_mpjpe_of_a_known_offset() -> None:
    assert mpjpe(TRUTH + np.array([0.03, 0.0, 0.04]), TRUTH) == pytest.approx(50)


def test_p_mpjpe_forgets_rotation_scale_and_place_but_not_reflection() -> None:
    turned = 1.7 * TRUTH @ Rotation.from_euler("xyz", [0.3, 1.0, -2.0]).as_matrix() + [1, 2, 3]
    assert p_mpjpe(turned, TRUTH) < 1e-9
    assert p_mpjpe(TRUTH * [-1, 1, 1], TRUTH) > 50


def test_p_mpjpe_is_the_least_squares_optimum() -> None:
    """A general optimiser over rotation, scale and translation finds no better squared error, and the same poses."""
    predicted = TRUTH[:1] + RANDOM.normal(0, 0.1, TRUTH[:1].shape)

    def aligned(x: np.ndarray) -> np.ndarray:
        return np.exp(x[3]) * predicted[0] @ Rotation.from_rotvec(x[:3]).as_matrix() + x[4:]

    best = minimize(lambda x: np.square(aligned(x) - TRUTH[0]).sum(), np.zeros(7), tol=1e-14)
    wanted = 1000 * np.linalg.norm(aligned(best.x) - TRUTH[0], axis=-1).mean()
    assert p_mpjpe(predicted, TRUTH[:1]) == pytest.approx(wanted, rel=1e-5)


def test_n_mpjpe_forgets_scale_only() -> None:
    assert n_mpjpe(TRUTH * 3, TRUTH) < 1e-9
    assert n_mpjpe(TRUTH + 0.1, TRUTH) > 10


def test_velocity_and_acceleration_of_known_motions() -> None:
    still = np.zeros((10, 17, 3))
    moving = still + np.arange(10)[:, None, None] * [0.003, 0, 0.004]
    assert mpjve(moving, still) == pytest.approx(5)
    assert acceleration_error(moving, still) == pytest.approx(0)
    assert acceleration_error(np.square(np.arange(10))[:, None, None] * np.full(3, 0.001) + still, still) == (
        pytest.approx(2 * np.sqrt(3))
    )


def test_degenerate_poses_stay_finite() -> None:
    zero = np.zeros((2, 17, 3))
    for metric in (mpjpe, p_mpjpe, n_mpjpe, mpjve, acceleration_error):
        assert np.isfinite(metric(zero, TRUTH[:2]))
        assert np.isfinite(metric(TRUTH[:2], zero))


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="two equal shapes"):
        mpjpe(TRUTH, TRUTH[:, :16])
