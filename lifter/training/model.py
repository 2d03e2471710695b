"""The network and its loss as MMEngine's Runner drives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.model import BaseModel
from torch import Tensor

from lifter import networks
from lifter.losses import LossSettings, total_loss
from lifter.plain import make
from lifter.training import quick
from lifter.ugcn import UGCN
from lifter.weights import Recipe


class LifterModel(BaseModel):  # type: ignore[misc]  # MMEngine has no types
    """A lifter in training.

    Args:
        network: `type` (ugcn, tcn, fully_connected) and the fields of its settings.
        loss: fields of `LossSettings`.
        recipe: fields of `Recipe`: how the network is fed; kept in the weights' file.
        autocast: bfloat16 for the network; losses stay in float32 (cross products of near parallels cancel).

    Raises:
        LifterError: an unknown network or field.
    """

    def __init__(
        self,
        network: Mapping[str, Any],
        loss: Mapping[str, Any] | None = None,
        recipe: Mapping[str, Any] | None = None,
        autocast: bool = False,
    ) -> None:
        super().__init__()
        shape = dict(network)
        self.network = networks.build(shape.pop("type"), shape)
        self.loss_settings = make(LossSettings, loss or {}, "model.loss")
        self.recipe = make(Recipe, recipe or {}, "model.recipe")
        self.autocast = autocast
        self.step = 0  # the Runner's iteration; a loss may warm up by it

    def forward(
        self,
        keypoints: Tensor,
        positions: Tensor | None = None,
        mask: Tensor | None = None,
        mode: str = "tensor",
        **where: Tensor,
    ) -> Tensor | dict[str, Tensor] | list[dict[str, Tensor]]:
        """Lift a batch.

        Args:
            keypoints: (N, T + 2 context, 17, 2) in the recipe's units.
            positions: (N, T, 17, 3) metres, root-relative, the truth.
            mask: (N, T) bool, frames whose truth counts.
            mode: tensor (the prediction), loss (named parts for the log) or predict (one dict a window).
            where: which window each is, handed through to the metric.
        """
        with torch.autocast(keypoints.device.type, torch.bfloat16, enabled=self.autocast):
            predicted = self._lift(keypoints).float()
        if mode == "tensor" or positions is None:
            return predicted
        if mode == "loss":
            loss, parts = total_loss(predicted, positions, self.loss_settings, mask, self.step)
            if mask is not None and get_world_size() > 1:
                loss = loss * share(mask)
            return {"loss": loss, **parts}
        given = {"predicted": predicted, "positions": positions, "mask": mask, **where}
        kept = {name: value.detach().cpu() for name, value in given.items() if value is not None}
        return [{name: value[i] for name, value in kept.items()} for i in range(len(predicted))]

    def _lift(self, keypoints: Tensor) -> Tensor:
        """The network, in the form that trains fastest where there is one."""
        if quick.suits(self.network, keypoints):
            return quick.lift(cast(UGCN, self.network), keypoints)
        lifted: Tensor = self.network(keypoints)
        return lifted


def share(mask: Tensor) -> Tensor:
    """The factor that makes the mean over processes of a mean over frames the mean over the frames of all."""
    count = mask.sum().float()
    everywhere: Tensor = count.clone()
    all_reduce(everywhere)
    processes: int = get_world_size()
    return count * processes / everywhere.clamp(min=1)
