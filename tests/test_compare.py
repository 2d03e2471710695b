"""Detectors side by side: runs of their own, one film with everyone's picture and room, a table, and bad words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_run import make_film

from pipeline.cli import main
from pipeline.compare import grid
from pipeline.video import VideoReader, probe


def test_tiles_come_near_to_a_screen() -> None:
    assert grid(2, (1500, 540)) == (1, 2)  # landscape: below each other
    assert grid(2, (600, 640)) == (2, 1)
    assert grid(4, (1600, 900)) == (2, 2)
    assert grid(3, (500, 800)) == (3, 1)


def test_two_ways_in_one_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_film(tmp_path / "walk.mp4", 20, (320, 240))
    (tmp_path / "other.toml").write_text('person = "largest"\n[detector]\nname = "scripted"\nbox_every = 9\n')
    words = ["compare", str(film), "--detectors", f"scripted,{tmp_path / 'other.toml'}", "--start", "0.4"]
    assert main([*words, "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert [line.split()[:2] for line in said.splitlines() if line.startswith(("scripted ", "other "))] == [
        ["scripted", "1"], ["other", "1"],
    ]  # fmt: skip
    folder = tmp_path / "out" / "walk_compare"
    assert (folder / "scripted" / "walk" / "pose3d.npz").is_file() and (folder / "other" / "walk").is_dir()
    frames = [frame for _, frame in VideoReader(probe(folder / "walk_compare.mp4"))]
    assert len(frames) == 10
    height, width = frames[0].shape[:2]
    tiles = [frames[5][:, : width // 2], frames[5][:, width // 2 :]]
    if height > 300:
        tiles = [frames[5][: height // 2], frames[5][height // 2 :]]
    # The same walker in both; only the names differ.
    assert np.abs(tiles[0].astype(int) - tiles[1])[60:].mean() < 2
    assert np.abs(tiles[0].astype(int) - tiles[1])[:40].max() > 60
    assert main([*words, "--output", str(tmp_path / "out")]) == 0
    assert "frames/s  ->" not in capsys.readouterr().out  # the runs are kept


@pytest.mark.parametrize("words", ["scripted", "scripted,scripted", ",", "scripted,nowhere.toml", "scripted,hrnt"])
def test_what_cannot_be_compared(tmp_path: Path, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_film(tmp_path / "walk.mp4", 4)
    assert main(["compare", str(film), "--detectors", words, "--output", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")
