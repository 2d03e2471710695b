"""A loaded model file put to use: a key point model and a person box model, as `follow` wants its two functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.base import DetectorError, Floats, Frame
from detectors.boxes import decode_detections, decode_yolox, find_persons, letterbox
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
from detectors.onnx_runtime import Model
from detectors.onnx_spec import BoxSpec, PoseSpec, box_spec, pose_spec


class KeyPointModel:
    """Finds the key points within boxes, with the flip test where wanted.

    Attributes:
        joints: names of its joints.
    """

    def __init__(self, model: Model, flip_test: bool) -> None:
        """Recognise what the model wants; raises DetectorError as `pose_spec`, or where joints have no mirror image."""
        self._model, self._spec = model, pose_spec(model)
        self.joints: tuple[str, ...] = self._spec.joints
        self._order = _mirror(model, self.joints) if flip_test else None

    def __call__(self, frame: Frame, boxes: Floats) -> tuple[Floats, Floats]:
        """Find key points (P, J, 2) in pixels and scores (P, J) of the people in boxes (P, 4).

        Raises:
            DetectorError: the model fails on a picture.
        """
        shape = (len(boxes), len(self.joints))
        found = [self._one(frame, box) for box in boxes]
        keypoints, scores = [points for points, _ in found], [scores for _, scores in found]
        return np.array(keypoints, np.float32).reshape(*shape, 2), np.array(scores, np.float32).reshape(shape)

    def _one(self, frame: Frame, box: Floats) -> tuple[Floats, Floats]:
        """Find the key points (J, 2) and scores (J,) of the person in one box."""
        spec = self._spec
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
        """Run the model on a crop: [maps (J, h, w)], or [across (J, Wx), down (J, Wy)]."""
        spec, path = self._spec, self._model.path
        outputs = self._model(picture)[: 2 if spec.layout == "simcc" else 1]
        arrays = [np.asarray(output[0], np.float32)[: len(self.joints)] for output in outputs]
        if not all(np.isfinite(array).all() for array in arrays):
            raise DetectorError(f"{path}: the model gives numbers that are not finite; is its file whole?")
        width, height = spec.size
        if spec.layout == "simcc" and arrays[0].shape[1] * height != arrays[1].shape[1] * width:
            arrays = arrays[::-1]  # some exporters give y first
            if arrays[0].shape[1] * height != arrays[1].shape[1] * width:
                raise DetectorError(f"{path}: SimCC outputs do not fit an input of {spec.size}")
        return arrays

    def _unmirror(self, outputs: list[Floats]) -> list[Floats]:
        """Turn the outputs for a mirrored crop into those for the crop itself."""
        assert self._order is not None, "only with the flip test"
        if self._spec.layout == "simcc":
            return list(unmirror_simcc(outputs[0], outputs[1], self._order))
        return [unmirror_heatmaps(outputs[0], self._order, self._spec.flip_shift)]


class BoxModel:
    """Finds person boxes in a frame."""

    def __init__(self, model: Model) -> None:
        """Recognise what the model wants; raises DetectorError as `box_spec`."""
        self._model, self._spec = model, box_spec(model)

    def __call__(self, frame: Frame) -> tuple[Floats, Floats]:
        """Find person boxes (B, 4) in pixels and their scores (B,), the most certain first; raises DetectorError."""
        height, width = frame.shape[:2]
        spec = self._spec
        canvas, scale = letterbox(frame, spec.size)
        outputs = self._model(_normalise(canvas, spec))
        first = np.asarray(outputs[0][0], np.float32)
        if spec.layout == "yolox":
            boxes, scores = decode_yolox(first, spec.size, spec.person)
        else:
            boxes, scores = decode_detections(first, outputs[1][0] if len(outputs) > 1 else None, spec.person)
        return find_persons(boxes, scores, scale, (width, height), spec.threshold)


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
