"""All networks by name, and what they have in common: keypoints in, root-relative positions out."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from lifter import joints
from lifter.plain import make, unknown

# type -> class, loaded when it is asked for.
NETWORKS: dict[str, str] = {
    "ugcn": "lifter.ugcn:UGCN",
    "fully_connected": "lifter.fully_connected:FullyConnected",
    "tcn": "lifter.tcn:TCN",
}


class Network(nn.Module):
    """A lifter: keypoints (N, T + 2 * context, 17, 2), normalised, to positions (N, T, 17, 3) in metres, joint 0 at 0.

    Attributes:
        TYPE: its name in `NETWORKS`.
        SETTINGS: the dataclass of its settings, every field with a default.
        settings: what this one was made of.
        context: frames it wants on each side beyond those it returns.
        overlapping: its answer for a frame depends on where the window lies around it, so answers of overlapping
            windows are averaged; else every frame is lifted once.
        period: frames by which a window must move for its answer to move along unchanged: what the network's
            changes of frame rate leave. Averaging over all phases of it takes their steps out.
    """

    TYPE: ClassVar[str]
    SETTINGS: ClassVar[type]
    overlapping: ClassVar[bool] = False
    period: int = 1
    settings: Any
    context: int = 0


def build(type: str, settings: Mapping[str, Any] | None = None) -> Network:
    """Make a network, in training mode, with random weights (`torch.manual_seed` decides them).

    Args:
        type: a name in `NETWORKS`.
        settings: plain values for the fields of the network's settings; the others keep their defaults.

    Raises:
        LifterError: an unknown type or field, or a value of a wrong type or out of range.
    """
    if type not in NETWORKS:
        raise unknown("network type", type, NETWORKS)
    module, name = NETWORKS[type].split(":")
    network: Network = getattr(importlib.import_module(module), name)
    made: Network = network(make(network.SETTINGS, {} if settings is None else settings, f"network {type}"))
    return made


def from_root(positions: Tensor) -> Tensor:
    """Measure positions (..., 17, 3) from the root joint of their frame."""
    return positions - positions[..., joints.ROOT : joints.ROOT + 1, :]


def set_batch_norm_momentum(network: nn.Module, momentum: float) -> None:
    """Set how fast running statistics follow; Pavllo et al. let it fall with the learning rate, 0.1 to 0.001."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = momentum
