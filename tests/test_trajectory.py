"""Penalised least squares over a film: the band and its inverse against dense matrices, and laws of motion."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.trajectory import PathTerms


def information(count: int, seed: int) -> np.ndarray:
    half = np.random.default_rng(seed).normal(size=(count, 3, 3))
    return half @ half.swapaxes(1, 2) + 0.1 * np.eye(3)


def terms(count: int) -> PathTerms:
    rng = np.random.default_rng(count)
    made = PathTerms.of(np.cumsum(rng.uniform(0.01, 0.2, count)))
    made.know(rng.normal(size=(count, 3)), information(count, 1))
    made.be_steady(0.7)
    if count > 1:
        made.move(rng.normal(size=(count - 1, 3)), information(count - 1, 2))
    return made


def cost(made: PathTerms, path: np.ndarray) -> float:
    """Evaluate half r' H r - b' r block by block."""
    total = -float((made.right * path).sum())
    for k in range(3):
        for t in range(len(path) - k):
            total += (0.5 if k == 0 else 1.0) * float(path[t] @ made.blocks[k, t] @ path[t + k])
    return total


def dense(made: PathTerms) -> np.ndarray:
    count = len(made.seconds)
    whole = np.zeros((3 * count, 3 * count))
    for k in range(3):
        for t in range(count - k):
            rows, columns = slice(3 * t, 3 * t + 3), slice(3 * (t + k), 3 * (t + k) + 3)
            whole[rows, columns] = made.blocks[k, t]
            whole[columns, rows] = made.blocks[k, t].T
    return whole


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 20])
def test_the_solution_and_its_covariance_are_those_of_the_whole_matrix(count: int) -> None:
    made = terms(count)
    inverse = np.linalg.inv(dense(made))
    np.testing.assert_allclose(made.solve().ravel(), inverse @ made.right.ravel(), atol=1e-8)
    blocks = [inverse[3 * t : 3 * t + 3, 3 * t : 3 * t + 3] for t in range(count)]
    np.testing.assert_allclose(made.covariance(), blocks, atol=1e-8)


def test_nothing_else_costs_less() -> None:
    made = terms(9)
    best = made.solve()
    rng = np.random.default_rng(0)
    assert all(cost(made, best + rng.normal(0, 0.1, best.shape)) > cost(made, best) for _ in range(50))


def test_each_term_is_the_sum_of_squares_it_says() -> None:
    seconds = np.array([0.0, 0.1, 0.3, 0.35])
    rng = np.random.default_rng(1)
    path, steps, sure = rng.normal(size=(4, 3)), rng.normal(size=(3, 3)), information(3, 4)
    steady, moved = PathTerms.of(seconds), PathTerms.of(seconds)
    steady.be_steady(0.7)
    moved.move(steps, sure)
    velocity = np.diff(path, axis=0) / np.diff(seconds)[:, None]
    spans = (seconds[2:] - seconds[:-2]) / 2
    wanted = 0.5 * float((np.diff(velocity, axis=0) ** 2 / (0.7 * spans[:, None])).sum())
    assert cost(steady, path) == pytest.approx(wanted)
    off = np.diff(path, axis=0) - steps
    constant = 0.5 * float(np.einsum("ti,tij,tj->", steps, sure, steps))
    assert cost(moved, path) + constant == pytest.approx(0.5 * float(np.einsum("ti,tij,tj->", off, sure, off)))


def test_a_gap_is_bridged_in_a_straight_line_with_growing_uncertainty() -> None:
    seconds = np.arange(61) / 20
    line = np.array([1.0, 0.0, 5.0]) + seconds[:, None] * (0.5, 0.0, -1.0)
    seen = np.ones(61)
    seen[20:41] = 0
    made = PathTerms.of(seconds)
    made.know(np.where(seen[:, None] > 0, line, 99.0), seen[:, None, None] * np.eye(3) * 1e4)
    made.be_steady(1.0)
    np.testing.assert_allclose(made.solve(), line, atol=1e-6)
    sigma = np.sqrt(made.covariance()[:, 2, 2])
    assert sigma.argmax() == 30
    assert (np.diff(sigma[20:31]) > 0).all() and sigma[30] > 3 * sigma[10]


def test_equal_time_stamps_are_legal() -> None:
    made = PathTerms.of(np.array([0.0, 0.04, 0.04, 0.08]))
    made.know(np.ones((4, 3)), np.tile(np.eye(3), (4, 1, 1)))
    made.be_steady(1.0)
    np.testing.assert_allclose(made.solve(), 1, atol=1e-6)
