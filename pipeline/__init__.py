"""The conductor: alone knows detectors, lifter and render, touches files, and translates between them.

From Python (`pipeline/guide/from_python.md`):

    from pipeline import run
    result = run("film.mp4", detector="mediapipe")
    result.positions  # (P, T, 17, 3) metres

Importing the package loads nothing; the names below are fetched when they are first used.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.embed.api import lift as lift
    from pipeline.embed.api import load as load
    from pipeline.embed.api import run as run
    from pipeline.embed.mmpose import Inferencer as Inferencer
    from pipeline.embed.result import Result as Result
    from pipeline.errors import PipelineError as PipelineError

_HOMES = {
    "run": "pipeline.embed.api",
    "lift": "pipeline.embed.api",
    "load": "pipeline.embed.api",
    "Inferencer": "pipeline.embed.mmpose",
    "Result": "pipeline.embed.result",
    "PipelineError": "pipeline.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


class _Package(ModuleType):
    """Keeps `run` the function: importing the module `pipeline.run` would hang the module under that name.

    What the module holds is had by `from pipeline.run import ...`, which does not ask the package.
    """

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute, unless it is a module with a name of `_HOMES`."""
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
