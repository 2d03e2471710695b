"""What a longer film takes of memory: whole processes, resident, a minute against an hour.

    python tests/benchmarks/bench_memory.py                                    # 1, 5 and 10 minutes, `run`, scripted
    python tests/benchmarks/bench_memory.py --minutes 1 60 --verbs detect lift render --mode sequence
    python tests/benchmarks/bench_memory.py --detector mediapipe --minutes 1 60 --verbs detect

The film is a drawn person who walks there and back, small, 25 frames a second: twenty seconds are drawn, and lengthened
by copying the compressed stream, so that an hour is written in seconds and holds the 90,000 frames of an hour. What
counts is the peak of the resident memory of the process and all that it started, looked at twice a second, or the
kernel's own peak of one process where that is higher.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import psutil

ROOT = Path(__file__).resolve().parents[2]
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
FPS, DRAWN_S = 25, 20
BAR_MB = 200.0


@dataclass(frozen=True)
class Cost:
    """One command: the largest resident memory of all its processes together, MB, and processor and wall seconds."""

    peak: float
    cpu: float
    wall: float


def loop(path: Path, size: tuple[int, int]) -> Path:
    """Draw a person who walks and walks back, so that the end joins the beginning."""
    sys.path.insert(0, str(ROOT))
    from pipeline.video import VideoWriter
    from render.drawn import DrawnFilm, demo_motion, look_at

    camera = look_at((4.3, 0.4, 1.25), (0.0, 0.4, 0.95), 1.6 * size[1], size)
    film = DrawnFilm([demo_motion(DRAWN_S / 2, FPS)], camera, fps=FPS)
    there = path.with_stem("there")
    with VideoWriter(there, film.size, fps=Fraction(FPS), crf=20) as writer:
        for frame in film:
            writer.write(frame)
    back = "[0:v]split[a][b];[b]reverse[c];[a][c]concat=n=2"
    ffmpeg("-i", there, "-filter_complex", back, "-c:v", "libx264", "-preset", "veryfast", "-g", FPS, path)
    return path


def lengthened(part: Path, minutes: float, path: Path) -> Path:
    """Write a film of so many minutes by repeating one of `DRAWN_S` seconds, without decoding it."""
    times = round(minutes * 60 / DRAWN_S)
    ffmpeg("-stream_loop", times - 1, "-i", part, "-c", "copy", path)
    return path


def ffmpeg(*words: str | int | Path) -> None:
    """Run the ffmpeg program."""
    subprocess.run([FFMPEG, "-nostdin", "-v", "error", "-y", *map(str, words)], check=True)


def watch(command: list[str], every_s: float = 0.5) -> Cost:
    """Run a command to its end, looking at the memory of all its processes.

    Raises:
        RuntimeError: it failed.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began, peak, ended = time.perf_counter(), 0, 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    tree = psutil.Process(process.pid)
    while not ended:
        peak = max(peak, resident(tree), own_peak(process.pid))
        time.sleep(every_s)
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"failed: {' '.join(command)}")
    return Cost(peak / 2**20, used.ru_utime + used.ru_stime, time.perf_counter() - began)


def resident(process: psutil.Process) -> int:
    """Return the resident bytes of a process and of all that it started."""
    total = 0
    for one in (process, *children(process)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def own_peak(number: int) -> int:
    """Return the peak in bytes that Linux keeps of one process; 0 elsewhere, and where it has ended.

    Not the one of `os.wait4`: that begins with the memory of whoever started the process.
    """
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{number}/status").read_text(encoding="utf-8"))
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def children(process: psutil.Process) -> list[psutil.Process]:
    """Return what a process started, and what that started; nothing where it has ended."""
    try:
        found: list[psutil.Process] = process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return found


def commands(verb: str, film: Path, output: Path, detector: str, mode: str) -> list[str]:
    """Return the command line of a verb."""
    extra = {
        "detect": ["--detector", detector],
        "lift": ["--lift-mode", mode],
        "run": ["--detector", detector, "--lift-mode", mode],
        "export": ["--format", "bvh,csv,npz"],
    }.get(verb, [])
    where = [str(output / film.stem)] if verb == "export" else [str(film), "--output", str(output)]
    return [sys.executable, "-m", "pipeline", verb, *where, *extra, "--quiet"]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", nargs="+", type=float, default=[1, 5, 10], help="lengths, the shortest first")
    parser.add_argument("--verbs", nargs="+", default=["run"], help="of run detect lift render export, in this order")
    parser.add_argument("--detector", default="scripted")
    parser.add_argument("--mode", default="windows", choices=("windows", "sequence"), help="of lifting")
    parser.add_argument("--size", default="320x180")
    given = parser.parse_args()
    width, height = (int(side) for side in given.size.split("x"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        part = loop(folder / "part.mp4", (width, height))
        films = [lengthened(part, minutes, folder / f"{minutes:g}min.mp4") for minutes in given.minutes]
        print(f"{given.detector}, {given.mode}, {given.size}; load {os.getloadavg()[0]:.1f}")
        for verb in given.verbs:
            peaks = []
            for film, minutes in zip(films, given.minutes, strict=True):
                cost = watch(commands(verb, film, folder / "runs", given.detector, given.mode))
                peaks.append(cost.peak)
                more = f"  +{cost.peak - peaks[0]:.0f} MB" if len(peaks) > 1 else ""
                print(
                    f"{verb:>7} {minutes:4g} min: {cost.peak:6.0f} MB peak, {cost.cpu:7.1f} s processor{more}",
                    flush=True,
                )
            if len(peaks) > 1:
                tell(verb, given.minutes, peaks)


def tell(verb: str, minutes: list[float], peaks: list[float]) -> None:
    """Print what an hour adds to the shortest film, from the two longest, and whether that is within the bar."""
    each = (peaks[-1] - peaks[-2]) / (minutes[-1] - minutes[-2])
    hour = peaks[-1] - peaks[0] + each * max(60 - minutes[-1], 0)
    how = "measured" if minutes[-1] >= 60 else "carried on from the last two"
    print(f"{verb:>7} an hour: +{hour:.0f} MB ({how}), bar {BAR_MB:.0f}: {'kept' if hour <= BAR_MB else 'MISSED'}")


if __name__ == "__main__":
    main()
