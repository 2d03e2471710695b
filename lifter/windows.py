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


def cut(sequence: Floats, window: int, step: int) -> Floats:
    """Return (N, window, ...) the windows of (T, ...), in the order of `starts`."""
    first = starts(len(sequence), window, step)
    return np.asarray(sequence[first[:, None] + np.arange(window)])


def join(windows: Floats, frames: int, step: int) -> Floats:
    """Average what the windows (N, window, ...) say of every frame; the inverse of `cut` for windows that agree."""
    window = windows.shape[1]
    total = np.zeros((frames, *windows.shape[2:]), np.float64)
    count = np.zeros(frames)
    for first, part in zip(starts(frames, window, step), windows, strict=True):
        total[first : first + window] += part
        count[first : first + window] += 1
    return np.asarray(total / count.reshape(-1, *[1] * (total.ndim - 1)), dtype=np.float32)


def pad(sequence: Floats, window: int) -> tuple[Floats, int]:
    """Repeat the first and the last frame, half each, until (T, ...) fills a window; return it and the frames put in
    front."""
    missing = max(window - len(sequence), 0)
    front = missing // 2
    index = np.clip(np.arange(-front, len(sequence) + missing - front), 0, len(sequence) - 1)
    return sequence[index], front
