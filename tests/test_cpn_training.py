"""What CPN learns from and how it is read: targets, hard key points, crops, decoding; and that it learns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import plain_cpn
import pytest

from detectors import checkpoint, mm_build, mm_compat
from detectors.cpn.detector import CPN

pytest.importorskip("mmpose")
torch = pytest.importorskip("torch")
CONFIG = Path(__file__).parents[1] / "configs" / "mmpose_cpn_coco.py"
SMALL, CELLS = (96, 128), (24, 32)  # an eighth of the real crop's work; sides are multiples of 32


@pytest.fixture(scope="module")
def parts() -> Any:
    """The module that registers CPN's parts with MMPose."""
    mm_compat.prepare()
    from detectors.cpn import mmpose_parts

    return mmpose_parts


def _codec(parts: Any, kernel: int = 7, **more: Any) -> Any:
    return parts.CPNHeatmap((192, 256), (48, 64), kernel, **more)


@pytest.mark.parametrize("kernel", [7, 11, 15])
def test_targets_are_gaussians_of_height_255(parts: Any, kernel: int) -> None:
    """OpenCV's blur of a dot: sigma = 0.3 ((k - 1) / 2 - 1) + 0.8, cut at k cells; for 7 its table of whole numbers."""
    keypoints = np.array([[[100.0, 120.0], [30.0, 40.0]]])
    made = _codec(parts, kernel).encode(keypoints, np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]]))
    offset = np.arange(kernel) - kernel // 2
    curve = np.exp(-(offset**2) / (2 * (0.3 * (kernel // 2 - 1) + 0.8) ** 2))
    if kernel == 7:
        curve = np.array([2, 7, 14, 18, 14, 7, 2]) / 18
    wanted = np.zeros((64, 48))
    wanted[np.ix_(30 + offset, 25 + offset)] = 255 * np.outer(curve, curve)
    assert np.abs(made["heatmaps"][0] - wanted).max() < 0.01
    assert not made["heatmaps"][1].any()
    assert made["keypoint_weights"].tolist() == [[1, 0]]


def test_occluded_joints_are_for_refinenet_alone(parts: Any) -> None:
    """GlobalNet learns an empty map for a joint that is occluded or not known, RefineNet where an occluded one is."""
    keypoints = np.full((1, 3, 2), 80.0)
    known, seen = np.array([[0.0, 1.0, 1.0]]), np.array([[0.0, 0.0, 1.0]])
    levels = _codec(parts, clear_only=True).encode(keypoints, known, seen)
    refined = _codec(parts).encode(keypoints, known, seen)
    assert levels["heatmaps"].any((1, 2)).tolist() == [False, False, True]
    assert levels["keypoint_weights"].tolist() == [[1, 1, 1]]
    assert refined["heatmaps"].any((1, 2)).tolist() == [False, True, True]
    assert refined["keypoint_weights"].tolist() == [[0, 1, 1]]


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_decoding_finds_what_was_encoded(parts: Any, kind: type) -> None:
    """A target's peak is a cell's middle; the step to the second highest cell is a quarter of a cell, 1 pixel."""
    codec = _codec(parts)
    keypoints = np.random.default_rng(0).uniform(20, 170, (1, 40, 2))
    ones = np.ones((1, 40))
    found, scores = codec.decode(codec.encode(keypoints, ones, ones)["heatmaps"].astype(kind))
    assert found.shape == (1, 40, 2)
    middles = keypoints // 4 * 4 + 2
    assert np.allclose(np.linalg.norm(found - middles, axis=-1), 1, atol=1e-3)
    assert np.allclose(scores, 1, atol=1e-3)


def _public_decoding(heatmap: np.ndarray) -> tuple[float, float, float]:
    """The public version's evaluation of one map, step by step: x, y in pixels of the crop, and the map's height."""
    height, width = heatmap.shape
    wide = np.zeros((height + 20, width + 20))
    wide[10:-10, 10:-10] = heatmap / heatmap.max()
    wide = cv2.GaussianBlur(wide, (21, 21), 0)
    top, left = np.unravel_index(wide.argmax(), wide.shape)
    wide[top, left] = 0
    down, across = np.unravel_index(wide.argmax(), wide.shape)
    length = np.hypot(down - top, across - left)
    x = min(max(left - 10 + 0.25 * (across - left) / length, 0), width - 1)
    y = min(max(top - 10 + 0.25 * (down - top) / length, 0), height - 1)
    return 4 * x + 2, 4 * y + 2, heatmap[round(y), round(x)]


def test_decoding_is_the_public_versions(parts: Any) -> None:
    rng = np.random.default_rng(1)
    maps = np.stack([cv2.GaussianBlur(rng.uniform(-50, 250, (64, 48)), (0, 0), s) for s in rng.uniform(1, 6, 30)])
    maps[0], maps[0, 63, 20], maps[1], maps[1, 5, 0] = 0, 255, 0, 100  # at the border
    found, scores = _codec(parts).decode(maps.astype(np.float32))
    wanted = np.array([_public_decoding(one) for one in maps])
    assert np.abs(found[0] - wanted[:, :2]).max() < 1e-3
    assert np.abs(scores[0] - wanted[:, 2] / 255).max() < 1e-4


def test_an_empty_map_is_not_seen(parts: Any) -> None:
    found, scores = _codec(parts).decode(np.zeros((17, 64, 48), np.float32))
    assert np.isfinite(found).all() and not scores.any()


def test_crops_are_the_public_versions(parts: Any) -> None:
    """A border of the mean colour, the box cut out and resized; and its words for where a key point comes to lie."""
    rng = np.random.default_rng(2)
    picture = cv2.resize(rng.uniform(0, 255, (12, 16, 3)).astype(np.float32), (320, 240)).astype(np.uint8)
    low, high = np.array([-64, -40]), np.array([320, 472])  # 384 x 512: twice the crop, beyond three borders
    wide = cv2.copyMakeBorder(picture, 300, 300, 300, 300, cv2.BORDER_CONSTANT, value=(102.98, 115.95, 122.77))
    wanted = cv2.resize(wide[low[1] + 300 : high[1] + 300, low[0] + 300 : high[0] + 300], (192, 256))
    made = parts.CPNCrop((192, 256)).transform({
        "img": picture,
        "bbox_center": (low + high)[None] / 2,
        "bbox_scale": (high - low)[None].astype(float),
        "keypoints": np.array([[[10.0, 30.0], [300.0, 200.0]]]),
        "keypoints_visible": np.ones((1, 2)),
    })  # fmt: skip
    assert made["img"].shape == (256, 192, 3)
    difference = np.abs(made["img"].astype(int) - wanted.astype(int))
    assert difference.max() <= 3, "the two round differently, no more"
    assert np.allclose(made["transformed_keypoints"], [[[37, 35], [182, 120]]], atol=1e-3)


def test_hard_key_points_in_closed_form(parts: Any) -> None:
    """Joint k is off by k everywhere: its error is k squared; the 8 largest of the known ones are averaged."""
    from mmpose.registry import MODELS

    with mm_compat.quiet(), mm_build.scope("mmpose"):
        config = mm_build.read_config(CPN.config)
        loss = MODELS.build(config.model.head.loss[-1])
    target = torch.rand(2, 17, 6, 5)
    off = torch.arange(17.0)[:, None, None]
    known = torch.ones(2, 17)
    known[1, 9:] = 0  # the second person's hardest are not known
    wanted = (sum(k**2 for k in range(9, 17)) / 8 + sum(k**2 for k in range(1, 9)) / 8) / 2
    assert float(loss(target + off, target, known)) == pytest.approx(wanted, rel=1e-5)
    predicted = (target + off).requires_grad_()
    (slope,) = torch.autograd.grad(loss(predicted, target, known), predicted)
    assert slope.abs().amax((2, 3)).gt(0).sum(1).tolist() == [8, 8], "only they are learnt from"


def _tiny_coco(folder: Path) -> None:
    """Write four people on four pictures as COCO has them, joints of every visibility, and where they are."""
    rng = np.random.default_rng(3)
    (folder / "train2017").mkdir(parents=True)
    (folder / "annotations").mkdir()
    images, annotations = [], []
    for number in range(1, 5):
        name = f"{number:012d}.jpg"
        picture = rng.uniform(0, 80, (160, 120, 3)).astype(np.uint8)
        joints = rng.uniform((30, 30), (90, 130), (17, 2)).round()
        for x, y in joints.astype(int):
            cv2.circle(picture, (int(x), int(y)), 4, rng.uniform(120, 255, 3).tolist(), -1)
        cv2.imwrite(str(folder / "train2017" / name), picture)
        told = np.column_stack([joints, rng.permutation([0, 1, 1] + [2] * 14)])
        images.append({"id": number, "file_name": name, "width": 120, "height": 160})
        annotations.append({
            "id": number, "image_id": number, "category_id": 1, "iscrowd": 0, "area": 6000, "num_keypoints": 16,
            "bbox": [20, 20, 80, 120], "keypoints": told.ravel().tolist(),
        })  # fmt: skip
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}
    (folder / "annotations" / "person_keypoints_train2017.json").write_text(json.dumps(content))


@pytest.fixture(scope="module")
def config(parts: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The shipped training config on a tiny set, with crops of 96x128, no pretrained backbone, no validation."""
    from mmengine.config import Config

    folder = tmp_path_factory.mktemp("cpn_training")
    _tiny_coco(folder / "coco")
    config = Config.fromfile(CONFIG)
    config.merge_from_dict({
        "work_dir": str(folder / "work"), "val_cfg": None, "val_dataloader": None, "val_evaluator": None,
        "test_cfg": None, "test_dataloader": None, "test_evaluator": None, "log_level": "ERROR",
        "model.backbone.init_cfg": None, "model.head.out_shape": CELLS[::-1],
        "model.head.decoder.input_size": SMALL, "model.head.decoder.heatmap_size": CELLS,
        "train_cfg": {"max_epochs": 1}, "param_scheduler": None, "default_hooks.checkpoint.save_best": None,
        "train_dataloader": {"batch_size": 2, "num_workers": 0, "persistent_workers": False},
        "train_dataloader.dataset.data_root": str(folder / "coco") + "/",
    })  # fmt: skip
    for step in config.train_dataloader.dataset.pipeline:
        if step.type == "CPNCrop":
            step.input_size = SMALL
        for codec in step.get("encoder", []):
            codec.input_size, codec.heatmap_size = SMALL, CELLS
    return config


def test_losses_are_those_of_the_plain_network(config: Any) -> None:
    """The data set's own samples through our head, and the paper's loss of the plain network's maps, written out."""
    from mmengine.dataset import pseudo_collate
    from mmpose.registry import DATASETS

    tensors = plain_cpn.random_tensors()
    from detectors.cpn.convert import renamed

    with mm_compat.quiet(), mm_build.scope("mmpose"):
        samples = DATASETS.build(config.train_dataloader.dataset)
        network = mm_build.build(config)
        batch = pseudo_collate([samples[0], samples[1]])
        checkpoint.fill(network, renamed(tensors), CONFIG, "CPN")
        data = network.data_preprocessor(batch, True)
        with torch.inference_mode():
            losses = network.loss(**data)
            levels, refined = plain_cpn.forward(tensors, data["inputs"])
    fields = [sample.gt_fields for sample in data["data_samples"]]
    targets = [torch.stack([field[level].heatmaps for field in fields]) for level in range(5)]
    visible = [sample.gt_instances.keypoints_visible for sample in data["data_samples"]]
    assert {int(number.sum()) for number in visible} == {16}, "one joint of 17 is not known"
    wanted = sum(((maps - target) ** 2).mean() / 2 for maps, target in zip(levels, targets[:4], strict=True))
    assert float(losses["loss_global"]) == pytest.approx(float(wanted), rel=1e-4)
    known = targets[4].amax((2, 3)) > 0
    assert (known.sum(1) >= (targets[3].amax((2, 3)) > 0).sum(1)).all(), "RefineNet's targets hold occluded joints too"
    joints = ((refined - targets[4]) ** 2).mean((2, 3)) * known
    assert float(losses["loss_refine"]) == pytest.approx(float(joints.sort(1).values[:, -8:].mean()), rel=1e-4)


def test_runner_trains_by_the_shipped_config(config: Any) -> None:
    """One epoch of two steps, and the detector reads the checkpoint that it leaves."""
    from mmengine.runner import Runner

    with mm_compat.quiet():
        runner = Runner.from_cfg(config.copy())
        before = {name: tensor.clone() for name, tensor in runner.model.named_parameters()}
        runner.train()
    changed = [name for name, tensor in runner.model.named_parameters() if not torch.equal(tensor, before[name])]
    assert runner.iter == 2
    assert len(changed) == len(before), "every part learns"
    saved = Path(config.work_dir) / "epoch_1.pth"
    network = mm_build.build(mm_build.read_config(CPN.config))
    checkpoint.fill(network, checkpoint.load(saved), saved, CPN.title)


def test_losses_fall(config: Any) -> None:
    """A few steps on one batch; from heat maps of height 1 to targets of 255 it is a long way."""
    from mmengine.dataset import pseudo_collate
    from mmengine.optim import build_optim_wrapper
    from mmpose.registry import DATASETS

    torch.manual_seed(0)
    with mm_compat.quiet(), mm_build.scope("mmpose"):
        samples = DATASETS.build(config.train_dataloader.dataset)
        network = mm_build.build(config).train()
        batch = pseudo_collate([samples[0], samples[1]])
        optimizer = build_optim_wrapper(network, config.optim_wrapper)
        seen = [network.train_step(batch, optimizer) for _ in range(5)]
    for name in ("loss_global", "loss_refine"):
        values = np.array([step[name].item() for step in seen])
        assert (np.diff(values) < 0).all(), (name, values)
        assert values[-1] < 0.99 * values[0], (name, values)
