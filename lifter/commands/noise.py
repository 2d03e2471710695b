"""`python -m lifter noise`: how errors of the 2D key points become errors of the 3D pose."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifter.commands.say import say

if TYPE_CHECKING:
    from lifter.datasets.poseset import PoseSet
    from lifter.experiments.noise_study import Curve, Point
    from lifter.lifter import Lifter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a prepared data set")
    parser.add_argument("--lifter", default="ugcn", metavar="NAME-OR-FILE", help="default: %(default)s")
    parser.add_argument("--keypoints", default="gt", help="2D source that noise is added to (default: %(default)s)")
    parser.add_argument("--detections", nargs="+", default=[], metavar="SOURCE", help="2D sources to mix with it")
    parser.add_argument(
        "--kinds",
        default=None,
        help="all, or some with commas: offset, gaussian, heavy_tailed, swaps, dropped_joints, dropped_frames, "
        "jitter, mixture (default: all; offset with --joint each)",
    )
    parser.add_argument("--levels", help="levels with commas, of the one kind named (default: five of each kind)")
    parser.add_argument("--joint", metavar="NAME", help="disturb this joint only, or each joint by itself: each")
    parser.add_argument("--split", default="test", help="default: %(default)s")
    parser.add_argument("--max-sequences", type=int, metavar="N", help="only so many, evenly spaced")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write noise.csv, noise.json and noise.png there")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: %(default)s)")
    parser.add_argument(
        "--average", choices=("action", "frame"), default="action", help="mean of the actions or of all frames"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: %(default)s)")
    parser.add_argument("--step", type=int, default=5, help="frames between windows (default: %(default)s)")
    parser.add_argument("--no-flip", action="store_true", help="do not lift the mirror image too")
    parser.add_argument(
        "--lifters-per-alpha",
        type=Path,
        metavar="DIR",
        help="one lifter trained for each mixture, as in the paper: alpha_0.2.safetensors ... in DIR or DIR/SOURCE",
    )
    parser.add_argument(
        "--write-mixtures",
        type=Path,
        metavar="DIR",
        help="only write the mixtures of all splits as 2D sources mix_SOURCE_ALPHA into this prepared data set",
    )


def run(given: argparse.Namespace) -> int:
    """Run the verb; return the exit code."""
    if given.write_mixtures is not None:
        return _write_mixtures(given)
    from lifter.datasets.poseset import read_poseset
    from lifter.experiments import noise_plan, noise_report
    from lifter.experiments.noise_study import study
    from lifter.sequences import thin

    _check(given)
    detections = [read_poseset(given.data, source) for source in given.detections]
    clean = thin(read_poseset(given.data, given.keypoints).split(given.split), given.max_sequences)
    thinned = [thin(one.split(given.split), given.max_sequences) for one in detections]
    curves = noise_plan.curves(given.kinds, given.levels, given.joint, thinned)
    about = _about(given, clean)
    width = max(len(curve.name) for curve in curves) + 1
    for line in (*_header(about), "", noise_report.head(width)):
        say(line)
    points: list[Point] = []
    for point in study(_Lifters(given), clean, curves, given.split, given.seed, given.average):
        points.append(point)
        say(noise_report.line(point, width))
    tail = noise_report.joint_lines(points) if given.joint == "each" else noise_report.fit_lines(points, width)
    for line in ["", *tail] if given.joint == "each" else tail:
        say(line)
    if given.out is not None:
        _write(given.out, points, about, bars=given.joint == "each")
    return 0


class _Lifters:
    """The lifter for a level of a curve: one for all, or for mixtures each its own."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.loaded: dict[str, Lifter] = {}

    def __call__(self, curve: Curve, level: float) -> Lifter:
        from lifter.experiments.noise_study import lifter_file
        from lifter.lifter import Lifter

        given = self.given
        name = given.lifter
        if given.lifters_per_alpha is not None and curve.detected is not None:
            name = str(lifter_file(given.lifters_per_alpha, curve.detected.source, level))
        if name not in self.loaded:
            self.loaded[name] = Lifter(name, given.device, given.step, flip=not given.no_flip)
        return self.loaded[name]


def _check(given: argparse.Namespace) -> None:
    from lifter.errors import LifterError

    if given.step < 1:
        raise LifterError(f"--step {given.step}: at least 1 wanted")
    if given.seed < 0:
        raise LifterError(f"--seed {given.seed}: 0 or more wanted")
    if given.lifters_per_alpha is not None and not given.detections:
        raise LifterError("--lifters-per-alpha: names lifters for mixtures; name the detector with --detections")


def _about(given: argparse.Namespace, clean: PoseSet) -> dict[str, Any]:
    """Say what was measured with what, for the header and the JSON file."""
    return {
        "lifter": given.lifter,
        "lifters_per_alpha": str(given.lifters_per_alpha) if given.lifters_per_alpha else None,
        "data": str(given.data),
        "dataset": str(clean.poses.about.get("dataset", given.data.name)),
        "split": given.split,
        "sequences": len(clean.poses),
        "frames": int(clean.poses.valid.sum()),
        "keypoints": given.keypoints,
        "detections": list(given.detections),
        "seed": given.seed,
        "step": given.step,
        "flip": not given.no_flip,
        "error_2d": "mean Euclidean distance from the undisturbed key points over valid frames and 17 joints",
        "average": given.average,
        "error_3d": "relative to the pelvis, valid frames, 17 joints; MPJVE in millimetres a frame",
    }


def _header(about: dict[str, Any]) -> list[str]:
    per_alpha = about["lifters_per_alpha"]
    lifter = f"lifter {about['lifter']}: one for all levels"
    if per_alpha:
        lifter += f"; mixtures: one for each, of {per_alpha}"
    average = {"action": "mean of the actions", "frame": "mean of all frames"}[about["average"]]
    what = f"{about['dataset']}, {about['split']}: {about['sequences']} sequences, {about['frames']} frames"
    return [f"{lifter}; {average}", f"{what}; noise added to {about['keypoints']!r} key points"]


def _write(folder: Path, points: list[Point], about: dict[str, Any], bars: bool) -> None:
    from lifter.experiments import noise_report
    from lifter.experiments.files import write_figure, write_text

    title = "\n".join(_header(about))
    draw = noise_report.draw_joints if bars else noise_report.draw_curves
    files = [
        write_text(folder / "noise.csv", noise_report.as_csv(points)),
        write_text(folder / "noise.json", noise_report.as_json(points, about)),
        write_figure(folder / "noise.png", draw(points, title)),
    ]
    say(f"\nwritten: {', '.join(str(file) for file in files)}")


def _write_mixtures(given: argparse.Namespace) -> int:
    """Write every mixture of every detector into a prepared data set, for training."""
    import numpy as np

    from lifter.datasets.poseset import read_poses, read_poseset, write_keypoints, write_poses
    from lifter.errors import LifterError
    from lifter.experiments.disturb import ALPHAS
    from lifter.experiments.noise_plan import numbers
    from lifter.experiments.noise_study import mixture_source

    if not given.detections:
        raise LifterError("--write-mixtures: name the detector with --detections")
    truth = read_poseset(given.data, given.keypoints)
    alphas = numbers(given.levels) if given.levels is not None else ALPHAS
    folder: Path = given.write_mixtures
    if (folder / "poses.npz").is_file():
        there = read_poses(folder)
        if not (np.array_equal(there.names, truth.poses.names) and np.array_equal(there.lengths, truth.poses.lengths)):
            raise LifterError(f"{folder}: holds other sequences than {given.data}; name another folder")
    made = [mixture_source(truth, read_poseset(given.data, source), a) for source in given.detections for a in alphas]
    if not (folder / "poses.npz").is_file():
        say(f"written: {write_poses(folder, truth.poses)}")
        say(f"written: {write_keypoints(folder, truth)}")
    for mixture in made:
        say(f"written: {write_keypoints(folder, mixture)}")
    return 0
