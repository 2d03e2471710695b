"""What runs MMPose's networks: torch, or OpenVINO or ONNX Runtime on files that `mm_export` makes once."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

from detectors import onnx_runtime
from detectors.base import DetectorError
from detectors.mm_export import exported_boxes, exported_pose
from detectors.mm_models import PoseModel
from detectors.onnx_models import BoxModel, KeyPointModel


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


def precision(wanted: str) -> str:
    """Return f32, or, where somebody asks for OpenVINO by name, bf16 if the processor has it.

    In f32 key points are MMPose's own. In bf16 the quarter step of a heat map's peak goes to the other side for every
    twelfth joint, half a cell away: twice the speed, but nothing to choose unasked.

    Args:
        wanted: torch, openvino, onnx or auto.

    Raises:
        DetectorError: OpenVINO is asked for and not installed.
    """
    return onnx_runtime.fast_precision() if wanted == "openvino" else "f32"


def load_pose(
    backend: str, model: PoseModel, path: Path, flip: bool, cache: Path | None, precision: str = "f32"
) -> tuple[KeyPointModel, str]:
    """Load a key point model with the weights `path` for openvino or onnx; say what runs it, too.

    Raises:
        DetectorError: as `exported_pose`; a runtime that is not installed.
    """
    loaded = _load(backend, lambda anew: exported_pose(model, path, cache, anew), precision)
    return KeyPointModel(loaded, flip), loaded.runs_on


def load_boxes(backend: str, path: Path, cache: Path | None, precision: str = "f32") -> BoxModel:
    """Load RTMDet with the weights `path` for openvino or onnx; raises DetectorError as `load_pose`."""
    return BoxModel(_load(backend, lambda anew: exported_boxes(path, cache, anew), precision))


def _load(backend: str, export: Callable[[bool], Path], precision: str = "f32") -> onnx_runtime.Model:
    """Load an exported file; one that has gone bad in the cache is made anew."""
    runtime = "openvino" if backend == "openvino" else "by kind"
    file = export(False)
    try:
        return onnx_runtime.load(file, runtime, precision)
    except DetectorError:
        return onnx_runtime.load(export(True), runtime, precision)
