"""Runs a model file on the processor: .onnx through ONNX Runtime or OpenVINO, .xml (+ .bin) through OpenVINO."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import DetectorError
from detectors.onnx_external import external_files
from detectors.quiet import import_onnxruntime, import_openvino

MAX_BYTES = 2 << 30  # protobuf's own limit, and more than any detector weighs
Array = NDArray[np.generic]


@dataclass(frozen=True)
class Model:
    """A loaded network of one picture input.

    Attributes:
        path: the file, for messages.
        shape: of the input as the file states it, axes unstated -1; always 4 of them.
        infer: an array of the input's shape and type -> the outputs, in the file's order.
        dtype: what the input wants.
        runs_on: the runtime and its arithmetic, for people.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    infer: Callable[[Array], list[Array]]
    runs_on: str

    @property
    def channels_last(self) -> bool:
        """Tell whether the input is (1, H, W, 3) rather than (1, 3, H, W)."""
        return self.shape[3] == 3 and self.shape[1] != 3

    @property
    def size(self) -> tuple[int, int] | None:
        """Return the input's (width, height), or None where the file leaves it open."""
        height, width = self.shape[1:3] if self.channels_last else self.shape[2:4]
        return (width, height) if height > 0 and width > 0 else None

    def __call__(self, picture: NDArray[np.floating]) -> list[Array]:
        """Run the network on one (H, W, 3) picture, already normalised; return its outputs as they come.

        Raises:
            DetectorError: the runtime refuses the picture, or the model fails.
        """
        axes = picture if self.channels_last else picture.transpose(2, 0, 1)
        try:
            return self.infer(np.ascontiguousarray(axes[None], dtype=self.dtype))
        except (RuntimeError, ValueError) as error:
            raise DetectorError(f"{self.path}: the model failed on a picture: {_first_line(error)}") from error


def load(path: Path, runtime: str = "by kind", precision: str = "f32") -> Model:
    """Load a model file.

    Args:
        path: .onnx, or .xml with its .bin beside it.
        runtime: `openvino` runs both kinds by it; `by kind` an .onnx by ONNX Runtime.
        precision: of OpenVINO: f32, the same numbers on every machine, or bf16 as of `fast_precision`.

    Raises:
        DetectorError: no such file, a kind we do not run, a file that is too large, broken, or that reaches for
            files outside its folder; inputs that are not one picture; a runtime that is not installed.
    """
    if not path.is_file():
        raise DetectorError(f"{path}: no such model file; give an .onnx file, or an .xml with its .bin")
    kind = path.suffix.lower()
    if kind not in (".onnx", ".xml"):
        raise DetectorError(f"{path}: cannot run {kind or 'such'} files; give an .onnx file, or an .xml with its .bin")
    if path.stat().st_size > MAX_BYTES:
        raise DetectorError(f"{path}: larger than {MAX_BYTES >> 30} GiB; this is no key point or box model")
    model = _load_onnx(path) if kind == ".onnx" and runtime != "openvino" else _load_openvino(path, precision)
    if len(model.shape) != 4 or 3 not in (model.shape[1], model.shape[3]) or model.shape[0] not in (1, -1):
        raise DetectorError(
            f"{path}: expected one picture input (1, 3, H, W), got {model.shape}; export it with batch 1"
        )
    return model


def _load_onnx(path: Path) -> Model:
    """Load through ONNX Runtime, after a look at which other files the model wants."""
    try:
        onnxruntime = import_onnxruntime()
    except ImportError as error:
        raise DetectorError(f"{path}: needs ONNX Runtime: pip install onnxruntime") from error
    _refuse_reach(path)
    errors = _onnx_errors()
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads()
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 4  # its warnings about the graph are not the user's business
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")  # spinning starves other processes
    try:
        session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    except errors as error:
        raise DetectorError(f"{path}: not an ONNX model that runs here: {_first_line(error)}") from error
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise DetectorError(f"{path}: expected one picture input, got {[i.name for i in inputs]}")
    shape = tuple(d if isinstance(d, int) and d > 0 else -1 for d in inputs[0].shape)
    name = inputs[0].name

    def infer(blob: Array) -> list[Array]:
        try:
            return [np.asarray(output) for output in session.run(None, {name: blob})]
        except errors as error:
            raise RuntimeError(_first_line(error)) from error

    return Model(
        path, shape, _dtype(inputs[0].type.removeprefix("tensor(").removesuffix(")"), path), infer, "ONNX Runtime, f32"
    )


def _onnx_errors() -> tuple[type[Exception], ...]:
    """Return ONNX Runtime's own exceptions, which derive from nothing but Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "NoModel", "NotImplemented")
    own = (getattr(state, name, RuntimeError) for name in (*names, "RuntimeException", "EPFail"))
    return (RuntimeError, ValueError, *own)


def fast_precision() -> str:
    """Return `bf16` where the processor multiplies such numbers itself, twice as fast as float32; else `f32`.

    Raises:
        DetectorError: OpenVINO is not installed.
    """
    try:
        core = _openvino_core()
    except ImportError as error:
        raise DetectorError("--backend openvino: needs OpenVINO: pip install openvino") from error

    return "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


@functools.cache
def _openvino_core() -> Any:
    """Return OpenVINO's core, one for as long as the process lives; raises ImportError.

    A core lays its thread a stack for signals, and puts back the one before when it goes. Of two that go in the order
    in which they came the later one puts back the earlier one's, which is gone, and the next Ctrl-C crashes.
    """
    return import_openvino().Core()


def _load_openvino(path: Path, precision: str) -> Model:
    """Load an intermediate representation, or an ONNX file, through OpenVINO."""
    if path.suffix.lower() == ".onnx":
        _refuse_reach(path)
    else:
        _check_bin(path, path.with_suffix(".bin"))
    try:
        core = _openvino_core()
    except ImportError as error:
        raise DetectorError(f"{path}: needs OpenVINO: pip install openvino") from error
    settings = {
        "INFERENCE_NUM_THREADS": threads(), "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision,
    }  # fmt: skip
    try:
        compiled = core.compile_model(str(path), "CPU", settings)
    except RuntimeError as error:
        raise DetectorError(f"{path}: not an OpenVINO model that runs here: {_first_line(error)}") from error
    if len(compiled.inputs) != 1:
        raise DetectorError(f"{path}: expected one picture input, got {len(compiled.inputs)}")
    stated = compiled.inputs[0].partial_shape
    if stated.rank.is_dynamic:
        raise DetectorError(f"{path}: the input's shape is open; export it with a fixed size")
    shape = tuple(d.get_length() if d.is_static else -1 for d in stated)
    request = compiled.create_infer_request()

    def infer(blob: Array) -> list[Array]:
        results = request.infer({0: blob})
        return [np.array(results[output]) for output in compiled.outputs]  # copies: the request owns its memory

    dtype = np.dtype(compiled.inputs[0].element_type.to_dtype())
    return Model(path, shape, dtype, infer, f"OpenVINO, {precision}")


def _dtype(name: str, path: Path) -> np.dtype[np.generic]:
    """Return the array type of ONNX's name for it."""
    known = {"float": "float32", "float16": "float16", "double": "float64", "uint8": "uint8"}
    if name not in known:
        raise DetectorError(f"{path}: cannot feed an input of type {name}; export it with float inputs")
    return np.dtype(known[name])


def _refuse_reach(path: Path) -> None:
    """Refuse a model that takes its weights from outside its own folder."""
    for name in external_files(path):
        # ONNX Runtime takes a name of this kind for an address in its own memory; none of a file holds such signs.
        if "*" in name or "\\" in name or "\0" in name:
            raise DetectorError(f"{path}: takes weights from {name!r:.80}, which is no plain name of a file; refused")
        if Path(name).is_absolute() or not (path.parent / name).resolve().is_relative_to(path.parent.resolve()):
            raise DetectorError(f"{path}: takes weights from {name!r}, outside its folder; refused")
        if not (path.parent / name).is_file():
            raise DetectorError(f"{path}: its weights {name!r} are missing; put them beside it")
        _refuse_size(path, path.parent / name)


def _check_bin(path: Path, weights: Path) -> None:
    """Refuse an .xml whose weights are missing, too large, or a link to somewhere else."""
    if not weights.is_file():
        raise DetectorError(f"{path}: its weights {weights.name} are missing; put them beside it")
    if weights.resolve().parent not in (path.parent.resolve(), path.resolve().parent):
        raise DetectorError(f"{path}: takes weights from {weights.resolve()}, outside its folder; refused")
    _refuse_size(path, weights)


def _refuse_size(path: Path, file: Path) -> None:
    """Refuse weights of a model that are larger than any detector's."""
    if file.stat().st_size > MAX_BYTES:
        raise DetectorError(
            f"{path}: its weights {file.name!r} are larger than {MAX_BYTES >> 30} GiB; no such model is run"
        )


def threads() -> int:
    """Return how many threads a model may use: OMP_NUM_THREADS, or the processors we may use, four at most."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdigit() and int(said) > 0 else min(os.cpu_count() or 1, 4)


def _first_line(error: BaseException) -> str:
    """Return an error's first line that says something, cut to a readable length."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]
