"""Progress for Python: bars in a terminal or a notebook, or calls of a function; never a printed line.

What `run` prints on the command line stands in the result.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from pipeline.progress import Console, Tick
from pipeline.tables import Table

Progress = bool | Callable[[str, int, int | None], None]
_EVERY_S = 0.1  # between two drawings of a notebook's bar


class Bars(Console):
    """A terminal's bars alone."""

    def say(self, line: str) -> None:
        """Print nothing."""

    def show(self, table: Table) -> None:
        """Print nothing."""

    def warn(self, line: str) -> None:
        """Print nothing."""


class Calls(Bars):
    """Calls `told(stage, done, total)` with the frames done so far, for a program that shows them itself."""

    def __init__(self, told: Callable[[str, int, int | None], None]) -> None:
        super().__init__(quiet=True)
        self._told = told

    @contextmanager
    def stage(self, name: str, total: int | None) -> Iterator[Tick]:
        """Tell of a stage while the block runs."""
        done = 0
        self._told(name, done, total)

        def tick(frames: int = 1) -> None:
            nonlocal done
            done += frames
            self._told(name, done, total)

        yield tick


class NotebookBars(Bars):
    """Bars of HTML below a notebook's cell; they need no widgets."""

    @contextmanager
    def stage(self, name: str, total: int | None) -> Iterator[Tick]:
        """Show a stage's bar while the block runs."""
        page: Any = importlib.import_module("IPython.display")
        bar = page.display(_drawn(name, 0, total, 0.0), raw=True, display_id=True)
        began = drawn = time.perf_counter()
        done = 0

        def tick(frames: int = 1) -> None:
            nonlocal done, drawn
            done += frames
            now = time.perf_counter()
            if now - drawn > _EVERY_S:
                drawn = now
                bar.update(_drawn(name, done, total, now - began), raw=True)

        yield tick
        bar.update(_drawn(name, done, done, time.perf_counter() - began), raw=True)


def console_for(progress: Progress) -> Console:
    """Return what shows progress: True is a bar wherever one can be seen."""
    if callable(progress):
        return Calls(progress)
    if not progress:
        return Bars(quiet=True)
    return NotebookBars(bars=False) if _in_notebook() else Bars()


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def _drawn(name: str, done: int, total: int | None, seconds: float) -> dict[str, str]:
    """Return a bar as HTML and as text; a film that does not tell its length has one that only moves."""
    of = "" if total is None else f" of {total}"
    words = f"{name} {done}{of} frames, {done / max(seconds, 1e-6):.1f} frames/s" if done else f"{name}{of}"
    known = "" if total is None else f' value="{done}" max="{max(total, 1)}"'
    return {"text/html": f"<div><progress{known}></progress> <code>{escape(words)}</code></div>", "text/plain": words}
