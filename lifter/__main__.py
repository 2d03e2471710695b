"""`python -m lifter`: the laboratory's own door; train a lifter, evaluate one on held-out motion capture."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m lifter`."""
    parser = argparse.ArgumentParser(prog="python -m lifter", description="Train and evaluate the lifter.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    train = verbs.add_parser("train", help="train on motion capture; goes on where it was stopped")
    train.add_argument("config", type=Path, help="settings (configs/*.toml)")
    train.add_argument("--steps", type=int, help="optimiser steps instead of the config's")
    train.add_argument("--out", type=Path, required=True, metavar="DIR", help="checkpoint and result")
    evaluate = verbs.add_parser("evaluate", help="errors on held-out motion capture")
    evaluate.add_argument("--lifter", default="ugcn", metavar="NAME-OR-FILE")
    evaluate.add_argument("--split", default="test", choices=("train", "validation", "test"))
    for verb in (train, evaluate):
        verb.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of motion capture (*.npz)")
        verb.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
        verb.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code."""
    given = build_parser().parse_args(arguments)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads starve each other on busy machines
    import torch

    from lifter.errors import LifterError

    torch.set_num_threads(max(given.threads, 1))
    try:
        return _train(given) if given.verb == "train" else _evaluate(given)
    except LifterError as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        return 1
    except OSError as error:  # a folder that cannot be made, a disk that is full
        sys.stderr.write(f"error: {error.filename or 'a file'}: {error.strerror or error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on from the last checkpoint\n")
        return 130


def _train(given: argparse.Namespace) -> int:
    from lifter.lifter import pick_device
    from lifter.mocap import read_folder
    from lifter.settings import read_settings
    from lifter.train import train

    settings = read_settings(given.config)
    if given.steps is not None:
        settings = replace(settings, steps=max(given.steps, 1))
    device = str(pick_device(given.device))
    result = train(settings, read_folder(given.data), given.out, _say, device)
    _say(f"wrote {result}")
    return 0


def _evaluate(given: argparse.Namespace) -> int:
    from lifter.evaluate import as_text, evaluate
    from lifter.lifter import Lifter
    from lifter.mocap import read_folder

    _say(as_text(evaluate(Lifter(given.lifter, given.device), read_folder(given.data), given.split)))
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
