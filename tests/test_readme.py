"""Every command of the README is run, on inputs the test makes; a command nobody knows how to run fails."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from random_weights import write_boxes, write_pose
from test_run import make_film
from toy_models import constant_model, heatmap_model
from walkers import write_walkers

from detectors.joints import H36M_17
from lifter.datasets.h36m.tiny import write_tiny_h36m
from lifter.datasets.mocap.tiny import write_tiny_mocap
from lifter.datasets.mpi_inf_3dhp.tiny import write_tiny_mpi_inf_3dhp
from pipeline.settings import resolve

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LABORATORY = (ROOT / "lifter" / "README.md").read_text(encoding="utf-8")
GUIDES = "".join(
    (ROOT / "pipeline" / island / "README.md").read_text(encoding="utf-8")
    for island in ("export", "measures", "report")
)
PAGES = {page.name: page.read_text(encoding="utf-8") for page in sorted((ROOT / "pipeline" / "guide").glob("*.md"))}
GUIDES += "".join(PAGES.values())


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def commands(text: str) -> list[str]:
    lines = [line.split(" #")[0].strip() for block in blocks(text, "bash") for line in block.splitlines()]
    return [line for line in lines if line] + re.findall(r"`(python tests/benchmarks/[^`]+)`", text)


COMMANDS = list(dict.fromkeys(commands(README) + commands(LABORATORY) + commands(GUIDES)))
# A network and a schedule for seconds; the command's other words stay as they are.
SHORT = [
    "--epochs", "1", "--cfg-options", "model.network.widths=2,2,2,2,2", "train_dataloader.batch_size=2",
    "train_dataloader.sampler.draws=4",
]  # fmt: skip
MAKES_DATA = re.compile(r"lifter (prepare|train)|pipeline\.drawn")


def write_inputs(folder: Path) -> None:
    """Make the files the commands name."""
    make_film(folder / "film.mp4", frames=8, size=(64, 48))
    heatmap_model(folder / "pose.onnx")
    boxes = np.zeros((1, 3549, 85), np.float32)
    constant_model(folder / "boxes.onnx", boxes, size=416)
    people = [
        {"keypoints": [[20 + i, 10 + i] for i in range(17)], "keypoint_scores": [0.9] * 17, "bbox": [[5, 5, 60, 40]]}
    ]
    import json

    frames = [{"frame_id": i, "instances": people} for i in range(8)]
    (folder / "keypoints.json").write_text(json.dumps(frames))
    (folder / "predictions").mkdir()
    (folder / "predictions" / "film.json").write_text(json.dumps(frames))
    (folder / "pictures").mkdir()
    for i in range(8):
        (folder / "pictures" / f"film_{i:06d}.json").write_text(json.dumps(people))
    bodies = np.random.default_rng(0).normal(size=(8, 17, 3))
    np.savez(folder / "true.npz", positions=bodies, joints=H36M_17, fps=25)
    (folder / "onnx.toml").write_text('[detector]\nname = "onnx"\npose_model = "pose.onnx"\nbox_model = "boxes.onnx"\n')
    calibration = {
        "fx": 60,
        "fy": 60,
        "cx": 31.5,
        "cy": 23.5,
        "distortion": [-0.2, 0.05, 0, 0],
        "width": 64,
        "height": 48,
    }
    (folder / "camera.yaml").write_text(json.dumps(calibration))  # which is YAML too
    write_tiny_mocap(folder / "mocap", "npz")
    write_tiny_h36m(folder / "h36m")
    write_tiny_mpi_inf_3dhp(folder / "tiny_3dhp")
    (folder / "3dhp").symlink_to(folder / "tiny_3dhp" / "npz")
    write_walkers(folder / "work_dirs" / "data" / "filmed", count=1, frames=8)
    (folder / "films").mkdir()
    (folder / "films.txt").write_text("film.mp4\n")
    make_film(folder / "films" / "walk_0.mp4", frames=8, size=(64, 64), fps=50)
    (folder / "configs").symlink_to(ROOT / "configs")
    (folder / "tests").symlink_to(ROOT / "tests")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    write_inputs(folder)
    return folder


def run(arguments: list[str], folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{arguments}: {done.stderr[-2000:]}"


def shortened(arguments: list[str]) -> list[str]:
    """A laboratory's command with less of everything."""
    verb = arguments[2]
    if arguments[1] == "pipeline.drawn":
        return [*arguments, "--count", "1", "--seconds", "0.5", "--fps", "10"]
    if verb == "noise":
        return [*arguments, "--max-sequences", "2", "--step", "48"]
    if verb not in ("train", "compare", "tables", "mixtures", "refine"):
        return arguments
    if verb == "refine":
        return [*arguments, "--epochs", "1"]
    own = arguments[arguments.index("--cfg-options") + 1 :] if "--cfg-options" in arguments else []
    kept = arguments[: arguments.index("--cfg-options")] if own else arguments
    grid = [] if verb == "train" else ["--seeds", "1", "--step", "96", "--every", "4"]
    return [*kept, *grid, *SHORT, *own]


def make_before(arguments: list[str], folder: Path) -> None:
    """Run the guide's own command for what a command reads and is not there yet, as when only some tests are run."""
    for flag, word in pairwise(arguments):
        path = word.removesuffix("/films").removesuffix("/lifter.safetensors")
        if flag in ("--data", "--runs", "--from") and path.startswith("work_dirs/") and not (folder / path).exists():
            earlier = next(c for c in COMMANDS if f"--out {path} " in f"{c} " and MAKES_DATA.search(c))
            words = shlex.split(earlier)[1:]
            make_before(words, folder)
            run(shortened(words), folder)


# Grids of trainings, and commands of many seconds.
CPN = re.compile(r"detectors\.cpn|--detector cpn")
LONG = re.compile(r"lifter (tables|compare|mixtures|noise|measure)|pipeline.(drawn|learned)|--detector mediapipe")
DETECT = ("run", "live", "batch", "detect")  # verbs
ELSEWHERE = re.compile(r"live (0|rtsp)|--ray")  # a camera, a stream, a cluster


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(c, marks=pytest.mark.slow) if LONG.search(c) else c
        for c in COMMANDS
        if "make " not in c and "hrnet" not in c and "bench_" not in c and not CPN.search(c) and not ELSEWHERE.search(c)
    ],
)
def test_command_runs(command: str, workplace: Path) -> None:
    program, *arguments = shlex.split(command)
    assert program == "python"
    if arguments[1] in ("lifter", "pipeline.drawn", "pipeline.learned"):
        make_before(arguments, workplace)
        arguments = shortened(arguments)
    elif (
        arguments[2] in ("export", "view", "measure", "report")
        and not (workplace / "runs" / "film" / "pose3d.npz").exists()
    ):
        run(["-m", "pipeline", "run", "film.mp4", "--detector", "scripted", "--no-render"], workplace)
    elif arguments[1] == "pipeline" and arguments[2] in DETECT and "--detector" not in arguments:
        arguments += ["--detector", "scripted"]  # the default one is run by the demo's test
    run(arguments, workplace)


@pytest.mark.parametrize("page", [name for name, text in PAGES.items() if "```python" in text])
def test_python_of_the_pages_runs(page: str, workplace: Path, tmp_path: Path) -> None:
    """All blocks of a page one after the other; the detectors that take seconds or weights are left to other tests."""
    (tmp_path / "film.mp4").symlink_to(workplace / "film.mp4")
    text = "\n".join(blocks(PAGES[page], "python"))
    (tmp_path / "page.py").write_text(re.sub(r'detector="(mediapipe|rtmpose)"', 'detector="scripted"', text))
    run(["page.py"], tmp_path)


@pytest.mark.parametrize("command", [c for c in COMMANDS if ELSEWHERE.search(c)])
def test_command_for_what_is_not_here_is_understood(command: str) -> None:
    """`test_live` and `test_batch` run these with a made camera, a local server and a local cluster."""
    from pipeline.cli import build_parser

    build_parser().parse_args(shlex.split(command)[3:])


@pytest.mark.slow
def test_hrnet_command_runs_with_weights_at_hand(workplace: Path) -> None:
    (command,) = [c for c in COMMANDS if "hrnet" in c]
    write_pose(workplace / "hrnet.pth", "hrnet")
    write_boxes(workplace / "rtmdet.pth")
    weights = ["--checkpoint", "hrnet.pth", "--box-model", "rtmdet.pth", "--offline", "--cache", "kept"]
    run([*shlex.split(command)[1:], *weights, "--output", "hrnet"], workplace)


@pytest.mark.slow
def test_cpn_commands_run_with_weights_at_hand(workplace: Path) -> None:
    from plain_cpn import random_tensors, write_public

    convert, detect = [c for c in COMMANDS if CPN.search(c)]
    write_public(workplace / "public_cpn.pth.tar", random_tensors())
    write_boxes(workplace / "rtmdet.pth")
    run(shlex.split(convert)[1:], workplace)
    run([*shlex.split(detect)[1:], "--box-model", "rtmdet.pth", "--offline", "--output", "cpn"], workplace)


def test_nothing_is_left_to_fill_in() -> None:
    assert not re.search(r"@[A-Z]+@|TODO|TBD", README + LABORATORY)


def test_make_targets_are_there() -> None:
    for command in [c for c in COMMANDS if c.startswith("make ")]:
        done = subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [c for c in COMMANDS if "bench_" in c])
def test_benchmarks_are_there(command: str, workplace: Path) -> None:
    run([shlex.split(command)[1], "--help"], workplace)


def test_settings_block_is_valid(tmp_path: Path) -> None:
    from pipeline.settings import read_config

    (block,) = blocks(README, "toml")
    tomllib.loads(block)
    (tmp_path / "settings.toml").write_text(block)
    settings = resolve(read_config(tmp_path / "settings.toml"))
    assert settings.detector == "onnx" and settings.look.max_height == 720


def test_every_flag_and_file_named_is_real() -> None:
    from pipeline.cli import build_parser

    verbs = build_parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    text = "".join(verb.format_help() for verb in verbs.values())
    for flag in set(re.findall(r"`(--[a-z-]+)", README)) - {"--data"}:
        assert flag in text, flag
    for name in re.findall(r"`((?:pipeline|lifter|configs|tests)/[\w./]+)`", README):
        assert (ROOT / name).exists(), name
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).is_file(), picture


def test_card_tells_the_weights_it_belongs_to() -> None:
    from lifter.weights import SHIPPED
    from pipeline.store import content_hash

    for file in SHIPPED.glob("*.safetensors"):
        card = file.with_suffix(".md").read_text(encoding="utf-8")
        assert content_hash(file) in card
        assert file.stat().st_size < 10_000_000
