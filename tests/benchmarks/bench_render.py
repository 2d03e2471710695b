"""Times the drawing of a film's frames against the floor: resizing and copying the frame alone.

Run from the repository's root: `python tests/benchmarks/bench_render.py` prints one line per film size.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[up]) for up in (1, 2)]

from render_bodies import film as film_of  # noqa: E402
from render_bodies import h36m_skeleton, people  # noqa: E402

from render.frames import FilmPainter, lay_out  # noqa: E402
from render.settings import RenderSettings  # noqa: E402


def median_ms(work: Callable[[int], object], repeats: int = 60) -> float:
    """Return the median processor time of one call, milliseconds, after a warm-up: fair also on a busy machine."""
    for index in range(5):
        work(index)
    times = []
    for index in range(repeats):
        start = time.process_time()
        work(index)
        times.append(time.process_time() - start)
    return 1e3 * statistics.median(times)


def painter(size: tuple[int, int], count: int, view: str, frames: int = 60) -> FilmPainter:
    """Return a painter of standing people side by side who sway a little."""
    places = [(0.9 * (index - (count - 1) / 2), 0.0, 0.0) for index in range(count)]
    world = people(*places, frames=frames).copy() if count else np.zeros((0, frames, 17, 3), np.float32)
    world[..., 0] += 0.1 * np.sin(np.arange(frames, dtype=np.float32) / 5)[:, None] * world[..., 2]
    return film_of(h36m_skeleton(), world, size, view=view, show_ids=True, show_clock=True)


def compare(size: tuple[int, int], count: int, view: str) -> tuple[float, float]:
    """Return milliseconds per frame: (placing the frame alone, painting the film's frame)."""
    frame = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    film = painter(size, count, view)
    layout = lay_out(size, RenderSettings().max_height)
    width, height = layout.picture
    canvas = np.zeros((layout.canvas[1], layout.canvas[0], 3), np.uint8)

    def place(_: int) -> None:
        shown = frame if layout.picture == size else cv2.resize(frame, layout.picture, interpolation=cv2.INTER_AREA)
        canvas[:height, :width] = shown

    return median_ms(place), median_ms(lambda index: film.paint(frame, index % 60))


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(f"{'picture':>11} people view   {'floor ms':>9} {'frame ms':>9} {'drawing':>8} {'ratio':>6}")
    for size in ((640, 480), (1920, 1080), (1080, 1920), (3840, 2160)):
        for count, view in ((0, "turn"), (1, "front"), (1, "turn"), (2, "turn"), (4, "turn")):
            floor, whole = compare(size, count, view)
            name = f"{size[0]}x{size[1]}"
            print(
                f"{name:>11} {count:>6} {view:<6} {floor:9.2f} {whole:9.2f} {whole - floor:8.2f} {whole / floor:6.1f}"
            )


if __name__ == "__main__":
    main()
