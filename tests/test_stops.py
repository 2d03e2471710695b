"""Ctrl-C and SIGTERM at any moment of a whole process; many: `python tests/faults/stops.py`."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "faults"))
import stops

LINE = "stopped; what was finished is kept, the same command goes on from there\n"
STOPPED_WHILE_IMPORTING = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "detectors.base":
            os.kill(os.getpid(), signal.{name})

sys.meta_path.insert(0, Finder())
from pipeline.guard import guarded
sys.exit(guarded(lambda: 0))
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_it_listens_before_it_imports_what_takes_long(name: str) -> None:
    command = [sys.executable, "-c", STOPPED_WHILE_IMPORTING.format(name=name)]
    done = subprocess.run(command, cwd=stops.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, LINE)


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (stops.End(130, LINE, 1.0, 1.5), ""), (stops.End(0, "", 1.0, 1.5), ""), (stops.End(-2, "", 1.0, 1.5), ""),
        (stops.End(-11, LINE, 1.0, 1.5), "code -11"), (stops.End(-15, "", 1.0, 1.5), "code -15"),
        (stops.End(130, f"Traceback\n{LINE}", 1.0, 1.5), "not one line"), (stops.End(130, "", 1, 1.5), "not one line"),
        (stops.End(130, LINE, 1.0, 2.5), "1.5 s later"),
    ],
)  # fmt: skip
def test_the_judge_of_an_end(end: stops.End, told: str, tmp_path: Path) -> None:
    assert stops.wrong(end, signal.SIGINT, tmp_path) == told
    (tmp_path / "runs/walk").mkdir(parents=True)
    for name in ("pose2d.npz", ".walk_3d.mp4.part7"):
        (tmp_path / "runs/walk" / name).touch()
    assert stops.wrong(end, signal.SIGINT, tmp_path) == (told or "litter: .walk_3d.mp4.part7")


@pytest.mark.slow
def test_whole_processes_end_soon_and_tidy() -> None:
    assert stops.main(["--times", "10", "--seed", "4"]) == 0
