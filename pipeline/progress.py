"""What the user sees while a run works: of every stage the rate and the remaining time, and one line when it ends.

On a terminal that is a bar; elsewhere (a file, a pipe, a scheduler's log) a line now and then.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO, TypeVar

from pipeline.tables import Table, fancy, marked

T = TypeVar("T")
FIRST_S, LONGEST_S = 10.0, 60.0  # between lines: at first, doubled up to the longest


def plain(text: str) -> str:
    """Return a text whose every character is shown: those that steer a terminal come out as their numbers.

    Names of films are anybody's. Line breaks stay.
    """
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


class Tick(Protocol):
    """Called with the number of frames done since the last call."""

    def __call__(self, frames: int = 1) -> None: ...


class Pace:
    """How far something is: what is done, how fast that goes, and how long the rest will take.

    Args:
        total: how much there is; None where nobody knows.
        clock: tells seconds.
    """

    def __init__(self, total: int | None, clock: Callable[[], float] = time.perf_counter) -> None:
        self._total, self._clock = total or None, clock
        self._began, self._at_first = clock(), 0
        self.done = 0

    def add(self, count: int) -> None:
        """Count what was done since the last time."""
        if not self.done:  # what came before it, loading a network, does not come again
            self._began, self._at_first = self._clock(), count
        self.done += count

    @property
    def rate(self) -> float:
        """So many a second since the first ones were done; 0 where only those are."""
        return (self.done - self._at_first) / max(self._clock() - self._began, 1e-6)

    @property
    def left_s(self) -> float | None:
        """Seconds that the rest will take; None where that cannot be said."""
        if self._total is None or not self.rate or self.done > self._total:
            return None
        return (self._total - self.done) / self.rate

    def line(self, name: str) -> str:
        """Return it in words."""
        of = f" of {self._total}" if self._total else ""
        rate = f", {self.rate:.1f} frames/s" if self.rate else ""
        left = f", {time_told(self.left_s)} left" if self.left_s is not None else ""
        return f"{name:>7}  {self.done}{of} frames{rate}{left}"


class NowAndThen:
    """Says how far something is: after `FIRST_S` seconds, and ever less often.

    Args:
        name: of what.
        total, clock: those of `Pace`.
        say: takes a line.
    """

    def __init__(
        self, name: str, total: int | None, say: Callable[[str], None], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._name, self._say, self._clock, self._pace = name, say, clock, Pace(total, clock)
        self._wait_s = FIRST_S
        self._next_s = clock() + FIRST_S

    def __call__(self, frames: int = 1) -> None:
        """Count frames; now and then say a line."""
        self._pace.add(frames)
        now = self._clock()
        if now >= self._next_s:
            self._wait_s = min(2 * self._wait_s, LONGEST_S)
            self._next_s = now + self._wait_s
            self._say(self._pace.line(self._name))


class Console:
    """Prints lines and shows how far stages are; nothing at all when quiet.

    Args:
        quiet: print nothing (errors are not the console's).
        bars: draw bars, or else say lines; None draws them where standard error is a terminal.
    """

    def __init__(self, quiet: bool = False, bars: bool | None = None) -> None:
        self.quiet = quiet
        self.bars = (sys.stderr.isatty() if bars is None else bars) and not quiet

    def say(self, line: str) -> None:
        """Print a line."""
        if not self.quiet:
            _write(sys.stdout, line)

    def warn(self, line: str) -> None:
        """Print a warning to standard error."""
        if not self.quiet:
            _write(sys.stderr, line, f"{marked('warning:', sys.stderr)} ")

    def note(self, line: str) -> None:
        """Print a line that is for now and no result to standard error."""
        if not self.quiet:
            _write(sys.stderr, line)

    def show(self, table: Table) -> None:
        """Print a table: drawn on a terminal, else as aligned words."""
        if self.quiet:
            return
        if fancy(sys.stdout):
            table.show(sys.stdout)
        else:
            self.say(table.plain())

    @contextmanager
    def stage(self, name: str, total: int | None) -> Iterator[Tick]:
        """Show how far a stage is while the block runs; `total` frames, None where nobody knows."""
        if not self.bars:
            yield NowAndThen(name, total, self.note)
            return
        from rich.console import Console as RichConsole
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description:>7}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=RichConsole(stderr=True), transient=True) as progress:
            task = progress.add_task(name, total=total, rate="")
            pace = Pace(total)

            def tick(frames: int = 1) -> None:
                pace.add(frames)
                progress.update(task, completed=pace.done, rate=f"{pace.rate:.1f} frames/s")

            yield tick


def ticking(items: Iterable[T], tick: Tick) -> Iterator[T]:
    """Pass items on, with a tick each."""
    for item in items:
        yield item
        tick()


def _write(stream: TextIO, line: str, head: str = "") -> None:
    """Write a line at once; its head, which is ours, may hold colours."""
    try:
        stream.write(head + plain(line) + "\n")
        stream.flush()
    except OSError:  # nobody listens any more, or a full disk takes no more; the film is wanted all the same
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def time_told(seconds: float) -> str:
    """Return a length of time in words: 1 h 02 min, 3 min 20 s, 12 s."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
