"""Time stamps that can be relied on: repairs missing, repeated and backward ones while the frames stream past."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import TypeVar

T = TypeVar("T")

LONGEST_PAUSE_S = 3600  # a longer one is a broken clock, and would be an hour of resampled frames


def steady_ticks(
    stamped: Iterable[tuple[T, int | None]], step: int, longest: int, repaired: Callable[[str], None]
) -> Iterator[tuple[T, int]]:
    """Give every item a tick that is later than the one before; ticks that already are, are kept exactly.

    A lone bad stamp is put between its neighbours. Where the clock itself jumps (back, or ahead by more than
    `longest`) the film goes on one step later, and all that follows is moved with it. Looks one item ahead.

    Args:
        stamped: items with their time stamps in ticks, or None where the film has none.
        step: the usual distance between items in ticks, at least 1.
        longest: the longest pause believed, in ticks.
        repaired: is told, in a few words, of every stamp that was changed.

    Yields:
        (item, ticks since the first item); the first tick is 0.
    """
    clock = _Clock(step, longest, repaired)
    waiting: list[tuple[T, int | None]] = []
    for item, stamp in stamped:
        if waiting:
            held, held_stamp = waiting.pop()
            yield held, clock.tick(held_stamp, stamp)
        waiting.append((item, stamp))
    for held, held_stamp in waiting:
        yield held, clock.tick(held_stamp, None)


class _Clock:
    """The last tick given out, and what to add to the film's stamps to continue from it."""

    def __init__(self, step: int, longest: int, repaired: Callable[[str], None]) -> None:
        self._step, self._longest, self._repaired = max(1, step), longest, repaired
        self._last: int | None = None
        self._shift = 0

    def tick(self, stamp: int | None, following: int | None) -> int:
        """Return the tick of the item stamped `stamp`, which is followed by one stamped `following`."""
        if self._last is None:
            self._shift = -(stamp if stamp is not None else (following or 0) - self._step)
            self._last = 0
            return 0
        last = self._last
        self._last = self._next(last, stamp, following)
        return self._last

    def _next(self, last: int, stamp: int | None, following: int | None) -> int:
        now = None if stamp is None else stamp + self._shift
        if now is not None and last < now <= last + self._longest:
            return now
        after = None if following is None else following + self._shift
        if after is not None and last + 1 < after <= last + self._longest:  # a lone one: the clock goes on behind it
            self._repaired("time stamps repaired")
            return min(last + self._step, (last + after) // 2)
        if now is None:
            self._repaired("time stamps missing")
            return last + self._step
        self._repaired("time stamps jump; the gap was closed")
        self._shift += last + self._step - now
        return last + self._step


def seconds_of(tick: int, time_base: Fraction) -> float:
    """Return a tick in seconds, correctly rounded, so that `tick_of` gives the same tick back."""
    return tick * time_base.numerator / time_base.denominator


def tick_of(seconds: float, time_base: Fraction) -> int:
    """Return the tick nearest to a time in seconds."""
    return round(Fraction(seconds) / time_base)
