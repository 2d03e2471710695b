"""What is told while a stage runs: rate and remaining time, by lines where there is no terminal."""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from test_run import make_film

from lifter.lifter import Lifter
from pipeline import progress
from pipeline.cli import main
from pipeline.progress import Console, NowAndThen, Pace, time_told


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (3720, "1 h 02 min")]
)
def test_lengths_of_time_in_words(seconds: float, words: str) -> None:
    assert time_told(seconds) == words


def test_what_is_left_follows_from_the_rate_since_the_first_frame() -> None:
    clock = Clock()
    pace = Pace(1000, clock)
    assert pace.left_s is None
    clock.now = 30.0  # a network was loaded
    pace.add(1)
    assert (pace.rate, pace.left_s) == (0, None)
    clock.now = 40.0
    pace.add(99)
    assert pace.rate == pytest.approx(9.9)
    assert pace.left_s == pytest.approx(900 / 9.9)
    assert pace.line("detect") == " detect  100 of 1000 frames, 9.9 frames/s, 1 min 31 s left"


@pytest.mark.parametrize("total", [None, 0, 50])
def test_nothing_is_promised_where_the_end_is_unknown_or_passed(total: int | None) -> None:
    clock = Clock()
    pace = Pace(total, clock)
    for clock.now in (1.0, 2.0):
        pace.add(30)
    assert pace.left_s is None and "left" not in pace.line("detect") and "30.0 frames/s" in pace.line("detect")


def test_lines_come_now_and_then_and_ever_less_often() -> None:
    clock, said, at = Clock(), list[str](), list[float]()
    tick = NowAndThen("lift", 3600, lambda line: (said.append(line), at.append(clock.now)), clock)  # type: ignore[arg-type]
    for _ in range(3600):
        clock.now += 0.1
        tick()
    np.testing.assert_allclose(at, [10, 30, 70, 130, 190, 250, 310], atol=0.6)
    assert re.fullmatch(r"   lift  30[01] of 3600 frames, 10\.0 frames/s, 5 min 30 s left", said[1])


def test_without_a_terminal_every_stage_says_how_far_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "FIRST_S", 0.0)
    monkeypatch.setattr(progress, "LONGEST_S", 0.0)
    film = make_film(tmp_path / "film.mp4", frames=120, size=(64, 48))
    words = ["run", str(film), "--detector", "scripted", "--output", str(tmp_path / "out")]
    assert main(words) == 0
    told = capsys.readouterr()
    for stage in ("detect", "track", "lift", "render"):
        lines = [line for line in told.err.splitlines() if line.startswith(f"{stage:>7}")]
        assert lines[-1].startswith(f"{stage:>7}  120 of 120 frames")
        assert all(" of 120 frames" in line for line in lines)
        assert "frames/s" in lines[-1] and lines[-1].endswith("0 s left")
        assert len(lines) > 2, "a stage must say more than that it is done"
    assert told.out.count("\n") == 3, "results alone go to standard output"
    assert main([*words, "--from", "detect", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_batch_tells_how_far_its_films_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pipeline.batch.films import Film
    from pipeline.batch.job import _Listening

    told: list[str] = []
    film = Film(tmp_path / "walk.mp4", tmp_path)
    console = _Listening(film, told.append)
    with console.stage("detect", 20) as tick:
        tick(5)
        tick._next_s = 0.0  # type: ignore[attr-defined]  # it is time
        tick(5)
    assert [line.split(",")[0] for line in told] == [f"{film.path}: detect  10 of 20 frames"]
    assert capsys.readouterr() == ("", "")


def test_what_a_worker_says_on_the_way_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from multiprocessing import Pipe

    from pipeline.batch import workers
    from pipeline.batch.films import Film
    from pipeline.batch.job import DONE, Outcome

    film, (ours, theirs) = Film(Path("a.mp4"), Path("runs")), Pipe()
    worker = object.__new__(workers._Worker)
    worker.pipe, worker.film, worker.given, worker.alive, worker.attempt = ours, film, film, True, 1
    theirs.send("a.mp4: detect  10 of 20 frames")
    theirs.send(Outcome(DONE, "a.mp4", "runs/a"))
    assert worker.hear() == "a.mp4: detect  10 of 20 frames" and worker.film == film
    assert worker.hear() == Outcome(DONE, "a.mp4", "runs/a") and worker.film is None


@pytest.mark.parametrize("mode", ["windows", "sequence"])
def test_one_person_is_lifted_with_ticks_on_the_way(mode: str) -> None:
    """One long run of frames is not one step of the bar."""
    points, told = np.random.default_rng(0).uniform(0, 480, (1, 1500, 17, 2)).astype(np.float32), list[int]()
    lifter = Lifter("ugcn", "cpu", mode=mode)
    lifter.lift(points, np.ones((1, 1500), bool), np.arange(1500) / 25, (640, 480), told.append)
    assert sum(told) == 1500
    assert len(told) >= 4 and max(told) < 600


def test_a_reader_that_went_away_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = io.TextIOWrapper(os.fdopen(writing, "wb", 0), write_through=True)
    monkeypatch.setattr(sys, "stderr", stream)
    console = Console(bars=False)
    console.note("nobody hears it")
    console.warn("nor this")
    stream.close()


def test_the_guides_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[1] / "pipeline" / "guide" / "long_films.md").read_text(encoding="utf-8")
    lines = [
        line.split(" #")[0] for block in re.findall(r"```bash\n(.*?)```", page, re.DOTALL) for line in block.split("\n")
    ]
    commands = [shlex.split(line) for line in lines if line.startswith("python -m pipeline")]
    assert commands
    make_film(tmp_path / "film.mp4", frames=8, size=(64, 48))
    monkeypatch.chdir(tmp_path)
    for words in commands:
        assert main([*words[3:], "--detector", "scripted"]) == 0
