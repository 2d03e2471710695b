"""Thousands of tiny films through one batch, in one process: its memory and open files over time.

    python tests/faults/soak.py --films 10000

Films are of a few kinds (sizes, lengths, rates, one that is damaged), drawn once and given many names by links. Every
second the worker's resident memory and open file handles are read; a table of tenths is printed, and what grows from
the second tenth to the last: a leak grows with the films, a cache fills up in the first tenth. Exit code 1 where more
grows than `GROWTH_MB` or `GROWTH_HANDLES`, a film is lost, or a file is left over.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

GROWTH_MB, GROWTH_HANDLES = 30.0, 2
TENTHS = 10
KINDS = [((64, 48), 12, 25), ((96, 54), 8, 30), ((48, 64), 10, 50), ((34, 34), 1, 25), ((128, 72), 5, 5)]


@dataclass(frozen=True)
class Look:
    """The batch at one moment: films done, resident memory of all its processes in MB, open files of its worker."""

    done: int
    memory: float
    handles: int


def make_films(folder: Path, count: int) -> None:
    """Write one film of each kind and link it under many names."""
    from pipeline.video import VideoWriter

    folder.mkdir()
    rng, kinds = np.random.default_rng(0), []
    for number, (size, frames, fps) in enumerate(KINDS):
        kinds.append(folder.parent / f"kind{number}.mp4")
        with VideoWriter(kinds[-1], size, fps=Fraction(fps), crf=30) as writer:
            for _ in range(frames):
                writer.write(rng.integers(0, 255, (size[1], size[0], 3), np.uint8))
    kinds.append(folder.parent / "damaged.mp4")
    kinds[-1].write_bytes(kinds[0].read_bytes()[:700])
    for number in range(count):
        os.link(kinds[number % len(kinds)], folder / f"film{number:05d}.mp4")


def watch(films: Path, out: Path, detector: str) -> tuple[list[Look], list[dict[str, object]]]:
    """Run the batch and look at it every second; return what was seen, and what became of every film."""
    words = ["-m", "pipeline", "batch", str(films), "--output", str(out), "--detector", detector, "--jobs", "1"]
    process = psutil.Popen(
        [sys.executable, *words, "--quiet"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    looks: list[Look] = []
    while process.poll() is None:
        time.sleep(1)
        try:
            crew = [process, *process.children(recursive=True)]
            memory = sum(one.memory_info().rss for one in crew) / 2**20
            looks.append(Look(_done(out), memory, max(one.num_fds() for one in crew)))
        except psutil.Error:  # one of them ended meanwhile
            continue
    return looks, json.loads((out / "batch.json").read_text(encoding="utf-8"))["films"]


def _done(out: Path) -> int:
    return max(out.stat().st_nlink - 2, 0) if out.exists() else 0  # a folder's links are its subfolders


def judge(looks: list[Look], outcomes: list[dict[str, object]], out: Path, count: int) -> list[str]:
    """Print tenths; return what is wrong, a line each."""
    whole = looks[-1].done
    tenths = []
    for tenth in range(TENTHS):
        own = [look for look in looks if whole * tenth <= TENTHS * look.done < whole * (tenth + 1)]
        if own:
            tenths.append((statistics.median(o.memory for o in own), max(o.handles for o in own)))
            print(
                f"films {own[0].done:6d} to {own[-1].done:6d}: {tenths[-1][0]:6.0f} MB, {tenths[-1][1]:3d} open files"
            )
    more, handles = tenths[-1][0] - tenths[1][0], tenths[-1][1] - tenths[1][1]
    print(f"from the second tenth to the last: {more:+.1f} MB, {handles:+d} open files")
    wrong = []
    if more > GROWTH_MB or handles > GROWTH_HANDLES:
        wrong.append(f"grows by {more:.0f} MB and {handles} open files")
    damaged = [film for film in outcomes if film["state"] == "failed"]
    if len(outcomes) != count or len(damaged) != count // (len(KINDS) + 1):
        wrong.append(f"{len(outcomes)} of {count} films told of, {len(damaged)} failed")
    left = [str(file) for file in out.rglob(".*")]
    if left:
        wrong.append(f"{len(left)} files left over, such as {left[0]}")
    return wrong


def main() -> int:
    """Read the command line, soak, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, default=10_000)
    parser.add_argument("--detector", default="scripted")
    given = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_films(folder / "films", given.films)
        looks, outcomes = watch(folder / "films", folder / "out", given.detector)
        wrong = judge(looks, outcomes, folder / "out", given.films)
    print(
        f"{given.films} films in {(time.perf_counter() - began) / 60:.0f} minutes; {'; '.join(wrong) or 'nothing lost'}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
