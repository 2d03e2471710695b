"""`python -m lifter train`: train a lifter by a config."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.description = (
        "Train a lifter by a config; the same command goes on where it was stopped. On several GPUs: "
        "torchrun --nproc-per-node N -m lifter train ...; a config's batch size is that of one process, so divide it "
        "by N to train as one process would."
    )
    parser.add_argument(
        "config", type=Path, help="MMEngine config (configs/*.py); it is a program: only those you trust"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="last.pt, log.txt, tensorboard/ and lifter.safetensors"
    )
    parser.add_argument("--data", metavar="DIR", help="data set instead of the config's")
    parser.add_argument("--keypoints", metavar="SOURCE", help="2D source instead of the config's")
    parser.add_argument("--epochs", type=int, help="epochs instead of the config's")
    parser.add_argument("--seed", type=int, help="of everything random, instead of the config's")
    parser.add_argument("--from", dest="initial", type=Path, metavar="FILE", help="weights to begin from")
    parser.add_argument("--cfg-options", nargs="+", default=[], metavar="NAME=VALUE", help="replace config values")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="(default: auto)")


def run(given: argparse.Namespace) -> int:
    """Train; return the exit code."""
    from lifter.commands.say import say
    from lifter.training.overrides import with_options
    from lifter.training.run import read_config, train

    config = with_options(read_config(given.config), given)
    result = train(config, given.out, say, given.device, given.initial)
    if int(os.environ.get("RANK", "0")) == 0:
        say(f"wrote {result}")
    return 0
