"""`python -m lifter prepare`: every data set to the one form, by kind; each kind has its own module here."""

from __future__ import annotations

import argparse
import importlib

from lifter.manual import closing_of

# kind -> (its module in `lifter.commands`, one line of help)
KINDS = {
    "h36m": ("prepare_h36m", "Human3.6M, from the files that VideoPose3D's users have"),
    "3dhp": ("prepare_mpi_inf_3dhp", "MPI-INF-3DHP, original files or the usual packed ones"),
    "mocap": ("prepare_mocap", "motion capture (packed sets, BVH, ASF/AMC) filmed by cameras that are not there"),
    "detections": ("prepare_detections", "2D keypoints of a prepared set by a detector of ours, from its films"),
    "tiny": ("prepare_tiny", "a tiny raw data set of a known motion, to try the other kinds on"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare a sub-verb for every kind."""
    kinds = parser.add_subparsers(dest="data_set", required=True, metavar="KIND")
    for kind, (module, line) in KINDS.items():
        sub = kinds.add_parser(
            kind, help=line, description=f"{line[0].upper()}{line[1:]}.", epilog=closing_of("prepare")
        )
        importlib.import_module(f"lifter.commands.{module}").add_arguments(sub)


def run(given: argparse.Namespace) -> int:
    """Prepare one kind; return the exit code."""
    return int(importlib.import_module(f"lifter.commands.{KINDS[given.data_set][0]}").run(given))
