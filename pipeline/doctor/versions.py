"""The versions that decide results: they go into every `run.json`, and head what `doctor` prints."""

from __future__ import annotations

import platform
from importlib import metadata

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
