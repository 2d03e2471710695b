"""MMPose's top-down detectors, HRNet and RTMPose, with RTMDet's person boxes: several people, COCO's joints.

Models, codecs and transforms are MMPose's and MMDetection's own, built from the configurations inside their wheels;
weights come from the model zoo or from files of the user's (see `weights` and `checkpoint`). What stands here runs
by torch; on a processor the same networks run faster from an export (see `mm_backend`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detectors import checkpoint, mm_backend, mm_compat, mm_device, weights
from detectors.base import DetectorError, DetectorOptions, Floats, Frame, People
from detectors.boxes import within
from detectors.follow import Estimate, Find, WholePicture, follow
from detectors.joints import COCO_17

FULL_FRAME = "full-frame"  # as `--box-model`: no box network, the whole picture is the first box
BOX_THRESHOLD = 0.3  # as in MMPose's demos
_BATCH = 8  # crops in one pass: more gain nothing on the CPU, and memory stays flat in a crowd
_BATCH_GPU = 64


@dataclass(frozen=True)
class PoseModel:
    """A key point model.

    Attributes:
        name: in `weights.ZOO`.
        title: what messages call it.
        config: its configuration inside the wheel.
        exports: `mm_export` knows its crops and its decoding.
    """

    name: str
    title: str
    config: str
    exports: bool = False


_COCO = "configs/body_2d_keypoint/topdown_heatmap/coco"
HRNET = PoseModel("hrnet", "HRNet-W32 256x192", f"{_COCO}/td-hm_hrnet-w32_8xb64-210e_coco-256x192.py", True)
HRNET_W48 = PoseModel("hrnet-w48", "HRNet-W48 384x288", f"{_COCO}/td-hm_hrnet-w48_8xb32-210e_coco-384x288.py", True)
RTMPOSE = PoseModel(
    "rtmpose",
    "RTMPose-m 256x192",
    "configs/body_2d_keypoint/rtmpose/coco/rtmpose-m_8xb256-420e_coco-256x192.py",
    True,
)

# RTMDet's two person models among MMPose's demos, told apart by the width of the first convolution.
BOX_CONFIGS = {
    8: "demo/mmdetection_cfg/rtmdet_nano_320-8xb32_coco-person.py",
    24: "demo/mmdetection_cfg/rtmdet_m_640-8xb32_coco-person.py",
}


def create_hrnet(options: DetectorOptions) -> MMPoseDetector:
    """Make the `hrnet` detector; raises DetectorError as `MMPoseDetector` does."""
    return MMPoseDetector(HRNET, options)


def create_hrnet_w48(options: DetectorOptions) -> MMPoseDetector:
    """Make the `hrnet-w48` detector; raises DetectorError as `MMPoseDetector` does."""
    return MMPoseDetector(HRNET_W48, options)


def create_rtmpose(options: DetectorOptions) -> MMPoseDetector:
    """Make the `rtmpose` detector; raises DetectorError as `MMPoseDetector` does."""
    return MMPoseDetector(RTMPOSE, options)


class MMPoseDetector:
    """Person boxes now and then, key points on every frame; see `follow` for when which runs.

    With `box_model` = `full-frame` there is one person, looked for in the whole picture and then followed.

    Attributes:
        runs_on: runtime and precision of the key point network, for people.
    """

    joints: tuple[str, ...] = COCO_17
    estimate: Estimate
    find: Find

    def __init__(self, model: PoseModel, options: DetectorOptions) -> None:
        """Fetch what weights are missing, then load both networks.

        Raises:
            DetectorError: weights missing, damaged or another model's; no such device or backend; MMPose not installed.
        """
        # By name: a settings file may have made a path of the word. A file of that name is a file.
        whole = (
            options.box_model is not None and options.box_model.name == FULL_FRAME and not options.box_model.exists()
        )
        # Before any heavy import: what is missing is told at once.
        pose_file = options.checkpoint or weights.fetch(weights.ZOO[model.name], options.cache, options.offline)
        box_file = options.box_model or weights.fetch(weights.ZOO["rtmdet"], options.cache, options.offline)
        device = mm_device.pick(options.device)
        backend = mm_backend.choose(options.backend, device, model)
        if backend == "torch":
            mm_compat.prepare()
            self.estimate = PoseEstimator(model, pose_file, device, options.flip_test, half=device == "cuda")
            self.find = WholePicture(self.estimate) if whole else PersonFinder(box_file, device)
            self.runs_on = f"PyTorch, {'f16' if device == 'cuda' else 'f32'}"
        else:
            rest = options.cache, mm_backend.precision(options.backend)
            found, self.runs_on = mm_backend.load_pose(backend, model, pose_file, options.flip_test, *rest)
            self.estimate = lambda frame, boxes: found(frame, within(boxes, frame))
            self.find = WholePicture(self.estimate) if whole else mm_backend.load_boxes(backend, box_file, *rest)
        self._limit = 1 if whole else options.max_people
        self._every = sys.maxsize if whole else options.box_every  # the whole picture again would only lose detail

    def __call__(self, frames: Iterable[Frame]) -> Iterator[People]:
        """Yield the people of every frame."""
        return follow(frames, self.find, self.estimate, len(self.joints), self._every, self._limit)


class PoseEstimator:
    """A top-down key point network of MMPose with its own transforms and codec."""

    def __init__(self, model: PoseModel, path: Path, device: str, flip_test: bool, half: bool = False) -> None:
        """Build the network and fill it from the checkpoint `path`, to run in `half` precision where told.

        Raises:
            DetectorError: the checkpoint is missing, damaged or another model's; MMPose not installed.
        """
        mm_compat.prepare()
        state = checkpoint.load(path)
        with mm_compat.quiet(), _scope("mmpose"):
            from mmengine.dataset import Compose
            from mmpose.apis.inference import dataset_meta_from_config

            config = _config(model.config)
            config.model.test_cfg.flip_test = flip_test
            self.network = _build(config)
            self._meta = dataset_meta_from_config(config, "test")
            self._transforms = Compose(config.test_dataloader.dataset.pipeline)
        checkpoint.fill(self.network, state, path, model.title)
        self._title, self._device, self._half = model.title, device, half
        if half:
            mm_device.halved(self.network, device)
        with mm_device.told(self._title, self._device):
            self.network.to(device)

    def __call__(self, frame: Frame, boxes: Floats) -> tuple[Floats, Floats]:
        """Find key points (P, 17, 2) in pixels and scores (P, 17) in 0..1 of the people in boxes (P, 4)."""
        import torch
        from mmengine.dataset import pseudo_collate

        picture = np.ascontiguousarray(frame[:, :, ::-1])  # MMPose takes BGR
        inside = within(boxes, frame)  # as networks learnt it: a found box ends at the border, a followed one need not
        precision = mm_device.half(self._device) if self._half else nullcontext()
        batch = _BATCH if self._device == "cpu" else _BATCH_GPU
        keypoints, scores = [], []
        for start in range(0, len(boxes), batch):
            crops = [self._crop(picture, box) for box in inside[start : start + batch]]
            with torch.inference_mode(), mm_compat.quiet(), mm_device.told(self._title, self._device), precision:
                samples = self.network.test_step(pseudo_collate(mm_device.pinned(crops, self._device)))
            keypoints += [sample.pred_instances.keypoints[0] for sample in samples]
            scores += [sample.pred_instances.keypoint_scores[0] for sample in samples]
        shape = (len(boxes), len(COCO_17))
        return (
            np.array(keypoints, np.float32).reshape(*shape, 2),
            np.clip(np.array(scores, np.float32).reshape(shape), 0, 1),
        )

    def _crop(self, picture: Frame, box: Floats) -> dict[str, Any]:
        """Return one person's crop and what brings its key points back, as MMPose's transforms make them."""
        item: dict[str, Any] = {"img": picture, "bbox": box[None], "bbox_score": np.ones(1, np.float32)}
        crop: dict[str, Any] = self._transforms(item | self._meta)
        return crop


class PersonFinder:
    """RTMDet, nano or m: person boxes in a frame."""

    def __init__(self, path: Path, device: str) -> None:
        """Build the model that the checkpoint `path` fits and fill it; raises DetectorError as `PoseEstimator`."""
        mm_compat.prepare()
        state = checkpoint.load(path)
        stem, classes = state.get("backbone.stem.0.conv.weight"), state.get("bbox_head.rtm_cls.0.weight")
        if stem is None or classes is None or len(stem) not in BOX_CONFIGS:
            raise DetectorError(
                f"{path} is no checkpoint of RTMDet-nano or RTMDet-m: give one as --box-model, or `full-frame`"
            )
        with mm_compat.quiet(), _scope("mmdet"):
            from mmdet.utils import get_test_pipeline_cfg
            from mmengine.dataset import Compose

            config = _config(BOX_CONFIGS[len(stem)])
            config.model.bbox_head.num_classes = len(classes)  # persons only, or COCO's 80 of which 0 is a person
            self.network = _build(config)
            steps = get_test_pipeline_cfg(config)
            steps[0].type = "mmdet.LoadImageFromNDArray"
            self._transforms = Compose(steps)
        self._title, self._device = f"RTMDet ({Path(BOX_CONFIGS[len(stem)]).stem})", device
        checkpoint.fill(self.network, state, path, self._title)
        with mm_device.told(self._title, self._device):
            self.network.to(device)

    def __call__(self, frame: Frame) -> tuple[Floats, Floats]:
        """Find person boxes (B, 4) in pixels and their scores (B,), the most certain first."""
        import torch

        item = self._transforms({"img": np.ascontiguousarray(frame[:, :, ::-1]), "img_id": 0})
        batch = {"inputs": [item["inputs"]], "data_samples": [item["data_samples"]]}
        with torch.inference_mode(), mm_compat.quiet(), mm_device.told(self._title, self._device):
            found = self.network.test_step(batch)[0].pred_instances.cpu().numpy()
        boxes, scores = within(found.bboxes, frame), found.scores.astype(np.float32)
        solid = (boxes[:, 2:] - boxes[:, :2] > 1).all(1)
        kept = np.flatnonzero((found.labels == 0) & (scores >= BOX_THRESHOLD) & solid)
        kept = kept[np.argsort(-scores[kept], kind="stable")]
        return boxes[kept], np.minimum(scores[kept], 1)


def _config(path: str) -> Any:
    """Read a configuration of MMPose's wheel, without the weights it would fetch to train from."""
    import mmpose
    from mmengine.config import Config

    config = Config.fromfile(Path(mmpose.__file__).parent / ".mim" / path)
    config.model.backbone.init_cfg = None
    config.model.train_cfg = None
    return config


def _build(config: Any) -> Any:
    """Build the network (a mmengine BaseModel) of a configuration, ready to infer."""
    from mmengine.model.utils import revert_sync_batchnorm
    from mmengine.registry import MODELS

    return revert_sync_batchnorm(MODELS.build(config.model)).eval()


def _scope(name: str) -> Any:
    """Return a context in which names in a configuration mean classes of the package `name`."""
    from mmengine.registry import DefaultScope

    return DefaultScope.overwrite_default_scope(name)
