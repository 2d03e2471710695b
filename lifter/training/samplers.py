"""Which windows an epoch shows, in which order: a function of seed and epoch, whatever the number of processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info
from numpy.typing import NDArray
from torch.utils.data import Sampler

from lifter.errors import LifterError


class WindowSampler(Sampler[int]):
    """Draws `2 * window + mirrored` for a `WindowDataset`.

    Of several processes each gets every n-th draw, so that their batches together are the batches of one; where the
    draws do not come out even, the first ones are shown again.

    Args:
        dataset: what is drawn from; `groups` names the collection of each window.
        seed: of the draws.
        draws: windows an epoch; None shows every window once.
        balance: weight of each group in the draw; with it windows are drawn with replacement.
        shuffle: random order, and every window mirrored with probability 1/2 (paper, section 4.2); False shows
            every window once, in order, as it is.

    Raises:
        LifterError: draws below 1, or weights that no draw can follow.
    """

    def __init__(
        self,
        dataset: Any,
        seed: int | None = None,
        draws: int | None = None,
        balance: Mapping[str, float] | None = None,
        shuffle: bool = True,
    ) -> None:
        self.dataset, self.seed, self.shuffle = dataset, seed or 0, shuffle
        self.draws: int = _wanted(dataset, draws if shuffle else None)
        self.rank: int
        self.world: int
        self.rank, self.world = get_dist_info()
        self.probability = _balanced(getattr(dataset, "groups", None), balance) if balance else None
        self.epoch = 0

    def __iter__(self) -> Iterator[int]:
        drawn = self._drawn() if self.shuffle else 2 * np.arange(len(self.dataset))
        whole = np.resize(drawn, len(self) * self.world)  # every process sees as many
        return iter(whole[self.rank :: self.world].tolist())

    def __len__(self) -> int:
        return -(-self.draws // self.world)

    def set_epoch(self, epoch: int) -> None:
        """Told by the Runner before every epoch."""
        self.epoch = epoch

    def _drawn(self) -> NDArray[np.int64]:
        """All draws of this epoch, of all processes."""
        random = np.random.default_rng([self.seed, self.epoch])
        count = len(self.dataset)
        if self.probability is not None:
            chosen = random.choice(count, size=self.draws, p=self.probability)
        else:
            rounds = -(-self.draws // count)
            chosen = np.concatenate([random.permutation(count) for _ in range(rounds)])[: self.draws]
        return np.asarray(2 * chosen + random.integers(0, 2, len(chosen)))


class EndlessSampler(Sampler[int]):
    """Counts on from epoch to epoch, for a data set that makes what it is asked for.

    Raises:
        LifterError: draws below 1.
    """

    def __init__(self, dataset: Any, seed: int | None = None, draws: int | None = None) -> None:
        del seed  # the films have their own
        self.draws: int = _wanted(dataset, draws)
        self.rank: int
        self.world: int
        self.rank, self.world = get_dist_info()
        self.epoch = 0

    def __iter__(self) -> Iterator[int]:
        begin = self.epoch * len(self) * self.world
        return iter(range(begin + self.rank, begin + len(self) * self.world, self.world))

    def __len__(self) -> int:
        return -(-self.draws // self.world)

    def set_epoch(self, epoch: int) -> None:
        """Told by the Runner before every epoch."""
        self.epoch = epoch


def _wanted(dataset: Any, draws: int | None) -> int:
    if draws is None:
        draws = len(dataset)
    if type(draws) is not int or draws < 1:
        raise LifterError(f"sampler.draws: windows an epoch, from 1, wanted, got {draws!r}")
    return draws


def _balanced(groups: NDArray[np.str_] | None, balance: Mapping[str, float]) -> NDArray[np.float64]:
    """Probability of every window, so that each group has its share whatever its size; others weigh 1."""
    if groups is None:
        raise LifterError("sampler.balance: this data set has no groups to balance")
    shares = list(balance.values())
    if not all(type(share) in (int, float) and 0 <= share < np.inf for share in shares):
        raise LifterError(f"sampler.balance: weights from 0 wanted, got {dict(balance)}")
    weights = np.zeros(len(groups))
    for group in np.unique(groups):
        share = next((value for prefix, value in balance.items() if str(group).startswith(prefix)), 1.0)
        weights[groups == group] = share / (groups == group).sum()
    if not weights.sum() > 0:
        raise LifterError("sampler.balance: every group there is has weight 0")
    return np.asarray(weights / weights.sum())
