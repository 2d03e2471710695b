"""What runs MMPose's networks: torch, or OpenVINO or ONNX Runtime on files that `mm_export` makes once."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from detectors import onnx_runtime
from detectors.base import DetectorError
from detectors.mm_export import exported_boxes, exported_pose
from detectors.onnx_models import BoxModel, KeyPointModel

if TYPE_CHECKING:
    from detectors.mmpose import PoseModel


def choose(wanted: str, device: str, model: PoseModel) -> str:
    """Return torch, openvino or onnx.

    Args:
        wanted: one of these, or auto: torch on a GPU, else OpenVINO where it and the exporter's package are there.
        device: cpu or cuda.
        model: which network.

    Raises:
        DetectorError: a runtime that cannot run this model, or not on this device.
    """
    if wanted == "auto":
        ready = all(importlib.util.find_spec(package) is not None for package in ("openvino", "onnx"))
        return "openvino" if device == "cpu" and model.exports and ready else "torch"
    if wanted != "torch" and not model.exports:
        raise DetectorError(f"--backend {wanted}: {model.title} runs by torch only; use --backend torch or auto")
    if wanted != "torch" and device != "cpu":
        raise DetectorError(f"--backend {wanted} runs on the processor; use --device cpu, or --backend torch")
    return wanted


def load_pose(backend: str, model: PoseModel, path: Path, cache: Path | None, flip: bool) -> tuple[KeyPointModel, str]:
    """Load a key point model with the weights `path` for openvino or onnx; say what runs it, too.

    Raises:
        DetectorError: as `exported_pose`; a runtime that is not installed.
    """
    loaded = _load(backend, lambda anew: exported_pose(model, path, cache, anew))
    return KeyPointModel(loaded, flip), loaded.runs_on


def load_boxes(backend: str, path: Path, cache: Path | None) -> BoxModel:
    """Load RTMDet with the weights `path` for openvino or onnx; raises DetectorError as `load_pose`."""
    return BoxModel(_load(backend, lambda anew: exported_boxes(path, cache, anew)))


def _load(backend: str, export: Callable[[bool], Path]) -> onnx_runtime.Model:
    """Load an exported file; one that has gone bad in the cache is made anew."""
    precision = onnx_runtime.fast_precision() if backend == "openvino" else "f32"
    runtime = "openvino" if backend == "openvino" else "by kind"
    file = export(False)
    try:
        return onnx_runtime.load(file, runtime, precision)
    except DetectorError:
        return onnx_runtime.load(export(True), runtime, precision)
