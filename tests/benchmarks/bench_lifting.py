"""How fast UGCN lifts on the CPU, and how far `sequence` is from `windows`.

    python tests/benchmarks/bench_lifting.py                                 # needs nothing but the repository
    python tests/benchmarks/bench_lifting.py --data work_dirs/data/wild      # the accuracy, on a prepared set
    python tests/benchmarks/bench_lifting.py --data work_dirs/data/wild --parts

The contenders take turns in one process; every round is compared with the same round of the others, in CPU seconds of
all the process's threads. Peak memory is that of a process that does nothing else.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from lifting_accuracy import accuracy_table
from plain_ugcn import PlainUGCN

from lifter import joints, weights, windows
from lifter.fused import FusedUGCN
from lifter.lifter import Lifter
from lifter.screen import to_person, turn_back
from lifter.tcn import TCN
from lifter.weights import Recipe

ALL_CHANNELS = "windows, idle channels too"
NAMES = ("one window at a time", "windows", "sequence", "temporal convolutions, 243", ALL_CHANNELS)
Lift = Callable[[np.ndarray], np.ndarray]


def walker(frames: int) -> np.ndarray:
    """Keypoints (T, 17, 2), pixels, of somebody who sways and turns."""
    t = np.arange(frames)[:, None, None] / 50
    shape = np.random.default_rng(0).normal(0, 80, (17, 2))
    swing = np.random.default_rng(1).uniform(0.2, 2, (17, 2))
    return (shape * (1 + 0.3 * np.sin(0.4 * t)) + 25 * np.sin(swing * t) + [640, 360]).astype(np.float32)


def one_at_a_time() -> Lift:
    """The paper's protocol word by word: every window, then its mirror image, each by itself through plain torch."""
    model, recipe = weights.load(weights.find("ugcn"))
    plain = PlainUGCN(model.state_dict(), model.settings.out_scale)

    @torch.inference_mode()
    def lift(sequence: np.ndarray) -> np.ndarray:
        joiner = windows.Joiner(len(sequence))
        for first in windows.phased_starts(len(sequence), recipe.window, 5, model.period):
            units, turns = to_person(sequence[None, first : first + recipe.window])
            straight = plain(torch.from_numpy(units)).numpy()
            mirrored = plain(torch.from_numpy(joints.mirror(units))).numpy()
            joiner.add(np.array([first]), turn_back((straight + joints.mirror(mirrored)) / 2, turns))
        return joiner.result()

    return lift


def contender(name: str) -> Lift:
    """Return one of `NAMES`, ready to lift (T, 17, 2) at 50 Hz."""
    if name == "one window at a time":
        return one_at_a_time()
    if name in ("windows", "sequence"):
        return Lifter("ugcn", "cpu", mode=name).lift_uniform
    if name == ALL_CHANNELS:
        lifter = Lifter("ugcn", "cpu")
        lifter._run = FusedUGCN(weights.load(weights.find("ugcn"))[0], idle=0)
        return lifter.lift_uniform
    torch.manual_seed(0)
    # Windows that are much longer than the context of 243 frames waste least: this network at its best.
    return Lifter.of(TCN(), Recipe("screen", window=512), "cpu").lift_uniform


def peak_mb(name: str, frames: int, threads: int) -> float:
    """Return the peak memory of this process after lifting so many frames, MB."""
    torch.set_num_threads(threads)
    contender(name)(walker(frames))
    # Not `getrusage`: a child's maximum there begins at its parent's.
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def peaks(names: tuple[str, ...], frames: int, threads: int) -> dict[str, float]:
    """Return the peak memory of each contender in a process of its own, MB."""
    fresh = multiprocessing.get_context("spawn")
    found = {}
    for name in names:
        with ProcessPoolExecutor(1, mp_context=fresh) as pool:
            found[name] = pool.submit(peak_mb, name, frames, threads).result()
    return found


def race(lifts: dict[str, Lift], frames: dict[str, int], rounds: int) -> dict[str, np.ndarray]:
    """Return (rounds, 2): CPU and wall milliseconds a frame of every contender, who take turns."""
    films = {name: walker(frames[name]) for name in lifts}
    for name, lift in lifts.items():
        lift(films[name][:200])
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in lifts}
    for _ in range(rounds):
        for name, lift in lifts.items():
            cpu, wall = time.process_time(), time.perf_counter()
            lift(films[name])
            spent[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    return {name: 1e3 * np.array(rows) / frames[name] for name, rows in spent.items()}


def floor_ms(rounds: int = 7) -> float:
    """Return the CPU milliseconds of one frame and its mirror image if all were convolutions at their best speed."""
    from torch.nn.functional import conv2d
    from torch.utils.flop_counter import FlopCounterMode

    model, recipe = weights.load(weights.find("ugcn"))
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(torch.zeros(1, recipe.window, 17, 2))
    x = torch.randn(64, 128, 1, 200).to(memory_format=torch.channels_last)
    weight = torch.randn(128, 128, 1, 5).to(memory_format=torch.channels_last)
    best = np.inf
    for _ in range(rounds):
        start = time.process_time()
        with torch.inference_mode():
            conv2d(x, weight, padding=(0, 2))
        best = min(best, time.process_time() - start)
    per_second = 2 * x.numel() * 128 * 5 / best
    return 1e3 * 2 * counter.get_total_flops() / recipe.window / per_second


def speed_table(frames: int, rounds: int, threads: int, memory: bool) -> str:
    """Race all contenders and compare their numbers; the slow ones lift less of the film.

    Those in windows lift the same frames: near the ends of a film windows are denser, so a short one has more of them.
    """
    few = max(frames // 10, 200)
    lengths = dict(zip(NAMES, (few, few, frames, frames, few), strict=True))
    lifts = {name: contender(name) for name in NAMES}
    spent = race(lifts, lengths, rounds)
    used = peaks(NAMES, frames // 4, threads) if memory and sys.platform == "linux" else {}
    once = np.median(spent["sequence"], axis=0)
    head = f"{'':30} {'CPU ms':>8} {'wall ms':>8} {'x sequence':>11} {'x floor':>8} {'peak MB':>8}"
    lines = [f"UGCN on the CPU, {threads} thread(s); of one frame at 50 Hz with its mirror image", head]
    floor = floor_ms()
    for name in NAMES:
        cpu, wall = np.median(spent[name], axis=0)
        peak = f"{used[name]:8.0f}" if used else f"{'-':>8}"
        times = cpu / floor if name == "sequence" else np.nan
        told = f"{times:8.1f}" if np.isfinite(times) else f"{'':8}"
        lines.append(f"{name:30} {cpu:8.3f} {wall:8.3f} {cpu / once[0]:11.1f} {told} {peak}")
    lines.append(f"{'floor: its convolutions alone':30} {floor:8.3f}")
    ratio = {name: spent[name] / spent["sequence"] for name in NAMES}
    batch, whole = (np.median(spent[NAMES[0]] / spent[name], axis=0) for name in ("windows", ALL_CHANNELS))
    probe = walker(160)
    apart = np.abs(lifts["windows"](probe) - lifts["one window at a time"](probe)).max()
    lines += [
        f"windows:  {batch[0]:.1f} x one at a time (wall {batch[1]:.1f} x; bar 3), "
        f"numbers within {apart:.1e} m (bar 1e-4); {whole[0]:.1f} x with idle channels",
        f"sequence: {np.median(ratio['windows'][:, 0]):.1f} x windows (bar 15), "
        f"{np.median(ratio[NAMES[3]][:, 0]):.1f} x temporal convolutions (bar 2.5)",
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=3000, help="of the film (default: 3000)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender (default: 5)")
    parser.add_argument("--threads", type=int, default=1, help="of torch (default: 1)")
    parser.add_argument("--no-memory", action="store_true", help="leave out the peak memory")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a prepared set: compare the accuracy, not the speed")
    parser.add_argument("--keypoints", default="noisy", help="2D source of the set (default: noisy)")
    parser.add_argument("--split", default="test")
    parser.add_argument("--every", type=int, default=10, help="take every N-th sequence (default: 10)")
    parser.add_argument("--parts", action="store_true", help="and which part of `sequence` brings what")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.data:
        print(accuracy_table(given.data, given.keypoints, given.split, given.every, given.parts))
    else:
        print(speed_table(given.frames, given.rounds, given.threads, not given.no_memory))


if __name__ == "__main__":
    main()
