"""MMEngine's Runner as trainings here want it: on the device that was asked for, quiet, one folder for all starts."""

from __future__ import annotations

import logging
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import OPTIMIZERS
from mmengine.runner import Runner

from lifter.errors import LifterError
from lifter.plain import unknown
from lifter.training.sync_norm import synced

CURVES = "tensorboard"
# What MMEngine and PyTorch raise where a config names or holds something wrong.
WRONG = (KeyError, IndexError, TypeError, ValueError, AttributeError, AssertionError, NotImplementedError)


class QuietRunner(Runner):  # type: ignore[misc]  # MMEngine has no types
    """The Runner without what it writes on every start (a folder, a config, a log) and without its survey of the
    machine, which imports torchvision and fails where that does.

    `cfg.device` says where it trains; MMEngine by itself takes a GPU wherever there is one.
    """

    @property
    def timestamp(self) -> str:
        """What MMEngine calls the folder of a start: the same for all starts."""
        return CURVES

    def build_logger(self, log_level: int | str = "ERROR", log_file: str | None = None, **kwargs: Any) -> MMLogger:
        """A logger of errors alone and without a file; what is worth reading stands in the table."""
        del log_file
        return MMLogger.get_instance(self._experiment_name, log_level=log_level, **kwargs)

    def wrap_model(self, model_wrapper_cfg: Any, model: Any) -> Any:
        """Bring the model to the device; in several processes, keep gradients and batch norms in step."""
        del model_wrapper_cfg
        device = torch.device(self.cfg.device)
        if not self.distributed:
            return model.to(device)
        own = [torch.cuda.current_device()] if device.type == "cuda" else None
        return MMDistributedDataParallel(module=synced(model).to(device), device_ids=own, broadcast_buffers=False)

    def dump_config(self) -> None:
        """Nothing: the config is kept by `lifter.training.run`."""

    def _log_env(self, env_cfg: dict[str, Any]) -> None:
        """Nothing; versions stand in the weights' file."""


def build_runner(config: Config) -> QuietRunner:
    """Build the Runner with all it trains by: data, optimiser, schedules, validation.

    Raises:
        LifterError: whatever the config got wrong, in one line.
    """
    logging.getLogger("mmengine").setLevel(logging.ERROR)
    try:
        runner: QuietRunner = QuietRunner.from_cfg(config)
        # In the order of Runner.train, which builds nothing twice.
        runner._train_loop = runner.build_train_loop(runner._train_loop)
        if not len(runner.train_dataloader):
            raise ValueError("no batch in an epoch: the set has no windows, or drop_last leaves none")
        kind = runner.optim_wrapper["optimizer"]["type"]
        if isinstance(kind, str) and OPTIMIZERS.get(kind) is None:
            raise unknown("config, optimiser", kind, OPTIMIZERS.module_dict)
        runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
        if runner.param_schedulers is not None:
            runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)
        if runner._val_loop is not None:
            runner._val_loop = _build_validation(runner)
    except WRONG as error:
        raise LifterError(f"config: {' '.join(str(error).split()) or type(error).__name__}") from error
    return runner


def _build_validation(runner: QuietRunner) -> Any:
    """Build the loop and with it the data; a set that has none to validate on can still be trained on."""
    try:
        return runner.build_val_loop(runner._val_loop)
    except LifterError as error:
        raise LifterError(f"validation: {error}; or train without: --cfg-options val_dataloader=None") from error
