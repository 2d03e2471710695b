"""The benchmark of whole processes: its drawn people are where it says, and it runs to its last line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
from bench_run import ROOT, encoding, people_film

from pipeline.video import probe


def test_drawn_people_lie_where_the_key_points_say(tmp_path: Path) -> None:
    film = people_film(tmp_path / "people.mp4", "160x120", 5, 2)
    clip = probe(film)
    assert clip.size == (160, 120) and clip.fps == 25 and encoding(film)[-2:] == ["-g", "50"]
    with np.load(film.with_suffix(".npz"), allow_pickle=False) as made:
        assert made["keypoints"].shape == (2, 5, 17, 2) and made["boxes"].shape == (2, 5, 4)
        assert made["keypoints"][0, ..., 0].mean() < 80 < made["keypoints"][1, ..., 0].mean()  # side by side
        assert (made["boxes"][..., :2] <= made["keypoints"].min(axis=2)).all()


@pytest.mark.slow
def test_it_sets_rendering_beside_its_floors_and_run_beside_its_stages() -> None:
    words = ["--people", "1", "--size", "160x120", "--frames", "5", "--rounds", "1"]
    command = [sys.executable, "tests/benchmarks/bench_run.py", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    for told in ("render is", "x pictures", "x transcode", "x pad", "run is", "its stages alone", "wall (load"):
        assert told in done.stdout
