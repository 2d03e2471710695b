"""The table of lifters: held-out motion capture, real films by two detectors, and where the errors come from.

    python -m lifter prepare mocap --source mocap --out work_dirs/data/table --cameras wild --bodies recorded \
        --keypoints gt,noisy
    python tests/benchmarks/bench_lifters.py --mocap work_dirs/data/table --films multiview --pose-model pose.xml \
        --box-model boxes.onnx --lifter no_motion=FILE --lifter tcn=FILE

Rows are the shipped lifter (`ours`; `--lifter ours=FILE` takes another), the same without motion loss, the temporal
convolution network on the same data, any other NAME=FILE, MediaPipe's own 3D, and constants: the mean pose of the
prepared set's train split, and a fairer one, the same with everybody turned to the camera first. Rows whose
weights are not given are left out, and how to train them is said. `--mocap` or `--films` may be left out. Scores on
motion capture are kept by the weights' hash in `--output`.

The budget of the error on the films, per joint, after the best similarity a frame (P-MPJPE):

- *true 2D*: the first row lifts the reference's own picture, so that the detector has no part in it. What is left is
  the lifter's, and the reference's twice over: its joints lie elsewhere than those of motion capture, and it errs.
- *onnx*, *mediapipe*: the same row lifts what the detector saw. What this adds to *true 2D* is the detector's part,
  and what detector and reference mean by the name of a joint.
- *reference trembles*: how far, on average, the reference lies from a motion without tremble.
- *its bones stretch*: a bone of the reference is not always of one length; one standard deviation over the film.
- *reference made steady*: the error of the reference itself once it neither trembles nor stretches. A lifter whose
  bones keep their length and whose motion is smooth is hardly better than this, however right it is.

  Errors of the reference that stay for the whole film show in none of these three: it is good to 20-40 mm, and they
  are a lower bound of that.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import lifters_films
import lifters_mocap
from lifters_report import NO_MOTION, OURS, as_plain, bars, budget_table, film_table, mocap_table
from real_films import detector_options

TRAIN = "python -m lifter train configs/winning.py --data mocap --out work_dirs/"
POSITION_ONLY = " --cfg-options model.loss.weight=0"
TCN = " model.network.type=tcn model.network.channels=256 model.network.dropout=0.0"
# Key of --lifter -> title of the row, and the command that trains it.
ROWS = {
    "ours": (OURS, TRAIN + "ours"),
    "no_motion": (NO_MOTION, TRAIN + "no_motion" + POSITION_ONLY),
    "tcn": ("temporal convolutions", TRAIN + "tcn" + POSITION_ONLY + TCN),
}


def main() -> int:
    """Measure, print the tables, write the JSON."""
    given = arguments()
    weights = {"ours": "ugcn", **dict(given.lifter)}
    lifters = {ROWS[key][0]: weights[key] for key in ROWS if key in weights}
    lifters |= {key: name for key, name in weights.items() if key not in ROWS}
    means = lifters_mocap.constants(given.mocap) if given.mocap else {}
    mocap, reference, records = {}, {}, []
    given.output.mkdir(parents=True, exist_ok=True)
    if given.films:
        sources = lifters_films.settings(
            detector_options(given.pose_model, given.box_model), given.output, given.device
        )
        records = list(lifters_films.measure(lifters, means, given.films, sources))
        reference = lifters_films.reference_budget(given.films)
        for source in (*sources, lifters_films.TRUE_2D):
            print(film_table(records, source), end="\n\n")
        print(budget_table(records, reference), end="\n\n", flush=True)
    if given.mocap:
        mocap = lifters_mocap.measure(lifters, means, given.mocap, given.output, given.device, given.every)
        print(mocap_table(mocap), end="\n\n")
    notes = [f"{title}: not given; train it by `{how}`" for key, (title, how) in ROWS.items() if key not in weights]
    if not means:
        notes.append("constant mean pose: not given; `--mocap` with a train split has it")
    if given.mocap and given.every > 1:
        notes.append(f"held-out mocap: only every {given.every}th sequence")
    print("\n".join(f"- {line}" for line in [*bars(records, mocap), *notes]))
    path = given.output / "lifters.json"
    plain = {"lifters": lifters, **as_plain(records, mocap, reference), "notes": notes}
    path.write_text(json.dumps(plain, indent=1) + "\n")
    print(f"\nwrote {path}")
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lifter", type=_named, action="append", default=[], metavar="NAME=FILE",
                        help=f"a row; {', '.join(ROWS)} are known by title")  # fmt: skip
    parser.add_argument("--mocap", type=Path, metavar="DIR", help="a prepared set with gt and noisy keypoints")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth of its sequences")
    parser.add_argument("--films", type=Path, metavar="DIR", help="calibrated films and their reference")
    parser.add_argument("--pose-model", type=Path, metavar="FILE", help="of the `onnx` detector")
    parser.add_argument("--box-model", type=Path, metavar="FILE", help="of the `onnx` detector")
    parser.add_argument("--output", type=Path, default=Path("runs/lifters"), metavar="DIR")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    given = parser.parse_args()
    if not given.mocap and not given.films:
        parser.error("nothing to measure on: --mocap, --films or both wanted")
    if given.films and not (given.pose_model and given.box_model):
        parser.error("--films wants --pose-model and --box-model")
    if given.every < 1:
        parser.error("--every: 1 or more wanted")
    return given


def _named(text: str) -> tuple[str, str]:
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise argparse.ArgumentTypeError(f"NAME=FILE wanted, got {text!r}")
    return name, file


if __name__ == "__main__":
    sys.exit(main())
