"""A drawn set on disk: a film a scene, `poses.npz` and `keypoints_gt.npz`; films that are there are not drawn again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline import store
from pipeline.drawn.plan import DrawSettings, Scene, plan
from pipeline.drawn.takes import Take, make_take
from pipeline.progress import Console

if TYPE_CHECKING:
    from lifter.datasets.poseset import PoseSet

DRAWING = 1  # raised by whoever changes what is drawn
VIDEO = "video"  # folder of the films


@dataclass(frozen=True)
class Drawn:
    """The truth of a film: (T, 17, 3) metres in camera axes, (T, 17, 2) pixels, and its camera."""

    positions: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    size: tuple[int, int]
    intrinsics: tuple[float, float, float, float]
    kind: str


def draw_set(settings: DrawSettings, console: Console, jobs: int = 1) -> None:
    """Draw what is not drawn yet, then write the set.

    Raises:
        LifterError: no motion capture, or a folder that cannot be written to.
        VideoError: a film cannot be written.
    """
    from lifter.datasets.poseset import write_keypoints, write_poses

    scenes = plan(settings)
    folder = settings.out / VIDEO
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with console.stage("draw", len(scenes)) as tick:
        for drawn in _each(scenes, partial(draw_scene, folder=folder, fps=settings.fps), jobs):
            made.append(drawn)
            tick(1)
    truth = truth_of(scenes, made, settings)
    write_poses(settings.out, truth.poses)
    console.say(
        f"   draw  {len(scenes)} films, {len(truth.keypoints)} frames  -> {write_keypoints(settings.out, truth)}"
    )


def _each(scenes: list[Scene], draw: partial[Drawn], jobs: int) -> Iterator[Drawn]:
    if jobs <= 1:
        yield from map(draw, scenes)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(draw, scenes)


def draw_scene(scene: Scene, folder: Path, fps: int) -> Drawn:
    """Draw a scene into `folder`, unless its film is there, whole and drawn from the same; return its truth."""
    motion, random = scene.motion(fps)
    take = make_take(motion, fps, random)
    film, path = take.film, folder / f"{scene.stem}.mp4"
    made_from = {
        "version": DRAWING, "fps": fps, "seed": list(scene.seed),
        "motion": hashlib.sha256(motion.tobytes()).hexdigest(), "crf": take.crf,
    }  # fmt: skip
    note, mark = path.with_suffix(".json"), store.fingerprint(made_from)
    if not (path.is_file() and _mark(note) == mark):
        write_film(take, path, fps)
        store.write_whole(note, lambda file: file.write(json.dumps({"made_from": mark}).encode()))
    return Drawn(film.positions_camera[0], film.keypoints[0], film.size, take.intrinsics, take.kind)


def write_film(take: Take, path: Path, fps: int) -> None:
    """Draw a film to a file, compressed as it is to be."""
    from pipeline.video import VideoWriter

    with VideoWriter(path, take.film.size, fps=fps, crf=take.crf, threads=1) as writer:
        for frame in take.film:
            writer.write(frame)


def _mark(note: Path) -> str:
    try:
        return str(json.loads(note.read_text(encoding="utf-8"))["made_from"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return ""  # not there, or damaged: drawn anew


def truth_of(scenes: list[Scene], made: list[Drawn], settings: DrawSettings) -> PoseSet:
    """Return the poses and exact key points of drawn scenes as a prepared set."""
    from lifter.datasets.poseset import Poses, PoseSet

    def column(values: Iterator[Any]) -> NDArray[np.str_]:
        return np.array(list(values), np.str_)

    positions = np.concatenate([one.positions for one in made])
    whole = np.ones(len(positions), bool)
    poses = Poses(
        positions=positions,
        valid=whole,
        lengths=np.array([len(one.positions) for one in made], np.int64),
        names=column(scene.name for scene in scenes),
        subjects=column(scene.recording.subject for scene in scenes),
        actions=column(scene.recording.action for scene in scenes),
        cameras=column(one.kind for one in made),
        groups=column(scene.recording.group for scene in scenes),
        splits=column(scene.recording.split for scene in scenes),
        sizes=np.array([one.size for one in made], np.int32),
        intrinsics=np.array([one.intrinsics for one in made], np.float32),
        fps=np.full(len(made), float(settings.fps)),
        about={
            "dataset": "drawn people performing motion capture",
            "protocol": "a film a sequence, bodies of random adults", "units": "metres, pixels",
            "seed": settings.seed, "drawing": DRAWING,
        },
    )  # fmt: skip
    return PoseSet(
        poses, "gt", np.concatenate([one.keypoints for one in made]), np.ones(positions.shape[:2], np.float32), whole
    )
