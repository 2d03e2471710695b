"""Position loss, motion loss and derivative loss (paper, Eq. 1-6 and Table 5), exact, per preset, with masks.

Everything is divided by the number of position entries (B * T * J, or the valid ones of them), so that the ratio of
the parts is the paper's whatever the clip; the paper's sums differ from it by one common constant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lifter.plain import make, unknown

# Pairwise motion encodings of Eq. 1-3: positions at t and at t + tau, (..., 3) each.
OPERATORS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "subtraction": lambda now, later: later - now,
    "inner": lambda now, later: (now * later).sum(dim=-1, keepdim=True),
    "cross": lambda now, later: torch.linalg.cross(now, later, dim=-1),
}
# Products are lengths squared like the position loss; a difference is a length, and the paper's weight of 1
# holds in millimetres: 1e-3 in metres.
OPERATOR_WEIGHTS = {"subtraction": 1e-3, "inner": 1.0, "cross": 1.0}
PRESETS: dict[str, dict[str, Any]] = {"paper": {}, "robust": {"position": "norm"}}
# Weights of the velocity penalty by joint: knees and elbows, ankles and wrists, all others (Cai et al.'s code).
MIDDLE, ENDS = (2, 5, 12, 15), (3, 6, 13, 16)
OTHERS_WEIGHT, MIDDLE_WEIGHT, ENDS_WEIGHT = 4.0, 2.5, 1.0


@dataclass(frozen=True)
class LossSettings:
    """What is minimised: L = L_p + weight * L_m; the defaults are the paper's.

    Attributes:
        position: "squared" (Eq. 5) or "norm" (plain Euclidean distance; the `robust` preset).
        operators: motion encodings, summed; empty trains without motion loss.
        intervals: frames between the two ends of a pair, at 50 Hz.
        weight: lambda of Eq. 6.
        norm: of the difference of two encodings, "l1" (the paper's) or "l2".
        operator_weights: instead of those of `OPERATOR_WEIGHTS`; {"subtraction": 1.0} is lambda 1 in metres.
        derivative: "none"; "subtraction", the derivative loss as the paper extends it (Table 5), a subtraction at
            interval 1; or "smooth", Hossain and Little's own, which asks for slow joints and knows no truth.
        derivative_weight: its factor beside lambda.
        warmup_steps: lambda (and with it the derivative loss) rises from 0 over these steps. A product is the same
            for a joint and its mirror image through the root; the position loss has to settle the side first.
    """

    position: str = "squared"
    operators: tuple[str, ...] = ("cross",)
    intervals: tuple[int, ...] = (8, 12, 16, 24)
    weight: float = 1.0
    norm: str = "l1"
    operator_weights: Mapping[str, float] = field(default_factory=dict)
    derivative: str = "none"
    derivative_weight: float = 1.0
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        for name in ("operators", "operator_weights"):
            if strange := set(getattr(self, name)) - set(OPERATORS):
                raise ValueError(f"LossSettings.{name}: unknown {sorted(strange)}, known are {sorted(OPERATORS)}")
        choices = {
            "position": ("squared", "norm"),
            "norm": ("l1", "l2"),
            "derivative": ("none", "subtraction", "smooth"),
        }
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(f"LossSettings.{name}: {' or '.join(known)} wanted, got {getattr(self, name)!r}")
        if any(interval < 1 for interval in self.intervals):
            raise ValueError(f"LossSettings.intervals: frames >= 1 wanted, got {self.intervals}")
        if min(self.weight, self.derivative_weight, self.warmup_steps, *self.operator_weights.values()) < 0:
            raise ValueError("LossSettings: weights and warmup_steps from 0 wanted")

    def operator_weight(self, operator: str) -> float:
        """The factor of an operator beside lambda."""
        return self.operator_weights.get(operator, OPERATOR_WEIGHTS[operator])

    def progress(self, step: int | None) -> float:
        """The part of lambda that holds at a step; all of it where the step is not known."""
        return 1.0 if step is None or step >= self.warmup_steps else step / self.warmup_steps


def preset(name: str, values: Mapping[str, Any] | None = None) -> LossSettings:
    """Return the settings of a preset, changed by plain values.

    Args:
        name: "paper" (Eq. 4-6) or "robust" (plain distances: the ratio of motion and position does not grow as
            errors shrink; not the paper's).
        values: fields of `LossSettings`.

    Raises:
        LifterError: an unknown preset or field, or a value of a wrong type or out of range.
    """
    if name not in PRESETS:
        raise unknown("loss preset", name, PRESETS)
    return make(LossSettings, {**PRESETS[name], **(values or {})}, "loss")


def position_loss(predicted: Tensor, truth: Tensor, kind: str = "squared", mask: Tensor | None = None) -> Tensor:
    """Mean over clips, frames and joints of the squared (Eq. 5) or plain Euclidean distance of (B, T, J, 3) metres.

    Args:
        predicted, truth: (B, T, J, 3).
        kind: "squared" or "norm".
        mask: (B, T, J) bool, the entries that count; elsewhere neither may hold a number that is not finite.
    """
    squared = (predicted - truth).square().sum(dim=-1)
    distances = squared if kind == "squared" else (squared + 1e-12).sqrt()  # the root of zero has no gradient
    return _sum(distances, mask) / _entries(predicted, mask)


def motion_loss(
    predicted: Tensor,
    truth: Tensor,
    operator: str,
    intervals: tuple[int, ...],
    norm: str = "l1",
    mask: Tensor | None = None,
) -> Tensor:
    """Distance of the motion encodings of (B, T, J, 3), summed over the intervals (Eq. 4).

    Divided by B*T*J like the position loss, so that the ratio of both is the paper's. An interval as long as
    the clip or longer adds nothing; of masked entries (see `position_loss`) a pair counts if both its ends do.
    """
    encode = OPERATORS[operator]
    total = predicted.new_zeros(())
    for tau in intervals:
        if tau < predicted.shape[1]:
            encoded = encode(predicted[:, :-tau], predicted[:, tau:])
            difference = encoded - encode(truth[:, :-tau], truth[:, tau:])
            # The gradient of this norm at zero is zero; that of a square root would not be finite.
            distance = difference.abs().sum(dim=-1) if norm == "l1" else torch.linalg.vector_norm(difference, dim=-1)
            total = total + _sum(distance, _pairs(mask, tau))
    return total / _entries(predicted, mask)


def smoothness_loss(predicted: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean square of the joints' steps from frame to frame, by joint weights (Hossain and Little, ECCV 2018).

    It compares with no truth: it is least for a body that does not move. Arguments as for `position_loss`.
    """
    weights = predicted.new_full((predicted.shape[2],), OTHERS_WEIGHT)
    weights[list(MIDDLE)], weights[list(ENDS)] = MIDDLE_WEIGHT, ENDS_WEIGHT
    steps = (predicted[:, 1:] - predicted[:, :-1]).square().sum(dim=-1) * weights
    return _sum(steps, _pairs(mask, 1)) / _entries(predicted, mask)


def total_loss(
    predicted: Tensor, truth: Tensor, settings: LossSettings, mask: Tensor | None = None, step: int | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return L of Eq. 6 and its named parts, unweighted; in float32, as cross products of near parallels cancel.

    The parts are detached, on the device: reading them as numbers waits for it.

    Args:
        predicted, truth: (B, T, J, 3) metres, measured from the root.
        settings: which losses.
        mask: (B, T) or (B, T, J) bool, the entries that count; the others may hold anything, NaN too. A full mask
            is no mask; an empty one gives 0.
        step: of the training, for the warm-up.

    Raises:
        ValueError: shapes that do not belong together.
    """
    predicted, truth, mask = _checked(predicted, truth, mask)
    position = position_loss(predicted, truth, settings.position, mask)
    weight = settings.weight * settings.progress(step)
    terms = [("position", 1.0, position)]
    for operator in settings.operators:
        motion = motion_loss(predicted, truth, operator, settings.intervals, settings.norm, mask)
        terms.append((f"motion_{operator}", weight * settings.operator_weight(operator), motion))
    if settings.derivative == "subtraction":
        motion = motion_loss(predicted, truth, "subtraction", (1,), settings.norm, mask)
        factor = weight * settings.derivative_weight * settings.operator_weight("subtraction")
        terms.append(("derivative", factor, motion))
    elif settings.derivative == "smooth":
        terms.append(("derivative", weight * settings.derivative_weight, smoothness_loss(predicted, mask)))
    loss = sum((factor * term for _, factor, term in terms[1:]), position)
    return loss, {name: term.detach() for name, _, term in terms}


def _checked(predicted: Tensor, truth: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return all in float32, the mask as (B, T, J), and zeros in both where it masks: what is there must not leak."""
    if predicted.shape != truth.shape or predicted.ndim != 4 or predicted.shape[-1] != 3:
        raise ValueError(f"losses: two equal shapes (B, T, J, 3) wanted, got {predicted.shape} and {truth.shape}")
    predicted, truth = predicted.float(), truth.float()
    if mask is None:
        return predicted, truth, None
    shape = predicted.shape[:-1]
    if mask.dtype != torch.bool or mask.shape not in (shape, shape[:2]):
        raise ValueError(f"losses: a bool mask {tuple(shape)} or {tuple(shape[:2])} wanted, got {tuple(mask.shape)}")
    mask = mask if mask.ndim == 3 else mask[..., None].expand(shape)
    zero = predicted.new_zeros(())
    return torch.where(mask[..., None], predicted, zero), torch.where(mask[..., None], truth, zero), mask


def _pairs(mask: Tensor | None, tau: int) -> Tensor | None:
    """Which pairs of frames `tau` apart count."""
    return None if mask is None else mask[:, :-tau] & mask[:, tau:]


def _sum(values: Tensor, mask: Tensor | None) -> Tensor:
    return (values if mask is None else values * mask).sum()


def _entries(predicted: Tensor, mask: Tensor | None) -> int | Tensor:
    """How many positions count; 1 where none does, as a sum over nothing shall be 0."""
    return predicted[..., 0].numel() if mask is None else mask.sum().clamp(min=1)
