"""Human3.6M's 2D: the ground truth by projection, and the files of detections in any of their layouts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.h36m.cameras import LENSES, Camera, cameras
from lifter.datasets.h36m.layouts import Layout, layout_of, to_h36m
from lifter.datasets.h36m.names import KEPT, take_name
from lifter.datasets.pickles.unpickle import load_object
from lifter.datasets.poseset import Poses, PoseSet
from lifter.datasets.projection import project
from lifter.errors import LifterError

Floats = NDArray[np.float32]
PREFIX = "data_2d_h36m_"


def projected(poses: Poses) -> PoseSet:
    """Return the ground-truth 2D of Human3.6M sequences: their positions projected with lens distortion."""
    keypoints = np.empty((*poses.positions.shape[:2], 2), np.float32)
    for index in range(len(poses)):
        camera = _camera(poses, index)
        at = poses.frames(index)
        keypoints[at] = project(poses.positions[at], camera.intrinsics, camera.distortion)
    return _pose_set(poses, "gt", keypoints)


def read_layout(source: str, path: Path) -> Layout:
    """Read what a 2D file says of its joints.

    Raises:
        LifterError: nothing, or a layout that is not known.
    """
    try:
        return layout_of(source, load_object(path, "metadata"))
    except (ValueError, TypeError, OverflowError) as error:
        raise LifterError(f"{path}: {error}") from error


def read_keypoints(path: Path, poses: Poses, layout: Layout) -> tuple[PoseSet, int]:
    """Read a 2D file for the sequences there are; longer ones are cut to the motion capture's length.

    Returns:
        The keypoints in Human3.6M's 17 joints, and how many sequences were cut.

    Raises:
        LifterError: a sequence that is not there, shorter than its motion capture, or of another kind.
    """
    data = load_object(path, "positions_2d")
    if not isinstance(data, Mapping) or not all(isinstance(takes, Mapping) for takes in data.values()):
        raise LifterError(f"{path}: positions_2d: a dict of subjects with a dict of takes each wanted")
    found = {(subject, take_name(str(take))): views for subject, takes in data.items() for take, views in takes.items()}
    keypoints = np.empty((*poses.positions.shape[:2], 2), np.float32)
    cut = 0
    for index, name in enumerate(poses.names.tolist()):
        subject, take, _ = name.split("/")
        points, wanted = _view(found.get((subject, take)), _number(poses, index), layout), int(poses.lengths[index])
        if points is None:
            raise LifterError(f"{path}: {name}: not there as (T, {len(layout.names)}, 2) pixels for each of 4 cameras")
        if len(points) < wanted:
            raise LifterError(f"{path}: {name}: {len(points)} frames, fewer than the {wanted} of the motion capture")
        cut += len(points) > wanted
        keypoints[poses.frames(index)] = to_h36m(points[:wanted], layout)
    return _pose_set(poses, path.stem.removeprefix(PREFIX), keypoints), cut


def _view(views: Any, number: int, layout: Layout) -> NDArray[np.floating[Any]] | None:
    """Return what one camera saw; None where it is not (T, J, 2) finite numbers."""
    several = isinstance(views, list | tuple) or (isinstance(views, np.ndarray) and views.ndim > 0)
    if not several or len(views) != len(LENSES):
        return None
    points = views[number]
    fits = isinstance(points, np.ndarray) and points.dtype.kind == "f" and points.shape[1:] == (len(layout.names), 2)
    return points if fits and np.isfinite(points).all() else None


def _number(poses: Poses, index: int) -> int:
    names = [camera.name for camera in cameras(str(poses.subjects[index]))]
    return names.index(str(poses.cameras[index]))


def _camera(poses: Poses, index: int) -> Camera:
    return cameras(str(poses.subjects[index]))[_number(poses, index)]


def _pose_set(poses: Poses, source: str, keypoints: Floats) -> PoseSet:
    frames = len(keypoints)
    return PoseSet(poses, source, keypoints, np.ones((frames, len(KEPT)), np.float32), np.ones(frames, bool))
