"""Is a drawn person's detector noise like a real one's? Drawn films, calibrated films and clips, side by side.

    python tests/benchmarks/bench_detector_noise.py --drawn SET --multiview FOLDER --clips FOLDER --runs DIR

SET is a drawn set with the key points of both detectors (`python -m pipeline.drawn`, `lifter prepare detections`).
FOLDER and the clips are films; DIR/DETECTOR/FILM is where `python -m pipeline run FILM --detector DETECTOR --person
largest --output DIR/DETECTOR` left their poses. Prints, for legs, arms and trunk, what errors are made of: against the
truth (drawn), against reprojected 3D (multiview, itself good to 20-40 mm, which is 0.03 to 0.06 person units and is
part of the figures), and the disagreement of the two detectors on all three, which needs no truth.
Nothing is fitted on the real films.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from real_films import LIMBS, film
from real_films import films as calibrated

from lifter.datasets.detections.films import Sight, read_sight
from lifter.datasets.poseset import Poses, PoseSet, read_poseset
from lifter.detector_noise.clips import Clips, clips_of
from lifter.detector_noise.measure import Measured, measure

DETECTORS = ("mediapipe", "onnx")
PARTS = {
    "legs": ("hip", "knee", "ankle"), "arms": ("shoulder", "elbow", "wrist"),
    "trunk, head": ("pelvis", "spine", "thorax", "neck", "head"),
}  # fmt: skip
COLUMNS = ("clips", "median", "p90", "bias", "drift", "drift_s", "jitter", "lost %", "swaps %", "rank")


def as_set(name: str, truth: PoseSet | None, sight: Sight, positions: np.ndarray, source: str) -> PoseSet:
    """One film's largest person as a set of one sequence; poses are `truth`'s, where there is one."""
    frames = sight.valid.shape[1]
    person = int(sight.valid.sum(axis=1).argmax())
    one = np.array
    poses = truth.poses if truth else Poses(
        np.asarray(positions, np.float32), np.ones(frames, bool), one([frames]), one([name]), one(["?"]), one(["?"]),
        one(["?"]), one(["real"]), one(["test"]), np.array([sight.size], np.int32), np.ones((1, 4), np.float32),
        np.array([sight.fps]),
    )  # fmt: skip
    return PoseSet(poses, source, sight.keypoints[person], sight.scores[person], sight.valid[person])


def multiview(folder: Path, runs: Path) -> dict[str, list[PoseSet]]:
    """Reference, then what each detector found, of every calibrated film."""
    sets: dict[str, list[PoseSet]] = {name: [] for name in ("gt", *DETECTORS)}
    for path in calibrated(folder):
        known = film(folder, path)
        body = np.zeros((len(known.truth), 17, 3), np.float32)
        body[:, LIMBS] = known.truth
        body[:, 0], body[:, 8] = body[:, [1, 4]].mean(axis=1), body[:, [11, 14]].mean(axis=1)
        sights = {name: read_sight(runs / name / path.stem) for name in DETECTORS}
        scored = np.ones((1, len(body), 17), np.float32)
        exact = Sight(
            np.float32(known.skeleton)[None], scored, scored[..., 0] > 0, sights["onnx"].size, sights["onnx"].fps
        )
        truth = as_set(path.stem, None, exact, body, "gt")
        sets["gt"].append(truth)
        for name, sight in sights.items():
            sets[name].append(as_set(path.stem, truth, sight, body, name))
    return sets


def clips(folder: Path, runs: Path) -> dict[str, list[PoseSet]]:
    """What each detector found in every clip; there is no truth."""
    sets: dict[str, list[PoseSet]] = {name: [] for name in DETECTORS}
    for path in sorted(folder.glob("*.mp4")):
        first = None
        for name in DETECTORS:
            sight = read_sight(runs / name / path.stem)
            first = first or as_set(path.stem, None, sight, np.zeros((sight.valid.shape[1], 17, 3)), name)
            sets[name].append(as_set(path.stem, first, sight, np.zeros(0), name))
    return sets


def compared(truths: list[PoseSet], others: list[PoseSet], solid: bool) -> Measured:
    """Measure films of any frame rates together."""
    parts = [clips_of(truth, other, solid) for truth, other in zip(truths, others, strict=True)]
    missed = float(np.mean([part.missed for part in parts]))
    together = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in ("truth", "found", "scores", "counts")
    }
    axes = np.concatenate([part.axes for part in parts if part.axes is not None]) if solid else None
    return measure(Clips(**together, missed=missed, axes=axes))


def line(name: str, group: str, measured: Measured) -> str:
    """A line of the table: means over the kinds of joints of a group, root mean squares for sigmas."""
    kinds = PARTS[group]
    of = [measured.noise.joints[kind] for kind in kinds]

    def rms(part: str) -> float:
        return float(np.sqrt(np.mean([getattr(joint, part) ** 2 for joint in of])))

    values = (
        measured.clips, np.mean([measured.median[k] for k in kinds]), np.mean([measured.p90[k] for k in kinds]),
        rms("bias"), rms("drift"), np.mean([joint.drift_s for joint in of]), rms("jitter"),
        100 * np.mean([measured.lost[k] for k in kinds]), 100 * measured.swapped.get(group, np.nan), measured.rank,
    )  # fmt: skip
    return f"{name:<34}{group:<12}" + "".join(f"{value:9.3f}" for value in values)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drawn", type=Path, required=True, metavar="SET")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--multiview", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--clips", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--runs", type=Path, required=True, metavar="DIR")
    given = parser.parse_args()
    drawn = {name: [read_poseset(given.drawn, name).split(given.split)] for name in ("gt", *DETECTORS)}
    films = {
        "drawn": drawn,
        "multiview": multiview(given.multiview, given.runs),
        "clips": clips(given.clips, given.runs),
    }
    print(f"{'':<46}" + "".join(f"{name:>9}" for name in COLUMNS))
    for detector in DETECTORS:
        for name in ("drawn", "multiview"):
            measured = compared(films[name]["gt"], films[name][detector], solid=True)
            for group in ("legs", "arms"):
                print(line(f"{detector} against truth, {name}", group, measured), flush=True)
    for name, sets in films.items():
        measured = compared(sets["onnx"], sets["mediapipe"], solid=False)
        for group in PARTS:
            print(line(f"mediapipe against onnx, {name}", group, measured), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
