"""A key point network of MMPose by torch, on one person or on many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from detectors import checkpoint, mm_compat, mm_device
from detectors.base import Floats, Frame
from detectors.boxes import within
from detectors.joints import COCO_17
from detectors.mm_build import build, read_config, scope
from detectors.mm_models import PoseModel

_BATCH = 8  # crops in one pass: more gain nothing on the CPU, and memory stays flat in a crowd
_BATCH_GPU = 64


class PoseEstimator:
    """A top-down key point network of MMPose with its own transforms and codec."""

    def __init__(self, model: PoseModel, path: Path, device: str, flip_test: bool, half: bool = False) -> None:
        """Build the network and fill it from the checkpoint `path`, to run in `half` precision where told.

        Raises:
            DetectorError: the checkpoint is missing, damaged or another model's; MMPose not installed.
        """
        mm_compat.prepare()
        state = checkpoint.load(path)
        with mm_compat.quiet(), scope("mmpose"):
            from mmengine.dataset import Compose
            from mmpose.apis.inference import dataset_meta_from_config

            config = read_config(model.config)
            config.model.test_cfg.flip_test = flip_test
            self.network = build(config)
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
