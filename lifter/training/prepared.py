"""A training's config completed for MMEngine's Runner: one recipe and one context for network and data."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from lifter import networks
from lifter.errors import LifterError
from lifter.plain import make
from lifter.training.runner import CURVES, WRONG
from lifter.training.together import processes
from lifter.weights import Recipe


def prepare(config: Config, folder: Path, device: torch.device) -> Config:
    """Return the config completed for the Runner: one recipe and one context for network and data.

    Raises:
        LifterError: a network, recipe or loader that cannot be.
    """
    made = Config(config.to_dict())
    recipe = asdict(make(Recipe, made.model.get("recipe", {}), "model.recipe"))
    made.setdefault("randomness", {}).setdefault("seed", 0)
    _check_seed(made.randomness.seed)
    try:
        context = _context(made.model.network)
        for name in ("train_dataloader", "val_dataloader"):
            if made.get(name):
                _complete(made[name], recipe, context, device)
        if made.train_dataloader.dataset.type == "FilmedDataset":
            made.train_dataloader.dataset.setdefault("seed", made.randomness.seed)
        if made.get("val_evaluator"):
            made.val_evaluator.setdefault("collect_device", "gpu")  # which is: without a file, on any device
        for backend in (made.get("visualizer") or {}).get("vis_backends", []):
            backend.setdefault("save_dir", str(folder / CURVES))
    except WRONG as error:
        raise LifterError(f"config: {' '.join(str(error).split()) or type(error).__name__}") from error
    made.work_dir, made.device = str(folder), str(device)
    made.default_hooks = dict(made.get("default_hooks") or {}, checkpoint=None)  # KeepHook does better
    made.setdefault("log_level", "ERROR")
    # As it is: MMEngine would change it for the whole process, and warn.
    method = multiprocessing.get_start_method(allow_none=True) or "fork"
    made.setdefault("env_cfg", dict(mp_cfg=dict(mp_start_method=method)))
    # Settings of a Runner that stands beside others in one process need names of their own.
    made.experiment_name = f"{folder.name}_{os.getpid()}_{id(made)}"
    if processes() > 1:
        made.launcher = "pytorch"
    return made


def _complete(loader: Any, recipe: Mapping[str, Any], context: int, device: torch.device) -> None:
    """Tell a loader's data set what the network wants, where the loader does not say it."""
    loader.setdefault("num_workers", 0)
    loader.setdefault("collate_fn", dict(type="gathered"))
    if make(Recipe, loader.dataset.get("recipe", recipe), "dataset.recipe") != Recipe(**recipe):
        raise ValueError("dataset.recipe: differs from model.recipe; leave it out")
    loader.dataset.recipe = recipe
    loader.dataset.setdefault("context", context)
    if loader.dataset.type == "WindowDataset":
        # Processes that load ahead cannot share a GPU's memory.
        loader.dataset.setdefault("device", "cpu" if loader.num_workers else str(device))


def _context(network: Mapping[str, Any]) -> int:
    shape = dict(network)
    return networks.build(shape.pop("type"), shape).context


def _check_seed(seed: object) -> None:
    if type(seed) is not int or not 0 <= seed < 2**32:
        raise LifterError(f"randomness.seed: a whole number from 0 to {2**32 - 1} wanted, got {seed!r}")
