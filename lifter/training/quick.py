"""UGCN's training step on the CPU: the same function, forwards and backwards, in a form that processors like.

As in `lifter.fused`, memory is laid out N V T C, so that all convolutions are channels-last and along one axis, and
joints are mixed before channels are, one matrix product for all subsets. Backward passes are written out
(`lifter.training.passes`). Parameters and running statistics are those of the network, which may go back and forth
between this form and its own.

Differences beyond rounding: dropout draws other numbers, 16 bits of chance an element (torch draws 32 bits one by one,
which took a fifth of a step); its probability is rounded to 1/65536.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from lifter.networks import Network, from_root
from lifter.training.passes import Convolution, Ended, Graph, Joined, Norm, applied
from lifter.ugcn import STGCN, UGCN

LEVELS = 2**16  # of chance in a draw of dropout
# Numbers that a vector register holds. oneDNN's channels-last kernels are fast where channels fill registers, and what
# they do at the rest of a register is not to be relied on (see `_picked`); other networks train in their own form.
LANES = 16
CHECKED = ("AVX2", "AVX512")  # processors for which no pass left its memory; see tests/fuzz/passes.py


def suits(network: Network, keypoints: Tensor) -> bool:
    """Whether `lift` can stand for the network: UGCN in training on an x86 processor, widths that fill registers.

    And more frames than half the network's period: fed a single frame in bfloat16, oneDNN 3.12's gradient of a
    convolution with stride 2 uses memory that nothing was written to.
    """
    return (
        type(network) is UGCN
        and network.training
        and keypoints.device.type == "cpu"
        and keypoints.shape[1] > network.period // 2
        and not any(width % LANES for width in network.settings.widths)
        and torch.backends.cpu.get_cpu_capability() in CHECKED
    )


def lift(network: UGCN, keypoints: Tensor) -> Tensor:
    """As `UGCN.forward` in training: keypoints (N, T, V, 2) to positions (N, T, V, 3) in metres, joint 0 at the origin.

    Under `torch.autocast` all but the losses is done in its type; statistics and products are summed in float32.
    """
    half = torch.is_autocast_enabled("cpu")
    dtype = torch.get_autocast_dtype("cpu") if half else keypoints.dtype
    with torch.autocast("cpu", enabled=False):
        y = _features(network, keypoints, dtype)
        head = network.head
        y = linear(y, head.weight.flatten(1).to(dtype), head.bias.to(dtype) if head.bias is not None else None)
        return from_root(y.transpose(1, 2).float() * network.settings.out_scale)


def _features(network: UGCN, keypoints: Tensor, dtype: torch.dtype) -> Tensor:
    """All but the last layer: keypoints (N, T, V, 2) to (N, V, T, widths[0])."""
    parts: Any = network  # modules do not know the types of their parts
    n, t, v, c = keypoints.shape
    x = network.data_bn(keypoints.reshape(n, t, v * c).transpose(1, 2)).view(n, v, c, t)
    skips = [_block(network.first, x.transpose(2, 3).to(dtype).contiguous())]
    for stage in parts.down:
        y = skips[-1]
        for block in stage:
            y = _block(block, y)
        skips.append(y)
    y = skips.pop()
    merged: Tensor | None = None  # from coarse to fine: adding up costs least where frames are few
    for i, stage in enumerate(parts.up):
        y = _block(stage, y)
        if parts.merge is not None and i < len(parts.merge):
            part = _block(parts.merge[i], y)
            merged = part if merged is None else applied(Joined, part, merged)
        elif merged is not None:
            y = applied(Joined, y, merged)
        y = applied(Joined, skips.pop(), y)
    return _block(network.regressor, y)


def _block(block: STGCN, x: Tensor) -> Tensor:
    """One st-gcn block (`lifter.ugcn.STGCN`): x (N, V, T, C) to (N, V, T / stride, C_out), all contiguous."""
    graph: Any = block.spatial
    temporal: Any = block.temporal
    first_norm, _, convolution, last_norm, dropout = temporal
    y = _norm(first_norm, _graph(graph, x), rectified=True)
    y = _norm(last_norm, _convolve(convolution, y))
    other = x if isinstance(block.shortcut, nn.Identity) else None
    if isinstance(block.shortcut, nn.Sequential):
        mix, norm = block.shortcut
        other = _norm(norm, _picked(mix, x))
    return applied(Ended, y, other, _kept(y, dropout.p) if dropout.training and dropout.p else None)


def _graph(graph: Any, x: Tensor) -> Tensor:
    """Spatial graph convolution: x (N, V, T, C) to (N, V, T, O)."""
    adjacency = graph.adjacency if graph.edge_importance is None else graph.adjacency * graph.edge_importance
    kinds, joints, _ = adjacency.shape
    weight = graph.conv.weight.view(kinds, -1, x.shape[-1]).permute(1, 2, 0).unsqueeze(-1)  # O C K 1
    # What a bias of the channels is after the joints are mixed.
    bias = adjacency.sum(dim=1).T @ graph.conv.bias.view(kinds, -1)  # V O
    links = adjacency.transpose(1, 2).reshape(kinds * joints, joints)
    return applied(Graph, x, links.to(x.dtype), _last(weight, x.dtype), bias.to(x.dtype))


def _convolve(convolution: Any, x: Tensor) -> Tensor:
    """A convolution (L, 1) over time: x (N, V, T, C) to (N, V, T / stride, O)."""
    weight = _last(convolution.weight.transpose(2, 3), x.dtype)
    return applied(Convolution, x, weight, convolution.bias.to(x.dtype), convolution.stride[0], convolution.padding[0])


def _picked(convolution: Any, x: Tensor) -> Tensor:
    """A shortcut's convolution, of one frame in every `stride`: x (N, V, T, C) to (N, V, T / stride, O).

    The frames are picked first: oneDNN 3.12's gradient of a strided 1x1 convolution's weight, channels-last, reads and
    writes out of bounds where channels do not fill a register (seen with 4, 8 and 12 of float32; `conv2d` does it too).
    """
    picked = x[:, :, :: convolution.stride[0]].contiguous()
    return applied(Convolution, picked, _last(convolution.weight, x.dtype), convolution.bias.to(x.dtype), 1, 0)


def _norm(norm: nn.Module, x: Tensor, rectified: bool = False) -> Tensor:
    """Batch norm, and ReLU: x (N, V, T, C)."""
    if type(norm) is nn.BatchNorm2d and norm.training and norm.momentum is not None:
        return applied(Norm, x, norm.weight, norm.bias, norm, rectified)
    y: Tensor = norm(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).contiguous()  # that of several processes
    return torch.relu(y) if rectified else y


def _kept(x: Tensor, p: float) -> Tensor:
    """Draw the factors of dropout for x: 0 with probability p, otherwise what keeps the mean."""
    lost = min(round(p * LEVELS), LEVELS - 1)
    draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)  # 64 bits: four elements
    kept = torch.ge(draws.view(torch.int16)[: x.numel()].view(x.shape), lost - LEVELS // 2, out=torch.empty_like(x))
    return kept.mul_(LEVELS / (LEVELS - lost))


def _last(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """Lay a weight (O, C, ., .) out with its channels last."""
    return weight.to(dtype).contiguous(memory_format=torch.channels_last)
