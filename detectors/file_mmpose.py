"""Reads MMPose's predictions: a film's file, or the folder of one file a picture, as its inferencer writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from detectors.base import DetectorError, People
from detectors.file_json import BROKEN, counted_from, files_of, joined, load, numbers, places_of, reason
from detectors.file_made import Made, people
from detectors.joints import COCO_17, H36M_17, VOCABULARIES

_WHOLE_BODY = 133  # joints of COCO-WholeBody, of which the first 17 are COCO's


def read_film(file: Path, joints: tuple[str, ...] | None = None) -> Made:
    """Read a film's predictions: [{frame_id, instances}], bare or as `instance_info` beside `meta_info`.

    Frames are counted from 0, as its inferencer does; where the smallest is 1, from 1, as its demos do.

    Args:
        file: the JSON file.
        joints: names of the joints; None where the file tells them, or their number does.

    Raises:
        DetectorError: broken, another layout, 3D, or joints we cannot name.
    """
    data = load(file)
    try:
        meta = data.get("meta_info", {}) if isinstance(data, dict) else {}
        rows = data["instance_info"] if isinstance(data, dict) else data
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError("expected a list of {frame_id, instances}")
        if rows and all("keypoints" in row for row in rows):
            raise ValueError("the people of one picture; name the folder of a film's pictures")
        places = [int(row.get("frame_id", index)) for index, row in enumerate(rows)]
        first = counted_from(places)
        frames = [(place - first, read_frame(row["instances"])) for place, row in zip(places, rows, strict=True)]
        names = meta.get("keypoint_id2name") if isinstance(meta, dict) else None
    except BROKEN as error:
        raise DetectorError(f"{file}: not MMPose's predictions: {reason(error)}") from error
    return joined(file, frames, joints or (_named(file, names) if names else None))


def is_folder(folder: Path) -> bool:
    """Return whether a folder's JSON files are MMPose's, one a picture, and not OpenPose's."""
    return isinstance(load(files_of(folder)[0]), list)


def read_folder(folder: Path, joints: tuple[str, ...] | None = None) -> Made:
    """Read the predictions of a film's pictures: a file for each, [{keypoints, keypoint_scores}].

    A file's frame is the number that its name ends in, counted from 0; where the smallest is 1, from 1. Where a name
    ends in none, pictures are taken in the order of their names, as MMPose takes them.

    Raises:
        DetectorError: as `read_film`.
    """
    files = files_of(folder)
    return joined(
        folder, [(place, _picture(file)) for place, file in zip(places_of(files), files, strict=True)], joints
    )


def _picture(file: Path) -> tuple[int, People | None]:
    """Read the people of one picture's file."""
    data = load(file)
    try:
        if not isinstance(data, list):
            raise ValueError("expected a list of people")
        if data and all("instances" in person for person in data):
            raise ValueError("the predictions of a film; name this file, not its folder")
        return read_frame(data)
    except BROKEN as error:
        raise DetectorError(f"{file}: not MMPose's predictions: {reason(error)}") from error


def read_frame(instances: Any) -> tuple[int, People | None]:
    """Read the people of one frame: the number of their joints (0 when nobody is there), and them.

    Raises:
        any of `BROKEN`: another layout; or key points in space.
    """
    if not instances:
        return 0, None
    points = numbers([person["keypoints"] for person in instances])
    if points.ndim != 3 or points.shape[2] not in (2, 3):
        raise ValueError(f"expected key points (people, joints, 2), got {points.shape}")
    scores = numbers([person["keypoint_scores"] for person in instances])
    if scores.shape != points.shape[:2]:
        raise ValueError(f"expected scores {points.shape[:2]}, got {scores.shape}")
    if points.shape[2] == 3 and not np.allclose(points[..., 2], scores, atol=1e-3, equal_nan=True):
        raise ValueError("3D key points; give those of a 2D model, in pixels")
    boxes = [np.reshape(numbers(person.get("bbox", [np.nan] * 4)), -1)[:4] for person in instances]
    joints = points.shape[1]
    if joints == _WHOLE_BODY:
        points, scores, joints = points[:, :17], scores[:, :17], 17
    return joints, people(points[..., :2], scores, numbers(boxes))


def _named(file: Path, names: Any) -> tuple[str, ...]:
    """Return the vocabulary of MMPose's own joint names."""
    rows = names.items() if isinstance(names, dict) else enumerate(names if isinstance(names, list) else [])
    said = tuple(str(name) for _, name in sorted(rows, key=lambda row: int(row[0])))
    if said[:17] == COCO_17 and len(said) == _WHOLE_BODY:
        return COCO_17
    if len(said) == 17 and said[0] == "root":  # Human3.6M under MMPose's names, in our order
        return H36M_17
    for vocabulary in VOCABULARIES.values():
        # Our names differ from MMPose's in a few places beside the limbs' (head_top, upper_neck).
        shared = sum(one == other for one, other in zip(said, vocabulary, strict=False))
        if len(said) == len(vocabulary) and shared >= 12:
            return vocabulary
    raise DetectorError(f"{file}: its {len(said)} joints ({', '.join(said[:4])}, ...) are none we know")
