"""`python -m lifter evaluate`: errors of a lifter on a prepared data set."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

BREAKDOWNS = ("action", "joint", "group", "subject", "camera", "sequence")
MEAN = "mean"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` takes."""
    parser.add_argument(
        "--lifter", required=True, metavar="NAME|FILE", help="a shipped lifter, a weights file, or `mean`: a constant, "
        "the mean pose of the train split, a floor to compare with",
    )  # fmt: skip
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a prepared data set")
    parser.add_argument("--keypoints", default="gt", metavar="SOURCE", help="2D source (default: gt)")
    parser.add_argument("--split", default="test", choices=("train", "validation", "test"), help="(default: test)")
    parser.add_argument(
        "--by", nargs="*", default=["action"], choices=BREAKDOWNS, metavar="WHAT",
        help=f"breakdowns to print: {', '.join(BREAKDOWNS)}; the files of --out hold them all (default: action)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DIR", help="write scores.json, .csv, .md and .png there")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="(default: auto)")
    parser.add_argument("--no-flip", action="store_true", help="do not average with the mirror image")
    parser.add_argument("--lift-mode", default="windows", choices=("windows", "sequence"), help="overlapping windows, "
                        "as the paper, or one pass over the whole sequence (default: windows)")  # fmt: skip
    parser.add_argument("--step", type=int, default=5, help="frames between windows (default: 5, the paper's)")
    parser.add_argument("--paper-windows", action="store_true", help="windows at multiples of the step only; near the "
                        "ends of a sequence the motion then shows the steps of the upsampling")  # fmt: skip
    parser.add_argument("--drop-tail", action="store_true", help="no last window: leave out the frames behind the "
                        "windows at multiples of the step (as trajectory-pose-3d does)")  # fmt: skip
    parser.add_argument("--resample", action="store_true", help="bring the data to the lifter's frame rate and back")
    parser.add_argument("--skip-list", nargs="+", default=[], metavar="PATTERN", help="sequences to leave out, by "
                        "name: 'S9_Greeting*'")  # fmt: skip
    parser.add_argument("--refine", type=Path, metavar="FILE", help="go over what is lifted by this module (see "
                        "`python -m lifter refine`); it is told root depths and cameras")  # fmt: skip


def run(given: argparse.Namespace) -> int:
    """Evaluate, print the tables, write the files."""
    from dataclasses import replace

    from lifter.commands.say import say, tenths
    from lifter.datasets.poseset import read_poseset
    from lifter.errors import LifterError
    from lifter.evaluate import MeanPose, SequenceLifter, evaluate
    from lifter.lifter import Lifter
    from lifter.refine import LABEL
    from lifter.refine_file import load_refine
    from lifter.score_report import as_text, write_report

    if given.step < 1:
        raise LifterError(f"step {given.step}: 1 or more frames wanted")
    if given.lift_mode == "sequence" and (given.paper_windows or given.drop_tail):
        raise LifterError("lift-mode sequence has no windows: leave out paper-windows and drop-tail")
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)  # before the work, not after it
    module, note = load_refine(given.refine) if given.refine else (None, {})
    poseset = read_poseset(given.data, given.keypoints)
    lifter: SequenceLifter
    if given.lifter == MEAN:
        lifter, name = MeanPose(poseset.poses, given.step), "mean pose (a constant: the floor to compare with)"
    else:
        lifter = Lifter(given.lifter, given.device, step=given.step, flip=not given.no_flip,
                        phased=not (given.paper_windows or given.drop_tail), mode=given.lift_mode)  # fmt: skip
        path = Path(given.lifter)  # every training's result has the same name: its folder tells which
        name = f"{path.parent.name}/{path.name}" if path.parent.name else path.name
    scores = evaluate(
        lifter,
        poseset,
        given.split,
        tenths(int(poseset.split(given.split).poses.lengths.sum()), say),
        drop_tail=given.drop_tail,
        resample=given.resample,
        skip=given.skip_list,
        refine=module,
    )
    how: dict[str, Any] = (
        {}
        if given.lifter == MEAN
        else {
            "lift_mode": given.lift_mode,
            "step": given.step,
            "flip": not given.no_flip,
            "paper_windows": given.paper_windows or given.drop_tail,
        }
    )
    if module:
        name = f"{name}, refined ({LABEL})"
        how |= {"refine": {"file": given.refine.name, "label": LABEL, "trained_on": note}}
        learnt = f"{note.get('lifter')} on {note.get('dataset')}, 2D {note.get('keypoints')}"
        scores.about["notes"].append(f"The refine module was trained on what was lifted by {learnt}.")
    scores = replace(scores, about={"lifter": name, **how, **scores.about})
    say(as_text(scores, given.by, shutil.get_terminal_size((120, 40)).columns))
    for path in write_report(given.out, scores, given.by) if given.out else ():
        say(f"wrote {path}")
    return 0
