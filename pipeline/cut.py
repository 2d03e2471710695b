"""The part of a film that a run is of: from a time to a time, every N-th frame; and times as people write them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import PipelineError

_CLOCK = re.compile(r"(?:(?:(\d{1,3}):(?=[0-5]?\d:))?(\d{1,4}):)?(\d{1,7}(?:\.\d*)?|\.\d+)")
_LEAST_S = 1e-6  # times are compared to the microsecond: decimal numbers are not exact


@dataclass(frozen=True)
class Cut:
    """Frames of a film; times in seconds since its first frame.

    Attributes:
        start_s: frames before it are left out.
        end_s: frames from it on are left out; infinite keeps all.
        every: every so many frames of the rest are kept, the first one among them.

    Raises:
        ValueError: a time below 0, an end that is not behind the start, or less than every frame.
    """

    start_s: float = 0.0
    end_s: float = math.inf
    every: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < math.inf:
            raise ValueError(f"start: a time from 0 wanted, got {self.start_s:g} s")
        if not self.end_s > self.start_s:
            raise ValueError(f"end: a time behind the start wanted ({self.start_s:g} s), got {self.end_s:g} s")
        if self.every < 1:
            raise ValueError(f"every: 1 or more wanted, got {self.every}")

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return self == Cut()

    def __str__(self) -> str:
        until = f" to {self.end_s:g} s" if self.end_s < math.inf else " on"
        return f"from {self.start_s:g} s{until}"

    def begun(self, seconds: float) -> bool:
        """Tell whether a frame at this time is not before the start."""
        return seconds > self.start_s - _LEAST_S

    def ended(self, seconds: float) -> bool:
        """Tell whether a frame at this time is behind the end."""
        return seconds > self.end_s - _LEAST_S

    def pick(self, timestamps: Sequence[float]) -> list[int]:
        """Return which of all frames of a film, shown at these times, are kept; never none.

        Raises:
            PipelineError: no frame lies in it.
        """
        inside = [n for n, seconds in enumerate(timestamps) if self.begun(seconds) and not self.ended(seconds)]
        if not inside:
            raise PipelineError(f"no frame {self}; choose another --start or --end")
        return inside[:: self.every]


def read_time(text: str) -> float:
    """Return seconds, of seconds ("12.5"), minutes ("1:05") or hours ("1:02:03.5").

    Raises:
        ValueError: something else.
    """
    found = _CLOCK.fullmatch(text.strip())
    hours, minutes, seconds = found.groups() if found else (None, None, None)
    if seconds is None or (minutes is not None and float(seconds) >= 60):
        raise ValueError(f"a time wanted, as 12.5 (seconds), 1:05 or 1:02:03.5, got {text!r}")
    return 3600 * int(hours or 0) + 60 * int(minutes or 0) + float(seconds)
