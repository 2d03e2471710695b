"""`python -m lifter prepare 3dhp`: MPI-INF-3DHP from its own files, or from those that papers share."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb takes."""
    parser.add_argument(
        "--source", type=Path, required=True, metavar="DIR",
        help="folder with S1/Seq1/annot.mat ... and TS1/annot_data.mat ..., or with data_train_3dhp.npz and "
        "data_test_3dhp.npz (those are pickles; they are read without running anything in them)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write the data set to")
    parser.add_argument(
        "--annotation", choices=("univ_annot3", "annot3"), default="univ_annot3",
        help="bodies scaled to one height (the default, what most papers take) or of true size",
    )  # fmt: skip
    parser.add_argument("--validation", metavar="SUBJECT", help="training subject to hold out, for example S8")


def run(given: argparse.Namespace) -> int:
    """Read, write, and say what there is."""
    from lifter.commands.say import say
    from lifter.datasets.mpi_inf_3dhp.sets import read_mpi_inf_3dhp
    from lifter.datasets.poseset import SPLITS, write_keypoints, write_poses

    made = read_mpi_inf_3dhp(given.source, given.annotation, given.validation)
    poses = made.poses
    write_poses(given.out, poses)
    write_keypoints(given.out, made)
    for split in SPLITS:
        if (poses.splits == split).any():
            part = made.split(split).poses
            say(f"{split}: {len(part)} sequences, {len(part.valid)} frames, {int(part.valid.sum())} to score")
    if missing := poses.about["missing"]:
        say(f"not there: {len(missing)} sequences, {missing[0]} the first; `about` in poses.npz lists them")
    say(f"protocol: {poses.about['protocol']}")
    say(f"written: {given.out}")
    return 0
