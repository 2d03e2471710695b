"""Smoothing: what it must leave alone, what it calms, the lag it tells, and that nobody gets it unasked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_run import made, make_film, run, stages_run

from lifter.metrics import jerk
from pipeline.smooth import lag, read_smooth, smooth
from pipeline.store import load_pose3d

RATE = 50
TIMES = np.arange(100) / RATE
ALL = np.ones(100, bool)


def moves(times: np.ndarray, noise: float = 0.0) -> np.ndarray:
    """Every joint swings in its own way, (T, 17, 3) metres."""
    random = np.random.default_rng(0)
    phase, rate = random.uniform(0, 6, (17, 3)), random.uniform(0.3, 1.2, (17, 3))
    swing = 0.3 * np.sin(2 * np.pi * rate * times[:, None, None] + phase)
    return swing + random.normal(0, noise, swing.shape)


def test_what_a_polynomial_of_third_degree_does_is_left_alone() -> None:
    powers = TIMES[:, None, None] ** np.arange(4)
    cubic = powers @ np.random.default_rng(1).normal(size=(4, 17 * 3)).reshape(4, -1)
    cubic = cubic.reshape(100, 17, 3)
    after, told = smooth(cubic, ALL, TIMES, 0.25)
    np.testing.assert_allclose(after, cubic, atol=1e-9)
    assert told.frames == 13 and told.moved < 1e-6 and abs(told.lag_s) < 1e-6


def test_noise_goes_and_the_motion_stays() -> None:
    clean, noisy = moves(TIMES), moves(TIMES, 0.01)
    after, told = smooth(noisy, ALL, TIMES, 0.25)
    assert told.before == jerk(noisy) and told.after == jerk(after)
    assert told.after < 0.2 * told.before
    error = [np.linalg.norm(p - clean, axis=-1).mean() for p in (noisy, after)]
    assert error[1] < 0.6 * error[0]
    assert np.ptp(after, axis=0) == pytest.approx(np.ptp(clean, axis=0), rel=0.1)
    assert abs(told.lag_s) < 0.002
    np.testing.assert_array_equal(noisy, moves(TIMES, 0.01))  # its input is left as it was


@pytest.mark.parametrize("frames", [-3.0, 0.0, 0.4, 2.0, 7.5])
def test_the_lag_told_is_the_lag_there_is(frames: float) -> None:
    late = moves(TIMES - frames / RATE)
    assert lag(moves(TIMES), late, ALL, 1 / RATE) == pytest.approx(frames, abs=0.2)


def test_gaps_part_the_motion_and_what_is_out_of_track_stays() -> None:
    noisy, valid = moves(TIMES, 0.01), ALL.copy()
    valid[40:45] = valid[48:50] = False
    noisy[50:] += 5  # across the gap somebody stands elsewhere
    after, told = smooth(noisy, valid, TIMES, 0.25)
    np.testing.assert_array_equal(after[40:50], noisy[40:50])  # among them a stretch that is too short
    assert np.abs(after - noisy).max() < 0.1 and told.after < told.before
    short, told = smooth(noisy[:5], ALL[:5], TIMES[:5], 0.25)
    np.testing.assert_array_equal(short, noisy[:5])
    assert told.frames == 0 and "not smoothed" in told.line(1, 0.25)


def test_uneven_frames_are_smoothed_at_their_own_times() -> None:
    times = np.cumsum([0, *np.random.default_rng(2).uniform(0.01, 0.03, 99)])
    line = times[:, None, None] * np.ones((17, 3))
    np.testing.assert_allclose(smooth(line, ALL, times, 0.25)[0], line, atol=1e-9)
    clean, noisy = moves(times), moves(times, 0.01)
    after, _ = smooth(noisy, ALL, times, 0.25)
    assert np.abs(after - clean).mean() < 0.75 * np.abs(noisy - clean).mean()


@pytest.mark.parametrize(("text", "seconds"), [("off", None), ("savgol", 0.25), ("savgol=0.4", 0.4), ("savgol=2", 2.0)])
def test_words(text: str, seconds: float | None) -> None:
    assert read_smooth(text) == seconds


@pytest.mark.parametrize("text", ["on", "savgol=", "savgol=0", "savgol=9", "savgol=x", "one-euro", ""])
def test_other_words(text: str) -> None:
    with pytest.raises(ValueError, match="smooth: off, savgol"):
        read_smooth(text)


def test_a_run_smooths_only_where_asked_and_says_what_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = make_film(tmp_path / "films" / "walk.mp4", 30)
    run(film, "--no-render")
    before, file = load_pose3d(made(film) / "pose3d.npz"), made(film) / "pose3d.npz"
    with np.load(file) as data:
        assert "positions_unsmoothed" not in data
    assert "jitter" not in capsys.readouterr().out
    run(film, "--no-render", "--smooth", "off")
    assert stages_run(capsys) == []
    assert run(film, "--no-render", "--smooth", "savgol=0.3") == 0
    said = capsys.readouterr().out
    assert "jitter" in said and "lag" in said and "detect " not in said
    after = load_pose3d(file)
    with np.load(file) as data:
        np.testing.assert_array_equal(data["positions_unsmoothed"], before.positions)
    assert jerk(after.positions[0]) < jerk(before.positions[0])
    bones = np.linalg.norm(after.positions[0, :, 2] - after.positions[0, :, 1], axis=-1)
    assert np.ptp(bones) < 1e-4 and np.abs(after.positions[:, :, 0]).max() == 0
    record = json.loads((made(film) / "run.json").read_text())
    assert record["settings"]["lift"]["smooth"] == 0.3
    assert any("jitter" in line for line in record["stages"]["lift"]["repairs"])


def test_a_film_of_one_frame_comes_neither_early_nor_late() -> None:
    one = np.zeros((1, 17, 3))
    assert lag(one, one, np.ones(1, bool), 0.04) == 0.0
    assert smooth(one, np.ones(1, bool), np.zeros(1), 0.25)[0].shape == (1, 17, 3)
