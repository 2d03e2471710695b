"""The trainer: a stopped training goes on bit for bit, from nothing else, and what it writes can be read and redone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from moving_sets import moving_set, write_set
from safetensors import safe_open

from lifter import networks
from lifter.datasets.mocap.tiny import write_tiny_mocap
from lifter.errors import LifterError
from lifter.training import keep
from lifter.training.hooks import seed_of
from lifter.training.overrides import merge
from lifter.training.prepared import prepare
from lifter.training.registered import register
from lifter.training.run import RESULT, STATE, fingerprint, read_config, train
from lifter.training.runner import build_runner
from lifter.weights import load

CONFIGS = Path(__file__).parents[1] / "configs"
CPU = torch.device("cpu")
UGCN = {"type": "ugcn", "widths": [4, 4, 4, 4, 4], "dropout": 0.3}
QUICK = {"type": "ugcn", "widths": [16, 16, 16, 16, 16], "dropout": 0.3}  # trains by `lifter.training.quick`
FAST = {"type": "fully_connected", "width": 16, "blocks": 1, "dropout": 0.3}


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moving")
    write_set(folder, moving_set({"train": [120, 100, 104], "validation": [130], "test": [96]}, gaps=True))
    return folder


def tiny(moving: Path, network: dict[str, Any] = FAST, **options: Any) -> Config:
    """Three steps an epoch of everything that has a state: dropout, average, warm-up, milestones, clipping."""
    config = read_config(CONFIGS / "mocap.py", {
        "train_dataloader.batch_size": 4,
        "train_dataloader.dataset.folder": str(moving), "val_dataloader.dataset.folder": str(moving),
        "train_dataloader.sampler": {"type": "WindowSampler", "draws": 10},
        "model.autocast": False, "train_cfg.max_epochs": 5, "train_cfg.val_interval": 2,
        "param_scheduler": [
            {"type": "LinearLR", "start_factor": 0.1, "end": 7, "by_epoch": False},
            {"type": "MultiStepLR", "milestones": [3, 4], "gamma": 0.1, "by_epoch": True},
        ],
        "custom_hooks": [{"type": "EMAHook", "ema_type": "ExponentialMovingAverage", "momentum": 0.2}],
    })  # fmt: skip
    config.model.network = dict(network)
    merge(config, {name.replace("__", "."): value for name, value in options.items()})
    return config


def quiet(line: str) -> None:
    """Where the table's lines go."""


class StopAt(Hook):
    """Ctrl-C before a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        if runner.iter == self.step:
            raise KeyboardInterrupt


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    def built(config: Config) -> Any:
        runner = build_runner(config)
        runner.register_hook(StopAt(step))
        return runner

    monkeypatch.setattr("lifter.training.run.build_runner", built)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"network": UGCN}, id="ugcn"),
        pytest.param({"network": QUICK}, id="ugcn, quick"),
        pytest.param({"network": QUICK, "model__autocast": True}, id="ugcn, quick, bfloat16", marks=pytest.mark.slow),
        pytest.param({"optim_wrapper__accumulative_counts": 2}, id="gathered gradients"),
        pytest.param({"model__autocast": True}, id="bfloat16", marks=pytest.mark.slow),
        pytest.param(
            {"train_dataloader__sampler__balance": {"group_a": 0.3, "group_b": 0.7}},
            id="balanced",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_stopped_training_goes_on_bit_for_bit(
    moving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    whole = train(tiny(moving, **options), tmp_path / "whole", quiet)
    for step in (1, 5, 11):  # in the first epoch, in the second, in the fourth
        stop_at(monkeypatch, step)
        with pytest.raises(KeyboardInterrupt):
            train(tiny(moving, **options), tmp_path / "stopped", quiet)
        monkeypatch.undo()
    lines: list[str] = []
    resumed = train(tiny(moving, **options), tmp_path / "stopped", lines.append)
    assert resumed.read_bytes() == whole.read_bytes()
    assert lines[0] == "goes on after epoch 3" and [line.split()[1] for line in lines[1:]] == ["4/5", "5/5"]
    again = train(tiny(moving, **options), tmp_path / "stopped", lines.append)  # nothing left to do
    assert again.read_bytes() == whole.read_bytes() and len(lines) == 3


def test_films_go_on_bit_for_bit_and_are_of_the_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tiny_mocap(tmp_path / "mocap")

    def config(seed: int = 0) -> Config:
        folder = str(tmp_path / "mocap")
        return read_config(CONFIGS / "ugcn.py", {
            "model.network": FAST, "train_dataloader.batch_size": 4,
            "train_dataloader.dataset.folder": folder, "val_dataloader.dataset.folder": folder,
            "val_dataloader.dataset.length": 4, "train_dataloader.sampler.draws": 8, "train_cfg.max_epochs": 2,
            "randomness.seed": seed, "model.recipe.window": 32,
        })  # fmt: skip

    whole = train(config(), tmp_path / "whole", quiet)
    stop_at(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        train(config(), tmp_path / "stopped", quiet)
    monkeypatch.undo()
    assert train(config(), tmp_path / "stopped", quiet).read_bytes() == whole.read_bytes()
    assert note(whole)["data"]["seed"] == 0
    assert note(train(config(7), tmp_path / "other", quiet))["data"]["seed"] == 7


@pytest.mark.parametrize("change", [
    {"optim_wrapper__optimizer__lr": 0.5}, {"model__loss__weight": 0.25}, {"randomness__seed": 1},
    {"train_dataloader__dataset__keypoints": "detector"}, {"train_cfg__max_epochs": 9},
])  # fmt: skip
def test_a_training_never_goes_on_from_another_one(moving: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    config = tiny(moving)
    (tmp_path / STATE).parent.mkdir(exist_ok=True)
    keep.write_state(tmp_path / STATE, {"settings": fingerprint(config)})
    before = (tmp_path / STATE).read_bytes()
    with pytest.raises(LifterError, match=r"last\.pt: a training with other settings"):
        train(tiny(moving, **change), tmp_path, quiet)
    assert (tmp_path / STATE).read_bytes() == before


@pytest.mark.parametrize("damage", [b"", b"text", "half", "nothing in it", "another shape"])
def test_a_damaged_state_is_one_line(moving: Path, tmp_path: Path, damage: bytes | str) -> None:
    config = tiny(moving, train_cfg__max_epochs=1)
    train(config, tmp_path, quiet)
    state = tmp_path / STATE
    if isinstance(damage, bytes):
        state.write_bytes(damage)
    elif damage == "half":
        state.write_bytes(state.read_bytes()[: state.stat().st_size // 2])
    else:
        held = torch.load(state, weights_only=True)
        held["model"] = {name: value[..., :1] for name, value in held["model"].items() if value.ndim}
        keep.write_state(state, held if damage == "another shape" else {"settings": held["settings"]})
    with pytest.raises(LifterError, match=r"last\.pt: damaged"):
        train(config, tmp_path, quiet)


@pytest.mark.parametrize(
    "error",
    [RuntimeError("write failed"), pytest.param(OSError(28, "No space left on device"), marks=pytest.mark.slow)],
    ids=["torch", "system"],
)
def test_a_full_disk_is_one_line_and_leaves_the_last_state(
    moving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    save, calls = torch.save, []

    def full(state: Any, path: Path) -> None:
        calls.append(path)
        if len(calls) == 3:
            Path(path).write_bytes(b"half")
            raise error
        save(state, path)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(LifterError, match="free space"):
        train(tiny(moving), tmp_path / "full", quiet)
    assert torch.load(tmp_path / "full" / STATE, weights_only=True)["epoch"] == 2
    assert not list((tmp_path / "full").glob("*.part"))
    monkeypatch.undo()
    lines: list[str] = []
    train(tiny(moving), tmp_path / "full", lines.append)
    assert lines[0] == "goes on after epoch 2" and len(lines) == 4


def tensors(path: Path) -> dict[str, torch.Tensor]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict


def note(path: Path) -> dict[str, Any]:
    with safe_open(path, framework="pt") as file:
        told: dict[str, Any] = json.loads(file.metadata()["about"])["note"]
        return told


def test_the_average_is_what_comes_out(moving: Path, tmp_path: Path) -> None:
    """The moving average, stepped anew from the weights after every step, is the file's."""
    seen: list[dict[str, torch.Tensor]] = []

    class Watch(Hook):
        def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
            seen.append({name: one.detach().clone() for name, one in runner.model.network.named_parameters()})

    config = tiny(moving, train_cfg__max_epochs=2)
    with pytest.MonkeyPatch.context() as patch:
        built = build_runner

        def watched(config: Config) -> Any:
            runner = built(config)
            runner.register_hook(Watch())
            return runner

        patch.setattr("lifter.training.run.build_runner", watched)
        result = tensors(train(config, tmp_path, quiet))
    average = seen[0]
    for weights in seen[1:]:
        average = {name: 0.8 * average[name] + 0.2 * weights[name] for name in average}
    for name, value in average.items():
        torch.testing.assert_close(result[name], value, rtol=1e-4, atol=1e-6)
    assert any(not torch.allclose(result[name], last, atol=1e-4) for name, last in seen[-1].items())


def last_loss(config: Config, folder: Path, initial: Path | None = None, line: int = -1) -> float:
    lines: list[str] = []
    train(config, folder, lines.append, initial=initial)
    words = lines[line].split()
    return float(words[words.index("loss") + 1])


def test_bfloat16_trains_and_stays_close(moving: Path, tmp_path: Path) -> None:
    options = {"model__network__dropout": 0.0, "train_cfg__max_epochs": 3}
    exact = last_loss(tiny(moving, **options), tmp_path / "exact")
    rounded = last_loss(tiny(moving, model__autocast=True, **options), tmp_path / "rounded")
    assert rounded != exact and rounded == pytest.approx(exact, rel=0.1)


@pytest.mark.parametrize("network", [
    {"type": "ugcn", "widths": [8, 8, 8, 8, 8], "dropout": 0.0},
    {"type": "tcn", "filters": [3, 3], "channels": 32, "dropout": 0.0, "out_scale": 0.1},
    {"type": "fully_connected", "width": 64, "blocks": 1, "dropout": 0.0},
], ids=lambda network: network["type"])  # fmt: skip
def test_every_network_learns(moving: Path, tmp_path: Path, network: dict[str, Any]) -> None:
    epochs = {"train_cfg__max_epochs": 12, "train_cfg__val_interval": 12}
    config = tiny(moving, network, custom_hooks=[], param_scheduler=[], **epochs)
    lines: list[str] = []
    result = train(config, tmp_path, lines.append)
    losses = [float(line.split()[line.split().index("position") + 1]) for line in lines]
    assert min(losses[-2:]) < 0.6 * losses[0]
    model, recipe = load(result)
    expected = networks.build(network["type"], {name: value for name, value in network.items() if name != "type"})
    assert model.settings == expected.settings and recipe.window == 96


def test_retraining_begins_from_given_weights(moving: Path, tmp_path: Path) -> None:
    """On a detector's keypoints, a lifter trained on true ones begins better than a new one."""
    common = {"model__network__dropout": 0.0, "custom_hooks": [], "param_scheduler": []}
    first = train(tiny(moving, train_cfg__max_epochs=8, train_cfg__val_interval=8, **common), tmp_path / "gt", quiet)
    again = {**common, "train_dataloader__dataset__keypoints": "detector", "train_cfg__max_epochs": 1}
    scratch = last_loss(tiny(moving, **again), tmp_path / "scratch")
    retrained = last_loss(tiny(moving, **again), tmp_path / "retrained", first)
    assert retrained < 0.7 * scratch
    told = note(tmp_path / "retrained" / RESULT)
    assert told["config"]["initial"]["name"] == RESULT and told["data"]["keypoints"] == "detector"
    train(tiny(moving, **again, model__recipe__axes="ray"), tmp_path / "turned", quiet, initial=first)
    for change in ({"model__network__out_scale": 0.3}, {"model__recipe__rate_hz": 25.0},
                   {"model__recipe__normalisation": "screen"}, {"model__network__width": 17}):  # fmt: skip
        with pytest.raises(LifterError, match="another network or recipe"):
            train(tiny(moving, **again, **change), tmp_path / "other", quiet, initial=first)
    with pytest.raises(LifterError, match="no such file"):
        train(tiny(moving, **again), tmp_path / "other", quiet, initial=tmp_path / "nowhere.safetensors")


def test_the_result_tells_how_to_make_it_again(moving: Path, tmp_path: Path) -> None:
    first = train(tiny(moving, randomness__seed=5, train_cfg__max_epochs=2), tmp_path / "first", quiet)
    told = note(first)
    assert (told["seed"], told["epochs"], told["steps"], told["processes"]) == (5, 2, 6, 1)
    assert told["data"]["set"]["dataset"] == "moving" and told["data"]["split"] == "train"
    assert told["versions"]["torch"] == torch.__version__
    assert str(tmp_path) not in json.dumps(told)
    config = told["config"]
    assert config.pop("initial") is None
    assert train(Config(config), tmp_path / "again", quiet).read_bytes() == first.read_bytes()


def test_curves_and_table_can_be_read_and_folders_do_not_fill(moving: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    lines: list[str] = []
    train(tiny(moving), tmp_path, lines.append)
    curves = EventAccumulator(str(tmp_path / "tensorboard"))
    curves.Reload()
    assert {"loss", "position", "motion_cross", "MPJPE", "lr"} <= set(curves.Tags()["scalars"])
    losses = curves.Scalars("loss")
    assert [event.step for event in losses] == [3, 6, 9, 12, 15] and losses[-1].value < losses[0].value
    assert [line.split()[1] for line in lines] == ["1/5", "2/5", "3/5", "4/5", "5/5"]
    assert ["MPJPE" in line for line in lines] == [False, True, False, True, True]
    assert (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines() == lines
    files = sorted(file.relative_to(tmp_path).as_posix().split(".")[0] for file in tmp_path.rglob("*"))
    assert files == ["last", "lifter", "log", "tensorboard", "tensorboard/events"]


def test_a_training_that_diverges_stops_with_a_line(moving: Path, tmp_path: Path) -> None:
    config = tiny(moving, optim_wrapper__optimizer__lr=1e30, optim_wrapper__clip_grad=None, custom_hooks=[])
    with pytest.raises(LifterError, match="lower the learning rate"):
        train(config, tmp_path, quiet)


def test_steps_of_all_seeds_and_processes_have_seeds_of_their_own() -> None:
    drawn = {seed_of(seed, rank, step) for seed in (0, 1, 2**32 - 1) for rank in range(3) for step in range(100)}
    assert len(drawn) == 900
    for seed in drawn:
        torch.manual_seed(seed)  # every one of them is allowed


def test_a_training_asks_for_nothing_but_the_processor_where_told(moving: Path, tmp_path: Path) -> None:
    """MMEngine takes a GPU where there is one; a training on the processor must not."""
    config = prepare(tiny(moving), tmp_path, CPU)
    assert config.device == "cpu" and config.train_dataloader.dataset.device == "cpu"
    register()
    runner = build_runner(config)
    assert {one.device.type for one in runner.model.parameters()} == {"cpu"}
    assert os.environ.get("CUDA_VISIBLE_DEVICES") != "-1"
