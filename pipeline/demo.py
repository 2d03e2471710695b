"""The demo: draw a person whose 2D and 3D are known, run the pipeline on the film, and say how far off it was.

`python -m pipeline.demo [VIDEO] [--output DIR] [--seconds S]`; with a video of your own there is no truth to compare
with, and the main job runs alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline import store
from pipeline.errors import StoreError
from pipeline.folder import RunFolder
from pipeline.progress import Console, Tick
from pipeline.settings import RunSettings

if TYPE_CHECKING:
    from render.drawn import DrawnFilm

FPS = 25
DRAWING = 1  # raised by whoever changes what is drawn
SIZE = (960, 540)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit code."""
    from pipeline.guard import guarded

    parser = argparse.ArgumentParser(
        prog="python -m pipeline.demo", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("video", nargs="?", type=Path, help="a film of your own instead of the drawn one")
    parser.add_argument("--output", type=Path, default=Path("runs"), metavar="DIR")
    parser.add_argument("--seconds", type=_length, default=9.0, help="length of the drawn film")
    given = parser.parse_args(arguments)
    return guarded(lambda: demo(given.video, given.output, given.seconds))


def _length(text: str) -> float:
    seconds = float(text)
    if not 0.2 <= seconds <= 600:
        raise argparse.ArgumentTypeError("0.2 to 600 seconds wanted")
    return seconds


def demo(video: Path | None, output: Path, seconds: float) -> int:
    """Draw the film unless one is given, run the main job, print files, figures and errors."""
    from pipeline.run import run

    console = Console()
    truth = None
    if video is None:
        truth = drawn_film(seconds)
        video = output / "demo" / "drawn.mp4"
        write_drawn_once(truth, video, seconds, console)
    folder = run(video, RunSettings(output=output), console)
    report(folder, console)
    if truth is not None:
        console.say(compare(folder, truth))
    return 0


def draw_clip(path: Path, seconds: float = 3.0) -> Path:
    """Draw the demo's person to a film, for whoever has none at hand; return its path."""
    write_drawn(drawn_film(seconds), path, Console(quiet=True))
    return path


def drawn_film(seconds: float) -> DrawnFilm:
    """Return a person who walks, waves and squats, seen by a camera that looks down a little."""
    from render.drawn import DrawnFilm, demo_motion, look_at

    motion = demo_motion(seconds, FPS)
    focal_px = 1150 * SIZE[1] / 720
    return DrawnFilm([motion], look_at((4.3, 0.4, 1.25), (0.0, 0.4, 0.95), focal_px, SIZE), fps=FPS)


def write_drawn_once(film: DrawnFilm, path: Path, seconds: float, console: Console) -> None:
    """Draw the film unless it is there, whole and of this length: encoders do not repeat themselves to the byte."""
    note = path.with_suffix(".json")
    made_from = {"version": DRAWING, "seconds": seconds, "size": SIZE, "fps": FPS}
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
        if known == {"made_from": store.fingerprint(made_from), "sha256": store.content_hash(path)}:
            return
    except (OSError, ValueError, RecursionError, StoreError):
        pass  # not there, or damaged: drawn anew
    write_drawn(film, path, console)
    about = {"made_from": store.fingerprint(made_from), "sha256": store.content_hash(path)}
    store.write_whole(note, lambda file: file.write(json.dumps(about).encode()))


def write_drawn(film: DrawnFilm, path: Path, console: Console) -> None:
    """Draw the film to a file."""
    from pipeline.progress import ticking
    from pipeline.video import VideoWriter

    path.parent.mkdir(parents=True, exist_ok=True)
    tick: Tick
    with console.stage("draw", len(film)) as tick, VideoWriter(path, film.size, fps=Fraction(FPS), crf=16) as writer:
        for frame in ticking(film, tick):
            writer.write(frame)
    console.say(f"   draw  {len(film)} frames -> {path}")


def report(folder: RunFolder, console: Console) -> None:
    """Print which files are there and how long each stage took."""
    record = folder.read_record()
    for file in (folder.pose2d, folder.pose3d, folder.film, folder.record):
        console.say(f"wrote  {file}")
    for name, stage in record.get("stages", {}).items():
        seconds, frames = float(stage["seconds"]), int(stage["frames"])
        console.say(f"{name:>7}  {frames} frames  {seconds:6.1f} s  {frames / max(seconds, 1e-9):7.1f} frames/s")


@dataclass(frozen=True)
class Errors:
    """How far the found 2D and 3D are from what was drawn: over the 12 joints of arms and legs.

    Attributes:
        seen, frames: in how many frames of how many the person was found.
        flat_percent: median error of the key points, in hundredths of the body's height in the picture.
        solid_mm: P-MPJPE.
    """

    seen: int
    frames: int
    flat_percent: float
    solid_mm: float


def errors_of(folder: RunFolder, film: DrawnFilm) -> Errors | None:
    """Compare what a run found with what was drawn; None where nobody was found."""
    from lifter import joints
    from lifter.metrics import p_mpjpe

    pose = store.load_pose3d(folder.pose3d)
    if not len(pose.positions) or not pose.valid[0].any():
        return None
    limbs = list(joints.LIMBS_12)
    seen = pose.valid[0]
    height = np.ptp(film.keypoints[0, :, :, 1], axis=1)[seen, None]
    off = np.linalg.norm(pose.keypoints[0] - film.keypoints[0], axis=-1)[seen][:, limbs]
    error = p_mpjpe(pose.positions[0][seen][:, limbs], film.positions_camera[0][seen][:, limbs])
    return Errors(int(seen.sum()), len(seen), 100 * float(np.median(off / height)), float(error))


def compare(folder: RunFolder, film: DrawnFilm) -> str:
    """Say how far the found 2D and 3D are from what was drawn."""
    errors = errors_of(folder, film)
    if errors is None:
        return "truth  nobody was found"
    return (
        f"truth  person found in {errors.seen} of {errors.frames} frames; 2D error {errors.flat_percent:.2f} % of "
        f"body height (median); 3D error {errors.solid_mm:.1f} mm (P-MPJPE, 12 limb joints)"
    )


if __name__ == "__main__":
    sys.exit(main())
