"""What is kept of a live run: the film as it was shown, the arrays, and how late and how full it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from detectors.base import People
from lifter.joints import NAMES
from pipeline import store
from pipeline.errors import StoreError
from pipeline.folder import RunFolder
from pipeline.lens import straighten
from pipeline.live.motion import Posed
from pipeline.live.source import Source
from pipeline.path import follow
from pipeline.poses import Pose2D, Pose3D
from pipeline.settings import RunSettings
from pipeline.video.times import tick_of
from pipeline.video.write import VideoWriter

_CLOCK = Fraction(1, 90_000)


@dataclass(frozen=True)
class Shown:
    """A frame as it was shown.

    Attributes:
        index, seconds: of the source's frame.
        latency_s: from when it could be had until it was shown.
        rows: its people's detections, by number.
        found: what the detector found.
        posed: its people in space.
    """

    index: int
    seconds: float
    latency_s: float
    rows: Mapping[int, int]
    found: People
    posed: Posed


class LiveFilm(VideoWriter):
    """A film whose frames say themselves when they are shown, since nobody knows it beforehand.

    Args:
        path: the film to write.
        size: (W, H), both even.
        fps: usual rate.
        crf, preset: of the encoder.
    """

    def __init__(self, path: Path, size: tuple[int, int], fps: Fraction, crf: int, preset: str) -> None:
        super().__init__(path, size, fps=fps, time_base=_CLOCK, crf=crf, preset=preset)
        # Frames fall out, so that the rate varies: MP4 then gets the lengths of B-frames wrong. And nobody can wait.
        self._options |= {"bf": "0", "tune": "zerolatency"}
        self._stamps: list[int] = []

    def add(self, frame: NDArray[np.uint8], seconds: float) -> None:
        """Append a frame (H, W, 3) RGB that is shown so many seconds after the first."""
        tick = tick_of(seconds, _CLOCK)
        self._stamps.append(max(tick, self._stamps[-1] + 1) if self._stamps else tick)
        self.write(frame)

    def _tick(self, index: int) -> int:
        return self._stamps[index] - self._stamps[0]


class Recording:
    """A folder that is filled while a live run goes on; film and arrays are there when the block ends, however it does.

    Poses are kept in memory until then, about 70 MB an hour and person.

    Args:
        folder: a new folder, or an empty one.
        settings: of the run.
        source: what is watched.
        canvas: (W, H) of the film.
        joints: the detector's.
        summary: tells how the run went, for `run.json`.

    Raises:
        StoreError: the folder holds something, or cannot be written to.
    """

    def __init__(
        self,
        folder: Path,
        settings: RunSettings,
        source: Source,
        canvas: tuple[int, int],
        joints: tuple[str, ...],
        summary: Callable[[], dict[str, Any]],
    ) -> None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise StoreError(f"{folder}: is there already, and a live run cannot be run again; choose another --out")
        self._folder, self._settings = RunFolder(folder, "live"), settings
        self._size, self._fps, self._joints, self._summary = source.size, source.fps, joints, summary
        encoder = settings.encoder
        self._film = None
        if settings.render:
            self._film = LiveFilm(self._folder.film, canvas, source.fps, *encoder.used())
        self._shown: list[Shown] = []

    def __enter__(self) -> Self:
        try:
            self._folder.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self._folder.path}: cannot be made ({error.strerror}); choose --out") from error
        if self._film:
            self._film.__enter__()
        return self

    def add(self, shown: Shown, canvas: NDArray[np.uint8]) -> None:
        """Keep a frame."""
        if self._film:
            self._film.add(canvas, shown.seconds)
        self._shown.append(shown)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._shown:
            if self._film:
                self._film.__exit__(kind or StoreError, error, trace)  # an empty film would be no film
            return
        if self._film:  # also after a failure: nobody can film it again
            self._film.__exit__(None, None, None)
        self._save()

    def _save(self) -> None:
        """Write the arrays and `run.json`."""
        from pipeline.doctor import versions

        about = {
            "size": list(self._size),
            "fps": [self._fps.numerator, self._fps.denominator],
            "frames": np.array([shown.index for shown in self._shown], np.int64),
            "latency": np.array([shown.latency_s for shown in self._shown]),
        }
        flat = self._flat(self._joints)
        store.save_pose(self._folder.pose2d, flat, **about)
        store.save_pose(self._folder.pose3d, self._solid(flat), **about)
        self._folder.write_record({"live": self._summary(), "versions": versions()})

    def _times(self) -> NDArray[np.float64]:
        times = np.array([shown.seconds for shown in self._shown])
        return times - times[0] if len(times) else times

    def _flat(self, names: tuple[str, ...]) -> Pose2D:
        people = sorted({number for shown in self._shown for number in shown.rows})
        shape = (len(people), len(self._shown))
        keypoints, scores = np.zeros((*shape, len(names), 2), np.float32), np.zeros((*shape, len(names)), np.float32)
        boxes, valid = np.zeros((*shape, 4), np.float32), np.zeros(shape, np.bool_)
        for frame, shown in enumerate(self._shown):
            for number, row in shown.rows.items():
                person = people.index(number)
                keypoints[person, frame], scores[person, frame] = shown.found.keypoints[row], shown.found.scores[row]
                boxes[person, frame], valid[person, frame] = shown.found.boxes[row], True
        return Pose2D(keypoints, scores, boxes, valid, self._times(), names)

    def _solid(self, flat: Pose2D) -> Pose3D:
        """Return the poses as they were shown; only the paths are found afterwards, from the whole recording."""
        people = np.array(sorted({int(n) for shown in self._shown for n in shown.posed.people}), np.int64)
        shape = (len(people), len(self._shown), len(NAMES))
        positions, keypoints = np.zeros((*shape, 3), np.float32), np.zeros((*shape, 2), np.float32)
        scores, repairs = np.zeros(shape, np.float32), np.zeros(shape, np.uint8)
        valid = np.zeros(shape[:2], np.bool_)
        up = np.array([0.0, -1e-6, 0.0])
        for frame, shown in enumerate(self._shown):
            posed = shown.posed
            rows = np.searchsorted(people, posed.people)
            positions[rows, frame], keypoints[rows, frame] = posed.positions, posed.keypoints
            scores[rows, frame], repairs[rows, frame], valid[rows, frame] = posed.scores, posed.repairs, True
            up += posed.up if len(rows) else 0
        unit = (up / np.linalg.norm(up)).astype(np.float32)
        times, camera = flat.timestamps, self._settings.camera
        known = np.full(len(people), self._settings.height is not None)
        straight = straighten(keypoints, camera, self._size)
        root, sigma = follow(positions, straight, scores, valid, times, unit, self._size, camera, known)
        return Pose3D(
            positions, valid, times, NAMES, people, keypoints, scores, repairs, unit, root, sigma
        )  # fmt: skip
