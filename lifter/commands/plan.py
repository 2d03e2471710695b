"""What `compare` and `tables` ask for alike: which data, how much training, how many at a time."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lifter.experiments.trial import Protocol, Result, Trial


def add_plan(parser: argparse.ArgumentParser, config: Path) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="a prepared data set")
    add("--out", type=Path, required=True, metavar="DIR", help="trials and tables; what is there is not done again")
    add("--config", type=Path, default=config, metavar="FILE", help=f"what the trainings start from ({config})")
    add("--epochs", type=int, default=0, help="of each training (default: the config's)")
    add("--seeds", type=int, default=3, help="trainings of each kind (default: 3)")
    add("--every", type=int, default=1, metavar="N", help="score every N-th sequence (default: 1, all); they "
        "come camera by camera: an odd N goes round the four cameras, a multiple of 4 scores one")  # fmt: skip
    add("--step", type=int, default=5, help="frames between windows when scoring (default: 5, the paper's)")
    add("--jobs", type=int, default=1, help="trainings at a time, each in a process of its own")
    add("--cfg-options", nargs="+", default=[], metavar="NAME=VALUE", help="replace config values in all trainings")
    add("--device", default="auto", choices=("auto", "cpu", "cuda"), help="(default: auto)")


def protocol_of(given: argparse.Namespace, split: str = "test") -> Protocol:
    """Read the arguments, and say which cameras will not be scored; `split` is what is.

    Raises:
        LifterError: a number out of range, no such data, or a set without a train split or that one.
    """
    from lifter.commands.say import say
    from lifter.datasets.poseset import read_poses
    from lifter.errors import LifterError
    from lifter.experiments.thinning import camera_note
    from lifter.experiments.trial import Protocol
    from lifter.training.overrides import parsed

    for name in ("seeds", "every", "step", "jobs"):
        if getattr(given, name) < 1:
            raise LifterError(f"--{name}: at least 1 wanted, got {getattr(given, name)}")
    poses = read_poses(given.data)
    for needed in ("train", split):  # told now, not after the trainings
        if needed not in poses.splits:
            there = ", ".join(sorted(set(poses.splits.tolist())))
            raise LifterError(f"{given.data}: no {needed!r} split (it has {there})")
    threads = max(given.threads // given.jobs, 1)
    protocol = Protocol(
        given.config, given.data.resolve(), given.epochs, parsed(given.cfg_options), split=split,
        every=given.every, step=given.step, device=given.device, threads=threads,
    )  # fmt: skip
    if told := camera_note(poses, *protocol.scored):
        say(told)
    return protocol


def words_of(given: argparse.Namespace, results: Mapping[Trial, Result], split: str = "test") -> str:
    """The protocol in words."""
    from lifter.datasets.poseset import read_poses

    about: dict[str, Any] = dict(read_poses(given.data).about)
    one = next(iter(results.values()))
    said = str(about.get("protocol", "")).rstrip(". ") + "."
    return (
        f"Data: {about.get('dataset', given.data.name)}. {said} Trained by `{given.config.name}`"
        f"{f', {given.epochs} epochs' if given.epochs else ''}"
        f"{', ' + ' '.join(given.cfg_options) if given.cfg_options else ''}, {given.seeds} seed(s); the last weights "
        f"scored on {one['frames']} frames of the {split} split, windows at step {given.step}, averaged, mirror "
        "averaged. Millimetres (a frame, for velocities); mean ± standard deviation over seeds."
    )
