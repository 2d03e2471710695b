"""What experiments leave on disk: texts and pictures, each whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from lifter.whole import whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class _Writer(Protocol):
    def __call__(self, file: BinaryIO) -> object: ...


def write_text(path: Path, text: str) -> Path:
    """Write a text, UTF-8.

    Raises:
        LifterError: the folder cannot be written to.
    """
    return _write(path, lambda file: file.write(text.encode()))


def write_figure(path: Path, figure: Figure, dpi: int = 120) -> Path:
    """Write a figure as PNG, without a screen; the same figure gives the same bytes.

    Raises:
        LifterError: the folder cannot be written to.
    """
    return _write(path, lambda file: figure.savefig(file, format="png", dpi=dpi, metadata={"Software": None}))


def _write(path: Path, write: _Writer) -> Path:
    with whole(path) as temporary, temporary.open("wb") as file:
        write(file)
    return path
