"""Human3.6M brought into the one form of data, from the files that VideoPose3D made common.

3D: `data_3d_h36m.npz` (32 joints, world metres, 50 Hz) or the positions as released (`h36m_raw`). 2D: every
`data_2d_h36m_SOURCE.npz` beside it. They are pickles and are read without running anything in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.h36m.cameras import PLACES, cameras
from lifter.datasets.h36m.keypoints import PREFIX, projected, read_keypoints, read_layout
from lifter.datasets.h36m.names import ACTIONS, CORRUPT, FPS, KEPT, TAKES, TEST, take_name
from lifter.datasets.h36m.raw import read_raw
from lifter.datasets.pickles.unpickle import load_object
from lifter.datasets.poseset import SPLITS, Poses, write_keypoints, write_poses
from lifter.datasets.projection import world_to_camera
from lifter.errors import LifterError

Floats = NDArray[np.float32]
# Subject -> take -> (T, 32, 3) metres, world axes.
Recordings = dict[str, dict[str, Floats]]

# Between a child's thigh and a giant's, metres: anything else is another unit.
THIGH_M = (0.2, 0.8)
FARTHEST_M = 1e6


def prepare_h36m(
    source: Path,
    out: Path,
    validation: str | None = None,
    raw: bool = False,
    tell: Callable[[str], None] = lambda _line: None,
) -> Poses:
    """Write `poses.npz` and the keypoints of every 2D file, and ground-truth 2D (`gt`) in any case.

    Where there is no 2D file of the name, `gt` is the 3D projected with the lenses' distortion, as VideoPose3D
    makes it.

    Args:
        source: folder with VideoPose3D's files; with `raw`, one with `S1/MyPoseFeatures/D3_Positions/` and so on.
        out: folder to write to.
        validation: a training subject to hold out; none by default, as in the paper.
        raw: take the 3D as released.
        tell: is given a line for each 2D source.

    Raises:
        LifterError: a file is missing, of another kind, or does not fit the others.
    """
    recordings = read_raw(source) if raw else read_positions(source / "data_3d_h36m.npz")
    poses = to_poses(recordings, validation)
    del recordings
    files = {file.stem.removeprefix(PREFIX): file for file in sorted(source.glob(f"{PREFIX}*.npz"))}
    layouts = {name: read_layout(name, file) for name, file in files.items()}
    words = {"gt": "the 3D projected with lens distortion", **{name: made.words for name, made in layouts.items()}}
    poses = replace(poses, about={**poses.about, "keypoints": words})
    write_poses(out, poses)
    truth = projected(poses)
    if "gt" not in files:
        write_keypoints(out, truth)
        tell(f"gt: {words['gt']}")
    for name, file in files.items():
        made, cut = read_keypoints(file, poses, layouts[name])
        write_keypoints(out, made)
        far = np.linalg.norm(made.keypoints - truth.keypoints, axis=-1).mean()
        tell(f"{name}: {words[name]}; {far:.2f} px from the projected 3D on average, {cut} sequences cut to its length")
    return poses


def read_positions(path: Path) -> Recordings:
    """Read VideoPose3D's `data_3d_h36m.npz`.

    Raises:
        LifterError: not there, or not such a file.
    """
    data = load_object(path, "positions_3d")
    if not isinstance(data, Mapping) or not all(isinstance(takes, Mapping) for takes in data.values()):
        raise LifterError(f"{path}: positions_3d: a dict of subjects with a dict of takes each wanted")
    return {str(subject): {str(take): points for take, points in takes.items()} for subject, takes in data.items()}


def to_poses(recordings: Recordings, validation: str | None = None) -> Poses:
    """Bring world positions before each subject's four cameras: absolute camera positions of the 17 joints.

    Sequences are named `S9/Walking 1/54138969`. The category of a take is its first word, exactly: SittingDown is
    not Sitting. S11's Directions is left out wherever it comes from.

    Raises:
        LifterError: a subject without cameras, an action or an array of another kind, an unknown validation subject.
    """
    takes = [
        (subject, take_name(take), points)
        for subject, of_subject in sorted(recordings.items(), key=lambda item: (len(item[0]), item[0]))
        for take, points in sorted(of_subject.items())
        if (subject, take) != CORRUPT
    ]
    _check(takes, validation)
    views = [(subject, take, points, camera) for subject, take, points in takes for camera in cameras(subject)]
    lengths = np.array([len(points) for _, _, points, _ in views])
    positions = np.empty((lengths.sum(), len(KEPT), 3), np.float32)
    for end, (subject, take, points, camera) in zip(np.cumsum(lengths), views, strict=True):
        placed = world_to_camera(points[:, list(KEPT)], camera.orientation, camera.translation)
        if placed[..., 2].min() <= 0:
            raise LifterError(f"{subject}/{take}: behind camera {camera.name}; positions in world axes wanted")
        positions[end - len(points) : end] = placed
    subjects = [subject for subject, _, _, _ in views]
    return Poses(
        positions=positions,
        valid=np.ones(len(positions), bool),
        lengths=lengths,
        names=np.array([f"{subject}/{take}/{camera.name}" for subject, take, _, camera in views]),
        subjects=np.array(subjects),
        actions=np.array([take.split()[0] for _, take, _, _ in views]),
        cameras=np.array([camera.name for _, _, _, camera in views]),
        groups=np.full(len(views), "h36m"),
        splits=np.array([_split(subject, validation) for subject in subjects]),
        sizes=np.array([camera.size for _, _, _, camera in views], np.int32),
        intrinsics=np.array([camera.intrinsics for _, _, _, camera in views], np.float32),
        fps=np.full(len(views), FPS),
        about=_about(recordings, validation),
    )


def _check(takes: list[tuple[str, str, Any]], validation: str | None) -> None:
    there = {subject for subject, _, _ in takes}
    if not takes:
        raise LifterError("Human3.6M: no recordings in it")
    if strangers := sorted(there - set(PLACES)):
        raise LifterError(f"Human3.6M: {strangers[0]}: no cameras are published for it; it has {', '.join(PLACES)}")
    if validation is not None and validation not in there.difference(TEST):
        known = ", ".join(sorted(there.difference(TEST)))
        raise LifterError(f"validation: {validation!r} is no training subject here (there are: {known})")
    names = [(subject, take) for subject, take, _ in takes]
    for subject, take, points in takes:
        if take.split(" ")[0] not in ACTIONS or "/" in take or names.count((subject, take)) > 1:
            raise LifterError(f"{subject}/{take}: no take of Human3.6M, or there twice (actions: {', '.join(ACTIONS)})")
        if told := _wrong(points):
            raise LifterError(f"{subject}/{take}: {told}")


def _wrong(points: object) -> str:
    """Say what is wrong with the positions of a take."""
    if not isinstance(points, np.ndarray) or points.dtype.kind != "f" or points.shape[1:] != (32, 3):
        return f"(T, 32, 3) positions wanted, got {getattr(points, 'shape', type(points).__name__)}"
    if not len(points) or not np.isfinite(points).all():
        return "no frames, or numbers that are not finite"
    if np.abs(points).max() > FARTHEST_M:
        return f"places beyond {FARTHEST_M:g} m; metres wanted"
    thigh = float(np.median(np.linalg.norm(points[:, 2] - points[:, 1], axis=-1)))
    return "" if THIGH_M[0] < thigh < THIGH_M[1] else f"a thigh of {thigh:.3g} m; metres wanted"


def _split(subject: str, validation: str | None) -> str:
    if subject in TEST:
        return "test"
    return "validation" if subject == validation else "train"


def _about(recordings: Mapping[str, Mapping[str, Any]], validation: str | None) -> dict[str, Any]:
    there = {wanted: [s for s in PLACES if s in recordings and _split(s, validation) == wanted] for wanted in SPLITS}
    split = "; ".join(f"{wanted} {', '.join(subjects) or 'none'}" for wanted, subjects in there.items())
    incomplete = {}
    for subject in PLACES:
        count = len([take for take in recordings.get(subject, {}) if (subject, take) != CORRUPT])
        expected = TAKES - (subject == CORRUPT[0])
        if count != expected:
            incomplete[subject] = f"{count} of {expected} takes"
    return {
        "dataset": "Human3.6M",
        "protocol": f"{split}; four cameras, 50 Hz, all frames, without S11 Directions",
        "units": "metres",
        "incomplete": incomplete,
    }
