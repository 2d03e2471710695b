"""The error of the estimated tilt, and how upright people come out who stand: motion capture before random cameras.

    python tests/benchmarks/bench_tilt.py --mocap FOLDER [--split test] [--films 90] [--fit]

FOLDER holds the packed sets (`lifter/README.md`). Cameras are pitched by -40..+50 degrees, rolled by up to 45, see 30
to 90 degrees across and stand still in the room, 1.5 m or more away; pieces last 2 to 10 seconds. A row a 2D source and
a way from it to an up; columns:

    tilt     degrees between the estimated and the true up: median, 90th percentile, and medians by the true tilt;
    pitch, roll   their absolute differences, medians;
    lean     degrees by which people come out leaning who truly stand within 5 degrees: median and 90th percentile over
             films (each with the median of its frames), and the share of films within 5;
    MPJPE    mm, camera axes: of poses that are turned as the row says.

`--fit` prints instead how the lifter shows the pitch of a camera: the line that `pipeline/orient.py` undoes. Windows
of the lifter lie 24 frames apart here, for speed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from tilt_films import TiltFilm, films

from lifter.lifter import Lifter
from lifter.metrics import mpjpe
from pipeline.bones import hold_bones
from pipeline.camera import Camera, pitch_and_roll
from pipeline.orient import orient, view_turns
from pipeline.upright import estimate_up

Doubles = NDArray[np.float64]
Way = Callable[[TiltFilm, Doubles], tuple[Doubles, Doubles]]

RATE_HZ = 50.0
THORAX, ANKLES = 8, [3, 6]
LEGS = ((1, 2, 3), (4, 5, 6))
STANDING, STRAIGHT = 5.0, 0.95  # degrees; hip to ankle as a share of the leg
TILTS = ((0, 15), (15, 30), (30, 45), (45, 90))


def relative(film: TiltFilm) -> Doubles:
    """Return the true pose about the pelvis."""
    return np.asarray(film.positions - film.positions[:, :1], np.float64)


def estimated(pose: Doubles) -> Doubles:
    whole = np.ones(pose.shape[:1], bool)[None]
    return estimate_up(pose[None], whole, np.full((1, *pose.shape[:2]), 0.9)).astype(float)


def oriented(known: Callable[[TiltFilm], Camera]) -> Way:
    """Return what the pipeline does when so much of the camera is known."""

    def way(film: TiltFilm, lifted: Doubles) -> tuple[Doubles, Doubles]:
        frames = len(lifted)
        scores, whole = np.full((1, frames, 17), 0.9), np.ones((1, frames), bool)
        stamps = np.arange(frames) / RATE_HZ
        pose, up = orient(lifted[None], film.keypoints[None], scores, whole, stamps, film.size, known(film))
        return pose[0].astype(float), up.astype(float)

    return way


WAYS: dict[str, Way] = {
    "true 3D": lambda film, _: (relative(film), estimated(relative(film))),
    "as lifted": lambda _, lifted: (lifted, estimated(lifted)),
    "pipeline": oriented(lambda _: Camera()),
    "+ focal length": oriented(lambda film: Camera(focal=film.focal)),
    "+ tilt": oriented(lambda film: Camera(film.pitch, film.roll)),
}


def lean(pose: Doubles, up: Doubles) -> Doubles:
    """Return (T,) degrees between up and the way from the ankles to the top of the trunk."""
    way = pose[:, THORAX] - pose[:, ANKLES].mean(axis=1)
    return np.asarray(np.degrees(np.arccos(np.clip(way @ up / np.linalg.norm(way, axis=1), -1, 1))))


def stands(film: TiltFilm) -> NDArray[np.bool_]:
    """Return (T,) whether the person truly stands: straight legs, upright."""
    pose = relative(film)
    standing: NDArray[np.bool_] = lean(pose, film.up) < STANDING
    for hip, knee, ankle in LEGS:
        bones = np.linalg.norm(pose[:, knee] - pose[:, hip], axis=1) + np.linalg.norm(
            pose[:, ankle] - pose[:, knee], axis=1
        )
        standing &= np.linalg.norm(pose[:, ankle] - pose[:, hip], axis=1) > STRAIGHT * bones
    return standing


def angle(a: Doubles, b: Doubles) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


def measure(film: TiltFilm, way: Way, lifted: Doubles) -> dict[str, float]:
    """Return one film's numbers; lean is NaN where nobody stands."""
    pose, up = way(film, lifted)
    pitch, roll = pitch_and_roll(up.tolist())
    leans = lean(pose, up)[stands(film)]
    return {
        "true": angle(film.up, np.array([0.0, -1.0, 0.0])),
        "tilt": angle(up, film.up),
        "pitch": abs(pitch - film.pitch),
        "roll": abs((roll - film.roll + 180) % 360 - 180),
        "lean": float(np.median(leans)) if len(leans) else np.nan,
        "mpjpe": mpjpe(pose, relative(film)),
    }


def row(results: list[dict[str, float]]) -> str:
    """Return the columns of a row."""
    value = {name: np.array([result[name] for result in results]) for name in results[0]}
    tilts = [value["tilt"][(value["true"] >= low) & (value["true"] < high)] for low, high in TILTS]
    leans = value["lean"][np.isfinite(value["lean"])]
    middle, most = np.percentile(value["tilt"], [50, 90])
    leaning = [*np.percentile(leans, [50, 90]), 100 * (leans <= STANDING).mean()] if len(leans) else [np.nan] * 3
    columns = [middle, most, *(np.median(some) if len(some) else np.nan for some in tilts)]
    columns += [np.median(value["pitch"]), np.median(value["roll"]), *leaning, value["mpjpe"].mean()]
    return "".join(f"{column:8.1f}" for column in columns)


def shown_pitch(film: TiltFilm, lifted: Doubles) -> tuple[float, float]:
    """Return at what pitch the person is looked down on, and at what pitch the lifter shows them, degrees."""
    stamps = np.arange(len(lifted)) / RATE_HZ
    whole = np.ones((1, len(lifted)), bool)
    turns = view_turns(film.keypoints[None, :, 0], whole, stamps, film.size, Camera(focal=film.focal))[0]
    straight = np.einsum("tji,tvj->tvi", turns, relative(film))
    turn = Rotation.align_vectors(straight[:, 1:].reshape(-1, 3), lifted[:, 1:].reshape(-1, 3))[0]
    up = (turns.swapaxes(-1, -2) @ film.up).mean(axis=0)
    return pitch_and_roll(up.tolist())[0], pitch_and_roll(turn.inv().apply(up).tolist())[0]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mocap", type=Path, required=True)
    parser.add_argument("--split", default="test", choices=("train", "validation", "test"))
    parser.add_argument("--films", type=int, default=90, help="of each 2D source")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lifter", default="ugcn")
    parser.add_argument("--fit", action="store_true")
    given = parser.parse_args()
    lifter = Lifter(given.lifter, step=24, phased=False)
    heads = [
        "tilt",
        "90 %",
        *(f"{low}-{high}" for low, high in TILTS),
        "pitch",
        "roll",
        "lean",
        "90 %",
        "<= 5 %",
        "MPJPE",
    ]
    if not given.fit:
        print(f"{'2D':<8}{'way':<16}" + "".join(f"{head:>8}" for head in heads))
    for source in ("true", "noisy"):
        made = []
        for film in films(given.mocap, given.split, given.films, source == "noisy", given.seed):
            whole = np.ones((1, len(film.positions)), bool)
            stamps = np.arange(len(film.positions)) / RATE_HZ
            lifted = lifter.lift(film.keypoints[None], whole, stamps, film.size)
            made.append((film, hold_bones(lifted, whole)[0].astype(float)))
        if given.fit:
            pitch, shown = np.array([shown_pitch(*one) for one in made]).T
            share, start = np.polyfit(pitch, shown, 1)
            left = np.std(shown - share * pitch - start)
            print(f"{source}: shown {share:.2f}, toward {start / (1 - share):.1f} degrees, {left:.1f} beside the line")
            continue
        for name, way in WAYS.items():
            print(f"{source:<8}{name:<16}" + row([measure(film, way, lifted) for film, lifted in made]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
