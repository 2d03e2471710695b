"""What lifting live costs: the error at the newest frame of a window that ends now, and some frames before it.

    python tests/benchmarks/bench_live_delay.py --data work_dirs/data/wild [--keypoints noisy] [--points 240]

DATA is a prepared data set (`python -m lifter prepare`). From every sequence of the test split moments are drawn; at
each the lifter sees the window that ends there, and the one that ends a frame later. Columns, mm over 17 joints:

    MPJPE, P-MPJPE   of the frame `delay` frames before the window's end, at the training rate (50 Hz: 20 ms each);
    MPJVE            of its motion from the one window to the next, as a watcher sees it: a frame at 50 Hz.

Rows `end + N` fill the window with N more frames beyond the newest one: its pose held, or (`--zero`) all joints on the
pelvis; "mean" averages what the windows with these ends and the plain one say.
"whole film" is what `run` does: windows every 5 frames on both sides of the frame, averaged.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.poseset import PoseSet, read_poseset
from lifter.lifter import Lifter
from lifter.metrics import mpjpe, p_mpjpe
from lifter.screen import to_screen

Floats = NDArray[np.float32]
DELAYS = (0, 1, 2, 3, 5, 8, 12, 16, 24, 48)


def moments(data: PoseSet, window: int, points: int, seed: int) -> list[tuple[int, int]]:
    """Return (sequence, frame) of moments that have a window before them and one after them."""
    random = np.random.default_rng(seed)
    lengths = data.poses.lengths
    long = np.flatnonzero(lengths > 2 * window + 2)
    chosen = random.choice(long, points, replace=points > len(long))
    return [(int(s), int(random.integers(window, lengths[s] - window - 1))) for s in chosen]


def cut(data: PoseSet, sequence: int, first: int, count: int) -> tuple[Floats, Floats]:
    """Return keypoints (count, 17, 2) in pixels and the true pose (count, 17, 3) about the pelvis."""
    start = data.poses.frames(sequence).start + first
    positions = data.poses.positions[start : start + count]
    return data.keypoints[start : start + count], positions - positions[:, :1]


def filled(seen: Floats, beyond: int, zero: bool) -> Floats:
    """Let a window (T, 17, 2) end `beyond` frames later: the newest pose held, or every joint on its pelvis."""
    last = np.repeat(seen[-1:, :1], 17, axis=1) if zero else seen[-1:]
    return np.concatenate([seen[beyond:], np.repeat(last, beyond, axis=0)]) if beyond else seen


def causal(lifter: Lifter, data: PoseSet, chosen: list[tuple[int, int]], beyond: int, zero: bool) -> Floats:
    """Return (points, 2, window, 17, 3): the windows that end at each moment and one frame later."""
    window = lifter.recipe.window
    seen = []
    for sequence, frame in chosen:
        size = tuple(data.poses.sizes[sequence].tolist())
        for end in (frame, frame + 1):
            part = filled(cut(data, sequence, end + 1 - window, window)[0], beyond, zero)
            seen.append(to_screen(part, size) if lifter.recipe.normalisation == "screen" else part)
    lifted = [lifter.lift_uniform(part) for part in seen]
    return np.stack(lifted).reshape(len(chosen), 2, window, 17, 3)


def whole(lifter: Lifter, data: PoseSet, chosen: list[tuple[int, int]]) -> Floats:
    """Return (points, 2, 17, 3): the frames at each moment and one later, with a window's length on both sides."""
    window = lifter.recipe.window
    found = []
    for sequence, frame in chosen:
        part = cut(data, sequence, frame + 1 - window, 2 * window)[0]
        if lifter.recipe.normalisation == "screen":
            part = to_screen(part, tuple(data.poses.sizes[sequence].tolist()))
        found.append(lifter.lift_uniform(part)[window - 1 : window + 1])
    return np.stack(found)


def row(label: str, lifted: Floats, truth: Floats) -> str:
    """Score (points, 2, 17, 3) against the truth of the same frames."""
    lifted = lifted - lifted[:, :, :1]
    flat, true = lifted.reshape(-1, 17, 3), truth.reshape(-1, 17, 3)
    moved = (lifted[:, 1] - lifted[:, 0]) - (truth[:, 1] - truth[:, 0])
    velocity = 1000 * float(np.linalg.norm(moved, axis=-1).mean())
    return f"| {label} | {mpjpe(flat, true):.1f} | {p_mpjpe(flat, true):.1f} | {velocity:.1f} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keypoints", default="noisy")
    parser.add_argument("--lifter", default="ugcn")
    parser.add_argument("--points", type=int, default=240)
    parser.add_argument("--beyond", type=int, nargs="*", default=[5, 10, 15], help="frames filled in beyond the newest")
    parser.add_argument("--zero", type=int, default=0, metavar="N", help="fill N frames with zeros")
    parser.add_argument("--no-whole", action="store_true", help="leave out the whole film")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    data = read_poseset(given.data, given.keypoints).split("test")
    lifter = Lifter(given.lifter, "cpu", phased=False)
    window = lifter.recipe.window
    chosen = moments(data, window, given.points, given.seed)
    truth = np.stack([cut(data, s, f + 1 - window, window + 1)[1] for s, f in chosen])
    pairs = np.stack([truth[:, :-1], truth[:, 1:]], axis=1)  # (points, 2, window, 17, 3)
    print(f"{len(chosen)} moments, {given.keypoints}\n| frames before the end | MPJPE | P-MPJPE | MPJVE |")
    plain = causal(lifter, data, chosen, 0, False)
    for delay in DELAYS:
        print(row(str(delay), plain[:, :, -1 - delay], pairs[:, :, -1 - delay]), flush=True)
    newest = [plain[:, :, -1]]
    for beyond in given.beyond:
        newest.append(causal(lifter, data, chosen, beyond, False)[:, :, -1 - beyond])
        print(row(f"0, end + {beyond}", newest[-1], pairs[:, :, -1]), flush=True)
        if len(newest) > 2:
            print(row(f"0, mean of those {len(newest)} ends", np.mean(newest, axis=0), pairs[:, :, -1]), flush=True)
    if given.zero:
        lifted = causal(lifter, data, chosen, given.zero, True)
        print(row(f"0, end + {given.zero} zero", lifted[:, :, -1 - given.zero], pairs[:, :, -1]), flush=True)
    if not given.no_whole:
        print(row("whole film", whole(lifter, data, chosen), pairs[:, :, -1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
