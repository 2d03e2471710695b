"""Any top-down key point model file (ONNX, or OpenVINO's .xml), with a person box model: several people.

Without a box model there is one person: found in the whole picture first, then followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from detectors.base import DetectorError, DetectorOptions, Floats, Frame, People
from detectors.boxes import decode_detections, decode_yolox, find_persons, letterbox
from detectors.follow import follow, pose_box
from detectors.heatmaps import (
    crop,
    crop_matrix,
    decode_heatmaps,
    decode_simcc,
    mirror_order,
    to_picture,
    unmirror_heatmaps,
    unmirror_simcc,
)
from detectors.onnx_runtime import Model, load
from detectors.onnx_spec import BoxSpec, PoseSpec, box_spec, pose_spec

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


class OnnxDetector:
    """Person boxes and key points from two model files; see `follow` for when which runs."""

    joints: tuple[str, ...]

    def __init__(self, options: DetectorOptions) -> None:
        """Load the models; see `create`."""
        assert options.pose_model is not None, "create() checks this"
        self._pose = load(options.pose_model)
        self._pose_spec = pose_spec(self._pose)
        self._box = load(options.box_model) if options.box_model else None
        self._box_spec = box_spec(self._box) if self._box else None
        self._options = options
        self.joints = self._pose_spec.joints
        self._order = _mirror(self._pose, self.joints) if options.flip_test else None

    def __call__(self, frames: Iterable[Frame]) -> Iterator[People]:
        """Yield the people of every frame.

        Raises:
            DetectorError: a model fails on a picture.
        """
        if self._box is None:  # the whole picture is the last resort, not a look to repeat
            return follow(frames, self.find, self.estimate, len(self.joints), _NEVER, 1)
        options = self._options
        return follow(frames, self.find, self.estimate, len(self.joints), options.box_every, options.max_people)

    def find(self, frame: Frame) -> tuple[Floats, Floats]:
        """Look for person boxes in a (H, W, 3) frame: boxes (B, 4), scores (B,), the most certain first."""
        height, width = frame.shape[:2]
        if self._box is None or self._box_spec is None:
            return self._find_alone(frame)
        spec = self._box_spec
        canvas, scale = letterbox(frame, spec.size)
        outputs = self._box(_normalise(canvas, spec))
        first = np.asarray(outputs[0][0], np.float32)
        if spec.layout == "yolox":
            boxes, scores = decode_yolox(first, spec.size, spec.person)
        else:
            boxes, scores = decode_detections(first, outputs[1][0] if len(outputs) > 1 else None, spec.person)
        return find_persons(boxes, scores, scale, (width, height), spec.threshold)

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

    def estimate(self, frame: Frame, boxes: Floats) -> tuple[Floats, Floats]:
        """Find key points (P, J, 2) in pixels and scores (P, J) of the people in boxes (P, 4)."""
        found = [self._estimate_one(frame, box) for box in boxes]
        return np.stack([points for points, _ in found]), np.stack([scores for _, scores in found])

    def _estimate_one(self, frame: Frame, box: Floats) -> tuple[Floats, Floats]:
        """Find the key points (J, 2) and scores (J,) of the person in one box."""
        spec = self._pose_spec
        matrix = crop_matrix(box, spec.size, spec.padding)
        picture = _normalise(crop(frame, matrix, spec.size), spec)
        straight = self._run(picture)
        if self._order is not None:
            mirrored = self._run(picture[:, ::-1])
            pairs = zip(straight, self._unmirror(mirrored), strict=True)
            straight = [np.asarray((a + b) / 2, np.float32) for a, b in pairs]
        if spec.layout == "simcc":
            points, scores = decode_simcc(straight[0], straight[1])
            cells = (straight[0].shape[1], straight[1].shape[1])
        else:
            points, scores = decode_heatmaps(straight[0], spec.refine)
            cells = (straight[0].shape[2], straight[0].shape[1])
        if spec.scores == "sigmoid":
            scores = np.asarray(1 / (1 + np.exp(-scores)), np.float32)
        in_crop = points * (np.array(spec.size) / np.array(cells))
        return to_picture(in_crop, matrix).astype(np.float32), np.clip(scores, 0, 1)

    def _run(self, picture: Floats) -> list[Floats]:
        """Run the key point model on a crop: [maps (J, h, w)], or [across (J, Wx), down (J, Wy)]."""
        spec = self._pose_spec
        outputs = self._pose(picture)[: 2 if spec.layout == "simcc" else 1]
        arrays = [np.asarray(output[0], np.float32)[: len(self.joints)] for output in outputs]
        if not all(np.isfinite(array).all() for array in arrays):
            raise DetectorError(f"{self._pose.path}: the model gives numbers that are not finite; is its file whole?")
        width, height = spec.size
        if spec.layout == "simcc" and arrays[0].shape[1] * height != arrays[1].shape[1] * width:
            arrays = arrays[::-1]  # some exporters give y first
            if arrays[0].shape[1] * height != arrays[1].shape[1] * width:
                raise DetectorError(f"{self._pose.path}: SimCC outputs do not fit an input of {spec.size}")
        return arrays

    def _unmirror(self, outputs: list[Floats]) -> list[Floats]:
        """Turn the outputs for a mirrored crop into those for the crop itself."""
        assert self._order is not None, "only with the flip test"
        if self._pose_spec.layout == "simcc":
            return list(unmirror_simcc(outputs[0], outputs[1], self._order))
        return [unmirror_heatmaps(outputs[0], self._order, self._pose_spec.flip_shift)]


def _normalise(picture: NDArray[np.uint8], spec: PoseSpec | BoxSpec) -> Floats:
    """Return a (H, W, 3) RGB picture as float32 in a model's colour order, mean taken off, scaled."""
    ordered = picture if spec.color == "rgb" else picture[:, :, ::-1]
    mean, std = np.array(spec.mean, np.float32), np.array(spec.std, np.float32)
    return np.asarray((ordered.astype(np.float32) - mean) / std, np.float32)


def _mirror(model: Model, joints: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the joints' mirror order, or say whose names have none."""
    try:
        return mirror_order(joints)
    except ValueError as error:
        raise DetectorError(f"{model.path.with_suffix('.toml')}: {error}") from error
