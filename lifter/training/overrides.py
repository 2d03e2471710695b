"""The command line's say in a config: data, epochs, seed and any dotted name; and whether it is one to train by."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config, DictAction
from mmengine.runner import Runner

from lifter.errors import LifterError
from lifter.plain import unknown

LOADERS = ("train_dataloader", "val_dataloader")
WANTED = ("model", "train_dataloader", "train_cfg", "optim_wrapper")


def with_options(config: Config, given: argparse.Namespace) -> Config:
    """Return the config with what was given on the command line.

    Raises:
        LifterError: an option that is not NAME=VALUE, is unknown, or cannot be merged.
    """
    options = parsed(given.cfg_options)
    merge(config, options)
    if "val_dataloader" in options and not options["val_dataloader"]:
        drop_validation(config)
    check(config)
    data = {"folder": given.data, "keypoints": given.keypoints}
    told = {f"{loader}.dataset.{name}": data[name] for loader in LOADERS if config.get(loader) for name in data}
    told["randomness.seed"] = given.seed
    merge(config, {name: value for name, value in told.items() if value is not None})
    if given.epochs is not None:
        stretch(config, given.epochs)
    return config


def merge(config: Config, options: Mapping[str, Any]) -> None:
    """Put options, dotted names to values, into a config.

    Raises:
        LifterError: a name that neither the config nor the Runner knows, or one that cannot be merged.
    """
    known = {*config.keys(), *inspect.signature(Runner.__init__).parameters, "keep_interval"} - {"self", "cfg"}
    for name in options:
        if name.split(".")[0] not in known:
            raise unknown("--cfg-options", name.split(".")[0], known)
    try:
        config.merge_from_dict(dict(options))
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError) as error:
        raise LifterError(f"--cfg-options: {' '.join(str(error).split())}") from error


def drop_validation(config: Config) -> None:
    """Train without validation: MMEngine wants all of its parts or none."""
    for name in ("val_dataloader", "val_cfg", "val_evaluator"):
        config.pop(name, None)


def check(config: Config) -> None:
    """Refuse what is no config of a training.

    Raises:
        LifterError: a part is missing or is no table, or epochs are not counted.
    """
    for name in WANTED:
        if not isinstance(config.get(name), Mapping):
            raise LifterError(f"not a training config ({name!r} missing, or no table)")
    for name in LOADERS:
        if config.get(name) and not isinstance(config[name].get("dataset"), Mapping):
            raise LifterError(f"not a training config ({name}.dataset missing, or no table)")
    epochs = config.train_cfg.get("max_epochs")
    if type(epochs) is not int or epochs < 1 or not config.train_cfg.get("by_epoch"):
        raise LifterError(f"train_cfg: by_epoch=True and max_epochs from 1 wanted, got {dict(config.train_cfg)}")
    interval = config.get("keep_interval", 1)
    if type(interval) is not int or interval < 1:
        raise LifterError(f"keep_interval: epochs from 1 wanted, got {interval!r}")


def stretch(config: Config, epochs: int) -> None:
    """Train for another number of epochs; the schedules of learning rate and motion loss keep their shape.

    Raises:
        LifterError: fewer than one epoch.
    """
    if epochs < 1:
        raise LifterError(f"epochs: at least 1 wanted, got {epochs}")
    factor = epochs / config.train_cfg.max_epochs
    config.train_cfg.max_epochs = epochs
    schedulers: Any = config.get("param_scheduler") or []
    every: list[Any] = [schedulers] if isinstance(schedulers, Mapping) else list(schedulers)
    for scheduler in every:
        if "milestones" in scheduler:
            scheduler.milestones = [max(round(at * factor), 1) for at in scheduler.milestones]
        for name in ("begin", "end", "T_max"):
            if scheduler.get(name):
                scheduler[name] = max(round(scheduler[name] * factor), 1)
    loss: Any = config.model.get("loss")
    warmup = loss.get("warmup_steps") if isinstance(loss, Mapping) else None
    if type(warmup) is int and warmup > 0:  # a wrong value is told where the loss is built
        loss.warmup_steps = max(round(warmup * factor), 1)


def unfit_schedule(config: Config, steps: int) -> str:
    """Say where a schedule that is counted in steps does not end with the training; "" where all is well.

    Another batch size, other draws or more processes change the steps of an epoch, and would leave the learning rate
    high at the end or at nothing long before it.
    """
    schedulers: Any = config.get("param_scheduler") or []
    every: list[Any] = [schedulers] if isinstance(schedulers, Mapping) else list(schedulers)
    ends = [one["end"] for one in every if not one.get("by_epoch", True) and isinstance(one.get("end"), int)]
    if not ends or max(ends) == steps or len(ends) < len(every):
        return ""
    return f"note: param_scheduler ends at step {max(ends)}, this training at step {steps}; change `end` and `T_max`"


def parsed(words: list[str]) -> dict[str, Any]:
    """Turn NAME=VALUE words into values: numbers, lists, true and false as MMEngine reads them.

    Raises:
        LifterError: a word without a name or `=`, or with brackets that do not match.
    """
    for word in words:
        name, equals, value = word.partition("=")
        if not name.strip(".") or not equals or name.startswith("-"):
            raise LifterError(f"--cfg-options {word!r}: NAME=VALUE wanted")
        if any(value.count(opening) != value.count(closing) for opening, closing in ("()", "[]")):
            raise LifterError(f"--cfg-options {word!r}: brackets that do not match")
    parser = argparse.ArgumentParser()
    parser.add_argument("--options", nargs="+", action=DictAction, default={})
    return dict(parser.parse_args(["--options", *words]).options) if words else {}
