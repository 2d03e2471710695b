"""`python -m lifter prepare tiny`: tiny raw data sets of known motions, to try the other kinds on."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--kind", choices=("mocap", "h36m", "3dhp"), required=True, help="which data set's files to write")
    add("--form", choices=("npz", "bvh", "asf_amc"), default="npz", help="mocap: in which form (default npz)")
    add("--frames", type=int, default=150, metavar="N", help="of each recording (default 150)")
    add("--out", type=Path, required=True, metavar="DIR", help="where the raw files go")


def run(given: argparse.Namespace) -> int:
    """Write the files; return the exit code."""
    from lifter.commands.say import say
    from lifter.errors import LifterError

    if not 30 <= given.frames <= 10_000:
        raise LifterError(f"--frames {given.frames}: 30 to 10000 wanted")
    given.out.mkdir(parents=True, exist_ok=True)
    if given.kind == "mocap":
        from lifter.datasets.mocap.tiny import write_tiny_mocap

        write_tiny_mocap(given.out, given.form, given.frames)
    elif given.kind == "h36m":
        from lifter.datasets.h36m.tiny import write_tiny_h36m

        write_tiny_h36m(given.out, given.frames)
    else:
        from lifter.datasets.mpi_inf_3dhp.tiny import write_tiny_mpi_inf_3dhp

        write_tiny_mpi_inf_3dhp(given.out, given.frames)
    source = given.out / "npz" if given.kind == "3dhp" else given.out
    extra = " --fps 50" if given.kind == "mocap" and given.form == "asf_amc" else ""
    say(f"{given.out}: next, python -m lifter prepare {given.kind} --source {source}{extra} --out SET")
    return 0
