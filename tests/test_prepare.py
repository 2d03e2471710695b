"""`python -m lifter prepare`, whole: raw files to prepared sets, and every bad word in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lifter.__main__ import main
from lifter.datasets.poseset import read_poses, read_poseset, sources


def prepare(*words: object) -> int:
    return main(["prepare", *map(str, words)])


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    assert prepare("tiny", "--kind", "mocap", "--frames", 60, "--out", tmp_path / "raw") == 0
    return tmp_path / "raw"


def test_mocap_from_raw_to_prepared(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "set"
    assert prepare("mocap", "--source", tiny, "--out", out, "--keypoints", "gt,noisy", "--share", "uiprmd=1") == 0
    said = capsys.readouterr().out
    assert "train: 12 sequences, 720 frames" in said and "test: 8 sequences" in said
    assert sources(out) == ["gt", "noisy"]
    made = read_poseset(out, "noisy")
    assert set(made.poses.groups) == {"uiprmd", "cmu_daz_01-14"} and made.seen.all()
    assert np.abs(made.keypoints - read_poseset(out).keypoints).max() > 1
    assert made.poses.about["dataset"] == "motion capture" and "studio" in made.poses.about["protocol"]
    assert {file.name for file in out.iterdir()} == {"poses.npz", "keypoints_gt.npz", "keypoints_noisy.npz"}


def test_own_files_splits_and_wild_cameras(tmp_path: Path) -> None:
    prepare("tiny", "--kind", "mocap", "--form", "bvh", "--frames", 60, "--out", tmp_path / "raw")
    words = ["--source", tmp_path / "raw", "--out", tmp_path / "set", "--cameras", "wild", "--splits", "train,test"]
    assert prepare("mocap", *words, "--test", "anna,bela") == 0
    poses = read_poses(tmp_path / "set")
    assert dict(zip(poses.subjects.tolist(), poses.splits.tolist(), strict=True)) == {
        "anna": "test", "bela": "test", "cleo": "train",
    }  # fmt: skip
    assert set(poses.actions) == {"walk"} and set(poses.cameras) == {"wild_1"}


@pytest.mark.parametrize(
    "words, told",
    [
        (["--source", "nowhere"], "nowhere: holds no motion capture"),
        (["--keypoints", "gt,best"], "keypoints: gt, noisy wanted, got gt, best"),
        (["--splits", "dev"], "splits: train"),
        (["--share", "uiprmd"], "--share uiprmd: GROUP=FRACTION"),
        (["--share", "uiprmd=x"], "--share uiprmd=x"),
        (["--share", "other=0.5"], "no group 'other'"),
        (["--share", "uiprmd=0", "cmu_daz=0", "--splits", "train"], "no recording is left"),
        (["--views", "-2"], "views"),
        (["--up", "w"], "up: auto"),
        (["--unit", "-1"], "unit"),
    ],
)
def test_bad_words_are_one_line(
    tiny: Path, tmp_path: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prepare("mocap", "--source", tiny, "--out", tmp_path / "set", *words) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and told in error and error.count("\n") == 1
    assert not (tmp_path / "set").exists()


def test_bad_files_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepare("tiny", "--kind", "mocap", "--form", "bvh", "--frames", 60, "--out", tmp_path / "raw")
    capsys.readouterr()
    file = tmp_path / "raw" / "anna" / "walk_1.bvh"
    file.write_text(file.read_text().replace("LeftForeArm", "Trunk"))
    assert prepare("mocap", "--source", tmp_path / "raw", "--out", tmp_path / "set") == 1
    error = capsys.readouterr().err
    assert "walk_1.bvh: skeleton not understood: no left_elbow among its joints Hips, LeftUpLeg" in error


@pytest.mark.parametrize("kind", ["h36m", "3dhp"])
def test_other_tiny_sets_prepare_too(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare("tiny", "--kind", kind, "--frames", 40, "--out", tmp_path / "raw") == 0
    hint = capsys.readouterr().out.split("python -m lifter ")[1].split()
    assert main([*hint[:-1], str(tmp_path / "set")]) == 0
    assert {"train", "test"} <= set(read_poses(tmp_path / "set").splits.tolist())
    assert "gt" in sources(tmp_path / "set")


def test_help_is_light() -> None:
    code = (
        "import sys; from lifter.__main__ import main\n"
        "try: main(['prepare', 'mocap', '--help'])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "assert not {'torch', 'numpy', 'scipy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stderr
    assert "--cameras" in done.stdout
