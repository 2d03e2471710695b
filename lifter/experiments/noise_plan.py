"""What a noise study measures, from the words of a command: kinds, levels and joints to curves."""

from __future__ import annotations

from collections.abc import Sequence

from lifter import joints
from lifter.datasets.poseset import PoseSet
from lifter.errors import LifterError
from lifter.experiments.disturb import KINDS, check_level
from lifter.experiments.noise_study import Curve, default_levels
from lifter.plain import unknown

JOINT_LEVEL = 0.02  # of the person's height, where every joint is disturbed by itself


def curves(kinds: str | None, levels: str | None, joint: str | None, detections: Sequence[PoseSet]) -> list[Curve]:
    """Return the curves to measure.

    Args:
        kinds: "all" or names with commas; None is all, or offset where each joint is disturbed by itself.
        levels: numbers with commas, in the unit of the one kind named; None takes each kind's own.
        joint: the only joint to disturb, "each" for each by itself at one level, None for all at once.
        detections: key points to mix in, one curve for each; of the sequences that are studied.

    Raises:
        LifterError: an unknown kind or joint, a mixture of nothing, or levels for several kinds.
    """
    each = joint == "each"
    named = _kinds(kinds or ("offset" if each else "all"), bool(detections))
    if levels is not None and len(named) > 1:
        raise LifterError(f"--levels: the units of {', '.join(named)} differ; name one kind with --kinds")
    found = []
    for kind in named:
        asked = default_levels(kind) if levels is None else numbers(levels)
        if each:
            highest = JOINT_LEVEL if kind == "offset" and levels is None else asked[-1]
            asked = (0.0, highest)
        for detected in detections if kind == "mixture" else [None]:
            found += [Curve(kind, asked, detected, one) for one in _joints(joint)]
    return found


def numbers(text: str) -> tuple[float, ...]:
    """Return the numbers of a list with commas, smallest first, each once.

    Raises:
        LifterError: something else.
    """
    try:
        return tuple(sorted({float(word) for word in text.split(",")}))
    except ValueError as error:
        raise LifterError(f"--levels {text!r}: numbers with commas between them wanted") from error


def _joints(joint: str | None) -> list[int | None]:
    if joint is None:
        return [None]
    if joint == "each":
        return list(range(len(joints.NAMES)))
    if joint not in joints.NAMES:
        raise unknown("joint", joint, joints.NAMES)
    return [joints.NAMES.index(joint)]


def _kinds(words: str, mixable: bool) -> list[str]:
    if words == "all":
        return [*KINDS, *(["mixture"] if mixable else [])]
    kinds = list(dict.fromkeys(word.strip() for word in words.split(",")))
    for kind in kinds:
        check_level(kind, 0.0)
    if "mixture" in kinds and not mixable:
        raise LifterError("kind mixture: it mixes key points with a detector's; name one with --detections")
    return kinds
