"""Position loss and motion loss (paper, Eq. 1-6), exact and per preset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

# Pairwise motion encodings of Eq. 1-3: positions at t and at t + tau, (..., 3) each.
OPERATORS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "subtraction": lambda now, later: later - now,
    "inner": lambda now, later: (now * later).sum(dim=-1, keepdim=True),
    "cross": lambda now, later: torch.linalg.cross(now, later, dim=-1),
}
# Products are lengths squared like the position loss; a difference is a length, and the paper's weight of 1
# holds in millimetres: 1e-3 in metres.
OPERATOR_WEIGHTS = {"subtraction": 1e-3, "inner": 1.0, "cross": 1.0}


@dataclass(frozen=True)
class LossSettings:
    """What is minimised: L = L_p + weight * L_m.

    Attributes:
        position: "squared" (Eq. 5) or "norm" (plain Euclidean distance; the `robust` preset).
        operators: motion encodings, summed; empty trains without motion loss.
        intervals: frames between the two ends of a pair, at 50 Hz.
        weight: lambda of Eq. 6.
    """

    position: str = "squared"
    operators: tuple[str, ...] = ("cross",)
    intervals: tuple[int, ...] = (8, 12, 16, 24)
    weight: float = 1.0

    def __post_init__(self) -> None:
        unknown = set(self.operators) - set(OPERATORS)
        if unknown:
            raise ValueError(f"LossSettings.operators: unknown {sorted(unknown)}, known are {sorted(OPERATORS)}")
        if self.position not in ("squared", "norm"):
            raise ValueError(f"LossSettings.position: squared or norm wanted, got {self.position!r}")
        if any(interval < 1 for interval in self.intervals):
            raise ValueError(f"LossSettings.intervals: frames >= 1 wanted, got {self.intervals}")


def position_loss(predicted: Tensor, truth: Tensor, kind: str = "squared") -> Tensor:
    """Mean over clips, frames and joints of the squared (Eq. 5) or plain Euclidean distance of (B, T, J, 3) metres."""
    squared = (predicted - truth).square().sum(dim=-1)
    if kind == "squared":
        return squared.mean()
    return (squared + 1e-12).sqrt().mean()  # the root of zero has no gradient


def motion_loss(predicted: Tensor, truth: Tensor, operator: str, intervals: tuple[int, ...]) -> Tensor:
    """l1 distance of the motion encodings of (B, T, J, 3), summed over the intervals (Eq. 4).

    Divided by B*T*J like the position loss, so that the ratio of both is the paper's. An interval as long as
    the clip or longer adds nothing.
    """
    encode = OPERATORS[operator]
    batch, frames, joints, _ = predicted.shape
    total = predicted.new_zeros(())
    for tau in intervals:
        if tau < frames:
            encoded = encode(predicted[:, :-tau], predicted[:, tau:])
            total = total + (encoded - encode(truth[:, :-tau], truth[:, tau:])).abs().sum()
    return total / (batch * frames * joints)


def total_loss(predicted: Tensor, truth: Tensor, settings: LossSettings) -> tuple[Tensor, dict[str, float]]:
    """Return L of Eq. 6 and its named parts; computed in float32, as cross products of near parallels cancel."""
    predicted, truth = predicted.float(), truth.float()
    position = position_loss(predicted, truth, settings.position)
    parts = {"position": float(position.detach())}
    loss = position
    for operator in settings.operators:
        motion = motion_loss(predicted, truth, operator, settings.intervals)
        parts[f"motion_{operator}"] = float(motion.detach())
        loss = loss + settings.weight * OPERATOR_WEIGHTS[operator] * motion
    return loss, parts
