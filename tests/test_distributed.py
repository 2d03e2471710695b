"""Training in two processes is training in one: gradients, batch norms, masks, validation, and who writes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
from moving_sets import moving_set, write_set
from safetensors.torch import load_file
from torch import nn

from lifter.__main__ import main
from lifter.training.model import share
from lifter.training.prepared import prepare
from lifter.training.run import read_config
from lifter.training.runner import build_runner
from lifter.training.sync_norm import SyncedBatchNorm, synced

ROOT = Path(__file__).parents[1]
CONFIG = """
_base_ = "{base}"
model = dict(
    network=dict(widths=({width},) * 5, dropout=0.0),
    recipe=dict(window=32, normalisation="screen"),
    autocast=False,
)
train_dataloader = dict(batch_size={batch}, sampler=dict(draws=16, balance=None), dataset=dict(folder="{data}"))
val_dataloader = dict(batch_size={batch}, dataset=dict(folder="{data}", step=16))
# Adam turns the rounding in a gradient that should be 0, as that of a bias before a batch norm, into whole steps;
# and large steps over the kinks of this network and loss make much of a little.
optim_wrapper = dict(optimizer=dict(_delete_=True, type="SGD", lr=2e-3, momentum=0.9, weight_decay=1e-5))
param_scheduler = [dict(type="MultiStepLR", milestones=[2], gamma=0.1, by_epoch=True)]
train_cfg = dict(max_epochs=3, val_interval=1)
custom_hooks = [dict(type="EMAHook", ema_type="ExponentialMovingAverage", momentum=0.2, update_buffers=True)]
"""
PROCESSES = 2


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With frames that do not count, more in some windows than in others, and an odd number of validation windows."""
    folder = tmp_path_factory.mktemp("data")
    write_set(folder, moving_set({"train": [60, 50, 20], "validation": [64]}, gaps=True))
    return folder


def config(folder: Path, data: Path, batch: int, width: int = 4) -> Path:
    path = folder / f"batch_{batch}.py"
    values = {"base": ROOT / "configs/mocap.py", "data": data, "batch": batch, "width": width}
    path.write_text(CONFIG.format(**values), encoding="utf-8")
    return path


def torchrun(cwd: Path, config: Path, out: Path, *words: str) -> subprocess.Popen[str]:
    """The command in two processes; `--standalone` finds a free port."""
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(PROCESSES),
        "-m", "lifter", "train", str(config), "--out", str(out), "--threads", "1", "--device", "cpu", *words,
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: os.nice(5),
    )  # fmt: skip


def kill_all(child: subprocess.Popen[str]) -> None:
    """Kill the processes that the launcher started, and then itself."""
    own = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text(encoding="ascii").split()
    for process in (*map(int, own), child.pid):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    child.communicate()


def finished(child: subprocess.Popen[str]) -> str:
    shown, errors = child.communicate(timeout=300)
    assert child.returncode == 0, errors
    assert "Traceback" not in errors
    return shown


def figures(log: Path) -> list[list[str]]:
    """The lines of the table without what depends on the clock."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return [line.split("  ")[:-2] for line in lines if line.startswith("epoch")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "rounding"),
    # Channels-last, torch's own batch norm rounds more than in the layout of the plain network (6 x, measured).
    [pytest.param(4, 1e-6, id="plain"), pytest.param(16, 1e-5, id="by lifter.training.quick")],
)
def test_two_processes_train_as_one(data: Path, tmp_path: Path, width: int, rounding: float) -> None:
    whole = config(tmp_path, data, 4, width)
    assert main(["train", str(whole), "--out", str(tmp_path / "one"), "--threads", "1", "--device", "cpu"]) == 0
    shown = finished(torchrun(tmp_path, config(tmp_path, data, 4 // PROCESSES, width), tmp_path / "two"))

    one, two = (load_file(tmp_path / name / "lifter.safetensors") for name in ("one", "two"))
    assert one.keys() == two.keys()
    new = build_runner(prepare(read_config(whole), tmp_path / "one", torch.device("cpu"))).model.network
    assert max(float((one[name] - value).abs().max()) for name, value in new.named_parameters()) > 1e-3  # they moved
    for name, value in one.items():
        torch.testing.assert_close(
            two[name], value, rtol=10 * rounding, atol=rounding, msg=lambda text, name=name: f"{name}: {text}"
        )

    # Validation is of all windows, once each; the losses shown are of the first process alone.
    scores = [[line[-3:] for line in figures(tmp_path / name / "log.txt")] for name in ("one", "two")]
    assert scores[0] == scores[1] and len(scores[0]) == 3 and scores[0][0][0].startswith("MPJPE")

    # One of the two writes and speaks, and nothing is left where the command ran.
    assert shown.count("epoch 1/3") == 1 and shown.count("wrote ") == 1
    files = sorted(
        file.relative_to(tmp_path / "two").as_posix().split(".")[0] for file in (tmp_path / "two").rglob("*")
    )
    assert files == ["last", "lifter", "log", "tensorboard", "tensorboard/events"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["batch_2.py", "batch_4.py", "one", "two"]


@pytest.mark.slow
def test_two_killed_processes_go_on_bit_for_bit(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = config(tmp_path, data, 2)
    words = ("--epochs", "12", "--cfg-options", "model.network.dropout=0.3", "train_cfg.val_interval=12")
    finished(torchrun(tmp_path, made, tmp_path / "whole", *words))
    child = torchrun(tmp_path, made, tmp_path / "out", *words)
    while not (tmp_path / "out" / "last.pt").exists() and child.poll() is None:
        time.sleep(0.01)
    kill_all(child)
    assert torch.load(tmp_path / "out" / "last.pt", weights_only=True)["epoch"] < 12
    # One process would see other batches.
    assert main(["train", str(made), "--out", str(tmp_path / "out"), "--threads", "1", *words]) == 1
    assert "other settings" in capsys.readouterr().err
    assert "goes on after epoch" in finished(torchrun(tmp_path, made, tmp_path / "out", *words))
    whole, resumed = (tmp_path / name / "lifter.safetensors" for name in ("whole", "out"))
    assert whole.read_bytes() == resumed.read_bytes()


def _halves(rank: int, folder: str) -> None:
    """One of two processes: half a batch through a synced batch norm, and a mean over masked frames."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=PROCESSES)
    given = torch.load(f"{folder}/given.pt", weights_only=True)
    norm = synced(nn.Sequential(nn.BatchNorm2d(3)))
    assert isinstance(norm[0], SyncedBatchNorm)
    half = given["x"].chunk(PROCESSES)[rank].clone().requires_grad_()
    weights, mask = (given[name].chunk(PROCESSES)[rank] for name in ("weights", "mask"))
    shown = norm(half)
    loss = (shown * weights).sum()
    loss.backward()
    made = {"shown": shown.detach(), "gradient": half.grad, "share": share(mask), **norm.state_dict()}
    torch.save(made, f"{folder}/{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_a_synced_batch_norm_is_that_of_the_whole_batch(tmp_path: Path) -> None:
    random = torch.Generator().manual_seed(0)
    x = 3 + 2 * torch.randn(4, 3, 5, 2, generator=random)
    weights = torch.randn(x.shape, generator=random)
    mask = torch.tensor([[True, True], [True, True], [True, False], [False, False]])
    torch.save({"x": x, "weights": weights, "mask": mask}, tmp_path / "given.pt")
    mp.start_processes(_halves, (str(tmp_path),), PROCESSES, start_method="spawn")

    plain, whole = nn.BatchNorm2d(3), x.clone().requires_grad_()
    shown = plain(whole)
    (shown * weights).sum().backward()
    made = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(PROCESSES)]
    torch.testing.assert_close(torch.cat([half["shown"] for half in made]), shown.detach(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(torch.cat([half["gradient"] for half in made]), whole.grad, rtol=1e-4, atol=1e-5)
    for half in made:
        for name, value in plain.state_dict().items():
            torch.testing.assert_close(half[f"0.{name}"], value, rtol=1e-5, atol=1e-6)
    # Four of five frames lie in the first half: the mean of the shares' means is the mean over all.
    assert [float(half["share"]) for half in made] == pytest.approx([8 / 5, 2 / 5])


def test_a_synced_batch_norm_runs_alone_in_evaluation() -> None:
    plain = nn.BatchNorm1d(4)
    plain(torch.randn(20, 4, 3))
    norm = SyncedBatchNorm(plain).eval()
    x = torch.randn(2, 4, 7)
    torch.testing.assert_close(norm(x), plain.eval()(x))
    assert norm.state_dict().keys() == plain.state_dict().keys()
