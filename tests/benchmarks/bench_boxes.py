"""Compares people found with person boxes on every N-th frame against boxes on every frame: who, where, and the cost.

Run from the repository's root, with films and the `onnx` detector's two models:
    python tests/benchmarks/bench_boxes.py --films FOLDER --pose-model pose.xml --box-model boxes.onnx

The loop is `detectors.follow`, which every top-down detector runs on. Per film and N: the share of people of every
frame (recall) that has somebody on it by an overlap of boxes over a half, and the reverse (precision); their mean
overlap; how far joints are, in hundredths of the box's larger side (median, 95 %); switches: frames from which a
tracked person goes on under another number than before, after the pipeline's own tracking; and the cost: looks for
boxes, and CPU seconds, as shares of those on every frame, in turns.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from detectors.base import DetectorOptions, People
from detectors.boxes import overlap


def frames_of(film: Path, count: int) -> tuple[list[np.ndarray], Fraction]:
    """Return the first `count` (H, W, 3) pictures of a film, and its rate."""
    from pipeline.video import VideoReader, probe

    clip = probe(film)
    return [frame for _, frame in itertools.islice(VideoReader(clip), count)], clip.fps


def detect(frames: list[np.ndarray], options: DetectorOptions) -> tuple[list[People], int, float]:
    """Return the people of every frame, how often boxes were looked for, and CPU seconds."""
    from detectors.onnx import OnnxDetector

    class Counted(OnnxDetector):
        looks = 0

        def find(self, frame: np.ndarray) -> Any:
            self.looks += 1
            return super().find(frame)

    detector = Counted(options)
    began = time.process_time()
    people = list(detector(iter(frames)))
    return people, detector.looks, time.process_time() - began


def pairs(one: People, other: People) -> list[tuple[int, int, float]]:
    """Match people of the same frame by the overlap of their boxes, over a half, the best first: (i, j, overlap)."""
    shares = overlap(one.boxes, other.boxes) if len(one) and len(other) else np.zeros((0, 0))
    found = []
    while shares.size and shares.max() > 0.5:
        i, j = np.unravel_index(shares.argmax(), shares.shape)
        found.append((int(i), int(j), float(shares[i, j])))
        shares[i], shares[:, j] = 0, 0
    return found


def numbered(people: list[People], size: tuple[int, int], fps: Fraction) -> list[People]:
    """Return the people of every frame as the pipeline's tracks, a row a person; nobody's row is an empty box."""
    from detectors.joints import COCO_17
    from pipeline.track import associate

    seconds = np.arange(len(people)) / float(fps)
    pose, _ = associate(people, seconds, size, COCO_17)
    shown = np.where(pose.valid[..., None], pose.boxes, 0).astype(np.float32)
    return [People(shown[:, t], pose.keypoints[:, t], pose.scores[:, t]) for t in range(len(people))]


def switches(wanted: list[People], found: list[People]) -> int:
    """Count the frames from which a person of `wanted` goes on as another person of `found` than before."""
    known: dict[int, int] = {}
    count = 0
    for one, other in zip(wanted, found, strict=True):
        for i, j, _ in pairs(one, other):
            count += known.get(i, j) != j
            known[i] = j
    return count


def compare(wanted: list[People], found: list[People]) -> tuple[float, float, float, float, float]:
    """Return recall, precision, mean overlap, and the median and 95 % of joints' distances in shares of the box."""
    both, shares, apart = 0, [], []
    for one, other in zip(wanted, found, strict=True):
        for i, j, share in pairs(one, other):
            both += 1
            shares.append(share)
            seen = (one.scores[i] > 0.3) & (other.scores[j] > 0.3)
            side = float((one.boxes[i, 2:] - one.boxes[i, :2]).max())
            apart += list(np.linalg.norm(one.keypoints[i] - other.keypoints[j], axis=1)[seen] / side)
    people, others = sum(map(len, wanted)), sum(map(len, found))
    median, most = np.percentile(apart, [50, 95]) if apart else (np.nan, np.nan)
    return both / max(people, 1), both / max(others, 1), float(np.mean(shares or [np.nan])), float(median), float(most)


def main() -> None:
    """Parse the words and print a line a film and N."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=Path, required=True, help="a folder of films, or one film")
    parser.add_argument("--pose-model", type=Path, required=True)
    parser.add_argument("--box-model", type=Path, required=True)
    parser.add_argument("--every", type=int, nargs="+", default=[3, 5, 10])
    parser.add_argument("--frames", type=int, default=100, help="of each film")
    parser.add_argument("--turns", type=int, default=1, help="of every N, for the seconds")
    arguments = parser.parse_args()
    options = DetectorOptions(pose_model=arguments.pose_model, box_model=arguments.box_model, flip_test=False)
    films = sorted(arguments.films.glob("*.mp4")) if arguments.films.is_dir() else [arguments.films]
    print(f"{'film':>20} {'N':>3} recall prec overlap  joints %   switches  looks  CPU")
    for film in films:
        frames, fps = frames_of(film, arguments.frames)
        size = (frames[0].shape[1], frames[0].shape[0])
        seconds: dict[int, list[float]] = {every: [] for every in (1, *arguments.every)}
        results = {}
        for _ in range(arguments.turns):
            for every in seconds:
                people, looks, spent = detect(frames, replace(options, box_every=every))
                results[every] = (people, looks)
                seconds[every].append(spent)
        wanted, all_looks = results[1]
        tracks = numbered(wanted, size, fps)
        for every in arguments.every:
            people, looks = results[every]
            recall, precision, share, median, most = compare(wanted, people)
            ratio = statistics.median(b / a for a, b in zip(seconds[1], seconds[every], strict=True))
            print(
                f"{film.stem:>20} {every:3d} {recall:6.3f} {precision:5.3f} {share:7.3f} {100 * median:5.2f} "
                f"{100 * most:5.2f} {switches(tracks, numbered(people, size, fps)):6d} "
                f"{looks / all_looks:9.2f} {ratio:5.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
