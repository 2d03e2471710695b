"""Top-down arithmetic: a person's box to the crop a network sees, and its heat maps or SimCC vectors back to pixels.

A key point lives in three frames: `picture` (pixels of the film), `crop` (pixels of the network's input) and `map`
(cells of its output). The conventions are those of MMPose's `TopdownAffine` with the `MSRAHeatmap` and `SimCCLabel`
codecs, which most published top-down models were trained with; a cell's index, not its centre, is its coordinate.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]

PADDING = 1.25  # context around a person's box, as in training of nearly every top-down model
_TINY = 1e-10  # floor under a heat map before its logarithm


def crop_matrix(box: NDArray[np.floating], size: tuple[int, int], padding: float = PADDING) -> Matrix:
    """Return the affine map from the picture to a network's crop that keeps the aspect ratio of the picture.

    Args:
        box: (4,) pixels, x1 y1 x2 y2; a box of no extent counts as one pixel wide.
        size: (width, height) of the crop.
        padding: the crop shows so many times the box.

    Returns:
        (2, 3): picture (x, y, 1) -> crop (x, y).
    """
    x1, y1, x2, y2 = (float(v) for v in box)
    width, height = max(x2 - x1, 1.0) * padding, max(y2 - y1, 1.0) * padding
    scale = min(size[0] / width, size[1] / height)
    center = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    shift = np.array(size) / 2 - scale * center
    return np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])


def crop(frame: NDArray[np.uint8], matrix: Matrix, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the (height, width, 3) crop of a (H, W, 3) picture under `crop_matrix`; black outside the picture."""
    return np.asarray(cv2.warpAffine(frame, matrix, size, flags=cv2.INTER_LINEAR), np.uint8)


def to_crop(points: NDArray[np.floating], matrix: Matrix) -> Matrix:
    """Map (..., 2) picture pixels into the crop; the inverse of `to_picture`."""
    return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]


def to_picture(points: NDArray[np.floating], matrix: Matrix) -> Matrix:
    """Map (..., 2) crop pixels back into the picture; the inverse of `to_crop`."""
    inverse = np.linalg.inv(matrix[:, :2])
    return np.asarray((np.asarray(points, np.float64) - matrix[:, 2]) @ inverse.T, np.float64)


def decode_heatmaps(maps: Floats, refine: str = "dark") -> tuple[Floats, Floats]:
    """Find the peak of every heat map, finer than a cell.

    Args:
        maps: (K, h, w), one map a joint, larger is likelier.
        refine: `dark`, a Newton step on the logarithm of the smoothed map (Zhang et al., CVPR 2020); `quarter`, a
            quarter of a cell towards the higher neighbour (MSRA); `none`.

    Returns:
        points (K, 2) in map cells, x y; scores (K,), the peak's height. A map without a positive value has score 0.
    """
    joints, _, width = maps.shape
    flat = maps.reshape(joints, -1)
    best = flat.argmax(1)
    peaks = np.stack([best % width, best // width], 1)
    scores = np.maximum(flat[np.arange(joints), best], 0.0).astype(np.float32)
    if refine == "dark":
        points = _newton_step(maps, peaks)
    elif refine == "quarter":
        points = _quarter_step(maps, peaks)
    elif refine == "none":
        points = peaks.astype(np.float64)
    else:
        raise ValueError(f"decode_heatmaps: refine must be dark, quarter or none, not {refine!r}")
    return points.astype(np.float32), scores


def _quarter_step(maps: Floats, peaks: NDArray[np.int64]) -> Matrix:
    """Move (K, 2) peaks a quarter of a cell towards the higher neighbour, where MMPose's `refine_keypoints` does.

    A peak one cell from the left or upper border stays, one from the right or lower does not: published scores were
    counted so.
    """
    points = peaks.astype(np.float64)
    _, height, width = maps.shape
    for k, (x, y) in enumerate(peaks):
        if 1 < x < width - 1 and y > 0:
            points[k, 0] += 0.25 * np.sign(maps[k, y, x + 1] - maps[k, y, x - 1])
        if 1 < y < height - 1 and x > 0:
            points[k, 1] += 0.25 * np.sign(maps[k, y + 1, x] - maps[k, y - 1, x])
    return points


def _newton_step(maps: Floats, peaks: NDArray[np.int64]) -> Matrix:
    """Move (K, 2) peaks to the top of the Gaussian through them: exact where the map is one."""
    points = peaks.astype(np.float64)
    _, height, width = maps.shape
    # The training targets' sigma is width / 24 in every published setting (2 cells at 48, 3 at 72); the kernel is
    # MMPose's for it: 11 and 17.
    kernel = max(3, round(width / 24 * 6 - 1) | 1)
    for k, (x, y) in enumerate(peaks):
        if not (1 < x < width - 2 and 1 < y < height - 2) or maps[k, y, x] <= 0:
            continue
        # Blurring widens a Gaussian but leaves its centre, and takes the ripple off the logarithm.
        patch, x0, y0 = _patch(maps[k], int(x), int(y), kernel)
        log = np.log(np.maximum(cv2.GaussianBlur(patch, (kernel, kernel), 0), _TINY)).astype(np.float64)
        u, v = x - x0, y - y0
        gradient = np.array([log[v, u + 1] - log[v, u - 1], log[v + 1, u] - log[v - 1, u]]) / 2
        xx = (log[v, u + 2] - 2 * log[v, u] + log[v, u - 2]) / 4
        yy = (log[v + 2, u] - 2 * log[v, u] + log[v - 2, u]) / 4
        xy = (log[v + 1, u + 1] - log[v - 1, u + 1] - log[v + 1, u - 1] + log[v - 1, u - 1]) / 4
        determinant = xx * yy - xy * xy
        if xx >= 0 or determinant <= 0:  # no maximum here: a flat or torn map
            continue
        step = np.array([yy * gradient[0] - xy * gradient[1], xx * gradient[1] - xy * gradient[0]]) / -determinant
        points[k] += np.clip(step, -1, 1)  # a true peak is within a cell; more is noise
    return points


def _patch(plane: Floats, x: int, y: int, kernel: int) -> tuple[Floats, int, int]:
    """Cut what a blur needs to be right within two cells of (x, y), zero outside the map; return its origin."""
    reach = kernel // 2 + 2
    patch = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    height, width = plane.shape
    top, left = max(0, y - reach), max(0, x - reach)
    bottom, right = min(height, y + reach + 1), min(width, x + reach + 1)
    patch[top - y + reach : bottom - y + reach, left - x + reach : right - x + reach] = plane[top:bottom, left:right]
    return patch, x - reach, y - reach


def decode_simcc(across: Floats, down: Floats) -> tuple[Floats, Floats]:
    """Find the peaks of SimCC vectors.

    Args:
        across, down: (K, width * r) and (K, height * r), a score for every position along x and y, r bins a pixel.

    Returns:
        points (K, 2) in bins, x y; scores (K,), the lower of the two peaks, as MMPose has it; at least 0.
    """
    points = np.stack([across.argmax(1), down.argmax(1)], 1).astype(np.float32)
    scores = np.maximum(np.minimum(across.max(1), down.max(1)), 0.0).astype(np.float32)
    return points, scores


def mirror_order(joints: Sequence[str]) -> NDArray[np.int64]:
    """Return the order of the joints of a mirrored person: every left_ name's index at its right_ one's place.

    Raises:
        ValueError: a left joint without its right one, or the reverse.
    """
    place = {name: index for index, name in enumerate(joints)}
    order = []
    for name in joints:
        twin = name
        for one, other in (("left", "right"), ("right", "left")):
            if name.startswith(f"{one}_"):
                twin = other + name[len(one) :]
            elif name.endswith(f"_{one}"):
                twin = name[: -len(one)] + other
        if twin not in place:
            raise ValueError(f"joint {name!r} has no mirror image among the joints")
        order.append(place[twin])
    return np.array(order, np.int64)


def unmirror_heatmaps(maps: Floats, order: NDArray[np.int64], shift: bool = True) -> Floats:
    """Turn the (K, h, w) heat maps of a mirrored crop into those of the crop itself.

    Args:
        maps: heat maps of the mirrored crop.
        order: `mirror_order` of the joints.
        shift: the training placed a joint by its cell's index, so that mirroring moves it by a cell (MSRA codec).
    """
    flipped = maps[order, :, ::-1].copy()
    if shift:
        flipped[:, :, 1:] = flipped[:, :, :-1].copy()
    return flipped


def unmirror_simcc(across: Floats, down: Floats, order: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Turn the SimCC vectors (K, Wx), (K, Wy) of a mirrored crop into those of the crop itself."""
    return across[order, ::-1], down[order]
