"""Training windows of a prepared data set: indices into one array, gathered a batch at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from lifter import joints, windows
from lifter.datasets.poseset import PoseSet, read_poseset
from lifter.errors import LifterError
from lifter.plain import make
from lifter.rays import on_plane, to_ray, turns_to_ray
from lifter.refine import known_intrinsics
from lifter.screen import to_person, to_screen, turn
from lifter.weights import Recipe

Batch = dict[str, Tensor]


class WindowDataset(Dataset[Batch]):
    """All windows of a split (paper, section 4.2: 96 frames, step 5, fully inside their sequence).

    An index is `2 * window + mirrored`: whether a window is mirrored is the sampler's draw, so that a training
    repeats whatever the number of its processes. The frames lie once in memory, on the device that trains.

    Args:
        folder: a prepared data set.
        keypoints: its 2D source.
        split: train, validation or test.
        recipe: fields of `Recipe`: units and length of a window.
        context: frames the network wants on both sides of a window; past the ends of a sequence its first and
            last frames are repeated (VideoPose3D's convention).
        step: frames between windows.
        device: where the frames lie.

    Raises:
        LifterError: no prepared data set, no such 2D source or split, no frame in it that counts, or a camera that
            is not known where the axes of the ray are wanted.
    """

    metainfo: ClassVar[dict[str, str]] = {}  # MMEngine asks for it

    def __init__(
        self,
        folder: str | Path,
        keypoints: str = "gt",
        split: str = "train",
        recipe: Mapping[str, Any] | None = None,
        context: int = 0,
        step: int = 5,
        device: str = "cpu",
    ) -> None:
        self.recipe = make(Recipe, recipe or {}, "dataset.recipe")
        self.context = context
        made = read_poseset(Path(folder), keypoints).split(split)
        poses = made.poses
        self.inputs = torch.from_numpy(_network_units(made, self.recipe)).to(device)
        self.truth = torch.from_numpy(_truth(made, self.recipe)).to(device)
        self.counts = torch.from_numpy(poses.valid & made.seen).to(device)
        if not self.counts.any():
            raise LifterError(f"{folder}: no frame of the {split} split is both valid and seen by {keypoints!r}")
        first, sequence = _window_starts(made, self.recipe.window, step)
        self.first = torch.from_numpy(first).to(device)
        self.sequence = torch.from_numpy(sequence).to(device)
        self.begin = torch.from_numpy(poses.first).to(device)[self.sequence]
        self.end = self.begin + torch.from_numpy(poses.lengths).to(device)[self.sequence]
        self.groups = poses.groups[sequence]
        self.about: dict[str, Any] = {
            "set": dict(poses.about), "keypoints": keypoints, "split": split, "sequences": len(poses),
            "frames": int(poses.lengths.sum()), "frames_that_count": int(self.counts.sum()), "step": step,
            "windows": len(first),
        }  # fmt: skip

    def described(self) -> dict[str, Any]:
        """What it holds, as plain values, for the file of what is trained on it."""
        return self.about

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, index: int) -> Batch:
        return {name: value[0] for name, value in self.__getitems__([index]).items()}

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """Gather windows by `2 * window + mirrored`.

        Returns:
            keypoints (N, T + 2 context, 17, 2), positions (N, T, 17, 3) metres from the root in the
            recipe's axes, mask (N, T) bool: the frames that are there, seen and valid; sequence (N,) and start (N,),
            where in its sequence a window begins (before it, where the sequence is shorter); in person units also
            turns (N, 2, 2), which `lifter.screen.turn_back` undoes.
        """
        drawn = torch.as_tensor(indices, device=self.first.device)
        window, mirrored = drawn // 2, (drawn % 2).bool()
        first, begin, end = self.first[window], self.begin[window], self.end[window]
        length, around = self.recipe.window, self.context
        asked = first[:, None] + torch.arange(-around, length + around, device=first.device)  # N T+2c
        rows = asked.clamp(begin[:, None], end[:, None] - 1)
        inner = slice(around, around + length)
        keypoints, positions = self.inputs[rows], self.truth[rows[:, inner]]
        mask = self.counts[rows[:, inner]] & (rows[:, inner] == asked[:, inner])
        keypoints = torch.where(mirrored[:, None, None, None], _mirror(keypoints), keypoints)
        positions = torch.where(mirrored[:, None, None, None], _mirror(positions), positions)
        which = {"mask": mask, "sequence": self.sequence[window], "start": first - begin}
        if self.recipe.normalisation == "person":
            keypoints, positions, which["turns"] = _person_units(keypoints, positions)
        return {"keypoints": keypoints, "positions": positions, **which}


def _mirror(points: Tensor) -> Tensor:
    """Mirror (N, T, 17, C) about x = 0; as `joints.mirror`, on tensors."""
    swapped = points[:, :, list(joints.MIRROR)]
    return torch.cat([-swapped[..., :1], swapped[..., 1:]], dim=-1)


def _network_units(made: PoseSet, recipe: Recipe) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Pixels to the units in which mirroring is a change of sign of x."""
    if recipe.normalisation == "person":  # done window by window, later
        return made.keypoints
    units = np.empty_like(made.keypoints)
    for i, (width, height) in enumerate(made.poses.sizes):
        at = made.poses.frames(i)
        units[at] = to_screen(made.keypoints[at], (int(width), int(height)))
    return units


def _truth(made: PoseSet, recipe: Recipe) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Positions (F, 17, 3) from the root, in the recipe's axes; rays are those of the true pelvis.

    Raises:
        LifterError: the axes of the ray are wanted, and a camera is not known.
    """
    poses = made.poses
    rooted = poses.positions - poses.positions[:, :1]
    if recipe.axes == "camera":
        return rooted
    for camera, name in zip(poses.intrinsics, poses.names, strict=True):
        known_intrinsics(camera, str(name), "recipe.axes 'ray'")
    return to_ray(rooted, turns_to_ray(on_plane(poses.positions[:, joints.ROOT])))


def _person_units(keypoints: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Measure windows by the person in them, by way of the processor, where `lifter.screen` works."""
    units, turns = to_person(keypoints.cpu().numpy())
    turned = turn(positions.cpu().numpy(), turns)
    made = (torch.from_numpy(array).to(keypoints.device) for array in (units, turned, turns))
    return next(made), next(made), next(made)


def _window_starts(
    made: PoseSet, window: int, step: int
) -> tuple[np.ndarray[Any, np.dtype[np.int64]], np.ndarray[Any, np.dtype[np.int64]]]:
    """First frame and sequence of every window; a sequence shorter than a window gives one, centred on it."""
    firsts, sequences = [], []
    for i, (begin, length) in enumerate(zip(made.poses.first, made.poses.lengths, strict=True)):
        own = windows.starts(length, window, step) if length >= window else np.array([-((window - length) // 2)])
        firsts.append(begin + own)
        sequences.append(np.full(len(own), i, np.int64))
    return np.concatenate(firsts), np.concatenate(sequences)
