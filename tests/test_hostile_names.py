"""Names are anybody's: of films, folders, runs. They stay names: on the command line, in pages, sheets, terminals."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from kept_runs import even, walkers, write_run
from test_run import make_film

from lifter.datasets.detections.films import watch
from pipeline.batch.job import FAILED, Outcome
from pipeline.batch.summary import write
from pipeline.cli import main
from pipeline.progress import plain

SCRIPTS = {"view.html": 2 + 1 + 6 + 2, "report.html": 0}  # library and page; head, arrays, film and licence are data
ROOT = Path(__file__).parents[1]
NAMES = {
    "dash": "-rf", "flag": "--output=elsewhere", "formula": "=cmd|' 'A0", "script": "<script>alert(1)<script>",
    "attribute": '" onload="alert(1)', "line break": "a\nerror: b", "terminal": "\x1b]0;mine\x07\x1b[2J",
    "bytes": "b\udcff",
    "shell": "$(touch hacked) `touch hacked`;touch hacked", "pattern": "frame%03d*?[a]{b}",
    "protocol": "tcp:127.0.0.1:9",
    "concat": "concat:a|b", "mark": "{{library}}$x_1$", "wide": "☃ \u202etxt.exe", "dots": "..a", "spaces": " a ",
}  # fmt: skip


class Tags(HTMLParser):
    """The elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.attributes, self.tags = list[str](), list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def run_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "pipeline", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace")


@pytest.mark.parametrize("kind", NAMES)
def test_a_film_of_any_name_is_lifted_and_shown(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    name = NAMES[kind]
    make_film(Path(f"{name}.mp4"), frames=2, size=(64, 48))
    before = set(tmp_path.iterdir())
    assert main(["run", "--detector", "scripted", "--output", ".", "--", f"{name}.mp4"]) == 0
    run = Path(name)
    assert {file.name for file in run.iterdir()} == {"pose2d.npz", "pose3d.npz", "run.json", f"{name}_3d.mp4"}
    assert main(["view", "--", str(run)]) == 0
    assert set(tmp_path.iterdir()) == {*before, tmp_path / name}  # nothing beside the run's folder
    said = capsys.readouterr()
    assert all(letter.isprintable() or letter == "\n" for letter in said.out + said.err)
    harmless(run / "view.html")


@pytest.mark.parametrize("kind", ["attribute", "bytes", "mark"])
def test_what_is_told_of_a_film_of_any_name(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = f"{NAMES[kind]}.mp4"
    run = write_run(tmp_path / NAMES[kind], walkers(even(4)), name=film)
    for verb in (["report"], ["export", "--format", "csv,bvh,trc,json,npz,glb"], ["measure"]):
        assert main([*verb, "--", str(run)]) == 0
    said = capsys.readouterr()
    assert all(letter.isprintable() or letter == "\n" for letter in said.out + said.err)
    harmless(run / "report.html")
    assert json.loads((run / "measures" / "measures.json").read_text())["film"] == film


def harmless(page: Path) -> None:
    tags = Tags(page.read_text(encoding="utf-8"))
    assert not [name for name in tags.attributes if name.startswith("on")]
    assert tags.tags.count("script") == SCRIPTS[page.name]


def test_a_dash_before_a_film_is_a_name_for_the_laboratory_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    make_film(Path("--help.mp4"), frames=4, size=(64, 48))
    assert watch(Path("--help.mp4"), "scripted", Path("cache")).keypoints.shape[1] == 4


def test_no_cell_of_a_sheet_is_a_formula(tmp_path: Path) -> None:
    names = [*NAMES.values(), "@SUM(A1)", "+1", "\t=1", "\r=1"]
    write([Outcome(FAILED, name, name, error=name, warnings=[name]) for name in names], tmp_path)
    with (tmp_path / "batch.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(names)
    for row in rows:
        assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") for cell in row.values() if cell), row
    assert [row["video"] for row in json.loads((tmp_path / "batch.json").read_text())["films"]] == names


def test_what_is_said_steers_no_terminal(tmp_path: Path) -> None:
    done = run_in(tmp_path, "run", "\x1b[2Jgone\x07.mp4")
    assert done.returncode == 1 and done.stderr.startswith("error: \\x1b[2Jgone\\x07.mp4: no such file")
    assert plain("Zoë\n☃ \x9b1m\u202e\x7f") == "Zoë\n☃ \\x9b1m\\u202e\\x7f"


def test_a_link_laid_for_a_file_to_come_is_not_written_through(tmp_path: Path) -> None:
    from lifter.whole import whole
    from pipeline.parts import part_of
    from pipeline.store import write_whole

    victim = tmp_path / "victim"
    victim.write_text("mine")
    part_of(tmp_path / "a.npz").symlink_to(victim)
    (tmp_path / "b.npz").symlink_to(victim)
    (tmp_path / "c.npz.part").symlink_to(victim)
    for name in ("a.npz", "b.npz"):
        write_whole(tmp_path / name, lambda file: file.write(b"theirs"))
    with whole(tmp_path / "c.npz") as part:
        part.write_bytes(np.zeros(3).tobytes())
    assert victim.read_text() == "mine"
    assert not any((tmp_path / name).is_symlink() for name in ("a.npz", "b.npz", "c.npz"))
