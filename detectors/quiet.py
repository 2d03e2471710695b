"""Runtimes without their reporting: as they come, OpenVINO tells Google Analytics of every import, and ONNX Runtime
(1.29 and later) Microsoft of every model; both keep a number for this machine in the home folder."""

from __future__ import annotations

import os
import sys
from typing import Any

_REPORTS = "openvino_telemetry"


def import_onnxruntime() -> Any:
    """Import ONNX Runtime, told by its own variable to report nothing; who sets that variable decides.

    Raises:
        ImportError: ONNX Runtime is not installed.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


def import_openvino() -> Any:
    """Import OpenVINO; while it loads, the package that it reports with is not to be found, and it goes without.

    Raises:
        ImportError: OpenVINO is not installed.
    """
    before = sys.modules.get(_REPORTS)
    sys.modules[_REPORTS] = None  # type: ignore[assignment]  # Python's way to say that a module cannot be imported
    try:
        import openvino
    finally:
        del sys.modules[_REPORTS]
        if before is not None:
            sys.modules[_REPORTS] = before
    return openvino
