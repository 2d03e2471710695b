"""Motion loss: the identities of its definition, and gradients against finite differences."""

from __future__ import annotations

import pytest
import torch

from lifter.losses import OPERATORS, LossSettings, motion_loss, position_loss, total_loss

INTERVALS = (8, 12, 16, 24)


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    truth = torch.randn(2, 40, 17, 3, generator=generator, dtype=torch.float64)
    return truth + 0.1 * torch.randn(2, 40, 17, 3, generator=generator, dtype=torch.float64), truth


@pytest.mark.parametrize("operator", OPERATORS)
def test_zero_at_the_truth_and_symmetric(operator: str, pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    predicted, truth = pair
    assert motion_loss(truth, truth, operator, INTERVALS) == 0
    forward = motion_loss(predicted, truth, operator, INTERVALS)
    assert forward > 0
    torch.testing.assert_close(forward, motion_loss(truth, predicted, operator, INTERVALS))
    torch.testing.assert_close(forward, motion_loss(predicted, truth, operator, INTERVALS[::-1]))


def test_equals_the_slow_sum_of_equation_4(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    predicted, truth = pair
    total = 0.0
    for tau in (3, 7):
        for b in range(2):
            for t in range(40 - tau):
                for j in range(17):
                    a = torch.linalg.cross(predicted[b, t, j], predicted[b, t + tau, j])
                    g = torch.linalg.cross(truth[b, t, j], truth[b, t + tau, j])
                    total += float((a - g).abs().sum())
    assert float(motion_loss(predicted, truth, "cross", (3, 7))) == pytest.approx(total / (2 * 40 * 17))


def test_subtraction_is_blind_to_an_offset_and_cross_is_not(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    _, truth = pair
    offset = torch.tensor([0.1, -0.2, 0.3], dtype=torch.float64)
    assert float(motion_loss(truth + offset, truth, "subtraction", INTERVALS)) < 1e-12
    # (s + e) x (s' + e) - s x s' = e x (s' - s)
    expected = sum(
        torch.linalg.cross(offset.expand_as(truth[:, tau:]), truth[:, tau:] - truth[:, :-tau], dim=-1).abs().sum()
        for tau in INTERVALS
    )
    torch.testing.assert_close(motion_loss(truth + offset, truth, "cross", INTERVALS), expected / (2 * 40 * 17))


def test_ratio_of_cross_and_position_does_not_depend_on_the_unit(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    predicted, truth = pair

    def ratio(scale: float) -> float:
        p, g = predicted * scale, truth * scale
        return float(motion_loss(p, g, "cross", INTERVALS) / position_loss(p, g))

    assert ratio(1.0) == pytest.approx(ratio(1000.0))


def test_a_long_interval_adds_nothing(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    assert motion_loss(*pair, "cross", (40, 96)) == 0


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("position", ["squared", "norm"])
def test_gradients(operator: str, position: str) -> None:
    torch.manual_seed(3)
    truth = torch.randn(1, 6, 2, 3, dtype=torch.float64)
    predicted = (truth + 0.3).requires_grad_()

    def loss(p: torch.Tensor) -> torch.Tensor:
        return position_loss(p, truth, position) + motion_loss(p, 0.9 * truth, operator, (2, 3))

    assert torch.autograd.gradcheck(loss, (predicted,))


def test_total_is_the_weighted_sum_and_finite_at_the_truth() -> None:
    truth = torch.randn(2, 30, 17, 3)
    predicted = truth.clone().requires_grad_()
    for position in ("squared", "norm"):
        loss, parts = total_loss(predicted, truth, LossSettings(position, ("cross", "inner", "subtraction")))
        loss.backward()
        assert torch.isfinite(predicted.grad).all()
        assert set(parts) == {"position", "motion_cross", "motion_inner", "motion_subtraction"}
    other = truth + 0.1
    loss, parts = total_loss(other, truth, LossSettings("squared", ("cross", "subtraction"), weight=0.5))
    wanted = parts["position"] + 0.5 * (parts["motion_cross"] + 1e-3 * parts["motion_subtraction"])
    assert float(loss) == pytest.approx(wanted)


def test_settings_refuse_unknown_operators() -> None:
    with pytest.raises(ValueError, match="outer"):
        LossSettings(operators=("outer",))
    with pytest.raises(ValueError, match="position"):
        LossSettings(position="huber")
