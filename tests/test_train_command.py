"""`python -m lifter train` as people call it: options, Ctrl-C, a kill at any moment, one line for what is wrong."""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from moving_sets import moving_set, write_set
from safetensors import safe_open

from lifter.__main__ import main
from lifter.lifter import Lifter
from lifter.training.alone import alone
from lifter.training.overrides import unfit_schedule
from lifter.training.run import read_config

ROOT = Path(__file__).parents[1]
CONFIG = """
_base_ = "{base}"
model = dict(network=dict(widths=(4, 4, 4, 4, 4), dropout=0.3), recipe=dict(window=32), autocast=False)
train_dataloader = dict(batch_size=4, sampler=dict(draws=12, balance=None), dataset=dict(folder="{data}"))
val_dataloader = dict(dataset=dict(folder="{data}", step=32))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, end=4, by_epoch=False),
    dict(type="MultiStepLR", milestones=[2], gamma=0.1, by_epoch=True),
]
train_cfg = dict(max_epochs=3, val_interval=3)
custom_hooks = [dict(type="EMAHook", ema_type="ExponentialMovingAverage", momentum=0.2)]
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_set(folder, moving_set({"train": [60, 50, 20], "validation": [60], "test": [40]}))
    return folder


@pytest.fixture
def config(data: Path, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.py"
    path.write_text(CONFIG.format(base=ROOT / "configs/mocap.py", data=data), encoding="utf-8")
    return path


def train(config: Path, out: Path, *words: str) -> int:
    return main(["train", str(config), "--out", str(out), "--threads", "1", "--device", "cpu", *words])


def started(config: Path, out: Path, *words: str) -> subprocess.Popen[str]:
    """The command in a process of its own, at low priority."""
    command = [sys.executable, "-m", "lifter", "train", str(config), "--out", str(out), "--threads", "1", *words]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: os.nice(5)
    )


def note_of(path: Path) -> str:
    with safe_open(path, framework="pt") as file:
        return str(file.metadata()["about"])


def test_a_training_from_end_to_end(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(config, tmp_path / "out") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[:3]] == ["1/3", "2/3", "3/3"]
    assert "MPJPE" in lines[2] and lines[3] == f"wrote {tmp_path / 'out' / 'lifter.safetensors'}"
    lifted = Lifter(tmp_path / "out" / "lifter.safetensors", "cpu").lift_uniform(torch.rand(40, 17, 2).numpy())
    assert lifted.shape == (40, 17, 3)


def test_options_reach_the_training(
    config: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "--epochs",
        "1",
        "--keypoints",
        "detector",
        "--data",
        str(data),
        "--cfg-options",
        "model.loss.operators=()",
    ]
    outs = [tmp_path / name for name in ("first", "again", "other")]
    for out, seed in zip(outs, ("3", "3", "4"), strict=True):
        assert train(config, out, "--seed", seed, *words) == 0
    first, again, other = (out / "lifter.safetensors" for out in outs)
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()
    shown = capsys.readouterr().out
    assert "epoch 1/1" in shown and "motion" not in shown
    assert '"keypoints": "detector"' in note_of(first) and '"seed": 4' in note_of(other)
    assert train(config, tmp_path / "new", *words, "--from", str(first)) == 0
    assert '"sha256"' in note_of(tmp_path / "new" / "lifter.safetensors")


def test_a_set_without_a_validation_split_is_trained_on_when_told_so(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_set(tmp_path / "set", moving_set({"train": [60, 50], "test": [40]}))
    words = ["--data", str(tmp_path / "set"), "--epochs", "1"]
    assert train(config, tmp_path / "out", *words) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: validation: the data set has no 'validation' split (it has test, train)")
    assert told.count("\n") == 1
    advice = re.findall(r"--cfg-options \S+", told)
    assert len(advice) == 1
    assert train(config, tmp_path / "out", *words, *advice[0].split()) == 0
    assert "epoch 1/1" in capsys.readouterr().out


WRONG = [
    ("nothing", ["--cfg-options", "model.network.type=ugnc"], "did you mean 'ugcn'"),
    ("no network", ["--cfg-options", "model.network=3"], "config: "),
    ("network field", ["--cfg-options", "model.network.width=4"], "did you mean 'widths'"),
    ("network value", ["--cfg-options", "model.network.widths=[4,4]"], "five positive numbers"),
    ("model field", ["--cfg-options", "model.netwrk.type=ugcn"], "netwrk"),
    ("no model", ["--cfg-options", "model=3"], "'model' missing"),
    ("loss field", ["--cfg-options", "model.loss.wieght=2"], "did you mean 'weight'"),
    ("recipe", ["--cfg-options", "model.recipe.window=4"], "window 4 out of range"),
    ("two recipes", ["--cfg-options", "train_dataloader.dataset.recipe.window=40"], "differs from model.recipe"),
    ("section", ["--cfg-options", "trian_cfg.max_epochs=2"], "did you mean 'train_cfg'"),
    ("epochs", ["--cfg-options", "train_cfg.max_epochs=x"], "max_epochs from 1"),
    ("iterations", ["--cfg-options", "train_cfg.by_epoch=False"], "by_epoch=True"),
    ("loop field", ["--cfg-options", "train_cfg.max_epoch=2"], "max_epoch"),
    ("no epochs", ["--epochs", "0"], "at least 1"),
    ("seed", ["--seed", "-1"], "whole number from 0"),
    ("large seed", ["--seed", str(2**32)], "whole number from 0"),
    ("no value", ["--cfg-options", "model.autocast"], "NAME=VALUE"),
    ("no name", ["--cfg-options", "=3"], "NAME=VALUE"),
    ("brackets", ["--cfg-options", "model.loss.intervals=[8,12"], "brackets"),
    ("list index", ["--cfg-options", "param_scheduler.9.gamma=1"], "--cfg-options"),
    ("scheduler", ["--cfg-options", "param_scheduler.1.type=MultiStep"], "MultiStep"),
    ("scheduler field", ["--cfg-options", "param_scheduler.1.gama=2"], "gama"),
    ("optimiser", ["--cfg-options", "optim_wrapper.optimizer.type=Adm"], "did you mean 'Adam'"),
    ("optimiser field", ["--cfg-options", "optim_wrapper.optimizer.rate=2"], "rate"),
    ("rate", ["--cfg-options", "optim_wrapper.optimizer.lr=-1"], "learning rate"),
    ("data set", ["--cfg-options", "train_dataloader.dataset.type=Window"], "Window is not in"),
    ("no data set", ["--cfg-options", "train_dataloader.dataset=3"], "train_dataloader.dataset missing"),
    ("data field", ["--cfg-options", "train_dataloader.dataset.steps=3"], "steps"),
    ("step", ["--cfg-options", "train_dataloader.dataset.step=0"], "step 0"),
    ("split", ["--cfg-options", "train_dataloader.dataset.split=tset"], "no 'tset' split"),
    ("batch", ["--cfg-options", "train_dataloader.batch_size=0"], "batch_size"),
    ("draws", ["--cfg-options", "train_dataloader.sampler.draws=0"], "draws"),
    ("sampler field", ["--cfg-options", "train_dataloader.sampler.draw=3"], "draw"),
    ("balance", ["--cfg-options", "train_dataloader.sampler.balance.group=-1"], "balance"),
    ("metric", ["--cfg-options", "val_evaluator.type=Metric"], "Metric"),
    ("interval", ["--cfg-options", "keep_interval=0"], "keep_interval"),
    ("missing data", ["--data", "nowhere"], "nowhere: not a prepared data set"),
    ("missing keypoints", ["--keypoints", "cpn"], "no keypoints 'cpn'"),
    ("missing weights", ["--from", "nowhere.safetensors"], "no such file"),
]


@pytest.mark.parametrize("words, told", [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_is_wrong_is_one_line(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert train(config, tmp_path / "out", *words) == 1
    shown = capsys.readouterr()
    assert told in shown.err and shown.err.startswith("error: ") and shown.err.count("\n") == 1
    assert not shown.out and not (tmp_path / "out" / "last.pt").exists()


@pytest.mark.parametrize("name, text, told", [
    ("none.py", None, "no such config"),
    ("bad.py", "model = dict(", "bad.py"),
    ("bad.py", "x = 1 / 0", "division"),
    ("bad.py", "_base_ = 'none.py'", "bad.py"),
    ("bad.py", "raise RuntimeError('stop')", "stop"),
    ("bad.json", "{", "bad.json"),
    ("bad.txt", "x", "bad.txt"),
    ("bad.py", "x = 1", "not a training config"),
])  # fmt: skip
def test_what_is_no_config_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str | None, told: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert train(tmp_path / name, tmp_path / "out") == 1
    shown = capsys.readouterr().err
    assert told in shown and shown.count("\n") == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_one_line(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(config, tmp_path / "out", "--device", "cuda") == 1
    assert "finds no GPU" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to_is_one_line(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    (tmp_path / "out" / "last.pt.part").mkdir(parents=True)
    for out in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "out"):
        assert train(config, out) == 1
        shown = capsys.readouterr().err
        assert str(out) in shown and shown.startswith("error: ") and shown.count("\n") == 1


def test_a_second_training_in_a_folder_is_told(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    with alone(tmp_path / "out"):
        assert train(config, tmp_path / "out") == 1
        shown = capsys.readouterr().err
        assert "another training is at work" in shown and shown.count("\n") == 1
        assert not list((tmp_path / "out").iterdir())
    assert train(config, tmp_path / "out", "--epochs", "1") == 0, "free again"


@pytest.mark.parametrize("threads, code", [("0", 1), ("-3", 1), ("1000000", 0)])
def test_threads_out_of_range(threads: str, code: int, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before = torch.get_num_threads()
    try:
        assert main(["figure", "1", "--out", str(tmp_path), "--threads", threads]) == code
    finally:
        torch.set_num_threads(before)
    shown = capsys.readouterr().err
    assert ("--threads: at least 1" in shown and shown.count("\n") == 1) if code else not shown


def test_a_lack_of_memory_is_one_line(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    width = 10**9  # a convolution of 10^19 bytes: no machine has them
    words = ["--cfg-options", f"model.network.widths=[4,4,4,4,{width}]"]
    assert train(config, tmp_path / "out", *words) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("error: out of memory") and shown.count("\n") == 1


def test_a_schedule_that_does_not_end_with_the_training_is_told(config: Path) -> None:
    made = read_config(config)
    made.param_scheduler = [
        {"type": "LinearLR", "end": 4, "by_epoch": False},
        {"type": "CosineAnnealingLR", "begin": 4, "end": 9, "T_max": 5, "by_epoch": False},
    ]
    assert unfit_schedule(made, 9) == ""
    assert "ends at step 9, this training at step 18" in unfit_schedule(made, 18)
    made.param_scheduler = [{"type": "MultiStepLR", "milestones": [2], "by_epoch": True}]
    assert unfit_schedule(made, 18) == "", "epochs fit any number of steps"


def wait_for(child: subprocess.Popen[str], file: Path) -> None:
    deadline = time.monotonic() + 120
    while not file.exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert file.exists(), child.stderr.read() if child.stderr and child.poll() is not None else "too slow"


@pytest.mark.slow
def test_ctrl_c_leaves_a_state_to_go_on_from(config: Path, tmp_path: Path) -> None:
    assert train(config, tmp_path / "whole", "--epochs", "12") == 0
    child = started(config, tmp_path / "out", "--epochs", "12")
    wait_for(child, tmp_path / "out" / "last.pt")
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130 and errors.splitlines()[-1].startswith("stopped")
    assert 1 <= torch.load(tmp_path / "out" / "last.pt", weights_only=True)["epoch"] < 12
    assert train(config, tmp_path / "out", "--epochs", "12") == 0
    assert weights(tmp_path / "out") == weights(tmp_path / "whole")


def weights(out: Path) -> bytes:
    return (out / "lifter.safetensors").read_bytes()


@pytest.mark.slow
def test_a_training_killed_again_and_again_ends_as_if_undisturbed(config: Path, tmp_path: Path) -> None:
    """Processes shot at random moments, some while they write."""
    words = ("--epochs", "30", "--cfg-options", "train_cfg.val_interval=30", "train_dataloader.sampler.draws=8")
    assert train(config, tmp_path / "whole", *words) == 0
    chance, out, reached = random.Random(7), tmp_path / "out", 0
    for _ in range(4):
        child = started(config, out, *words)
        wait_for(child, out / "last.pt")
        before = (out / "last.pt").stat().st_mtime_ns
        while (out / "last.pt").stat().st_mtime_ns == before and child.poll() is None:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.4))
        child.kill()
        child.communicate()
        epoch = int(torch.load(out / "last.pt", weights_only=True)["epoch"])
        assert reached < epoch
        reached = epoch
    assert reached < 30, "the last one was not killed in time"
    assert train(config, out, *words) == 0
    assert weights(out) == weights(tmp_path / "whole")


@pytest.mark.slow
def test_a_really_full_disk_is_one_line(config: Path, tmp_path: Path) -> None:
    """The system allows the process files of 20 kB only."""
    command = [sys.executable, "-m", "lifter", "train", str(config), "--out", str(tmp_path / "out"), "--threads", "1"]
    child = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )  # fmt: skip
    assert child.returncode == 1
    assert "last.pt: cannot be written" in child.stderr and "free space" in child.stderr.splitlines()[-1]
    assert "Traceback" not in child.stderr
    assert not list((tmp_path / "out").glob("last.pt*"))
