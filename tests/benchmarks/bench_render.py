"""Times the drawing of a film's frames against the floor: resizing and copying the frame alone.

Run from the repository's root: `python tests/benchmarks/bench_render.py` prints one line per film size.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[up]) for up in (1, 2)]

from render_bodies import h36m_skeleton, people  # noqa: E402

from render.frames import FilmPainter, lay_out  # noqa: E402
from render.settings import RenderSettings  # noqa: E402


def least_ms(work: Callable[[int], object], rounds: int = 5, frames: int = 64) -> float:
    """Return the processor time of one call, milliseconds: a round's mean, of the quickest round.

    Shapes are worked out for some frames at once, so a single frame does not tell; a busy machine only adds.
    """
    times = []
    for _ in range(rounds):
        start = time.process_time()
        for index in range(frames):
            work(index)
        times.append(time.process_time() - start)
    return 1e3 * min(times) / frames


def painter(size: tuple[int, int], count: int, view: str, frames: int = 60) -> FilmPainter:
    """Return a painter, of a film's planes as `run` paints them, of standing people side by side who sway a little."""
    places = [(0.9 * (index - (count - 1) / 2), 0.0, 0.0) for index in range(count)]
    world = people(*places, frames=frames).copy() if count else np.zeros((0, frames, 17, 3), np.float32)
    world[..., 0] += 0.1 * np.sin(np.arange(frames, dtype=np.float32) / 5)[:, None] * world[..., 2]
    scale = 0.45 * size[1]
    keypoints = np.stack([size[0] / 2 + scale * world[..., 0], 0.9 * size[1] - scale * world[..., 2]], axis=-1)
    scores, valid = np.full(world.shape[:3], 0.9, np.float32), np.ones(world.shape[:2], bool)
    return FilmPainter(
        h36m_skeleton(), RenderSettings(view=view), size, world, keypoints, scores, valid, np.arange(frames) / 25.0,
        film=True, ahead=16,
    )  # fmt: skip


def compare(size: tuple[int, int], count: int, view: str) -> tuple[float, float]:
    """Return milliseconds per frame: (placing the frame alone, painting the film's frame)."""
    rng, (width, height) = np.random.default_rng(0), size
    half = height // 2, width // 2
    frame = [rng.integers(16, 235, shape, np.uint8) for shape in ((height, width), half, half)]
    film = painter(size, count, view)
    shown, tall = lay_out(size, RenderSettings().max_height).picture
    canvas = [np.zeros(shape, np.uint8) for shape in ((tall, shown), *[(tall // 2, shown // 2)] * 2)]

    def place(_: int) -> None:
        for source, target in zip(frame, canvas, strict=True):
            if source.shape == target.shape:
                np.copyto(target, source)
            else:
                cv2.resize(source, target.shape[1::-1], dst=target, interpolation=cv2.INTER_AREA)

    return least_ms(place), least_ms(lambda index: film.paint(frame, index % 60))


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    cv2.setNumThreads(1)  # as rendering has it
    print(f"{'picture':>11} people view   {'floor ms':>9} {'frame ms':>9} {'drawing':>8} {'a person':>9}")
    for size in ((640, 480), (1920, 1080), (1080, 1920), (3840, 2160)):
        for count, view in ((0, "turn"), (1, "front"), (1, "turn"), (2, "turn"), (3, "turn"), (4, "turn")):
            floor, whole = compare(size, count, view)
            name = f"{size[0]}x{size[1]}"
            drawing = whole - floor
            each = f"{drawing / count:9.2f}" if count else ""
            print(f"{name:>11} {count:>6} {view:<6} {floor:9.2f} {whole:9.2f} {drawing:8.2f} {each}")


if __name__ == "__main__":
    main()
