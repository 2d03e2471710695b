"""Our parts under their names in MMEngine's registries, so that configs can name them."""

from __future__ import annotations

from functools import partial
from typing import Any

from mmengine.registry import DATA_SAMPLERS, DATASETS, FUNCTIONS, METRICS, MODELS
from torch import Tensor, nn

from lifter import networks
from lifter.losses import LossSettings, total_loss
from lifter.plain import make
from lifter.training.filmed_dataset import FilmedDataset
from lifter.training.metric import SlidingWindowPose3DMetric
from lifter.training.model import LifterModel
from lifter.training.samplers import EndlessSampler, WindowSampler
from lifter.training.windows_dataset import Batch, WindowDataset

NETWORKS = {"UGCN": "ugcn", "TemporalConvNet": "tcn", "FullyConnectedLifter": "fully_connected"}


class LiftingLoss(nn.Module):
    """Position and motion loss (paper, Eq. 1-6) as a module; its arguments are the fields of `LossSettings`."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = make(LossSettings, settings, "loss")

    def forward(self, predicted: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
        """Loss of predicted against true positions (N, T, 17, 3), metres, root-relative; mask (N, T) bool."""
        return total_loss(predicted, truth, self.settings, mask)[0]


def gathered(batch: Batch) -> Batch:
    """Collate function of data sets that gather whole batches themselves."""
    return batch


def register() -> None:
    """Put our parts into MMEngine's root registries; MMPose's find them there. Doing it again changes nothing."""
    parts = {
        MODELS: (LifterModel, LiftingLoss),
        DATASETS: (WindowDataset, FilmedDataset),
        DATA_SAMPLERS: (WindowSampler, EndlessSampler),
        METRICS: (SlidingWindowPose3DMetric,),
        FUNCTIONS: (gathered,),
    }
    for registry, modules in parts.items():
        for module in modules:
            registry.register_module(module=module, force=True)
    for name, kind in NETWORKS.items():
        MODELS.register_module(name=name, module=partial(_network, kind), force=True)


def _network(kind: str, **settings: Any) -> nn.Module:
    return networks.build(kind, settings)
