"""Person boxes from a detection network: the letterboxed input, YOLOX and RTMDet outputs, suppression of doubles."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.base import DetectorError

Floats = NDArray[np.float32]

STRIDES = (8, 16, 32)  # of YOLOX's three output levels
_GREY = 114  # the padding YOLOX and RTMDet were trained with


def letterbox(frame: NDArray[np.uint8], size: tuple[int, int]) -> tuple[NDArray[np.uint8], float]:
    """Fit a picture into a network's input, top-left, its aspect ratio kept, grey beyond.

    Args:
        frame: (H, W, 3) picture.
        size: (width, height) of the input.

    Returns:
        canvas (height, width, 3); scale: input pixels per picture pixel.
    """
    height, width = frame.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    canvas = np.full((size[1], size[0], 3), _GREY, np.uint8)
    canvas[: inner[1], : inner[0]] = cv2.resize(frame, inner, interpolation=cv2.INTER_LINEAR)
    return canvas, scale


def decode_yolox(raw: Floats, size: tuple[int, int], person: int = 0) -> tuple[Floats, Floats]:
    """Decode YOLOX's raw output (Ge et al., 2021: one anchor-free prediction a cell, three strides).

    Args:
        raw: (N, 5 + C): centre offset x y in cells, log width and height in cells, objectness, C class scores.
        size: (width, height) of the network's input.
        person: the class wanted.

    Returns:
        boxes (N, 4) in input pixels, x1 y1 x2 y2; scores (N,).

    Raises:
        ValueError: N is not the number of cells that the input size gives.
    """
    cells, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: size[1] // stride, : size[0] // stride]
        cells.append(np.stack([columns.ravel(), rows.ravel()], 1))
        strides.append(np.full(rows.size, stride))
    grid, stride_of = np.concatenate(cells), np.concatenate(strides)[:, None]
    if len(grid) != len(raw):
        raise ValueError(f"YOLOX output: expected {len(grid)} rows for an input of {size}, got {len(raw)}")
    center = (raw[:, :2] + grid) * stride_of
    half = np.exp(np.minimum(raw[:, 2:4], 20)) * stride_of / 2  # exp(20) is beyond any picture: no overflow
    boxes = np.concatenate([center - half, center + half], 1).astype(np.float32)
    if 5 + person >= raw.shape[1]:
        raise DetectorError(f"box model: person = {person}, but the model tells {raw.shape[1] - 5} classes apart")
    return boxes, (raw[:, 4] * raw[:, 5 + person]).astype(np.float32)


def decode_detections(
    rows: Floats, labels: NDArray[np.generic] | None = None, person: int = 0
) -> tuple[Floats, Floats]:
    """Take the persons out of ready detections (RTMDet, or YOLOX with its suppression inside the model).

    Args:
        rows: (N, 5): x1 y1 x2 y2 in input pixels, score.
        labels: (N,) classes, or None where the model knows persons only.
        person: the class wanted.

    Returns:
        boxes (M, 4), scores (M,).
    """
    wanted = np.ones(len(rows), bool) if labels is None else np.asarray(labels).reshape(-1) == person
    return rows[wanted, :4].astype(np.float32), rows[wanted, 4].astype(np.float32)


def overlap(first: Floats, second: Floats) -> Floats:
    """Return the (A, B) intersection over union of boxes (A, 4) and (B, 4); 0 where both are empty."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    inner = np.prod(np.maximum(high - low, 0), -1)
    union = _area(first)[:, None] + _area(second)[None] - inner
    return np.asarray(inner / np.maximum(union, 1e-9), np.float32)


def within(boxes: Floats, frame: NDArray[np.uint8]) -> Floats:
    """Return boxes (N, 4) cut at the borders of the picture (H, W, 3)."""
    height, width = frame.shape[:2]
    return np.clip(boxes, 0, np.array([width, height, width, height])).astype(np.float32)


def _area(boxes: Floats) -> Floats:
    """Return the (N,) areas of boxes (N, 4)."""
    return np.asarray(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), -1), np.float32)


def suppress(boxes: Floats, scores: Floats, limit: float = 0.6) -> NDArray[np.int64]:
    """Keep the most certain of every heap of boxes.

    Args:
        boxes: (N, 4); scores: (N,).
        limit: a box that overlaps a better one by more is a double.

    Returns:
        Indices of the kept boxes, the most certain first.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(order):
        best, order = int(order[0]), order[1:]
        kept.append(best)
        order = order[overlap(boxes[best : best + 1], boxes[order])[0] <= limit]
    return np.array(kept, np.int64)


def find_persons(
    boxes: Floats, scores: Floats, scale: float, frame_size: tuple[int, int], threshold: float
) -> tuple[Floats, Floats]:
    """Bring decoded boxes into the picture: unsure ones and doubles dropped, the letterbox undone, cut to the picture.

    Args:
        boxes: (N, 4) in input pixels; scores: (N,).
        scale: of `letterbox`.
        frame_size: (width, height) of the picture.
        threshold: the least score.

    Returns:
        boxes (M, 4) in picture pixels, scores (M,) at most 1, the most certain first.
    """
    sure = (scores >= threshold) & np.isfinite(boxes).all(1)
    boxes, scores = boxes[sure] / np.float32(scale), scores[sure]
    width, height = frame_size
    boxes = np.clip(boxes, 0, np.array([width, height, width, height], np.float32))
    solid = (boxes[:, 2:] - boxes[:, :2] > 1).all(1)
    boxes, scores = boxes[solid], np.minimum(scores[solid], 1)
    kept = suppress(boxes, scores)
    return boxes[kept], scores[kept]
