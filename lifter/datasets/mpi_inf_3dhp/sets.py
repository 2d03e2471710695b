"""MPI-INF-3DHP brought into the one form of data, from its own files or from those that papers share.

The paper's Table 9 does not say its protocol (annotation, frames, joints), so ours is told in `about`: numbers on
it stand beside that table, not against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.mpi_inf_3dhp import layout as layout
from lifter.datasets.mpi_inf_3dhp.layout import Take
from lifter.datasets.mpi_inf_3dhp.mat import read_mat, testing_files, training_files
from lifter.datasets.mpi_inf_3dhp.npz import npz_files, read_npz
from lifter.datasets.poseset import Poses, PoseSet
from lifter.errors import LifterError

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Pinhole:
    """A camera found by `fit_pinhole`: (4,) f_x, f_y, c_x, c_y and the root mean square it leaves, all pixels."""

    intrinsics: Doubles
    left_px: float


def read_mpi_inf_3dhp(source: Path, annotation: str = "univ_annot3", validation: str | None = None) -> PoseSet:
    """Read MPI-INF-3DHP with its 2D annotations as keypoints (source "gt").

    Training: S1 to S8, two sequences each, 8 cameras. Test: TS1 to TS6 with all their frames, `valid` being
    `valid_frame`; groups are the three scenes that results are told by. Positions keep the pelvis where the
    annotation has it; frame rates are the native ones (25 or 50).

    Args:
        source: a folder with `S1/Seq1/annot.mat` ... and `TS1/annot_data.mat` ... (also inside
            `mpi_inf_3dhp_test_set`), or with `data_train_3dhp.npz` and `data_test_3dhp.npz`.
        annotation: `univ_annot3`, scaled to one body height, as most papers take it; or `annot3`, the true sizes,
            which only the original files hold. Training and test always have the same one.
        validation: a training subject to hold out, for example "S8".

    Raises:
        LifterError: nothing to read there, both forms in one folder, or files that are not what they should be.
    """
    if annotation not in layout.ANNOTATIONS:
        raise LifterError(f"annotation: {' or '.join(layout.ANNOTATIONS)} wanted, got {annotation!r}")
    if validation not in (None, *layout.SUBJECTS):
        raise LifterError(f"validation: one of {', '.join(layout.SUBJECTS)} wanted, got {validation!r}")
    original, common = bool(training_files(source) or testing_files(source)), bool(npz_files(source))
    if original and common:
        raise LifterError(f"{source}: holds annot*.mat and data_*_3dhp.npz; keep one form of the data set in a folder")
    if not original and not common:
        raise LifterError(
            f"{source}: no MPI-INF-3DHP; S1/Seq1/annot.mat ..., TS1/annot_data.mat ... or data_*_3dhp.npz wanted"
        )
    if common and annotation != "univ_annot3":
        raise LifterError(f"{source}: the npz files hold univ_annot3 alone; {annotation} takes the original files")
    takes = list(read_mat(source, annotation) if original else read_npz(source))
    if not takes:
        raise LifterError(f"{source}: the files hold no sequence")
    if validation and validation not in {one.subject for one in takes}:
        raise LifterError(f"{source}: no sequence of {validation} to validate on")
    return assemble(takes, annotation, validation)


def assemble(takes: Sequence[Take], annotation: str, validation: str | None) -> PoseSet:
    """Lay takes one behind the other and add what is known of them.

    Raises:
        LifterError: a take that no camera can have seen.
    """
    pinholes = [_pinhole(one) for one in takes]
    seen = [finite(one.keypoints) for one in takes]
    texts = np.array(
        [
            (one.name, one.subject, one.sequence or one.subject, one.camera, layout.TESTS.get(one.subject, "train"),
             _split(one, validation))
            for one in takes
        ]
    )  # fmt: skip
    poses = Poses(
        positions=np.concatenate([hold(one.positions, finite(one.positions)) for one in takes]),
        valid=np.concatenate([one.valid for one in takes]),
        lengths=np.array([len(one.valid) for one in takes], np.int64),
        **dict(zip(("names", "subjects", "actions", "cameras", "groups", "splits"), texts.T, strict=True)),
        sizes=np.array([one.size for one in takes], np.int32),
        intrinsics=np.array([one.intrinsics for one in pinholes], np.float32),
        fps=np.array([one.fps for one in takes], np.float64),
        about=_about(takes, pinholes, annotation, validation),
    )
    keypoints = np.concatenate([hold(one.keypoints, at) for one, at in zip(takes, seen, strict=True)])
    found = np.concatenate(seen)
    scores = np.repeat(found[:, None], len(layout.TO_HUMAN36M), axis=1).astype(np.float32)
    return PoseSet(poses, "gt", keypoints, scores, found)


def fit_pinhole(keypoints: Floats, positions: Floats) -> Pinhole:
    """Find the pinhole that puts positions nearest to their keypoints, by least squares over x and y apart.

    Args:
        keypoints: (N, 2) pixels.
        positions: (N, 3), camera axes, any unit, in front of the camera.

    Raises:
        LifterError: positions at or behind the camera, or no picture that a camera could take.
    """
    places, pixels = positions.astype(np.float64), keypoints.astype(np.float64)
    if not len(places) or not (places[:, 2] > 0).all():
        raise LifterError("positions do not lie in front of the camera; were they made relative to the pelvis?")
    slopes = places[:, :2] / places[:, 2:]
    spread = slopes - slopes.mean(axis=0)
    focal = (spread * pixels).sum(axis=0) / np.maximum(np.square(spread).sum(axis=0), 1e-12)
    if not (focal > 0).all():
        raise LifterError("keypoints are no picture of the positions (x to the right, y down, z away wanted)")
    centre = pixels.mean(axis=0) - focal * slopes.mean(axis=0)
    left = np.square(slopes * focal + centre - pixels).sum(axis=1).mean()
    return Pinhole(np.concatenate([focal, centre]), float(np.sqrt(left)))


def hold(values: Floats, good: NDArray[np.bool_]) -> Floats:
    """Give frames (T, ...) that are not good the values of the last good one; the first good one's before it."""
    if good.all():
        return values
    if not good.any():
        return np.zeros_like(values)
    last = np.maximum.accumulate(np.where(good, np.arange(len(good)), -1))
    held: Floats = values[np.where(last < 0, int(np.argmax(good)), last)]
    return held


def finite(values: Floats) -> NDArray[np.bool_]:
    """(T,) frames of (T, J, C) that hold numbers throughout."""
    return np.asarray(np.isfinite(values).all(axis=(1, 2)), bool)


def _pinhole(one: Take) -> Pinhole:
    at = one.valid & finite(one.keypoints)
    try:
        if not at.any():
            raise LifterError("no valid frame with keypoints")
        return fit_pinhole(one.keypoints[at].reshape(-1, 2), one.positions[at].reshape(-1, 3))
    except LifterError as error:
        raise LifterError(f"{one.name}: {error}") from error


def _split(one: Take, validation: str | None) -> str:
    return "test" if one.subject in layout.TESTS else "validation" if one.subject == validation else "train"


def _about(
    takes: Sequence[Take], pinholes: Sequence[Pinhole], annotation: str, validation: str | None
) -> dict[str, Any]:
    left = np.array([one.left_px for one in pinholes])
    names = {one.name for one in takes}
    expected = [
        "_".join((subject, sequence, f"camera{camera}")) for subject, sequence, camera in layout.training_keys()
    ]
    scored = sum(int(one.valid.sum()) for one in takes if one.subject in layout.TESTS)
    held_out = f"{validation} held out for validation" if validation else "no subject held out for validation"
    return {
        "dataset": "mpi_inf_3dhp",
        "protocol": (
            f"{annotation} in training and test; train S1-S8, cameras {', '.join(map(str, layout.CAMERAS))}, "
            f"{held_out}; test TS1-TS6, windows over all frames, valid frames scored ({scored} here, "
            f"{layout.TEST_SCORED} in all); 2D ground truth; native frame rates; PCK and AUC over the 14 official "
            "joints, MPJPE over 17 with the pelvis at 0, averages over all scored frames; Table 9 of the paper does "
            "not say its protocol"
        ),
        "annotation": annotation,
        "score_joints": list(layout.SCORE_JOINTS),
        "units": "metres",
        "fps": f"training: by sequence; test: not in the files, {layout.TEST_FPS:g} taken",
        "intrinsics": (
            "not in the files; least-squares pinhole of each sequence's keypoints to its positions"
            + ("" if annotation == "annot3" else "; approximate: scaled bodies do not project onto their keypoints")
        ),
        "intrinsics_left_px": {"median": round(float(np.median(left)), 3), "largest": round(float(left.max()), 3)},
        "missing": [name for name in [*expected, *layout.TESTS] if name not in names],
        # First frame and name of each activity of the test sequences; the npz files do not tell them.
        "activities": {one.name: [list(run) for run in one.activities] for one in takes if one.activities},
    }
