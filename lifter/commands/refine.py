"""`python -m lifter refine`: train the refine module of Cai et al. on a finished lifter."""

from __future__ import annotations

import argparse
from pathlib import Path

RESULT = "refine.safetensors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` takes."""
    add = parser.add_argument
    add("--lifter", required=True, metavar="NAME|FILE", help="the finished lifter; it is not changed")
    add("--data", type=Path, required=True, metavar="DIR", help="a prepared data set; its train split is used")
    add("--keypoints", default="gt", metavar="SOURCE", help="2D source, the lifter's (default: gt)")
    add("--epochs", type=int, default=10, help="times that every frame is seen (default: 10)")
    add("--lr", type=float, default=1e-3, help="learning rate of Adam (default: 1e-3; Cai et al. train lifter and "
        "module on together at 1e-5, here the lifter is frozen and the module begins at random weights)")  # fmt: skip
    add("--batch", type=int, default=256, help="frames a step (default: 256)")
    add("--seed", type=int, default=0, help="of weights, order and dropout (default: 0)")
    add("--step", type=int, default=5, help="frames between the lifter's windows (default: 5, the paper's)")
    add("--out", type=Path, required=True, metavar="DIR", help=f"writes {RESULT} there")
    add("--device", default="auto", choices=("auto", "cpu", "cuda"), help="(default: auto)")


def run(given: argparse.Namespace) -> int:
    """Lift the train split once, train the module, write it."""
    from lifter.commands.say import say, tenths
    from lifter.datasets.poseset import read_poseset
    from lifter.lifter import Lifter
    from lifter.plain import make
    from lifter.refine import LABEL
    from lifter.refine_file import save_refine
    from lifter.training.refining import RefineTraining, errors_mm, lifted_frames, note_of, train_refine

    values = {"epochs": given.epochs, "learning_rate": given.lr, "batch": given.batch, "seed": given.seed}
    training = make(RefineTraining, values, "refine")
    given.out.mkdir(parents=True, exist_ok=True)  # before the work, not after it
    data = read_poseset(given.data, given.keypoints).split("train")
    lifter = Lifter(given.lifter, given.device, step=given.step)
    frames = lifted_frames(lifter, data, tenths(len(data.keypoints), say))
    module = train_refine(frames, training, device=lifter.device, say=say)
    before, after = errors_mm(module, frames)
    say(f"train split, {len(frames.truth)} frames: MPJPE {before:.2f} mm as lifted, {after:.2f} mm refined ({LABEL})")
    save_refine(given.out / RESULT, module, note_of(Path(given.lifter).name, data, training))
    say(f"wrote {given.out / RESULT}")
    return 0
