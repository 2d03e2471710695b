"""Weights of UGCN between this project and MMPose's `PoseLifter`; needs no MMPose."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from lifter import weights
from lifter.errors import LifterError
from lifter.plain import make
from lifter.ugcn import UGCN, UGCNSettings
from lifter.weights import Recipe

BACKBONE, SHAPE = "backbone.network.", "backbone.shape"
HEAD, OUT_SCALE = "head.conv.", "head.out_scale"
# What MMEngine pickles beside the tensors: numpy's arrays and scalars (empty bytes among them), the losses' history.
BESIDE = (
    "numpy.ndarray", "numpy.dtype", "numpy.core.multiarray._reconstruct", "numpy.core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct", "numpy._core.multiarray.scalar",
    "mmengine.logging.history_buffer.HistoryBuffer", "builtins.getattr", "builtins.bytes",
)  # fmt: skip
# What a file with anything at all in it may raise.
BROKEN = (
    UnpicklingError, OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, RuntimeError,
    AssertionError, OverflowError, ImportError, MemoryError, LifterError,
)  # fmt: skip


class Inert:
    """Takes the place of every name in `BESIDE`: does nothing, keeps nothing. Only the tensors are wanted."""

    def __init__(self, *_arguments: object) -> None: ...

    def __setstate__(self, _state: object) -> None: ...


def from_mmpose(state: Mapping[str, Tensor]) -> UGCN:
    """Return the network of a `PoseLifter` made of `UGCNBackbone` and `UGCNHead`, ready to run.

    Args:
        state: its state dict; the shape of the network is in there.

    Raises:
        LifterError: of another model, or damaged.
    """
    try:
        shape = json.loads(bytes(state[SHAPE].to(torch.uint8).tolist()))
        # Seven digits are what float32 keeps: 0.1 comes back as 0.1.
        shape["out_scale"] = float(f"{float(state[OUT_SCALE]):.7g}")
        settings = make(UGCNSettings, shape, "UGCNBackbone")
        weights.refuse_giants(lambda: UGCN(settings))
        network = UGCN(settings)
        own = {"head." + name.removeprefix(HEAD): tensor for name, tensor in state.items() if name.startswith(HEAD)}
        own |= {name.removeprefix(BACKBONE): tensor for name, tensor in state.items() if name.startswith(BACKBONE)}
        network.load_state_dict(own)
    except BROKEN as error:
        told = " ".join(str(error).split())[:200] or type(error).__name__
        raise LifterError(f"not the weights of a PoseLifter with UGCNBackbone and UGCNHead ({told})") from error
    return network.requires_grad_(False).eval()


def to_mmpose(network: UGCN) -> dict[str, Tensor]:
    """Return the state dict of the `PoseLifter` that a network would be: the inverse of `from_mmpose`."""
    state = {SHAPE: shape_of(network.settings), OUT_SCALE: torch.tensor(network.settings.out_scale)}
    for name, tensor in network.state_dict().items():
        last = name.startswith("head.")
        state[HEAD + name.removeprefix("head.") if last else BACKBONE + name] = tensor
    return state


def shape_of(settings: UGCNSettings) -> Tensor:
    """Return settings, without the head's, as the bytes of their JSON, (n,) uint8.

    A checkpoint knows nothing of its config but a text that is a program: the shape travels with the weights.
    """
    shape = {name: value for name, value in asdict(settings).items() if name != "out_scale"}
    return torch.frombuffer(bytearray(json.dumps(shape).encode()), dtype=torch.uint8)


def convert(checkpoint: Path, out: Path, recipe: Recipe | None = None) -> None:
    """Make a lifter's file of a checkpoint of MMPose.

    Args:
        checkpoint: `epoch_N.pth` as MMEngine writes it; read without running anything in it.
        out: the safetensors file, for `Lifter` and `python -m lifter evaluate`.
        recipe: how the network was fed (default: screen units, 50 Hz, windows of 96, as in the project's config).

    Raises:
        LifterError: no such checkpoint, none of ours, or `out` cannot be written.
    """
    try:
        network = from_mmpose(state := read_state(checkpoint))
        weights.refuse_unfinite(state)
    except (LifterError, ValueError) as error:
        told = str(error)
        raise LifterError(told if str(checkpoint) in told else f"{checkpoint}: {told}") from error
    weights.save(out, network, recipe or Recipe("screen"), {"source": f"MMPose, {checkpoint.name}"})


def read_state(checkpoint: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint of MMEngine, on the CPU, without running anything in it.

    Raises:
        LifterError: no such file, or no checkpoint.
    """
    if not checkpoint.is_file():
        raise LifterError(f"{checkpoint}: no such checkpoint")
    try:
        with torch.serialization.safe_globals([(Inert, name) for name in BESIDE]):
            content = torch.load(checkpoint, map_location="cpu", weights_only=True)
        state = dict(content.get("state_dict", content))
        if not all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in state.items()):
            raise ValueError("no table of tensors")
    except UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        told = f"it holds {named[1][:80]}, which might run code" if named else "damaged"
        raise LifterError(f"{checkpoint}: cannot be read as a checkpoint ({told})") from error
    except BROKEN as error:
        told = " ".join(str(error).split())[:200] or type(error).__name__
        raise LifterError(f"{checkpoint}: cannot be read as a checkpoint ({told})") from error
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}
