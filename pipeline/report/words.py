"""Low trust in words: `low trust 12.3-14.1 s: left arm hidden`. Cheap, since every `run` ends with it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from pathlib import Path

from pipeline.poses import Pose3D
from pipeline.view.trust import WHYS, Span, low_trust

_TOLD = 2  # spans that the line at the end of a run names
_WORTH_S = 0.3  # seconds of low trust below which that line is not written


def in_words(pose: Pose3D) -> list[tuple[Span, str]]:
    """Return every span of low trust with its words, by time; parts hidden in the very same frames are one."""
    told: dict[tuple[int, int, int, str], list[Span]] = {}
    for span in low_trust(pose):
        told.setdefault((span.person, span.first, span.last, span.why), []).append(span)
    return [(spans[0], _say(spans, pose)) for spans in told.values()]


def warning(pose: Pose3D, run: Path | None = None) -> str | None:
    """Return the line at the end of a run: its longest spans of low trust; None where there is nothing to say.

    Args:
        pose: the people.
        run: the folder whose report tells more; None where there is none.
    """
    told = in_words(pose)
    told = [(span, words) for span, words in told if seconds_of(span, pose) >= _WORTH_S]
    if not told:
        return None
    longest = sorted(told, key=lambda one: -seconds_of(one[0], pose))[:_TOLD]
    words = "; ".join(words.removeprefix("low trust ") for _, words in sorted(longest, key=lambda one: one[0].first))
    more = f"; {len(told) - len(longest)} more" if len(told) > len(longest) else ""
    where = "" if run is None else f" (python -m pipeline report {shlex.quote(str(run))})"
    return f"low trust {words}{more}{where}"


def seconds_of(span: Span, pose: Pose3D) -> float:
    """Return how long a span lasts."""
    first, end = _ends(span, pose)
    return end - first


def _say(spans: Sequence[Span], pose: Pose3D) -> str:
    first, end = _ends(spans[0], pose)
    parts = [span.part for span in spans]
    named = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    who = f"person {pose.people[spans[0].person]}, " if len(pose.people) > 1 else ""
    what = spans[0].why if spans[0].why == WHYS[2] else f"{named} {spans[0].why}"
    return f"low trust {_tenths(first)}-{_tenths(end)} s: {who}{what}"


def _tenths(seconds: float) -> str:
    """Return seconds in words, halves upwards: as the viewer's page, so that both tell the same."""
    return f"{math.floor(10 * seconds + 0.5) / 10:.1f}"


def _ends(span: Span, pose: Pose3D) -> tuple[float, float]:
    """Return seconds at which a span begins and ends; a frame lasts until the next one."""
    times = pose.timestamps
    if span.last + 1 < len(times):
        return float(times[span.first]), float(times[span.last + 1])
    step = float(times[-1] - times[-2]) if len(times) > 1 else 0.0
    return float(times[span.first]), float(times[-1]) + step
