"""Help worth a manual: whole for every verb, examples run, defaults are the real ones, misspelt words earn a hint."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest
from page_inputs import shortened, write_inputs
from pages import commands
from test_readme import LONG, make_before

from lifter.__main__ import VERBS as LABORATORY
from lifter.__main__ import build_parser as build_laboratory
from lifter.__main__ import main as laboratory
from pipeline.cli import main
from pipeline.manual import PAGES
from pipeline.parser import build_parser
from pipeline.settings import DetectorOptions, EncoderSettings, RunSettings

ROOT = Path(__file__).parents[1]
SECTIONS = ("examples:", "writes:", "exit codes:", "see also:")
NOT_HERE = re.compile(r" live (0|rtsp)")  # a camera, a stream
SEES = ("run", "live", "batch", "detect")


def verbs_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    (found,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found.choices)


PIPELINE = {"": build_parser(), **verbs_of(build_parser())}
LABORATORIES = {"": build_laboratory(), **{name: verbs_of(build_laboratory(name))[name] for name in LABORATORY}}
ALL = [(f"pipeline {name}", one) for name, one in PIPELINE.items()]
ALL += [(f"lifter {name}", one) for name, one in LABORATORIES.items()]


def examples(text: str) -> list[str]:
    block = text.split("\nexamples:\n")[1].split("\n\n")[0]
    return [line.split("  #")[0].strip() for line in block.splitlines() if line.startswith("  python -m ")]


@pytest.mark.parametrize(("name", "parser"), ALL, ids=[name for name, _ in ALL])
def test_every_help_is_whole(name: str, parser: argparse.ArgumentParser) -> None:
    text = parser.format_help()
    places = [text.index(f"\n{section}") for section in SECTIONS]
    assert places == sorted(places) and examples(text), text
    assert parser.description and parser.description.endswith(".") and "\n" not in parser.description.strip()
    assert all(line.startswith(f"python -m {name.split()[0]} ") for line in examples(text))
    for action in parser._actions:
        assert action.help or isinstance(action, argparse._SubParsersAction), f"{name}: {action.dest} has no help"
    for page in re.findall(r"[\w/]+\.(?:md|py)\b", text[places[3] :]):
        assert (ROOT / page).is_file(), page


def test_every_verb_has_a_page_and_no_page_is_of_nothing() -> None:
    assert set(PAGES) == set(PIPELINE)


def test_defaults_are_the_real_ones() -> None:
    """What stands behind "default:" is what the settings have, wherever that is a plain value."""
    run, checked = PIPELINE["run"], 0
    for action in run._actions:
        told = re.search(r"\(default: ([\w.]+)\)", (action.help or "").replace("%%", "%"))
        for settings in (RunSettings(), DetectorOptions(), EncoderSettings(), RunSettings().look):
            value = getattr(settings, action.dest, None)
            if told and value is not None:
                checked += 1
                assert told[1] == str(value), action.dest
    assert checked >= 14


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("help")
    write_inputs(folder)
    return folder


def cases(parsers: dict[str, argparse.ArgumentParser]) -> list[str]:
    return list(dict.fromkeys(line for one in parsers.values() for line in examples(one.format_help())))


# The pages of pipeline/guide/ that are of the terminal.
GUIDES = [ROOT / "pipeline" / "guide" / f"{page}.md" for page in ("terminal", "camera")]
GUIDED = [line for page in GUIDES for line in commands(page) if "--help" not in line]


@pytest.mark.parametrize("command", list(dict.fromkeys([*cases(PIPELINE), *GUIDED])))
def test_an_example_runs(command: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    words = shlex.split(command)[3:]
    if NOT_HERE.search(command):
        assert build_parser().parse_args(words).verb == "live"
        return
    if words[0] in SEES and "--detector" not in words:
        words += ["--detector", "scripted"]  # the default one is run by the demo's test
    if words[0] == "doctor" and "--no-self-test" not in words:
        words += ["--no-self-test"]  # tests/test_doctor.py runs it
    if words[0] in ("lift", "render", "export", "measure", "report", "view"):
        before = ["run", "film.mp4", "--detector", "scripted", *(["--no-render"] if words[0] != "render" else [])]
        assert main([*before, "--quiet"]) == 0
    assert main(words) == 0


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(c, marks=pytest.mark.slow) if LONG.search(c) or re.search(r"lifter (train|refine)", c) else c
        for c in cases(LABORATORIES)
    ],
)
def test_an_example_of_the_laboratory_runs(command: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    words = shlex.split(command)[1:]
    made = [] if "--data" in words else ["--data", "work_dirs/data/mocap"]  # what configs name
    make_before([*words, *made], workplace)
    if words[2] == "figure" and "--run" in words:
        assert main(["run", "film.mp4", "--detector", "scripted", "--no-render", "--quiet"]) == 0
    assert laboratory(shortened(words)[2:]) == 0


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["rnu", "film.mp4"], "did you mean run?"),
        (["run", "film.mp4", "--detctor", "hrnet"], "did you mean --detector?"),
        (["render", "film.mp4", "--quality", "fien"], "did you mean fine?"),
        (["doctor", "now"], "'now': one word too many"),
        (["film.mp4", "--view", "front"], "python -m pipeline run film.mp4 --view front"),
        (["my film.mov"], "python -m pipeline run 'my film.mov'"),
        (["films"], "python -m pipeline batch films"),
        (["runs/film"], "python -m pipeline view runs/film"),
        (["completion", "bsh"], "did you mean bash?"),
    ],
)
def test_what_was_meant_is_told_in_a_line(
    words: list[str], hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "films").mkdir()
    (tmp_path / "runs" / "film").mkdir(parents=True)
    (tmp_path / "runs" / "film" / "pose3d.npz").touch()
    with pytest.raises(SystemExit) as stop:
        main(words)
    told = capsys.readouterr().err
    assert stop.value.code == 2 and told.startswith("error: ") and told.count("\n") == 1 and hint in told


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["evalaute"], "did you mean evaluate?"),
        (["evaluate", "--liftr", "ugcn"], "--lifter"),
        (["prepare", "mcap"], "did you mean mocap?"),
    ],
)
def test_the_laboratory_tells_it_too(words: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        laboratory(words)
    told = capsys.readouterr().err
    assert stop.value.code == 2 and told.count("\n") == 1 and hint in told
