"""MMPose's own PoseLifter with our parts: its data, training and validation, and the weights brought home."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from detectors import mm_compat
from lifter import joints
from lifter.errors import LifterError
from lifter.lifter import Lifter
from lifter.losses import LossSettings, total_loss
from lifter.screen import to_screen
from lifter.training.mmpose_weights import convert, from_mmpose, read_state, to_mmpose
from lifter.ugcn import UGCN, UGCNSettings
from lifter.weights import Recipe

pytest.importorskip("mmpose")
pytestmark = pytest.mark.filterwarnings("ignore:The metainfo config file")

CONFIG = Path(__file__).parents[1] / "configs" / "mmpose_ugcn_h36m.py"
WIDTHS, WINDOW, EPOCHS = (4, 4, 8, 8, 8), 24, 60
SIZE = (1000, 1002)
VIDEOS = {"S1_Walking_1.54138969": 29, "S1_Sitting.54138969": 50, "S1_SittingDown.54138969": 24}
SHAPES = (UGCNSettings(widths=WIDTHS, dropout=0.0), UGCNSettings(pairs=2, merging=False, out_scale=0.2))


@pytest.fixture(scope="module", autouse=True)
def mmpose() -> Iterator[None]:
    """MMPose made importable, our parts registered, one thread, and the registries' default scope put back."""
    from mmengine.registry import DefaultScope

    mm_compat.prepare()
    importlib.import_module("lifter.training.mmpose_parts")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with mm_compat.quiet(), DefaultScope.overwrite_default_scope("mmpose"):
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three videos of swaying people in the files of MMPose's `preprocess_h36m.py`."""
    folder = tmp_path_factory.mktemp("h36m")
    random = np.random.default_rng(0)
    names = [f"{video}_{i + 1:06d}.jpg" for video, length in VIDEOS.items() for i in range(length)]
    time = np.arange(len(names))[:, None, None] / 15
    body = random.normal(0, 0.3, (17, 3))
    placed = body + 0.2 * np.sin(time + random.uniform(0, 6, (17, 3))) + [0.3, -0.1, 5.0]
    pixels = 1145 * placed[..., :2] / placed[..., 2:] + [512, 515]
    ones = np.ones((len(names), 17, 1))
    np.savez(
        folder / "h36m.npz",
        imgname=np.array(names),
        center=np.full((len(names), 2), 500.0),
        scale=np.full(len(names), 3.0),
        part=np.concatenate([pixels, ones], axis=-1),
        S=np.concatenate([placed, ones], axis=-1),
    )
    camera = {"w": SIZE[0], "h": SIZE[1], "f": np.full((2, 1), 1145.0), "c": np.array([[512.0], [515.0]])}
    (folder / "cameras.pkl").write_bytes(pickle.dumps({("S1", "54138969"): camera}))
    return folder


def read_config(folder: Path, flip: float = 0.5) -> Any:
    """The shipped config for MMPose with a tiny network, tiny windows and the tiny videos."""
    from mmengine.config import Config

    config = Config.fromfile(CONFIG)
    config.model.backbone.update(widths=WIDTHS, dropout=0.0)
    config.model.head.in_channels = WIDTHS[0]
    config.model.head.loss.intervals = (2, 5)
    for loader in (config.train_dataloader, config.val_dataloader):
        loader.update(batch_size=16, num_workers=0, persistent_workers=False)
        loader.dataset.update(
            data_root=str(folder), ann_file="h36m.npz", camera_param_file="cameras.pkl", multiple_target=WINDOW
        )
    config.test_dataloader = config.val_dataloader
    config.train_dataloader.dataset.pipeline[1].flip_prob = flip
    config.train_cfg.update(max_epochs=EPOCHS, val_interval=EPOCHS)
    config.default_hooks.checkpoint.interval = EPOCHS
    config.param_scheduler = None
    config.work_dir = str(folder / "work")
    config.log_level = "ERROR"
    config.experiment_name = f"tiny{flip}"
    return config


@dataclass
class Trained:
    """A finished training by MMPose: its model, its checkpoint and what the hooks heard."""

    model: Any
    loader: Any
    checkpoint: Path
    losses: list[float]
    errors: dict[str, float]


@pytest.fixture(scope="module")
def trained(folder: Path) -> Trained:
    """The shipped config's training on the tiny videos, validated at its end."""
    from mmengine.hooks import Hook
    from mmengine.runner import Runner

    losses: list[float] = []
    errors: dict[str, float] = {}

    class Listen(Hook):  # type: ignore[misc]
        def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
            losses.append(float(outputs["loss"]))
            assert {"loss", "loss_pos", "loss_motion", "mpjpe"} <= set(outputs)

        def after_val_epoch(self, runner: Any, metrics: Any = None) -> None:
            errors.update(metrics)

    runner = Runner.from_cfg(read_config(folder))
    runner.register_hook(Listen())
    runner.train()
    return Trained(runner.model.eval(), runner.val_dataloader, folder / "work" / f"epoch_{EPOCHS}.pth", losses, errors)


def test_training_learns_and_validates(trained: Trained) -> None:
    assert len(trained.losses) >= EPOCHS and np.isfinite(trained.losses).all()
    assert trained.losses[-1] < trained.losses[0] / 3
    actions = {name.removeprefix("MPJPE_") for name in trained.errors if name.startswith("MPJPE_")}
    assert actions == {"Walking", "Sitting", "SittingDown"}
    assert 0 < trained.errors["P-MPJPE"] <= trained.errors["MPJPE"] < 1  # metres; the people are 5 m away


def test_validation_is_the_mean_distance_of_what_is_predicted(trained: Trained) -> None:
    distances = []
    for batch in trained.loader:
        for sample in trained.model.test_step(batch):
            away = sample.pred_instances.keypoints[0] - sample.gt_instances.lifting_target
            distances.append(np.linalg.norm(away, axis=-1).mean())
    assert len(distances) == 4  # windows side by side: 1, 2 and 1; what is left of a video is dropped
    assert np.mean(distances) == pytest.approx(trained.errors["MPJPE"], rel=1e-5)


@pytest.mark.parametrize("flip", [True, False])
def test_poses_equal_those_of_our_lifter_on_the_same_weights(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flip: bool
) -> None:
    convert(trained.checkpoint, tmp_path / "lifter.safetensors", Recipe("screen", 50.0, WINDOW))
    lifter = Lifter(tmp_path / "lifter.safetensors", "cpu", flip=flip, phased=False)
    assert lifter.model.settings == SHAPES[0]
    monkeypatch.setitem(trained.model.test_cfg, "flip_test", flip)
    for batch in trained.loader:
        assert len(batch["inputs"]) == 4
        for keypoints, sample in zip(batch["inputs"], trained.model.test_step(batch), strict=True):
            ours = lifter.lift_uniform(keypoints.numpy())
            theirs = sample.pred_instances.keypoints[0] - sample.metainfo["target_root"][:, None]
            np.testing.assert_allclose(theirs, ours, atol=2e-6)


def test_a_mirrored_film_gives_the_mirrored_pose(trained: Trained) -> None:
    """With the flip test, exactly: it averages the same two numbers."""
    batch = next(iter(trained.loader))
    for sample in batch["data_samples"]:
        sample.set_metainfo({"target_root": np.zeros((WINDOW, 3), np.float32)})
    poses = [sample.pred_instances.keypoints for sample in trained.model.test_step(batch)]
    batch["inputs"] = [torch.from_numpy(joints.mirror(keypoints.numpy())) for keypoints in batch["inputs"]]
    mirrored = [sample.pred_instances.keypoints for sample in trained.model.test_step(batch)]
    np.testing.assert_allclose(np.stack(mirrored), joints.mirror(np.stack(poses)), atol=2e-6)
    assert np.abs(np.stack(mirrored) - np.stack(poses)).max() > 0.05


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_the_network_is_fed_screen_units_mirrored_about_the_middle(folder: Path, flip: float) -> None:
    from mmengine.registry import DATASETS

    dataset = DATASETS.build(read_config(folder, flip).train_dataloader.dataset)
    assert len(dataset) == 2 + 6 + 1  # windows every 5 frames, all within their video
    whole = np.load(folder / "h36m.npz")
    for number in range(len(dataset)):
        packed = dataset[number]
        frames = dataset.sequence_indices[number]
        assert np.diff(frames).tolist() == [1] * (WINDOW - 1)
        keypoints = to_screen(whole["part"][frames][..., :2], SIZE)
        truth = whole["S"][frames][..., :3]
        wanted = (keypoints, truth - truth[:, :1])
        given = (packed["inputs"], packed["data_samples"].gt_instance_labels.lifting_target_label)
        for one, other in zip(given, wanted, strict=True):
            np.testing.assert_allclose(one, joints.mirror(other) if flip else other, atol=1e-5)


def samples(count: int, frames: int) -> list[Any]:
    """Random labels as the codec packs them."""
    from mmengine.structures import InstanceData
    from mmpose.structures import PoseDataSample

    made = []
    for _ in range(count):
        truth = torch.randn(frames, 17, 3)
        label = InstanceData(lifting_target_label=truth - truth[:, :1], lifting_target_weight=torch.ones(frames, 17))
        made.append(PoseDataSample(gt_instance_labels=label))
    return made


@pytest.mark.parametrize("operators", [("cross", "subtraction"), ()])
def test_losses_add_up_to_the_papers(operators: tuple[str, ...]) -> None:
    from mmpose.registry import MODELS

    loss = {"operators": operators, "intervals": (1, 3), "weight": 0.5}
    head = MODELS.build({"type": "UGCNHead", "in_channels": 4, "loss": loss})
    truths = samples(3, 6)
    features = torch.randn(3, 4, 6, 17)
    losses = head.loss((features,), truths)
    predicted = head((features,))
    truth = torch.stack([sample.gt_instance_labels.lifting_target_label for sample in truths])
    wanted, parts = total_loss(predicted, truth, LossSettings(**loss))
    torch.testing.assert_close(sum(value for name, value in losses.items() if "loss" in name), wanted)
    assert float(losses["loss_pos"].detach()) == pytest.approx(float(parts["position"]), rel=1e-6)
    assert ("loss_motion" in losses) == bool(operators)
    assert float(losses["mpjpe"]) == pytest.approx(float((predicted - truth).norm(dim=-1).mean().detach()), rel=1e-5)


def test_joints_without_weight_do_not_count() -> None:
    from mmpose.registry import MODELS

    torch.manual_seed(0)
    head = MODELS.build({"type": "UGCNHead", "in_channels": 4})
    features = torch.randn(2, 4, 20, 17)
    plain = samples(2, 20)
    for sample in plain:
        sample.gt_instance_labels.lifting_target_weight[3:6, 2] = 0
    before = head.loss((features,), plain)
    for sample in plain:
        sample.gt_instance_labels.lifting_target_label[3:6, 2] = 1e6
    spoilt = head.loss((features,), plain)
    assert {name: float(value) for name, value in before.items()} == {
        name: float(value) for name, value in spoilt.items()
    }


def test_a_warm_up_follows_the_runners_iterations() -> None:
    from mmengine.logging import MessageHub
    from mmpose.registry import MODELS

    head = MODELS.build({"type": "UGCNHead", "in_channels": 4, "loss": {"warmup_steps": 10}})
    features, truths = torch.randn(1, 4, 20, 17), samples(1, 20)
    hub, motion = MessageHub.get_current_instance(), []
    before = hub.get_info("iter")
    for step in (0, 5, 10):
        hub.update_info("iter", step)
        motion.append(float(head.loss((features,), truths)["loss_motion"]))
    hub.update_info("iter", before)
    assert motion[0] == 0 and motion[1] == pytest.approx(motion[2] / 2, rel=1e-4) and motion[2] > 0


@pytest.mark.parametrize("settings", SHAPES)
def test_weights_go_to_mmpose_and_back(settings: UGCNSettings) -> None:
    from mmpose.registry import MODELS

    torch.manual_seed(1)
    network = UGCN(settings).eval()
    shape = {name: value for name, value in vars(settings).items() if name != "out_scale"}
    head = {"type": "UGCNHead", "in_channels": settings.widths[0]}
    model = MODELS.build({"type": "PoseLifter", "backbone": {"type": "UGCNBackbone", **shape}, "head": head}).eval()
    model.load_state_dict(to_mmpose(network))
    keypoints = torch.randn(2, 21, 17, 2)
    with torch.no_grad():
        assert torch.equal(model(keypoints, None), network(keypoints))
        back = from_mmpose(model.state_dict())
        assert back.settings == settings
        assert torch.equal(back(keypoints), network(keypoints))


def test_a_model_keeps_its_own_shape_whatever_it_loads() -> None:
    from mmpose.registry import MODELS

    two, four = (MODELS.build({"type": "UGCNBackbone", "pairs": pairs, "widths": (2, 3, 4, 5, 6)}) for pairs in (2, 4))
    two.load_state_dict(four.state_dict())
    state = {f"backbone.{name}": tensor for name, tensor in two.state_dict().items()}
    head = MODELS.build({"type": "UGCNHead", "in_channels": 2}).state_dict()
    assert from_mmpose(state | {f"head.{name}": tensor for name, tensor in head.items()}).settings.pairs == 2


def test_what_does_not_fit_is_told() -> None:
    from mmpose.registry import MODELS

    backbone = MODELS.build({"type": "UGCNBackbone", "widths": WIDTHS})
    with pytest.raises(LifterError, match="reshape_keypoints=False"):
        backbone(torch.zeros(2, 34, 20))
    with pytest.raises(LifterError, match="belongs to the head"):
        MODELS.build({"type": "UGCNBackbone", "out_scale": 1.0})
    with pytest.raises(LifterError, match="did you mean 'widths'"):
        MODELS.build({"type": "UGCNBackbone", "width": WIDTHS})
    head = MODELS.build({"type": "UGCNHead", "in_channels": 4})
    features = (torch.zeros(1, 4, 20, 17),)
    with pytest.raises(LifterError, match="shift_coords"):
        head.predict([features, features], samples(1, 20), {"flip_test": True, "shift_coords": False})


def test_checkpoints_that_are_none_of_ours_are_refused(trained: Trained, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "touched",))

    state = read_state(trained.checkpoint)
    contents = {
        "evil": {"state_dict": state, "meta": Evil()},
        "other": {"state_dict": {"backbone.conv": torch.zeros(2)}},
        "list": [1, 2],
        "short": {"state_dict": {name: value for name, value in state.items() if "down.3" not in name}},
    }
    for name, content in contents.items():
        torch.save(content, tmp_path / f"{name}.pth")
        with pytest.raises(LifterError):
            convert(tmp_path / f"{name}.pth", tmp_path / "out.safetensors")
    (tmp_path / "cut.pth").write_bytes(trained.checkpoint.read_bytes()[:20_000])
    for name in ("cut", "absent"):
        with pytest.raises(LifterError, match=name):
            convert(tmp_path / f"{name}.pth", tmp_path / "out.safetensors")
    assert not (tmp_path / "touched").exists() and not (tmp_path / "out.safetensors").exists()


def test_without_mmpose_it_says_what_to_do() -> None:
    code = (
        "import sys; sys.modules['mmpose'] = None\n"
        "import lifter.training.mmpose_weights\n"
        "from lifter.errors import LifterError\n"
        "try: import lifter.training.mmpose_parts\n"
        "except LifterError as error: assert 'needs MMPose' in str(error)\n"
        "else: raise AssertionError\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
