"""The fully connected network of Martinez et al. (ICCV 2017): every frame by itself, the baseline without motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from lifter import joints
from lifter.networks import Network, from_root

KEYPOINTS, POSITIONS = 2 * len(joints.NAMES), 3 * len(joints.NAMES)


@dataclass(frozen=True)
class FullyConnectedSettings:
    """The shape of the network; the defaults are the paper's (section 3.1).

    Attributes:
        width: of every hidden layer.
        blocks: residual blocks of two layers each.
        dropout: after every hidden layer.
        out_scale: metres per unit of the last layer. The paper standardises its targets; a coordinate's standard
            deviation is 0.1 to 0.3 m.
    """

    width: int = 1024
    blocks: int = 2
    dropout: float = 0.5
    out_scale: float = 0.2

    def __post_init__(self) -> None:
        if self.width < 1 or not 0 <= self.blocks <= 100:
            raise ValueError(f"width from 1 and blocks from 0 to 100 wanted, got {self.width} and {self.blocks}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: must lie in [0, 1), got {self.dropout}")
        if not self.out_scale > 0:
            raise ValueError(f"out_scale: above 0 wanted, got {self.out_scale}")


class FullyConnected(Network):
    """2D keypoints to root-relative 3D positions, frame by frame: two residual blocks of linear layers."""

    TYPE: ClassVar[str] = "fully_connected"
    SETTINGS: ClassVar[type] = FullyConnectedSettings
    settings: FullyConnectedSettings

    def __init__(self, settings: FullyConnectedSettings | None = None) -> None:
        super().__init__()
        self.settings = s = settings or FullyConnectedSettings()

        def layer(c_in: int, c_out: int) -> nn.Sequential:
            return nn.Sequential(nn.Linear(c_in, c_out), nn.BatchNorm1d(c_out), nn.ReLU(), nn.Dropout(s.dropout))

        self.first = layer(KEYPOINTS, s.width)
        self.blocks = nn.ModuleList(
            nn.Sequential(layer(s.width, s.width), layer(s.width, s.width)) for _ in range(s.blocks)
        )
        self.head = nn.Linear(s.width, POSITIONS)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, keypoints: Tensor) -> Tensor:
        """Lift keypoints (N, T, 17, 2), normalised, to positions (N, T, 17, 3) in metres, joint 0 at the origin."""
        n, t, v, c = keypoints.shape
        x = self.first(keypoints.reshape(n * t, v * c))  # NT W
        for block in self.blocks:
            x = x + block(x)
        positions = self.head(x).float().view(n, t, v, 3) * self.settings.out_scale
        return from_root(positions)
