"""Frames a block at a time: a call of NumPy costs more than the few numbers of one frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Blocks(Generic[T]):
    """What is worked out for frames, a block of them at once; the last block is kept.

    Args:
        make: from the frames of a block to what is worked out for them.
        length: frames of a block. With 1 nothing is kept: what `make` reads may change from call to call.
    """

    def __init__(self, make: Callable[[slice], T], length: int) -> None:
        self._make, self._length = make, max(1, length)
        self._kept: tuple[int, T] | None = None

    def at(self, t_index: int) -> tuple[T, int]:
        """Return what stands for the block that a frame lies in, and the frame's place in the block."""
        first = t_index - t_index % self._length
        if self._kept is None or self._kept[0] != first or self._length == 1:
            self._kept = first, self._make(slice(first, first + self._length))
        return self._kept[1], t_index - first
