"""How far off joint angles, steps and cadence of a run are.

    python tests/benchmarks/bench_measures.py --mocap FOLDER [--split test] [--every 24] [--only REGEX]

Held-out motion capture filmed by fixed studio cameras with noisy 2D, as `bench_path.py` films it; the truth's angles
are those of the recorded joints. First a row an angle, degrees: the error's root mean square, the same without its
mean over the clip (what is left for ranges and courses), and the correlation over all frames. Then steps: contacts of
the true body (two and more in turn) that are found in the lifted one within 0.15 s, contacts made up, their difference
in time; walks, and the error of cadence, as `measure` tells them; and, as the reference that shares nothing with the
method, how long after a contact found in the true body its ankle comes to rest in the room (slower than 0.5 m/s).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench_path import Doubles, Shot, filmed

from lifter import joints
from pipeline.measures.angles import ANGLES, NAMES, joint_angles
from pipeline.measures.steps import FEWEST, SIDES, Event, Walk, find_walks

NEAR_S, REST = 0.15, 0.5  # seconds; metres a second


def walks_of(positions: Doubles, shot: Shot, up: Doubles, fewest: int = FEWEST) -> list[Walk]:
    """Return the walks of a body (T, 17, 3) of a shot."""
    about = positions - positions[:, :1]
    return find_walks(about, shot.pose.valid[0], shot.pose.timestamps, up, fewest)


def contacts_of(walks: list[Walk]) -> list[Event]:
    """Return the contacts of all walks."""
    return [contact for walk in walks for contact in walk.contacts]


def rests(shot: Shot, contact: Event) -> float:
    """Return how long after a contact the true ankle first is slower than `REST`, s; NaN if not within 0.4 s."""
    ankle = shot.truth[:, joints.NAMES.index(f"{contact.side}_ankle")]
    seconds = shot.pose.timestamps
    speed = np.linalg.norm(np.gradient(ankle, seconds, axis=0), axis=-1)
    after = np.flatnonzero(
        (np.abs(seconds - contact.seconds) < 0.4) & (speed < REST) & (seconds > contact.seconds - 0.1)
    )
    return float(seconds[after[0]] - contact.seconds) if len(after) else float("nan")


class Steps:
    """What was found of steps."""

    def __init__(self) -> None:
        self.true = self.found = self.made_up = self.walks_true = self.walks_told = 0
        self.late: list[float] = []
        self.cadence: list[tuple[float, float]] = []
        self.rest: list[float] = []

    def add(self, shot: Shot) -> None:
        """Compare a shot's walks."""
        bodies = (shot.truth, shot.up), (shot.pose.positions[0], shot.pose.up)
        truth, lifted = [walks_of(body, shot, up) for body, up in bodies]
        true, made = [contacts_of(walks_of(body, shot, up, 2)) for body, up in bodies]
        self.walks_true, self.walks_told = self.walks_true + len(truth), self.walks_told + len(lifted)
        self.rest += [rests(shot, contact) for contact in true]
        hits = []
        for one in true:
            gaps = [other.seconds - one.seconds for other in made if other.side == one.side]
            hits += [gap for gap in sorted(gaps, key=abs)[:1] if abs(gap) <= NEAR_S]
        self.true, self.found, self.made_up = (
            self.true + len(true), self.found + len(hits), self.made_up + len(made) - len(hits),
        )  # fmt: skip
        self.late += hits
        if len(truth) == len(lifted) == 1:
            self.cadence.append((truth[0].cadence, lifted[0].cadence))

    def tell(self) -> None:
        """Print what came out."""
        print(f"contacts: {self.true} true, {self.found} found, {self.made_up} made up")
        print(f"walks: {self.walks_true} true, {self.walks_told} told")
        if self.late:
            late = 1000 * np.array(self.late)
            print(f"late by (ms): median {np.median(late):.0f}, half within {np.percentile(np.abs(late), 50):.0f}, "
                  f"95 % within {np.percentile(np.abs(late), 95):.0f}")  # fmt: skip
        if self.cadence:
            true, made = np.array(self.cadence).T
            print(f"cadence of {len(true)} clips with one walk, {true.min():.0f} to {true.max():.0f} steps a minute: "
                  f"mean error {np.abs(made - true).mean():.1f}, largest {np.abs(made - true).max():.1f}")  # fmt: skip
        rest = 1000 * np.array([gap for gap in self.rest if np.isfinite(gap)])
        if len(rest):
            low, middle, high = np.percentile(rest, (5, 50, 95))
            print(f"true ankles rest after a contact in {len(rest)} of {len(self.rest)}: "
                  f"median {middle:.0f} ms, 5 to 95 %: {low:.0f} to {high:.0f}")  # fmt: skip


def angle_table(pairs: list[tuple[Doubles, Doubles]]) -> None:
    """Print a row an angle, left and right together, of (T, 15) told and true."""
    print(f"{'angle':<22}{'rms':>7}{'no mean':>9}{'r':>7}")
    names = dict.fromkeys(angle.name.removeprefix("left_").removeprefix("right_") for angle in ANGLES)
    for name in names:
        columns = [NAMES.index(f"{side}_{name}") for side in SIDES] if f"left_{name}" in NAMES else [NAMES.index(name)]
        off, free, all_told, all_true = [], [], [], []
        for told, true in pairs:
            for column in columns:
                error = (told[:, column] - true[:, column] + 180) % 360 - 180
                known = np.isfinite(error)
                if known.sum() < 2:
                    continue
                off.append(error[known])
                free.append(error[known] - error[known].mean())
                all_told.append(told[known, column])
                all_true.append(true[known, column])
        if not off:
            continue
        values = [float(np.sqrt(np.mean(np.concatenate(part) ** 2))) for part in (off, free)]
        alike = float(np.corrcoef(np.concatenate(all_told), np.concatenate(all_true))[0, 1])
        print(f"{name:<22}{values[0]:7.1f}{values[1]:9.1f}{alike:7.2f}", flush=True)


def shots(given: argparse.Namespace) -> Iterator[Shot]:
    """Film the chosen recordings."""
    for _, shot in filmed(given.mocap, given.split, given.every, "noisy", given.only):
        yield shot


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mocap", type=Path, required=True, help="a folder of packed motion capture")
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    parser.add_argument("--every", type=int, default=24, metavar="N", help="film every n-th recording")
    parser.add_argument("--only", default="", metavar="REGEX", help="recordings of such names (default: all)")
    given = parser.parse_args()
    pairs, steps, frames = [], Steps(), 0
    for shot in shots(given):
        pairs.append((joint_angles(shot.pose.positions[0], shot.pose.up), joint_angles(shot.truth, shot.up)))
        steps.add(shot)
        frames += len(shot.truth)
    print(f"{len(pairs)} clips, {frames} frames")
    angle_table(pairs)
    steps.tell()
    return 0


if __name__ == "__main__":
    sys.exit(main())
