"""`python -m lifter prepare mocap`: motion capture filmed by cameras that are not there."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add(
        "--source",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of packed sets (*.npz), or your own *.bvh or *.asf and *.amc, a folder a person",
    )
    add("--out", type=Path, required=True, metavar="DIR", help="where the prepared set goes")
    add("--cameras", choices=("studio", "wild"), default="studio",
        help="studio: fixed about each recording, as in Human3.6M; wild: follows the person, held anyhow")  # fmt: skip
    add("--views", type=int, default=0, metavar="N", help="cameras of each recording (default: studio 4, wild 1)")
    add("--bodies", choices=("random", "recorded"), default="random",
        help="random: each training sequence gets the body of a random adult")  # fmt: skip
    add("--keypoints", default="gt", metavar="LIST", help="2D to make, of gt,noisy and as_DETECTOR, as one "
        "was measured to err: as_mediapipe, as_onnx (default gt)")  # fmt: skip
    add("--splits", default="train,validation,test", metavar="LIST", help="of train,validation,test (default all)")
    add("--share", nargs="+", action="extend", metavar="GROUP=FRACTION",
        help="share of a group's training recordings to keep (default uiprmd=0.25, if it is there)")  # fmt: skip
    add("--up", default="auto", metavar="AXIS", help="own files: what points up, of x y z -x -y -z (default auto)")
    add(
        "--unit",
        type=float,
        default=0.0,
        metavar="METRES",
        help="own files: metres in their unit (default: by the legs)",
    )
    add("--fps", type=float, default=120.0, metavar="HZ", help="own files: frame rate of AMC, which does not tell it")
    add("--test", default="", metavar="NAMES", help="own files: who is for testing (default: the last)")
    add(
        "--validation", default="", metavar="NAMES", help="own files: who is for validation (default: the last but one)"
    )
    add("--seed", type=int, default=0, metavar="N", help="of all that is drawn")


def run(given: argparse.Namespace) -> int:
    """Read, film and write; return the exit code."""
    from lifter.commands.say import say
    from lifter.datasets.filming.sets import default_shares, film_recordings
    from lifter.datasets.filming.shots import FilmingSettings
    from lifter.datasets.mocap.recordings import OwnSettings, read_recordings
    from lifter.datasets.poseset import write_keypoints, write_poses

    settings = {
        "cameras": given.cameras,
        "views": given.views,
        "bodies": given.bodies,
        "keypoints": words(given.keypoints),
        "splits": words(given.splits),
        "seed": given.seed,
    }
    FilmingSettings(**settings)  # wrong words are told before anything is read
    own = OwnSettings(given.up, given.unit, given.fps, words(given.test), words(given.validation))
    recordings = read_recordings(given.source, own)
    shares = default_shares(recordings) if given.share is None else fractions(given.share)
    made = film_recordings(recordings, FilmingSettings(**settings, shares=shares))
    write_poses(given.out, made[0].poses)
    for poseset in made:
        write_keypoints(given.out, poseset)
    poses = made[0].poses
    for split in settings["splits"]:
        member = poses.splits == split
        say(f"{split}: {member.sum()} sequences, {poses.lengths[member].sum()} frames")
    say(f"{given.out}: poses and keypoints {', '.join(poseset.source for poseset in made)}")
    return 0


def words(text: str) -> tuple[str, ...]:
    """Take a list apart at its commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def fractions(pairs: list[str]) -> dict[str, float]:
    """Read GROUP=FRACTION pairs.

    Raises:
        LifterError: a pair is not one.
    """
    from lifter.errors import LifterError

    shares = {}
    for pair in pairs:
        group, _, text = pair.rpartition("=")
        try:
            shares[group] = float(text)
        except ValueError:
            group = ""
        if not group:
            raise LifterError(f"--share {pair}: GROUP=FRACTION wanted, as uiprmd=0.3")
    return shares
