"""Whole processes against the floor: rendering beside ffmpeg, and each verb's processor time, wall and peak memory.

    python tests/benchmarks/bench_run.py                     # a drawn 1080p film of noise in motion
    python tests/benchmarks/bench_run.py --film film.mp4 --rounds 5

Rendering's floors are the ffmpeg program with the same encoder settings and no drawing at all: "transcode" decodes and
encodes the finished film itself (the same picture size, the same content), "pad" decodes the film and encodes it in a
canvas of that size whose right part is black. The verbs and the floors take turns; medians of processor seconds, which
a busy machine disturbs least, are compared. `run` is set beside its stages alone: processor seconds beside their sum,
wall beside that of the slowest, which says something only where processors are free: the load is printed too. What
grows with a film's length: `bench_memory.py`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

ROOT = Path(__file__).resolve().parents[2]
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
# As the pipeline's: a key frame every two seconds of 30 frames a second, as a player wants them for jumping.
ENCODING = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-profile:v", "high"]
ENCODING += ["-pix_fmt", "yuv420p", "-g", "60"]


@dataclass(frozen=True)
class Cost:
    """One process: processor seconds, wall seconds, peak memory in MB."""

    cpu: float
    wall: float
    peak: float


def measure(command: list[str]) -> Cost:
    """Run a command to its end and return what it cost.

    Raises:
        RuntimeError: it failed.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"failed: {' '.join(command)}")
    return Cost(used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024)


def ffmpeg(*words: str | Path) -> list[str]:
    """Return a command of the ffmpeg program."""
    return [FFMPEG, "-nostdin", "-v", "error", "-y", *map(str, words)]


def pipeline(*words: str | Path) -> list[str]:
    """Return a command of the pipeline."""
    return [sys.executable, "-m", "pipeline", *map(str, words), "--quiet"]


def drawn_film(path: Path, size: str, frames: int) -> Path:
    """Write a film with texture and motion: a zooming fractal."""
    source = f"mandelbrot=size={size}:rate=30:end_scale=0.01:end_pts=2000"
    subprocess.run(ffmpeg("-f", "lavfi", "-i", source, "-frames:v", str(frames), *ENCODING, path), check=True)
    return path


def compare(film: Path, folder: Path, rounds: int, only: list[str], detector: str, mode: str) -> None:
    """Print each verb and the floors, in turns, and rendering as a multiple of the floors."""
    own = [film, "--output", folder]
    made = folder / film.stem / f"{film.stem}_3d.mp4"
    verbs = {
        "detect": pipeline("detect", *own, "--detector", detector),
        "lift": pipeline("lift", *own, "--lift-mode", mode),
        "render": pipeline("render", *own),
        "run": pipeline("run", *own, "--detector", detector, "--lift-mode", mode, "--from", "detect"),
    }
    for command in list(verbs.values())[:3]:
        measure(command)
    width, height = canvas_size(made)
    floors = {
        "transcode": ffmpeg("-i", made, *ENCODING, folder / "floor.mp4"),
        "pad": ffmpeg("-i", film, "-vf", f"pad={width}:{height}", *ENCODING, folder / "floor.mp4"),
        "start": [sys.executable, "-c", "import av, cv2, numpy, scipy.ndimage"],
    }
    turns = {name: command for name, command in {**verbs, **floors}.items() if name in (only or (*verbs, *floors))}
    # A verb with nothing to do would cost nothing: another view each time has a film to make.
    costs: dict[str, list[Cost]] = {name: [] for name in turns}
    for turn in range(rounds):
        for name, command in turns.items():
            view = ["--view", str(turn + 1)] if name in ("render", "run") else []
            if name in ("detect", "lift"):
                (folder / film.stem / ("pose2d.npz" if name == "detect" else "pose3d.npz")).unlink()
            costs[name].append(measure(command + view))
    middle = {name: statistics.median(cost.cpu for cost in many) for name, many in costs.items()}
    for name, many in costs.items():
        wall, peak = (statistics.median(getattr(cost, what) for cost in many) for what in ("wall", "peak"))
        print(f"{name:>10}: {middle[name]:7.2f} s processor, {wall:7.2f} s wall, {peak:5.0f} MB peak")
    for floor in ("transcode", "pad"):
        if {"render", "start", floor} <= {*middle}:
            whole, without = middle["render"] / middle[floor], (middle["render"] - middle["start"]) / middle[floor]
            print(f"render is {whole:.2f} x {floor} ({without:.2f} x without the start of Python)")
    if {*verbs} <= {*middle}:
        alone = sum(middle[name] for name in ("detect", "lift", "render"))
        print(f"run is {middle['run'] / alone:.2f} x its stages alone, processor seconds")
        wall = {name: statistics.median(cost.wall for cost in costs[name]) for name in verbs}
        slowest = max(("detect", "lift", "render"), key=lambda name: wall[name])
        load, processors = os.getloadavg()[0], os.cpu_count()
        ratio = wall["run"] / wall[slowest]
        print(f"run is {ratio:.2f} x {slowest} alone, wall (load {load:.1f} on {processors} processors)")


def canvas_size(film: Path) -> tuple[int, int]:
    """Return the (W, H) of a film."""
    sys.path.insert(0, str(ROOT))
    from pipeline.video import probe

    return probe(film).size


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--film", type=Path, help="instead of a drawn one")
    parser.add_argument("--size", default="1920x1080", help="of the drawn film")
    parser.add_argument("--frames", type=int, default=300, help="of the drawn film")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=[], help="of detect lift render run transcode pad start")
    parser.add_argument("--detector", default="scripted")
    parser.add_argument("--mode", default="sequence", choices=("windows", "sequence"), help="of lifting")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        film = given.film or drawn_film(folder / "drawn.mp4", given.size, given.frames)
        compare(film, folder, given.rounds, given.only, given.detector, given.mode)


if __name__ == "__main__":
    main()
