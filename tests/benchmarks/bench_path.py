"""How far off people's paths are, and whether their uncertainty says so.

    python tests/benchmarks/bench_path.py --mocap FOLDER [--split test] [--every 6]
    python tests/benchmarks/bench_path.py --films FOLDER --pose-model FILE --box-model FILE

Held-out motion capture (packed sets, `python -m lifter prepare mocap` reads the same) filmed by fixed studio cameras
whose lens is known, true and noisy 2D; or films of calibrated cameras against triangulated 3D (`real_films`), for
reporting only. Both go through the pipeline's own lifting. A row is a way of asking:

    lens        the focal length is known, nobody's height is
    lens+height both are
    nothing     both are guessed, as where the user says nothing
    no feet     as `lens`, but feet are not held on the ground

Columns, millimetres, means over clips of the mean over frames: error of the pelvis across the view (x and y) and along
it; the same after one scale for the clip, the best one; drift, how far the way from the first second to the last is
off after that scale; slide, how far a planted foot moves along the floor in a frame; then the share of frames whose
error across and along is within one and two of the deviations told (68 and 95 % would be perfect).
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from real_films import LIMBS, film, films, run_film

from detectors.base import DetectorOptions
from lifter import joints
from lifter.datasets.filming import studio
from lifter.datasets.filming.noise import NoiseSettings
from lifter.datasets.filming.shots import disturbed
from lifter.datasets.mocap.packed import RATE_HZ, canonical
from lifter.datasets.mocap.recordings import read_recordings
from pipeline.camera import Camera
from pipeline.ground import ANKLES
from pipeline.height import EVERYONE, scale_to_heights, standing_height
from pipeline.path import follow
from pipeline.poses import Pose2D, Pose3D
from pipeline.progress import Console
from pipeline.settings import RunSettings
from pipeline.stages import lift
from pipeline.video import probe

Doubles = NDArray[np.float64]
COLUMNS = ("across", "along", "scaled ac", "scaled al", "drift", "slide", "ac<1", "ac<2", "al<1", "al<2")
PLANTED_SPEED, PLANTED_HEIGHT = 0.15, 0.08  # m/s, and metres above the lowest ankles: a foot that truly stands


@dataclass(frozen=True)
class Shot:
    """A lifted clip of one person and the truth: joints (T, 17, 3) metres from the camera, of which pelvis, hips,
    knees, ankles and shoulders count; up (3,); the lens; the picture's size.
    """

    pose: Pose3D
    truth: Doubles
    up: Doubles
    lens: Camera
    size: tuple[int, int]


def filmed(folder: Path, split: str, every: int, source: str, only: str = "") -> Iterator[tuple[str, Shot]]:
    """Film every n-th recording of a split by one studio camera, lift it, and name its collection.

    `only` is a regular expression that the recordings' names must have.
    """
    chosen = [one for one in read_recordings(folder) if one.split == split and re.search(only, one.name)]
    focal, _, *centre = studio.INTRINSICS
    lens = Camera(focal=focal, centre=(centre[0], centre[1]))
    for number, recording in enumerate(chosen[::every]):
        random = np.random.default_rng([7, number])
        body = canonical(recording.positions)
        rotation, place = studio.place_camera(body, studio.azimuths(4)[number % 4], random)
        truth = studio.seen_from(body, rotation, place)
        keypoints = studio.project(truth, studio.INTRINSICS)
        if source == "noisy":
            keypoints = disturbed(keypoints, NoiseSettings(), random)
        seen = as_detected(keypoints, RATE_HZ)
        pose, *_ = lift(seen, studio.SIZE, RunSettings(camera=lens, device="cpu"), Console(quiet=True))
        shot = Shot(pose, truth.astype(np.float64), rotation @ [0.0, 0.0, 1.0], lens, studio.SIZE)
        yield recording.group.split("_")[0], shot


def as_detected(keypoints: NDArray[np.float32], rate: float) -> Pose2D:
    """Wrap the key points (T, 17, 2) of one person as a detector's, all surely seen."""
    one = keypoints[None]
    boxes = np.concatenate([one.min(axis=2), one.max(axis=2)], axis=-1)
    sure, valid = np.ones(one.shape[:3], np.float32), np.ones(one.shape[:2], bool)
    return Pose2D(one, sure, boxes, valid, np.arange(one.shape[1]) / rate, joints.NAMES)


def real(folder: Path, options: DetectorOptions, output: Path) -> Iterator[tuple[str, Shot]]:
    """Take the calibrated films through the pipeline."""
    for path in films(folder):
        about = tomllib.loads((folder / "calibration.toml").read_text())["cam_" + path.stem[-2:]]
        matrix = np.array(about["matrix"])
        lens = Camera(focal=float(matrix[0, 0] + matrix[1, 1]) / 2, centre=(float(matrix[0, 2]), float(matrix[1, 2])))
        settings = RunSettings(
            detector="onnx", options=options, person="largest", output=output, render=False, camera=lens
        )
        pose, known = run_film(path, settings), film(folder, path)
        truth = np.zeros((len(known.truth), len(joints.NAMES), 3))
        truth[:, LIMBS] = known.truth
        truth[:, joints.ROOT] = (truth[:, 1] + truth[:, 4]) / 2
        yield path.stem[-5:], Shot(pose, truth, known.up, lens, probe(path).size)


def ask(shot: Shot) -> dict[str, dict[str, float]]:
    """Measure a shot in all ways of asking."""
    tall = {EVERYONE: standing_height(shot.truth)}
    return {
        "lens": measure(shot, shot.lens, {}),
        "lens+height": measure(shot, shot.lens, tall),
        "nothing": measure(shot, Camera(), {}),
        "no feet": measure(shot, shot.lens, {}, grounded=False),
    }


def measure(shot: Shot, camera: Camera, heights: dict[int, float], grounded: bool = True) -> dict[str, float]:
    """Find the path of the first person once more, and compare."""
    pose = shot.pose
    positions, given = scale_to_heights(pose.positions, pose.valid, pose.people, heights)
    root, sigma = follow(
        positions, pose.keypoints, pose.scores, pose.valid, pose.timestamps, pose.up, shot.size, camera, given, grounded
    )
    path, told, true = root[0].astype(float), sigma[0].astype(float), shot.truth[:, joints.ROOT]
    scale = float((path * true).sum() / (path * path).sum())
    off, scaled = np.abs(path - true), np.abs(scale * path - true)
    second = max(1, round(1 / float(np.median(np.diff(pose.timestamps)))))
    gone = (scale * path - true)[-second:].mean(axis=0) - (scale * path - true)[:second].mean(axis=0)
    inside = off / told
    values = [off[:, :2].mean(), off[:, 2].mean(), scaled[:, :2].mean(), scaled[:, 2].mean(), np.linalg.norm(gone)]
    values.append(slide(path, positions[0].astype(float), shot))
    values = [1000 * float(value) for value in values]
    shares = [float((inside[:, part] < k).mean()) for part in (slice(2), 2) for k in (1, 2)]
    return dict(zip(COLUMNS, [*values, *(100 * share for share in shares)], strict=True))


def slide(path: Doubles, body: Doubles, shot: Shot) -> float:
    """Metres a frame along the floor of ankles that truly stand; NaN where none does."""
    feet, seconds = shot.truth[:, ANKLES], shot.pose.timestamps
    height = feet @ shot.up
    speed = np.linalg.norm(np.gradient(feet, seconds, axis=0), axis=-1)
    stands = (speed < PLANTED_SPEED) & (height < np.percentile(height, 2) + PLANTED_HEIGHT)
    stands = stands[1:] & stands[:-1]
    steps = np.diff(path[:, None] + body[:, ANKLES], axis=0)
    steps -= (steps @ shot.up)[..., None] * shot.up
    return float(np.linalg.norm(steps, axis=-1)[stands].mean()) if stands.any() else float("nan")


def table(title: str, shots: Iterator[tuple[str, Shot]]) -> None:
    """Print a row for each collection and way of asking, and for all."""
    rows: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for group, shot in shots:
        for way, values in ask(shot).items():
            for name in (group, "all"):
                rows[name, way].append(list(values.values()))
    print(f"{title:<12}{'asked':<14}{'clips':>6}" + "".join(f"{name:>10}" for name in COLUMNS))
    for (group, way), values in sorted(rows.items()):
        means = np.nanmean(np.array(values), axis=0)
        print(f"{group:<12}{way:<14}{len(values):>6}" + "".join(f"{value:10.1f}" for value in means), flush=True)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mocap", type=Path, metavar="FOLDER")
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    parser.add_argument("--every", type=int, default=6, metavar="N", help="film every n-th recording")
    parser.add_argument("--films", type=Path, metavar="FOLDER")
    parser.add_argument("--pose-model", type=Path)
    parser.add_argument("--box-model", type=Path)
    parser.add_argument("--output", type=Path, default=Path("runs/path"))
    given = parser.parse_args()
    if given.mocap:
        for source in ("gt", "noisy"):
            table(source, filmed(given.mocap, given.split, given.every, source))
    if given.films:
        options = DetectorOptions(pose_model=given.pose_model, box_model=given.box_model)
        table("film", real(given.films, options, given.output))
    return 0


if __name__ == "__main__":
    sys.exit(main())
