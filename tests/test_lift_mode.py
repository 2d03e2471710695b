"""`--lift-mode` through both doors: the pipeline's and the laboratory's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_run import make_film

from lifter.__main__ import main as laboratory
from pipeline.cli import main


def lift(film: Path, folder: Path, *flags: str) -> tuple[np.ndarray, str]:
    words = ["run", str(film), "--detector", "scripted", "--no-render", "--output", str(folder), *flags]
    assert main(words) == 0
    made = folder / film.stem
    with np.load(made / "pose3d.npz", allow_pickle=False) as data:
        return data["positions"], json.loads((made / "run.json").read_text())["settings"]["lift"]["lift_mode"]


def test_a_film_is_lifted_again_when_the_mode_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_film(tmp_path / "film.mp4", frames=60, size=(64, 48))
    windows, told = lift(film, tmp_path / "runs")
    assert told == "windows"
    sequence, told = lift(film, tmp_path / "runs", "--lift-mode", "sequence")
    assert told == "sequence" and windows.shape == sequence.shape
    apart = np.linalg.norm(windows - sequence, axis=-1)
    assert apart.max() > 0 and apart.mean() < 0.05  # metres: another way to the same poses
    (tmp_path / "settings.toml").write_text('[lifter]\nlift_mode = "sequence"\n')
    capsys.readouterr()
    again, _ = lift(film, tmp_path / "runs", "--config", str(tmp_path / "settings.toml"))
    np.testing.assert_array_equal(again, sequence)
    assert "nothing to do" in capsys.readouterr().out


def test_an_unknown_mode_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_film(tmp_path / "film.mp4", frames=4, size=(64, 48))
    (tmp_path / "settings.toml").write_text('[lifter]\nlift_mode = "once"\n')
    assert main(["run", str(film), "--config", str(tmp_path / "settings.toml")]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "lift_mode: windows or sequence wanted, got 'once'" in told


def test_both_modes_score_alike_and_say_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert laboratory(["prepare", "tiny", "--kind", "mocap", "--frames", "120", "--out", str(tmp_path / "tiny")]) == 0
    words = ["prepare", "mocap", "--source", str(tmp_path / "tiny"), "--out", str(tmp_path / "set")]
    assert laboratory([*words, "--splits", "test"]) == 0
    scores = {}
    for mode in ("windows", "sequence"):
        words = ["evaluate", "--lifter", "ugcn", "--data", str(tmp_path / "set"), "--lift-mode", mode]
        assert laboratory([*words, "--step", "24", "--out", str(tmp_path / mode)]) == 0
        made = json.loads((tmp_path / mode / "scores.json").read_text())
        assert made["about"]["lift_mode"] == mode
        scores[mode] = made
    assert scores["windows"] != scores["sequence"]
    assert laboratory([*words, "--drop-tail"]) == 1
    assert "sequence has no windows" in capsys.readouterr().err
