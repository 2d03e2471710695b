"""What a model file wants and gives: recognised from the shapes of its outputs, or told in a TOML beside it.

`model.toml` beside `model.onnx` (or `model.xml`) may set any field of `PoseSpec` or `BoxSpec` by its name.
"""

from __future__ import annotations

import difflib
import math
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import DetectorError
from detectors.joints import COCO_17, HALPE_26, MPII_16, VOCABULARIES
from detectors.onnx_runtime import Model

_IMAGENET_MEAN, _IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # R G B, of 0..255
# Joints by their count. 133 is COCO-WholeBody: its first 17 are the body; face and hands have no place in 17 joints.
_BY_COUNT = {16: MPII_16, 17: COCO_17, 26: HALPE_26, 133: COCO_17}
_CHOICES = {"color": ("rgb", "bgr"), "refine": ("dark", "quarter", "none"), "scores": ("plain", "sigmoid")}
_TOML_BYTES = 1 << 20


@dataclass(frozen=True)
class PoseSpec:
    """How to feed a key point model and read what it gives.

    Attributes:
        layout: heatmap (1, K, h, w), or simcc: two outputs (1, K, width * r), (1, K, height * r).
        size: (width, height) of the input.
        joints: names of the joints, or a vocabulary's name (coco17, halpe26, ...) in the file.
        color: rgb or bgr, the order of the input's channels; `mean` and `std` are in this order.
        mean, std: the input is (picture - mean) / std, the picture 0..255.
        padding: the crop shows so many times the person's box.
        refine: dark, quarter or none; how heat map peaks get finer than a cell.
        flip_shift: mirrored heat maps lie one cell aside (models trained with MSRA targets).
        scores: plain, or sigmoid where the model gives logits.
    """

    layout: str
    size: tuple[int, int]
    joints: tuple[str, ...]
    color: str = "rgb"
    mean: tuple[float, ...] = _IMAGENET_MEAN
    std: tuple[float, ...] = _IMAGENET_STD
    padding: float = 1.25
    refine: str = "dark"
    flip_shift: bool = True
    scores: str = "plain"


@dataclass(frozen=True)
class BoxSpec:
    """How to feed a person box model and read what it gives.

    Attributes:
        layout: yolox (1, N, 5 + C) raw, or detections (1, N, 5) with or without (1, N) labels.
        size: (width, height) of the input.
        color, mean, std: as of `PoseSpec`.
        person: the class that is a person.
        threshold: the least score of a person.
    """

    layout: str
    size: tuple[int, int]
    color: str = "bgr"
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    person: int = 0
    threshold: float = 0.3


def pose_spec(model: Model) -> PoseSpec:
    """Say how to use a key point model.

    Raises:
        DetectorError: outputs of no layout we know, joints we cannot name, a setting that does not fit.
    """
    told = _read_toml(model.path, PoseSpec)
    size = _input_size(model, told)
    outputs = _probe(model, size)
    layout, count = _pose_layout(model.path, outputs, told.pop("layout", None))
    joints = told.pop("joints", None)
    if joints is None:
        if count not in _BY_COUNT:
            hint = f"name them in {model.path.with_suffix('.toml').name}: joints = [...]"
            raise DetectorError(f"{model.path}: a model of {count} joints is not known by its count; {hint}")
        joints = _BY_COUNT[count]
    elif len(joints) != count:
        raise DetectorError(f"{_beside(model.path)}: names {len(joints)} joints, the model has {count}")
    return PoseSpec(layout=layout, size=size, joints=tuple(joints), **told)


def box_spec(model: Model) -> BoxSpec:
    """Say how to use a person box model.

    Raises:
        DetectorError: as of `pose_spec`.
    """
    told = _read_toml(model.path, BoxSpec)
    size = _input_size(model, told)
    outputs = _probe(model, size)
    first = outputs[0].shape
    cells = sum((size[0] // stride) * (size[1] // stride) for stride in (8, 16, 32))
    if len(first) == 3 and first[2] > 5 and first[1] == cells:
        layout = "yolox"
    elif len(first) == 3 and first[2] == 5:
        layout = "detections"
        if "mean" not in told and "std" not in told and "yolox" not in model.path.stem.lower():
            told |= {"mean": _IMAGENET_MEAN[::-1], "std": _IMAGENET_STD[::-1]}  # RTMDet's, in B G R
    else:
        shapes = [output.shape for output in outputs]
        raise DetectorError(f"{model.path}: outputs {shapes} are no person boxes we know; give YOLOX or RTMDet layout")
    if told.pop("layout", layout) != layout:
        raise DetectorError(f"{_beside(model.path)}: layout does not fit the outputs, which are {layout}")
    return BoxSpec(layout=layout, size=size, **told)


def _pose_layout(path: Path, outputs: list[NDArray[np.generic]], told: str | None) -> tuple[str, int]:
    """Recognise a key point model's layout and its number of joints from its outputs."""
    shapes = [output.shape for output in outputs]
    if len(shapes[0]) == 4 and min(shapes[0][2:]) >= 8:
        layout = "heatmap"
    elif len(shapes) >= 2 and len(shapes[0]) == len(shapes[1]) == 3 and shapes[0][1] == shapes[1][1]:
        layout = "simcc"
    else:
        raise DetectorError(
            f"{path}: outputs {shapes} are neither heat maps (1, K, h, w) nor SimCC; not a model we run"
        )
    if told not in (None, layout):
        raise DetectorError(f"{_beside(path)}: layout {told!r} does not fit the outputs, which are {layout}")
    return layout, int(shapes[0][1])


def _probe(model: Model, size: tuple[int, int]) -> list[NDArray[np.generic]]:
    """Run a model once on nothing, for the true shapes of its outputs: files often leave them open."""
    return model(np.zeros((size[1], size[0], 3), np.float32))


def _input_size(model: Model, told: dict[str, Any]) -> tuple[int, int]:
    """Return the input's (width, height): the file's, or the one told where the file leaves it open."""
    size = told.pop("size", None)
    if model.size is None and size is None:
        raise DetectorError(
            f"{model.path}: leaves its input size open; say size = [width, height] in {_beside(model.path)}"
        )
    if None not in (model.size, size) and model.size != size:
        raise DetectorError(
            f"{_beside(model.path)}: size {list(size)} differs from the model's {list(model.size or ())}"
        )
    return model.size or (int(size[0]), int(size[1]))


def _beside(path: Path) -> Path:
    """Return where the settings of a model file lie."""
    return path.with_suffix(".toml")


def _read_toml(path: Path, kind: type[PoseSpec] | type[BoxSpec]) -> dict[str, Any]:
    """Read and check the settings beside a model file; none where there is no such file."""
    file = _beside(path)
    if not file.is_file():
        return {}
    if file.stat().st_size > _TOML_BYTES:
        raise DetectorError(f"{file}: larger than 1 MiB; these are no model settings")
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
        _refuse_giants(told)
    except (ValueError, RecursionError) as error:
        raise DetectorError(f"{file}: not TOML: {error}") from error
    known = [field.name for field in fields(kind)]
    for name in told:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            raise DetectorError(f"{file}: no setting {name!r}; {hint}")
    return {name: _checked(file, name, value) for name, value in told.items()}


def _refuse_giants(value: Any) -> None:
    """Refuse whole numbers of more than 64 bits, which TOML has not, and Python's reader takes; raises ValueError."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _refuse_giants(inner)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("a whole number of more than 64 bits")


def _checked(file: Path, name: str, value: Any) -> Any:
    """Return one setting's value in its type, or refuse it."""
    numbers = isinstance(value, list) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if (
        name in ("mean", "std")
        and numbers
        and len(value) == 3
        and all(map(math.isfinite, value))
        and (name == "mean" or min(value) > 1e-6)
    ):
        return tuple(float(v) for v in value)
    if name == "size" and numbers and len(value) == 2 and all(16 <= v <= 4096 for v in value):
        return tuple(int(v) for v in value)
    if name == "joints" and isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        return tuple(value)
    if name == "joints" and isinstance(value, str) and value in VOCABULARIES:
        return VOCABULARIES[value]
    if name in _CHOICES and value in _CHOICES[name]:
        return value
    if name == "layout" and value in ("heatmap", "simcc", "yolox", "detections"):
        return value
    if name == "flip_shift" and isinstance(value, bool):
        return value
    if name in ("padding", "threshold") and number and 0 < value <= 4:
        return float(value)
    if name == "person" and isinstance(value, int) and number and 0 <= value < 10_000:
        return value
    choices = _CHOICES.get(name, tuple(VOCABULARIES) if name == "joints" else ())
    hint = f"; one of {', '.join(choices)}" if choices else ""
    raise DetectorError(f"{file}: {name} = {value!r} is not a value for it{hint}")
