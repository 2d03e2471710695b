"""The configs: every one of them builds, and the paper's is the paper's recipe down to what decays."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from moving_sets import moving_set, write_set
from torch import nn

from lifter.datasets.mocap.tiny import write_tiny_mocap
from lifter.errors import LifterError
from lifter.training.overrides import stretch
from lifter.training.prepared import prepare
from lifter.training.registered import register
from lifter.training.run import read_config
from lifter.training.runner import build_runner

CONFIGS = Path(__file__).parents[1] / "configs"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moving")
    write_set(folder, moving_set({"train": [120, 100, 104], "validation": [130], "test": [96]}, gaps=True))
    return folder


def decays(config: Config, folder: Path) -> tuple[nn.Module, dict[str, float]]:
    """The network as MMEngine builds it, and the weight decay of every parameter by its name."""
    register()
    runner = build_runner(prepare(config, folder, CPU))
    groups = runner.optim_wrapper.optimizer.param_groups
    of_parameter = {id(one): group["weight_decay"] for group in groups for one in group["params"]}
    network = runner.model.network
    return network, {name: of_parameter[id(one)] for name, one in network.named_parameters()}


# Those of MMPose's own trainer are tested with it.
@pytest.mark.parametrize(
    "config",
    [path for path in sorted(CONFIGS.glob("*.py")) if not path.stem.startswith("mmpose")],
    ids=lambda path: path.stem,
)
def test_every_config_builds_its_network_loss_data_and_schedule(config: Path, moving: Path, tmp_path: Path) -> None:
    mocap = tmp_path / "mocap"
    write_tiny_mocap(mocap)
    made = read_config(config)
    for loader in ("train_dataloader", "val_dataloader"):
        if made.get(loader):
            films = made[loader].dataset.type == "FilmedDataset"
            made[loader].dataset.folder = str(mocap if films else moving)
    if "balance" in made.train_dataloader.sampler:
        assert set(made.train_dataloader.sampler.balance) == {"cmu_daz", "cmu_amc", "cmu8", "uiprmd"}
    made.train_dataloader.batch_size = 4
    register()
    runner = build_runner(prepare(made, tmp_path / "out", CPU))
    batch = next(iter(runner.train_dataloader))
    runner.model.train()
    parts = runner.model(**batch, mode="loss")
    assert torch.isfinite(parts["loss"]) and parts["motion_cross"] > 0 and parts["loss"] > parts["position"]
    assert runner.model.recipe.window == batch["positions"].shape[1] == 96
    assert (runner._val_loop is None) == (made.get("val_dataloader") is None)


def test_the_papers_config_is_the_papers_recipe(moving: Path, tmp_path: Path) -> None:
    config = read_config(CONFIGS / "paper_h36m.py", {"train_dataloader.dataset.folder": str(moving)})
    assert config.train_dataloader.batch_size == 256
    register()
    runner = build_runner(prepare(config, tmp_path, CPU))
    optimiser = runner.optim_wrapper.optimizer
    assert type(optimiser) is torch.optim.Adam and runner.optim_wrapper.clip_grad_kwargs is None
    assert {group["lr"] for group in optimiser.param_groups} == {1e-2}
    assert optimiser.defaults["betas"] == (0.9, 0.999) and not optimiser.defaults["amsgrad"]
    data = runner.train_dataloader.dataset
    assert (data.recipe.window, data.recipe.normalisation, data.recipe.rate_hz) == (96, "screen", 50.0)
    assert data.described()["step"] == 5 and data.described()["keypoints"] == "gt"
    settings = runner.model.network.settings
    assert settings.dropout == 0.5 and settings.widths == (16, 32, 64, 128, 256)
    assert sum(one.numel() for one in runner.model.parameters()) == 1_637_482
    loss = runner.model.loss_settings
    assert (loss.position, loss.operators, loss.intervals) == ("squared", ("cross",), (8, 12, 16, 24))
    assert (loss.weight, loss.norm, loss.derivative) == (1.0, "l1", "none") and not runner.model.autocast
    assert runner.max_epochs == 110
    (schedule,) = runner.param_schedulers
    rates = []
    for _ in range(110):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    expected = [1e-2] * 80 + [1e-3] * 10 + [1e-4] * 10 + [1e-5] * 10
    assert rates == pytest.approx(expected, rel=1e-9)


def test_convolutions_decay_and_nothing_else(moving: Path, tmp_path: Path) -> None:
    config = read_config(CONFIGS / "paper_h36m.py", {"train_dataloader.dataset.folder": str(moving)})
    network, decay = decays(config, tmp_path)
    convolutions = {
        f"{name}.{own}"
        for name, part in network.named_modules() if isinstance(part, nn.Conv2d)
        for own in ("weight", "bias")
    }  # fmt: skip
    assert {name for name, value in decay.items() if value == 1e-5} == convolutions
    assert {name for name, value in decay.items() if value == 0} == set(decay) - convolutions
    rest = set(decay) - convolutions
    assert {"data_bn.weight", "data_bn.bias", "first.spatial.edge_importance"} <= rest and "head.bias" in convolutions
    assert len(convolutions) == 2 * (17 * 2 + 11 + 1)  # two in every block, the shortcuts that change shape, the head


@pytest.mark.parametrize("epochs, expected", [
    (11, [8, 9, 10]), (110, [80, 90, 100]), (3, [2, 2, 3]), (1, [1, 1, 1]),
])  # fmt: skip
def test_a_schedule_keeps_its_shape_when_stretched(epochs: int, expected: list[int]) -> None:
    config = read_config(CONFIGS / "paper_h36m.py")
    stretch(config, epochs)
    assert config.param_scheduler[0].milestones == expected and config.train_cfg.max_epochs == epochs
    warm = read_config(CONFIGS / "mocap.py")
    warm.param_scheduler = {"type": "LinearLR", "end": 100, "by_epoch": False}  # one, without a list
    stretch(warm, 2 * warm.train_cfg.max_epochs)
    assert warm.param_scheduler.end == 200
    with pytest.raises(LifterError, match="at least 1"):
        stretch(warm, 0)


@pytest.mark.parametrize("steps, epochs, expected", [(300, 60, 600), (300, 7, 70), (1, 1, 1), (0, 60, 0)])
def test_the_warm_up_of_the_motion_loss_is_stretched_too(steps: int, epochs: int, expected: int) -> None:
    config = read_config(CONFIGS / "mocap.py", {"model.loss.warmup_steps": steps})
    assert config.train_cfg.max_epochs == 30
    stretch(config, epochs)
    made = config.model.loss.warmup_steps
    assert (made, type(made)) == (expected, int)
