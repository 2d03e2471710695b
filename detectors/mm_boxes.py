"""RTMDet of MMDetection: person boxes by torch, in one frame or in several at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detectors import checkpoint, mm_compat, mm_device
from detectors.base import DetectorError, Floats, Frame
from detectors.boxes import within
from detectors.mm_build import build, read_config, scope

BOX_THRESHOLD = 0.3  # as in MMPose's demos
AT_ONCE = 16  # pictures in one pass

# RTMDet's two person models among MMPose's demos, told apart by the width of the first convolution.
BOX_CONFIGS = {
    8: "demo/mmdetection_cfg/rtmdet_nano_320-8xb32_coco-person.py",
    24: "demo/mmdetection_cfg/rtmdet_m_640-8xb32_coco-person.py",
}


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
        with mm_compat.quiet(), scope("mmdet"):
            from mmdet.utils import get_test_pipeline_cfg
            from mmengine.dataset import Compose

            config = read_config(BOX_CONFIGS[len(stem)])
            config.model.bbox_head.num_classes = len(classes)  # persons only, or COCO's 80 of which 0 is a person
            self.network = build(config)
            steps = get_test_pipeline_cfg(config)
            steps[0].type = "mmdet.LoadImageFromNDArray"
            self._transforms = Compose(steps)
        self._title, self._device = f"RTMDet ({Path(BOX_CONFIGS[len(stem)]).stem})", device
        checkpoint.fill(self.network, state, path, self._title)
        mm_device.moved(self.network, self._title, device)

    def __call__(self, frame: Frame) -> tuple[Floats, Floats]:
        """Find person boxes (B, 4) in pixels and their scores (B,), the most certain first."""
        return self.many([frame])[0]

    def many(self, frames: Sequence[Frame]) -> list[tuple[Floats, Floats]]:
        """Find the boxes and scores of each of some frames of one size; `AT_ONCE` of them go through together."""
        found = []
        for start in range(0, len(frames), AT_ONCE):
            found += self._some(frames[start : start + AT_ONCE])
        return found

    def _some(self, frames: Sequence[Frame]) -> list[tuple[Floats, Floats]]:
        """Find the boxes and scores of each of a few frames in one pass."""
        import torch

        items = [self._transforms({"img": np.ascontiguousarray(f[:, :, ::-1]), "img_id": 0}) for f in frames]
        items = mm_device.pinned(items, self._device)
        batch = {name: [item[name] for item in items] for name in ("inputs", "data_samples")}
        with torch.inference_mode(), mm_compat.quiet(), mm_device.told(self._title, self._device):
            found = [sample.pred_instances.cpu().numpy() for sample in self.network.test_step(batch)]
        return [_persons(instances, frame) for instances, frame in zip(found, frames, strict=True)]


def _persons(found: Any, frame: Frame) -> tuple[Floats, Floats]:
    """Return the boxes (B, 4) and scores (B,) of the persons among MMDetection's instances, the most certain first."""
    boxes, scores = within(found.bboxes, frame), found.scores.astype(np.float32)
    solid = (boxes[:, 2:] - boxes[:, :2] > 1).all(1)
    kept = np.flatnonzero((found.labels == 0) & (scores >= BOX_THRESHOLD) & solid)
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    return boxes[kept], np.minimum(scores[kept], 1)
