"""Where drawn people are filmed from: any height, tilt, lens and picture; on a tripod, held by hand, or following."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

if TYPE_CHECKING:
    from render.drawn import Camera

Doubles = NDArray[np.float64]

TRIES = 60
SIZES = ((640, 360), (640, 480), (854, 480), (480, 640), (480, 854), (960, 540))
FIELD_OF_VIEW = (35.0, 85.0)  # degrees across the longer side
EYE_HEIGHT = (0.3, 2.6)  # metres
FARTHEST, NEAREST = 14.0, 1.5  # metres along the floor
LEVEL_ROLL, HELD_ASKEW, ASKEW_ROLL = 3.0, 0.3, 45.0  # degrees; the share of cameras held askew, and how far at most
KINDS = {"tripod": 0.5, "hand": 0.3, "follow": 0.2}  # shares of films
CLOSE = 0.2  # share of films in which the person does not fit into the picture
FILL, FILL_CLOSE = (0.35, 0.95), (1.0, 1.6)  # height of an adult against the picture's
SEEN, SEEN_CLOSE = 0.97, 0.7  # of all joints in all frames, at least


@dataclass(frozen=True)
class Filmed:
    """T cameras, one a frame (the very same one on a tripod), of one kind of `KINDS`."""

    cameras: list[Camera]
    kind: str


def place_camera(body: Doubles, fps: float, random: np.random.Generator) -> Filmed:
    """Return a camera that sees most of a motion (T, 17, 3), metres, z up, floor at 0; the best of some tries."""
    close = random.random() < CLOSE
    best, best_seen = None, -1.0
    for _ in range(TRIES):
        made = _any_camera(body, fps, close, random)
        seen = share_seen(body, made.cameras)
        if seen > best_seen:
            best, best_seen = made, seen
        if seen >= (SEEN_CLOSE if close else SEEN):
            break
    assert best is not None
    return best


def share_seen(body: Doubles, cameras: list[Camera]) -> float:
    """Return which share of the joints of all frames lies in the picture."""
    width, height = cameras[0].size
    inside = []
    for joints, camera in zip(body, cameras, strict=True):
        seen = camera.to_camera(joints)
        x, y = camera.to_pixels(seen).T
        inside.append((seen[:, 2] > 0.5) & (x >= 0) & (y >= 0) & (x < width) & (y < height))
    return float(np.mean(inside))


def _any_camera(body: Doubles, fps: float, close: bool, random: np.random.Generator) -> Filmed:
    from render.drawn import look_at

    size = SIZES[random.integers(len(SIZES))]
    f_px = max(size) / 2 / np.tan(np.radians(random.uniform(*FIELD_OF_VIEW)) / 2)
    fill = random.uniform(*(FILL_CLOSE if close else FILL))
    distance = float(np.clip(1.75 * f_px / (fill * size[1]), NEAREST, FARTHEST))
    azimuth = random.uniform(0, 2 * np.pi)
    askew = random.random() < HELD_ASKEW
    roll = np.radians(random.uniform(-ASKEW_ROLL, ASKEW_ROLL) if askew else random.normal(0, LEVEL_ROLL))
    kind = str(random.choice(list(KINDS), p=list(KINDS.values())))
    path = body[:, 0]
    middle = np.array([*np.median(path[:, :2], axis=0), np.median(path[:, 2])])
    eye = np.array(
        [*(middle[:2] + distance * np.array([np.cos(azimuth), np.sin(azimuth)])), random.uniform(*EYE_HEIGHT)]
    )
    aim = (
        gaussian_filter1d(path, 0.3 * fps, axis=0, mode="nearest")
        if kind == "follow"
        else np.tile(middle, (len(path), 1))
    )
    # Off-centre, and for somebody too near the upper body rather than the feet.
    aim = aim + random.normal(0, 0.06, 3) * distance + [0, 0, 0.35 if close else 0.0]
    if kind == "tripod":
        return Filmed([look_at(_three(eye), _three(aim[0]), f_px, size, roll)] * len(path), kind)
    eyes = eye + _shaking(len(path), 3, 0.6 * fps, random) * 0.02
    aims = aim + _shaking(len(path), 3, 0.4 * fps, random) * 0.012 * distance
    rolls = roll + _shaking(len(path), 1, 0.6 * fps, random)[:, 0] * np.radians(0.8)
    cameras = [
        look_at(_three(at), _three(to), f_px, size, float(turn)) for at, to, turn in zip(eyes, aims, rolls, strict=True)
    ]
    return Filmed(cameras, kind)


def _shaking(frames: int, axes: int, lifetime: float, random: np.random.Generator) -> Doubles:
    """Return (T, axes) of a smooth movement about 0 with deviation 1, whose parts last about `lifetime` frames."""
    wide = random.normal(size=(frames + 8 * int(lifetime + 1), axes))
    smooth = gaussian_filter1d(wide, lifetime, axis=0)
    inner = smooth[4 * int(lifetime + 1) :][:frames]
    return np.asarray(inner * np.sqrt(2 * np.sqrt(np.pi) * lifetime))


def _three(point: Doubles) -> tuple[float, float, float]:
    return float(point[0]), float(point[1]), float(point[2])
