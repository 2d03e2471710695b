"""Sequences cut into overlapping windows and joined again by plain averaging (paper, section 4.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def starts(frames: int, window: int, step: int) -> NDArray[np.int64]:
    """Return the first frames of the windows: 0, step, 2*step, ... and a last one that ends with the sequence.

    Raises:
        ValueError: a sequence shorter than the window (pad it first), or a step below 1.
    """
    if frames < window or step < 1:
        raise ValueError(f"windows: {frames} frames, window {window}, step {step}")
    regular = np.arange(0, frames - window + 1, step)
    return regular if regular[-1] == frames - window else np.append(regular, frames - window)


def phased_starts(frames: int, window: int, step: int, period: int) -> NDArray[np.int64]:
    """Return the first frames of `starts`, and near both ends those of `period` windows one frame apart.

    Nearest upsampling makes a network's answer move in steps of up to `period` frames. In the middle of a sequence
    windows at all phases of it meet and the average is smooth (a step of 5 is coprime to every power of 2); near
    the ends, and in short sequences, only a few would.

    Raises:
        ValueError: as `starts`.
    """
    last = frames - window
    regular = starts(frames, window, step)
    near = np.arange(min(period, last + 1))
    return np.unique(np.concatenate([regular, near, last - near]))


def spread_starts(frames: int, chunk: int, overlap: int) -> NDArray[np.int64]:
    """Return the first frames of as few chunks as overlap by so many frames at least: from 0 to the end, evenly.

    Raises:
        ValueError: a sequence shorter than the chunk, or an overlap that leaves nothing of it.
    """
    if frames < chunk or not 0 <= overlap < chunk:
        raise ValueError(f"chunks: {frames} frames, chunk {chunk}, overlap {overlap}")
    count = -(-(frames - overlap) // (chunk - overlap))
    return np.linspace(0, frames - chunk, count).round().astype(np.int64)


def cut(sequence: Floats, first: NDArray[np.int64], window: int) -> Floats:
    """Return (N, window, ...) the windows of (T, ...) that begin at the frames `first` (N,)."""
    return np.asarray(sequence[first[:, None] + np.arange(window)])


class Joiner:
    """Averages what windows say of every frame, batch by batch: memory grows with the frames, not the windows.

    The inverse of `cut` for windows that agree. Sums are held only of frames that windows to come may still reach.

    Args:
        frames: T of the sequence.
        fade: frames over which a window's say rises from either end of it; 1 lets all of its frames weigh the same.
    """

    def __init__(self, frames: int, fade: int = 1) -> None:
        self._frames, self._fade = frames, fade
        self._settled = 0  # frames whose average is known
        self._total, self._count = np.zeros(0), np.zeros(0)  # of the frames from there on
        self._joined: Floats | None = None

    def add(self, first: NDArray[np.int64], windows: Floats) -> None:
        """Add windows (N, window, ...) that begin at the frames `first` (N,), not before those of earlier calls.

        Raises:
            ValueError: they do, or leave out frames.
        """
        if not len(first):
            return
        if self._joined is None:
            self._joined = np.empty((self._frames, *windows.shape[2:]), np.float32)
            self._total = np.zeros((0, *windows.shape[2:]))
        self._settle(int(first.min()))
        self._reach(int(first.max()) + windows.shape[1])
        inside = np.arange(windows.shape[1])
        weights = np.minimum(np.minimum(inside, inside[::-1]) + 1, self._fade) / self._fade
        weighted = windows if self._fade == 1 else windows * weights.reshape(-1, *[1] * (windows.ndim - 2))
        for start, part in zip(first - self._settled, weighted, strict=True):
            self._total[start : start + len(part)] += part
            self._count[start : start + len(part)] += weights

    def result(self) -> Floats:
        """Return (T, ...) the averages.

        Raises:
            ValueError: a frame that no window covers.
        """
        if self._joined is None:
            raise ValueError("Joiner: there are frames that no window covers")
        self._settle(self._frames)
        return self._joined

    def _reach(self, stop: int) -> None:
        """Have sums up to frame `stop`."""
        missing = max(stop - self._settled - len(self._count), 0)
        self._total = np.concatenate([self._total, np.zeros((missing, *self._total.shape[1:]))])
        self._count = np.concatenate([self._count, np.zeros(missing)])

    def _settle(self, stop: int) -> None:
        """Average the frames before `stop`, which no window reaches any more, and forget their sums."""
        done = stop - self._settled
        if self._joined is None or done < 0:
            raise ValueError(f"Joiner: a window at frame {stop}, after those before {self._settled} were joined")
        self._reach(stop)
        if not self._count[:done].all():
            raise ValueError("Joiner: there are frames that no window covers")
        counts = self._count[:done].reshape(-1, *[1] * (self._total.ndim - 1))
        self._joined[self._settled : stop] = self._total[:done] / counts
        self._total, self._count = self._total[done:].copy(), self._count[done:]
        self._settled = stop


def pad(sequence: Floats, window: int) -> tuple[Floats, int]:
    """Repeat the first and the last frame, half each, until (T, ...) fills a window; return it and the frames put in
    front. A sequence that fills it is returned as it is."""
    missing = max(window - len(sequence), 0)
    if not missing:
        return sequence, 0
    front = missing // 2
    index = np.clip(np.arange(-front, len(sequence) + missing - front), 0, len(sequence) - 1)
    return sequence[index], front
