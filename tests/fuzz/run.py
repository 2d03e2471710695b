"""Reads and runs films that nobody should make, thousands of them: a right result or one line, never anything else.

    python tests/fuzz/run.py --films 2000 --seed 0

Each film has a child process of its own, with a watchdog, a limit on memory, and a folder that is looked at
afterwards; the children are forks of one process that has imported everything. `--only SEED` does one again, and shows
what it said.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import resource
import shutil
import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path

import av
import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]
from forked import ended, start  # noqa: E402 - found by the line above
from make_films import make  # noqa: E402

WHOLE = 0.25  # of the films go through the whole pipeline, the others are read to their end
LIMIT_S = 30.0  # of the processor: a busy machine is no hang
MEMORY_BYTES = 8 << 30
ERROR = re.compile(r"error: .+")


def one(seed: int, place: Path) -> tuple[str, str]:
    """Make film `seed` and take it through; return what came of it and what was wrong, or an empty text."""
    films, out, said = place / "films", place / "out", place / "said.txt"
    films.mkdir(parents=True)
    film, what = make(seed, films)
    before = sorted(films.iterdir())
    whole = np.random.default_rng([seed, 1]).random() < WHOLE
    code, used = ended(start(partial(_take, film, out, whole), said), LIMIT_S)
    text = said.read_text(encoding="utf-8", errors="replace") if said.exists() else ""
    if code is None or used >= LIMIT_S:
        return what, "hangs"
    if code < 0:
        return what, f"died by signal {-code}\n{text[-1500:]}"
    wrong = _judge(code, text, out, whole)
    others = {file.name for file in place.iterdir()} - {"films", "out", "said.txt"}
    if others or sorted(films.iterdir()) != before:
        wrong += f" files elsewhere: {sorted(others) or sorted(films.iterdir())}"
    return f"{what} -> {'refused' if code else 'ok'}", wrong


def _take(film: Path, out: Path, whole: bool) -> int:
    """Take a film through, in a child; return what would be a command's exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    os.chdir(film.parent)
    return _run(film, out) if whole else _read(film)


def _run(film: Path, out: Path) -> int:
    from pipeline.cli import main

    words = ["--detector", "scripted", "--device", "cpu", "--quality", "draft", "--lift-mode", "sequence"]
    return main(["run", *words, "--max-height", "64", "--output", str(out), "--", film.name])


def _read(film: Path) -> int:
    """Read a film to its end, and hold what comes to what `VideoReader` says."""
    from pipeline.guard import guarded
    from pipeline.video import VideoReader, probe

    def work() -> int:
        clip = probe(film)
        width, height = clip.size
        last = -1.0
        for seconds, frame in VideoReader(clip, threads=1):
            assert seconds > last and frame.shape == (height, width, 3) and frame.dtype == np.uint8, (seconds, last)
            last = seconds
        return 0

    return guarded(work)


def _judge(code: int, text: str, out: Path, whole: bool) -> str:
    """Return what is wrong with how a command ended; nothing where it is as it should be."""
    errors = [line for line in text.splitlines() if ERROR.fullmatch(line)]
    if "Traceback" in text or code not in (0, 1):
        return f"exit code {code}\n{text[-2500:]}"
    if code == 1 and len(errors) != 1:
        return f"{len(errors)} lines `error: ...` instead of one\n{text[-1500:]}"
    if code == 0 and errors:
        return f"exit code 0 and an error\n{text[-1500:]}"
    return _wrong_files(out, code) if whole else ""


def _wrong_files(out: Path, code: int) -> str:
    """Return what is wrong in the folder of results: a file that is not whole, or counts that do not fit."""
    from pipeline.store import load_pose2d, load_pose3d
    from pipeline.video import VideoReader, probe

    folders = list(out.iterdir()) if out.is_dir() else []
    if len(folders) > 1:
        return f"several folders: {folders}"
    for folder in folders:
        names = {file.name for file in folder.iterdir()}
        film = folder / f"{folder.name}_3d.mp4"
        if code and "pose2d.npz" not in names:
            names -= {".pose2d.npz.shards"}  # what was detected before a film failed, to go on with
        if extra := names - {"pose2d.npz", "pose3d.npz", "run.json", film.name}:
            return f"litter: {extra}"
        frames = {len(load(folder / name).timestamps) for name, load in
                  (("pose2d.npz", load_pose2d), ("pose3d.npz", load_pose3d)) if name in names}  # fmt: skip
        if film.name in names:
            frames.add(sum(1 for _ in VideoReader(probe(film), threads=1)))
        if len(frames) > 1 or (code == 0 and film.name not in names):
            return f"files do not fit: {names}, frames {frames}"
    return "" if folders or code else "no folder of results"


def warm() -> None:
    """Import what the children use, so that each need not."""
    for name in ("lifter.lifter", "pipeline.report.words", "pipeline.run", "pipeline.stages", "pipeline.video.formats"):
        importlib.import_module(name)
    av.logging.set_level(av.logging.PANIC)  # of the encoders that make the films


def fuzz(films: int, seed: int, place: Path) -> tuple[Counter[str], list[str]]:
    """Take `films` films through; return how often what came, and what was wrong."""
    warm()
    count, wrong = Counter[str](), []
    for number in range(seed, seed + films):
        folder = place / str(number)
        what, problem = one(number, folder)
        count[what.split(":")[0].split(",")[0] + (" ok" if what.endswith("ok") else " refused")] += 1
        if (number - seed + 1) % 100 == 0:
            print(f"{number - seed + 1} of {films} films, {len(wrong)} wrong", flush=True)
        if problem:
            wrong.append(f"film {number}, {what}: {problem}")
            print(wrong[-1], flush=True)
        shutil.rmtree(folder, ignore_errors=True)
    return count, wrong


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="of the first film; the others follow")
    parser.add_argument("--only", type=int, metavar="SEED", help="one film, with what it said")
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        if given.only is not None:
            warm()
            print(one(given.only, Path(folder) / "one"))
            print((Path(folder) / "one/said.txt").read_text(encoding="utf-8", errors="replace"))
            return 0
        count, wrong = fuzz(given.films, given.seed, Path(folder))
    print(f"{given.films} films from seed {given.seed}: {len(wrong)} wrong; " + str(dict(sorted(count.items()))))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
