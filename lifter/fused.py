"""UGCN for inference on the CPU: the same function as a trained network, in a form that processors like.

Batch norms are folded into the convolutions before them, edge importance into the adjacency. Memory is laid out
N V T C: all convolutions are then along one axis and channels-last, for which oneDNN has its fast kernels; the joints
are mixed by adding rows, because the skeleton has 49 links where its dense matrices have 867 numbers. Channels that
training's weight decay has silenced are left out.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from lifter.networks import from_root
from lifter.ugcn import STGCN, UGCN

# A hidden channel is idle if no channel behind it hears more of it than this part of what the loudest is heard.
IDLE = 1e-5
LANES = 16  # numbers that a vector register holds: odd counts of channels are slow
KEPT_BYTES = 16 << 20  # more than any tensor of a batch of windows


class Mixing:
    """Joints gathered along the skeleton's links: x (N, V, T, C) to (N, K, V, T, C), z[k, w] = sum_v A[k, v, w] x[v].

    Of each subset most links go between joints a fixed number of places apart, because joints are listed limb by
    limb: one shifted copy of all joints has them, without lists of joints, and the few others are added.

    Args:
        adjacency: (K, V, V), most of it zeros.
    """

    def __init__(self, adjacency: Tensor) -> None:
        self.subsets, joints, _ = adjacency.shape
        self.shifted: list[tuple[int, slice, slice, Tensor]] = []  # subset, joints from, joints to, shares
        self.empty: list[tuple[int, int]] = []  # subset and joint to which nothing is shifted
        self.more: list[tuple[int, int, int, float]] = []  # subset, joint to, joint from, share
        for k, matrix in enumerate(adjacency):
            links = [(v, w) for v, w in torch.nonzero(matrix).tolist()]
            away = [w - v for v, w in links]
            shift = max(set(away), key=lambda d: (away.count(d), -abs(d))) if away else 0
            to = slice(max(shift, 0), joints + min(shift, 0))
            source = slice(to.start - shift, to.stop - shift)
            self.shifted.append((k, source, to, torch.diagonal(matrix, shift).contiguous().view(-1, 1, 1)))
            self.empty += [(k, w) for w in range(joints) if not to.start <= w < to.stop]
            self.more += [(k, w, v, float(matrix[v, w])) for v, w in links if w - v != shift]

    def __call__(self, x: Tensor) -> Tensor:
        n, v, t, c = x.shape
        z = x.new_empty(n, self.subsets, v, t, c)
        for k, source, to, share in self.shifted:
            torch.mul(x[:, source], share, out=z[:, k, to])
        for k, w in self.empty:
            z[:, k, w].zero_()
        for k, w, source_joint, weight in self.more:
            z[:, k, w].add_(x[:, source_joint], alpha=weight)
        return z


class Block:
    """One st-gcn block (`lifter.ugcn.STGCN`): x (N, V, T, C) to (N, V, T / stride, C_out), contiguous.

    Args:
        idle: see `IDLE`; 0 keeps every channel between the two convolutions.
    """

    def __init__(self, block: STGCN, idle: float = IDLE) -> None:
        graph: Any = block.spatial  # modules do not know the types of their parts
        temporal: Any = block.temporal
        norm, _, convolution, last_norm, _ = temporal
        adjacency = graph.adjacency if graph.edge_importance is None else graph.adjacency * graph.edge_importance
        kinds, c_out = len(adjacency), convolution.out_channels
        scale, shift = _affine(norm)
        weight = graph.conv.weight.view(kinds, c_out, -1) * scale.view(1, -1, 1)  # K O C
        bias = torch.einsum("ko,kvw->wo", graph.conv.bias.view(kinds, c_out), adjacency)
        self.mixing = Mixing(adjacency)
        self.stride = convolution.stride[0]
        temporal_weight, self.bias = _folded(convolution, last_norm)
        kept = _heard(norm, temporal_weight, idle)
        self.graph = _channels_last(weight.permute(1, 2, 0).unsqueeze(-1)[kept])  # O C K 1
        self.graph_bias = (bias * scale + shift)[:, kept].unsqueeze(1).contiguous()  # V 1 O
        self.temporal = _channels_last(temporal_weight[:, kept])
        self.shortcut: Tensor | None = None
        self.identity = isinstance(block.shortcut, nn.Identity)
        if isinstance(block.shortcut, nn.Sequential):
            shortcut: Any = block.shortcut
            self.shortcut, bias = _folded(*shortcut)
            self.bias = self.bias + bias

    def __call__(self, x: Tensor) -> Tensor:
        n, v, t, c = x.shape
        z = self.mixing(x).view(n, -1, v * t, c).permute(0, 3, 1, 2)  # N C K VT: subsets are rows of a wide picture
        y = _back(conv2d(z, self.graph), n, v).add_(self.graph_bias).relu_()
        y = _back(conv2d(_picture(y), self.temporal, self.bias, (1, self.stride), (0, 2)), n, v)
        if self.identity:
            y.add_(x)
        elif self.shortcut is not None:
            y.add_(_back(conv2d(_picture(x), self.shortcut, None, (1, self.stride)), n, v))
        return y.relu_()


class FusedUGCN:
    """What a trained UGCN computes, as its weights are now: later changes of the network are not followed.

    Keypoints (N, T, V, 2), normalised, to positions (N, T, V, 3) in metres, joint 0 at the origin.

    Args:
        network: on the CPU; it is read only, and taken to be in evaluation mode (no dropout, running statistics).
        idle: see `IDLE`; 0 leaves nothing out.
    """

    @torch.no_grad()
    def __init__(self, network: UGCN, idle: float = IDLE) -> None:
        _keep_freed_memory()
        parts: Any = network
        joints = network.data_bn.num_features // 2
        self.scale, self.shift = (part.view(joints, 1, 2).contiguous() for part in _affine(network.data_bn))
        self.first = Block(network.first, idle)
        self.down = [[Block(block, idle) for block in stage] for stage in parts.down]
        self.up = [Block(block, idle) for block in parts.up]
        self.merge = [] if network.merge is None else [Block(block, idle) for block in parts.merge]
        self.regressor = Block(network.regressor, idle)
        out_scale = network.settings.out_scale
        self.head = _channels_last(network.head.weight * out_scale)
        self.head_bias: Tensor = parts.head.bias * out_scale

    @torch.inference_mode()
    def __call__(self, keypoints: Tensor) -> Tensor:
        """Lift keypoints (N, T, V, 2) to positions (N, T, V, 3)."""
        x = (keypoints.transpose(1, 2) * self.scale + self.shift).contiguous()  # N V T 2
        skips = [self.first(x)]
        for stage in self.down:
            y = skips[-1]
            for block in stage:
                y = block(y)
            skips.append(y)
        y = skips.pop()
        merged: Tensor | None = None
        for i, block in enumerate(self.up):
            y = block(y)
            if i < len(self.merge):
                part = self.merge[i](y)
                merged = part if merged is None else _added(part, merged)
            y = _added(skips.pop(), y)
        if merged is not None:
            _added(y, merged)
        y = self.regressor(y)
        positions = _back(conv2d(_picture(y), self.head, self.head_bias), *y.shape[:2])
        return from_root(positions.transpose(1, 2))


def _added(fine: Tensor, coarse: Tensor) -> Tensor:
    """Add to (N, V, T, C), in place, every frame of a coarser rate as often as it takes (nearest, t // factor)."""
    frames = fine.shape[2]
    factor = 1
    while coarse.shape[2] * factor < frames:
        factor *= 2
    for phase in range(factor):
        part = fine[:, :, phase::factor]
        part.add_(coarse[:, :, : part.shape[2]])
    return fine


def _picture(x: Tensor) -> Tensor:
    """See (N, V, T, C) as pictures of one row, (NV, C, 1, T) channels-last: no copy."""
    n, v, t, c = x.shape
    return x.view(n * v, 1, t, c).permute(0, 3, 1, 2)


def _back(y: Tensor, n: int, v: int) -> Tensor:
    """See pictures of one row, (NV, C, 1, T) or (N, C, 1, VT), as (N, V, T, C); copied if not channels-last."""
    return y.permute(0, 2, 3, 1).reshape(n, v, -1, y.shape[1])


def _affine(norm: nn.modules.batchnorm._BatchNorm) -> tuple[Tensor, Tensor]:
    """Return what a batch norm in evaluation mode multiplies by and adds, (C,) each."""
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale


def _folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Fold a batch norm into the convolution before it; time becomes the last axis: weight (O, C, 1, L), bias (O,)."""
    scale, shift = _affine(norm)
    weight = (convolution.weight * scale.view(-1, 1, 1, 1)).permute(0, 1, 3, 2)
    bias = shift if convolution.bias is None else convolution.bias * scale + shift
    return _channels_last(weight), bias


def _channels_last(weight: Tensor) -> Tensor:
    return weight.contiguous(memory_format=torch.channels_last)


def _heard(norm: nn.BatchNorm2d, temporal: Tensor, idle: float) -> Tensor:
    """Return the channels, in order, that the temporal convolution (O, C, 1, L) hears behind this batch norm.

    Weight decay takes channels that do not pay to almost nothing before and behind the ReLU. How large a channel gets
    the batch norm tells: on the training data its answers have the mean `bias` and the deviation `weight`.
    """
    size = norm.bias.abs() + 6 * norm.weight.abs()
    said = (temporal.abs().sum(dim=(2, 3)) * size).amax(dim=0)
    heard = int((said >= idle * said.max()).sum())
    full = -(-heard // LANES) * LANES
    return said.argsort(descending=True)[:full].sort().values


def _keep_freed_memory() -> None:
    """Teach the C library to keep what a batch gives back for the next one.

    The GNU one returns freed memory to the system beyond twice the largest block ever freed and the system clears
    each page given out again: a fifth of the time of lifting. Elsewhere this does nothing, and costs nothing.
    """
    torch.empty(KEPT_BYTES, dtype=torch.uint8)  # freed at once, and never written to: it takes no memory
