"""Times MMPose's networks by each `--backend` against MMPose's own `inference_topdown`: same pictures, boxes, flips.

Run from the repository's root: `python tests/benchmarks/bench_detectors.py` prints a table a model and thread count.
Every contestant is a process of its own, already loaded; they take turns, so that whatever else the machine does falls
on all of them. CPU seconds are those of the whole process, its threads included. Weights are random unless given:
a network's time does not hang on its weights, but their peaks mean nothing: for the last column give real ones.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

CONTESTANTS = ("mmpose", "torch", "onnx", "openvino")  # the first is the measure


def pictures(film: Path | None, count: int) -> list[np.ndarray]:
    """Return `count` (H, W, 3) RGB pictures: of a film, every second, or drawn blobs of 640x480."""
    if film is None:
        rng = np.random.default_rng(0)
        return [np.kron(rng.uniform(0, 255, (12, 16, 3)), np.ones((40, 40, 1))).astype(np.uint8) for _ in range(count)]
    import av

    with av.open(str(film)) as source:
        step = max(1, round(float(source.streams.video[0].average_rate or 25)))
        frames = [f.to_ndarray(format="rgb24") for i, f in enumerate(source.decode(video=0)) if i % step == 0]
    return (frames * count)[:count]


def contestant(name: str, model: str, folder: Path, people: int) -> Callable[[np.ndarray], np.ndarray]:
    """Load a network; return what finds the key points (people, 17, 2) in a picture, everybody in one box."""
    from detectors import mm_build, mm_models, mm_pose, mmpose
    from detectors.base import DetectorOptions

    made = {m.name: m for m in (mm_models.HRNET, mm_models.HRNET_W48, mm_models.RTMPOSE)}[model]

    def boxes(frame: np.ndarray) -> np.ndarray:
        height, width = frame.shape[:2]
        return np.array([[0.3 * width + 3 * i, 0, 0.7 * width + 3 * i, height] for i in range(people)], np.float32)

    if name == "mmpose":
        estimator = mm_pose.PoseEstimator(made, folder / f"{model}.pth", "cpu", flip_test=True)
        from mmpose.apis import inference_topdown  # only importable now

        network = estimator.network
        network.cfg, network.dataset_meta = mm_build.read_config(made.config), estimator._meta

        def theirs(frame: np.ndarray) -> np.ndarray:
            found = inference_topdown(network, np.ascontiguousarray(frame[:, :, ::-1]), boxes(frame))
            return np.concatenate([sample.pred_instances.keypoints for sample in found])

        return theirs
    options = DetectorOptions(
        checkpoint=folder / f"{model}.pth", box_model=Path(mmpose.FULL_FRAME), device="cpu", backend=name, cache=folder
    )
    detector = mmpose.MMPoseDetector(made, options)
    sys.stderr.write(f"  {name}: {detector.runs_on}\n")
    return lambda frame: detector.estimate(frame, boxes(frame))[0]


def work(arguments: argparse.Namespace) -> None:
    """Be a contestant: load, then for every line read work once through the pictures and print seconds as JSON."""
    import warnings

    warnings.simplefilter("ignore")
    find = contestant(arguments.worker, arguments.models[0], arguments.folder, arguments.people)
    frames = pictures(arguments.film, arguments.frames)
    find(frames[0])
    print(json.dumps({"loaded_cpu": time.process_time()}), flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        found = [find(frame) for frame in frames]
        row = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps({**row, "keypoints": np.stack(found).tolist()}), flush=True)


def race(model: str, threads: int, arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Let the contestants take turns; return by name the seconds a frame (cpu, wall), what loading took, key points."""
    words = ["--models", model, "--folder", str(arguments.folder), "--frames", str(arguments.frames)]
    words += ["--people", str(arguments.people), *(["--film", str(arguments.film)] if arguments.film else [])]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    racers: dict[str, subprocess.Popen[str]] = {}
    results: dict[str, dict[str, Any]] = {}
    try:
        for name in arguments.backends:
            command = [sys.executable, __file__, "--worker", name, *words]
            racers[name] = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
            )
            results[name] = {**_answer(racers[name]), "cpu": [], "wall": []}
        for _ in range(arguments.rounds):
            for name, racer in racers.items():
                assert racer.stdin is not None
                racer.stdin.write("go\n")
                racer.stdin.flush()
                row = _answer(racer)
                results[name]["keypoints"] = np.array(row["keypoints"])
                for clock in ("cpu", "wall"):
                    results[name][clock].append(row[clock] / arguments.frames)
    finally:
        for racer in racers.values():
            racer.kill()
            racer.wait()
    return results


def _answer(racer: subprocess.Popen[str]) -> dict[str, Any]:
    """Return the next JSON line of a contestant; whatever else its libraries print is passed over."""
    assert racer.stdout is not None
    for line in racer.stdout:
        if line.startswith("{"):
            answer: dict[str, Any] = json.loads(line)
            return answer
    raise SystemExit(f"a contestant ended early: {racer.args}")


def report(model: str, threads: int, results: dict[str, dict[str, Any]]) -> None:
    """Print a table: milliseconds a frame, ratios to the first (medians over the turns), and how far key points are."""
    print(f"{model}, {threads} thread{'s' * (threads > 1)}")
    print(
        f"{'':>10} {'ms CPU':>8} {'x':>5} {'ms wall':>8} {'x':>5} {'load s CPU':>10}  px from the first: p50, p99, max"
    )
    first = results[next(iter(results))]
    for name, row in results.items():
        ratio = {c: statistics.median(a / b for a, b in zip(first[c], row[c], strict=True)) for c in ("cpu", "wall")}
        apart = np.abs(row["keypoints"] - first["keypoints"]).max(-1)
        p50, p99, most = np.percentile(apart, [50, 99, 100])
        print(
            f"{name:>10} {1e3 * statistics.median(row['cpu']):8.1f} {ratio['cpu']:5.2f} "
            f"{1e3 * statistics.median(row['wall']):8.1f} {ratio['wall']:5.2f} {row['loaded_cpu']:10.1f}  "
            f"{p50:.2f}, {p99:.2f}, {most:.2f}"
        )


def main() -> None:
    """Parse the words and race."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["hrnet", "rtmpose"], choices=("hrnet", "hrnet-w48", "rtmpose"))
    parser.add_argument("--backends", nargs="+", default=list(CONTESTANTS), choices=CONTESTANTS)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--film", type=Path, help="default: drawn pictures")
    parser.add_argument("--frames", type=int, default=6, help="pictures a turn")
    parser.add_argument("--rounds", type=int, default=5, help="turns of every contestant")
    parser.add_argument("--people", type=int, default=1, help="boxes a picture")
    parser.add_argument(
        "--folder", type=Path, help="MODEL.pth lies, and exports are kept, here; default: random weights"
    )
    parser.add_argument("--worker", choices=CONTESTANTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments)
        return
    with tempfile.TemporaryDirectory() as made:
        if arguments.folder is None:
            import random_weights

            arguments.folder = Path(made)
            for model in arguments.models:
                random_weights.write_pose(arguments.folder / f"{model}.pth", model)
        for model in arguments.models:
            for threads in arguments.threads:
                report(model, threads, race(model, threads, arguments))


if __name__ == "__main__":
    main()
