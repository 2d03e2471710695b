"""The memory benchmark: its film is long without being drawn, and it sees what all processes of a command hold."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from test_run import make_film, stamps_of

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
pytest.importorskip("psutil")

from bench_memory import lengthened, tell, watch


def test_a_film_is_lengthened_by_copies(tmp_path: Path) -> None:
    part = make_film(tmp_path / "part.mp4", frames=25, size=(64, 48))
    stamps = stamps_of(lengthened(part, 1, tmp_path / "long.mp4"))  # as if it lasted 20 seconds
    assert len(stamps) == 75
    steps = np.diff(stamps)
    assert np.ptp(steps) < 1e-3, "no gap and no jump at the seams"


def test_the_memory_of_a_commands_children_counts() -> None:
    # It works until it has used half a second of the processor: long enough to be looked at, however busy that is.
    works = "import time\nwhile time.process_time() < 0.5: pass\n"
    child = f"held = b'x' * (60 << 20); print(flush=True)\n{works}"
    parent = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {child!r}], stdout=subprocess.PIPE)
child.stdout.readline()
held = b"x" * (60 << 20)
child.communicate()
"""
    alone = watch([sys.executable, "-c", f"held = b'x' * (60 << 20)\n{works}"], every_s=0.05).peak
    assert 60 < alone < 100
    assert watch([sys.executable, "-c", parent], every_s=0.05).peak > 120


def test_a_command_that_fails_is_told() -> None:
    with pytest.raises(RuntimeError, match="failed"):
        watch([sys.executable, "-c", "raise SystemExit(3)"])


def test_an_hour_is_carried_on_from_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    tell("detect", [1, 5, 10], [100, 110, 115])
    assert "+65 MB (carried on from the last two), bar 200: kept" in capsys.readouterr().out
    tell("detect", [1, 60], [100, 301])
    assert "+201 MB (measured), bar 200: MISSED" in capsys.readouterr().out
