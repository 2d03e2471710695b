"""Training of the refine module (Cai et al.; the dagger rows of Table 6) on what a finished lifter says of each frame.

Cai et al. go on training lifter and module together at a learning rate of 1e-5. Here the lifter is frozen and the
module alone is trained, on frames after their windows have been averaged: what it will see when it is used. The
lifter knows its training films better than others, so the module learns to believe it somewhat too much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lifter import joints
from lifter.datasets.poseset import PoseSet
from lifter.errors import LifterError
from lifter.lifter import Lifter
from lifter.refine import Refine, RefineSettings, known_intrinsics, refine_loss, second_pose
from lifter.sequences import lift_sequence

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class RefineTraining:
    """How the module is trained.

    Attributes:
        epochs: times that every frame is seen.
        learning_rate: of Adam. Cai et al.'s 1e-5 is for a lifter that goes on learning; a module that begins at
            random weights needs more epochs at it.
        batch: frames a step.
        seed: of the weights, the order of the frames and the dropout.
    """

    epochs: int = 10
    learning_rate: float = 1e-3
    batch: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1 or not 0 < self.learning_rate <= 1 or not 0 <= self.seed < 2**63:
            raise ValueError(f"epochs and batch from 1, learning_rate in (0, 1], seed from 0 wanted, got {self}")


@dataclass(frozen=True)
class Frames:
    """Frames to learn from, each a (F, 17, 3) tensor in metres, root-relative, camera axes.

    Attributes:
        lifted: what the lifter says.
        second: the keypoints in space at the lifted depths (`lifter.refine.second_pose`).
        truth: the reference.
    """

    lifted: Tensor
    second: Tensor
    truth: Tensor


def lifted_frames(lifter: Lifter, data: PoseSet, progress: Callable[[int], None] = lambda _: None) -> Frames:
    """Lift every sequence of a data set, and keep the frames with a valid reference and someone seen.

    Args:
        lifter: the finished lifter.
        data: of one split, with the keypoints that the lifter was trained for.
        progress: told the number of frames lifted since the last call.

    Raises:
        LifterError: no such frame, cameras without intrinsics, a lifter that gives no numbers.
    """
    poses = data.poses
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for number in range(len(poses)):
        at = poses.frames(number)
        good = poses.valid[at] & data.seen[at]
        if good.any():
            lifted = lift_sequence(lifter, data, number)[good]
            if not np.isfinite(lifted).all():
                raise LifterError(f"sequence {poses.names[number]}: the lifter gives no finite numbers")
            camera = known_intrinsics(poses.intrinsics[number], str(poses.names[number]))
            parts.append(_frames(lifted, data.keypoints[at][good], poses.positions[at][good], camera))
        progress(int(poses.lengths[number]))
    if not parts:
        raise LifterError("refine: no valid frame to learn from; check the data set's split")
    return Frames(*(torch.cat(arrays) for arrays in zip(*parts, strict=True)))


def train_refine(
    frames: Frames,
    training: RefineTraining | None = None,
    settings: RefineSettings | None = None,
    device: torch.device | str = "cpu",
    say: Callable[[str], None] = lambda _: None,
) -> Refine:
    """Train a module from random weights; the same seed gives the same module on the same machine.

    Args:
        frames: as `lifted_frames` gives them.
        training: how.
        settings: the module's shape; Cai et al.'s.
        device: where it is trained.
        say: prints a line an epoch.

    Returns:
        The module, on the CPU, in evaluation mode.

    Raises:
        LifterError: the loss is not a number any more.
    """
    training = training or RefineTraining()
    place = torch.device(device)
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        torch.manual_seed(training.seed)
        module = Refine(settings).to(place).train()
        optimiser = torch.optim.Adam(module.parameters(), lr=training.learning_rate)
        for epoch in range(training.epochs):
            total = 0.0
            for chosen in torch.split(torch.randperm(len(frames.truth)), training.batch):
                loss = _loss(module, frames, chosen, place)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                total += float(loss.detach()) * len(chosen)
            if not np.isfinite(total):
                raise LifterError(f"the loss is not a number in epoch {epoch + 1}: lower the learning rate")
            say(f"epoch {epoch + 1} of {training.epochs}: loss {total / len(frames.truth):.5f}")
    return module.cpu().eval()


def note_of(lifter: str, data: PoseSet, training: RefineTraining) -> dict[str, Any]:
    """What a module's file says of where it comes from: the lifter's name, the data, how it was trained."""
    about = {"lifter": lifter, "dataset": str(data.poses.about.get("dataset", "")), "keypoints": data.source}
    return {**about, **asdict(training)}


@torch.inference_mode()
def errors_mm(module: Refine, frames: Frames, batch: int = 65536) -> tuple[float, float]:
    """Return MPJPE (mm, 17 joints, frames alike) as lifted and as refined."""
    sums = torch.zeros(2, dtype=torch.float64)
    parts = (torch.split(part, batch) for part in (frames.lifted, frames.second, frames.truth))
    for lifted, second, truth in zip(*parts, strict=True):
        for i, pose in enumerate((lifted, module.eval()(lifted, second))):
            sums[i] += torch.linalg.vector_norm(pose - truth, dim=-1).sum(dtype=torch.float64)
    before, after = (sums * 1000 / (len(frames.truth) * len(joints.NAMES))).tolist()
    return before, after


def _loss(module: Refine, frames: Frames, chosen: Tensor, place: torch.device) -> Tensor:
    lifted, second, truth = (part[chosen].to(place) for part in (frames.lifted, frames.second, frames.truth))
    return refine_loss(module(lifted, second), truth)


def _frames(lifted: Floats, keypoints: Floats, positions: Floats, camera: Floats) -> tuple[Tensor, Tensor, Tensor]:
    pose, place = torch.from_numpy(lifted), torch.from_numpy(positions)
    root = place[:, joints.ROOT]
    second = second_pose(pose, torch.from_numpy(keypoints), root[:, 2], torch.from_numpy(camera))
    return pose, second, place - root[:, None]
