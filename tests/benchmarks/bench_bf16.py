"""What bf16 does to a real network's key points: the same crops of real people in f32 and in bf16, by either decoder.

Run from the repository's root, with films and the `onnx` detector's two models (heat maps; OpenVINO, or ONNX):
    python tests/benchmarks/bench_bf16.py --films FOLDER --pose-model pose.xml --box-model boxes.onnx

Pixels are those of the crop; the flip test is on. `quarter` is HRNet's decoder: a step of a quarter of a cell to either
side, so that maps which hardly differ may be half a cell (2 pixels) apart. `dark` moves without steps.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench_boxes import frames_of

from detectors.heatmaps import crop_matrix
from detectors.onnx_models import BoxModel, KeyPointModel
from detectors.onnx_runtime import fast_precision, load


def model(path: Path, precision: str, refine: str) -> KeyPointModel:
    """Load a heat map model by OpenVINO, to be decoded in a way of ours."""
    made = KeyPointModel(load(path, "openvino", precision), flip_test=True)
    made._spec = replace(made._spec, refine=refine)
    return made


def main() -> None:
    """Parse the words and print a line a decoder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=Path, required=True, help="a folder of films")
    parser.add_argument("--pose-model", type=Path, required=True)
    parser.add_argument("--box-model", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=120, help="of each film, of which every eighth is looked at")
    arguments = parser.parse_args()
    if fast_precision() != "bf16":
        raise SystemExit("this processor has no bf16: OpenVINO runs in f32 here")
    find = BoxModel(load(arguments.box_model))
    kinds = {(p, r): model(arguments.pose_model, p, r) for p in ("f32", "bf16") for r in ("quarter", "dark")}
    apart: dict[str, list[np.ndarray]] = {"quarter": [], "dark": []}
    for film in sorted(arguments.films.glob("*.mp4")):
        for frame in frames_of(film, arguments.frames)[0][::8]:
            boxes = find(frame)[0][:3]
            for refine, rows in apart.items():
                (one, scores), (other, _) = (kinds[precision, refine](frame, boxes) for precision in ("f32", "bf16"))
                spec = kinds["f32", refine]._spec
                for i, box in enumerate(boxes):
                    shrunk = crop_matrix(box, spec.size, spec.padding)[0, 0]
                    rows.append(np.abs(one[i] - other[i]).max(1)[scores[i] > 0.3] * shrunk)
    for refine, rows in apart.items():
        far = np.concatenate(rows)
        p50, p99, most = np.percentile(far, [50, 99, 100])
        share = 100 * (far > 0.5).mean()
        print(
            f"{refine:>8}: {len(far)} joints, px p50 {p50:.2f}, p99 {p99:.2f}, max {most:.2f}; over 0.5: {share:.1f} %"
        )


if __name__ == "__main__":
    main()
