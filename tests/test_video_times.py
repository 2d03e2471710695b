"""Laws of the repaired clock: good stamps stay, every film comes out strictly increasing, and ticks survive seconds."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from pipeline.video.times import seconds_of, steady_ticks, tick_of

STEP, LONGEST = 100, 360_000


def repaired(stamps: list[int | None], step: int = STEP) -> tuple[list[int], Counter[str]]:
    told: Counter[str] = Counter()
    pairs = list(steady_ticks(enumerate(stamps), step, LONGEST, lambda what: told.update([what])))
    assert [index for index, _ in pairs] == list(range(len(stamps)))
    return [tick for _, tick in pairs], told


@pytest.mark.parametrize("start", [0, 7, -50, 10**12])
def test_good_stamps_are_kept_exactly_from_any_start(start: int) -> None:
    stamps = [0, 1, 90, 200, 5000, 5001]
    assert repaired([start + s for s in stamps]) == (stamps, Counter())


@pytest.mark.parametrize(
    ("stamps", "wanted"),
    [
        ([0, 100, 100, 300, 400], [0, 100, 200, 300, 400]),  # one repeated
        ([0, 100, None, 300, 400], [0, 100, 200, 300, 400]),  # one missing
        ([0, 100, 50, 300, 400], [0, 100, 200, 300, 400]),  # one goes back
        ([0, 100, 100, 200, 300], [0, 100, 150, 200, 300]),  # a frame too many
        ([None, None, None], [0, 100, 200]),  # a raw stream
        ([None, 100, 200], [0, 100, 200]),  # only the first is missing
        ([40, 140, 240, 0, 100, 200], [0, 100, 200, 300, 400, 500]),  # two recordings joined
        ([0, 100, 200, 0, 30, 60], [0, 100, 200, 300, 330, 360]),  # and the second keeps its own distances
        ([500, 400, 300, 200], [0, 100, 200, 300]),  # backwards
        ([0, 100, 10**9, 10**9 + 100], [0, 100, 200, 300]),  # a broken clock
        ([0, 100, 10**9, 200, 300], [0, 100, 150, 200, 300]),  # one broken stamp
        ([5], [0]),
        ([], []),
    ],
)
def test_bad_stamps_are_put_in_order(stamps: list[int | None], wanted: list[int]) -> None:
    ticks, told = repaired(stamps)
    assert ticks == wanted
    assert bool(told) == (stamps != wanted and stamps not in ([5], [None, 100, 200]))


def test_any_stamps_come_out_strictly_increasing() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        values = rng.integers(-1000, 1000, rng.integers(1, 30)).tolist()
        stamps = [None if rng.random() < 0.2 else value for value in values]
        ticks, _ = repaired(stamps, step=int(rng.integers(1, 200)))
        assert ticks[0] == 0
        assert all(a < b for a, b in pairwise(ticks))


@pytest.mark.parametrize("time_base", [Fraction(1001, 30000), Fraction(1, 15360), Fraction(1, 10**9), Fraction(1, 3)])
def test_a_tick_survives_as_seconds(time_base: Fraction) -> None:
    ticks = np.random.default_rng(1).integers(0, 2**45, 500).tolist()
    assert [tick_of(seconds_of(tick, time_base), time_base) for tick in ticks] == ticks
