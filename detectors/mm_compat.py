"""What makes MMPose and MMDetection importable beside today's torch and numpy, each step only where it is needed.

Their last releases (mmpose 1.3.2, mmdet 3.3.0, mmcv-lite 2.1.0, xtcocotools 1.14.3) were built for older packages.
`prepare` repairs what does not import here and leaves alone what does: with a torchvision that fits its torch, a
full mmcv and an xtcocotools built for this numpy it changes nothing at all.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from detectors.base import DetectorError

if TYPE_CHECKING:
    import torch

PACKAGES = ("torch", "torchvision", "mmengine", "mmcv", "mmdet", "mmpose")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to itself what mmengine, mmdet and mmpose warn and log about themselves; errors still come through."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mmengine_logging = importlib.import_module("mmengine.logging")
        logger = mmengine_logging.MMLogger.get_current_instance()  # none of logging's own: getLogger does not know it
        before = logger.level
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(before)


def prepare() -> None:
    """Make `mmpose.models`, `mmdet.models` and `mmcv.ops` importable in this process.

    Raises:
        DetectorError: a package is not installed, or does not import for a reason that is not known here.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise DetectorError(
            f"MMPose detectors need {', '.join(missing)}, not installed here: run `make setup` "
            "(or choose another --detector)"
        )
    try:
        with quiet():
            _torchvision()
            _coco_tools()
            _mmcv_operators()
            importlib.import_module("mmdet.models")
            importlib.import_module("mmpose.models")
    except (ImportError, AssertionError, RuntimeError, ValueError) as error:
        line = " ".join(str(error).split())[:200]
        raise DetectorError(
            f"MMPose does not import here ({type(error).__name__}: {line}): run `make setup` in a fresh environment"
        ) from error


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float, offset: int = 0) -> torch.Tensor:
    """Greedy non-maximum suppression, on any device, as mmcv.ops defines it.

    Args:
        boxes: (N, 4) x1 y1 x2 y2.
        scores: (N,).
        iou_threshold: a box that overlaps a better one by more than this goes.
        offset: 1 where a box includes its last pixel (x2 - x1 + 1 wide), else 0.

    Returns:
        (K,) int64 indices of the boxes that stay, best first.
    """
    import torch

    order = scores.argsort(descending=True, stable=True)
    x1, y1, x2, y2 = boxes[order].detach().double().cpu().unbind(1)
    areas = (x2 - x1 + offset) * (y2 - y1 + offset)
    alive = torch.ones(len(order), dtype=torch.bool)
    kept = []
    for i in range(len(order)):
        if not alive[i]:
            continue
        kept.append(i)
        rest = slice(i + 1, None)
        width = (torch.minimum(x2[rest], x2[i]) - torch.maximum(x1[rest], x1[i]) + offset).clamp(min=0)
        height = (torch.minimum(y2[rest], y2[i]) - torch.maximum(y1[rest], y1[i]) + offset).clamp(min=0)
        shared = width * height
        alive[rest] &= shared <= iou_threshold * (areas[rest] + areas[i] - shared)
    return order[torch.tensor(kept, dtype=torch.int64, device=order.device)]


def _torchvision() -> None:
    """Declare torchvision's two operators when its library was built for another torch and does not load.

    Its Python part only wants their names at import; boxes here are suppressed by mmcv's `nms`, so none is called.
    """
    try:
        importlib.import_module("torchvision")
        return
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    import torch

    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]  # half imported
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
    vision = importlib.import_module("torchvision")
    # The declarations last as long as the library object does: keep it with the module that needs it.
    vars(vision)["_declared_operators"] = library


def _coco_tools() -> None:
    """Let pycocotools stand in for xtcocotools when the latter's binary does not fit this numpy.

    MMPose imports it at its top; nothing that detects ever calls it.
    """
    try:
        importlib.import_module("xtcocotools.mask")
        return
    except (ImportError, ValueError):
        pass
    for name in [name for name in sys.modules if name.split(".")[0] == "xtcocotools"]:
        del sys.modules[name]
    sys.modules["xtcocotools"] = importlib.import_module("pycocotools")
    for part in ("mask", "coco", "cocoeval"):
        sys.modules[f"xtcocotools.{part}"] = importlib.import_module(f"pycocotools.{part}")


def _mmcv_operators() -> None:
    """Put a module in the place of mmcv's compiled operators when mmcv-lite is installed, which has none."""
    if "mmcv._ext" in sys.modules or importlib.util.find_spec("mmcv._ext") is not None:
        return
    module = _Operators("mmcv._ext", "stands in for mmcv's compiled operators: nms works, the rest refuses")
    module.__spec__ = ModuleSpec("mmcv._ext", loader=None)
    sys.modules["mmcv._ext"] = module


class _Operators(ModuleType):
    """`mmcv._ext` without a compiler: `nms` works, any other operator raises when it is called, not before."""

    nms = staticmethod(nms)

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
            raise NotImplementedError(f"mmcv.ops.{name} needs the full mmcv, mmcv-lite is installed")

        return refuse
