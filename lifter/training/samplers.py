"""Which windows an epoch shows, in which order: a function of seed and epoch, whatever the number of processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler


class WindowSampler(Sampler[int]):
    """Draws `2 * window + mirrored` for a `WindowDataset`.

    Args:
        dataset: what is drawn from; `groups` names the collection of each window.
        seed: of the draws.
        draws: windows an epoch; None shows every window once.
        balance: weight of each group in the draw; with it windows are drawn with replacement.
        shuffle: random order, and every window mirrored with probability 1/2 (paper, section 4.2); False shows
            every window once, in order, as it is.
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
        self.draws: int = draws if shuffle and draws else len(dataset)
        self.rank, self.world = get_dist_info()
        self.probability = _balanced(dataset.groups, balance) if balance else None
        self.epoch = 0

    def __iter__(self) -> Iterator[int]:
        if not self.shuffle:
            return iter((2 * np.arange(self.rank, len(self.dataset), self.world)).tolist())
        random = np.random.default_rng([self.seed, self.epoch])
        count = len(self.dataset)
        if self.probability is not None:
            chosen = random.choice(count, size=self.draws, p=self.probability)
        else:
            rounds = -(-self.draws // count)
            chosen = np.concatenate([random.permutation(count) for _ in range(rounds)])[: self.draws]
        indices = 2 * chosen + random.integers(0, 2, len(chosen))
        whole = np.resize(indices, -(-len(indices) // self.world) * self.world)  # every process sees as many
        return iter(whole[self.rank :: self.world].tolist())

    def __len__(self) -> int:
        count: int = self.draws if self.shuffle else len(self.dataset) - self.rank
        return -(-count // self.world)

    def set_epoch(self, epoch: int) -> None:
        """Told by the Runner before every epoch."""
        self.epoch = epoch


class EndlessSampler(Sampler[int]):
    """Counts on from epoch to epoch, for a data set that makes what it is asked for."""

    def __init__(self, dataset: Any, seed: int | None = None, draws: int | None = None) -> None:
        del seed  # the films have their own
        self.draws: int = draws or len(dataset)
        self.rank, self.world = get_dist_info()
        self.epoch = 0

    def __iter__(self) -> Iterator[int]:
        begin = self.epoch * len(self) * self.world
        return iter(range(begin + self.rank, begin + len(self) * self.world, self.world))

    def __len__(self) -> int:
        count: int = self.draws
        return -(-count // self.world)

    def set_epoch(self, epoch: int) -> None:
        """Told by the Runner before every epoch."""
        self.epoch = epoch


def _balanced(groups: np.ndarray[Any, Any], balance: Mapping[str, float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Probability of every window, so that each group has its share whatever its size; others weigh 1."""
    weights = np.zeros(len(groups))
    for group in np.unique(groups):
        share = next((value for prefix, value in balance.items() if str(group).startswith(prefix)), 1.0)
        weights[groups == group] = share / (groups == group).sum()
    return np.asarray(weights / weights.sum())
