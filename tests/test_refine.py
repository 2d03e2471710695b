"""The refine module: back-projection against projection, the gate's ends, symmetry, and what it cannot touch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lifter import joints
from lifter.refine import (
    LABEL,
    LEFT_BONES,
    RIGHT_BONES,
    Refine,
    RefineSettings,
    back_project,
    refine_loss,
    refine_sequence,
    second_pose,
    symmetry_penalty,
)

INTRINSICS = torch.tensor([1145.0, 1144.0, 512.5, 515.5])


def filmed(frames: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Random root-relative poses (T, 17, 3), their pixels (T, 17, 2) by the pinhole formula, and root depths (T,)."""
    torch.manual_seed(0)
    positions = 0.3 * torch.randn(frames, 17, 3)
    positions[:, 0] = 0
    root = torch.randn(frames, 1, 3) * 0.5 + torch.tensor([0.0, 0.0, 5.0])
    placed = positions + root
    keypoints = placed[..., :2] / placed[..., 2:] * INTRINSICS[:2] + INTRINSICS[2:]
    return positions, keypoints, root[:, 0, 2]


def test_as_large_as_published() -> None:
    assert sum(p.numel() for p in Refine().parameters()) == 140_322
    assert "ground-truth root depth" in LABEL and "intrinsics" in LABEL


def test_back_projection_is_the_inverse_of_filming() -> None:
    positions, keypoints, depth = filmed(5)
    placed = back_project(keypoints, positions[..., 2] + depth[:, None], INTRINSICS)
    torch.testing.assert_close(placed - placed[:, :1], positions, atol=1e-4, rtol=0)
    torch.testing.assert_close(placed[..., 2] - depth[:, None], positions[..., 2])
    # The true depths give the true pose, whatever x and y were lifted to; also with a camera for every frame.
    lifted = positions + torch.tensor([0.3, -0.2, 0.0])
    for camera in (INTRINSICS, INTRINSICS.expand(5, 4)):
        torch.testing.assert_close(second_pose(lifted, keypoints, depth, camera), positions, atol=1e-4, rtol=0)


def test_second_pose_is_wrong_by_the_depths_that_were_lifted_wrong() -> None:
    positions, keypoints, depth = filmed(4)
    lifted = positions.clone()
    lifted[:, 3, 2] += 0.1
    moved = second_pose(lifted, keypoints, depth, INTRINSICS) - positions
    ray = (keypoints[:, 3] - INTRINSICS[2:]) / INTRINSICS[:2]
    torch.testing.assert_close(moved[:, 3, :2], 0.1 * ray, atol=1e-4, rtol=0)
    assert moved[:, [j for j in range(17) if j != 3]].abs().max() < 1e-4


@pytest.mark.parametrize(("bias", "believed"), [(50.0, "lifted"), (-50.0, "second"), (0.0, "both")])
def test_the_gate_goes_from_one_pose_to_the_other(bias: float, believed: str) -> None:
    module = Refine(RefineSettings(width=8)).eval()
    torch.nn.init.zeros_(module.gate[3].weight)
    torch.nn.init.constant_(module.gate[3].bias, bias)
    lifted, second = torch.randn(2, 6, 17, 3), torch.randn(2, 6, 17, 3)
    refined = module(lifted, second)
    wanted = {"lifted": lifted, "second": second, "both": (lifted + second) / 2}[believed]
    torch.testing.assert_close(refined[..., :2], wanted[..., :2])
    assert torch.equal(refined[..., 2], lifted[..., 2])


def test_every_joint_has_a_gate_of_its_own() -> None:
    module = Refine(RefineSettings(width=8)).eval()
    torch.nn.init.zeros_(module.gate[3].weight)
    torch.nn.init.constant_(module.gate[3].bias, 50.0)
    with torch.no_grad():
        module.gate[3].bias[2 * 5 + 1] = -50.0  # y of joint 5
    lifted, second = torch.randn(17, 3), torch.randn(17, 3)
    changed = (module(lifted, second) != lifted).nonzero().tolist()
    assert changed == [[5, 1]]


def test_bones_are_mirror_images() -> None:
    assert set(LEFT_BONES) == {(4, 0), (5, 4), (6, 5), (11, 8), (12, 11), (13, 12)}
    assert set(RIGHT_BONES) == {(1, 0), (2, 1), (3, 2), (14, 8), (15, 14), (16, 15)}
    assert [(joints.MIRROR[a], joints.MIRROR[b]) for a, b in LEFT_BONES] == list(RIGHT_BONES)


def test_symmetry_counts_a_longer_side_and_never_rewards_it() -> None:
    positions = torch.randn(3, 17, 3)
    even = positions.clone()
    even[:, list(joints.LEFT)] = positions[:, list(joints.RIGHT)] * torch.tensor([-1.0, 1.0, 1.0])
    even[:, [0, 8], 0] = 0  # a body in the plane of its mirror
    assert symmetry_penalty(even) < 1e-6
    for wrist, elbow in ((13, 12), (16, 15)):
        longer = even.clone()
        arm = longer[:, wrist] - longer[:, elbow]
        longer[:, wrist] += 0.2 * arm / arm.norm(dim=-1, keepdim=True)
        assert float(symmetry_penalty(longer)) == pytest.approx(0.2, abs=1e-5)


def test_loss_is_distance_and_a_hundredth_of_asymmetry_with_finite_gradients() -> None:
    refined, truth = torch.randn(4, 17, 3), torch.randn(4, 17, 3)
    distance = (refined - truth).square().sum(-1).sqrt().mean()
    torch.testing.assert_close(refine_loss(refined, truth), distance + 0.01 * symmetry_penalty(refined))
    collapsed = torch.zeros(2, 17, 3, requires_grad=True)
    refine_loss(collapsed, torch.zeros(2, 17, 3)).backward()
    assert torch.isfinite(collapsed.grad).all()


def test_training_teaches_it_to_believe_the_keypoints_at_true_depths() -> None:
    truth, keypoints, depth = filmed(64)
    lifted = truth + torch.tensor([0.1, -0.1, 0.0])
    lifted[:, 0] = 0
    module = Refine(RefineSettings(width=16, dropout=0.0))
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        loss = refine_loss(module(lifted, second_pose(lifted, keypoints, depth, INTRINSICS)), truth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 4


def test_a_sequence_is_refined_frame_by_frame() -> None:
    positions, keypoints, depth = (each.numpy() for each in filmed(7))
    module = Refine(RefineSettings(width=8))
    module.train()
    camera = INTRINSICS.numpy()
    refined = refine_sequence(module, positions, keypoints, depth, camera)
    assert refined.shape == (7, 17, 3) and refined.dtype == np.float32
    assert (refined[:, 0] == 0).all()
    np.testing.assert_array_equal(refined[..., 2], positions[..., 2])
    alone = refine_sequence(module, positions[3:4], keypoints[3:4], depth[3:4], camera)
    np.testing.assert_allclose(alone[0], refined[3], atol=1e-6)
    with pytest.raises(ValueError, match="refine: shapes"):
        refine_sequence(module, positions, keypoints[:6], depth, camera)
    with pytest.raises(ValueError, match="refine: shapes"):
        refine_sequence(module, positions, keypoints, depth[:, None], camera)


def test_settings_refuse_nonsense() -> None:
    with pytest.raises(ValueError, match="width"):
        RefineSettings(width=0)
    with pytest.raises(ValueError, match="dropout"):
        RefineSettings(dropout=1.0)
