"""The same film, machine and settings give the same bytes on the processor; other ways to them, nearly the same."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "faults"))
import kills
from forked import ended, start

from lifter import lifter as lifting
from lifter.lifter import Lifter

NAMES = ("pose2d.npz", "pose3d.npz", "walk_3d.mp4")


def test_two_whole_runs_are_the_same_to_the_byte(tmp_path: Path) -> None:
    """Arrays and film; `run.json` but for the seconds, and so for nothing else."""
    records = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        kills.film(tmp_path / name)
        place = tmp_path / name
        code, _ = ended(start(lambda place=place: _in(place), tmp_path / f"{name}.txt"))  # type: ignore[misc]
        assert code == 0, (tmp_path / f"{name}.txt").read_text()
        record = json.loads((place / "runs/walk/run.json").read_text())
        for stage in record["stages"].values():
            del stage["seconds"]
        records.append(record)
    assert records[0] == records[1]
    for name in NAMES:
        first, second = ((tmp_path / run / "runs/walk" / name).read_bytes() for run in ("first", "second"))
        assert first == second, name


def _in(place: Path) -> int:
    os.chdir(place)
    return kills.run_film(place)


def _walk(frames: int = 150) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Key points (1, T, 17, 2) of a moving figure, pixels; valid (1, T); times."""
    rng = np.random.default_rng(0)
    body = rng.uniform(-100, 100, (17, 2)) + np.array([320, 240])
    sway = 20 * np.sin(np.arange(frames)[:, None, None] / 9 + rng.uniform(0, 6, (17, 2)))
    return (body + sway)[None].astype(np.float32), np.ones((1, frames), bool), np.arange(frames) / 25


@pytest.mark.parametrize("mode", ["windows", "sequence"])
def test_lifting_in_other_batches_and_threads_is_within_a_tenth_of_a_millimetre(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    keypoints, valid, times = _walk()

    def lifted() -> np.ndarray:
        return Lifter("ugcn", "cpu", mode=mode).lift(keypoints, valid, times, (640, 480))

    wanted = lifted()
    np.testing.assert_array_equal(lifted(), wanted)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        np.testing.assert_allclose(lifted(), wanted, atol=1e-4)
    finally:
        torch.set_num_threads(threads)
    monkeypatch.setattr(lifting, "CPU_BATCH", lifting.CPU_BATCH // 3)
    np.testing.assert_allclose(lifted(), wanted, atol=1e-4)
