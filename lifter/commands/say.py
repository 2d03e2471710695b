"""How the verbs speak: lines on the standard output, at once."""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """Print a line and flush it, so that a pipe sees progress."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
