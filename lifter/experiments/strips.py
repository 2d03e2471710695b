"""Figures 5 and 7 of the paper: poses of chosen frames side by side, what was seen above what was lifted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.poseset import BROKEN, PoseSet
from lifter.errors import LifterError
from lifter.lifter import Lifter
from lifter.sequences import from_pelvis, lift_sequence, number_of

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Bytes = NDArray[np.uint8]
UP = (0.0, -1.0, 0.0)  # against gravity, of a level camera


@dataclass(frozen=True)
class Row:
    """A row of a figure, with N frames in it.

    Attributes:
        title: at its left.
        poses: (N, 17, 2) pixels, or (N, 17, 3) metres, camera axes, pelvis 0.
        captions: N lines beneath the frames, or none.
        behind: poses of the same shape drawn in grey behind: the truth.
        pictures: N pictures (H, W, 3) beneath 2D poses, or none.
        up: the direction against gravity in camera axes.
    """

    title: str
    poses: Floats
    captions: Sequence[str] = ()
    behind: Floats | None = None
    pictures: Sequence[Bytes] = ()
    up: tuple[float, float, float] = UP

    @property
    def flat(self) -> bool:
        """It shows 2D poses."""
        return int(self.poses.shape[-1]) == 2


@dataclass(frozen=True)
class Strip:
    """A figure: rows over the same frames, told by their column heads."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...] = field(default_factory=tuple)


def compared(data: PoseSet, sequence: str, frames: Sequence[int], lifters: Sequence[tuple[str, Lifter]]) -> Strip:
    """Figure 5: the 2D of some frames, what each lifter makes of it, and the truth (in grey behind each).

    The paper shows its full system; name a lifter trained without motion loss beside it to see what that does.

    Args:
        data: the sequence's reference and key points.
        sequence: its name.
        frames: of the sequence, from 0.
        lifters: (title, lifter) for each row.

    Raises:
        LifterError: no such sequence or frame.
    """
    number = number_of(data.poses, sequence)
    at = data.poses.frames(number)
    chosen = _chosen(frames, at.stop - at.start, sequence)
    truth = from_pelvis(data.poses.positions[at])[chosen]
    rows = [Row(f"2D, {data.source}", data.keypoints[at][chosen])]
    for title, lifter in lifters:
        lifted = lift_sequence(lifter, data, number)[chosen]
        errors = 1000 * np.linalg.norm(lifted - truth, axis=-1).mean(axis=-1)
        rows.append(Row(title, lifted, [f"{error:.0f} mm" for error in errors], truth))
    rows.append(Row("truth", truth))
    heads = tuple(f"frame {frame} ({frame / data.poses.fps[number]:.2f} s)" for frame in chosen)
    return Strip(": ".join(filter(None, (str(data.poses.about.get("dataset", "")), sequence))), heads, tuple(rows))


def filmed(run: Path, frames: Sequence[int], person: int = 1, film: Path | None = None) -> Strip:
    """Figure 7: a film's result, `pose3d.npz` of a run folder: its 2D on the film's pictures, and the 3D.

    Args:
        run: the folder.
        frames: of the film, from 0.
        person: which one, from 1.
        film: the film itself, to show its pictures; None shows the 2D alone.

    Raises:
        LifterError: no such result, person or frame, one without the person in it, or a film without the frame.
    """
    result = _Result.read(run, person)
    chosen = _chosen(frames, len(result.valid), str(run))
    if missing := [frame for frame in chosen if not result.valid[frame]]:
        raise LifterError(f"{run}: person {person} is not in frame {missing[0]}; choose others")
    rows = (
        Row("2D", result.keypoints[chosen], pictures=() if film is None else pictures(film, chosen)),
        Row("3D", result.positions[chosen], up=result.up),
    )
    return Strip(run.resolve().name, tuple(f"{result.timestamps[frame]:.2f} s" for frame in chosen), rows)


def tracked(run: Path, person: int = 1) -> NDArray[np.int64]:
    """Return the frames of a film's result that a person is in; raises as `filmed`."""
    return np.flatnonzero(_Result.read(run, person).valid)


@dataclass(frozen=True)
class _Result:
    """One person of a film: positions (T, 17, 3), keypoints (T, 17, 2), valid (T,), timestamps (T,), up."""

    positions: Floats
    keypoints: Floats
    valid: NDArray[np.bool_]
    timestamps: Doubles
    up: tuple[float, float, float]

    @classmethod
    def read(cls, run: Path, person: int) -> _Result:
        """Read `run/pose3d.npz`.

        Raises:
            LifterError: not there, damaged, or without that person.
        """
        path = run / "pose3d.npz"
        if not path.is_file():
            raise LifterError(f"{run}: no pose3d.npz; name the folder that a run of the pipeline left")
        names = ("positions", "keypoints", "valid", "timestamps", "up")
        try:
            with np.load(path, allow_pickle=False) as file:
                positions, keypoints, valid, timestamps, up = (file[name] for name in names)
            people, frames = valid.shape
            shapes = {"positions": (people, frames, 17, 3), "keypoints": (people, frames, 17, 2)}
            if (positions.shape, keypoints.shape) != tuple(shapes.values()) or timestamps.shape != (frames,):
                raise ValueError(f"positions {positions.shape}, keypoints {keypoints.shape}, valid {valid.shape}")
            if not all(np.isfinite(array).all() for array in (positions, keypoints, up)) or not np.any(up):
                raise ValueError("numbers that are not finite, or no up")
            x, y, z = (float(part) for part in up)
        except BROKEN as error:
            raise LifterError(f"{path}: not a result of the pipeline ({' '.join(str(error).split())})") from error
        if not 1 <= person <= people:
            raise LifterError(f"{path}: no person {person}; it holds {people}")
        if not valid[person - 1].any():
            raise LifterError(f"{path}: person {person} is in no frame")
        return cls(positions[person - 1], keypoints[person - 1], valid[person - 1], timestamps, (x, y, z))


def pictures(film: Path, frames: Sequence[int]) -> list[Bytes]:
    """Return the pictures (H, W, 3) RGB of some frames of a film, upright, in the order asked for.

    Raises:
        LifterError: it cannot be read, or ends before.
    """
    import cv2

    found: dict[int, Bytes] = {}
    capture = cv2.VideoCapture(str(film))
    try:
        for number in range(max(frames) + 1):
            there, picture = capture.read()
            if not there:
                raise LifterError(f"{film}: cannot be read as a film up to frame {max(frames)} (got {number} frames)")
            if number in frames:
                found[number] = np.asarray(picture[..., ::-1], dtype=np.uint8)
    finally:
        capture.release()
    return [found[frame] for frame in frames]


def seen_from(poses: Floats | Doubles, up: tuple[float, float, float], azimuth: float, elevation: float) -> Floats:
    """Turn poses (..., 3), camera axes, for a drawing: (..., 3) with x right, y up, z towards the viewer.

    At azimuth 0 the viewer stands where the camera stood, but level; at 90 he has walked to the person's right of
    the picture and looks to its left. Nothing is mirrored.

    Args:
        poses: metres.
        up: against gravity, camera axes.
        azimuth: degrees about the vertical.
        elevation: degrees the viewer looks down.
    """
    right, vertical, away = level_axes(up)
    a, e = np.radians(azimuth), np.radians(elevation)
    right, towards = np.cos(a) * right + np.sin(a) * away, np.sin(a) * right - np.cos(a) * away
    top = np.cos(e) * vertical - np.sin(e) * towards
    towards = np.cos(e) * towards + np.sin(e) * vertical
    return np.asarray(poses @ np.stack([right, top, towards], axis=-1), dtype=np.float32)


def level_axes(up: tuple[float, float, float]) -> tuple[Doubles, Doubles, Doubles]:
    """Return right, up and away of a level viewer at the camera's place: (3,) unit vectors in camera axes."""
    vertical = np.asarray(up, np.float64) / max(float(np.linalg.norm(up)), 1e-9)
    # A camera that looks straight down has no level direction away: there it is the top of its picture.
    towards_horizon = np.array([0.0, 0.0, 1.0]) if abs(vertical[2]) < 0.999 else np.array([0.0, -1.0, 0.0])
    away = towards_horizon - towards_horizon @ vertical * vertical
    away /= np.linalg.norm(away)
    return np.cross(away, vertical), vertical, away


def _chosen(frames: Sequence[int], length: int, what: str) -> list[int]:
    if not frames:
        raise LifterError("frames: name some, as 10,40,70")
    for frame in frames:
        if not 0 <= frame < length:
            raise LifterError(f"frame {frame}: {what} has frames 0 to {length - 1}")
    return list(frames)


def spread(length: int, count: int = 6) -> list[int]:
    """Return frames evenly over a sequence, without its very ends."""
    return sorted({int(length * (i + 0.5) / count) for i in range(count)})
