"""What is known of a detector's errors, as plain numbers; read from TOML, drawn from by `make`."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from lifter.detector_noise.parts import KINDS, LIMBS
from lifter.errors import LifterError
from lifter.plain import make, refuse_giants, unknown

SHIPPED = Path(__file__).with_name("detectors.toml")


@dataclass(frozen=True)
class JointNoise:
    """Errors of one kind of joint, in person units (about 0.7 m; the mean radius of `screen.to_person`).

    Attributes:
        offset: metres along the joint's own axes (`parts.joint_axes`): the detector means another place of the body.
        bias: sigma of an error that stays for a clip.
        drift: sigma of an error that lives about `drift_s` seconds.
        jitter: sigma of an error of every frame at 50 Hz.
        tail: degrees of freedom of the jitter's Student t; many are a normal distribution.
        spread: sigma of the logarithm of drift and jitter from clip to clip (`DetectorNoise.shared`).
        lost_per_s, lost_s: how often a second the joint is lost, and for how long.
        lost_from, lost_more: a lost joint is off by at least this, and on average by so much more; others by less.
        with_parent: of knee, ankle, elbow, wrist: the chance that it is lost while its parent joint is; `lost_per_s`
            is how often it is lost by itself.
    """

    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    bias: float = 0.0
    drift: float = 0.0
    drift_s: float = 0.2
    jitter: float = 0.0
    tail: float = 100.0
    spread: float = 0.0
    lost_per_s: float = 0.0
    lost_s: float = 0.1
    lost_from: float = 0.3
    lost_more: float = 0.1
    with_parent: float = 0.0

    def __post_init__(self) -> None:
        sizes = (self.bias, self.drift, self.jitter, self.spread, self.lost_per_s, self.lost_from, self.lost_more)
        if min(sizes) < 0 or min(self.drift_s, self.lost_s) <= 0 or self.tail <= 2 or not 0 <= self.with_parent <= 1:
            raise ValueError("sizes and rates from 0, times above 0, a tail above 2 and a chance in 0..1 wanted")


@dataclass(frozen=True)
class SideSwaps:
    """How often a second left and right of the arms, or of the legs, change places, and for how many seconds."""

    per_s: float = 0.0
    seconds: float = 0.1

    def __post_init__(self) -> None:
        if self.per_s < 0 or self.seconds <= 0:
            raise ValueError("a rate from 0 and a time above 0 wanted")


@dataclass(frozen=True)
class DetectorNoise:
    """How a detector errs.

    Attributes:
        joints: kind of joint (`parts.KINDS`, all of them) -> its errors.
        swaps: arms and legs.
        shared: part of the variance of `spread` that is the clip's, the same for all joints.
        correlation: 17 rows of 17: of the joints' slow errors (bias and drift) with one another; empty is none.
        about: where the numbers come from.
    """

    joints: Mapping[str, JointNoise]
    swaps: Mapping[str, SideSwaps] = field(default_factory=dict)
    shared: float = 0.0
    correlation: tuple[tuple[float, ...], ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.joints) != set(KINDS):
            raise ValueError(f"joints: {', '.join(KINDS)} wanted, got {', '.join(self.joints)}")
        if not set(self.swaps) <= set(LIMBS):
            raise ValueError(f"swaps: of {', '.join(LIMBS)}, got {', '.join(self.swaps)}")
        if not 0 <= self.shared <= 1:
            raise ValueError(f"shared: 0 to 1 wanted, got {self.shared}")
        if self.correlation and {len(self.correlation), *map(len, self.correlation)} != {17}:
            raise ValueError("correlation: 17 rows of 17 wanted")


def read_noises(file: Path) -> dict[str, DetectorNoise]:
    """Read what a file knows of detectors, by their names.

    Raises:
        LifterError: it cannot be read, or holds something else.
    """
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        refuse_giants(data)
    except (OSError, ValueError, RecursionError) as error:
        raise LifterError(f"{file}: no detector's noise ({' '.join(str(error).split())})") from error
    return {name: _read(table, f"{file}: {name}") for name, table in data.items()}


def find_noise(name: str) -> list[DetectorNoise]:
    """Return a shipped detector's noise by its name, or all that a TOML file holds.

    Raises:
        LifterError: no such name or file.
    """
    if name.endswith(".toml"):
        return list(read_noises(Path(name)).values())
    shipped = read_noises(SHIPPED)
    if name not in shipped:
        raise unknown("detector noise", name, shipped)
    return [shipped[name]]


def write_noises(noises: Mapping[str, DetectorNoise]) -> str:
    """Return the TOML text that `read_noises` reads."""
    lines: list[str] = []
    for name, noise in noises.items():
        lines += [f"[{name}]", *(f"about.{key} = {_toml(value)}" for key, value in noise.about.items())]
        lines += [
            f"shared = {_toml(noise.shared)}",
            "correlation = [",
            *(f"  {_toml(row)}," for row in noise.correlation),
            "]",
            "",
        ]
        for limb, swaps in noise.swaps.items():
            lines += [f"[{name}.swaps.{limb}]", *_table(swaps), ""]
        for kind in KINDS:
            lines += [f"[{name}.joints.{kind}]", *_table(noise.joints[kind]), ""]
    return "\n".join(lines)


def _table(values: JointNoise | SideSwaps) -> list[str]:
    return [f"{item.name} = {_toml(getattr(values, item.name))}" for item in fields(values)]


def _toml(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0") + ("0" if f"{value:.4f}".rstrip("0").endswith(".") else "")
    if isinstance(value, int):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _read(table: Any, where: str) -> DetectorNoise:
    if not isinstance(table, Mapping):
        raise LifterError(f"{where}: a table wanted")
    rest = dict(table)
    joints = {k: make(JointNoise, v, f"{where}.joints.{k}") for k, v in _tables(rest.pop("joints", {}), where)}
    swaps = {k: make(SideSwaps, v, f"{where}.swaps.{k}") for k, v in _tables(rest.pop("swaps", {}), where)}
    shared, correlation, about = rest.pop("shared", 0.0), rest.pop("correlation", []), rest.pop("about", {})
    if rest:
        raise unknown(where, next(iter(rest)), ("joints", "swaps", "shared", "correlation", "about"))
    try:
        rows = tuple(tuple(float(value) for value in row) for row in correlation)
        if not all(math.isfinite(value) for row in rows for value in row):
            raise ValueError("correlation: numbers that are not finite")
        return DetectorNoise(joints, swaps, float(shared), rows, about)
    except (TypeError, ValueError) as error:
        raise LifterError(f"{where}: {error}") from error


def _tables(value: Any, where: str) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise LifterError(f"{where}: tables wanted, got {value!r}")
    return list(value.items())
