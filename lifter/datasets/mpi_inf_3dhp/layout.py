"""What is known of MPI-INF-3DHP apart from its files: joints, sequences, cameras, pictures; and one take of it.

Numbers are those of the data set's own tools (`mpii_get_joint_set`, `mpii_get_sequence_info`, `mpii_get_camera_set`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lifter.errors import LifterError

Floats = NDArray[np.float32]

ANNOTATIONS = ("univ_annot3", "annot3")
# The 28 joints of training annotations.
JOINTS_28: tuple[str, ...] = (
    "spine3", "spine4", "spine2", "spine", "pelvis", "neck", "head", "head_top", "left_clavicle", "left_shoulder",
    "left_elbow", "left_wrist", "left_hand", "right_clavicle", "right_shoulder", "right_elbow", "right_wrist",
    "right_hand", "left_hip", "left_knee", "left_ankle", "left_foot", "left_toe", "right_hip", "right_knee",
    "right_ankle", "right_foot", "right_toe",
)  # fmt: skip
# The 17 of them that test annotations and the common files hold, in that order; the pelvis is joint 14 there.
RELEVANT: tuple[int, ...] = (7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6)
# Human3.6M joint <- which of the 17: thorax <- neck, neck <- head, head <- head_top.
TO_HUMAN36M: tuple[int, ...] = (14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4)
# The official groups that PCK and AUC are taken over hold the first 14: pelvis, spine and head are left out.
SCORE_JOINTS: tuple[int, ...] = tuple(joint for joint, theirs in enumerate(TO_HUMAN36M) if theirs < 14)

CAMERAS: tuple[int, ...] = (0, 1, 2, 4, 5, 6, 7, 8)  # of 14; `vnect`, the set that papers train on
SUBJECTS: tuple[str, ...] = tuple(f"S{number}" for number in range(1, 9))
# Training sequence: frames that have a picture, frames a second.
SEQUENCES: dict[tuple[str, str], tuple[int, float]] = {
    ("S1", "Seq1"): (6416, 25), ("S1", "Seq2"): (12430, 50), ("S2", "Seq1"): (6502, 25), ("S2", "Seq2"): (6081, 25),
    ("S3", "Seq1"): (12488, 50), ("S3", "Seq2"): (12283, 50), ("S4", "Seq1"): (6171, 25), ("S4", "Seq2"): (6675, 25),
    ("S5", "Seq1"): (12820, 50), ("S5", "Seq2"): (12312, 50), ("S6", "Seq1"): (6188, 25), ("S6", "Seq2"): (6145, 25),
    ("S7", "Seq1"): (6239, 25), ("S7", "Seq2"): (6320, 25), ("S8", "Seq1"): (6468, 25), ("S8", "Seq2"): (6054, 25),
}  # fmt: skip
TESTS: dict[str, str] = {
    "TS1": "green_screen", "TS2": "green_screen", "TS3": "no_green_screen", "TS4": "no_green_screen",
    "TS5": "outdoor", "TS6": "outdoor",
}  # fmt: skip
TEST_FPS = 25.0  # no file says it; the rate of most training sequences
TEST_SCORED = 2929  # valid frames of the six test sequences
# `activity_annotation` counts from 1.
ACTIVITIES = ("stand_walk", "exercise", "sit_on_chair", "reach_crouch", "on_floor", "sports", "misc")


@dataclass(frozen=True)
class Take:
    """One sequence seen by one camera, T frames, in our units and joint order.

    Attributes:
        subject, sequence, camera: "S1", "Seq1", "0"; a test sequence is "TS1", "", "test".
        keypoints: (T, 17, 2) float32 pixels.
        positions: (T, 17, 3) float32 metres, camera axes.
        valid: (T,) bool, the annotation is good.
        fps: frames a second.
        activities: where an activity begins: (first frame, name), as the original test files tell it.
    """

    subject: str
    sequence: str
    camera: str
    keypoints: Floats
    positions: Floats
    valid: NDArray[np.bool_]
    fps: float
    activities: tuple[tuple[int, str], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.subject}_{self.sequence}_camera{self.camera}" if self.sequence else self.subject

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture, pixels."""
        return (1920, 1080) if TESTS.get(self.subject) == "outdoor" else (2048, 2048)


def take(
    key: tuple[str, str, str], keypoints: object, millimetres: object, valid: object = None,
    fps: float = TEST_FPS, activities: tuple[tuple[int, str], ...] = (),
) -> Take:  # fmt: skip
    """Make a take of a file's arrays.

    Args:
        key: subject, sequence, camera.
        keypoints: (T, 17, 2) pixels, the data set's 17 joints.
        millimetres: (T, 17, 3), the same joints, camera axes.
        valid: (T,) anything true where the annotation is good; all of them by default.
        fps: frames a second.
        activities: as in `Take`.

    Raises:
        LifterError: arrays that do not fit each other, or numbers that are not finite in valid frames.
    """
    told = " ".join(word for word in key if word)
    flat, deep = np.asarray(keypoints), np.asarray(millimetres)
    good = np.ones(len(deep), bool) if valid is None and deep.ndim else np.asarray(valid)
    frames = len(deep) if deep.ndim else 0
    if not frames or flat.shape != (frames, 17, 2) or deep.shape != (frames, 17, 3) or good.size != frames:
        raise LifterError(
            f"{told}: (T, 17, 2) keypoints, (T, 17, 3) positions and T flags wanted, "
            f"got {flat.shape}, {deep.shape} and {good.shape}"
        )
    if flat.dtype.kind not in "fiu" or deep.dtype.kind not in "fiu" or good.dtype.kind not in "fiub":
        raise LifterError(f"{told}: numbers wanted, got {flat.dtype}, {deep.dtype} and {good.dtype}")
    good = good.reshape(-1).astype(bool)
    order = list(TO_HUMAN36M)
    with np.errstate(over="ignore", invalid="ignore"):  # in frames that are not valid, anything may stand
        positions = (deep[:, order].astype(np.float64) / 1000).astype(np.float32)
        pixels = flat[:, order].astype(np.float32)
    if not np.isfinite(positions[good]).all():
        raise LifterError(f"{told}: positions of valid frames are not finite; the file is damaged")
    return Take(*key, pixels, positions, good, fps, activities)


def training_keys() -> Iterator[tuple[str, str, str]]:
    """Subject, sequence and camera of all there is to train on, in the order that files are read in."""
    return ((subject, sequence, str(camera)) for subject, sequence in SEQUENCES for camera in CAMERAS)
