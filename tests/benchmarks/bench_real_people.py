"""The error on a real person: films of calibrated cameras through the whole pipeline, against triangulated 3D.

    python tests/benchmarks/bench_real_people.py --data FOLDER --pose-model FILE --box-model FILE

FOLDER holds `calibration.toml`, `reference.npz` (`positions` (T, J, 3) metres in the calibration's world, `names`)
and the films `*_camNN.mp4`. Prints a row a film and detector: P-MPJPE over the 12 joints of arms and legs, MPJPE
with root and scale aligned only, MPJVE (which is mostly the reference's own: it jumps 28 mm a frame squared), and
how far the 2D is from the reference, in % of body height, and how far the
estimated direction of gravity is from the calibrated one.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.base import DetectorOptions
from lifter import joints
from lifter.metrics import mpjve, n_mpjpe, p_mpjpe
from pipeline import store
from pipeline.progress import Console
from pipeline.run import run
from pipeline.settings import RunSettings

Doubles = NDArray[np.float64]
REFERENCE_NAMES = {
    1: "RHip", 2: "RKnee", 3: "RAnkle", 4: "LHip", 5: "LKnee", 6: "LAnkle",
    11: "LShoulder", 12: "LElbow", 13: "LWrist", 14: "RShoulder", 15: "RElbow", 16: "RWrist",
}  # fmt: skip
COLUMNS = ("P-MPJPE", "N-MPJPE", "MPJVE", "2D %", "found %", "tilt deg")


def reference(folder: Path, camera: str) -> tuple[Doubles, Doubles, Doubles]:
    """Return the 12 limb joints (T, 12, 3) in camera axes, metres, their pixels (T, 12, 2), and up (3,)."""
    with np.load(folder / "reference.npz", allow_pickle=False) as data:
        positions, names = data["positions"].astype(float), [str(name) for name in data["names"]]
    world = np.stack([positions[:, names.index(REFERENCE_NAMES[joint])] for joint in joints.LIMBS_12], axis=1)
    about = tomllib.loads((folder / "calibration.toml").read_text())[camera]
    rotation, place = np.array(about["rotation"]), np.array(about["translation"])
    pixels, _ = cv2.projectPoints(
        world.reshape(-1, 1, 3), rotation, place, np.array(about["matrix"]), np.array(about["distortions"])
    )
    turn = cv2.Rodrigues(rotation)[0]
    return world @ turn.T + place, pixels.reshape(*world.shape[:2], 2), turn @ [0.0, 0.0, 1.0]


def measure(folder: Path, film: Path, settings: RunSettings) -> dict[str, float]:
    """Run the pipeline on a film and compare its first person with the reference."""
    pose = store.load_pose3d(run(film, settings, Console(quiet=True)).pose3d)
    camera = "cam_" + film.stem[-2:]
    truth, pixels, up = reference(folder, camera)
    seen = pose.valid[0]
    limbs = list(joints.LIMBS_12)
    lifted = pose.positions[0][:, limbs].astype(float)
    height = np.ptp(pixels[..., 1], axis=1)[:, None]
    off = np.linalg.norm(pose.keypoints[0][:, limbs] - pixels, axis=-1) / height
    hips = [0, 3]

    def rooted(p: Doubles) -> Doubles:
        return np.asarray(p - p[:, hips].mean(axis=1, keepdims=True))

    return {
        "P-MPJPE": p_mpjpe(lifted[seen], truth[seen]),
        "N-MPJPE": n_mpjpe(rooted(lifted)[seen], rooted(truth)[seen]),
        "MPJVE": mpjve(rooted(lifted)[seen], rooted(truth)[seen]),
        "2D %": float(100 * np.median(off[seen])),
        "found %": float(100 * seen.mean()),
        "tilt deg": float(np.degrees(np.arccos(np.clip(pose.up @ up, -1, 1)))),
    }


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pose-model", type=Path, required=True)
    parser.add_argument("--box-model", type=Path, required=True)
    parser.add_argument("--lifter", default="ugcn")
    parser.add_argument("--no-hold-bones", dest="hold_bones", action="store_false", help="bones as lifted")
    parser.add_argument("--output", type=Path, default=Path("runs/real_people"))
    given = parser.parse_args()
    options = {
        "onnx": DetectorOptions(pose_model=given.pose_model, box_model=given.box_model),
        "mediapipe": DetectorOptions(),
    }
    print(f"{'detector':<10}{'film':<22}" + "".join(f"{name:>10}" for name in COLUMNS))
    for detector, option in options.items():
        rows = []
        for film in sorted(given.data.glob("*_cam??.mp4")):
            output = given.output / detector
            settings = RunSettings(
                detector=detector,
                options=option,
                lifter=given.lifter,
                hold_bones=given.hold_bones,
                person="largest",
                output=output,
                render=False,
            )
            rows.append(measure(given.data, film, settings))
            print(f"{detector:<10}{film.stem:<22}" + "".join(f"{rows[-1][name]:10.1f}" for name in COLUMNS))
        means = {name: float(np.mean([row[name] for row in rows])) for name in COLUMNS}
        print(f"{detector:<10}{'mean':<22}" + "".join(f"{means[name]:10.1f}" for name in COLUMNS), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
