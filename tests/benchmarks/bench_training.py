"""How fast UGCN trains: our step (MMEngine's Runner) in float32 and in bfloat16, against a loop in plain torch.

    python tests/benchmarks/bench_training.py                                        # needs nothing but the repository
    python tests/benchmarks/bench_training.py --batch 32 --dropout 0.1               # as the shipped lifter was trained
    python tests/benchmarks/bench_training.py --device cuda --batch 256 --compile reduce-overhead

Same network, windows, batch and losses, in float32 the same numbers too. Whole steps and each of their parts take turns
in one process; every round is compared with the same round of the others, in CPU seconds of all the process's threads,
on a GPU in seconds of the clock. The last lines say what the paper's whole schedule would take at this pace.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from moving_sets import moving_set, write_set
from plain_training import PlainTraining, loss_pair_by_pair, plain_loss

from lifter.losses import LossSettings, total_loss
from lifter.training.prepared import prepare
from lifter.training.registered import register
from lifter.training.run import read_config
from lifter.training.runner import build_runner

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "paper_h36m.py"
STEPS, BATCH = 129_000, 256  # the paper's schedule (section 4.2)
BAR = 2.0
NAMES = ("plain", "ours, float32", "ours, bfloat16")
Run = Callable[[], object]
Runs = tuple[Run, ...]


class OurTraining:
    """The paper's training as `python -m lifter train` does it: its parts, and all of them as `step`.

    Args:
        half: bfloat16 for the network (`model.autocast`).
        compile: a mode of `torch.compile`, or "".
    """

    def __init__(self, folder: Path, batch: int, device: str, dropout: float, half: bool = True, compile: str = ""):
        register()
        options = {
            "train_dataloader.dataset.folder": str(folder), "train_dataloader.batch_size": batch,
            "train_dataloader.drop_last": True, "model.network.dropout": dropout, "model.autocast": half,
            "visualizer": None,
        }  # fmt: skip
        self.runner: Any = build_runner(prepare(read_config(CONFIG, options), folder, torch.device(device)))
        self.model, self.wrapper, self.device = self.runner.model.train(), self.runner.optim_wrapper, device
        if compile:
            self.model.network.compile(mode=compile)
        self.wrapper.initialize_count_status(self.model, 0, STEPS)
        self.batches = self._endless()

    def data(self) -> Any:
        """The next batch, where the network is."""
        return self.model.data_preprocessor(next(self.batches), True)

    def both_ways(self, batch: Any) -> None:
        """The network, forwards and backwards."""
        self.model(batch["keypoints"]).mean().backward()

    def update(self) -> None:
        """The optimiser."""
        self.wrapper.step()

    def step(self) -> None:
        """One step of the training."""
        self.model.train_step(next(self.batches), self.wrapper)

    def _endless(self) -> Any:
        while True:
            yield from self.runner.train_dataloader


def race(contests: dict[str, Runs], rounds: int, device: str) -> dict[str, np.ndarray]:
    """Return (rounds, contenders): seconds of all who take turns; CPU seconds, of the clock on a GPU."""
    for runs in contests.values():
        for run in runs:
            run()
    spent: dict[str, list[list[float]]] = {name: [] for name in contests}
    for _ in range(rounds):
        for name, runs in contests.items():
            spent[name].append([seconds(run, device) for run in runs])
    return {name: np.array(rows) for name, rows in spent.items()}


def seconds(run: Run, device: str) -> float:
    """Return what a run takes: CPU seconds, or those of the clock where a GPU works."""
    clock = time.perf_counter if device == "cuda" else time.process_time
    wait = torch.cuda.synchronize if device == "cuda" else (lambda: None)
    wait()
    start = clock()
    run()
    wait()
    return clock() - start


def contests(plain: PlainTraining, ours: Sequence[OurTraining]) -> dict[str, Runs]:
    """Whole steps and their parts: plain, and each of ours."""
    keypoints, truth = plain.data()
    guess = torch.randn_like(truth, requires_grad=True)
    mask = torch.ones(truth.shape[:2], dtype=torch.bool, device=truth.device)

    def losses() -> None:
        total_loss(guess, truth, LossSettings(), mask)[0].backward()

    def both_ways(one: OurTraining) -> Run:
        batch = one.data()
        return lambda: one.both_ways(batch)

    return {
        "whole step": (plain.step, *(one.step for one in ours)),
        "network, both ways": (lambda: plain.both_ways(keypoints), *(both_ways(one) for one in ours)),
        "losses, both ways": (lambda: plain_loss(guess, truth).backward(), *(losses for _ in ours)),
        "losses, pair by pair": (lambda: loss_pair_by_pair(guess, truth).backward(), *(losses for _ in ours)),
        "data": (plain.data, *(one.data for one in ours)),
        "optimiser": (plain.optimiser.step, *(one.update for one in ours)),
    }


def table(given: argparse.Namespace, folder: Path) -> str:
    """Race, and lay out the figures in milliseconds a window."""
    torch.manual_seed(0)
    write_set(folder, moving_set({"train": [96 + 5 * given.batch] * 2}))
    sizes = (folder, given.batch, given.device, given.dropout)
    plain, ours = PlainTraining(*sizes), [OurTraining(*sizes, half, given.compile) for half in (False, True)]
    spent = race(contests(plain, ours), given.rounds, given.device)
    of = "of the clock" if given.device == "cuda" else f"of the processor, {torch.get_num_threads()} thread(s)"
    lines = [
        f"Training UGCN, {given.device}, {given.batch} windows a step, dropout {given.dropout:g}; seconds {of}",
        f"{'ms a window':22}" + "".join(f" {name:>14}" for name in NAMES) + "".join(f"{' x':>8}" for _ in ours),
    ]
    for name, rows in spent.items():
        once = 1e3 * np.median(rows, axis=0) / given.batch
        ratios = np.median(rows[:, :1] / rows[:, 1:], axis=0)
        lines.append(f"{name:22}" + "".join(f" {one:14.3f}" for one in once) + "".join(f"{one:8.2f}" for one in ratios))
    steps = spent["whole step"]
    for name, ratios in zip(NAMES[1:], (steps[:, :1] / steps[:, 1:]).T, strict=True):
        spread = f"rounds {ratios.min():.2f} to {ratios.max():.2f}"
        lines.append(f"a step, {name}: {np.median(ratios):.2f} x plain torch (bar on the CPU {BAR:g}); {spread}")
    for name, one in zip(NAMES, np.median(steps, axis=0), strict=True):
        lines.append(f"{name}: {given.batch / one:.0f} windows a second {of}; {schedule(one / given.batch)}")
    return "\n".join(lines)


def schedule(a_window: float) -> str:
    """Say what the paper's schedule takes at so many seconds a window."""
    return f"the paper's {STEPS:,} steps of {BATCH}: {STEPS * BATCH * a_window / 3600:,.1f} hours"


def main(words: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=16, help="windows a step (default: 16; the paper: 256)")
    parser.add_argument("--dropout", type=float, default=0.5, help="of the network (default: 0.5, the paper's)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender (default: 5)")
    parser.add_argument("--threads", type=int, default=1, help="of torch on the CPU (default: 1)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--compile", default="", metavar="MODE", help="torch.compile for ours: default, reduce-overhead"
    )
    given = parser.parse_args(words)
    if given.device == "cuda" and not torch.cuda.is_available():
        sys.exit("bench_training: no GPU that torch can use; leave --device out")
    # Three contenders have more kernels than oneDNN keeps (1024), and would compile them anew in every turn.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8192")
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as folder:
        print(table(given, Path(folder)))


if __name__ == "__main__":
    main()
