"""A smooth path through places that are known more or less well: penalised least squares, and how sure it is.

The unknowns are the places r_t of one person. Each term is a quadratic form that couples at most three frames that
follow each other, so the normal equations are a band of blocks and a film is solved in one go.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve_banded, cholesky_banded

Doubles = NDArray[np.float64]

_SHORTEST_S = 1e-3  # between two frames: time stamps may be equal
_AT_ONCE = 500  # pairs of frames, so that a long film needs little memory in between


@dataclass
class PathTerms:
    """The sum of quadratic terms over the places r (T, 3): half r' H r - b' r, H in blocks of three.

    Attributes:
        seconds: (T,) time stamps.
        blocks: (3, T, 3, 3): `blocks[k, t]` is the block of H that couples frame t with frame t + k.
        right: (T, 3), b.
    """

    seconds: Doubles
    blocks: Doubles
    right: Doubles

    @classmethod
    def of(cls, seconds: NDArray[np.floating]) -> PathTerms:
        """Return no terms at all over (T,) time stamps."""
        count = len(seconds)
        return cls(np.asarray(seconds, np.float64), np.zeros((3, count, 3, 3)), np.zeros((count, 3)))

    def copy(self) -> PathTerms:
        """Return terms that can be added to without changing these."""
        return PathTerms(self.seconds, self.blocks.copy(), self.right.copy())

    def know(self, places: Doubles, information: Doubles) -> None:
        """Add that frame t is at `places[t]` (T, 3), with (T, 3, 3) inverse covariances; 0 where nothing is known."""
        self.blocks[0] += information
        self.right += np.einsum("tij,tj->ti", information, places)

    def hold(self, places: Doubles, share: float) -> None:
        """Add that frame t is at `places[t]` (T, 3), `share` times as surely as the surest of all numbers is known."""
        if share:
            self.know(places, np.broadcast_to(share * self.blocks[0].max() * np.eye(3), (len(places), 3, 3)))

    def be_steady(self, restlessness: float) -> None:
        """Add that velocities wander: their variance grows by `restlessness` (m^2/s^3) times the time, in each axis."""
        if len(self.seconds) < 3:
            return
        before, after = self._gaps()[:-1], self._gaps()[1:]
        weight = 1 / (restlessness * (before + after) / 2)
        slopes = np.stack([1 / before, -1 / before - 1 / after, 1 / after])  # of the velocity's change by three places
        for i in range(3):
            for j in range(i, 3):
                part = (weight * slopes[i] * slopes[j])[:, None, None] * np.eye(3)
                self.blocks[j - i, i : i + len(part)] += part

    def move(self, steps: Doubles, information: Doubles) -> None:
        """Add that r_(t+1) - r_t is `steps[t]` (T - 1, 3), with (T - 1, 3, 3) inverse covariances."""
        known = np.einsum("tij,tj->ti", information, steps)
        self.blocks[0, :-1] += information
        self.blocks[0, 1:] += information
        self.blocks[1, :-1] -= information
        self.right[:-1] -= known
        self.right[1:] += known

    def solve(self) -> Doubles:
        """Return the places (T, 3) of least cost.

        Raises:
            numpy.linalg.LinAlgError: the terms leave a place open.
        """
        solved: Doubles = cho_solve_banded(
            (cholesky_banded(self._band(), overwrite_ab=True, lower=True), True), self.right.ravel()
        )
        return solved.reshape(-1, 3)

    def covariance(self) -> Doubles:
        """Return (T, 3, 3): each place's block of the inverse of H.

        Two frames together make a block that couples with its neighbours only; a sweep from either end sums up all
        that lies on its side, and the block's own part of the inverse is what both sweeps leave.
        """
        own, across = self._pairs()
        count = len(own)
        both = own.copy()
        for i in range(1, count):
            both[i] -= across[i - 1].T @ np.linalg.solve(both[i - 1], across[i - 1])
        back = own[-1]
        for k in range(count - 2, -1, -1):  # the last pair has nothing behind it
            back = own[k] - across[k] @ np.linalg.solve(back, across[k].T)
            both[k] += back
            both[k] -= own[k]
        blocks = np.empty((count, 2, 3, 3))
        for first in range(0, count, _AT_ONCE):
            inverse = np.linalg.inv(both[first : first + _AT_ONCE])
            blocks[first : first + _AT_ONCE] = np.stack([inverse[:, :3, :3], inverse[:, 3:, 3:]], axis=1)
        return blocks.reshape(-1, 3, 3)[: len(self.seconds)]

    def _gaps(self) -> Doubles:
        return np.maximum(np.diff(self.seconds), _SHORTEST_S)

    def _band(self) -> Doubles:
        """Return H's lower band as LAPACK stores it: (9, 3 T), row k the k-th diagonal below."""
        count = len(self.seconds)
        band = np.zeros((9, 3 * count), order="F")
        for k in range(3):
            for i in range(3):
                for j in range(3):  # row 3 (t + k) + i, column 3 t + j
                    below = 3 * k + i - j
                    if below >= 0:
                        band[below, j : 3 * (count - k) : 3] = self.blocks[k, : count - k, j, i]
        return band

    def _pairs(self) -> tuple[Doubles, Doubles]:
        """Return H in blocks of two frames: the diagonal ones (N, 6, 6) and those right of it (N - 1, 6, 6)."""
        count = len(self.seconds)
        blocks = np.pad(self.blocks, ((0, 0), (0, count % 2), (0, 0), (0, 0)))
        if count % 2:  # a frame that stands alone
            blocks[0, -1] = np.eye(3)
        one, two = blocks[:, 0::2], blocks[:, 1::2]
        own = np.zeros((len(one[0]), 6, 6))
        own[:, :3, :3], own[:, 3:, 3:], own[:, :3, 3:] = one[0], two[0], one[1]
        own[:, 3:, :3] = one[1].swapaxes(1, 2)
        across = np.zeros((len(own) - 1, 6, 6))
        across[:, :3, :3], across[:, 3:, :3], across[:, 3:, 3:] = one[2, :-1], two[1, :-1], two[2, :-1]
        return own, across
