"""Where lifters lie: those of the package by name, others by path. Loads no torch, so it is quick to ask."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from lifter.errors import LifterError

SHIPPED = Path(__file__).parent / "weights"


def find(name: str) -> Path:
    """Return the file of a shipped lifter by name ("ugcn"), or the path itself.

    Raises:
        LifterError: neither a shipped name nor a file.
    """
    for path in (SHIPPED / f"{name}.safetensors", Path(name)):
        with suppress(OSError, ValueError):  # a name that no file can have
            if path.is_file():
                return path
    known = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.safetensors"))) or "none"
    raise LifterError(f"lifter {name!r}: no such file and no shipped lifter of that name (shipped: {known})")
