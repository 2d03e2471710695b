"""Batch normalisation over the batches of all processes, on any device and backend.

torch's own runs on GPUs only; with this one, training in several processes equals training in one.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce
from torch.nn.modules.batchnorm import _BatchNorm


class SyncedBatchNorm(_BatchNorm):
    """A batch norm whose statistics are those of all processes; takes over an ordinary one's state."""

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum)
        self.weight, self.bias = norm.weight, norm.bias
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, getattr(norm, name))

    def _check_input_dim(self, input: Tensor) -> None:
        """Any (N, C, ...) will do."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, ...) channel by channel."""
        shape = (1, -1, *[1] * (x.dim() - 2))
        assert self.running_mean is not None and self.running_var is not None
        mean, variance = self._statistics(x.float()) if self.training else (self.running_mean, self.running_var)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (x * scale.view(shape) + (self.bias - mean * scale).view(shape)).to(x.dtype)

    def _statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        axes = [axis for axis in range(x.dim()) if axis != 1]
        count = x.new_full((1,), x.numel() / x.shape[1])
        # Two rounds, as E[x^2] - E[x]^2 cancels in float32.
        mean, count = torch.split(_sum(torch.cat([x.sum(axes), count])), [x.shape[1], 1])
        mean = mean / count.detach()
        variance = _sum((x - mean.view(1, -1, *[1] * (x.dim() - 2))).square().sum(axes)) / count.detach()
        with torch.no_grad():
            assert self.running_mean is not None and self.running_var is not None
            unbiased = variance * count / (count - 1).clamp(min=1)
            share = 0.1 if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean, share)
            self.running_var.lerp_(unbiased, share)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked += 1
        return mean, variance


def synced(module: nn.Module) -> nn.Module:
    """Replace every batch norm inside a module; the names of its state stay."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
            setattr(module, name, SyncedBatchNorm(child))
        else:
            synced(child)
    return module


def _sum(value: Tensor) -> Tensor:
    return all_reduce(value, op=dist.ReduceOp.SUM)  # type: ignore[no-any-return,no-untyped-call]
