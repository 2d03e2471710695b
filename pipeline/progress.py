"""What the user sees while a run works: a bar a stage with rate and remaining time, and one line when it ends."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from pipeline.tables import Table, fancy, marked

T = TypeVar("T")


def plain(text: str) -> str:
    """Return a text whose every character is shown: those that steer a terminal come out as their numbers.

    Names of films are anybody's. Line breaks stay.
    """
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


class Tick(Protocol):
    """Called with the number of frames done since the last call."""

    def __call__(self, frames: int = 1) -> None: ...


class Console:
    """Prints lines and draws bars; bars only on a terminal, nothing at all when quiet.

    Args:
        quiet: print nothing (errors are not the console's).
        bars: draw bars; None draws them where standard error is a terminal.
    """

    def __init__(self, quiet: bool = False, bars: bool | None = None) -> None:
        self.quiet = quiet
        self.bars = (sys.stderr.isatty() if bars is None else bars) and not quiet

    def say(self, line: str) -> None:
        """Print a line."""
        if not self.quiet:
            try:
                sys.stdout.write(plain(line) + "\n")
                sys.stdout.flush()
            except OSError:  # nobody listens any more, or a full disk takes no more; the film is wanted all the same
                self.quiet = True
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def warn(self, line: str) -> None:
        """Print a warning to standard error."""
        if not self.quiet:
            sys.stderr.write(f"{marked('warning:', sys.stderr)} {plain(line)}\n")

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
        """Show a stage's bar while the block runs; `total` frames, None where nobody knows."""
        if not self.bars:
            yield lambda frames=1: None  # noqa: ARG005 - the bar's counterpart
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
            began, done = time.perf_counter(), 0

            def tick(frames: int = 1) -> None:
                nonlocal done
                done += frames
                rate = done / max(time.perf_counter() - began, 1e-6)
                progress.update(task, completed=done, rate=f"{rate:.1f} frames/s")

            yield tick


def ticking(items: Iterable[T], tick: Tick) -> Iterator[T]:
    """Pass items on, with a tick each."""
    for item in items:
        yield item
        tick()
