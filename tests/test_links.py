"""Which piece follows which: pairs far apart in time are not looked at, and the best for all together is found."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from pipeline.links import followers, link_costs
from pipeline.tracklets import Tracklet

SIZE = (1280, 720)
FPS = 25
BODY = np.random.default_rng(1).uniform(-0.5, 0.5, (17, 2)) * (80, 200)


def piece(first: int, frames: int, x: float, speed: float = 0.0, times: np.ndarray | None = None) -> Tracklet:
    """Return somebody seen from frame `first` on, walking from x with `speed` pixels per second."""
    clock = np.arange(first + frames) / FPS if times is None else times
    made: Tracklet | None = None
    for frame in range(first, first + frames):
        here = x + speed * (frame - first) / FPS
        seen = (np.array([here - 40, 260, here + 40, 460]), BODY + np.array([here, 360]), np.full(17, 0.8))
        if made is None:
            made = Tracklet.start(frame, *seen)
        else:
            made.add(clock, frame, *seen)
    assert made is not None
    return made


def crowd(seed: int, count: int = 60) -> tuple[list[Tracklet], np.ndarray]:
    """Return pieces of a busy place, in the order of their beginnings, and the time stamps."""
    rng = np.random.default_rng(seed)
    times = np.arange(1500) / FPS
    pieces = [
        piece(int(rng.integers(0, 1400)), int(rng.integers(2, 90)), *rng.uniform((0, -200), (1280, 200)), times)
        for _ in range(count)
    ]
    return sorted(pieces, key=lambda p: p.frames[0]), times


@pytest.mark.parametrize("seed", range(5))
def test_the_followers_are_the_cheapest_of_the_dense_problem(seed: int) -> None:
    pieces, times = crowd(seed)
    count = len(pieces)
    costs = np.full((count, count), np.inf)
    rows, columns, values = link_costs(pieces, times, SIZE)
    costs[rows, columns] = values
    assert len(rows) > count, "with fewer choices than pieces this says little"
    chosen = followers(pieces, times, SIZE)
    assert len(set(chosen.values())) == len(chosen), "nobody follows two"
    total = sum(costs[pair] for pair in chosen.items()) + (count - len(chosen))
    # To link at less than 1, or not: the dense matrix of gains has the same best.
    gains = np.where(costs < 1, 1 - costs, 0)
    assert total == pytest.approx(count - gains[linear_sum_assignment(-gains)].sum(), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_a_pairs_cost_is_its_own_and_no_pair_is_missed(seed: int) -> None:
    pieces, times = crowd(seed, 25)
    rows, columns, values = link_costs(pieces, times, SIZE)
    together = dict(zip(zip(rows.tolist(), columns.tolist(), strict=True), values.tolist(), strict=True))
    alone = {}
    for i, early in enumerate(pieces):
        for j, late in enumerate(pieces[i + 1 :], i + 1):
            for cost in link_costs([early, late], times, SIZE)[2]:
                alone[i, j] = float(cost)
    assert together == pytest.approx(alone)
    for (i, j), cost in together.items():
        gap = times[pieces[j].frames[0]] - times[pieces[i].frames[-1]]
        assert 0 < gap <= 8
        assert 0 <= cost < 1


@pytest.mark.parametrize(("gap", "linked"), [(1, True), (100, True), (200, True), (201, False), (1000, False)])
def test_who_comes_back_after_more_than_eight_seconds_is_not_recognised(gap: int, linked: bool) -> None:
    times = np.arange(2000) / FPS
    pieces = [piece(0, 50, 600, times=times), piece(49 + gap, 50, 600, times=times)]
    assert followers(pieces, times, SIZE) == ({0: 1} if linked else {})


def test_two_at_once_do_not_follow_each_other() -> None:
    times = np.arange(200) / FPS
    pieces = [piece(0, 60, 600, times=times), piece(59, 60, 600, times=times)]
    assert followers(pieces, times, SIZE) == {}
