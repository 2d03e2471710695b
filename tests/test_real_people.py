"""Real people: the whole pipeline on calibrated films within the error we promise, and on clips without a fault."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from detectors.base import DetectorOptions
from lifter import joints
from pipeline.progress import Console
from pipeline.run import run
from pipeline.settings import RunSettings
from pipeline.store import load_pose3d
from pipeline.video import VideoReader, probe

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
from bench_real_people import measure

pytestmark = [pytest.mark.slow, pytest.mark.shared]
CLIPS = ("mediapipe_poseseg", "sports2d_demo", "talmo_dance", "temugeb_cam0", "tfjs_squats")


def options(detector: str, shared: Path) -> DetectorOptions:
    if detector != "onnx":
        return DetectorOptions()
    models = shared / "models"
    return DetectorOptions(pose_model=models / "pp_tinypose_256_192.xml", box_model=models / "yolox_nano.onnx")


@pytest.mark.parametrize(("detector", "bound_mm"), [("onnx", 80.0), ("mediapipe", 95.0)])
@pytest.mark.parametrize("camera", ["02", "03"])
def test_error_on_a_real_person(shared: Path, tmp_path: Path, detector: str, bound_mm: float, camera: str) -> None:
    folder = shared / "data" / "multiview"
    settings = RunSettings(
        detector=detector,
        options=options(detector, shared),
        device="cpu",
        person="largest",
        output=tmp_path,
        render=False,
    )
    scores = measure(folder, folder / f"p2s_single_cam{camera}.mp4", settings)
    assert scores["found %"] == 100
    assert scores["P-MPJPE"] <= bound_mm


@pytest.mark.parametrize("detector", ["mediapipe", "onnx"])
@pytest.mark.parametrize("clip", CLIPS)
def test_real_clips(shared: Path, tmp_path: Path, detector: str, clip: str) -> None:
    film = shared / "data" / "clips" / f"{clip}.mp4"
    settings = RunSettings(detector=detector, options=options(detector, shared), device="cpu", output=tmp_path)
    folder = run(film, settings, Console(quiet=True))
    stamps = [seconds for seconds, _ in VideoReader(probe(film))]
    made = [seconds for seconds, _ in VideoReader(probe(folder.film))]
    np.testing.assert_allclose(made, stamps, atol=1e-6)
    pose = load_pose3d(folder.pose3d)
    np.testing.assert_allclose(pose.timestamps, stamps, atol=1e-9)
    assert len(pose.positions) >= 1
    for positions, valid in zip(pose.positions, pose.valid, strict=True):
        check_body(positions[valid], pose.up)


def check_body(positions: np.ndarray, up: np.ndarray) -> None:
    """Bones of human length, steady in time; the head above the feet, against gravity."""
    bones = np.linalg.norm(positions[:, 1:] - positions[:, list(joints.PARENTS[1:])], axis=-1)
    named = dict(zip(joints.NAMES[1:], bones.T, strict=True))
    for side in ("left", "right"):
        for name, shortest, longest in (("knee", 0.25, 0.6), ("ankle", 0.25, 0.6), ("elbow", 0.15, 0.45)):
            typical = np.median(named[f"{side}_{name}"])
            assert shortest < typical < longest, f"{side}_{name}: {typical:.2f} m"
            assert np.ptp(named[f"{side}_{name}"]) < 1e-4, f"{side}_{name} changes its length"
    height = positions @ up
    assert (height[:, 10] > height[:, [3, 6]].mean(axis=1)).mean() > 0.95
