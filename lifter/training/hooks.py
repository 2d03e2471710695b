"""What happens around the steps of a training: repeatable chance, a stop where it diverges, a live table."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook

from lifter.errors import LifterError
from lifter.training.keep import bare


class StepHook(Hook):  # type: ignore[misc]  # MMEngine has no types
    """Makes chance a function of seed and step, so that a resumed training repeats the undisturbed one.

    Raises:
        LifterError: the loss is not a number any more.
    """

    priority = "VERY_HIGH"

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Seed dropout, and tell the model its step."""
        torch.manual_seed(seed_of(int(runner.seed), get_rank(), runner.iter))
        bare(runner.model).step = runner.iter

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Stop a training that has diverged."""
        # Reading the number waits for a GPU; there it is looked at now and then, and before a state is kept.
        last = batch_idx + 1 == len(runner.train_dataloader)
        if outputs and (outputs["loss"].device.type == "cpu" or last or runner.iter % 50 == 0):
            loss = float(outputs["loss"].detach())
            if not math.isfinite(loss):
                raise LifterError(f"the loss is {loss} at step {runner.iter}: lower the learning rate in the config")


class TableHook(Hook):  # type: ignore[misc]
    """A line an epoch: losses, validation errors, pace and what is left.

    Args:
        say: prints a line.
    """

    priority = "VERY_LOW"

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.sums: dict[str, Any] = {}
        self.count = 0
        self.began: float | None = None
        self.begun_at = 0

    def before_train_epoch(self, runner: Any) -> None:
        """Start the epoch's averages; before the first one, the clock."""
        self.sums, self.count = {}, 0
        if self.began is None:
            self.began, self.begun_at = time.perf_counter(), runner.epoch
            if runner.epoch:
                self.say(f"goes on after epoch {runner.epoch}")

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Add a step's losses."""
        self.count += 1
        for name, value in (outputs or {}).items():
            self.sums[name] = self.sums.get(name, 0) + value.detach()

    def after_train_epoch(self, runner: Any) -> None:
        """Print the line, where no validation follows that will."""
        if not _validates(runner, runner.epoch + 1):
            self._line(runner, runner.epoch + 1, {})

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Print the line with the validation's errors."""
        self._line(runner, runner.epoch, metrics or {})

    def _line(self, runner: Any, epoch: int, metrics: dict[str, float]) -> None:
        pace = (time.perf_counter() - (self.began or 0.0)) / max(epoch - self.begun_at, 1)
        losses = [f"{name} {float(value) / max(self.count, 1):.4f}" for name, value in self.sums.items()]
        scores = [f"{name} {value:.1f}" for name, value in metrics.items()]
        rate = runner.optim_wrapper.get_lr()["lr"][0]
        columns = [f"epoch {epoch}/{runner.max_epochs}", f"lr {rate:.1e}", *losses, *scores, f"{pace:.1f} s/epoch"]
        self.say("  ".join([*columns, f"{pace * (runner.max_epochs - epoch) / 60:.0f} min left"]))


def seed_of(seed: int, rank: int, step: int) -> int:
    """A seed for one step of one process: 64 bits in which any two differ as by chance."""
    return int(np.random.SeedSequence([seed, rank, step]).generate_state(1, np.uint64)[0])


def _validates(runner: Any, epoch: int) -> bool:
    loop = runner.train_loop
    if runner.val_loop is None or epoch < loop.val_begin:
        return False
    return bool(epoch % loop.val_interval == 0 or epoch == runner.max_epochs)
