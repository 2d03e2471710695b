"""A learned adapter as plain numbers: where a detector's joints pull each of Human3.6M's, from the rules' place.

    place = rule + sum_i share_i (joint_i - rule)

so that all weights sum to one whatever the shares are: the picture moved, scaled, turned or mirrored does the same
to the result. Shares are kept by kind of joint; the right side takes the left side's, mirrored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.joints import H36M_17, VOCABULARIES
from pipeline.adapter import recognise
from pipeline.errors import PipelineError
from pipeline.reading import NO_TOML, read_toml

Doubles = NDArray[np.float64]

RULES, LEARNED = "rules", "learned"
SHIPPED = Path(__file__).with_name("adapters.toml")
# Human3.6M's joints by kind: what is learned of the left one holds for the right one, mirrored.
KINDS = tuple(dict.fromkeys(name.split("_")[-1] for name in H36M_17))


@dataclass(frozen=True)
class Shares:
    """What is learned for one vocabulary.

    Attributes:
        joints: J names of the detector's joints.
        matrix: (17, J) share of each in the places of Human3.6M's joints; the same for both sides, mirrored.
        about: where it comes from.

    Raises:
        ValueError: a matrix of another shape, numbers that are not finite, or sides that are treated differently.
    """

    joints: tuple[str, ...]
    matrix: Doubles
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.matrix.shape != (len(H36M_17), len(self.joints)) or not np.isfinite(self.matrix).all():
            raise ValueError(f"Shares: finite (17, {len(self.joints)}) wanted, got {self.matrix.shape}")
        if not np.array_equal(self.matrix, self.matrix[np.ix_(mirror(H36M_17), mirror(self.joints))]):
            raise ValueError("Shares: left and right are to be treated alike")

    def move(
        self,
        adapted: NDArray[np.float32],
        keypoints: NDArray[np.floating],
        scores: NDArray[np.floating],
        joints: tuple[str, ...],
    ) -> NDArray[np.float32]:
        """Move what the rules give to its learned place.

        A joint stays where the rules put it while one of its sources is unseen and others are not.

        Args:
            adapted: (..., 17, 2) pixels, by `pipeline.adapter.adapt`.
            keypoints: (..., K, 2) pixels, the detector's; scores: (..., K), 0 means unseen.
            joints: K names, in any order, this vocabulary's and perhaps others.

        Returns:
            (..., 17, 2) float32 pixels.
        """
        order = [joints.index(name) for name in self.joints]
        places, rule = keypoints[..., order, :].astype(np.float64), adapted.astype(np.float64)
        pulled = np.einsum("ji,...ix->...jx", self.matrix, places) - self.matrix.sum(axis=1)[:, None] * rule
        seen = scores[..., order] > 0
        missing = ((self.matrix != 0).astype(np.int64) @ (~seen).astype(np.int64)[..., None])[..., 0] > 0
        known = ~(missing & seen.any(axis=-1, keepdims=True))
        return np.asarray(rule + pulled * known[..., None], np.float32)


def mirror(joints: Sequence[str]) -> list[int]:
    """Return for each joint the index of the same one of the other side; of a middle joint its own."""
    swapped = (name.replace("left", "right") if "left" in name else name.replace("right", "left") for name in joints)
    return [joints.index(name) for name in swapped]


def left_of(kind: str) -> int:
    """Return which of Human3.6M's joints stands for a kind: the left one of a pair."""
    return H36M_17.index(f"left_{kind}" if f"left_{kind}" in H36M_17 else kind)


def both_sides(by_kind: Mapping[str, Doubles], joints: tuple[str, ...]) -> Doubles:
    """Return the (17, J) matrix of a kind's shares (J,) of the left joint; kinds that are left out keep the rules."""
    matrix = np.zeros((len(H36M_17), len(joints)))
    here, there = mirror(H36M_17), mirror(joints)
    for kind, shares in by_kind.items():
        row = left_of(kind)
        matrix[row] = shares if here[row] != row else (shares + shares[there]) / 2
        matrix[here[row]] = matrix[row][there]
    return matrix


def find(name: str) -> Path | None:
    """Return the file of a learned adapter; None for the rules.

    Raises:
        PipelineError: neither a name nor a file.
    """
    if name == RULES:
        return None
    path = SHIPPED if name == LEARNED else Path(name)
    if not path.is_file():
        raise PipelineError(
            f"--adapter {name}: no such file; {RULES}, {LEARNED} or what `python -m pipeline.learned` made"
        )
    return path


def find_shares(name: str, joints: tuple[str, ...]) -> Shares | None:
    """Return what an adapter has learned for a detector's joints; None for the rules.

    Raises:
        PipelineError: no such adapter, or one that was learned for other vocabularies.
    """
    path = find(name)
    if path is None:
        return None
    learned, wanted = read_shares(path), recognise(joints)
    if wanted not in learned:
        raise PipelineError(
            f"--adapter {name}: learned for {', '.join(sorted(learned)) or 'nothing'}, the detector gives {wanted}; "
            f"use --adapter {RULES}, or learn one (python -m pipeline.learned)"
        )
    return learned[wanted]


def read_shares(path: Path) -> dict[str, Shares]:
    """Read a file of learned adapters, by vocabulary.

    Raises:
        PipelineError: it cannot be read, or holds something else.
    """
    try:
        return {key: _shares(key, table) for key, table in read_toml(path).items()}
    except (*NO_TOML, TypeError) as error:
        raise PipelineError(f"{path}: no learned adapter ({' '.join(str(error).split())})") from error


def _shares(key: str, table: Any) -> Shares:
    """Return what a table of the file says.

    Raises:
        ValueError, TypeError: a vocabulary, a kind or a joint that is none, or what is no number.
    """
    if key not in VOCABULARIES or not isinstance(table, dict):
        raise ValueError(f"{key}: one of {', '.join(sorted(VOCABULARIES))} wanted, a table each")
    joints, by_kind = VOCABULARIES[key], {}
    for kind, named in table.items():
        if kind == "about":
            continue
        if kind not in KINDS or not isinstance(named, dict) or not set(named) <= set(joints):
            raise ValueError(f"{key}.{kind}: a kind of joint ({', '.join(KINDS)}) with shares of {key}'s joints wanted")
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in named.values()):
            raise TypeError(f"{key}.{kind}: numbers wanted")
        by_kind[kind] = np.array([float(named.get(name, 0)) for name in joints])
    about = table.get("about", {})
    return Shares(joints, both_sides(by_kind, joints), about if isinstance(about, dict) else {})


def written(learned: Mapping[str, Shares]) -> str:
    """Return the TOML text that `read_shares` reads: shares of the left joints and of those in the middle."""
    lines = []
    for key, shares in learned.items():
        lines += [f"[{key}.about]", *(f"{name} = {_toml(value)}" for name, value in shares.about.items()), ""]
        for kind in KINDS:
            row = shares.matrix[left_of(kind)]
            if row.any():
                lines.append(f"[{key}.{kind}]")
                lines += [f"{name} = {share:.4f}" for name, share in zip(shares.joints, row, strict=True) if share]
                lines.append("")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, int | float):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
