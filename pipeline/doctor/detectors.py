"""The verb `detectors`: which there are, what each needs, and what of it is missing."""

from __future__ import annotations

import sys


def list_detectors() -> int:
    """Print the detectors that `--detector` knows; return the exit code."""
    from detectors import registry
    from pipeline.progress import Console
    from pipeline.tables import Table, fancy

    entries = registry.available()
    if fancy(sys.stdout):
        rows = [
            (entry.name, entry.summary, entry.needs, ", ".join(entry.missing) or "installed") for entry in entries
        ]  # fmt: skip
        states = ["none" if entry.missing else "ok" for entry in entries]
        Console().show(Table(("detector", "what", "needs", "missing"), rows, left=4, states=states))
        return 0
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        sys.stdout.write(f"{entry.name:<{width}}  {entry.summary}\n")
        if entry.needs:
            sys.stdout.write(f"{'':<{width}}  needs {entry.needs}\n")
        if entry.missing:
            sys.stdout.write(f"{'':<{width}}  NOT INSTALLED: {', '.join(entry.missing)}\n")
    return 0
