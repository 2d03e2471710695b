"""The passes of a quick training step (`lifter.training.quick`), forwards and backwards.

All of them take and give contiguous tensors (N, V, T, C), gradients too: left to itself, autograd would go back to the
layout N C T V with a copy at every step. None can be differentiated twice.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d

aten: Any = torch.ops.aten


def applied(function: Any, *given: Any) -> Tensor:
    """Do one of the functions of this file; torch's own types do not say what comes out."""
    made: Tensor = function.apply(*given)
    return made


class Graph(Function):
    """Joints mixed by links (KV, V), then channels by a weight (O, C, K, 1); bias (V, O)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, links: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        n, v, t, c = x.shape
        mixed = torch.bmm(links.expand(n, -1, -1), x.view(n, v, t * c))
        ctx.save_for_backward(x, links, weight, mixed)
        # Repeated along time: over short inner rows additions are slow.
        return _back(conv2d(_subsets(mixed, x), weight), n, v).add_(bias[:, None].expand(v, t, -1).contiguous())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, ...]:
        x, links, weight, mixed = ctx.saved_tensors
        n, v, t, c = x.shape
        g = g.contiguous()  # as it is, unless another part's backward pass has its own layout
        gradient = g.view(n, 1, v * t, -1).permute(0, 3, 1, 2)
        g_mixed, g_weight, _ = _gradients(gradient, _subsets(mixed, x), weight)
        g_rows = g_mixed.permute(0, 2, 3, 1).reshape(n, -1, t * c)
        g_x = torch.bmm(links.T.expand(n, -1, -1), g_rows).view(x.shape)
        g_links = torch.bmm(g_rows, x.view(n, v, t * c).transpose(1, 2)).sum(dim=0)
        # A product sums over the batch faster than `sum` does.
        g_bias = (g.new_ones(1, n) @ g.view(n, -1)).view(v, t, -1).sum(dim=1)
        return g_x, g_links, g_weight, g_bias


class Convolution(Function):
    """Along the frames: weight (O, C, 1, L), bias (O,)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.shape = (1, stride), (0, padding)
        return _contiguous(conv2d(x.permute(0, 3, 1, 2), weight, bias, *ctx.shape))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        stride, padding = ctx.shape
        pictures = g.contiguous().permute(0, 3, 1, 2), x.permute(0, 3, 1, 2)
        g_x, g_weight, g_bias = _gradients(*pictures, weight, stride, padding, bias=True)
        return _contiguous(g_x), g_weight, g_bias, None, None


class Norm(Function):
    """Batch norm by the statistics of the batch, which move the running ones, and ReLU where it is wanted."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, norm: nn.BatchNorm2d, rectified: bool) -> Tensor:
        running = norm.running_mean, norm.running_var
        y, mean, deviation = torch.native_batch_norm(
            _rows(x), weight, bias, *running, True, norm.momentum or 0.0, norm.eps
        )
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked += 1
        y = (y.relu_() if rectified else y).permute(0, 2, 3, 1).view(x.shape)
        ctx.eps = norm.eps
        ctx.save_for_backward(x, weight, mean, deviation, y if rectified else None)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, deviation, rectified = ctx.saved_tensors
        g = g.contiguous()
        g = g if rectified is None else aten.threshold_backward(g, rectified, 0)
        statistics = weight, None, None, mean, deviation, True, ctx.eps, [True] * 3
        g_x, g_weight, g_bias = aten.native_batch_norm_backward(_rows(g), _rows(x), *statistics)
        return g_x.permute(0, 2, 3, 1).view(x.shape), g_weight, g_bias, None, None


class Ended(Function):
    """A block's end: relu(y * kept + other), either of which may be missing."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, other: Tensor | None, kept: Tensor | None) -> Tensor:
        if other is None:
            ended = y.clone() if kept is None else y * kept
        else:
            ended = y + other if kept is None else torch.addcmul(other, y, kept)
        ended.relu_()
        ctx.alone = other is None
        ctx.save_for_backward(ended, kept)
        return ended

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        ended, kept = ctx.saved_tensors
        g = aten.threshold_backward(g, ended, 0)
        return g if kept is None else g * kept, None if ctx.alone else g, None


class Joined(Function):
    """To fine (N, V, T, C) every frame of a coarser rate is added as often as it takes (nearest, t // factor)."""

    @staticmethod
    def forward(ctx: Any, fine: Tensor, coarse: Tensor) -> Tensor:
        joined = fine.clone()
        for target, source in _phases(joined, coarse):
            target.add_(source)
        ctx.shape = coarse.shape
        return joined

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, ...]:
        made = g.new_zeros(ctx.shape)
        for source, target in _phases(g, made):
            target.add_(source)
        return g, made


def _phases(fine: Tensor, coarse: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Pair the frames of a rate with those of a coarser one, phase by phase, as views of both."""
    factor = 1
    while coarse.shape[2] * factor < fine.shape[2]:
        factor *= 2
    parts = [fine[:, :, phase::factor] for phase in range(factor)]
    return [(part, coarse[:, :, : part.shape[2]]) for part in parts]


def _gradients(
    g: Tensor,
    x: Tensor,
    weight: Tensor,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    bias: bool = False,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Gradients of a convolution's input, weight, and bias where it has one."""
    shape = list(stride), list(padding), [1, 1], False, [0, 0], 1
    made: tuple[Tensor, Tensor, Tensor | None] = aten.convolution_backward(
        g, x, weight, [len(weight)] if bias else None, *shape, [True, True, bias]
    )
    return made


def _subsets(mixed: Tensor, x: Tensor) -> Tensor:
    """See (N, KV, TC) as pictures (N, C, K, VT) channels-last: subsets are rows of a wide picture."""
    n, v, t, c = x.shape
    return mixed.view(n, -1, v * t, c).permute(0, 3, 1, 2)


def _rows(x: Tensor) -> Tensor:
    """See (N, V, T, C) as one picture (1, C, 1, NVT), channels-last, over which a batch norm sums fast."""
    return x.view(1, 1, -1, x.shape[-1]).permute(0, 3, 1, 2)


def _contiguous(picture: Tensor) -> Tensor:
    """See (N, C, V, T) channels-last as (N, V, T, C); copied where it is not."""
    return picture.permute(0, 2, 3, 1).contiguous()


def _back(picture: Tensor, n: int, v: int) -> Tensor:
    """See (N, C, 1, VT) as (N, V, T, C); copied if not channels-last."""
    return picture.permute(0, 2, 3, 1).reshape(n, v, -1, picture.shape[1])
