"""`python -m lifter prepare h36m`: Human3.6M, from VideoPose3D's files or from the positions as released."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "--source", type=Path, required=True, metavar="DIR",
        help="folder with data_3d_h36m.npz and any data_2d_h36m_*.npz (pickles, read without running anything in them)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write the data set to")
    parser.add_argument("--validation", metavar="SUBJECT", help="training subject to hold out, for example S8")
    parser.add_argument(
        "--raw", action="store_true",
        help="take the 3D as released: S1/MyPoseFeatures/D3_Positions/*.cdf.mat or *.cdf, and so on",
    )  # fmt: skip


def run(given: argparse.Namespace) -> int:
    """Read, write, and say what there is."""
    from lifter.commands.say import say
    from lifter.datasets.h36m.sets import prepare_h36m
    from lifter.datasets.poseset import SPLITS

    poses = prepare_h36m(given.source, given.out, given.validation, given.raw, tell=say)
    for split in SPLITS:
        chosen = poses.splits == split
        if chosen.any():
            say(f"{split}: {int(chosen.sum())} sequences, {int(poses.lengths[chosen].sum())} frames")
    if incomplete := poses.about["incomplete"]:
        say(f"incomplete: {', '.join(f'{subject} {words}' for subject, words in incomplete.items())}")
    say(f"protocol: {poses.about['protocol']}")
    say(f"written: {given.out}")
    return 0
