"""From a config to a trained lifter: MMEngine's Runner, set up so that a killed training goes on bit for bit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import mmengine
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dist import is_main_process

from lifter import weights
from lifter.errors import LifterError
from lifter.lifter import pick_device
from lifter.training.alone import alone
from lifter.training.hooks import StepHook, TableHook
from lifter.training.keep import KeepHook, averaged, bare, read_state
from lifter.training.overrides import check, merge, unfit_schedule
from lifter.training.prepared import prepare
from lifter.training.registered import register
from lifter.training.runner import QuietRunner, build_runner
from lifter.training.together import processes, together

RESULT = "lifter.safetensors"
STATE = "last.pt"
TABLE = "log.txt"
# What a training does not depend on.
ASIDE = ("visualizer", "vis_backends", "keep_interval", "log_level", "log_processor")
# What running a Python config may raise that is the config's fault.
FAULTY = (
    OSError, ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError, RuntimeError,
    SyntaxError, TypeError, ValueError,
)  # fmt: skip
Say = Callable[[str], None]


def read_config(path: Path, options: Mapping[str, Any] | None = None) -> Config:
    """Read an MMEngine config. A Python config is a program: read only those you trust.

    Args:
        path: .py, .json or .yaml.
        options: dotted names to values that replace the file's (`--cfg-options`).

    Raises:
        LifterError: not there, or not a config of a training.
    """
    if not path.is_file():
        raise LifterError(f"{path}: no such config; the project's are in configs/")
    try:
        config = Config.fromfile(path)
    except FAULTY as error:
        raise LifterError(f"{path}: {' '.join(str(error).split()) or type(error).__name__}") from error
    merge(config, options or {})
    try:
        check(config)
    except LifterError as error:
        raise LifterError(f"{path}: {error}") from error
    return config


def train(config: Config, folder: Path, say: Say, device: str = "auto", initial: Path | None = None) -> Path:
    """Train by a config and write `folder/lifter.safetensors`; a `folder/last.pt` found there is gone on from.

    Under `torchrun` all processes call it, and the first one writes; the config's batch size is that of one process.

    Args:
        config: as `read_config` gives it.
        folder: for the state, the table (`log.txt`), the curves (`tensorboard/`) and the result.
        say: prints a line of the live table.
        device: auto, cpu or cuda.
        initial: weights of a lifter of the same network to begin from (retraining).

    Returns:
        The file of the trained weights; of the averaged ones where the config keeps an average.

    Raises:
        LifterError: a config that does not fit, data that are not there, a training that diverged, or another one
            at work in the folder.
    """
    register()
    check(config)
    _make(folder)
    chosen = pick_device(device)
    with alone(folder), together(chosen):
        return _train(config, folder, say, chosen, initial)


def _train(config: Config, folder: Path, say: Say, chosen: torch.device, initial: Path | None) -> Path:
    settings = fingerprint(config, initial)
    state = read_state(folder / STATE, settings)
    runner = build_runner(prepare(config, folder, chosen))
    _load_initial(runner, initial)
    runner.register_hook(StepHook())
    tell = _teller(say, folder / TABLE)
    if told := unfit_schedule(config, runner.max_iters):
        tell(told)
    runner.register_hook(TableHook(tell))
    runner.register_hook(KeepHook(folder / STATE, settings, state, config.get("keep_interval", 1)))
    runner.train()
    average = averaged(runner)
    model: Any = bare(runner.model) if average is None else average.module
    if is_main_process():
        weights.save(folder / RESULT, model.network.cpu().eval(), model.recipe, _note(runner, settings))
    return folder / RESULT


def fingerprint(config: Config, initial: Path | None = None) -> str:
    """What a training is made from, as one line of JSON.

    Raises:
        LifterError: the initial weights are not there.
    """
    made = {name: value for name, value in config.to_dict().items() if name not in ASIDE}
    made["initial"] = None
    if initial is not None:
        file = weights.find(str(initial))
        made["initial"] = {"name": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    if processes() > 1:
        made["processes"] = processes()
    return json.dumps(made, sort_keys=True, default=str)


def _load_initial(runner: QuietRunner, initial: Path | None) -> None:
    if initial is None:
        return
    network, recipe = weights.load(weights.find(str(initial)))
    model = bare(runner.model)
    # Dropout is of the training, not of the network that comes out; axes that turn a little are soon learned.
    theirs, ours = (
        {**asdict(one.settings), **asdict(fed), "dropout": None, "axes": None}
        for one, fed in ((network, recipe), (model.network, model.recipe))
    )
    if type(network) is not type(model.network) or theirs != ours:
        raise LifterError(f"{initial}: another network or recipe than the config's; it cannot be trained on")
    model.network.load_state_dict(network.state_dict())


def _teller(say: Say, log: Path) -> Say:
    """Say lines and keep them in a file; of several processes one does."""

    def tell(line: str) -> None:
        if is_main_process():
            say(line)
            with log.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")

    return tell


def _note(runner: QuietRunner, settings: str) -> dict[str, Any]:
    """What the weights' file says of where it comes from: enough to do it again."""
    return {
        "config": json.loads(settings),
        "seed": runner.seed,
        "epochs": runner.max_epochs,
        "steps": runner.max_iters,
        "processes": runner.world_size,
        "data": runner.train_dataloader.dataset.described(),
        "versions": {"torch": torch.__version__, "numpy": np.__version__, "mmengine": mmengine.__version__},
    }


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LifterError(f"{folder}: cannot be made ({error.strerror}); choose another --out") from error
