"""The cascaded pyramid network after its backbone, in torch alone: GlobalNet and RefineNet (Chen et al., CVPR 2018).

Layers stand in the order, and parameters have the names, of the public PyTorch version (GengDavid/pytorch-cpn), so that
its weights fit; `convert` renames what leads to them. Every resize is bilinear with corners aligned, as there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

WIDTH = 256  # channels of every level of the pyramid
_NARROW = 128  # channels inside a bottleneck


class GlobalNet(nn.Module):
    """The pyramid: coarse levels carry context down to fine ones.

    Args:
        in_channels: of the backbone's levels, fine to coarse. Each level must have half the sides of the one before:
            sides of the picture are multiples of 32.
    """

    def __init__(self, in_channels: Sequence[int] = (256, 512, 1024, 2048)) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU(inplace=True))
            for channels in reversed(in_channels)
        )
        self.upsamples = nn.ModuleList(
            nn.Sequential(
                nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
                nn.Conv2d(WIDTH, WIDTH, 1, bias=False),
                nn.BatchNorm2d(WIDTH),
            )
            for _ in in_channels[1:]
        )
        start_weights(self)

    def forward(self, levels: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Turn the backbone's levels (N, C, H, W), fine to coarse, into features (N, 256, H, W), coarse to fine."""
        features = [self.laterals[0](levels[-1])]
        for lateral, upsample, level in zip(self.laterals[1:], self.upsamples, levels[-2::-1], strict=True):
            features.append(lateral(level) + upsample(features[-1]))
        return tuple(features)


class RefineNet(nn.Module):
    """All levels brought to one size, the coarser the deeper, and joined: the heat maps that count.

    Args:
        joints: K.
        shape: (height, width) of the heat maps.
        levels: of `GlobalNet`.
    """

    def __init__(self, joints: int, shape: tuple[int, int], levels: int = 4) -> None:
        super().__init__()
        self.cascade = nn.ModuleList(
            nn.Sequential(*(Bottleneck(WIDTH) for _ in range(levels - 1 - level)), _resize(shape))
            for level in range(levels)
        )
        self.final_predict = nn.Sequential(
            Bottleneck(levels * WIDTH),
            nn.Conv2d(2 * _NARROW, joints, 3, padding=1, bias=False),
            nn.BatchNorm2d(joints),
        )

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Turn the pyramid's features, coarse to fine, into heat maps (N, K, height, width), 255 where a joint is."""
        joined = torch.cat([branch(f) for branch, f in zip(self.cascade, features, strict=True)], dim=1)
        maps: Tensor = self.final_predict(joined)
        return maps


class Bottleneck(nn.Module):
    """A residual block of 1x1, 3x3, 1x1 whose short cut always has a convolution of its own; gives 256 channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, _NARROW, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(_NARROW)
        self.conv2 = nn.Conv2d(_NARROW, _NARROW, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(_NARROW)
        self.conv3 = nn.Conv2d(_NARROW, 2 * _NARROW, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(2 * _NARROW)
        self.downsample = nn.Sequential(nn.Conv2d(channels, 2 * _NARROW, 1, bias=False), nn.BatchNorm2d(2 * _NARROW))

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, channels, H, W) into (N, 256, H, W)."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        return torch.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def predictor(joints: int, shape: tuple[int, int]) -> nn.Sequential:
    """Return the layers that give one level's own heat maps (N, joints, *shape); only training looks at them."""
    return nn.Sequential(
        nn.Conv2d(WIDTH, WIDTH, 1, bias=False),
        nn.BatchNorm2d(WIDTH),
        nn.ReLU(inplace=True),
        nn.Conv2d(WIDTH, joints, 3, padding=1, bias=False),
        _resize(shape),
        nn.BatchNorm2d(joints),
    )


def start_weights(module: nn.Module) -> None:
    """Draw the convolutions' weights as the public version does for GlobalNet (He et al., 2015, by fan-out)."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")


def _resize(shape: tuple[int, int]) -> nn.Upsample:
    """Return the layer that brings any level to the heat maps' size."""
    return nn.Upsample(size=tuple(shape), mode="bilinear", align_corners=True)
