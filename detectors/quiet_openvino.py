"""OpenVINO without its reporting: as it comes, an import tells Google Analytics and keeps a number for this machine."""

from __future__ import annotations

import sys
from types import ModuleType

_REPORTS = "openvino_telemetry"


def import_openvino() -> ModuleType:
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
