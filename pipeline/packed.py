"""What is seen of people, packed: a long film as small arrays would take ten times the memory of its numbers."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple, Protocol, SupportsIndex, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

Doubles = NDArray[np.float64]


class PeopleLike(Protocol):
    """The people of one frame, as any detector gives them: arrays (P, 4), (P, J, 2) and (P, J)."""

    @property
    def boxes(self) -> ArrayLike: ...
    @property
    def keypoints(self) -> ArrayLike: ...
    @property
    def scores(self) -> ArrayLike: ...


class Rows:
    """(N, ...) numbers to which rows are added: float32, in one block that grows in place; read as float64 copies.

    Args:
        shape: of one row.
    """

    def __init__(self, *shape: int) -> None:
        self._held = np.empty((0, *shape), np.float32)
        self._count = 0

    @classmethod
    def of(cls, rows: NDArray[np.floating]) -> Rows:
        """Return the rows of (N, ...)."""
        made = cls(*rows.shape[1:])
        made.extend(rows)
        return made

    def extend(self, rows: NDArray[np.floating]) -> None:
        """Add (K, ...) rows."""
        count = self._count + len(rows)
        if count > len(self._held):
            # Nobody else holds the block, as reading copies: it may move.
            self._held.resize((count + count // 4, *self._held.shape[1:]), refcheck=False)
        self._held[self._count : count] = rows
        self._count = count

    def forget(self, keep: int) -> None:
        """Drop all rows but the last ones."""
        self._held = self._held[: self._count][-keep:].copy()
        self._count = len(self._held)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, which: SupportsIndex | slice | NDArray[np.integer]) -> Doubles:
        """Return a row, or some of them, as numpy does."""
        return np.asarray(self._held[: self._count][which], np.float64)

    def packed(self) -> NDArray[np.float32]:
        """Return all rows (N, ...) as they are held, to be read at once: adding more may move them."""
        return self._held[: self._count]


class Found(NamedTuple):
    """The people of one frame: boxes (P, 4), key points (P, J, 2), scores (P, J)."""

    boxes: Doubles
    keypoints: Doubles
    scores: Doubles


class Detections(Sequence[Found]):
    """The people of every frame so far, in the memory of their numbers (of 17 joints: 220 bytes each).

    Args:
        joints: J.
    """

    def __init__(self, joints: int) -> None:
        self._boxes, self._keypoints, self._scores = Rows(4), Rows(joints, 2), Rows(joints)
        self._ends = array("q", [0])  # before the first frame, and after each

    def add(self, people: PeopleLike) -> None:
        """Add the next frame's people, of J joints."""
        for rows, given in (
            (self._boxes, people.boxes), (self._keypoints, people.keypoints), (self._scores, people.scores),
        ):  # fmt: skip
            rows.extend(np.asarray(given, np.float32))
        self._ends.append(len(self._scores))

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, frame: int) -> Found: ...
    @overload
    def __getitem__(self, frame: slice) -> list[Found]: ...
    def __getitem__(self, frame: int | slice) -> Found | list[Found]:
        if isinstance(frame, slice):
            return [self[index] for index in range(*frame.indices(len(self)))]
        at = range(len(self))[frame]
        rows = slice(self._ends[at], self._ends[at + 1])
        return Found(self._boxes[rows], self._keypoints[rows], self._scores[rows])
