"""Motion loss: the identities of its definition, gradients against finite differences, and the laws of masks."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lifter import losses
from lifter.errors import LifterError
from lifter.losses import OPERATORS, LossSettings, motion_loss, position_loss, preset, smoothness_loss


def total_loss(*given: Any, **more: Any) -> tuple[torch.Tensor, dict[str, float]]:
    """The loss, and its parts as numbers."""
    loss, parts = losses.total_loss(*given, **more)
    assert not any(part.requires_grad for part in parts.values())
    return loss, {name: float(part) for name, part in parts.items()}


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
@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize("masked", [False, True])
def test_gradients(operator: str, position: str, norm: str, masked: bool) -> None:
    torch.manual_seed(3)
    truth = torch.randn(1, 6, 2, 3, dtype=torch.float64)
    predicted = (truth + 0.3).requires_grad_()
    mask = torch.rand(1, 6, 2) > 0.3 if masked else None

    def loss(p: torch.Tensor) -> torch.Tensor:
        motion = motion_loss(p, 0.9 * truth, operator, (2, 3), norm, mask)
        return position_loss(p, truth, position, mask) + motion

    assert torch.autograd.gradcheck(loss, (predicted,))


def test_l2_is_the_length_of_the_difference(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    predicted, truth = pair
    difference = (predicted[:, 5:] - predicted[:, :-5]) - (truth[:, 5:] - truth[:, :-5])
    wanted = difference.square().sum(-1).sqrt().sum() / (2 * 40 * 17)
    torch.testing.assert_close(motion_loss(predicted, truth, "subtraction", (5,), "l2"), wanted)
    torch.testing.assert_close(
        motion_loss(predicted, truth, "inner", (5,), "l2"), motion_loss(predicted, truth, "inner", (5,), "l1")
    )


@pytest.mark.parametrize("operator", ["inner", "cross"])
def test_products_cannot_tell_a_joint_from_its_mirror_image_through_the_root(
    operator: str, pair: tuple[torch.Tensor, torch.Tensor]
) -> None:
    _, truth = pair
    assert motion_loss(-truth, truth, operator, INTERVALS) == 0
    assert motion_loss(-truth, truth, "subtraction", INTERVALS) > 0


def test_smoothness_is_hossains_weighted_velocity(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    predicted, _ = pair
    total = 0.0
    for joint in range(17):
        weight = 2.5 if joint in (2, 5, 12, 15) else 1.0 if joint in (3, 6, 13, 16) else 4.0
        for t in range(39):
            total += weight * float((predicted[:, t + 1, joint] - predicted[:, t, joint]).square().sum())
    assert float(smoothness_loss(predicted)) == pytest.approx(total / (2 * 40 * 17))
    assert smoothness_loss(predicted[:, :1].expand(-1, 9, -1, -1)) == 0


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


def test_presets_are_equations_4_to_6_and_plain_distances() -> None:
    assert preset("paper") == LossSettings()
    assert preset("robust") == LossSettings(position="norm")
    changed = preset("robust", {"intervals": [12], "weight": 1, "operator_weights": {"subtraction": 1}})
    assert changed == LossSettings("norm", intervals=(12,), operator_weights={"subtraction": 1.0})
    torch.manual_seed(0)
    predicted, truth = torch.randn(2, 30, 17, 3), torch.randn(2, 30, 17, 3)
    loss, _ = total_loss(predicted, truth, preset("paper"))
    wanted = (predicted - truth).square().sum()  # Eq. 5
    for tau in (8, 12, 16, 24):  # Eq. 4
        a, b = predicted[:, tau:], truth[:, tau:]
        wanted += (
            torch.linalg.cross(predicted[:, :-tau], a, dim=-1) - torch.linalg.cross(truth[:, :-tau], b, dim=-1)
        ).abs().sum()  # fmt: skip
    assert float(loss) == pytest.approx(float(wanted) / (2 * 30 * 17), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("papper", {}, "^loss preset: 'papper' is unknown; did you mean 'paper'"),
        ("paper", {"operator": ["cross"]}, "did you mean 'operators'"),
        ("paper", {"operators": ["outer"]}, "known are"),
        ("paper", {"operator_weights": {"crosss": 1.0}}, "crosss"),
        ("paper", {"intervals": [0]}, "frames >= 1"),
        ("paper", {"intervals": [1.5]}, "int wanted"),
        ("paper", {"norm": "l3"}, "l1 or l2"),
        ("paper", {"derivative": "yes"}, "none or subtraction or smooth"),
        ("paper", {"norm": 1}, "^loss.norm: "),
        ("paper", {"weight": -1.0}, "^loss: LossSettings: weights and warmup_steps from 0 wanted$"),
        ("paper", {"warmup_steps": -1}, "from 0"),
        ("paper", {"derivative_weight": -1.0}, "from 0"),
        ("paper", {"operator_weights": {"cross": 1.0, "inner": -1.0}}, "from 0"),
    ],
)
def test_wrong_presets_are_told_in_one_line(name: str, values: dict, message: str) -> None:
    with pytest.raises(LifterError, match=message) as caught:
        preset(name, values)
    assert "\n" not in str(caught.value)


def part(settings: LossSettings, predicted: torch.Tensor, truth: torch.Tensor, **more: int) -> float:
    """What a setting adds to the position loss."""
    loss, parts = total_loss(predicted, truth, settings, **more)
    return float(loss) - parts["position"]


def test_weights_of_operators_derivative_and_warm_up() -> None:
    torch.manual_seed(1)
    predicted, truth = torch.randn(2, 30, 17, 3), torch.randn(2, 30, 17, 3)

    def added(**changes: object) -> float:
        return part(LossSettings(**changes), predicted, truth)  # type: ignore[arg-type]

    subtraction = float(motion_loss(predicted, truth, "subtraction", (1,)))
    assert added(operators=()) == 0
    one = {"operators": ("subtraction",), "intervals": (1,)}
    assert added(**one) == pytest.approx(1e-3 * subtraction, rel=1e-2)
    assert added(**one, operator_weights={"subtraction": 1.0}, weight=2.0) == pytest.approx(2 * subtraction, rel=1e-4)
    # The derivative loss as the paper extends it is that operator at that interval.
    derivative = {"operators": (), "derivative": "subtraction", "derivative_weight": 1000.0}
    assert added(**derivative) == pytest.approx(subtraction, rel=1e-4)
    smooth = {"operators": (), "derivative": "smooth", "weight": 0.5}
    assert added(**smooth) == pytest.approx(0.5 * float(smoothness_loss(predicted)), rel=1e-4)
    warm = LossSettings(warmup_steps=10)
    whole = part(warm, predicted, truth)
    assert part(warm, predicted, truth, step=0) == 0
    assert part(warm, predicted, truth, step=5) == pytest.approx(whole / 2, rel=1e-4)
    assert part(warm, predicted, truth, step=10) == part(warm, predicted, truth, step=99) == whole


MASKED = [
    LossSettings(position, ("cross", "inner", "subtraction"), (2, 5), norm=norm, derivative=derivative)
    for position, norm, derivative in (("squared", "l1", "subtraction"), ("norm", "l2", "smooth"))
]


@pytest.mark.parametrize("settings", MASKED, ids=["squared", "norm"])
def test_a_full_mask_is_no_mask(settings: LossSettings) -> None:
    torch.manual_seed(2)
    predicted, truth = torch.randn(3, 20, 17, 3), torch.randn(3, 20, 17, 3)
    loss, parts = total_loss(predicted, truth, settings)
    for shape in ((3, 20), (3, 20, 17)):
        again, same = total_loss(predicted, truth, settings, torch.ones(shape, dtype=torch.bool))
        torch.testing.assert_close(again, loss)
        assert same == pytest.approx(parts)


@pytest.mark.parametrize("settings", MASKED, ids=["squared", "norm"])
def test_masked_ends_of_a_clip_are_a_shorter_clip(settings: LossSettings) -> None:
    torch.manual_seed(2)
    predicted, truth = torch.randn(3, 20, 17, 3), torch.randn(3, 20, 17, 3)
    mask = torch.zeros(3, 20, dtype=torch.bool)
    mask[1:, 3:17] = True
    loss, parts = total_loss(predicted, truth, settings, mask)
    short, wanted = total_loss(predicted[1:, 3:17], truth[1:, 3:17], settings)
    torch.testing.assert_close(loss, short)
    assert parts == pytest.approx(wanted)


def test_holes_break_the_pairs_that_touch_them() -> None:
    """Against the plain sum over pairs whose ends both count."""
    torch.manual_seed(4)
    predicted, truth = torch.randn(2, 12, 17, 3), torch.randn(2, 12, 17, 3)
    mask = torch.rand(2, 12, 17) > 0.4
    wanted = 0.0
    for tau in (2, 5):
        for b, t, j in torch.cartesian_prod(torch.arange(2), torch.arange(12 - tau), torch.arange(17)).tolist():
            if mask[b, t, j] and mask[b, t + tau, j]:
                moved = predicted[b, t + tau, j] - predicted[b, t, j] - truth[b, t + tau, j] + truth[b, t, j]
                wanted += float(moved.abs().sum())
    _, parts = total_loss(predicted, truth, LossSettings("squared", ("subtraction",), (2, 5)), mask)
    assert parts["motion_subtraction"] == pytest.approx(wanted / int(mask.sum()), rel=1e-5)
    distances = (predicted - truth).square().sum(-1)[mask]
    assert parts["position"] == pytest.approx(float(distances.mean()), rel=1e-5)


@pytest.mark.parametrize("settings", MASKED, ids=["squared", "norm"])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_what_is_masked_changes_nothing(settings: LossSettings, share: float) -> None:
    torch.manual_seed(5)
    predicted, truth = torch.randn(2, 12, 17, 3), torch.randn(2, 12, 17, 3)
    mask = torch.rand(2, 12, 17) < share

    def outcome(p: torch.Tensor, g: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        p = p.clone().requires_grad_()
        loss, _ = total_loss(p, g, settings, mask)
        loss.backward()
        return loss.detach(), p.grad

    loss, gradient = outcome(predicted, truth)
    assert torch.isfinite(gradient).all()
    assert (gradient[~mask] == 0).all()
    assert share > 0 or loss == 0
    hidden = ~mask[..., None]
    for filler in (7.0, float("inf"), float("nan")):
        again, same = outcome(predicted.masked_fill(hidden, 7.0), truth.masked_fill(hidden, filler))
        assert torch.equal(again, loss) and torch.equal(same, gradient)
    broken, same = outcome(predicted.masked_fill(hidden, float("nan")), truth)
    assert torch.equal(broken, loss) and torch.equal(same, gradient)


@pytest.mark.parametrize("settings", MASKED, ids=["squared", "norm"])
def test_gradients_are_finite_at_the_truth(settings: LossSettings) -> None:
    predicted = torch.zeros(1, 12, 17, 3, requires_grad=True)  # equal, and at rest
    loss, _ = total_loss(predicted, torch.zeros(1, 12, 17, 3), settings)
    loss.backward()
    assert torch.isfinite(predicted.grad).all()


def test_wrong_shapes_are_refused() -> None:
    clip = torch.zeros(2, 12, 17, 3)
    with pytest.raises(ValueError, match="two equal shapes"):
        total_loss(clip, clip[:, :11], LossSettings())
    for mask in (torch.ones(2, 11, dtype=torch.bool), torch.ones(2, 12), torch.ones(2, 12, 1, dtype=torch.bool)):
        with pytest.raises(ValueError, match="bool mask"):
            total_loss(clip, clip, LossSettings(), mask)


def test_settings_refuse_unknown_operators() -> None:
    with pytest.raises(ValueError, match="outer"):
        LossSettings(operators=("outer",))
    with pytest.raises(ValueError, match="position"):
        LossSettings(position="huber")
