"""How the verbs speak: lines on the standard output, at once."""

from __future__ import annotations

import sys
from collections.abc import Callable


def say(line: str) -> None:
    """Print a line and flush it, so that a pipe sees progress."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def tenths(total: int, say: Callable[[str], None]) -> Callable[[int], None]:
    """Return a progress that speaks at every tenth of the frames, as long as there are many."""
    done = 0

    def progress(frames: int) -> None:
        nonlocal done
        before, done = done * 10 // total, done + frames
        if total >= 20_000 and done * 10 // total > before:
            say(f"{done} of {total} frames lifted")

    return progress
