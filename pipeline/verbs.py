"""The verbs that work on what a run left, or on nothing: each loads what it needs when it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

# What a first word that is no verb may be meant for.
_WORK_ON = {"run": "make its 3D film", "batch": "make one of every film in it", "view": "look at this run"}


def verb_left_out(words: Sequence[str], known: Sequence[str]) -> str:
    """Return what to type where the first word is no verb `known` but something to work on; "" where it is none."""
    if words[0] in known or words[0].startswith("-"):
        return ""
    import shlex

    from pipeline.batch.films import SUFFIXES

    first, verb = Path(words[0]), ""
    with suppress(OSError, ValueError):  # a name that no file can have
        if first.is_dir():
            verb = "view" if (first / "pose3d.npz").is_file() else "batch"
        elif first.is_file() or first.suffix.lower() in SUFFIXES:
            verb = "run"
    rest = f"python -m pipeline {verb} {shlex.join(words)}"
    return f"{words[0]} is no verb; to {_WORK_ON[verb]}: {rest}" if verb else ""


def _view(given: dict[str, Any]) -> int:
    from pipeline.progress import Console
    from pipeline.view.command import ViewSettings, view

    run, console = given.pop("run"), Console(given.pop("quiet"))
    view(run, ViewSettings(**given), console)
    return 0


def _export(given: dict[str, Any]) -> int:
    from pipeline.export.command import export

    return export(**given)


def _measure(given: dict[str, Any]) -> int:
    from pipeline.measures.command import measure

    return measure(**given)


def _report(given: dict[str, Any]) -> int:
    from pipeline.report.command import report

    return report(**given)


def _list_detectors(_given: dict[str, Any]) -> int:
    from pipeline.doctor.detectors import list_detectors

    return list_detectors()


def _doctor(given: dict[str, Any]) -> int:
    from pipeline.doctor.command import examine

    return examine(**given)


def _complete(given: dict[str, Any]) -> int:
    from pipeline.completion import script
    from pipeline.parser import build_parser

    sys.stdout.write(script(given["shell"], build_parser))
    return 0


ON_RUNS: dict[str, Callable[[dict[str, Any]], int]] = {
    "export": _export, "measure": _measure, "report": _report, "view": _view, "detectors": _list_detectors,
    "doctor": _doctor, "completion": _complete,
}  # fmt: skip
