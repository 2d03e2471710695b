"""From a config to a trained lifter: MMEngine's Runner, set up so that a killed training goes on bit for bit."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch import nn

from lifter import networks, weights
from lifter.errors import LifterError
from lifter.lifter import pick_device
from lifter.plain import make
from lifter.training.hooks import KeepHook, StepHook, TableHook, averaged, bare
from lifter.training.registered import register
from lifter.training.sync_norm import synced
from lifter.weights import Recipe

RESULT = "lifter.safetensors"
Say = Callable[[str], None]


def read_config(path: Path, options: Mapping[str, Any] | None = None) -> Config:
    """Read an MMEngine config. A Python config is a program: read only those you trust.

    Args:
        path: .py, .json or .yaml.
        options: dotted names to values that replace the file's (`--cfg-options`).

    Raises:
        LifterError: not there, or not a config.
    """
    if not path.is_file():
        raise LifterError(f"{path}: no such config; the project's are in configs/")
    try:
        config = Config.fromfile(path)
        config.merge_from_dict(dict(options or {}))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, SyntaxError, NameError, ImportError) as error:
        raise LifterError(f"{path}: {error or type(error).__name__}") from error
    for name in ("model", "train_dataloader", "train_cfg", "optim_wrapper"):
        if not isinstance(config.get(name), Mapping):
            raise LifterError(f"{path}: not a training config ({name!r} missing)")
    return config


def train(config: Config, folder: Path, say: Say, device: str = "auto", initial: Path | None = None) -> Path:
    """Train by a config and write `folder/lifter.safetensors`; a `folder/last.pt` found there is gone on from.

    Args:
        config: as `read_config` gives it.
        folder: for the state, the log and the result.
        say: prints a line of the live table.
        device: auto, cpu or cuda.
        initial: weights of a lifter of the same network to begin from (retraining).

    Returns:
        The file of the trained weights; of the averaged ones where the config keeps an average.

    Raises:
        LifterError: a config that does not fit, data that are not there, a training that diverged.
    """
    register()
    _make(folder)
    chosen = pick_device(device)
    settings = fingerprint(config, initial)
    prepared = prepare(config, folder, chosen)
    runner = _runner(prepared)
    _load_initial(runner, initial)
    if runner.distributed:
        _synchronise(runner)
    runner.register_hook(StepHook())
    runner.register_hook(TableHook(say))
    runner.register_hook(KeepHook(folder / "last.pt", settings, config.get("keep_interval", 1)))
    runner.train()
    average = averaged(runner)
    model: Any = bare(runner.model) if average is None else average.module
    result = folder / RESULT
    if runner.rank == 0:
        note = {"config": json.loads(settings), "seed": runner.seed, "epochs": runner.max_epochs}
        weights.save(result, model.network.cpu().eval(), model.recipe, note)
    return result


def fingerprint(config: Config, initial: Path | None = None) -> str:
    """What a training is made from, as one line of JSON."""
    plain = {name: value for name, value in config.to_dict().items() if name not in ("visualizer", "keep_interval")}
    return json.dumps({**plain, "initial": str(initial) if initial else None}, sort_keys=True, default=str)


def prepare(config: Config, folder: Path, device: torch.device) -> Config:
    """Return the config completed for the Runner: one recipe and one context for network and data."""
    made = Config(config.to_dict())
    recipe = dict(made.model.get("recipe", {}))
    make(Recipe, recipe, "model.recipe")
    shape = dict(made.model.network)
    context = int(networks.build(shape.pop("type"), shape).context)
    for name in ("train_dataloader", "val_dataloader"):
        if made.get(name):
            loader = made[name]
            loader.setdefault("num_workers", 0)
            loader.setdefault("collate_fn", dict(type="gathered"))
            loader.dataset.setdefault("recipe", recipe)
            loader.dataset.setdefault("context", context)
            if loader.dataset.type == "WindowDataset":
                loader.dataset.setdefault("device", str(device))
    made.work_dir = str(folder)
    made.default_hooks = dict(made.get("default_hooks") or {}, checkpoint=None)  # KeepHook does better
    made.setdefault("log_level", "ERROR")
    made.setdefault("randomness", dict(seed=0))
    # Settings of a Runner that stands beside others in one process need names of their own.
    made.experiment_name = f"{folder.name}_{os.getpid()}_{id(made)}"
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        made.launcher = "pytorch"
        _join_processes(device)
        identifiers = [torch.cuda.current_device()] if device.type == "cuda" else None
        made.model_wrapper_cfg = dict(type="MMDistributedDataParallel", device_ids=identifiers, broadcast_buffers=False)
    return made


def _join_processes(device: torch.device) -> None:
    """Meet the processes that `torchrun` has started."""
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")


class QuietRunner(Runner):  # type: ignore[misc]  # MMEngine has no types
    """MMEngine's Runner without its survey of the machine, which imports torchvision and fails where that does."""

    def _log_env(self, env_cfg: dict[str, Any]) -> None:
        """Log nothing; versions stand in the weights' file."""


def _runner(config: Config) -> Runner:
    """Build the Runner; what a config got wrong is told in one line."""
    logging.getLogger("mmengine").setLevel(logging.ERROR)
    try:
        return QuietRunner.from_cfg(config)
    except (KeyError, TypeError, ValueError, AssertionError) as error:
        raise LifterError(f"config: {' '.join(str(error).split()) or type(error).__name__}") from error


def _load_initial(runner: Runner, initial: Path | None) -> None:
    if initial is None:
        return
    network, recipe = weights.load(initial)
    model = bare(runner.model)
    if type(network) is not type(model.network) or recipe != model.recipe:
        raise LifterError(f"{initial}: another network or recipe than the config's; it cannot be trained on")
    try:
        model.network.load_state_dict(network.state_dict())
    except RuntimeError as error:
        raise LifterError(f"{initial}: of another shape than the config's network") from error


def _synchronise(runner: Runner) -> None:
    """Let batch norms see the batches of all processes."""
    model: nn.Module = bare(runner.model)
    synced(model)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LifterError(f"{folder}: cannot be made ({error.strerror}); choose another --out") from error
