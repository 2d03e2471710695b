"""Whole processes against the floor: rendering beside ffmpeg, and each verb's processor time, wall and peak memory.

    python tests/benchmarks/bench_run.py                     # a drawn 1080p film of noise in motion
    python tests/benchmarks/bench_run.py --film film.mp4 --rounds 5
    python tests/benchmarks/bench_run.py --people 2 --only render pictures reading start

Rendering's floors are the ffmpeg program with the same encoder settings and no drawing at all: "pictures" decodes the
film and encodes the very pictures that rendering hands to its encoder, kept in a file (reading them, "reading", is
taken off again); "transcode" decodes and encodes the finished film (what was encoded once is smoother, and encodes
faster); "pad" decodes the film and encodes it in a canvas of that size whose right part is black. The verbs and the
floors take turns; medians of processor seconds, which a busy machine disturbs least, are compared. `run` is set beside
its stages alone: processor seconds beside their sum, wall beside that of the slowest, which says something only where
processors are free: the load is printed too. What grows with a film's length: `bench_memory.py`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import imageio_ffmpeg
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
ENCODING = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-profile:v", "high", "-pix_fmt", "yuv420p"]


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


def people_film(path: Path, size: str, frames: int, count: int) -> Path:
    """Write a film of drawn people side by side, at 25 frames a second, and beside it (.npz) where their joints are."""
    from detectors.joints import H36M_17
    from pipeline.video import VideoWriter
    from render.drawn import DrawnFilm, demo_motion, look_at

    width, height = map(int, size.split("x"))
    motion = demo_motion(frames / 25, 25)[:frames]
    people = [motion + np.array([0, 1.4 * (index - (count - 1) / 2), 0]) for index in range(count)]
    camera = look_at((4.3 + 0.7 * (count - 1), 0.4, 1.25), (0.0, 0.4, 0.95), 1.6 * height, (width, height))
    film = DrawnFilm(people, camera, fps=25)
    with VideoWriter(path, film.size, fps=25, crf=16) as writer:
        for frame in film:
            writer.write(frame)
    low, high = film.keypoints.min(axis=2), film.keypoints.max(axis=2)
    np.savez(
        path.with_suffix(".npz"), keypoints=film.keypoints, scores=np.full(film.keypoints.shape[:3], 0.9, np.float32),
        boxes=np.concatenate([low, high], axis=-1), valid=film.valid, joints=np.array(H36M_17),
    )  # fmt: skip
    return path


def compare(film: Path, folder: Path, rounds: int, only: list[str], detector: list[str], mode: str) -> None:
    """Print each verb and the floors, in turns, and rendering as a multiple of the floors."""
    own = [film, "--output", folder]
    made = folder / film.stem / f"{film.stem}_3d.mp4"
    verbs = {
        "detect": pipeline("detect", *own, *detector),
        "lift": pipeline("lift", *own, "--lift-mode", mode),
        "render": pipeline("render", *own),
        "run": pipeline("run", *own, *detector, "--lift-mode", mode, "--from", "detect"),
    }
    for command in list(verbs.values())[:3]:
        measure(command)
    width, height = canvas_size(made)
    kept = folder / "made.mp4"  # what is transcoded is what is rendered anew: the same picture, the same view
    shutil.copy(made, kept)
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}", "-i", kept_pictures(film, folder)]
    floors = {
        "pictures": ffmpeg(
            "-i", film, *raw, "-map", "0:v", "-f", "null", "-", "-map", "1:v", *encoding(film), folder / "floor.mp4"
        ),
        "reading": ffmpeg(*raw, "-f", "null", "-"),
        "transcode": ffmpeg("-i", kept, *encoding(film), folder / "floor.mp4"),
        "pad": ffmpeg("-i", film, "-vf", f"pad={width}:{height}", *encoding(film), folder / "floor.mp4"),
        "start": [sys.executable, "-c", "import av, cv2, numpy"],
    }
    turns = {name: command for name, command in {**verbs, **floors}.items() if name in (only or (*verbs, *floors))}
    results = {"detect": made.with_name("pose2d.npz"), "lift": made.with_name("pose3d.npz"), "render": made}
    costs: dict[str, list[Cost]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, command in turns.items():
            if name in results:
                results[name].unlink()  # a verb with nothing to do would cost nothing
            costs[name].append(measure(command))
    middle = {name: statistics.median(cost.cpu for cost in many) for name, many in costs.items()}
    for name, many in costs.items():
        wall, peak = (statistics.median(getattr(cost, what) for cost in many) for what in ("wall", "peak"))
        print(f"{name:>10}: {middle[name]:7.2f} s processor, {wall:7.2f} s wall, {peak:5.0f} MB peak")
    if {"pictures", "reading"} <= {*middle}:
        middle["pictures"] -= middle["reading"]
    for floor in ("pictures", "transcode", "pad"):
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


def kept_pictures(film: Path, folder: Path) -> Path:
    """Render once more, and return a file of what was handed to the encoder: yuv420p, picture after picture."""
    from pipeline.cli import main as command
    from pipeline.video import VideoWriter

    encode, kept = VideoWriter.write, folder / "pictures.yuv"
    (folder / film.stem / f"{film.stem}_3d.mp4").unlink()
    with kept.open("wb") as file:

        def write(writer: VideoWriter, picture: np.ndarray) -> None:
            file.write(picture.tobytes())
            encode(writer, picture)

        with patch.object(VideoWriter, "write", write):
            command(["render", str(film), "--output", str(folder), "--quiet"])
    return kept


def encoding(film: Path) -> list[str]:
    """Return the pipeline's settings of x264 for a film: a key frame every two seconds, to which a player can jump."""
    from pipeline.video import probe

    return [*ENCODING, "-g", str(round(2 * probe(film).fps))]


def canvas_size(film: Path) -> tuple[int, int]:
    """Return the (W, H) of a film."""
    from pipeline.video import probe

    return probe(film).size


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--film", type=Path, help="instead of a drawn one")
    parser.add_argument("--people", type=int, help="a drawn film of so many people, whose key points are known")
    parser.add_argument("--size", default="1920x1080", help="of the drawn film")
    parser.add_argument("--frames", type=int, default=300, help="of the drawn film")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--only", nargs="+", default=[], help="of detect lift render run pictures reading transcode pad start"
    )
    parser.add_argument("--detector", default="scripted")
    parser.add_argument(
        "--random-weights", action="store_true", help="of an MMPose detector, on whole pictures: its time is the same"
    )
    parser.add_argument("--mode", default="sequence", choices=("windows", "sequence"), help="of lifting")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        detector = ["--detector", given.detector]
        if given.random_weights:
            import random_weights

            random_weights.write_pose(folder / "pose.pth", given.detector)
            detector += ["--checkpoint", str(folder / "pose.pth"), "--box-model", "full-frame"]
        if given.people:
            film = people_film(folder / "people.mp4", given.size, given.frames, given.people)
            detector = ["--detector", "file", "--keypoints", str(film.with_suffix(".npz"))]
        else:
            film = given.film or drawn_film(folder / "drawn.mp4", given.size, given.frames)
        compare(film, folder, given.rounds, given.only, detector, given.mode)


if __name__ == "__main__":
    main()
