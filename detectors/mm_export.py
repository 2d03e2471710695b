"""MMPose's networks as ONNX files, made once, kept, and run without torch: see `exported_pose` and `exported_boxes`.

A file holds what comes before decoding: heat maps, SimCC vectors, or boxes with their doubles. The TOML beside it, in
the words of `onnx_spec`, says what MMPose's configuration does with them; flip test, decoding and suppression are ours.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from detectors import mm_boxes, mm_compat, weights
from detectors.base import DetectorError
from detectors.download import sha256
from detectors.mm_build import read_config
from detectors.mm_models import PoseModel
from detectors.mm_pose import PoseEstimator

_FORMAT = 1  # of the files made here; counts into their names
_OPSET = 17
_PACKAGES = ("mmpose", "mmdet", "mmengine", "torch")
_STEPS = ["LoadImage", "GetBBoxCenterScale", "TopdownAffine", "PackPoseInputs"]  # the crops that `heatmaps` cuts


def exported_pose(model: PoseModel, path: Path, cache: Path | None, anew: bool = False) -> Path:
    """Return the ONNX file of a key point model with the weights `path`; make it where it is not kept yet.

    Args:
        model: which network.
        path: its checkpoint.
        cache: folder of downloaded weights, beside which exported files lie; None is the user's.
        anew: make it in any case, in the place of a damaged one.

    Raises:
        DetectorError: as `PoseEstimator`; a configuration whose decoding is not ours; a folder not to be written.
    """

    def make(file: Path) -> dict[str, Any]:
        config = read_config(model.config)
        spec = _pose_settings(config, model)
        estimator = PoseEstimator(model, path, "cpu", flip_test=True)
        _write(_pose_outputs(estimator.network), spec["size"], file)
        return spec

    return _kept(model.name, path, model.config, cache, make, anew)


def exported_boxes(path: Path, cache: Path | None, anew: bool = False) -> Path:
    """Return the ONNX file of RTMDet with the weights `path`; as `exported_pose`."""

    def make(file: Path) -> dict[str, Any]:
        finder = mm_boxes.PersonFinder(path, "cpu")
        (resize,) = [step for step in finder._transforms.transforms if type(step).__name__ == "Resize"]
        side = [int(side) for side in resize.scale]
        _write(_box_outputs(finder.network), side, file)
        return {
            "size": side,
            **_colours(finder.network.data_preprocessor),
            "layout": "detections",
            "threshold": mm_boxes.BOX_THRESHOLD,
        }

    return _kept("rtmdet", path, "rtmdet", cache, make, anew)


def _kept(
    name: str, path: Path, config: str, cache: Path | None, make: Callable[[Path], dict[str, Any]], anew: bool
) -> Path:
    """Return the file made from these weights, this configuration and these packages; make it if it is not there."""
    made_from = {"format": _FORMAT, "weights": sha256(path) if path.is_file() else "", "config": config}
    made_from |= {package: _version(package) for package in _PACKAGES}
    mark = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]
    file = (cache or weights.cache_folder()) / "exported" / f"{name}-{mark}.onnx"
    settings = file.with_suffix(".toml")
    if file.is_file() and settings.is_file() and not anew:
        return file
    parts = [whole.with_name(f"{whole.name}.{os.getpid()}.tmp") for whole in (settings, file)]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        parts[0].write_text(_toml(make(parts[1])), encoding="utf-8")
        parts[0].replace(settings)  # first: an ONNX file under its own name is never without them
        parts[1].replace(file)
    except OSError as error:
        raise DetectorError(
            f"{error.filename or file}: the exported network cannot be kept ({error.strerror or error}); "
            "give --cache DIR, or --backend torch"
        ) from error
    finally:
        for part in parts:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    return file


def _pose_settings(config: Any, model: PoseModel) -> dict[str, Any]:
    """Say in `PoseSpec`'s words what a configuration does before and after its network.

    Raises:
        DetectorError: it crops or decodes in a way that `heatmaps` does not.
    """
    steps = config.test_dataloader.dataset.pipeline
    codec, test = config.model.head.decoder, config.model.get("test_cfg", {})
    names = [step.type.rsplit(".", 1)[-1] for step in steps]
    simcc = codec.type == "SimCCLabel"
    plain = not any(codec.get(name, False) for name in ("use_dark", "decode_visibility"))
    unbiased = codec.get("unbiased", False)
    usual = codec.get("blur_kernel_size", 11) == max(3, round(codec.input_size[0] / 96 * 6 - 1) | 1)
    known = simcc or (codec.type == "MSRAHeatmap" and (usual or not unbiased))
    affine = steps[2] if names == _STEPS else {"use_udp": True}
    if not known or not plain or affine.get("use_udp", False) or test.get("flip_mode", "heatmap") != "heatmap":
        raise DetectorError(f"{model.title}: decodes in a way only MMPose knows; give --backend torch")
    return {
        "layout": "simcc" if simcc else "heatmap",
        "size": [int(side) for side in codec.input_size],
        "joints": "coco17",
        **_colours(config.model.data_preprocessor),
        "padding": float(steps[1].get("padding", 1.25)),
        "refine": "dark" if unbiased else "quarter",
        "flip_shift": bool(test.get("shift_heatmap", False)),
        "scores": "plain",
    }


def _colours(preprocessor: Any) -> dict[str, Any]:
    """Return colour order, mean and deviation of a data preprocessor, or of its configuration."""
    if isinstance(preprocessor, dict):
        swaps, mean, std = preprocessor.get("bgr_to_rgb", False), preprocessor["mean"], preprocessor["std"]
    else:
        swaps = preprocessor._channel_conversion
        mean, std = preprocessor.mean.flatten().tolist(), preprocessor.std.flatten().tolist()
    return {"color": "rgb" if swaps else "bgr", "mean": [float(v) for v in mean], "std": [float(v) for v in std]}


def _pose_outputs(network: Any) -> Any:
    """Return a torch module: a crop (1, 3, H, W) -> what the head gives before decoding."""
    import torch

    class Outputs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, picture: torch.Tensor) -> Any:
            return self.network.head.forward(self.network.extract_feat(picture))

    return Outputs().eval()


def _box_outputs(network: Any) -> Any:
    """Return a torch module: a letterboxed picture (1, 3, S, S) -> persons with their doubles (1, N, 5)."""
    import torch

    class Outputs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, picture: torch.Tensor) -> Any:
            head = self.network.bbox_head
            classes, distances = head.forward(self.network.extract_feat(picture))
            sizes = [level.shape[-2:] for level in classes]
            places = head.prior_generator.grid_priors(sizes, device=picture.device, with_stride=False)
            rows = []
            for level, sides, centers in zip(classes, distances, places, strict=True):
                person = level[0, 0].sigmoid().reshape(-1, 1)
                boxes = head.bbox_coder.decode(centers, sides[0].permute(1, 2, 0).reshape(-1, 4))
                rows.append(torch.cat([boxes, person], 1))
            return torch.cat(rows)[None]

    return Outputs().eval()


def _write(module: Any, size: list[int], file: Path) -> None:
    """Write a torch module of one picture input, (width, height) in size, as an ONNX file."""
    import torch

    try:
        with torch.no_grad(), warnings.catch_warnings(), mm_compat.quiet():
            warnings.simplefilter("ignore")  # about tracing; and the newer exporter needs a package more
            torch.onnx.export(
                module, (torch.zeros(1, 3, size[1], size[0]),), str(file), dynamo=False, opset_version=_OPSET,
                input_names=["picture"],
            )  # fmt: skip
    except (RuntimeError, ImportError) as error:  # torch's OnnxExporterError is a RuntimeError
        problem = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise DetectorError(
            f"{file.name}: cannot be exported: {problem}; pip install onnx, or --backend torch"
        ) from error


def _toml(settings: dict[str, Any]) -> str:
    """Return settings as TOML; JSON's strings, numbers, lists and true or false are TOML's."""
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())


def _version(package: str) -> str:
    """Return a distribution's version, empty where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
