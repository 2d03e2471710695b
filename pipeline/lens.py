"""Lenses that bend straight lines: pixels as a pinhole camera of the same place would have seen them, and back.

The model is OpenCV's (k1, k2, p1, p2, k3, and so on: 4, 5, 8, 12 or 14 numbers), and OpenCV does the sums. The film's
picture stays as it is: key points are straightened where rays are made of them, and nowhere else.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.camera import Camera
from pipeline.errors import PipelineError

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

_NEAR_PX = 0.05  # a pixel is straightened if it comes back so near when it is bent again
_HALVINGS = 16
_ITERATIONS = 100
_LEAST_PART = 0.5  # of the picture that a calibration must be able to straighten


def straighten(keypoints: NDArray[np.floating], camera: Camera, picture_size: tuple[int, int]) -> NDArray[np.floating]:
    """Return pixels (..., 2) of a film as a pinhole camera of `focal_px` and `centre_px` would have seen them.

    A lens' polynomial holds in the picture and somewhat beyond. Farther out, where it has no inverse, a point goes on
    along the ray from the centre by the factor of the last point that has one. The same array comes back where the
    lens bends nothing.
    """
    if not camera.bends:
        return keypoints
    centre = np.array(camera.centre_px(picture_size))
    flat = np.asarray(keypoints, np.float64).reshape(-1, 2)
    made, good = _unbend(flat, camera, picture_size)
    if not good.all():
        far = flat[~good] - centre
        low, high = np.zeros(len(far)), np.ones(len(far))
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            inside = _unbend(centre + middle[:, None] * far, camera, picture_size)[1]
            low, high = np.where(inside, middle, low), np.where(inside, high, middle)
        last = np.maximum(low, 1e-6)[:, None]
        made[~good] = centre + (_unbend(centre + last * far, camera, picture_size)[0] - centre) / last
    return made.reshape(keypoints.shape).astype(keypoints.dtype)


def bend(pixels: NDArray[np.floating], camera: Camera, picture_size: tuple[int, int]) -> Doubles:
    """Return where in the film the pixels (..., 2) of the pinhole camera are seen; inverse of `straighten`."""
    import cv2

    flat = np.asarray(pixels, np.float64).reshape(-1, 2)
    if not camera.bends or not len(flat):
        return np.asarray(pixels, np.float64)
    plane = (flat - camera.centre_px(picture_size)) / camera.focal_px(picture_size)
    rays = np.concatenate([plane, np.ones((len(flat), 1))], axis=1)
    still = np.zeros(3)
    seen, _ = cv2.projectPoints(rays, still, still, _matrix(camera, picture_size), _coefficients(camera))
    return np.asarray(seen, np.float64).reshape(np.shape(pixels))


def check_lens(camera: Camera, picture_size: tuple[int, int]) -> None:
    """Refuse a calibration that cannot be this film's.

    Raises:
        PipelineError: it was made at another shape of picture, or bends most of this picture back upon itself.
    """
    if camera.calibrated_at is not None:
        width, height = camera.calibrated_at
        if abs(width * picture_size[1] - height * picture_size[0]) > 0.01 * width * picture_size[1]:
            raise PipelineError(
                f"camera: calibrated at {width}x{height}, but the film is {picture_size[0]}x{picture_size[1]}, another "
                "shape; calibrate with pictures of the same shape, held the same way up"
            )
    if camera.bends:
        across, down = (np.linspace(0, side - 1, 15) for side in picture_size)
        grid = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
        if _unbend(grid, camera, picture_size)[1].mean() < _LEAST_PART:
            raise PipelineError(
                f"camera: the distortion {', '.join(f'{k:g}' for k in camera.distortion)} bends the picture back upon "
                "itself; check the order k1, k2, p1, p2, k3 and the size it was calibrated at"
            )


def _unbend(pixels: Doubles, camera: Camera, picture_size: tuple[int, int]) -> tuple[Doubles, Bools]:
    """Return pixels (N, 2) straightened, and which of them (N,) come back when they are bent again."""
    import cv2

    if not len(pixels):
        return pixels.copy(), np.zeros(0, np.bool_)
    steps = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _ITERATIONS, 1e-9)
    matrix, numbers = _matrix(camera, picture_size), _coefficients(camera)
    undone = cv2.undistortPointsIter(pixels[:, None], matrix, numbers, np.eye(3), np.eye(3), steps)
    plane = np.asarray(undone, np.float64)[:, 0]
    plane = np.where(np.isfinite(plane) & (np.abs(plane) < 1e6), plane, 1e6)
    made = plane * camera.focal_px(picture_size) + camera.centre_px(picture_size)
    with np.errstate(over="ignore", invalid="ignore"):
        away = np.linalg.norm(bend(made, camera, picture_size) - pixels, axis=-1)
    # A polynomial may come back from far beyond the turn where it folds: such a point lies outwards of nothing.
    far = np.linalg.norm(plane, axis=-1) > 50
    return made, np.asarray((away < _NEAR_PX) & ~far, np.bool_)


def _matrix(camera: Camera, picture_size: tuple[int, int]) -> Doubles:
    """Return (3, 3) of OpenCV, with both focal lengths of a calibration."""
    focal, (x, y) = camera.focal_px(picture_size), camera.centre_px(picture_size)
    across = 2 * focal * camera.aspect / (1 + camera.aspect)
    return np.array([[across, 0.0, x], [0.0, across / camera.aspect, y], [0.0, 0.0, 1.0]])


def _coefficients(camera: Camera) -> Doubles:
    return np.array(camera.distortion or (0.0,) * 4, np.float64)
