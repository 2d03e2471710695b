"""The refine module of Cai et al. (ICCV 2019), the dagger rows of Table 6; it is told where the person stands.

A pose as lifted and a second one, the 2D keypoints carried back into space at the lifted depths, are weighed against
each other. The second needs the true depth of the root and the camera's intrinsics, so its results compare with no
method that knows neither: `LABEL` goes with every number it makes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lifter import joints
from lifter.errors import LifterError

Floats = NDArray[np.float32]
LABEL = "uses ground-truth root depth and intrinsics"
SYMMETRY_WEIGHT = 0.01
# Bones (joint, parent) that are as long as their mirror images, right and left.
RIGHT_BONES = tuple((joint, joints.PARENTS[joint]) for joint in joints.RIGHT)
LEFT_BONES = tuple((joints.MIRROR[joint], joints.MIRROR[parent]) for joint, parent in RIGHT_BONES)


@dataclass(frozen=True)
class RefineSettings:
    """The shape of the module; the defaults are Cai et al.'s.

    Attributes:
        width: of the hidden layer.
        dropout: after it.
    """

    width: int = 1024
    dropout: float = 0.5

    def __post_init__(self) -> None:
        if self.width < 1 or not 0 <= self.dropout < 1:
            raise ValueError(f"width from 1 and dropout in [0, 1) wanted, got {self.width} and {self.dropout}")


class Refine(nn.Module):
    """How far to believe the lifted x and y of every joint, from both poses of a frame."""

    def __init__(self, settings: RefineSettings | None = None) -> None:
        super().__init__()
        self.settings = s = settings or RefineSettings()
        count = len(joints.NAMES)
        self.gate = nn.Sequential(
            nn.Linear(2 * 3 * count, s.width), nn.ReLU(), nn.Dropout(s.dropout), nn.Linear(s.width, 2 * count),
            nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, lifted: Tensor, second: Tensor) -> Tensor:
        """Blend two root-relative poses (..., 17, 3), metres: x and y by the gate, z as lifted."""
        both = torch.cat([lifted, second], dim=-1).flatten(-2)  # ... 17*6
        gate = self.gate(both).unflatten(-1, (-1, 2))  # ... 17 2
        xy = gate * lifted[..., :2] + (1 - gate) * second[..., :2]
        return torch.cat([xy, lifted[..., 2:]], dim=-1)


def back_project(keypoints_px: Tensor, depth: Tensor, intrinsics: Tensor) -> Tensor:
    """Carry keypoints (..., 17, 2), pixels, to their depths (..., 17), metres: positions (..., 17, 3), camera axes.

    Args:
        intrinsics: (..., 4) f_x, f_y, c_x, c_y, pixels; lens distortion is left out, as Cai et al. do.
    """
    focal, centre = intrinsics[..., None, :2], intrinsics[..., None, 2:]
    xy = (keypoints_px - centre) * depth[..., None] / focal
    return torch.cat([xy, depth[..., None]], dim=-1)


def second_pose(lifted: Tensor, keypoints_px: Tensor, root_depth: Tensor, intrinsics: Tensor) -> Tensor:
    """Return the keypoints in space at the lifted depths, measured from the root: (..., 17, 3) metres.

    Args:
        lifted: (..., 17, 3) metres, root-relative, camera axes.
        keypoints_px: (..., 17, 2) pixels.
        root_depth: (...) metres from the camera, the truth.
        intrinsics: (..., 4), see `back_project`.
    """
    positions = back_project(keypoints_px, lifted[..., 2] + root_depth[..., None], intrinsics)
    return positions - positions[..., joints.ROOT : joints.ROOT + 1, :]


def symmetry_penalty(positions: Tensor) -> Tensor:
    """Difference in length between left and right bones of (..., 17, 3), summed over bones, mean over poses; metres.

    Of absolute differences: a sum of signed ones, as in Cai et al.'s code, can be made as small as one likes.
    """
    right, left = (_lengths(positions, bones) for bones in (RIGHT_BONES, LEFT_BONES))
    return (right - left).abs().sum(dim=-1).mean()


def refine_loss(refined: Tensor, truth: Tensor) -> Tensor:
    """What the module adds to the lifter's loss: MPJPE in metres, and a hundredth of the symmetry penalty."""
    distance = torch.linalg.vector_norm(refined.float() - truth.float(), dim=-1).mean()
    loss: Tensor = distance + SYMMETRY_WEIGHT * symmetry_penalty(refined.float())
    return loss


def camera_known(intrinsics: Floats) -> bool:
    """Whether all of (..., 4) f_x, f_y, c_x, c_y are a camera's."""
    return bool(np.isfinite(intrinsics).all() and (intrinsics[..., :2] > 0).all())


def known_intrinsics(intrinsics: Floats, sequence: str, who: str = "the refine module") -> Floats:
    """Return a camera's (4,) f_x, f_y, c_x, c_y, pixels, as they are.

    Raises:
        LifterError: focal lengths that no camera has: the data set does not know its camera.
    """
    if not camera_known(intrinsics):
        raise LifterError(f"sequence {sequence}: the data set does not know its camera; {who} needs it")
    return intrinsics


@torch.inference_mode()
def refine_sequence(
    module: Refine, positions: Floats, keypoints_px: Floats, root_depth: Floats, intrinsics: Floats
) -> Floats:
    """Refine a lifted sequence frame by frame, after its windows have been averaged; see `LABEL`.

    Args:
        module: goes into evaluation mode.
        positions: (T, 17, 3) metres, root-relative, camera axes.
        keypoints_px: (T, 17, 2) pixels.
        root_depth: (T,) metres, the true distance of the pelvis along the optical axis.
        intrinsics: (4,) f_x, f_y, c_x, c_y, pixels.

    Returns:
        (T, 17, 3) float32, z unchanged.

    Raises:
        ValueError: shapes that do not belong together.
    """
    frames, count = len(positions), len(joints.NAMES)
    wanted = ((frames, count, 3), (frames, count, 2), (frames,), (4,))
    given = (positions, keypoints_px, root_depth, intrinsics)
    if tuple(array.shape for array in given) != wanted:
        raise ValueError(f"refine: shapes {wanted} wanted, got {tuple(array.shape for array in given)}")
    device = next(module.parameters()).device
    lifted, *seen = (torch.as_tensor(np.asarray(array, np.float32), device=device) for array in given)
    refined = module.eval()(lifted, second_pose(lifted, *seen))
    return np.asarray(refined.cpu().numpy())


def _lengths(positions: Tensor, bones: tuple[tuple[int, int], ...]) -> Tensor:
    ends, starts = (list(each) for each in zip(*bones, strict=True))
    # The gradient of this norm at zero is zero: a bone without length does no harm.
    lengths: Tensor = torch.linalg.vector_norm(positions[..., ends, :] - positions[..., starts, :], dim=-1)
    return lengths
