"""`doctor` and `detectors`: what this installation has, what it lacks, and the remedy for each lack."""

from __future__ import annotations

import importlib
import platform
import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "motion-lift", "torch", "torchvision", "numpy", "scipy", "opencv-python", "av", "mediapipe", "onnxruntime",
    "openvino", "mmpose", "mmengine", "mmcv-lite", "mmdet",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide results; absent ones are left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def list_detectors() -> int:
    """Print the detectors that `--detector` knows; return the exit code."""
    from detectors import registry

    entries = registry.available()
    width = max(len(entry.name) for entry in entries)
    for entry in entries:
        sys.stdout.write(f"{entry.name:<{width}}  {entry.summary}\n")
        if entry.needs:
            sys.stdout.write(f"{'':<{width}}  needs {entry.needs}\n")
        if entry.missing:
            sys.stdout.write(f"{'':<{width}}  NOT INSTALLED: {', '.join(entry.missing)}\n")
    return 0


def examine() -> int:
    """Print every check with its remedy where it fails; return 1 where something needed is broken."""
    for name, version in versions().items():
        sys.stdout.write(f"      {name} {version}\n")
    broken = 0
    for what, check in CHECKS.items():
        needed, problem, remedy = check()
        state = "ok" if not problem else "FAIL" if needed else "none"
        broken |= bool(problem and needed)
        sys.stdout.write(f"{state:>4}  {what}" + (f": {problem}; {remedy}" if problem else "") + "\n")
    return broken


# What the factories of the detectors import.
LOADS = {"mediapipe": ("mediapipe.python.solutions.pose",), "hrnet": (), "onnx": ()}
Verdict = tuple[bool, str, str]  # is it needed, the problem ("" where there is none), the remedy


def _encoder() -> Verdict:
    import av

    remedy = "reinstall the av wheel"
    return True, "" if "libx264" in av.codecs_available else "av has no libx264", remedy


def _lifter() -> Verdict:
    from lifter import weights
    from lifter.errors import LifterError

    try:
        weights.load(weights.find("ugcn"))
    except LifterError as error:
        return True, str(error), "restore lifter/weights from the repository"
    return True, "", ""


def _detector(name: str, needed: bool) -> Callable[[], Verdict]:
    """Check that a detector's packages are there and load; weights and files are told when it is used."""

    def check() -> Verdict:
        from detectors import quiet, registry
        from detectors.base import DetectorError

        (entry,) = [entry for entry in registry.available() if entry.name == name]
        if entry.missing:
            return needed, f"not installed: {', '.join(entry.missing)}", "run `make setup`"
        try:
            for module in LOADS[name]:
                importlib.import_module(module)
            if name == "onnx":
                quiet.import_onnxruntime()
                quiet.import_openvino()
            if name == "hrnet":
                importlib.import_module("detectors.mm_compat").prepare()
        except (DetectorError, ImportError, OSError, RuntimeError, AttributeError) as error:
            return needed, " ".join(str(error).split()), "reinstall it with `make setup`"
        return needed, "", ""

    return check


def _gpu() -> Verdict:
    import torch

    return False, "" if torch.cuda.is_available() else "PyTorch finds none", "the CPU is used"


def _disk() -> Verdict:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    return True, "" if free > 1 else f"{free:.1f} GB free", "free some space or choose --output elsewhere"


CHECKS: dict[str, Callable[[], Verdict]] = {
    "H.264 encoder": _encoder,
    "lifter weights": _lifter,
    "detector mediapipe": _detector("mediapipe", True),
    "detectors hrnet, hrnet-w48, rtmpose, cpn": _detector("hrnet", False),
    "detector onnx": _detector("onnx", False),
    "GPU": _gpu,
    "disk": _disk,
}
