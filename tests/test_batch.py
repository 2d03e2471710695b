"""Many films: which, where to, several at once, one that fails, one that kills its process, and again."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from test_run import make_film

from pipeline.batch import summary
from pipeline.batch.films import find_films
from pipeline.batch.job import DONE, FAILED, LEFT, Outcome
from pipeline.cli import main
from pipeline.errors import PipelineError

ROOT = Path(__file__).parents[1]
# Somebody's detector, which writes down when it begins and ends a film, and does as the film's width says.
DIARY = """
import os, signal, time

class Diarist:
    joints = ("pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "spine",
              "thorax", "neck", "head", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow",
              "right_wrist")
    def __call__(self, frames):
        for number, frame in enumerate(frames):
            if not number:
                self.note("begin", frame)
            if frame.shape[1] == 66 or (frame.shape[1] == 68 and self.first_time()):
                os.kill(os.getpid(), signal.SIGKILL)
            if frame.shape[1] == 70:
                raise ValueError("no such film")
            while self.waits(frame):
                time.sleep(0.01)
            points = [[10 + j, 5 + 2 * j] for j in range(17)]
            yield type("Any", (), dict(boxes=[[0, 0, 60, 45]], keypoints=[points], scores=[[0.9] * 17]))()
        self.note("end", frame)
    def note(self, what, frame):
        with open(os.environ["DIARY"], "a") as file:
            threads = os.environ.get("OMP_NUM_THREADS")
            file.write(f"{what} {frame.shape[1]} {os.getpid()} {threads} {time.monotonic()}\\n")
    def waits(self, frame):
        width, _, begun = os.environ.get("DIARY_WAITS", ":0").partition(":")
        return width in ("", str(frame.shape[1])) and open(os.environ["DIARY"]).read().count("begin") < int(begun)
    def first_time(self):
        return open(os.environ["DIARY"]).read().count("begin 68") == 1

def make(options):
    return Diarist()
"""


@pytest.fixture
def diary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the detector `diary` for this test's processes; return the file that it writes."""
    package = tmp_path / "package"
    (package / "diary-1.0.dist-info").mkdir(parents=True)
    (package / "diary_pose.py").write_text(DIARY)
    (package / "diary-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: diary\nVersion: 1.0\n")
    points = "[motion_lift.detectors]\ndiary = diary_pose:make\n"
    (package / "diary-1.0.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(package))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(package))))
    monkeypatch.setenv("DIARY", str(tmp_path / "diary.txt"))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return tmp_path / "diary.txt"


def entries(diary: Path) -> list[list[str]]:
    return [line.split() for line in diary.read_text().splitlines()] if diary.exists() else []


def make_films(folder: Path, *widths: int, frames: int = 3) -> list[Path]:
    """Films named by their width, which the diary tells them by."""
    return [make_film(folder / f"w{width}.mp4", frames=frames, size=(width, 48)) for width in widths]


def batch(*words: str | Path, output: Path, detector: str = "diary") -> int:
    flags = ["--detector", detector, "--output", str(output), "--no-render", "--device", "cpu"]
    return main(["batch", *map(str, words), *flags])


def report(output: Path) -> dict[str, dict[str, object]]:
    return {Path(film["video"]).name: film for film in json.loads((output / "batch.json").read_text())["films"]}


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def folders(inputs: list[str | Path], output: Path, listed: Path | None = None) -> list[str]:
    return [str(film.folder.relative_to(output)) for film in find_films([str(i) for i in inputs], listed, output)]


def test_folders_patterns_and_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "runs"
    touch(tmp_path, "f/a.mp4", "f/b.MOV", "f/notes.txt", "f/.c.mp4", "f/day/d.mkv", "f/.hidden/e.mp4", "g/h.webm")
    assert folders([tmp_path / "f"], out) == ["a", "b", "day/d"]
    assert folders([tmp_path / "f" / "*.mp4"], out) == ["a"]
    assert folders([f"{tmp_path}/**/*.m*"], out) == ["a", "d"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("# mine\n\n  f/a.mp4\ng\n")
    assert folders(["f/day/d.mkv"], out, Path("list.txt")) == ["d", "a", "h"]
    assert folders(["f/a.mp4", "./f/../f/a.mp4", tmp_path / "f" / "a.mp4"], out) == ["a"]  # one film, once


def test_names_with_pattern_characters_are_names_first(tmp_path: Path) -> None:
    touch(tmp_path, "walk [1].mp4", "walk 1.mp4")
    assert folders([tmp_path / "walk [1].mp4"], tmp_path / "runs") == ["walk [1]"]


def test_results_are_no_films(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "runs/a/a_3d.mp4", "older/a/a_3d.mp4", "older/a/run.json", "older/b_3d.mp4")
    assert folders([tmp_path], tmp_path / "runs") == ["a", "older/b_3d"]


def test_films_of_one_name_get_folders_of_their_own(tmp_path: Path) -> None:
    out = tmp_path / "runs"
    names = ["x/1/walk.mp4", "x/2/walk.mp4", "y/1/walk.mp4", "y/1/walk.mov", "y/1/WALK.avi", "y/1/run.mp4"]
    touch(tmp_path, *names)
    films = [tmp_path / name for name in names]
    places = folders(films, out)
    assert len({place.casefold() for place in places}) == len(names)
    assert places[-1] == "run" and folders(films[:1], out) == ["walk"]  # who is alone keeps the plain name
    assert folders(films[:2], out) == ["1/walk", "2/walk"]
    assert folders([films[0], films[2]], out) == ["x/1/walk", "y/1/walk"]
    assert sorted(folders(films[::-1], out)) == sorted(places)  # whatever the order
    assert folders([tmp_path / "x", tmp_path / "y"], out).count("2/walk") == 1  # a folder's tree is kept


@pytest.mark.parametrize("case", ["nothing", "empty folder", "no list", "binary list"])
def test_nothing_to_do_is_told(case: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    inputs = [str(tmp_path / "empty")] if case == "empty folder" else []
    listed = {"no list": tmp_path / "absent", "binary list": tmp_path / "binary"}.get(case)
    with pytest.raises(PipelineError, match=r"batch: no film|--list .*: cannot be read"):
        find_films(inputs, listed, tmp_path / "runs")


@pytest.mark.parametrize(
    "words", [["--jobs", "0"], ["--threads", "-1"], ["--detector", "hrnett"], ["--lifter", "nobody"], ["--view", "up"]]
)
def test_what_would_fail_with_every_film_is_refused_at_once(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    touch(tmp_path, "a.mp4")
    assert main(["batch", str(tmp_path), "--output", str(tmp_path / "runs"), *words]) == 1
    assert capsys.readouterr().err.startswith("error: ") and not (tmp_path / "runs" / "batch.json").exists()


def test_a_bad_film_stops_nobody_and_a_second_batch_does_the_rest(
    diary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Films that are no films, that a detector stumbles over, and that kill their process: once, and always."""
    films, out = tmp_path / "films", tmp_path / "runs"
    make_films(films, 64, 66, 68, 70)
    (films / "broken.mp4").write_text("no film at all")
    assert batch(films, films / "absent.mp4", "--jobs", "2", output=out) == 1
    said = capsys.readouterr()
    told = report(out)
    states = {name: film["state"] for name, film in told.items()}
    good = {"w64.mp4": DONE, "w68.mp4": DONE}
    bad = dict.fromkeys(("w66.mp4", "w70.mp4", "broken.mp4", "absent.mp4"), FAILED)
    assert states == good | bad
    assert "killed 2 times, by signal 9" in str(told["w66.mp4"]["error"])
    assert "no such film" in str(told["w70.mp4"]["error"])
    assert said.err.count("error: ") == 4 and "6 films: 2 done, 4 failed" in said.out
    begun = Counter(width for what, width, *_ in entries(diary) if what == "begin")
    assert begun == {"64": 1, "66": 2, "68": 2, "70": 1}
    with (out / "batch.csv").open(newline="") as file:
        assert {Path(row["video"]).name: row["state"] for row in csv.DictReader(file)} == states
    assert batch(films / "w64.mp4", films / "w68.mp4", output=out) == 0
    assert "2 films: 2 up to date" in capsys.readouterr().out
    assert Counter(width for what, width, *_ in entries(diary) if what == "begin") == begun  # nothing done again
    assert report(out)["w64.mp4"]["frames"] == 3 and report(out)["w64.mp4"]["people"] == 1


def test_films_are_done_at_once_and_share_the_processors(
    diary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIARY_WAITS", ":2")  # all films, until two have begun
    monkeypatch.setattr("pipeline.batch.workers.processors", lambda: 8)
    make_films(tmp_path / "films", 64, 72, 74, 76, frames=4)
    assert batch(tmp_path / "films", "--jobs", "2", output=tmp_path / "runs") == 0
    spans: dict[str, list[float]] = {}
    for _, width, _, threads, moment in entries(diary):
        spans.setdefault(width, []).append(float(moment))
        assert threads == "4"
    at_once = [sum(begin <= moment < end for begin, end in spans.values()) for moment, _ in spans.values()]
    assert max(at_once) == 2  # two at once, never more
    assert len({pid for _, _, pid, *_ in entries(diary)}) == 2  # processes are used again


def test_a_stopped_batch_keeps_what_is_done(diary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIARY_WAITS", "72:9")  # the second film, for ever
    films, out = tmp_path / "films", tmp_path / "runs"
    make_films(films, 64, 72, 74)
    words = [sys.executable, "-m", "pipeline", "batch", str(films), "--detector", "diary", "--output", str(out)]
    process = subprocess.Popen([*words, "--no-render"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while sum(what == "begin" for what, *_ in entries(diary)) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "stopped" in said and "Traceback" not in said
    states = [film["state"] for film in report(out).values()]
    assert states == [DONE, LEFT, LEFT]
    (pid,) = {int(pid) for _, _, pid, *_ in entries(diary)}
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not list(out.rglob(".*part*"))


def test_the_table_holds_what_was_found() -> None:
    done = Outcome(DONE, "x" * 80 + "/walk.mp4", "runs/walk", 250, 2, 12.5, ["detect"])
    failed = Outcome(FAILED, "b.mp4", "runs/b", error="no film")
    text = summary.table([done, failed]).plain().splitlines()
    assert len({len(line) for line in text[:2]}) == 1 and "..." in text[1] and "20.0" in text[1]
    assert text[-1] == "2 films: 1 done, 1 failed"
    assert "1 min 15 s left" in summary.line(done, 1, 7, 12.5)


@pytest.mark.slow
def test_a_cluster_of_two_machines_loses_nothing_with_a_worker(
    diary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nodes of one processor each; the worker of one film is killed while it is at it."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'motion-lift[ray]'")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("DIARY_WAITS", ":3")  # all films, until one has been begun again
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    films, out = tmp_path / "films", tmp_path / "runs"
    made = make_films(films, *range(80, 92, 2), frames=5)
    (films / "broken.mp4").write_text("no film at all")
    quiet = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args=quiet)
    try:
        cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
        words = ["batch", str(films), "--detector", "diary", "--output", str(out), "--ray", cluster.address]
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", *words, "--no-render"], stderr=subprocess.PIPE, text=True
        )
        until = time.monotonic() + 150
        while not entries(diary) and time.monotonic() < until and process.poll() is None:
            time.sleep(0.05)
        _, victim, pid, *_ = entries(diary)[0]
        os.kill(int(pid), signal.SIGKILL)
        _, said = process.communicate(timeout=200)
    finally:
        cluster.shutdown()
    told = report(out)
    assert process.returncode == 1 and told.pop("broken.mp4")["state"] == FAILED, said
    assert {name: film["state"] for name, film in told.items()} == {film.name: DONE for film in made}, said
    happened = Counter((what, width) for what, width, *_ in entries(diary))
    for width in map(str, range(80, 92, 2)):  # each once and to its end; the victim begun twice, ended once
        assert happened["begin", width] == (2 if width == victim else 1)
        assert happened["end", width] == 1
        assert (out / f"w{width}" / "pose3d.npz").is_file()
    assert len({film["worker"] for film in told.values()}) >= 2


def test_a_cluster_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import importlib.util

    touch(tmp_path, "a.mp4")
    words = ["batch", str(tmp_path), "--detector", "scripted", "--output", str(tmp_path / "runs")]
    if importlib.util.find_spec("ray"):
        pytest.skip("Ray is installed: what is told without it cannot be seen here")
    assert main([*words, "--ray", "auto"]) == 1
    assert "Ray is not installed" in capsys.readouterr().err
