"""Films of calibrated cameras and their triangulated 3D: what benchmarks on real people share.

A folder holds `calibration.toml`, `reference.npz` (`positions` (T, J, 3) metres in the calibration's world, z up,
and `names`) and the films `*_camNN.mp4`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.base import DetectorOptions
from lifter import joints
from lifter.metrics import n_mpjpe, p_mpjpe
from lifter.metrics.motion import JERK, VELOCITY, differences
from pipeline import store
from pipeline.poses import Pose2D, Pose3D
from pipeline.progress import Console
from pipeline.run import run
from pipeline.settings import RunSettings
from pipeline.stages import lift
from pipeline.video import probe

Doubles = NDArray[np.float64]
REFERENCE_NAMES = {
    1: "RHip", 2: "RKnee", 3: "RAnkle", 4: "LHip", 5: "LKnee", 6: "LAnkle",
    11: "LShoulder", 12: "LElbow", 13: "LWrist", 14: "RShoulder", 15: "RElbow", 16: "RWrist",
}  # fmt: skip
LIMBS = list(joints.LIMBS_12)
LIMB_NAMES = tuple(joints.NAMES[joint] for joint in LIMBS)
# Bones among the 12 limb joints, as their rows: thighs and shins, upper arms and forearms.
BONES = ((0, 1), (1, 2), (3, 4), (4, 5), (6, 7), (7, 8), (9, 10), (10, 11))
HIPS = [0, 3]  # rows of the hips


@dataclass(frozen=True)
class Film:
    """A film and what is true of it.

    Attributes:
        path: of the film.
        truth: (T, 12, 3) the limb joints in camera axes, metres.
        pixels: (T, 12, 2) where they are in the picture.
        skeleton: (T, 17, 2) pixels of all of Human3.6M's joints, made of the reference by the house's own rules.
        up: (3,) against gravity, camera axes.
    """

    path: Path
    truth: Doubles
    pixels: Doubles
    skeleton: Doubles
    up: Doubles


def films(folder: Path) -> list[Path]:
    """The films of a folder, by camera."""
    return sorted(folder.glob("*_cam??.mp4"))


def film(folder: Path, path: Path) -> Film:
    """Read what is true of a film."""
    with np.load(folder / "reference.npz", allow_pickle=False) as data:
        positions, names = data["positions"].astype(float), [str(name) for name in data["names"]]
    about = tomllib.loads((folder / "calibration.toml").read_text())["cam_" + path.stem[-2:]]
    rotation, place = np.array(about["rotation"]), np.array(about["translation"])
    turn = cv2.Rodrigues(rotation)[0]

    def project(world: Doubles) -> Doubles:
        pixels, _ = cv2.projectPoints(
            world.reshape(-1, 1, 3), rotation, place, np.array(about["matrix"]), np.array(about["distortions"])
        )
        return np.asarray(pixels.reshape(*world.shape[:2], 2))

    world = np.stack([positions[:, names.index(REFERENCE_NAMES[joint])] for joint in LIMBS], axis=1)
    whole = whole_body(world, positions[:, names.index("Nose")], positions[:, names.index("Head")])
    up = turn @ [0.0, 0.0, 1.0]
    return Film(path, world @ turn.T + place, project(world), project(whole), up)


def whole_body(limbs: Doubles, nose: Doubles, head: Doubles) -> Doubles:
    """Human3.6M's 17 joints (T, 17, 3) of the 12 of the limbs, by the rules that training data are made with.

    The pelvis lies between the hips, the neck three quarters of the way from the shoulders' middle to the nose, the
    thorax a quarter of the way from there to the neck, the spine between pelvis and thorax.
    """
    body = np.zeros((len(limbs), len(joints.NAMES), 3))
    body[:, LIMBS] = limbs
    shoulders = (body[:, 11] + body[:, 14]) / 2
    body[:, 0] = (body[:, 1] + body[:, 4]) / 2
    body[:, 9] = shoulders + 3 / 4 * (nose - shoulders)
    body[:, 8] = shoulders + (body[:, 9] - shoulders) / 4
    body[:, 7] = (body[:, 0] + body[:, 8]) / 2
    body[:, 10] = head
    return body


def detector_options(pose_model: Path, box_model: Path) -> dict[str, DetectorOptions]:
    """The detectors that are compared."""
    return {"onnx": DetectorOptions(pose_model=pose_model, box_model=box_model), "mediapipe": DetectorOptions()}


def run_film(path: Path, settings: RunSettings) -> Pose3D:
    """Take a film through the pipeline as far as `pose3d.npz`; what was detected before is not detected again."""
    return store.load_pose3d(run(path, settings, Console(quiet=True)).pose3d)


def lift_truth(of: Film, settings: RunSettings) -> Pose3D:
    """Lift the reference's own picture as if a detector had seen it."""
    clip = probe(of.path)
    keypoints = of.skeleton[None].astype(np.float32)
    low, high = keypoints.min(axis=2), keypoints.max(axis=2)
    seen = Pose2D(
        keypoints,
        np.ones(keypoints.shape[:3], np.float32),
        np.concatenate([low, high], axis=-1),
        np.ones(keypoints.shape[:2], bool),
        np.arange(keypoints.shape[1]) / float(clip.fps),
        joints.NAMES,
    )
    return lift(seen, clip.size, settings, Console(quiet=True))[0]


def limbs_of(pose: Pose3D) -> Doubles:
    """The limb joints (T, 12, 3) of the first person."""
    return np.asarray(pose.positions[0][:, LIMBS], np.float64)


def rooted(limbs: Doubles) -> Doubles:
    """Measure limb joints (T, 12, 3) from the middle of the hips."""
    return np.asarray(limbs - limbs[:, HIPS].mean(axis=1, keepdims=True))


def bone_lengths(limbs: Doubles) -> Doubles:
    """Lengths (T, 8) of the bones of arms and legs, millimetres."""
    parents, children = zip(*BONES, strict=True)
    return np.asarray(1000 * np.linalg.norm(limbs[:, list(children)] - limbs[:, list(parents)], axis=-1))


def errors(limbs: Doubles, truth: Doubles, seen: NDArray[np.bool_]) -> dict[str, float]:
    """Errors of limb joints (T, 12, 3) in the frames `seen` (T,), millimetres (a frame, for MPJVE).

    P-MPJPE after the best similarity a frame; N-MPJPE with the middle of the hips and the scale aligned only.
    Velocities where two frames in a row are seen.
    """
    moving = rooted(limbs) - rooted(truth)
    return {
        "P-MPJPE": p_mpjpe(limbs[seen], truth[seen]),
        "N-MPJPE": n_mpjpe(rooted(limbs)[seen], rooted(truth)[seen]),
        "MPJVE": _mean_steps(moving, seen, VELOCITY),
    }


def jitter(limbs: Doubles, seen: NDArray[np.bool_]) -> float:
    """How much a motion (T, 12, 3) trembles: its third difference, millimetres a frame cubed."""
    return _mean_steps(rooted(limbs), seen, JERK)


def bone_deviation(limbs: Doubles, seen: NDArray[np.bool_]) -> float:
    """Standard deviation over time of the lengths of the eight bones, their mean, millimetres."""
    return float(bone_lengths(limbs)[seen].std(axis=0).mean())


def _mean_steps(positions: Doubles, seen: NDArray[np.bool_], order: int) -> float:
    rows = np.lib.stride_tricks.sliding_window_view(seen, order + 1).all(axis=-1)
    return float(differences(positions, order)[rows].mean()) if rows.any() else float("nan")
