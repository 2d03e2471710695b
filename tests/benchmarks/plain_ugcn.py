"""UGCN as the paper writes it, in plain torch operations on a file's tensors: what faster forms are compared with.

Evaluation mode, widths and depth of Figure 4; nothing of `lifter.ugcn` is used.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import batch_norm, conv2d

from lifter.graph import partition
from lifter.joints import PARENTS


class PlainUGCN:
    """Keypoints (N, T, 17, 2), normalised, to positions (N, T, 17, 3), metres, pelvis at 0.

    Args:
        tensors: of a network with all its parts (`UGCN.state_dict`).
        out_scale: metres per unit of the last layer.
    """

    def __init__(self, tensors: Mapping[str, Tensor], out_scale: float) -> None:
        self.tensors, self.out_scale = dict(tensors), out_scale
        self.adjacency = torch.from_numpy(partition(PARENTS))

    def __call__(self, keypoints: Tensor) -> Tensor:
        n, t, v, _ = keypoints.shape
        x = self._norm(keypoints.reshape(n, t, 2 * v).transpose(1, 2), "data_bn")
        x = self._block(x.reshape(n, v, 2, t).permute(0, 2, 3, 1), "first")
        skips = [x]
        for i in range(4):
            x = self._block(self._block(x, f"down.{i}.0", stride=2), f"down.{i}.1")
            skips.append(x)
        skips.pop()
        total = torch.zeros(n, skips[0].shape[1], t, v)
        for i in range(4):
            x = self._block(x, f"up.{i}")
            if i < 3:
                merged = self._block(x, f"merge.{i}")
                total += merged.repeat_interleave(2 ** (4 - i), dim=2)[:, :, :t]
            skip = skips.pop()
            x = skip + x.repeat_interleave(2, dim=2)[:, :, : skip.shape[2]]
        x = self._conv(self._block(x + total, "regressor"), "head")
        positions = x.permute(0, 2, 3, 1) * self.out_scale
        return positions - positions[:, :, :1]

    def _block(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        n, _, t, v = x.shape
        edges = self.adjacency * self.tensors[f"{name}.spatial.edge_importance"]
        y = self._conv(x, f"{name}.spatial.conv").view(n, 3, -1, t, v)
        y = torch.einsum("nkctv,kvw->nctw", y, edges)
        y = torch.relu(self._norm(y, f"{name}.temporal.0"))
        y = self._norm(self._conv(y, f"{name}.temporal.2", stride, 2), f"{name}.temporal.3")
        if f"{name}.shortcut.0.weight" in self.tensors:
            y = y + self._norm(self._conv(x, f"{name}.shortcut.0", stride), f"{name}.shortcut.1")
        elif name != "first":
            y = y + x
        return torch.relu(y)

    def _conv(self, x: Tensor, name: str, stride: int = 1, padding: int = 0) -> Tensor:
        weight, bias = self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"]
        return conv2d(x, weight, bias, (stride, 1), (padding, 0))

    def _norm(self, x: Tensor, name: str) -> Tensor:
        part = {end: self.tensors[f"{name}.{end}"] for end in ("running_mean", "running_var", "weight", "bias")}
        return batch_norm(x, **part)
