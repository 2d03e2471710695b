"""The command line's say in a config: data, epochs, seed and any dotted name."""

from __future__ import annotations

import argparse
from typing import Any

from mmengine.config import Config, DictAction

from lifter.errors import LifterError


def with_options(config: Config, given: argparse.Namespace) -> Config:
    """Return the config with what was given on the command line.

    Raises:
        LifterError: an option that is not NAME=VALUE, or cannot be merged.
    """
    options = parsed(given.cfg_options)
    for loader in ("train_dataloader", "val_dataloader"):
        if config.get(loader):
            if given.data is not None:
                options[f"{loader}.dataset.folder"] = given.data
            if given.keypoints is not None:
                options[f"{loader}.dataset.keypoints"] = given.keypoints
    if given.seed is not None:
        options["randomness.seed"] = given.seed
    try:
        config.merge_from_dict(options)
    except (KeyError, TypeError, ValueError, AssertionError) as error:
        raise LifterError(f"--cfg-options: {error}") from error
    if given.epochs is not None:
        stretch(config, given.epochs)
    return config


def stretch(config: Config, epochs: int) -> None:
    """Train for another number of epochs; the schedule of the learning rate keeps its shape.

    Raises:
        LifterError: fewer than one epoch.
    """
    if epochs < 1:
        raise LifterError(f"epochs: at least 1 wanted, got {epochs}")
    factor = epochs / config.train_cfg.max_epochs
    config.train_cfg.max_epochs = epochs
    for scheduler in config.get("param_scheduler") or []:
        if "milestones" in scheduler:
            scheduler.milestones = [max(round(at * factor), 1) for at in scheduler.milestones]
        for name in ("begin", "end", "T_max"):
            if scheduler.get(name):
                scheduler[name] = max(round(scheduler[name] * factor), 1)


def parsed(words: list[str]) -> dict[str, Any]:
    """Turn NAME=VALUE words into values: numbers, lists, true and false as MMEngine reads them.

    Raises:
        LifterError: a word without `=`.
    """
    if wrong := [word for word in words if "=" not in word]:
        raise LifterError(f"--cfg-options {wrong[0]!r}: NAME=VALUE wanted")
    parser = argparse.ArgumentParser()
    parser.add_argument("--options", nargs="+", action=DictAction, default={})
    return dict(parser.parse_args(["--options", *words]).options) if words else {}
