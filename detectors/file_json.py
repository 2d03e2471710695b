"""Reads key points in JSON: OpenPose's folder of one file per frame, and MMPose's predictions of a film."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import DetectorError, People
from detectors.file_made import BY_COUNT, Made, people
from detectors.joints import COCO_17, H36M_17, VOCABULARIES

MAX_BYTES = 256 << 20  # of one file
MAX_FRAMES = 2_000_000
_BROKEN = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError)


def read_openpose(folder: Path) -> Made:
    """Read a folder that OpenPose wrote with --write_json, BODY_25.

    A file's frame is the number in its name, counted from 0; where the smallest is 1, they are counted from 1.

    Raises:
        DetectorError: no such files, a broken file, another body model, coordinates that are not pixels.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise DetectorError(f"{folder}: no .json files; expected OpenPose's, one for every frame")
    numbers = [re.search(r"(\d+)(?:_keypoints)?$", file.stem) for file in files]
    if all(numbers):
        places = [int(number[1]) for number in numbers if number]
        first = _counted_from(places)
        places = [place - first for place in places]
    else:
        places = list(range(len(files)))
    return _joined(folder, [(place, _openpose_frame(file)) for place, file in zip(places, files, strict=True)])


def _openpose_frame(file: Path) -> tuple[int, People | None]:
    """Read one frame: the number of joints (0 when nobody is there) and the people."""
    data = _load(file)
    try:
        rows = [person["pose_keypoints_2d"] for person in data["people"]]
        points = _numbers([np.reshape(_numbers(row), (-1, 3)) for row in rows if len(row)])
        if not points.size:
            return 0, None
        joints = points.shape[1]
        if joints == 25:
            seen = points[points[..., 2] > 0]
            if len(seen) and np.abs(seen[:, :2]).max() <= 1:
                raise DetectorError(f"{file}: coordinates are not pixels; run OpenPose with --keypoint_scale 0")
            return joints, people(points[..., :2], points[..., 2])
    except _BROKEN as error:
        raise DetectorError(f"{file}: not OpenPose's JSON: {_reason(error)}") from error
    name = {18: "COCO-18", 15: "MPI-15"}.get(joints, f"a model of {joints} joints")
    raise DetectorError(f"{file}: {name} is not supported; run OpenPose with --model_pose BODY_25")


def read_mmpose(file: Path) -> Made:
    """Read MMPose's predictions: [{frame_id, instances}], bare or as `instance_info` beside `meta_info`.

    Frames are counted from 0, as its inferencer does; where the smallest is 1, from 1, as its demos do.

    Raises:
        DetectorError: broken, another layout, or joints we cannot name.
    """
    data = _load(file)
    try:
        meta = data.get("meta_info", {}) if isinstance(data, dict) else {}
        rows = data["instance_info"] if isinstance(data, dict) else data
        if not isinstance(rows, list) or not all(isinstance(row, dict) and "instances" in row for row in rows):
            raise ValueError("expected a list of {frame_id, instances}")
        places = [int(row.get("frame_id", index)) for index, row in enumerate(rows)]
        first = _counted_from(places)
        frames = [(place - first, _mmpose_frame(row["instances"])) for place, row in zip(places, rows, strict=True)]
        names = meta.get("keypoint_id2name") if isinstance(meta, dict) else None
    except _BROKEN as error:
        raise DetectorError(f"{file}: not MMPose's predictions: {_reason(error)}") from error
    return _joined(file, frames, _named(file, names) if names else None)


def _mmpose_frame(instances: Any) -> tuple[int, People | None]:
    """Read the people of one frame."""
    if not instances:
        return 0, None
    points = _numbers([person["keypoints"] for person in instances])
    if points.ndim != 3 or points.shape[2] not in (2, 3):
        raise ValueError(f"expected key points (people, joints, 2), got {points.shape}")
    scores = _numbers([person["keypoint_scores"] for person in instances])
    boxes = [np.reshape(_numbers(person.get("bbox", [np.nan] * 4)), -1)[:4] for person in instances]
    joints = points.shape[1]
    if joints == 133:  # whole body: the first 17 are COCO's
        points, scores, joints = points[:, :17], scores[:, :17], 17
    return joints, people(points[..., :2], scores, _numbers(boxes))


def _named(file: Path, names: Any) -> tuple[str, ...]:
    """Return the vocabulary of MMPose's own joint names."""
    rows = names.items() if isinstance(names, dict) else enumerate(names if isinstance(names, list) else [])
    said = tuple(str(name) for _, name in sorted(rows, key=lambda row: int(row[0])))
    if said[:17] == COCO_17 and len(said) == 133:
        return COCO_17
    if len(said) == 17 and said[0] == "root":  # Human3.6M under MMPose's names, in our order
        return H36M_17
    for vocabulary in VOCABULARIES.values():
        # Our names differ from MMPose's in a few places beside the limbs' (head_top, upper_neck).
        shared = sum(one == other for one, other in zip(said, vocabulary, strict=False))
        if len(said) == len(vocabulary) and shared >= 12:
            return vocabulary
    raise DetectorError(f"{file}: its {len(said)} joints ({', '.join(said[:4])}, ...) are none we know")


def _joined(
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
        raise DetectorError(f"{path}: people of {count} joints are not known; supported are {sorted(BY_COUNT)}")
    places = [place for place, _ in frames]
    if min(places, default=0) < 0 or max(places, default=0) >= MAX_FRAMES or len(set(places)) != len(places):
        raise DetectorError(f"{path}: frame numbers are negative, doubled or beyond {MAX_FRAMES:,}")
    nobody = People.nobody(count)
    made = [nobody] * (max(places, default=-1) + 1)
    for place, (_, found) in frames:
        made[place] = found if found is not None else nobody
    return Made(joints, made)


def _counted_from(places: list[int]) -> int:
    """Return the number of a film's first frame: 1 where frames are numbered from 1; any other beginning is a place."""
    return 1 if min(places, default=0) == 1 else 0


def _numbers(rows: Any) -> NDArray[np.float64]:
    """Return an array of numbers, or raise ValueError; a null is not a number."""
    return np.asarray(rows, np.float64)


def _load(file: Path) -> Any:
    """Read a JSON file of bearable size."""
    if file.stat().st_size > MAX_BYTES:
        raise DetectorError(f"{file}: larger than {MAX_BYTES >> 20} MiB; split it")
    try:
        return json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DetectorError(f"{file}: not JSON: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """Return an error in a few words."""
    return f"{type(error).__name__} {str(error).splitlines()[0][:120] if str(error) else ''}".strip()
