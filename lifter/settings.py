"""The settings of a training, read from a TOML file of `configs/`; what is not named keeps its default."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from lifter.datasets.filming import CameraRange
from lifter.datasets.noise import NoiseSettings
from lifter.errors import LifterError
from lifter.losses import LossSettings
from lifter.ugcn import UGCNSettings
from lifter.weights import Recipe

T = TypeVar("T")


@dataclass(frozen=True)
class TrainSettings:
    """Everything that decides what a training makes.

    Attributes:
        steps: optimiser steps.
        batch: windows a step.
        lr: highest learning rate; rises over `warmup` steps, then falls as a cosine to 0.
        warmup: steps of the rise.
        weight_decay: L2, on convolution weights and biases only.
        ema: decay of the moving average of the weights, which is what is kept.
        autocast: bfloat16 for the network; losses stay in float32.
        seed: of everything random.
        check_every: steps between two looks at the validation set (and two checkpoints).
        shares: weight of each data set in the draw, by the start of its name.
        model, loss, cameras, noise, recipe: see their classes.
    """

    steps: int = 6000
    batch: int = 32
    lr: float = 1e-2
    warmup: int = 200
    weight_decay: float = 1e-5
    ema: float = 0.998
    autocast: bool = True
    seed: int = 0
    check_every: int = 500
    shares: Mapping[str, float] = field(default_factory=dict)
    model: UGCNSettings = field(default_factory=UGCNSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    cameras: CameraRange = field(default_factory=CameraRange)
    noise: NoiseSettings = field(default_factory=NoiseSettings)
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "check_every"):
            if not 1 <= getattr(self, name) <= 10_000_000:
                raise ValueError(f"{name}: at least 1 wanted, got {getattr(self, name)}")
        if not (0 < self.lr <= 1 and self.warmup >= 0 and self.weight_decay >= 0 and 0 <= self.ema < 1):
            raise ValueError("lr in 0..1, warmup and weight_decay from 0, ema in 0..1 wanted")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"seed: 0 to 2^31 wanted, got {self.seed}")
        if any(share < 0 for share in self.shares.values()):
            raise ValueError(f"shares: none below 0 wanted, got {dict(self.shares)}")


def read_settings(path: Path) -> TrainSettings:
    """Read a training's settings.

    Raises:
        LifterError: not TOML, an unknown field, or a value out of range; the message names the field.
    """
    try:
        return build(TrainSettings, tomllib.loads(path.read_text(encoding="utf-8")), "")
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise LifterError(f"{path}: {error}") from error


def build(kind: type[T], values: Mapping[str, Any], where: str) -> T:
    """Make a settings dataclass from nested plain values.

    Raises:
        ValueError: an unknown field.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{where.rstrip('.')}: a table wanted, got {values!r}")
    hints = get_type_hints(kind)
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]  # T is always a dataclass here
    arguments: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"unknown setting {where}{name}; known are {', '.join(sorted(known))}")
        hint = hints[name]
        if is_dataclass(hint) and isinstance(hint, type):
            arguments[name] = build(hint, value, f"{where}{name}.")
        else:
            arguments[name] = _typed(f"{where}{name}", value, hint)
    return kind(**arguments)


def _typed(name: str, value: Any, hint: Any) -> Any:
    """Return a plain value as the field's type, lists as tuples.

    Raises:
        ValueError: of another type, or a number that is not finite.
    """
    kind = get_origin(hint) or hint
    if kind is tuple and isinstance(value, list):
        wanted = get_args(hint)
        if wanted[-1] is not Ellipsis and len(value) != len(wanted):
            raise ValueError(f"{name}: {len(wanted)} values wanted, got {value!r}")
        return tuple(_typed(name, item, wanted[0]) for item in value)
    if kind is Mapping and isinstance(value, Mapping):
        return {str(key): _typed(f"{name}.{key}", item, float) for key, item in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise ValueError(f"{name}: {getattr(kind, '__name__', kind)} wanted, got {value!r}")
    return value
