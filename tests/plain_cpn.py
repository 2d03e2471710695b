"""CPN-50 said once more, independently: its tensors by name and shape, and the network as bare functions of them.

After the paper (Chen et al., CVPR 2018) and the public PyTorch version's layout; nothing of `detectors.cpn` is used.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import batch_norm, conv2d, interpolate, max_pool2d, relu

Tensors = dict[str, Tensor]
BLOCKS = (3, 4, 6, 3)


def shapes(joints: int = 17) -> dict[str, tuple[int, ...]]:
    """Return the shape of every convolution, and (channels,) for every batch norm, by the public version's names."""
    found: dict[str, tuple[int, ...]] = {"resnet.conv1": (64, 3, 7, 7), "resnet.bn1": (64,)}
    channels = 64
    for layer, (blocks, narrow) in enumerate(zip(BLOCKS, (64, 128, 256, 512), strict=True), 1):
        for block in range(blocks):
            name = f"resnet.layer{layer}.{block}"
            found |= bottleneck_shapes(name, channels, narrow, 4 * narrow, shortcut=block == 0)
            channels = 4 * narrow
    for i, channels in enumerate((2048, 1024, 512, 256)):
        found |= {f"global_net.laterals.{i}.0": (256, channels, 1, 1), f"global_net.laterals.{i}.1": (256,)}
        if i < 3:
            found |= {f"global_net.upsamples.{i}.1": (256, 256, 1, 1), f"global_net.upsamples.{i}.2": (256,)}
        predict = f"global_net.predict.{i}"
        found |= {f"{predict}.0": (256, 256, 1, 1), f"{predict}.1": (256,), f"{predict}.3": (joints, 256, 3, 3)}
        found |= {f"{predict}.5": (joints,)}
        for j in range(3 - i):
            found |= bottleneck_shapes(f"refine_net.cascade.{i}.{j}", 256, 128, 256)
    found |= bottleneck_shapes("refine_net.final_predict.0", 1024, 128, 256)
    return found | {"refine_net.final_predict.1": (joints, 256, 3, 3), "refine_net.final_predict.2": (joints,)}


def bottleneck_shapes(
    name: str, channels: int, narrow: int, wide: int, shortcut: bool = True
) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {
        f"{name}.conv1": (narrow, channels, 1, 1), f"{name}.bn1": (narrow,),
        f"{name}.conv2": (narrow, narrow, 3, 3), f"{name}.bn2": (narrow,),
        f"{name}.conv3": (wide, narrow, 1, 1), f"{name}.bn3": (wide,),
    }  # fmt: skip
    if shortcut:
        found |= {f"{name}.downsample.0": (wide, channels, 1, 1), f"{name}.downsample.1": (wide,)}
    return found


def random_tensors(seed: int = 0) -> Tensors:
    """Draw every tensor of the network; on noise, heat maps go from 0 to 200 (trained: 255)."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator)

    tensors: Tensors = {}
    for name, shape in shapes().items():
        if len(shape) > 1:
            fan_in = shape[1] * shape[2] * shape[3]
            tensors[f"{name}.weight"] = normal(*shape) * (2 / fan_in) ** 0.5
            continue
        tensors[f"{name}.weight"] = 0.5 + uniform(*shape)
        tensors[f"{name}.bias"] = 0.1 * normal(*shape)
        tensors[f"{name}.running_mean"] = 0.1 * normal(*shape)
        tensors[f"{name}.running_var"] = 0.5 + uniform(*shape)
        tensors[f"{name}.num_batches_tracked"] = torch.tensor(7)
    for name in [name for name in tensors if name.endswith("bn3.weight") and "resnet" in name]:
        tensors[name] *= 0.2  # else 16 blocks in a row would blow the numbers up
    maps, refined = forward(tensors, normal(1, 3, 256, 192))
    for name, found in zip([*(f"global_net.predict.{i}.5" for i in range(4)), "refine_net.final_predict.2"],
                           [*maps, refined], strict=True):  # fmt: skip
        low, high = found.amin((0, 2, 3)), found.amax((0, 2, 3))
        tensors[f"{name}.weight"] *= 200 / (high - low)
        tensors[f"{name}.bias"] = (tensors[f"{name}.bias"] - low) * 200 / (high - low)
    return tensors


def forward(tensors: Tensors, picture: Tensor) -> tuple[list[Tensor], Tensor]:
    """Turn pictures (N, 3, H, W) into four levels of heat maps, coarse to fine, and the refined ones, at H/4 x W/4."""
    size = (picture.shape[2] // 4, picture.shape[3] // 4)

    def conv(name: str, x: Tensor, stride: int = 1) -> Tensor:
        weight = tensors[f"{name}.weight"]
        return conv2d(x, weight, tensors.get(f"{name}.bias"), stride, weight.shape[-1] // 2)

    def norm(name: str, x: Tensor) -> Tensor:
        keys = ("running_mean", "running_var", "weight", "bias")
        return batch_norm(x, *(tensors[f"{name}.{key}"] for key in keys))

    def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
        return interpolate(x, size, mode="bilinear", align_corners=True)

    def bottleneck(name: str, x: Tensor, stride: int = 1) -> Tensor:
        y = relu(norm(f"{name}.bn1", conv(f"{name}.conv1", x)))
        y = relu(norm(f"{name}.bn2", conv(f"{name}.conv2", y, stride)))
        y = norm(f"{name}.bn3", conv(f"{name}.conv3", y))
        if f"{name}.downsample.0.weight" in tensors:
            x = norm(f"{name}.downsample.1", conv(f"{name}.downsample.0", x, stride))
        return relu(x + y)

    x = max_pool2d(relu(norm("resnet.bn1", conv("resnet.conv1", picture, 2))), 3, 2, 1)
    levels = []
    for layer, blocks in enumerate(BLOCKS, 1):
        for block in range(blocks):
            x = bottleneck(f"resnet.layer{layer}.{block}", x, 2 if layer > 1 and block == 0 else 1)
        levels.append(x)
    maps, joined, feature = [], [], None
    for i, level in enumerate(reversed(levels)):
        lateral = relu(norm(f"global_net.laterals.{i}.1", conv(f"global_net.laterals.{i}.0", level)))
        if feature is not None:
            up = resize(feature, (2 * feature.shape[2], 2 * feature.shape[3]))
            lateral = lateral + norm(f"global_net.upsamples.{i - 1}.2", conv(f"global_net.upsamples.{i - 1}.1", up))
        feature = y = lateral
        predict = f"global_net.predict.{i}"
        heat = conv(f"{predict}.3", relu(norm(f"{predict}.1", conv(f"{predict}.0", feature))))
        maps.append(norm(f"{predict}.5", resize(heat, size)))
        for j in range(3 - i):
            y = bottleneck(f"refine_net.cascade.{i}.{j}", y)
        joined.append(resize(y, size))
    y = bottleneck("refine_net.final_predict.0", torch.cat(joined, 1))
    return maps, norm("refine_net.final_predict.2", conv("refine_net.final_predict.1", y))


def write_public(path: Path, tensors: Tensors, zip_format: bool = False) -> None:
    """Write a checkpoint as the public version's training does, with its optimizer's state beside the weights."""
    some = [torch.nn.Parameter(torch.ones(3))]
    some[0].grad = torch.ones(3)
    optimizer = torch.optim.Adam(some, lr=5e-4, weight_decay=1e-5)
    optimizer.step()
    state = OrderedDict((f"module.{name}", tensor) for name, tensor in tensors.items())
    content = {"epoch": 32, "state_dict": state, "optimizer": optimizer.state_dict()}
    torch.save(content, path, _use_new_zipfile_serialization=zip_format)
