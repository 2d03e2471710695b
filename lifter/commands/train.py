"""`python -m lifter train`: train a lifter by a config."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("config", type=Path, help="MMEngine config (configs/*.py; a Python config is a program)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="state, log and result")
    parser.add_argument("--data", metavar="DIR", help="data set instead of the config's")
    parser.add_argument("--keypoints", metavar="SOURCE", help="2D source instead of the config's")
    parser.add_argument("--epochs", type=int, help="epochs instead of the config's")
    parser.add_argument("--seed", type=int, help="of everything random, instead of the config's")
    parser.add_argument("--from", dest="initial", type=Path, metavar="FILE", help="weights to begin from")
    parser.add_argument("--cfg-options", nargs="+", default=[], metavar="NAME=VALUE", help="replace config values")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))


def run(given: argparse.Namespace) -> int:
    """Train; return the exit code."""
    if given.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # MMEngine takes a GPU wherever it finds one
    from lifter.commands.say import say
    from lifter.training.overrides import with_options
    from lifter.training.run import read_config, train

    config = with_options(read_config(given.config), given)
    say(f"wrote {train(config, given.out, say, given.device, given.initial)}")
    return 0
