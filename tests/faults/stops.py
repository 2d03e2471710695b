"""Asks whole runs to end, by Ctrl-C or SIGTERM at random moments, from the first line of Python to the last.

    python tests/faults/stops.py --times 200 --seed 1

Each process must end soon and tidy: by its own line and code 130, done with code 0, or, before it listens, by the
signal; with whole files only, and never by a crash. Every tenth is run again, and must end as if nobody had stopped it.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
import kills  # noqa: E402 - found by the line above

KEPT = {"pose2d.npz", "pose3d.npz", "run.json", "walk_3d.mp4", ".pose2d.npz.shards"}
LONGEST_S, SOON_S, AGAIN = 60, 1.0, 10


@dataclass(frozen=True)
class End:
    """How a process ended: its code, what it said last, and the processor's seconds: to the signal, and in all."""

    code: int
    said: str
    asked_s: float
    used_s: float


def run(place: Path, how: signal.Signals | None = None, behind_s: float = 0.0) -> End:
    """Run the film of a folder, and send a signal behind so many seconds of the processor."""
    words = ["run", "walk.mp4", "--detector", "scripted", "--device", "cpu", "--output", "runs", "--quality", "draft"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"}
    with (place.with_suffix(".txt")).open("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", *words], cwd=place, env=environment, stdout=said, stderr=said
        )
        watchdog = threading.Timer(LONGEST_S, os.kill, (process.pid, signal.SIGKILL))
        watchdog.start()
        asked = 0.0
        if how is not None:
            while asked < behind_s and (now := _used(process.pid)) is not None:
                asked = now
                time.sleep(0.002)
            os.kill(process.pid, how)  # not by `process`, which would look whether it has ended, and take the end
        _, status, usage = os.wait4(process.pid, 0)
        watchdog.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return End(process.returncode, said.read(), asked, usage.ru_utime + usage.ru_stime)


def _used(pid: int) -> float | None:
    """Return the processor's seconds of a child, or None where it has ended."""
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return None if words[0] == "Z" else (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def wrong(end: End, how: signal.Signals, place: Path) -> str:
    """Return what is wrong about how a process ended; empty where nothing is."""
    if end.code not in (130, 0, -how):
        return f"code {end.code}"
    if end.code == 130 and ("Traceback" in end.said or not end.said.endswith("the same command goes on from there\n")):
        return "not one line"
    if end.code == 130 and end.used_s - end.asked_s > SOON_S:
        return f"{end.used_s - end.asked_s:.1f} s later"
    made = place / "runs" / "walk"
    left = {file.name for file in made.iterdir()} - KEPT if made.exists() else set()
    return f"litter: {', '.join(sorted(left))}" if left else ""


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(words)
    choose, ends, bad = random.Random(given.seed), Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        whole, place = Path(folder, "whole"), Path(folder, "again")
        whole.mkdir()
        kills.film(whole)
        shutil.copytree(whole, place)
        undisturbed = run(whole)
        wanted = kills.arrays_of_run(whole)
        for number in range(given.times):
            shutil.rmtree(place / "runs", ignore_errors=True)
            how = choose.choice([signal.SIGINT, signal.SIGTERM])
            end = run(place, how, choose.uniform(0, undisturbed.used_s))
            told = wrong(end, how, place)
            if not told and number % AGAIN == 0:
                told = "" if run(place).code == 0 and kills.arrays_of_run(place) == wanted else "differs, run again"
            ends[{130: "stopped", 0: "done"}.get(end.code, "before it listened") if not told else "wrong"] += 1
            if told:
                bad += 1
                print(f"{number}: {how.name} after {end.asked_s:.2f} s: {told}\n{end.said[-3000:]}", flush=True)
    print(f"{given.times} stops, seed {given.seed}: " + ", ".join(f"{what} {n}" for what, n in sorted(ends.items())))
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
