"""CPN: the same heat maps as a plain statement of the network, the public weights' way here, one-line refusals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import plain_cpn
import pytest
import random_weights
from test_run import make_film

from detectors import checkpoint, mm_build, mm_compat, mm_models, mm_pose, mmpose, registry
from detectors.base import DetectorError, DetectorOptions, Frame
from detectors.cpn import convert
from detectors.cpn.detector import CPN, CPN_384, create_cpn, create_cpn_384
from detectors.heatmaps import mirror_order
from detectors.joints import COCO_17
from pipeline.adapter import adapt, recognise
from pipeline.cli import main

pytest.importorskip("mmpose")
torch = pytest.importorskip("torch")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Spinning threads of torch stand in each other's way on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tensors() -> dict[str, Any]:
    """Random weights under the public version's names."""
    return plain_cpn.random_tensors()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, Any]) -> Path:
    """A folder with the weights as the public version keeps them, as converted, and a box model."""
    folder = tmp_path_factory.mktemp("cpn")
    plain_cpn.write_public(folder / "public.pth.tar", tensors)
    assert convert.main([str(folder / "public.pth.tar"), str(folder / "cpn.pth")]) == 0
    random_weights.write_boxes(folder / "rtmdet.pth")
    return folder


@pytest.fixture(scope="module")
def cpn(files: Path) -> mmpose.MMPoseDetector:
    """The `cpn` detector with random weights, boxes by RTMDet, flip test on."""
    return create_cpn(_options(files))


def _options(files: Path, **changes: Any) -> DetectorOptions:
    settings = {"checkpoint": files / "cpn.pth", "box_model": files / "rtmdet.pth", "device": "cpu", "offline": True}
    return DetectorOptions(**(settings | changes))


def _picture(seed: int = 0) -> Frame:
    """Return a (240, 320, 3) picture of smooth blobs, unlike its mirror image and with three unlike colours."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (12, 16, 3)).astype(np.float32)
    return cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_LINEAR).astype(np.uint8)


@pytest.mark.parametrize("model", [CPN, pytest.param(CPN_384, marks=pytest.mark.slow)], ids=lambda model: model.name)
def test_heat_maps_are_those_of_the_plain_network(
    files: Path, tensors: dict[str, Any], model: mm_models.PoseModel
) -> None:
    with mm_compat.quiet(), mm_build.scope("mmpose"):
        network = mm_build.build(mm_build.read_config(model.config))
    checkpoint.fill(network, checkpoint.load(files / "cpn.pth"), files / "cpn.pth", model.title)
    height, width = {"cpn": (256, 192), "cpn-384": (384, 288)}[model.name]
    picture = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        features = network.extract_feat(picture)
        refined = network.head(features)
        levels = [layers(f) for layers, f in zip(network.head.global_predict, features, strict=True)]
        wanted_levels, wanted = plain_cpn.forward(tensors, picture)
    assert refined.shape == (1, 17, height // 4, width // 4)
    assert wanted.abs().max() > 100, "of the height of trained maps"
    assert torch.allclose(refined, wanted, atol=0.01)
    for found, level in zip(levels, wanted_levels, strict=True):
        assert torch.allclose(found, level, atol=0.01)


def test_size_is_the_public_versions(cpn: mmpose.MMPoseDetector) -> None:
    network = cpn.estimate.network
    assert sum(parameter.numel() for parameter in network.parameters()) == 27_406_826
    assert len(network.state_dict()) == 582


def test_crop_normalises_as_the_public_version(cpn: mmpose.MMPoseDetector) -> None:
    """RGB, 0 to 1, less the mean, no deviation."""
    colour = np.full((240, 320, 3), (200, 100, 50), np.uint8)
    item = cpn.estimate._crop(colour[:, :, ::-1], np.array([100, 60, 200, 180], np.float32))
    with torch.inference_mode():
        batch = cpn.estimate.network.data_preprocessor({"inputs": [item["inputs"]], "data_samples": []})
    wanted = (torch.tensor([200, 100, 50]) - torch.tensor([122.7717, 115.9465, 102.9801])) / 255
    assert batch["inputs"].shape == (1, 3, 256, 192)
    assert torch.allclose(batch["inputs"][0].mean((1, 2)), wanted, atol=1e-4)


def test_a_mirrored_picture_gives_mirrored_people(cpn: mmpose.MMPoseDetector) -> None:
    """With the flip test this holds exactly, if crops, maps and key points agree on where a pixel is."""
    boxes = np.array([[20, 10, 120, 230], [150.5, 30.25, 260, 200]], np.float32)
    mirrored = boxes[:, [2, 1, 0, 3]] * (-1, 1, -1, 1) + (320, 0, 320, 0)
    keypoints, scores = cpn.estimate(_picture(), boxes)
    other, other_scores = cpn.estimate(_picture()[:, ::-1].copy(), mirrored.astype(np.float32))
    order = mirror_order(COCO_17)
    near = np.abs((320, 0) + other[:, order] * (-1, 1) - keypoints).max(-1) < 0.1
    assert near.mean() > 0.9, "a tie between cells may fall either way, no more"
    assert np.abs(other_scores[:, order] - scores)[near].max() < 0.02
    assert np.ptp(keypoints, axis=1).min() > 10, "random weights must spread the key points for this to mean anything"


def test_half_precision_and_backends(cpn: mmpose.MMPoseDetector, files: Path) -> None:
    """As on a GPU, here in bfloat16, whose maps are good to a unit or two of 255; other runtimes refuse in one line."""
    halved = mm_pose.PoseEstimator(CPN, files / "cpn.pth", "cpu", flip_test=True, half=True)
    boxes = np.array([[20, 10, 120, 230]], np.float32)
    (keypoints, scores), (other, other_scores) = cpn.estimate(_picture(), boxes), halved(_picture(), boxes)
    assert np.median(np.abs(keypoints - other)) < 1
    assert np.abs(scores - other_scores).max() < 0.1
    with pytest.raises(DetectorError, match="backend"):
        create_cpn(_options(files, backend="openvino"))


def test_joints_reach_the_skeleton_by_their_names(
    cpn: mmpose.MMPoseDetector, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heat maps of a person seen from the front, in the public version's order: where they end up in the skeleton."""
    # Its pairs of left and right (its config's `symmetry`), and the nose first.
    pairs = [(1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)]
    assert all(mirror_order(COCO_17)[left] == right for left, right in pairs)
    cells = {name: (8 + 2 * index, 5 + 3 * index) for index, name in enumerate(COCO_17)}
    maps = torch.zeros(1, 17, 64, 48)
    for index, (x, y) in enumerate(cells.values()):
        maps[0, index, y, x] = 255
    estimate = mm_pose.PoseEstimator(CPN, files / "cpn.pth", "cpu", flip_test=False)
    monkeypatch.setattr(estimate.network.head, "forward", lambda _: maps)
    keypoints, scores = estimate(np.zeros((256, 192, 3), np.uint8), np.array([[16, 0, 176, 256]], np.float32))
    assert np.allclose(scores, 1)
    assert recognise(cpn.joints) == "coco17"
    skeleton, _ = adapt(keypoints, scores, cpn.joints)
    from detectors.joints import H36M_17

    # The box, 30 % taller, is the crop: 256 * 1.3 pixels of the picture on 64 cells, around its middle.
    scale = 256 * 1.3 / 64
    for name in set(COCO_17) & set(H36M_17):
        x, y = cells[name]
        wanted = np.array([96 + (x + 0.5 - 24) * scale, 128 + (y + 0.5 - 32) * scale])
        assert np.abs(skeleton[0, H36M_17.index(name)] - wanted).max() < 0.3 * scale, name


def test_older_versions_biases_change_nothing(tensors: dict[str, Any]) -> None:
    old = dict(tensors)
    for level in range(3):
        bias = torch.linspace(-1, 1, 256)
        old[f"global_net.upsamples.{level}.1.bias"] = bias
    with torch.inference_mode():
        picture = torch.randn(1, 3, 64, 64)
        wanted = plain_cpn.forward(old, picture)[1]
        renamed = convert.renamed(old)
        assert len(renamed) == 582
        back = {there: renamed[here] for there, here in zip(tensors, convert.renamed(tensors), strict=True)}
        assert torch.allclose(plain_cpn.forward(back, picture)[1], wanted, atol=0.01)
        assert not torch.allclose(plain_cpn.forward(tensors, picture)[1], wanted, atol=1)


def _told(arguments: list[Path], capsys: pytest.CaptureFixture[str]) -> str:
    assert convert.main([str(path) for path in arguments]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    return message


def test_what_is_not_the_public_cpn_is_refused(
    tmp_path: Path, files: Path, tensors: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "in.pth.tar", tmp_path / "out.pth"
    assert "there is no checkpoint" in _told([source, target], capsys)
    assert "no name in a checkpoint of the public" in _told([files / "rtmdet.pth", target], capsys)
    plain_cpn.write_public(source, {"fc.weight": torch.ones(2)} | tensors)
    message = _told([source, target], capsys)
    assert "'fc.weight'" in message and str(source) in message
    lacking = {name: tensor for name, tensor in tensors.items() if name != "refine_net.cascade.1.0.bn2.bias"}
    plain_cpn.write_public(source, lacking)
    assert "1 missing (as head.refine.cascade.1.0.bn2.bias)" in _told([source, target], capsys)
    plain_cpn.write_public(source, tensors | {"refine_net.final_predict.1.weight": torch.ones(14, 256, 3, 3)})
    assert "1 tensors of another shape" in _told([source, target], capsys)
    assert "cannot write" in _told([files / "public.pth.tar", tmp_path / "no" / "out.pth"], capsys)
    torch.save({"state_dict": {"resnet.conv1.weight": torch.ones(1)}, "epoch": Path("x")}, source)
    assert "might run code" in _told([source, target], capsys)
    assert [path.name for path in tmp_path.iterdir()] == [source.name], "nothing half written stays"


def _refused(options: DetectorOptions) -> str:
    with pytest.raises(DetectorError) as caught:
        registry.create("cpn", options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_weights_are_told_before_anything_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mm_compat, "prepare", lambda: pytest.fail("loaded MMPose first"))
    message = _refused(DetectorOptions(offline=True))
    assert "cannot be downloaded: give --checkpoint FILE" in message
    assert "python -m detectors.cpn.convert IN OUT" in message
    with pytest.raises(DetectorError, match="weights of cpn-384 cannot be downloaded"):
        create_cpn_384(DetectorOptions())


def test_weights_not_yet_converted_are_told(files: Path) -> None:
    message = _refused(_options(files, checkpoint=files / "public.pth.tar"))
    assert f"convert it by `python -m detectors.cpn.convert {files / 'public.pth.tar'} OUT`" in message
    assert "is no checkpoint of CPN-50 256x192" in _refused(_options(files, checkpoint=files / "rtmdet.pth"))


def test_nothing_is_registered_unless_asked() -> None:
    code = """
import sys
from detectors import mm_compat, registry
import detectors.cpn.convert, detectors.cpn.detector
assert not {"torch", "mmpose", "mmengine"} & set(sys.modules)
mm_compat.prepare()
from mmpose.registry import MODELS
import detectors.cpn.network
assert MODELS.get("CPNHead") is None
import detectors.cpn.mmpose_parts
assert MODELS.get("CPNHead") and MODELS.get("CPNGlobalNet") is detectors.cpn.network.GlobalNet
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]


def test_identity_names_the_boxes_that_are_fetched() -> None:
    from detectors.weights import ZOO

    found = registry.identity("cpn")
    assert found["boxes"] == ZOO["rtmdet"].file
    assert "weights" not in found, "the checkpoint counts by its content"


@pytest.mark.parametrize("name", ["cpn", pytest.param("cpn-384", marks=pytest.mark.slow)])
def test_detect_from_the_command_line(tmp_path: Path, files: Path, name: str) -> None:
    film = make_film(tmp_path / "film.mp4", frames=6, size=(96, 128))
    flags = ["--detector", name, "--checkpoint", str(files / "cpn.pth"), "--box-model", str(files / "rtmdet.pth")]
    assert main(["detect", str(film), "--output", str(tmp_path / "out"), "--device", "cpu", "--offline", *flags]) == 0
    with np.load(tmp_path / "out" / "film" / "pose2d.npz", allow_pickle=False) as made:
        assert made["keypoints"].shape[1:] == (6, 17, 2)
        assert made["valid"].all()
        assert tuple(made["joints"]) == COCO_17
        assert 0 < made["scores"].mean() <= 1
