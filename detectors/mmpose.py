"""MMPose's top-down detectors, HRNet and RTMPose, with RTMDet's person boxes: several people, COCO's joints.

Models, codecs and transforms are MMPose's and MMDetection's own, built from the configurations inside their wheels;
weights come from the model zoo or from files of the user's (see `weights` and `checkpoint`). What stands here runs
by torch; on a processor the same networks run faster from an export (see `mm_backend`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from detectors import checkpoint, mm_backend, mm_compat, mm_device, weights
from detectors.base import DetectorError, DetectorOptions, Floats, Frame, People
from detectors.batches import follow_in_batches
from detectors.boxes import within
from detectors.follow import Estimate, Find, Following, WholePicture, follow
from detectors.joints import COCO_17
from detectors.mm_boxes import PersonFinder

FULL_FRAME = "full-frame"  # as `--box-model`: no box network, the whole picture is the first box
_BATCH = 8  # crops in one pass: more gain nothing on the CPU, and memory stays flat in a crowd
_BATCH_GPU = 64
_FRAMES_GPU = 64  # that are worked on together, see `batches`


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


def create_hrnet(options: DetectorOptions) -> MMPoseDetector:
    """Make the `hrnet` detector; raises DetectorError as `MMPoseDetector` does."""
    return MMPoseDetector(HRNET, options)


def create_hrnet_w48(options: DetectorOptions) -> MMPoseDetector:
    """Make the `hrnet-w48` detector; raises DetectorError as `MMPoseDetector` does."""
    return MMPoseDetector(HRNET_W48, options)


def create_rtmpose(options: DetectorOptions) -> MMPoseDetector:
    """Make the `rtmpose` detector; raises DetectorError as `MMPoseDetector` does."""
    return MMPoseDetector(RTMPOSE, options)


class MMPoseDetector(Following):
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
        self._batch = options.batch or (1 if device == "cpu" else _FRAMES_GPU)
        if backend == "torch":
            mm_compat.prepare()
            self.estimate = PoseEstimator(model, pose_file, device, options.flip_test, half=device == "cuda")
            self.find = WholePicture(self.estimate) if whole else PersonFinder(box_file, device)
            together = f", {self._batch} frames together" if self._batch > 1 and not whole else ""
            self.runs_on = f"PyTorch, {'f16' if device == 'cuda' else 'f32'}{together}"
        else:
            if self._batch > 1:
                raise DetectorError(f"--batch {self._batch}: {backend} takes one crop at a time; use --backend torch")
            rest = options.cache, mm_backend.precision(options.backend)
            found, self.runs_on = mm_backend.load_pose(backend, model, pose_file, options.flip_test, *rest)
            self.estimate = lambda frame, boxes: found(frame, within(boxes, frame))
            self.find = WholePicture(self.estimate) if whole else mm_backend.load_boxes(backend, box_file, *rest)
        self._limit = 1 if whole else options.max_people
        self._every = sys.maxsize if whole else options.box_every  # the whole picture again would only lose detail

    def __call__(self, frames: Iterable[Frame]) -> Iterator[People]:
        """Yield the people of every frame; with batches, frames are read ahead."""
        rules = (len(self.joints), self._every, self._limit)
        if self._batch > 1 and isinstance(self.estimate, PoseEstimator) and isinstance(self.find, PersonFinder):
            return follow_in_batches(frames, self.find.many, self.estimate.many, *rules, self._batch, self._begin())
        return follow(frames, self.find, self.estimate, *rules, self._begin())


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
            mm_device.halved(self.network)
        mm_device.moved(self.network, self._title, device)

    def __call__(self, frame: Frame, boxes: Floats) -> tuple[Floats, Floats]:
        """Find key points (P, 17, 2) in pixels and scores (P, 17) in 0..1 of the people in boxes (P, 4)."""
        return self.many([(frame, boxes)])[0]

    def many(self, asked: Sequence[tuple[Frame, Floats]]) -> list[tuple[Floats, Floats]]:
        """Find the key points and scores of each of some frames with boxes; crops of all go through together."""
        crops, batch = self._crops(asked), _BATCH if self._device == "cpu" else _BATCH_GPU
        keypoints, scores = np.zeros((0, len(COCO_17), 2), np.float32), np.zeros((0, len(COCO_17)), np.float32)
        while some := list(islice(crops, batch)):
            points, certain = self._some(some)
            keypoints, scores = np.concatenate([keypoints, points]), np.concatenate([scores, certain])
        ends = np.cumsum([len(boxes) for _, boxes in asked])[:-1]
        return list(zip(np.split(keypoints, ends), np.split(scores, ends), strict=True))

    def _some(self, crops: list[dict[str, Any]]) -> tuple[Floats, Floats]:
        """Find key points (N, 17, 2) in pixels of their frames and scores (N, 17) of the people in N crops."""
        import torch
        from mmengine.dataset import pseudo_collate

        precision = mm_device.half(self._device) if self._half else nullcontext()
        with torch.inference_mode(), mm_compat.quiet(), mm_device.told(self._title, self._device), precision:
            samples = self.network.test_step(pseudo_collate(mm_device.pinned(crops, self._device)))
        keypoints = np.array([sample.pred_instances.keypoints[0] for sample in samples], np.float32)
        scores = np.array([sample.pred_instances.keypoint_scores[0] for sample in samples], np.float32)
        return keypoints, np.clip(scores, 0, 1)

    def _crops(self, asked: Sequence[tuple[Frame, Floats]]) -> Iterator[dict[str, Any]]:
        """Yield the crops of all boxes of all frames, in order."""
        for frame, boxes in asked:
            picture = np.ascontiguousarray(frame[:, :, ::-1])  # MMPose takes BGR
            # As networks learnt it: a found box ends at the border, a followed one need not.
            yield from (self._crop(picture, box) for box in within(boxes, frame))

    def _crop(self, picture: Frame, box: Floats) -> dict[str, Any]:
        """Return one person's crop and what brings its key points back, as MMPose's transforms make them."""
        item: dict[str, Any] = {"img": picture, "bbox": box[None], "bbox_score": np.ones(1, np.float32)}
        crop: dict[str, Any] = self._transforms(item | self._meta)
        return crop


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
