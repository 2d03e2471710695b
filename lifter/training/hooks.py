"""What happens around the steps of a training: repeatable chance, a state that survives a kill, a live table."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from mmengine.dist import get_rank, is_main_process
from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper
from torch import nn

from lifter.errors import LifterError

# What reading a state with wrong bytes in it raises.
DAMAGE = (OSError, EOFError, LookupError, AttributeError, TypeError, ValueError, RuntimeError, UnpicklingError)


class StepHook(Hook):  # type: ignore[misc]  # MMEngine has no types
    """Makes chance a function of seed and step, so that a resumed training repeats the undisturbed one.

    Raises:
        LifterError: the loss is not a number any more.
    """

    priority = "VERY_HIGH"

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Seed dropout, and tell the model its step."""
        torch.manual_seed((int(runner.seed or 0) << 40) + (get_rank() << 32) + runner.iter)
        bare(runner.model).step = runner.iter

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Stop a training that has diverged."""
        # Reading the number waits for a GPU; there it is looked at now and then.
        if outputs and (outputs["loss"].device.type == "cpu" or runner.iter % 50 == 0):
            loss = float(outputs["loss"].detach())
            if not math.isfinite(loss):
                raise LifterError(f"the loss is {loss} at step {runner.iter}: lower the learning rate in the config")


class KeepHook(Hook):  # type: ignore[misc]
    """Keeps everything needed to go on in `last.pt`, whole or not at all, and goes on from it.

    MMEngine's own checkpoints hold pickled objects; this holds tensors and plain values, and is read with
    `weights_only=True`.

    Args:
        path: the file.
        settings: what the training is made from; a state made from something else is refused.
        interval: epochs between two writes.
    """

    priority = "LOWEST"  # after the averaged weights and the learning rate have moved on

    def __init__(self, path: Path, settings: str, interval: int = 1) -> None:
        self.path, self.settings, self.interval = path, settings, interval

    def before_train(self, runner: Any) -> None:
        """Go on from the file, if it is there.

        Raises:
            LifterError: it is damaged, or of a training with other settings.
        """
        if not self.path.is_file():
            return
        try:
            state = torch.load(self.path, map_location=next(runner.model.parameters()).device, weights_only=True)
            same = state["settings"] == self.settings
            if same:
                self._restore(runner, state)
        except DAMAGE as error:
            raise LifterError(f"{self.path}: damaged; remove it, or train into another folder") from error
        if not same:
            raise LifterError(f"{self.path}: a training with other settings was begun here; train into another folder")

    def after_train_epoch(self, runner: Any) -> None:
        """Write the file.

        Raises:
            LifterError: the disk is full or the folder cannot be written to.
        """
        done = runner.epoch + 1
        if is_main_process() and (done % self.interval == 0 or done == runner.max_epochs):
            write_whole(self.path, self._state(runner, done))

    def _state(self, runner: Any, epoch: int) -> dict[str, Any]:
        average = averaged(runner)
        return {
            "settings": self.settings,
            "epoch": epoch,
            "model": bare(runner.model).state_dict(),
            "average": average.state_dict() if average is not None else None,
            "optimizer": runner.optim_wrapper.state_dict(),
            "schedulers": [_progress(scheduler) for scheduler in runner.param_schedulers or []],
        }

    def _restore(self, runner: Any, state: dict[str, Any]) -> None:
        bare(runner.model).load_state_dict(state["model"])
        average = averaged(runner)
        if average is not None:
            average.load_state_dict(state["average"])
        runner.optim_wrapper.load_state_dict(state["optimizer"])
        for scheduler, kept in zip(runner.param_schedulers or [], state["schedulers"], strict=True):
            vars(scheduler).update(kept)
        runner.train_loop._epoch = int(state["epoch"])
        runner.train_loop._iter = int(state["epoch"]) * len(runner.train_dataloader)


class TableHook(Hook):  # type: ignore[misc]
    """A line an epoch: losses, validation errors, pace and what is left.

    Args:
        say: prints a line.
    """

    priority = "VERY_LOW"

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.sums: dict[str, float] = {}
        self.count = 0
        self.began = time.perf_counter()
        self.begun_at = 0

    def before_train(self, runner: Any) -> None:
        """Start the clock."""
        self.began, self.begun_at = time.perf_counter(), runner.epoch
        if runner.epoch:
            self.say(f"goes on after epoch {runner.epoch}")

    def before_train_epoch(self, runner: Any) -> None:
        """Start the epoch's averages."""
        self.sums, self.count = {}, 0

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
        pace = (time.perf_counter() - self.began) / max(epoch - self.begun_at, 1)
        figures = "  ".join(f"{name} {float(value) / max(self.count, 1):.4f}" for name, value in self.sums.items())
        scores = "  ".join(f"{name} {value:.1f}" for name, value in metrics.items())
        rate = runner.optim_wrapper.get_lr()["lr"][0]
        left = pace * (runner.max_epochs - epoch) / 60
        if is_main_process():
            self.say(
                f"epoch {epoch}/{runner.max_epochs}  lr {rate:.1e}  {figures}  {scores}  "
                f"{pace:.1f} s/epoch  {left:.0f} min left"
            )


def bare(model: Any) -> Any:
    """The model without the wrapper that several processes put around it."""
    return model.module if is_model_wrapper(model) else model


def averaged(runner: Any) -> nn.Module | None:
    """The moving average of the weights, if the config asks for one."""
    for hook in runner.hooks:
        if isinstance(hook, EMAHook):
            average: nn.Module = hook.ema_model
            return average
    return None


def write_whole(path: Path, state: dict[str, Any]) -> None:
    """Write a state; the file appears whole or not at all.

    Raises:
        LifterError: the disk is full or the folder cannot be written to.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        torch.save(state, temporary)
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # torch tells a full disk as a RuntimeError
        raise LifterError(f"{path}: cannot be written; check the folder and the free space") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _validates(runner: Any, epoch: int) -> bool:
    loop = runner.train_loop
    if runner.val_loop is None or epoch < loop.val_begin:
        return False
    return bool(epoch % loop.val_interval == 0 or epoch == runner.max_epochs)


def _progress(scheduler: Any) -> dict[str, Any]:
    """How far a scheduler has come; what it does stands in the config."""
    return {name: vars(scheduler)[name] for name in ("last_step", "_global_step", "_last_value")}
