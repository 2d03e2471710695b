"""UGCN, the U-shaped graph convolution network of the paper's Figure 4 (Wang et al., ECCV 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from lifter import joints
from lifter.graph import partition
from lifter.networks import Network, from_root


@dataclass(frozen=True)
class UGCNSettings:
    """The shape of the network; the defaults are the paper's.

    Attributes:
        widths: channels at full, 1/2, 1/4, 1/8 and 1/16 of the frame rate.
        pairs: of the four downsamplings and their upsamplings, how many are kept (Table 3); the outermost is the
            first to come back. The blocks stay: depth and parameters are the same for all.
        dropout: element-wise, in every block.
        residual: identity or 1x1 shortcut around every block but the first.
        edge_importance: learn a factor for every edge of every block, 1 at the start.
        spatial_graph: False isolates the joints (Table 4).
        merging: False leaves the merging stage out (Table 4).
        out_scale: metres per unit of the last layer; it decides whether a learning rate of 1e-2 works.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128, 256)
    dropout: float = 0.5
    residual: bool = True
    edge_importance: bool = True
    spatial_graph: bool = True
    merging: bool = True
    pairs: int = 4
    out_scale: float = 0.1

    def __post_init__(self) -> None:
        if len(self.widths) != 5 or min(self.widths) < 1:
            raise ValueError(f"UGCNSettings.widths: five positive numbers wanted, got {self.widths}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"UGCNSettings.dropout: must lie in [0, 1), got {self.dropout}")
        if not 0 <= self.pairs <= 4:
            raise ValueError(f"UGCNSettings.pairs: 0 to 4 wanted, got {self.pairs}")
        if not self.out_scale > 0:
            raise ValueError(f"UGCNSettings.out_scale: above 0 wanted, got {self.out_scale}")


class GraphConv(nn.Module):
    """Spatial graph convolution (Eq. 8): f_out[w] = sum_k sum_v W_k f_in[v] A[k, v, w]."""

    adjacency: Tensor

    def __init__(self, c_in: int, c_out: int, adjacency: Tensor, edge_importance: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out * len(adjacency), kernel_size=1)
        self.register_buffer("adjacency", adjacency, persistent=False)
        self.edge_importance = nn.Parameter(torch.ones_like(adjacency)) if edge_importance else None

    def forward(self, x: Tensor) -> Tensor:
        adjacency = self.adjacency if self.edge_importance is None else self.adjacency * self.edge_importance
        n, _, t, v = x.shape
        x = self.conv(x).view(n, len(adjacency), -1, t, v)  # N K C T V
        return torch.einsum("nkctv,kvw->nctw", x, adjacency.to(x.dtype))


class STGCN(nn.Module):
    """One st-gcn block: graph convolution, 5-frame temporal convolution, shortcut (section 3.2 of the paper)."""

    def __init__(
        self, c_in: int, c_out: int, adjacency: Tensor, settings: UGCNSettings, stride: int = 1, residual: bool = True
    ) -> None:
        super().__init__()
        self.spatial = GraphConv(c_in, c_out, adjacency, settings.edge_importance)
        self.temporal = nn.Sequential(
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(c_out, c_out, kernel_size=(5, 1), stride=(stride, 1), padding=(2, 0)),
            nn.BatchNorm2d(c_out),
            nn.Dropout(settings.dropout, inplace=True),
        )
        self.shortcut: nn.Module | None = None
        if residual and settings.residual:
            same = c_in == c_out and stride == 1
            self.shortcut = nn.Identity() if same else nn.Sequential(
                nn.Conv2d(c_in, c_out, kernel_size=1, stride=(stride, 1)), nn.BatchNorm2d(c_out)
            )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.temporal(self.spatial(x))
        return torch.relu(y if self.shortcut is None else y + self.shortcut(x))


def upsample(x: Tensor, length: int, factor: int) -> Tensor:
    """Return x (N, C, T, V) with every frame repeated `factor` times, cut to `length` frames (nearest, t // factor)."""
    return x.repeat_interleave(factor, dim=2)[:, :, :length]


def to_metres(y: Tensor, out_scale: float | Tensor) -> Tensor:
    """Turn the last layer's answer (N, 3, T, V) into positions (N, T, V, 3) in metres, joint 0 at the origin."""
    return from_root(y.permute(0, 2, 3, 1).float() * out_scale)


class UGCN(Network):
    """2D keypoints of a sequence to root-relative 3D positions, all frames at once, any length.

    Down: nine blocks, strides 2 at blocks 2, 4, 6, 8. Up: four blocks, each doubled in time and added to the
    down features of its rate. Merge: the three coarse up features brought to 16 channels and to full rate, and
    added. Regressor: one block and a 1x1 convolution.
    """

    TYPE: ClassVar[str] = "ugcn"
    SETTINGS: ClassVar[type] = UGCNSettings
    overlapping: ClassVar[bool] = True
    settings: UGCNSettings

    def __init__(self, settings: UGCNSettings | None = None, parents: Sequence[int] = joints.PARENTS) -> None:
        super().__init__()
        self.settings = s = settings or UGCNSettings()
        self.period = 2**s.pairs
        adjacency = torch.from_numpy(partition(parents, s.spatial_graph))

        def block(c_in: int, c_out: int, stride: int = 1, residual: bool = True) -> STGCN:
            return STGCN(c_in, c_out, adjacency, s, stride, residual)

        w0, *_ = w = s.widths
        self.data_bn = nn.BatchNorm1d(len(parents) * 2)
        self.first = block(2, w0, residual=False)
        self.down = nn.ModuleList(
            nn.Sequential(block(w[i], w[i + 1], stride=2 if i < s.pairs else 1), block(w[i + 1], w[i + 1]))
            for i in range(4)
        )
        self.up = nn.ModuleList(block(w[i + 1], w[i]) for i in (3, 2, 1, 0))
        self.merge = nn.ModuleList(block(w[i], w0) for i in (3, 2, 1)) if s.merging else None
        self.regressor = block(w0, w0)
        self.head = nn.Conv2d(w0, 3, kernel_size=1)

    def forward(self, keypoints: Tensor) -> Tensor:
        """Lift keypoints (N, T, V, 2), normalised, to positions (N, T, V, 3) in metres, joint 0 at the origin."""
        return to_metres(self.head(self.features(keypoints)), self.settings.out_scale)

    def features(self, keypoints: Tensor) -> Tensor:
        """All but the last layer: keypoints (N, T, V, 2) to (N, widths[0], T, V)."""
        n, t, v, c = keypoints.shape
        x = self.data_bn(keypoints.reshape(n, t, v * c).transpose(1, 2))  # N VC T
        x = x.view(n, v, c, t).permute(0, 2, 3, 1)  # N C T V
        skips = [self.first(x)]  # T
        for stage in self.down:
            skips.append(stage(skips[-1]))  # T/2, T/4, T/8, T/16, or as many halvings as there are pairs
        y = skips.pop()
        merged: list[Tensor] = []
        pairs = self.settings.pairs
        for i, stage in enumerate(self.up):
            y = stage(y)
            if self.merge is not None and i < len(self.merge):
                merged.append(upsample(self.merge[i](y), t, 2 ** min(4 - i, pairs)))
            y = upsample(y, skips[-1].shape[2], 2 if 3 - i < pairs else 1) + skips.pop()
        features: Tensor = self.regressor(sum(merged, y))
        return features
