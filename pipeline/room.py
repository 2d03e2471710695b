"""Placing people in one upright room: feet on the floor, side by side as the camera saw them.

A lifter gives every person about a pelvis of their own. The picture tells the rest roughly: how many pixels a metre
of the body takes gives the distance, and where the pelvis stands in the picture the direction. People who are given
a path (`pipeline.path`) walk about that place; the others keep it for the whole film.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pipeline.camera import Camera
from pipeline.lens import straighten
from pipeline.upright import rotation_to_room

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

_DEEPEST = 2.5  # metres that a person may stand before or behind the middle one
_ELBOW_ROOM = 0.9  # metres between two people at the least
_FARTHEST = 5.0  # metres that a path may lead from its middle
_CALM = 0.4  # seconds over which the floor is held, against jitter and short jumps
_AT_ONCE = 2000  # frames worked on at a time: a long film's temporary arrays would be larger than its poses


def place(
    positions: NDArray[np.floating],
    keypoints: NDArray[np.floating],
    scores: NDArray[np.floating],
    valid: Bools,
    up: NDArray[np.floating],
    picture_size: tuple[int, int],
    fps: float = 30.0,
    camera: Camera | None = None,
    root: NDArray[np.floating] | None = None,
) -> NDArray[np.float32]:
    """Return (P, T, 17, 3) metres in the room: x right, y away from the camera, z up, the floor at z = 0.

    Args:
        positions: (P, T, 17, 3) metres about the pelvis, camera axes x right, y down, z away.
        keypoints: (P, T, 17, 2) pixels of the same joints.
        scores: (P, T, 17) in 0..1; 0 is unseen.
        valid: (P, T); over other frames a person keeps the nearest valid pose.
        up: (3,) against gravity, in camera axes (`upright.estimate_up`).
        picture_size: width and height in pixels.
        fps: frames per second, for the time over which the floor is kept calm.
        camera: what is known of focal length and optical axis.
        root: (P, T, 3) metres from the camera, in its axes: everyone's path; None keeps everyone at one place.
    """
    if positions.size == 0:
        return positions.astype(np.float32)
    rotation = rotation_to_room(up)
    ground = _ground_places(positions, keypoints, scores, valid, rotation, picture_size, camera or Camera())
    upright = np.empty(positions.shape, np.float64)
    for person, seen in enumerate(valid):
        for part in _parts(len(seen)):
            upright[person, part] = positions[person, part].astype(np.float64) @ rotation.T
        height = floor_height(upright[person], seen, fps)
        held = _nearest(seen)
        others = np.flatnonzero(held != np.arange(len(held)))
        upright[person, others] = upright[person, held[others]]
        if not seen.any():
            upright[person] = 0
        upright[person, ..., 2] += height[held, None]
    upright[..., :2] += _apart(ground)[:, None, None]
    if root is not None:
        upright[..., :2] += _walks(root.astype(np.float64), valid, rotation)[:, :, None]
    return upright.astype(np.float32)


def _walks(root: Doubles, valid: Bools, rotation: Doubles) -> Doubles:
    """Return (P, T, 2) metres on the floor: how far everyone is from the middle of their own path, held over gaps.

    A path that leads far away is drawn smaller, so that the room holds it and people stay large enough to be seen.
    """
    walks = (root @ rotation.T)[..., :2]
    for person, seen in enumerate(valid):
        walks[person] = walks[person, _nearest(seen)]
        walks[person] -= np.median(walks[person, seen], axis=0) if seen.any() else walks[person]
        farthest = np.linalg.norm(walks[person], axis=-1).max(initial=0.0)
        walks[person] *= min(1.0, _FARTHEST / max(farthest, 1e-9))
    return walks


def floor_height(upright: Doubles, valid: Bools, fps: float = 30.0) -> Doubles:
    """Return (T,) metres from the floor up to the pelvis: how far the lowest joint hangs below it, kept calm.

    Args:
        upright: (T, 17, 3) metres about the pelvis, z up.
        valid: (T,), the frames that count.
        fps: frames per second.
    """
    frames = np.flatnonzero(valid)
    if len(frames) == 0:
        frames = np.arange(len(upright))
    hanging = np.asarray(-upright[frames, :, 2].min(axis=-1))
    hanging = np.interp(np.arange(len(upright)), frames, hanging)
    # The median ignores a jump's few frames of drawn-up legs, the Gaussian takes the rest of the jitter.
    width = min(2 * int(_CALM * fps / 2) + 1, len(hanging))
    return running_gaussian(running_median(hanging, width), _CALM * fps / 5)


# As SciPy's filters of mode "nearest", to the last bits; rendering needs no more of SciPy, which takes longer to import
# than a second of film to draw.
def running_median(values: Doubles, width: int) -> Doubles:
    """Return (T,) the median of the `width` values about each of (T,), the ends repeated; of two the larger."""
    windows = sliding_window_view(np.pad(values, (width // 2, (width - 1) // 2), "edge"), width)
    parts = (np.partition(windows[part], width // 2, axis=-1)[:, width // 2] for part in _parts(len(values)))
    return np.concatenate(list(parts))


def running_gaussian(values: Doubles, sigma: float) -> Doubles:
    """Return (T,) values smoothed by a Gaussian of `sigma` values, cut off at four of them, the ends repeated."""
    reach = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.convolve(np.pad(values, reach, "edge"), weights / weights.sum(), "valid")


def pixels_per_metre(positions: Doubles, keypoints: Doubles, scores: Doubles) -> Doubles:
    """Return (T,) how many pixels a metre across the view takes: the least-squares scale about the middle.

    Args:
        positions: (T, 17, 3) metres, camera axes.
        keypoints: (T, 17, 2) pixels.
        scores: (T, 17); unseen joints do not count. Where fewer than four are seen, NaN.
    """
    weights = np.asarray(scores, np.float64)[..., None]
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    places = positions[..., :2] - (positions[..., :2] * weights).sum(axis=1, keepdims=True) / total
    pixels = keypoints - (keypoints * weights).sum(axis=1, keepdims=True) / total
    metres = (weights * places**2).sum(axis=(1, 2))
    scale = (weights * places * pixels).sum(axis=(1, 2)) / np.maximum(metres, 1e-9)
    usable = ((np.asarray(scores) > 0).sum(axis=1) >= 4) & (metres > 1e-4) & (scale > 0)
    return np.where(usable, scale, np.nan)


def _nearest(valid: Bools) -> NDArray[np.intp]:
    """Return (T,) each frame's nearest valid one (the earlier of two); the frame itself if none is."""
    frames = np.flatnonzero(valid) if valid.any() else np.arange(len(valid))
    every = np.arange(len(valid))
    after = np.searchsorted(frames, every)
    first, last = frames[np.maximum(after - 1, 0)], frames[np.minimum(after, len(frames) - 1)]
    nearest: NDArray[np.intp] = np.where(np.abs(every - first) <= np.abs(last - every), first, last)
    return nearest


def _parts(frames: int) -> list[slice]:
    """Return slices of `_AT_ONCE` frames that make up so many."""
    return [slice(first, first + _AT_ONCE) for first in range(0, frames, _AT_ONCE)]


def _ground_places(
    positions: NDArray[np.floating],
    keypoints: NDArray[np.floating],
    scores: NDArray[np.floating],
    valid: Bools,
    rotation: Doubles,
    picture_size: tuple[int, int],
    camera: Camera,
) -> Doubles:
    """Return (P, 2) metres on the floor, the scene's middle at 0: medians over the frames in which each is seen."""
    focal, centre = camera.focal_px(picture_size), camera.centre_px(picture_size)
    distances, rays = [], []
    for person in range(len(positions)):
        pixels = straighten(keypoints[person], camera, picture_size)
        parts = (
            [np.asarray(array[part], np.float64) for array in (positions[person], pixels, scores[person])]
            for part in _parts(len(valid[person]))
        )
        scale = np.concatenate([pixels_per_metre(*part) for part in parts])
        usable = valid[person] & np.isfinite(scale)
        if not usable.any():
            distances.append(np.nan)
            rays.append(np.array([0.0, 0.0, 1.0]))
            continue
        distances.append(focal / float(np.median(scale[usable])))
        pelvis = np.median(np.asarray(pixels[usable, 0], np.float64), axis=0) - centre
        rays.append(np.array([*(pelvis / focal), 1.0]))
    depth = np.array(distances)
    middle = float(np.nanmedian(depth)) if np.isfinite(depth).any() else 4.0
    depth = np.clip(np.where(np.isfinite(depth), depth, middle), middle - _DEEPEST, middle + _DEEPEST)
    return _centred((np.array(rays) * depth[:, None] @ rotation.T)[:, :2])


def _apart(places: Doubles) -> Doubles:
    """Push people who would stand in each other apart, and keep the middle where it was."""
    places = places.copy()
    for _ in range(50):
        moved = False
        for i in range(len(places)):
            for j in range(i):
                between = places[i] - places[j]
                distance = float(np.linalg.norm(between))
                if distance < _ELBOW_ROOM - 1e-6:
                    way = between / distance if distance > 1e-6 else np.array([1.0, 0.0])
                    step = way * (_ELBOW_ROOM - distance) / 2
                    places[i], places[j] = places[i] + step, places[j] - step
                    moved = True
        if not moved:
            break
    return _centred(places)


def _centred(places: Doubles) -> Doubles:
    """Return (P, 2) with the middle of the scene's extent at 0."""
    centred: Doubles = places - (places.min(axis=0) + places.max(axis=0)) / 2
    return centred
