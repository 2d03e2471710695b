"""Every command of every page is run, on inputs the tests make; a command nobody knows how to run fails.

A command that stands on several pages is run once. New pages are found by themselves (`pages.py`); a file that a new
command names is made in `page_inputs.py`.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from page_inputs import make_run, run, shortened
from pages import GUIDE, ROOT, blocks, commands, pages
from random_weights import write_boxes, write_pose

COMMANDS = list(dict.fromkeys(command for page in pages() for command in commands(page)))
PYTHON = re.compile(r"(?:\.venv/bin/)?python ")

MAKES_DATA = re.compile(r"lifter (prepare|train)|pipeline\.drawn")
# Grids of trainings, and commands of many seconds.
CPN = re.compile(r"detectors\.cpn|--detector cpn")
LONG = re.compile(
    r"lifter (tables|compare|mixtures|noise|measure)|pipeline.(drawn|learned)|--detector mediapipe"
    r"|pytest tests/test_(shards|people)"
)
DETECT = ("run", "live", "batch", "detect")  # verbs
NEEDS_RUN = re.compile(r"runs/film|pipeline (lift|render) ")
ELSEWHERE = re.compile(r"live (0|rtsp)|--ray")  # a camera, a stream, a cluster
BENCHMARK = re.compile(r"python tests/benchmarks")
OF_THE_CHECKOUT = re.compile(r"-m (pytest|ruff|mypy)")  # done in the repository, changing nothing
FORKS = re.compile("-m forks")  # tests that are run in processes of their own
SPECIAL = ("hrnet", "pipeline.demo")  # have tests of their own


def is_run(command: str) -> bool:
    """Whether `test_command_runs` is the test of this command."""
    told = (CPN, ELSEWHERE, BENCHMARK, FORKS)
    others = command.split()[0] in ("make", "docker", "pip")
    return not others and not any(word in command for word in SPECIAL) and not any(p.search(command) for p in told)


def data_of(config: Path) -> list[str]:
    """Return the data folders that a training config names, itself or in the one it is based on."""
    text = config.read_text(encoding="utf-8")
    based_on = [config.parent / name for name in re.findall(r'^_base_ = \[?"(\S+?)"', text, flags=re.M)]
    own = re.findall(r'folder="(\S+?)"', text)
    return list(dict.fromkeys(own)) or [folder for base in based_on for folder in data_of(base)]


def make_before(arguments: list[str], folder: Path) -> None:
    """Run the guide's own command for what a command reads and is not there yet, as when only some tests are run."""
    given = [word for flag, word in pairwise(arguments) if flag in ("--data", "--runs", "--from", "--lifter")]
    if arguments[1:3] == ["lifter", "train"] and "--data" not in arguments:
        given += data_of(ROOT / arguments[3])
    for word in given:
        path = word.removesuffix("/films").removesuffix("/lifter.safetensors")
        if path.startswith("work_dirs/") and not (folder / path).exists():
            earlier = next(c for c in COMMANDS if f"--out {path} " in f"{c} " and MAKES_DATA.search(c))
            words = shlex.split(earlier)[1:]
            make_before(words, folder)
            run(shortened(words), folder)


@pytest.mark.parametrize(
    "command",
    [pytest.param(c, marks=pytest.mark.slow) if LONG.search(c) else c for c in COMMANDS if is_run(c)],
    ids=str,
)
def test_command_runs(command: str, workplace: Path) -> None:
    assert PYTHON.match(command), f"no test knows how to run {command!r}; teach this file"
    arguments = shlex.split(command)[1:]
    if OF_THE_CHECKOUT.search(command):
        run(arguments, ROOT)
        return
    make_before(arguments, workplace)
    if arguments[1] in ("lifter", "pipeline.drawn", "pipeline.learned"):
        arguments = shortened(arguments)
    if NEEDS_RUN.search(command):
        make_run(workplace)
    if arguments[1] == "pipeline" and arguments[2] in DETECT and "--detector" not in arguments:
        arguments += ["--detector", "scripted"]  # the default one is run by the demo's test
    run(arguments, workplace)


@pytest.mark.parametrize("command", [c for c in COMMANDS if ELSEWHERE.search(c)], ids=str)
def test_command_for_what_is_not_here_is_understood(command: str) -> None:
    """`test_live` and `test_batch` run these with a made camera, a local server and a local cluster."""
    from pipeline.parser import build_parser

    build_parser().parse_args(shlex.split(command)[3:])


@pytest.mark.slow
def test_hrnet_commands_run_with_weights_at_hand(workplace: Path) -> None:
    write_pose(workplace / "hrnet.pth", "hrnet")
    write_boxes(workplace / "rtmdet.pth")
    weights = ["--checkpoint", "hrnet.pth", "--box-model", "rtmdet.pth", "--offline", "--cache", "kept"]
    for command in [c for c in COMMANDS if "hrnet" in c]:
        run([*shlex.split(command)[1:], *weights, "--output", "hrnet"], workplace)


@pytest.mark.slow
def test_cpn_commands_run_with_weights_at_hand(workplace: Path) -> None:
    from plain_cpn import random_tensors, write_public

    convert, detect = [c for c in COMMANDS if CPN.search(c)]
    write_public(workplace / "public_cpn.pth.tar", random_tensors())
    write_boxes(workplace / "rtmdet.pth")
    run(shlex.split(convert)[1:], workplace)
    run([*shlex.split(detect)[1:], "--box-model", "rtmdet.pth", "--offline", "--output", "cpn"], workplace)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")], ids=str)
def test_make_targets_are_there(command: str) -> None:
    done = subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@cache
def help_of(benchmark: str) -> str:
    return run([benchmark, "--help"], ROOT)


@pytest.mark.parametrize("command", [c for c in COMMANDS if BENCHMARK.search(c)], ids=str)
def test_benchmarks_are_there_and_know_the_flags(command: str) -> None:
    words = shlex.split(command)
    for flag in [word for word in words if word.startswith("--")]:
        assert re.search(rf"{flag}(?![a-z-])", help_of(words[1])), flag


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("pip ")], ids=str)
def test_what_pip_installs_is_what_the_project_declares(command: str) -> None:
    """Extras exist, and versions are those of the Makefile."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra in re.findall(r"\.\[([\w,]+)\]", command):
        assert set(extra.split(",")) <= set(declared["optional-dependencies"])
    for pinned in re.findall(r"\S+==\S+", command):
        assert pinned in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("docker ")], ids=str)
def test_containers_are_built_from_files_that_are_there(command: str) -> None:
    """`test_containers` lints them; nothing is built."""
    from lifter.__main__ import build_parser as lifters
    from pipeline.parser import build_parser

    words = shlex.split(command)
    if words[1] == "build":
        assert (ROOT / words[words.index("--file") + 1]).is_file()
        return
    inside = words[next(index for index, word in enumerate(words) if word.startswith("motion-lift")) + 1 :]
    if inside[:2] == ["-m", "lifter"]:
        assert (ROOT / inside[3].removeprefix("/opt/motion-lift/")).is_file()
        lifters(inside[2]).parse_args(inside[2:])
    else:
        build_parser().parse_args(inside)


def test_settings_block_is_valid(tmp_path: Path) -> None:
    from pipeline.settings import read_config, resolve

    (block,) = blocks(GUIDE / "run.md", "toml")
    tomllib.loads(block.text)
    (tmp_path / "settings.toml").write_text(block.text)
    settings = resolve(read_config(tmp_path / "settings.toml"))
    assert settings.detector == "onnx" and settings.look.max_height == 720


def test_card_tells_the_weights_it_belongs_to() -> None:
    from lifter.weights import SHIPPED
    from pipeline.store import content_hash

    for file in SHIPPED.glob("*.safetensors"):
        card = file.with_suffix(".md").read_text(encoding="utf-8")
        assert content_hash(file) in card
        assert file.stat().st_size < 10_000_000
