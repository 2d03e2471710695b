"""The temporal convolution network of Pavllo et al. (CVPR 2019): dilated convolutions over 27, 81 or 243 frames."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from lifter import joints
from lifter.networks import Network, from_root

KEYPOINTS, POSITIONS = 2 * len(joints.NAMES), 3 * len(joints.NAMES)


@dataclass(frozen=True)
class TCNSettings:
    """The shape of the network; the defaults are the paper's of 243 frames (section 3).

    Attributes:
        filters: kernel lengths, odd, of the first layer and of every residual block; their product is the number of
            frames that one answer is made of: (3, 3, 3) is 27 frames, a four-fold 3 is 81, a five-fold 243.
        channels: of every hidden layer.
        dropout: element-wise, after every hidden layer.
        out_scale: metres per unit of the last layer.
    """

    filters: tuple[int, ...] = (3, 3, 3, 3, 3)
    channels: int = 1024
    dropout: float = 0.25
    out_scale: float = 1.0

    def __post_init__(self) -> None:
        if not self.filters or any(length < 1 or length % 2 == 0 for length in self.filters):
            raise ValueError(f"filters: odd lengths wanted, one at least, got {self.filters}")
        if len(self.filters) > 100 or math.prod(self.filters) > 10_000:
            raise ValueError("filters: more than a hundred, or than the 10,000 frames that any film needs")
        if self.channels < 1 or not self.out_scale > 0:
            raise ValueError(f"channels from 1 and out_scale above 0 wanted, got {self.channels}, {self.out_scale}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: must lie in [0, 1), got {self.dropout}")


class TCN(Network):
    """2D keypoints to root-relative 3D positions by valid convolutions: `context` frames are used up on each side.

    Every residual block has a dilated convolution and one over single frames; its shortcut is cut to the frames
    that the convolution leaves.
    """

    TYPE: ClassVar[str] = "tcn"
    SETTINGS: ClassVar[type] = TCNSettings
    settings: TCNSettings

    def __init__(self, settings: TCNSettings | None = None) -> None:
        super().__init__()
        self.settings = s = settings or TCNSettings()
        self.context = (math.prod(s.filters) - 1) // 2

        def layer(c_in: int, length: int, dilation: int = 1) -> nn.Sequential:
            convolution = nn.Conv1d(c_in, s.channels, length, dilation=dilation, bias=False)
            return nn.Sequential(convolution, nn.BatchNorm1d(s.channels), nn.ReLU(), nn.Dropout(s.dropout))

        self.first = layer(KEYPOINTS, s.filters[0])
        self.blocks = nn.ModuleList(
            nn.Sequential(layer(s.channels, length, math.prod(s.filters[:i])), layer(s.channels, 1))
            for i, length in enumerate(s.filters[1:], start=1)
        )
        self.head = nn.Conv1d(s.channels, POSITIONS, 1)

    def forward(self, keypoints: Tensor) -> Tensor:
        """Lift keypoints (N, T + 2 * context, 17, 2), normalised, to positions (N, T, 17, 3), metres, joint 0 at 0.

        Raises:
            ValueError: no more frames than the context.
        """
        n, frames, v, c = keypoints.shape
        if frames <= 2 * self.context:
            raise ValueError(f"TCN: more than {2 * self.context} frames wanted (its context), got {frames}")
        x = self.first(keypoints.reshape(n, frames, v * c).transpose(1, 2))  # N C T'
        for block in self.blocks:
            y = block(x)
            lost = (x.shape[2] - y.shape[2]) // 2
            x = torch.narrow(x, 2, lost, y.shape[2]) + y
        positions = self.head(x).float().transpose(1, 2).reshape(n, -1, v, 3) * self.settings.out_scale  # N T V 3
        return from_root(positions)
