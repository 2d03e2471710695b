"""The film as a folder of pictures, and when each is shown: `PngWriter`."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import VideoError
from pipeline.parts import part_of

TIMES = "frames.csv"


class PngWriter:
    """Context manager that writes a folder of 000001.png, ... and `frames.csv`: file, seconds since the first frame.

    The folder appears under its name when the block ends well, in place of an earlier one.

    Args:
        path: the folder to write.
        size: (W, H) pixels.
        timestamps: (T,) seconds since the first frame, of every frame to come.

    Attributes:
        warnings: none.

    Raises:
        VideoError: it cannot be written.
    """

    def __init__(self, path: Path, size: tuple[int, int], timestamps: Sequence[float] | NDArray[np.float64]) -> None:
        self.path, self.size, self._seconds = path, size, timestamps
        self._part = part_of(path)
        self._lines = ["file,seconds"]
        self.warnings: list[str] = []

    def __enter__(self) -> Self:
        try:
            self._part.mkdir()
        except OSError as error:
            raise self._failure(error) from error
        return self

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Append a frame, (H, W, 3) uint8 RGB."""
        index = len(self._lines)
        name = f"{index:06d}.png"
        _, packed = cv2.imencode(".png", frame[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])
        try:
            (self._part / name).write_bytes(packed.tobytes())
        except OSError as error:
            raise self._failure(error) from error
        self._lines.append(f"{name},{float(self._seconds[index - 1]):.6f}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                (self._part / TIMES).write_text("\n".join(self._lines) + "\n", encoding="utf-8")
                shutil.rmtree(self.path, ignore_errors=True)
                self._part.replace(self.path)
        except OSError as failure:
            raise self._failure(failure) from failure
        finally:
            shutil.rmtree(self._part, ignore_errors=True)

    def _failure(self, error: OSError) -> VideoError:
        why = error.strerror or error
        return VideoError(f"{self.path}: cannot be written ({why}); check the folder and the free space")
