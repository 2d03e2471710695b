"""Any top-down key point model file (ONNX, or OpenVINO's .xml), with a person box model: several people.

Without a box model there is one person: found in the whole picture first, then followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from detectors.base import DetectorError, DetectorOptions, Floats, Frame, People
from detectors.follow import Following, follow, pose_box
from detectors.onnx_models import BoxModel, KeyPointModel
from detectors.onnx_runtime import load

_NEVER = 1 << 62
_CLOSER = 3  # looks, each closer, that bring a person in a whole picture to a crop of the trained size


def create(options: DetectorOptions) -> OnnxDetector:
    """Make the `onnx` detector.

    Raises:
        DetectorError: no pose model given, or a model that cannot be used.
    """
    if options.pose_model is None:
        raise DetectorError(
            "detector onnx: no key point model; give --pose-model FILE, and --box-model FILE for several people"
        )
    return OnnxDetector(options)


class OnnxDetector(Following):
    """Person boxes and key points from two model files; see `follow` for when which runs."""

    joints: tuple[str, ...]

    def __init__(self, options: DetectorOptions) -> None:
        """Load the models; see `create`."""
        assert options.pose_model is not None, "create() checks this"
        self.estimate = KeyPointModel(load(options.pose_model), options.flip_test)
        self._box = BoxModel(load(options.box_model)) if options.box_model else None
        self._options = options
        self.joints = self.estimate.joints

    def __call__(self, frames: Iterable[Frame]) -> Iterator[People]:
        """Yield the people of every frame.

        Raises:
            DetectorError: a model fails on a picture.
        """
        if self._box is None:  # the whole picture is the last resort, not a look to repeat
            return follow(frames, self.find, self.estimate, len(self.joints), _NEVER, 1, self._begin())
        every, limit = self._options.box_every, self._options.max_people
        return follow(frames, self.find, self.estimate, len(self.joints), every, limit, self._begin())

    def find(self, frame: Frame) -> tuple[Floats, Floats]:
        """Look for person boxes in a (H, W, 3) frame: boxes (B, 4), scores (B,), the most certain first."""
        return self._find_alone(frame) if self._box is None else self._box(frame)

    def _find_alone(self, frame: Frame) -> tuple[Floats, Floats]:
        """Find the one person of a frame without a box model: in the whole picture, then closer; or nobody."""
        box, certain = np.array([0, 0, frame.shape[1], frame.shape[0]], np.float32), 0.0
        for _ in range(_CLOSER):
            keypoints, scores = self.estimate(frame, box[None])
            closer, certain = pose_box(keypoints[0], scores[0], box), float(scores.mean())
            if closer is box:  # no pose to be seen
                return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
            box = closer
        return box[None], np.array([certain], np.float32)
