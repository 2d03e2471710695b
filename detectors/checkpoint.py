"""Checkpoints of the OpenMMLab family read as data: no code in them runs, and what does not fit is told in one line."""

from __future__ import annotations

import re
import struct
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

from detectors.base import DetectorError

if TYPE_CHECKING:
    import torch

MAX_BYTES = 2 << 30  # the largest model here has 260 MB; a training checkpoint with its optimizer three times that

# What a damaged or hostile file is known to raise from torch's restricted unpickler and its two archive readers.
UNREADABLE = (
    UnpicklingError, RuntimeError, ValueError, TypeError, AttributeError, LookupError, EOFError, OSError,
    AssertionError, OverflowError, ImportError, MemoryError, struct.error, zipfile.BadZipFile,
)  # fmt: skip


# What OpenMMLab pickles beside the tensors: numpy's arrays and scalars (under the names of numpy 1 and 2), and the
# training history, whose methods are named by `getattr`.
ALLOWED = (
    "numpy.ndarray",
    "numpy.dtype",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "mmengine.logging.history_buffer.HistoryBuffer",
    "builtins.getattr",
    "builtins.bytes",
)


class Inert:
    """Takes the place of every name in `ALLOWED`: does nothing, keeps nothing.

    Nobody needs what lies beside the tensors, and numpy's own types would not be safe: a forged state of a
    `numpy.dtype` makes numpy take numbers for addresses, and the process crashes or worse.
    """

    def __init__(self, *_arguments: object) -> None: ...

    def __setstate__(self, _state: object) -> None: ...


def load(path: Path, max_bytes: int = MAX_BYTES) -> OrderedDict[str, torch.Tensor]:
    """Read the tensors of a checkpoint, on the CPU, without running anything that the file says.

    Both layouts are known: `{"state_dict": ..., "meta": ...}` as MMEngine writes it, and a bare state dict. Names of
    Python objects in the file must be torch's own or in `ALLOWED`, and the latter stay empty.

    Args:
        path: a `.pth` file, of torch's zip format or the older one.
        max_bytes: refuse files that are larger, packed or unpacked.

    Returns:
        name -> tensor, with torch's `_metadata` (layout versions) kept, and a leading `module.` taken off.

    Raises:
        DetectorError: no such file, too large, not a checkpoint, or one that holds more than data.
    """
    import torch

    _check_size(path, max_bytes)
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals([(Inert, name) for name in ALLOWED]):
            warnings.simplefilter("ignore")  # about the age of the file's format
            content = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise DetectorError(f"cannot load the checkpoint {path}: {_reason(error)}") from error
    return _state_of(content, path)


def fill(model: torch.nn.Module, state: OrderedDict[str, torch.Tensor], path: Path, name: str) -> None:
    """Put the tensors into the model; every parameter of it must be there, in its shape.

    Tensors of no part of the model (a training loss, the picture's mean) are left aside, unknown ones inside its
    parts mean that the checkpoint is another network's.

    Args:
        model: the network, its weights of any kind.
        state: as from `load`.
        path: where the tensors came from, for the message.
        name: what the model is, for the message.

    Raises:
        DetectorError: tensors missing, left over or of another shape, or numbers that are not finite.
    """
    import torch

    wanted = model.state_dict()
    shapes = [key for key, tensor in state.items() if key in wanted and tensor.shape != wanted[key].shape]
    fitting = OrderedDict((key, tensor) for key, tensor in state.items() if key not in shapes)
    vars(fitting).update(vars(state))  # torch's _metadata: hooks that rename the keys of older layouts look at it
    try:
        missing, extra = model.load_state_dict(fitting, strict=False)
    except RuntimeError as error:  # tensors of a layout that no network has
        raise DetectorError(f"{path}: not a checkpoint of {name} ({str(error).splitlines()[0]})") from error
    missing = [key for key in missing if key not in shapes and not key.endswith("num_batches_tracked")]
    parts = {key.split(".")[0] for key in wanted}
    extra = [key for key in extra if key.split(".")[0] in parts and ".loss" not in key]
    found = [f"{len(shapes)} tensors of another shape (as {shapes[0]})"] if shapes else []
    found += [f"{len(missing)} missing (as {missing[0]})"] if missing else []
    found += [f"{len(extra)} left over (as {extra[0]})"] if extra else []
    if found:
        raise DetectorError(f"{path} is no checkpoint of {name}: {', '.join(found)}; give one made for that model")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in model.state_dict().values()):
        raise DetectorError(f"{path} holds numbers that are not finite: the training of this checkpoint failed")


def _check_size(path: Path, max_bytes: int) -> None:
    """Refuse what is absent, no file, or larger than any model here, before anything is read into memory."""
    if not path.is_file():
        raise DetectorError(f"there is no checkpoint {path}: check the path")
    try:
        size = path.stat().st_size
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                size = max(size, sum(member.file_size for member in archive.infolist()))
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise DetectorError(f"cannot load the checkpoint {path}: it cannot be read ({error})") from error
    if size > max_bytes:
        raise DetectorError(f"the checkpoint {path} holds {size:,} bytes, over the limit of {max_bytes:,}")


def _reason(error: BaseException) -> str:
    """Tell a file that holds more than data from a damaged one."""
    message = " ".join(str(error).split())
    if not isinstance(error, UnpicklingError) or not re.search("GLOBAL|Can only|Trying to", message):
        return "it is damaged or no PyTorch checkpoint; fetch it again"
    named = re.search(r"GLOBAL ([\w.]+)", message)
    what = named[1] if named else "Python objects"
    return f"it holds {what[:80]}, which is not on the allowlist and might run code; use a file with weights only"


def _state_of(content: object, path: Path) -> OrderedDict[str, torch.Tensor]:
    """Return the state dict inside what a checkpoint file holds."""
    import torch

    inner = content.get("state_dict", content) if isinstance(content, dict) else None
    tensors = isinstance(inner, dict) and all(isinstance(t, torch.Tensor) for t in inner.values())
    if not inner or not tensors or not all(isinstance(key, str) for key in inner):
        raise DetectorError(f"{path} is no checkpoint of a network: it holds no table of named tensors")
    state = OrderedDict((key.removeprefix("module."), tensor) for key, tensor in inner.items())
    vars(state).update(getattr(inner, "__dict__", {}))
    return state
