"""Losses and gradients stay finite: with missing joints, with nothing at all, and in half precision."""

from __future__ import annotations

import pytest
import torch

from lifter.losses import PRESETS, LossSettings, preset, total_loss
from lifter.networks import build

CLIP = (2, 24, 17)


def losses() -> list[LossSettings]:
    return [preset(name) for name in PRESETS]


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0], ids=["all there", "some missing", "nothing there"])
@pytest.mark.parametrize("predicted", ["zero", "equal", "random", "large"])
def test_gradients_are_finite_with_missing_joints(share: float, predicted: str) -> None:
    torch.manual_seed(0)
    truth = torch.randn(*CLIP, 3)
    made = {"zero": truth * 0, "equal": truth.clone(), "random": torch.randn(*CLIP, 3), "large": truth * 1e6}[predicted]
    missing = torch.rand(CLIP) < share
    truth[missing] = float("nan")
    for settings in losses():
        given = made.clone().requires_grad_()
        loss, parts = total_loss(given, truth, settings, ~missing)
        loss.backward()
        assert torch.isfinite(loss) and all(torch.isfinite(part) for part in parts.values())
        assert torch.isfinite(given.grad).all() and (given.grad[missing] == 0).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("type", ["ugcn", "tcn", "fully_connected"])
def test_half_precision_is_finite_and_near(type: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    small = {"ugcn": {"widths": [4] * 5}, "tcn": {"filters": [3], "channels": 8}, "fully_connected": {"width": 8}}
    network = build(type, {**small[type], "dropout": 0.0})
    keypoints = torch.randn(2, 24 + 2 * network.context, 17, 2)
    keypoints[0] = 0  # all joints in one point
    exact = network(keypoints)
    with torch.autocast("cpu", dtype):
        halved = network(keypoints)
        loss, _ = total_loss(halved, torch.randn_like(exact), LossSettings())
    loss.backward()
    assert halved.dtype == torch.float32 and torch.isfinite(halved).all() and torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)
    assert (halved - exact).abs().max() < 0.05 * exact.abs().max().clamp(min=1e-3)
