"""How a batch went: a line a film as it ends, a table at the end, and the same as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from pipeline.batch.job import DONE, FAILED, KEPT, LEFT, Outcome
from pipeline.progress import time_told
from pipeline.store import write_whole
from pipeline.tables import Table

_LONGEST_NAME = 48
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what cells that are computed begin with


def line(outcome: Outcome, number: int, count: int, elapsed_s: float) -> str:
    """Return the line of the `number`-th film to end, of `count`, `elapsed_s` seconds after the batch began."""
    left = elapsed_s / number * (count - number)
    until = f", {time_told(left)} left" if number < count else ""
    return f"[{number}/{count}{until}] {_told(outcome)}"


def table(outcomes: Sequence[Outcome], where: Path | None = None) -> Table:
    """Return the films in columns, and a line of how many, and of the file that says more."""
    rows = []
    for outcome in outcomes:
        rate = f"{outcome.frames / outcome.seconds:.1f}" if outcome.state == DONE and outcome.seconds else ""
        seen = (str(outcome.frames), str(outcome.people)) if outcome.state in (DONE, KEPT) else ("", "")
        rows.append((_short(outcome.video), outcome.state, *seen, f"{outcome.seconds:.1f}", rate))
    count = Counter(outcome.state for outcome in outcomes)
    told = ", ".join(f"{count[state]} {state}" for state in (DONE, KEPT, FAILED, LEFT) if count[state])
    head = ("film", "state", "frames", "people", "seconds", "frames/s")
    states = [outcome.state for outcome in outcomes]
    below = f"{len(outcomes)} films: {told}" + (f"  -> {where}" if where else "")
    return Table(head, rows, left=2, states=states, below=below)


def write(outcomes: Sequence[Outcome], folder: Path) -> Path:
    """Write `batch.json` and `batch.csv`; return the first.

    Raises:
        StoreError: the folder cannot be written to.
    """
    plain = [asdict(outcome) for outcome in outcomes]
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, [item.name for item in fields(Outcome)])
    rows.writeheader()
    rows.writerows({name: _in_sheet(value) for name, value in row.items()} for row in plain)
    state = Counter(outcome.state for outcome in outcomes)
    about = json.dumps({"films": plain, "states": state}, indent=2) + "\n"
    write_whole(folder / "batch.json", lambda file: file.write(about.encode()))
    write_whole(folder / "batch.csv", lambda file: file.write(text.getvalue().encode(errors="backslashreplace")))
    return folder / "batch.json"


def _in_sheet(value: object) -> object:
    """Return a value as a cell: a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    text = "; ".join(value) if isinstance(value, list) else value
    return f"'{text}" if isinstance(text, str) and text[:1] in _FORMULA else text


def _told(outcome: Outcome) -> str:
    if outcome.state == FAILED:
        return f"failed  {outcome.video}"
    people = f"{outcome.people} {'person' if outcome.people == 1 else 'people'}"
    size = f"{outcome.frames} frames, {people}, {outcome.seconds:.1f} s"
    return f"{outcome.state}  {outcome.video}: {size}  -> {outcome.folder}"


def _short(name: str) -> str:
    """Return the end of a name that is too long for a column."""
    return name if len(name) <= _LONGEST_NAME else "..." + name[3 - _LONGEST_NAME :]
