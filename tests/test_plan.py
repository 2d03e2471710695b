"""Plans of many trainings: what cannot end well is told before they begin, and they stop when they are told to."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from moving_sets import moving_set

from lifter.__main__ import main
from lifter.commands.plan import add_plan, protocol_of
from lifter.datasets.poseset import write_keypoints, write_poses

ROOT = Path(__file__).parents[1]
TINY = [
    "--config", str(ROOT / "configs" / "mocap_tables.py"), "--step", "96", "--device", "cpu", "--cfg-options",
    "model.network.widths=2,2,2,2,2", "train_dataloader.batch_size=2",
]  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A set whose only 2D is a detector's."""
    made = moving_set({"train": [110, 100], "test": [100]})
    write_poses(tmp_path / "set", made.poses)
    write_keypoints(tmp_path / "set", replace(made, source="detector"))
    return tmp_path / "set"


def test_lifters_are_compared_on_a_set_without_true_2d(data: Path, tmp_path: Path) -> None:
    words = ["--keypoints", "detector", "--rows", "UGCN +", "--epochs", "1", "--seeds", "1"]
    assert main(["compare", "--data", str(data), "--out", str(tmp_path), *words, *TINY, f"{DRAWS}=4"]) == 0
    assert "| mean pose, a constant |" in (tmp_path / "compare.md").read_text()


DRAWS = "train_dataloader.sampler.draws"


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_split_that_is_not_there_is_told_before_the_trainings(
    split: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {"train": "test", "test": "train"}[split]
    made = moving_set({other: [100]})
    write_poses(tmp_path / "set", made.poses)
    write_keypoints(tmp_path / "set", made)
    assert main(["tables", "5", "--data", str(tmp_path / "set"), "--out", str(tmp_path / "out"), *TINY]) == 1
    shown = capsys.readouterr()
    assert f"no {split!r} split (it has {other})" in shown.err and shown.err.count("\n") == 1
    assert not shown.out and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("every", "cameras", "told"),
    [
        (1, "abcd", ""),
        (2, "abcd", "2 of 4 cameras only (a, c); an N that shares no factor with 4"),
        (3, "abcd", ""),
        (4, "abcd", "1 of 4 cameras only (a)"),
        (4, "abc", ""),  # goes round them
        (7, "aaaaaaaabbbbbbbb", ""),
        (11, "abcd", ""),  # too few sequences, not an unlucky number: 12 give cameras a and d
        (4, "a", ""),
    ],
)
def test_cameras_that_are_never_scored_are_told(
    every: int, cameras: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    count = len(cameras) * (12 // len(cameras) or 1)
    made = moving_set({"train": [30], "test": [30] * count}).poses
    write_poses(tmp_path, replace(made, cameras=np.array(["x", *(cameras * count)[:count]])))
    parser = argparse.ArgumentParser()
    add_plan(parser, Path("configs/mocap.py"))
    words = parser.parse_args(["--data", str(tmp_path), "--out", str(tmp_path), "--every", str(every)])
    words.threads = 1
    assert protocol_of(words).every == every
    shown = capsys.readouterr().out
    assert told in shown and shown.count("\n") == bool(told)


@pytest.mark.slow
def test_ctrl_c_stops_trainings_in_other_processes_at_once(data: Path, tmp_path: Path) -> None:
    words = ["tables", "8", "--data", str(data), "--detections", "detector", "--out", str(tmp_path), "--jobs", "2"]
    write_keypoints(data, moving_set({"train": [110, 100], "test": [100]}))
    command = [sys.executable, "-m", "lifter", *words, "--epochs", "1000", *TINY, f"{DRAWS}=40"]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("trials/*/last.pt"))) < 2 and time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)  # to it alone, as `kill -INT` does
    _, errors = child.communicate(timeout=30)  # its processes hold the pipe: they have ended too
    assert child.returncode == 130 and errors.splitlines() == ["stopped; the same command goes on where it was"]
    assert len(list(tmp_path.glob("trials/*/last.pt"))) == 2
