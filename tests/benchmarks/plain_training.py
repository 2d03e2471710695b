"""A training loop as one writes it in plain torch: what our training step is compared with.

Windows one by one through a data loader, UGCN as it stands in `lifter.ugcn` (graph convolutions by einsum, as in the
public ST-GCN) in float32, motion loss by a loop over the intervals, torch's Adam as it comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from lifter import joints
from lifter.datasets.poseset import read_poseset
from lifter.ugcn import UGCN, UGCNSettings

INTERVALS = (8, 12, 16, 24)
WINDOW, STEP = 96, 5


class PlainWindows(Dataset[tuple[Tensor, Tensor]]):
    """Windows of a prepared set: keypoints (96, 17, 2) in screen units, positions (96, 17, 3) metres from the root."""

    def __init__(self, folder: Path) -> None:
        made = read_poseset(folder, "gt").split("train")
        self.keypoints, self.positions = [], []
        for i, (width, height) in enumerate(made.poses.sizes):
            at = made.poses.frames(i)
            self.keypoints.append(made.keypoints[at] / width * 2 - np.float32([1, height / width]))
            self.positions.append(made.poses.positions[at] - made.poses.positions[at][:, :1])
        self.windows = [
            (i, first)
            for i, sequence in enumerate(self.positions)
            for first in range(0, len(sequence) - WINDOW + 1, STEP)
        ]

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        i, first = self.windows[index]
        keypoints = self.keypoints[i][first : first + WINDOW].astype(np.float32)
        positions = self.positions[i][first : first + WINDOW].astype(np.float32)
        if np.random.random() < 0.5:
            keypoints, positions = joints.mirror(keypoints), joints.mirror(positions)
        return torch.from_numpy(keypoints.copy()), torch.from_numpy(positions.copy())


def plain_loss(predicted: Tensor, truth: Tensor) -> Tensor:
    """Equations 4 to 6, cross products: of (B, T, J, 3) metres, a mean over positions."""
    loss = (predicted - truth).square().sum()
    for tau in INTERVALS:
        made = torch.cross(predicted[:, :-tau], predicted[:, tau:], dim=-1)
        wanted = torch.cross(truth[:, :-tau], truth[:, tau:], dim=-1)
        loss = loss + (made - wanted).abs().sum()
    return loss / predicted[..., 0].numel()


def loss_pair_by_pair(predicted: Tensor, truth: Tensor) -> Tensor:
    """The same with a loop over the pairs of frames too."""
    loss = (predicted - truth).square().sum()
    for tau in INTERVALS:
        for t in range(predicted.shape[1] - tau):
            made = torch.cross(predicted[:, t], predicted[:, t + tau], dim=-1)
            loss = loss + (made - torch.cross(truth[:, t], truth[:, t + tau], dim=-1)).abs().sum()
    return loss / predicted[..., 0].numel()


class PlainTraining:
    """The loop's parts, each to be called by itself, and all of them as `step`."""

    def __init__(self, folder: Path, batch: int, device: str, dropout: float) -> None:
        self.device, self.folder, self.batch = device, folder, batch
        self.network: nn.Module = UGCN(UGCNSettings(dropout=dropout)).to(device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=1e-2, weight_decay=1e-5)
        self.loader = DataLoader(PlainWindows(folder), batch, shuffle=True, drop_last=True)
        self.batches = self._endless()

    def data(self) -> tuple[Tensor, Tensor]:
        """The next batch."""
        keypoints, positions = next(self.batches)
        return keypoints.to(self.device), positions.to(self.device)

    def both_ways(self, keypoints: Tensor) -> None:
        """The network, forwards and backwards."""
        self.network(keypoints).mean().backward()

    def step(self) -> None:
        """One step of the training."""
        keypoints, positions = self.data()
        self.optimiser.zero_grad()
        plain_loss(self.network(keypoints), positions).backward()
        self.optimiser.step()

    def _endless(self) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from self.loader
