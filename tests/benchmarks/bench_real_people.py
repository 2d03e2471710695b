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
from pathlib import Path

import numpy as np
from real_films import LIMBS, detector_options, errors, film, films, limbs_of, run_film

from pipeline.settings import RunSettings

COLUMNS = ("P-MPJPE", "N-MPJPE", "MPJVE", "2D %", "found %", "tilt deg")


def measure(folder: Path, path: Path, settings: RunSettings) -> dict[str, float]:
    """Run the pipeline on a film and compare its first person with the reference."""
    pose = run_film(path, settings)
    of = film(folder, path)
    seen = pose.valid[0]
    height = np.ptp(of.pixels[..., 1], axis=1)[:, None]
    off = np.linalg.norm(pose.keypoints[0][:, LIMBS] - of.pixels, axis=-1) / height
    return {
        **errors(limbs_of(pose), of.truth, seen),
        "2D %": float(100 * np.median(off[seen])),
        "found %": float(100 * seen.mean()),
        "tilt deg": float(np.degrees(np.arccos(np.clip(pose.up @ of.up, -1, 1)))),
    }


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pose-model", type=Path, required=True)
    parser.add_argument("--box-model", type=Path, required=True)
    parser.add_argument("--lifter", default="ugcn")
    parser.add_argument("--adapter", default="rules", help="rules, learned, or a file of `python -m pipeline.learned`")
    parser.add_argument("--no-hold-bones", dest="hold_bones", action="store_false", help="bones as lifted")
    parser.add_argument("--output", type=Path, default=Path("runs/real_people"))
    given = parser.parse_args()
    options = detector_options(given.pose_model, given.box_model)
    print(f"{'detector':<10}{'film':<22}" + "".join(f"{name:>10}" for name in COLUMNS))
    for detector, option in options.items():
        rows = []
        for path in films(given.data):
            output = given.output / detector
            settings = RunSettings(
                detector=detector,
                options=option,
                adapter=given.adapter,
                lifter=given.lifter,
                hold_bones=given.hold_bones,
                person="largest",
                output=output,
                render=False,
            )
            rows.append(measure(given.data, path, settings))
            print(f"{detector:<10}{path.stem:<22}" + "".join(f"{rows[-1][name]:10.1f}" for name in COLUMNS))
        means = {name: float(np.mean([row[name] for row in rows])) for name in COLUMNS}
        print(f"{detector:<10}{'mean':<22}" + "".join(f"{means[name]:10.1f}" for name in COLUMNS), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
