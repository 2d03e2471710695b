"""How far the poses of `--lift-mode sequence` are from those of `windows`, and from the truth, on a prepared set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lifter import joints, windows
from lifter.datasets.poseset import PoseSet, read_poseset
from lifter.evaluate import in_camera_axes
from lifter.lifter import Lifter, smoothed
from lifter.screen import to_person, to_person_along, to_screen, turn_back

BORDER = 48  # frames, half a training window
LONG = 3 * BORDER  # a sequence has borders and an inside
Lift = Callable[[np.ndarray], np.ndarray]


def in_pieces(lifter: Lifter, along: bool, chunk: int | None, smooth: bool) -> Lift:
    """`sequence` put together anew, with parts of it left out: measured as a whole, in one piece, not smoothed."""

    def lift(sequence: np.ndarray) -> np.ndarray:
        filled, front = windows.pad(sequence, lifter.recipe.window)
        if lifter.recipe.normalisation == "screen":
            units, turns = filled, np.tile(np.eye(2, dtype=np.float32), (len(filled), 1, 1))
        elif along:
            units, turns = to_person_along(filled, lifter.recipe.window)
        else:
            units, turns = (part[0] for part in to_person(filled[None]))
            turns = np.tile(turns, (len(filled), 1, 1))
        length = min(chunk or len(filled), len(filled))
        first = windows.spread_starts(len(filled), length, min(32, length - 1))
        joiner = windows.Joiner(len(filled), fade=32)
        joiner.add(first, lifter._network(windows.cut(units, first, length)))
        lifted = turn_back(joiner.result()[:, None], turns)[:, 0]
        return (smoothed(lifted) if smooth else lifted)[front : front + len(sequence)]

    return lift


def variants(parts: bool) -> dict[str, Lift]:
    """Return what is compared, by name; `windows` first."""
    lifter = Lifter("ugcn", "cpu")
    found = {mode: Lifter("ugcn", "cpu", mode=mode).lift_uniform for mode in ("windows", "sequence")}
    if parts:
        found |= {
            "one piece, one measure": in_pieces(lifter, along=False, chunk=None, smooth=False),
            "+ measured along the way": in_pieces(lifter, along=True, chunk=None, smooth=False),
            "+ chunks of 192": in_pieces(lifter, along=True, chunk=192, smooth=False),
            "+ smoothed: sequence": in_pieces(lifter, along=True, chunk=192, smooth=True),
        }
    return found


def lifted(lift: Lift, recipe_of: Lifter, data: PoseSet, number: int) -> np.ndarray:
    """Lift one sequence at its own frame rate: (T, 17, 3) metres, camera axes, from the pelvis."""
    at = data.poses.frames(number)
    keypoints = data.keypoints[at]
    if recipe_of.recipe.normalisation == "screen":
        width, height = data.poses.sizes[number].tolist()
        keypoints = to_screen(keypoints, (width, height))
    poses = in_camera_axes(recipe_of.recipe, lift(keypoints), data, number, at)
    return poses - poses[:, joints.ROOT : joints.ROOT + 1]


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean distance of the joints of (T, 17, 3) and (T, 17, 3), (T,) mm."""
    return 1e3 * np.linalg.norm(a - b, axis=-1).mean(axis=-1)


def measured(made: np.ndarray, reference: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """The measures of one sequence (T, 17, 3): one value for every frame that counts."""
    position, frames = distances(made, truth), np.arange(len(truth))
    inside = np.minimum(frames, frames[::-1]) >= BORDER
    long = len(truth) >= LONG
    return {
        "MPJPE": position,
        "short": position if not long else position[:0],
        "borders": position[~inside] if long else position[:0],
        "inside": position[inside] if long else position[:0],
        "MPJVE": distances(np.diff(made, axis=0), np.diff(truth, axis=0)),
        "from windows": distances(made, reference),
    }


def accuracy_table(folder: Path, keypoints: str, split: str, every: int, parts: bool) -> str:
    """Lift every N-th sequence of a split in both modes, and tell the errors as a table; all frames weigh the same."""
    data = read_poseset(folder, keypoints).split(split)
    who, compared = Lifter("ugcn", "cpu"), variants(parts)
    rows: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in compared}
    numbers = range(0, len(data.poses), every)
    for number in numbers:
        truth = data.poses.positions[data.poses.frames(number)]
        truth = truth - truth[:, joints.ROOT : joints.ROOT + 1]
        made = {name: lifted(lift, who, data, number) for name, lift in compared.items()}
        for name, poses in made.items():
            rows[name].append(measured(poses, made["windows"], truth))
    frames = sum(int(data.poses.lengths[number]) for number in numbers)
    columns = list(rows["windows"][0])
    lines = [
        f"{split}, {keypoints}: {len(numbers)} sequences, {frames} frames; mm, MPJVE mm a frame",
        f"from {LONG} frames on: borders, the {BORDER} frames at either end, and inside; short: the other sequences",
        f"{'':26}" + "".join(f"{column:>13}" for column in columns),
    ]
    for name, found in rows.items():
        means = [np.concatenate([row[column] for row in found]) for column in columns]
        told = [f"{mean.mean():13.2f}" if len(mean) else f"{'-':>13}" for mean in means]
        lines.append(f"{name:26}" + "".join(told))
    return "\n".join(lines)
