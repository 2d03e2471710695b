"""The state of a training in a file, whole or not at all, from which it goes on bit for bit."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper
from torch import nn

from lifter.errors import LifterError
from lifter.whole import whole

State = dict[str, Any]
# What reading a state with wrong bytes in it raises.
DAMAGE = (OSError, EOFError, LookupError, AttributeError, TypeError, ValueError, RuntimeError, UnpicklingError)


class KeepHook(Hook):  # type: ignore[misc]  # MMEngine has no types
    """Keeps everything needed to go on, and goes on from it.

    MMEngine's own checkpoints hold pickled objects; this holds tensors and plain values, and is read with
    `weights_only=True`.

    Args:
        path: the file that is written.
        settings: what the training is made from.
        state: what `read_state` gave: where to go on; None begins.
        interval: epochs between two writes.
    """

    priority = "LOWEST"  # after the averaged weights and the learning rate have moved on

    def __init__(self, path: Path, settings: str, state: State | None = None, interval: int = 1) -> None:
        self.path, self.settings, self.state, self.interval = path, settings, state, interval

    def before_train(self, runner: Any) -> None:
        """Go on from the state.

        Raises:
            LifterError: something is missing in it.
        """
        state, self.state = self.state, None
        if state is not None:
            try:
                _restore(runner, state)
            except DAMAGE as error:
                raise damaged(self.path) from error

    def after_train_epoch(self, runner: Any) -> None:
        """Write the file.

        Raises:
            LifterError: the disk is full or the folder cannot be written to.
        """
        done = runner.epoch + 1
        if is_main_process() and (done % self.interval == 0 or done == runner.max_epochs):
            write_state(self.path, {"settings": self.settings, **_state(runner, done)})


def read_state(path: Path, settings: str) -> State | None:
    """Read a state; None where there is none.

    Raises:
        LifterError: it is damaged, or of a training with other settings.
    """
    if not path.is_file():
        return None
    try:
        # On the processor, whence it is copied: Adam's own counts have to stay there.
        state: State = torch.load(path, map_location="cpu", weights_only=True)
        other = state["settings"] != settings
    except DAMAGE as error:
        raise damaged(path) from error
    if other:
        raise LifterError(f"{path}: a training with other settings was begun here; train into another folder")
    return state


def write_state(path: Path, state: State) -> None:
    """Write a state; the file appears whole or not at all.

    Raises:
        LifterError: the disk is full or the folder cannot be written to.
    """
    with whole(path, RuntimeError) as temporary:  # torch tells a full disk as a RuntimeError
        torch.save(state, temporary)


def damaged(path: Path) -> LifterError:
    """The error for a state that cannot be used."""
    return LifterError(f"{path}: damaged; remove it to begin again, or train into another folder")


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


def _state(runner: Any, epoch: int) -> State:
    average, model = averaged(runner), bare(runner.model)
    return {
        "epoch": epoch,
        "model": model.state_dict(),
        "average": average.state_dict() if average is not None else None,
        "optimizer": runner.optim_wrapper.state_dict(),
        "schedulers": [_progress(scheduler) for scheduler in runner.param_schedulers or []],
        # Where steps gather gradients, an epoch may end between two of them.
        "gradients": {name: one.grad for name, one in model.named_parameters() if one.grad is not None},
    }


def _restore(runner: Any, state: State) -> None:
    model, average = bare(runner.model), averaged(runner)
    model.load_state_dict(state["model"])
    if average is not None:
        average.load_state_dict(state["average"])
    runner.optim_wrapper.load_state_dict(state["optimizer"])
    for scheduler, kept in zip(runner.param_schedulers or [], state["schedulers"], strict=True):
        vars(scheduler).update(kept)
    parameters = dict(model.named_parameters())
    for name, gradient in state["gradients"].items():
        parameters[name].grad = gradient.to(parameters[name].device)
    loop = runner.train_loop
    loop._epoch, loop._iter = int(state["epoch"]), int(state["epoch"]) * len(runner.train_dataloader)
    runner.optim_wrapper.initialize_count_status(runner.model, loop._iter, loop.max_iters)


def _progress(scheduler: Any) -> State:
    """How far a scheduler has come; what it does stands in the config."""
    return {name: vars(scheduler)[name] for name in ("last_step", "_global_step", "_last_value")}
