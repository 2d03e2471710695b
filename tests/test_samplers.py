"""What an epoch shows: every window once, half of them mirrored, by seed and epoch, shared out between processes."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lifter.errors import LifterError
from lifter.training import samplers
from lifter.training.samplers import EndlessSampler, WindowSampler


class Windows:
    """A data set of so many windows in two groups."""

    def __init__(self, count: int, large: int = 0) -> None:
        self.groups = np.array(["large_1"] * large + ["small"] * (count - large))

    def __len__(self) -> int:
        return len(self.groups)


def of_processes(monkeypatch: pytest.MonkeyPatch, world: int, make: Any) -> list[Any]:
    made = []
    for rank in range(world):
        monkeypatch.setattr(samplers, "get_dist_info", lambda rank=rank: (rank, world))
        made.append(make())
    return made


def at(sampler: Any, epoch: int) -> list[int]:
    sampler.set_epoch(epoch)
    drawn = list(sampler)
    assert len(drawn) == len(sampler)
    return drawn


def test_an_epoch_shows_every_window_once_and_half_mirrored() -> None:
    drawn = np.array(at(WindowSampler(Windows(1000), seed=1), 0))
    assert sorted(drawn // 2) == list(range(1000)) != (drawn // 2).tolist()
    assert 440 < (drawn % 2).sum() < 560  # 4 standard deviations


def test_more_draws_than_windows_show_all_before_any_again() -> None:
    drawn = np.array(at(WindowSampler(Windows(10), draws=25), 0)) // 2
    assert sorted(drawn[:10]) == sorted(drawn[10:20]) == list(range(10)) and len(set(drawn[20:])) == 5
    assert drawn[:10].tolist() != drawn[10:20].tolist()


def test_the_order_is_of_seed_and_epoch_alone() -> None:
    order = at(WindowSampler(Windows(50), seed=3), 7)
    again = WindowSampler(Windows(50), seed=3)
    at(again, 2)
    assert at(again, 7) == order
    assert order not in (at(WindowSampler(Windows(50), seed=3), 8), at(WindowSampler(Windows(50), seed=4), 7))
    assert at(WindowSampler(Windows(50), seed=None), 1) == at(WindowSampler(Windows(50), seed=0), 1)


@pytest.mark.parametrize("make", [
    lambda: WindowSampler(Windows(48), seed=2),
    lambda: WindowSampler(Windows(48, 40), seed=2, draws=72, balance={"large": 0.5, "small": 0.5}),
    lambda: WindowSampler(Windows(48), shuffle=False),
    lambda: EndlessSampler(Windows(48), draws=24),
])  # fmt: skip
@pytest.mark.parametrize("world", [2, 3])
def test_processes_together_see_what_one_sees_batch_by_batch(
    monkeypatch: pytest.MonkeyPatch, make: Any, world: int
) -> None:
    batch = 4
    (alone,) = of_processes(monkeypatch, 1, make)
    together = of_processes(monkeypatch, world, make)
    for epoch in (0, 5):
        whole, shares = at(alone, epoch), [at(sampler, epoch) for sampler in together]
        for step in range(len(shares[0]) // batch):
            union = [index for share in shares for index in share[step * batch : (step + 1) * batch]]
            assert sorted(union) == sorted(whole[step * batch * world : (step + 1) * batch * world])


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_uneven_draws_are_filled_up_and_can_be_dropped_from_the_end(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """MMEngine joins the answers of processes by turns and cuts them to the data set's length."""
    shares = [at(s, 0) for s in of_processes(monkeypatch, 3, lambda: WindowSampler(Windows(count), shuffle=False))]
    assert len({len(share) for share in shares}) == 1
    by_turns = [index for row in zip(*shares, strict=True) for index in row]
    assert by_turns[:count] == [2 * i for i in range(count)]


def test_groups_get_their_shares_whatever_their_size() -> None:
    windows = Windows(1000, large=990)
    sampler = WindowSampler(windows, draws=20_000, balance={"large": 0.75, "small": 0.25})
    drawn = Counter(windows.groups[np.array(at(sampler, 0)) // 2])
    assert drawn["large_1"] == pytest.approx(15_000, rel=0.03) and drawn["small"] == pytest.approx(5_000, rel=0.06)
    unnamed = WindowSampler(windows, draws=20_000, balance={"large": 3})
    assert Counter(windows.groups[np.array(at(unnamed, 0)) // 2])["small"] == pytest.approx(5_000, rel=0.06)


def test_endless_draws_never_come_again() -> None:
    sampler = EndlessSampler(Windows(0), draws=10)
    assert at(sampler, 0) + at(sampler, 1) + at(sampler, 2) == list(range(30))


@pytest.mark.parametrize("settings", [
    {"draws": 0}, {"draws": -3}, {"draws": "many"}, {"balance": {"large": -1.0}}, {"balance": {"large": "x"}},
    {"balance": {"large": 0.0, "small": 0}}, {"balance": {"large": float("nan")}},
])  # fmt: skip
def test_draws_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(LifterError, match="sampler"):
        WindowSampler(Windows(10, 5), **settings)


def test_only_groups_can_be_balanced() -> None:
    with pytest.raises(LifterError, match="no groups"):
        WindowSampler(SimpleNamespace(__len__=lambda: 3), draws=3, balance={"a": 1.0})
