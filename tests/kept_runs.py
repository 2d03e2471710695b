"""A run's folder as the pipeline leaves it, with people and times of the test's choosing and numbered frames."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
from films import numbered
from numpy.typing import NDArray
from walkers import walk

from lifter import joints
from pipeline.clean import FILLED, SWAPPED
from pipeline.poses import Pose3D
from pipeline.store import content_hash, save_pose
from pipeline.video import VideoWriter

SIZE, FPS = (96, 72), Fraction(25)
NAMES = joints.NAMES


def uneven(frames: int) -> NDArray[np.float64]:
    """Time stamps of a film of variable rate, whole hundredths of a second."""
    steps = np.random.default_rng(1).choice([2, 4, 7], frames - 1)
    return np.concatenate([[0], np.cumsum(steps)]) / 100.0


def even(frames: int) -> NDArray[np.float64]:
    return np.arange(frames) / float(FPS)


def walkers(timestamps: NDArray[np.float64], people: int = 1) -> Pose3D:
    """People who walk and swing; the second comes late and goes early, and the first's left arm is hidden a while."""
    count = len(timestamps)
    placed = np.stack([walk(count, seed) for seed in range(people)]) if people else np.zeros((0, count, 17, 3))
    roots = np.asarray(placed[:, :, :1], np.float32)
    positions = np.asarray(placed - roots, np.float32)
    keypoints = np.asarray(48 + 20 * positions[..., :2], np.float32)
    valid = np.ones((people, count), bool)
    valid[1:, : count // 4] = valid[1:, -count // 4 :] = False
    scores, repairs = np.full((people, count, 17), 0.9, np.float32), np.zeros((people, count, 17), np.uint8)
    if people:
        hidden = slice(count // 2, count // 2 + count // 8)
        for name in ("left_elbow", "left_wrist"):
            scores[0, hidden, NAMES.index(name)], repairs[0, hidden, NAMES.index(name)] = 0, FILLED
        repairs[0, -count // 8 :, 1:7] |= SWAPPED
    return Pose3D(
        positions, valid, timestamps, NAMES, np.arange(people) + 1, keypoints, scores, repairs,
        np.array([0, -1, 0], np.float32), roots[:, :, 0], np.full((people, count, 3), 0.1, np.float32),
    )  # fmt: skip


def write_film(path: Path, timestamps: NDArray[np.float64], size: tuple[int, int] = SIZE) -> Path:
    """A film whose frames carry their number."""
    with VideoWriter(path, size, timestamps, fps=FPS, time_base=Fraction(1, 100), crf=12) as writer:
        for index in range(len(timestamps)):
            writer.write(numbered(index, size))
    return path


def write_run(folder: Path, pose: Pose3D, film: Path | None = None, name: str | None = None) -> Path:
    """Write `pose3d.npz` and `run.json` as a run of `film` leaves them; `name` is what the run calls the film."""
    folder.mkdir(parents=True, exist_ok=True)
    sha256 = content_hash(film) if film else "0" * 64
    save_pose(folder / "pose3d.npz", pose, fingerprint="f", video=sha256, size=list(SIZE), fps=[25, 1])
    about = {"name": name or (film.name if film else "film.mp4"), "sha256": sha256}
    (folder / "run.json").write_text(json.dumps({"video": about}))
    return folder
