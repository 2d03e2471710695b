"""Kills `run`, `train` and `export` at random moments, runs them again, and compares with a run that nobody stopped.

    python tests/faults/kills.py run --times 200 --seed 1

A moment is a share of the processor's time that the whole command takes, or a call that touches a file, counted by
Python's audit hooks, so that the gaps between two files are met as often as the long computations.
Commands run in children of a process that has imported everything, so a kill costs a second and not ten.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
from forked import ended, start  # noqa: E402 - found by the line above

LITTER = re.compile(r"\.part\d+|\.shards$|\.tmp$|^tmp")
FILE_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.truncate", "os.rmdir")


@dataclass(frozen=True)
class Moment:
    """When a child dies: behind so many seconds of processor time, or at a call that touches a file in its folder."""

    seconds: float | None = None
    call: int | None = None


@dataclass(frozen=True)
class Job:
    """A command to be killed.

    Attributes:
        prepare: fills a new folder with what the command needs.
        main: runs it in a folder.
        made: what must be the same whenever it ends: arrays by name, read from the folder.
    """

    prepare: Callable[[Path], None]
    main: Callable[[Path], int]
    made: Callable[[Path], dict[str, bytes]]


def film(folder: Path) -> None:
    """Write a short film."""
    from pipeline.video import VideoWriter

    with VideoWriter(folder / "walk.mp4", (64, 48), fps=Fraction(25)) as writer:
        for index in range(24):
            writer.write(np.full((48, 64, 3), 60 + 5 * index, np.uint8))


def run_film(folder: Path) -> int:
    from pipeline import shards
    from pipeline.cli import main

    shards.Shards.__init__.__defaults__ = (0.0,)  # a shard a frame: films of tests are shorter than a usual one
    words = ["--detector", "scripted", "--device", "cpu", "--output", str(folder / "runs"), "--quality", "draft"]
    return main(["run", str(folder / "walk.mp4"), "--lift-mode", "sequence", *words])


def arrays_of_run(folder: Path) -> dict[str, bytes]:
    made = folder / "runs" / "walk"
    return {name: (made / name).read_bytes() for name in ("pose2d.npz", "pose3d.npz", "walk_3d.mp4")}


def training_set(folder: Path) -> None:
    from moving_sets import moving_set, write_set
    from test_train_command import CONFIG

    (folder / "data").mkdir()
    write_set(folder / "data", moving_set({"train": [60, 50, 20], "validation": [60], "test": [40]}))
    text = CONFIG.format(base=ROOT / "configs/mocap.py", data=folder / "data")
    (folder / "tiny.py").write_text(text, encoding="utf-8")


def train(folder: Path) -> int:
    from lifter.__main__ import main

    words = ["--out", str(folder / "out"), "--threads", "1", "--device", "cpu", "--data", str(folder / "data")]
    return main(["train", str(folder / "tiny.py"), *words])


def weights(folder: Path) -> dict[str, bytes]:
    from safetensors.numpy import load_file

    found = load_file(folder / "out" / "lifter.safetensors")
    return {name: value.tobytes() for name, value in found.items()}


def run_to_export(folder: Path) -> None:
    from exported_runs import two_people

    from pipeline.store import save_pose

    (folder / "walk").mkdir()
    save_pose(folder / "walk" / "pose3d.npz", two_people(12), fingerprint="f", video="v")


def export(folder: Path) -> int:
    from pipeline.cli import main

    return main(["export", str(folder / "walk"), "--format", "bvh,csv,json,trc,npz"])


def exported(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "walk/export").iterdir()}


JOBS = {
    "run": Job(film, run_film, arrays_of_run),
    "train": Job(training_set, train, weights),
    "export": Job(run_to_export, export, exported),
}


def _doomed(job: Job, place: Path, at: Moment) -> int:
    if at.call is not None:
        _die_at(at.call, str(place))
    return job.main(place)


def _die_at(call: int, watched: str) -> None:
    """Kill this process at the `call`-th event that touches a file below `watched`."""
    count = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event in FILE_EVENTS and any(isinstance(word, str | Path) and watched in str(word) for word in arguments):
            count += 1
            if count > call:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def litter(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if LITTER.search(file.name))


def kill_and_compare(name: str, times: int, seed: int, places: Path, tell: Callable[[str], object]) -> dict[str, int]:
    """Kill a job `times` times, run it to its end after each, and count.

    Returns:
        kills: that met the command at work; late: that came after its end; differ, litter, failed: what must be 0.
    """
    job, rng = JOBS[name], np.random.default_rng(seed)
    whole = places / "whole"
    whole.mkdir()
    job.prepare(whole)
    untouched = places / "untouched"
    shutil.copytree(whole, untouched)
    code, used = ended(start(lambda: job.main(whole), places / "whole.txt"))
    if code != 0:
        raise RuntimeError((places / "whole.txt").read_text())
    wanted, count = job.made(whole), {"kills": 0, "late": 0, "differ": 0, "litter": 0, "failed": 0}
    for number in range(times):
        place, said = places / "again", places / "again.txt"
        shutil.rmtree(place, ignore_errors=True)
        said.unlink(missing_ok=True)
        shutil.copytree(untouched, place)
        if name == "train":  # its config names the folder of its data
            job_text = (place / "tiny.py").read_text().replace(str(whole), str(place))
            (place / "tiny.py").write_text(job_text)
        for _ in range(1 + int(rng.random() < 0.25)):  # some are killed twice
            at = Moment(call=int(rng.integers(60))) if rng.random() < 0.5 else Moment(seconds=used * rng.random())
            code, _ = ended(start(partial(_doomed, job, place, at), said), at.seconds)
            count["kills" if code == -signal.SIGKILL else "late"] += 1
        code, _ = ended(start(partial(job.main, place), said))
        same = code == 0 and job.made(place) == wanted
        found = {"failed": code != 0, "differ": code == 0 and not same, "litter": bool(litter(place))}
        for what, wrong in found.items():
            count[what] += wrong
        if (number + 1) % 10 == 0:
            tell(f"{name}: {number + 1} of {times} reruns, {count}")
        if any(found.values()):
            tell(f"{name} {number}, seed {seed}: {at}: {found} {litter(place)}\n{said.read_text()[-2000:]}")
    return count


def warm() -> None:
    """Import what the commands use, so that every child has it."""
    for name in ("lifter.lifter", "lifter.training.run", "pipeline.export.command", "pipeline.run", "pipeline.stages"):
        importlib.import_module(name)


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=sorted(JOBS))
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(words)
    warm()
    with tempfile.TemporaryDirectory() as folder:
        count = kill_and_compare(given.job, given.times, given.seed, Path(folder), lambda line: print(line, flush=True))
    print(f"{given.job}, {given.times} reruns: " + ", ".join(f"{what} {number}" for what, number in count.items()))
    return int(any(count[what] for what in ("differ", "litter", "failed")))


if __name__ == "__main__":
    sys.exit(main())
