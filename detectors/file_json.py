"""Reads key points in JSON: what all layouts share, and OpenPose's folder of one file per frame."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import DetectorError, People
from detectors.file_made import BY_COUNT, Made, people

MAX_BYTES = 256 << 20  # of one file
MAX_FOLDER_BYTES = 4 << 30  # of a folder's files together
MAX_FRAMES = 2_000_000
# What reading JSON of another layout raises.
BROKEN = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError)


def read_openpose(folder: Path) -> Made:
    """Read a folder that OpenPose wrote with --write_json, BODY_25.

    A file's frame is the number in its name, counted from 0; where the smallest is 1, they are counted from 1.

    Raises:
        DetectorError: no such files, a broken file, another body model, coordinates that are not pixels.
    """
    files = files_of(folder)
    return joined(folder, [(place, _openpose_frame(file)) for place, file in zip(places_of(files), files, strict=True)])


def files_of(folder: Path) -> list[Path]:
    """Return a folder's JSON files by name.

    Raises:
        DetectorError: there is none, or they are too large together.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise DetectorError(f"{folder}: no .json files; expected OpenPose's or MMPose's, one for every frame")
    if sum(file.stat().st_size for file in files) > MAX_FOLDER_BYTES:
        raise DetectorError(f"{folder}: its .json files are larger than {MAX_FOLDER_BYTES >> 30} GiB together")
    return files


def places_of(files: list[Path]) -> list[int]:
    """Return the frame of each file: the number its name ends in, or, where one has none, its place by name."""
    found = [re.search(r"(\d+)(?:_keypoints)?$", file.stem) for file in files]
    places = [int(number[1]) for number in found if number]
    if len(places) < len(files):
        return list(range(len(files)))
    first = counted_from(places)
    return [place - first for place in places]


def _openpose_frame(file: Path) -> tuple[int, People | None]:
    """Read one frame: the number of joints (0 when nobody is there) and the people."""
    data = load(file)
    try:
        rows = [person["pose_keypoints_2d"] for person in data["people"]]
        points = numbers([np.reshape(numbers(row), (-1, 3)) for row in rows if len(row)])
        if not points.size:
            return 0, None
        joints = points.shape[1]
        if joints == 25:
            seen = points[points[..., 2] > 0]
            if len(seen) and np.abs(seen[:, :2]).max() <= 1:
                raise DetectorError(f"{file}: coordinates are not pixels; run OpenPose with --keypoint_scale 0")
            return joints, people(points[..., :2], points[..., 2])
    except BROKEN as error:
        raise DetectorError(f"{file}: not OpenPose's JSON: {reason(error)}") from error
    name = {18: "COCO-18", 15: "MPI-15"}.get(joints, f"a model of {joints} joints")
    raise DetectorError(f"{file}: {name} is not supported; run OpenPose with --model_pose BODY_25")


def joined(
    path: Path, frames: list[tuple[int, tuple[int, People | None]]], joints: tuple[str, ...] | None = None
) -> Made:
    """Put the frames in their places; the joints are told, or recognised by their number."""
    counts = {count for _, (count, _) in frames if count}
    if len(counts) > 1:
        raise DetectorError(f"{path}: frames of different joint counts {sorted(counts)}; make it anew with one model")
    count = counts.pop() if counts else 17
    if joints is None:
        joints = BY_COUNT.get(count)
    if joints is None or len(joints) != count:
        known = ", ".join(str(number) for number in sorted(BY_COUNT))
        given = "" if joints is None else f" --joints names {len(joints)},"
        raise DetectorError(f"{path}: people of {count} joints;{given} known without --joints are {known}")
    places = [place for place, _ in frames]
    if min(places, default=0) < 0 or max(places, default=0) >= MAX_FRAMES or len(set(places)) != len(places):
        raise DetectorError(f"{path}: frame numbers are negative, doubled or beyond {MAX_FRAMES:,}")
    nobody = People.nobody(count)
    made = [nobody] * (max(places, default=-1) + 1)
    for place, (_, found) in frames:
        made[place] = found if found is not None else nobody
    return Made(joints, made)


def counted_from(places: list[int]) -> int:
    """Return the number of a film's first frame: 1 where frames are numbered from 1; any other beginning is a place."""
    return 1 if min(places, default=0) == 1 else 0


def numbers(rows: Any) -> NDArray[np.float64]:
    """Return an array of numbers, or raise ValueError; a null is not a number."""
    return np.asarray(rows, np.float64)


def load(file: Path) -> Any:
    """Read a JSON file of bearable size."""
    if file.stat().st_size > MAX_BYTES:
        raise DetectorError(f"{file}: larger than {MAX_BYTES >> 20} MiB; split it")
    try:
        return json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DetectorError(f"{file}: not JSON: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """Return an error in a few words."""
    return f"{type(error).__name__} {str(error).splitlines()[0][:120] if str(error) else ''}".strip()
