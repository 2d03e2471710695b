"""What a run left in its folder, as the page needs it: poses, the picture's size and rate, the film's name and hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import store
from pipeline.camera import Camera
from pipeline.cut import Cut
from pipeline.errors import PipelineError, StoreError
from pipeline.folder import RunFolder
from pipeline.poses import Pose3D


@dataclass(frozen=True)
class KeptRun:
    """A run that is done.

    Attributes:
        folder: where its files lie.
        pose: the people.
        size: (W, H) pixels of the upright film.
        fps: its nominal frames per second.
        name: what the film was called.
        sha256: of the film's content; empty where nobody knows.
        cut: which part of the film it is of.
        begins_s: when in the film its first frame was shown, in seconds.
        camera: what was known of the lens.
    """

    folder: RunFolder
    pose: Pose3D
    size: tuple[int, int]
    fps: float
    name: str
    sha256: str
    cut: Cut
    begins_s: float
    camera: Camera

    def world(self) -> NDArray[np.float32]:
        """Return (P, T, 17, 3) metres in the room in which the film shows people: z up, the floor at 0."""
        from pipeline.room import place

        pose = self.pose
        return place(
            pose.positions,
            pose.keypoints,
            pose.scores,
            pose.valid,
            pose.up,
            self.size,
            self.fps,
            self.camera,
            pose.root,
        )


def open_run(run: Path) -> KeptRun:
    """Read a run's folder.

    Raises:
        PipelineError: it is none, or its poses are damaged.
    """
    if not run.is_dir():
        what = "a file" if run.is_file() else "not there"
        raise PipelineError(f"{run}: {what}; name the folder of a run, as runs/film")
    films = sorted(run.glob("*_3d.mp4"))
    stem = films[0].name.removesuffix("_3d.mp4") if len(films) == 1 else run.resolve().name
    folder = RunFolder(run, stem)
    if not folder.pose3d.is_file():
        raise PipelineError(f"{run}: holds no pose3d.npz; run `python -m pipeline run` first, or name another folder")
    pose = store.load_pose3d(folder.pose3d)
    size, fps = _picture_of(folder.pose3d)
    record = folder.read_record()
    video = record.get("video")
    about = video if isinstance(video, dict) else {}
    name = str(about.get("name") or stem)
    sha256 = store.read_about(folder.pose3d, "video") or str(about.get("sha256", ""))
    return KeptRun(folder, pose, size, fps, name, sha256, *store.read_cut(folder.pose3d), _camera_of(record))


def _picture_of(path: Path) -> tuple[tuple[int, int], float]:
    """Return the film's size in pixels and its rate, which lie beside the poses.

    Raises:
        StoreError: they do not.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            width, height = (int(side) for side in data["size"])
            over, under = (int(part) for part in data["fps"])
        if min(width, height, over, under) < 1:
            raise ValueError(f"size {width}x{height}, rate {over}/{under}")
        return (width, height), over / under
    except store.DAMAGE as error:
        raise StoreError(f"{path}: does not tell the film's size and rate ({error}); run lift again") from error


def _camera_of(record: Mapping[str, Any]) -> Camera:
    """Return the lens that `run.json` says was known; what is not of that form is unknown."""
    try:
        return Camera.of_lens(record["settings"]["lift"]["lens"])
    except (KeyError, TypeError, ValueError, IndexError):
        return Camera()
