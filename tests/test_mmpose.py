"""MMPose's detectors with random weights: the same key points as MMPose's own inference, and one-line refusals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import random_weights

from detectors import checkpoint, mm_boxes, mm_build, mm_compat, mm_models, mm_pose, mmpose, weights
from detectors.base import DetectorError, DetectorOptions, Floats, Frame
from detectors.joints import COCO_17

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
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with random weights of HRNet-W32, RTMPose-m and RTMDet-nano."""
    folder = tmp_path_factory.mktemp("weights")
    random_weights.write_pose(folder / "hrnet.pth", "hrnet")
    random_weights.write_pose(folder / "rtmpose.pth", "rtmpose")
    random_weights.write_boxes(folder / "rtmdet.pth")
    return folder


@pytest.fixture(scope="module")
def hrnet(files: Path) -> mmpose.MMPoseDetector:
    """The `hrnet` detector with random weights, boxes by RTMDet, flip test on."""
    return mmpose.create_hrnet(_options(files, "hrnet"))


def _options(files: Path, name: str, **changes: Any) -> DetectorOptions:
    settings = {"checkpoint": files / f"{name}.pth", "box_model": files / "rtmdet.pth", "device": "cpu"}
    return DetectorOptions(**(settings | {"offline": True, "backend": "torch"} | changes))


def _picture(seed: int = 0) -> Frame:
    """Return a (240, 320, 3) picture of smooth blobs, unlike its mirror image and with three unlike colours."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (12, 16, 3)).astype(np.float32)
    return np.kron(coarse, np.ones((20, 20, 1))).astype(np.uint8)


def _reference(detector: mmpose.MMPoseDetector, frame: Frame, boxes: Floats) -> tuple[Floats, Floats]:
    """Return what MMPose's own `inference_topdown` finds: it takes BGR."""
    from mmpose.apis import inference_topdown

    with mm_compat.quiet():
        network = detector.estimate.network
        network.cfg = mm_build.read_config(mm_models.HRNET.config)
        network.dataset_meta = detector.estimate._meta
        found = inference_topdown(network, frame[:, :, ::-1].copy(), boxes)
    instances = [sample.pred_instances for sample in found]
    return np.stack([i.keypoints[0] for i in instances]), np.stack([i.keypoint_scores[0] for i in instances])


@pytest.mark.parametrize("flip_test", [True, False])
def test_key_points_equal_inference_topdown(hrnet: mmpose.MMPoseDetector, flip_test: bool) -> None:
    network = hrnet.estimate.network
    assert network.test_cfg.flip_test, "DetectorOptions.flip_test is on unless told"
    boxes = np.array([[20, 10, 120, 230], [150.5, 30.25, 260, 200], [0, 0, 320, 240]], np.float32)
    network.test_cfg.flip_test = flip_test
    try:
        keypoints, scores = hrnet.estimate(_picture(), boxes)
        wanted_keypoints, wanted_scores = _reference(hrnet, _picture(), boxes)
    finally:
        network.test_cfg.flip_test = True
    assert np.abs(keypoints - wanted_keypoints).max() < 0.01
    assert np.abs(scores - np.clip(wanted_scores, 0, 1)).max() < 1e-4
    assert np.ptp(keypoints, axis=1).min() > 10, "random weights must spread the key points for this to mean anything"


def test_flip_test_changes_what_is_found(files: Path, hrnet: mmpose.MMPoseDetector) -> None:
    boxes = np.array([[0, 0, 320, 240]], np.float32)
    plain = mm_pose.PoseEstimator(mm_models.HRNET, files / "hrnet.pth", "cpu", flip_test=False)
    assert np.abs(plain(_picture(), boxes)[0] - hrnet.estimate(_picture(), boxes)[0]).max() > 1


def test_crops_do_not_meet_in_a_batch(hrnet: mmpose.MMPoseDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = np.array([[20, 10, 120, 230], [150, 30, 260, 200], [40, 40, 200, 200]], np.float32)
    together = hrnet.estimate(_picture(), boxes)
    monkeypatch.setattr(mm_pose, "_BATCH", 2)
    in_two = hrnet.estimate(_picture(), boxes)
    alone = hrnet.estimate(_picture(), boxes[2:])
    assert np.abs(together[0] - in_two[0]).max() < 0.01
    assert np.abs(together[0][2] - alone[0][0]).max() < 0.01


def test_a_box_beyond_the_picture_is_cut_at_its_border(hrnet: mmpose.MMPoseDetector) -> None:
    beyond = hrnet.estimate(_picture(), np.array([[-50, 100, 120, 900]], np.float32))[0]
    within = hrnet.estimate(_picture(), np.array([[0, 100, 120, 240]], np.float32))[0]
    assert np.abs(beyond - within).max() < 0.01
    outside, scores = hrnet.estimate(_picture(), np.array([[900, 900, 950, 990], [10, 10, 10, 10]], np.float32))
    assert np.isfinite(outside).all()
    assert np.isfinite(scores).all()


def test_nobody_is_no_key_points(hrnet: mmpose.MMPoseDetector) -> None:
    keypoints, scores = hrnet.estimate(_picture(), np.zeros((0, 4), np.float32))
    assert keypoints.shape == (0, 17, 2)
    assert scores.shape == (0, 17)


def test_a_film_keeps_its_frames(hrnet: mmpose.MMPoseDetector) -> None:
    """RTMDet finds the one person its weights are made for, and every frame has somebody."""
    people = list(hrnet(_picture(seed) for seed in range(4)))
    assert hrnet.joints == COCO_17
    assert [len(p) for p in people] == [1, 1, 1, 1]
    assert all(p.keypoints.shape == (1, 17, 2) for p in people)


@pytest.mark.slow
def test_users_read_nothing_of_what_mmpose_says(files: Path) -> None:
    code = f"""
import numpy as np
from pathlib import Path
from detectors.base import DetectorOptions
from detectors.mmpose import create_rtmpose
folder = Path({str(files)!r})
options = DetectorOptions(checkpoint=folder / "rtmpose.pth", box_model=folder / "rtmdet.pth", device="cpu")
assert len(list(create_rtmpose(options)(np.zeros((3, 64, 48, 3), np.uint8)))) == 3
"""
    done = subprocess.run([sys.executable, "-W", "default", "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_rtmdet_boxes_are_in_picture_pixels(hrnet: mmpose.MMPoseDetector) -> None:
    for shape in ((240, 320, 3), (641, 203, 3)):
        boxes, scores = hrnet.find(np.full(shape, 128, np.uint8))
        assert np.allclose(boxes, [[0, 0, shape[1], shape[0]]], atol=0.5)
        assert np.allclose(scores, 1 / (1 + np.exp(-2)), atol=1e-3)


def test_rtmdet_in_colours_and_classes(files: Path, tmp_path: Path, hrnet: mmpose.MMPoseDetector) -> None:
    """A COCO model of 80 classes serves too: class 0 is the person, the others are left aside."""
    state = checkpoint.load(files / "rtmdet.pth")
    for level in range(3):
        for part in ("weight", "bias"):
            old = state[f"bbox_head.rtm_cls.{level}.{part}"]
            new = torch.full((80, *old.shape[1:]), 0.0 if part == "weight" else -10.0)
            new[0] = old[0]
            if part == "bias" and level == 2:
                new[16] = 5.0  # a dog, everywhere
            state[f"bbox_head.rtm_cls.{level}.{part}"] = new
    random_weights.save(tmp_path / "coco.pth", state)
    boxes, scores = mm_boxes.PersonFinder(tmp_path / "coco.pth", "cpu")(_picture())
    wanted_boxes, wanted_scores = hrnet.find(_picture())
    assert np.allclose(boxes, wanted_boxes, atol=1e-3)
    assert np.allclose(scores, wanted_scores, atol=1e-5)


def test_full_frame_looks_once_then_follows(files: Path) -> None:
    detector = mmpose.create_rtmpose(
        _options(files, "rtmpose", box_model=Path("settings") / mmpose.FULL_FRAME, box_every=1)
    )
    looked: list[int] = []
    find = detector.find
    detector.find = lambda frame: looked.append(1) or find(frame)  # type: ignore[assignment, func-returns-value]
    people = list(detector(_picture() for _ in range(3)))
    assert [len(p) for p in people] == [1, 1, 1]
    assert len(looked) == 1


@pytest.mark.slow
@pytest.mark.parametrize("width", [random_weights.NANO, random_weights.MEDIUM])
@pytest.mark.parametrize("name", ["hrnet-w48", "rtmpose"])
def test_every_model_runs(tmp_path: Path, name: str, width: int) -> None:
    random_weights.write_pose(tmp_path / f"{name}.pth", name)
    random_weights.write_boxes(tmp_path / "rtmdet.pth", width)
    create = {"hrnet-w48": mmpose.create_hrnet_w48, "rtmpose": mmpose.create_rtmpose}[name]
    people = list(create(_options(tmp_path, name))([_picture(), _picture(1)]))
    assert [len(p) for p in people] == [1, 1]


def _refused(match: str, options: DetectorOptions) -> str:
    with pytest.raises(DetectorError, match=match) as caught:
        mmpose.create_hrnet(options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_weights_are_told_before_anything_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mm_compat, "prepare", lambda: pytest.fail("loaded MMPose first"))
    message = _refused("weights of hrnet are not here", DetectorOptions(offline=True, cache=tmp_path))
    entry = weights.ZOO["hrnet"]
    assert entry.urls[0] in message
    assert str(tmp_path / entry.file) in message
    assert "--checkpoint FILE" in message
    (tmp_path / "own.pth").touch()
    options = DetectorOptions(offline=True, cache=tmp_path, checkpoint=tmp_path / "own.pth")
    message = _refused("person boxes", options)
    assert "--box-model FILE" in message
    assert "full-frame" in message


def test_another_models_checkpoint_is_refused(files: Path) -> None:
    _refused("is no checkpoint of HRNet-W32", _options(files, "rtmpose"))
    _refused("is no checkpoint of HRNet-W32", _options(files, "rtmdet"))
    _refused("is no checkpoint of RTMDet", _options(files, "hrnet", box_model=files / "hrnet.pth"))
    _refused("there is no checkpoint", _options(files, "absent"))


def test_devices(files: Path) -> None:
    _refused("device 'tpu' is not known", _options(files, "hrnet", device="tpu"))
    if not torch.cuda.is_available():
        _refused("no CUDA device", _options(files, "hrnet", device="cuda"))


def test_what_torch_cannot_do_is_one_line(hrnet: mmpose.MMPoseDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nSee the documentation")

    for part, name in ((hrnet.estimate, "HRNet-W32"), (hrnet.find, "RTMDet")):
        with monkeypatch.context() as patch:
            patch.setattr(part.network, "test_step", fail)
            with pytest.raises(DetectorError, match=f"^{name}.* failed on cpu: CUDA out of memory") as caught:
                list(hrnet([_picture()]))
        assert "\n" not in str(caught.value)


def test_zoo_addresses_are_those_of_the_installed_index() -> None:
    """A newer mmpose with other weights shows here."""
    root = Path(sys.modules["mmpose"].__file__ or "").parent / ".mim" / "configs" / "body_2d_keypoint"
    index = "".join(path.read_text() for path in root.rglob("*_coco.yml"))
    for model in (mm_models.HRNET, mm_models.HRNET_W48, mm_models.RTMPOSE):
        assert f"{model.config}" in index
        assert weights.ZOO[model.name].urls[0] in index


def test_nms_keeps_the_best_of_every_heap() -> None:
    boxes = torch.tensor([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [0, 0, 10, 5], [5, 0, 15, 10]]).float()
    scores = torch.tensor([0.8, 0.9, 0.1, 0.95, 0.7])
    # Overlaps: 3 and 1 0.43, 3 and 0 0.5, 1 and 0 0.82, 1 and 4 0.43, 3 and 4 0.2.
    assert mm_compat.nms(boxes, scores, 0.5).tolist() == [3, 1, 4, 2]
    assert mm_compat.nms(boxes, scores, 0.42).tolist() == [3, 4, 2]
    assert mm_compat.nms(boxes[:0], scores[:0], 0.5).tolist() == []
    # With the last pixel counted 0 and 4 share 66 of 176 (0.375), else 50 of 150 (0.333).
    pair, both = boxes[[0, 4]], scores[[0, 4]]
    assert mm_compat.nms(pair, both, 0.35, offset=0).tolist() == [0, 1]
    assert mm_compat.nms(pair, both, 0.35, offset=1).tolist() == [0]


def test_nms_law() -> None:
    """No two kept boxes overlap by more than the threshold, and every dropped one overlaps a better kept one."""
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(200, 2, generator=generator) * 50
    boxes = torch.cat([corner, corner + 5 + 20 * torch.rand(200, 2, generator=generator)], 1)
    scores = torch.rand(200, generator=generator)
    kept = mm_compat.nms(boxes, scores, 0.4).tolist()
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    inner = (high - low).clamp(min=0).prod(2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    share = inner / (area[:, None] + area[None] - inner)
    assert all(scores[a] >= scores[b] for a, b in pairwise(kept))
    assert all(share[a, b] <= 0.4 for a in kept for b in kept if a != b)
    for lost in set(range(200)) - set(kept):
        assert any(share[lost, winner] > 0.4 and scores[winner] >= scores[lost] for winner in kept)


def test_other_operators_of_mmcv_refuse_when_called() -> None:
    mm_compat.prepare()
    extension = sys.modules["mmcv._ext"]
    if not isinstance(extension, mm_compat._Operators):
        pytest.skip("a full mmcv is installed")
    with pytest.raises(NotImplementedError, match=r"mmcv\.ops\.roi_align_forward"):
        extension.roi_align_forward()
    assert not hasattr(extension, "__path__")


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mm_compat, "PACKAGES", ("torch", "no_such_package"))
    with pytest.raises(DetectorError, match="need no_such_package, not installed"):
        mm_compat.prepare()


@pytest.mark.slow
@pytest.mark.parametrize("others_first", [False, True])
def test_other_backends_live_beside_it(others_first: bool) -> None:
    """MediaPipe and OpenVINO run in the same process, before or after MMPose came in."""
    ours = """
from detectors import mm_compat
mm_compat.prepare()
import mmpose.models, mmdet.models, mmcv.ops
"""
    others = """
import mediapipe, numpy, openvino
with mediapipe.solutions.pose.Pose(model_complexity=1) as pose:
    pose.process(numpy.zeros((64, 64, 3), numpy.uint8))
assert "CPU" in openvino.Core().available_devices
"""
    code = others + ours if others_first else ours + others
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def test_nothing_heavy_comes_with_the_module() -> None:
    code = "import sys, detectors.mmpose; print(sorted({'torch', 'mmpose', 'mmengine'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("every", [1, 3])
def test_frames_in_batches_give_the_key_points_of_frames_one_by_one(files: Path, every: int) -> None:
    frames = [_picture(seed) for seed in range(7)]
    one, many = (mmpose.create_rtmpose(_options(files, "rtmpose", batch=n, box_every=every)) for n in (1, 6))
    sizes = []
    network_of = many.estimate._some
    many.estimate._some = lambda crops: sizes.append(len(crops)) or network_of(crops)  # type: ignore[method-assign]
    for alone, together in zip(one(iter(frames)), many(iter(frames)), strict=True):
        assert len(alone) == len(together) == 1
        np.testing.assert_allclose(together.keypoints, alone.keypoints, atol=0.01)
        np.testing.assert_allclose(together.scores, alone.scores, atol=1e-4)
        np.testing.assert_allclose(together.boxes, alone.boxes, atol=0.02)
    assert max(sizes) == {1: 6, 3: 2}[every], "frames must have gone together for this to mean anything"
    assert many.runs_on == "PyTorch, f32, 6 frames together"


def test_boxes_of_several_frames_at_once_are_those_of_each(hrnet: mmpose.MMPoseDetector) -> None:
    frames = [_picture(seed) for seed in range(3)]
    for frame, (boxes, scores) in zip(frames, hrnet.find.many(frames), strict=True):
        wanted, certain = hrnet.find(frame)
        np.testing.assert_allclose(boxes, wanted, atol=0.01)
        np.testing.assert_allclose(scores, certain, atol=1e-4)


def test_exports_refuse_batches(files: Path) -> None:
    with pytest.raises(DetectorError, match="--batch 4: onnx takes one crop at a time; use --backend torch"):
        mmpose.create_hrnet(_options(files, "hrnet", backend="onnx", batch=4))
