"""What the page knows of a run: a small JSON head, and arrays as base64 of little-endian typed arrays.

Rows: everyone's frames from the first to the last in which they are in track, one person after the other, so that
a film of many people who come and go costs what they are seen, not people times frames.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from pipeline.poses import Pose3D
from pipeline.view.angles import ANGLES, inner_angles
from pipeline.view.trust import PARTS, WHYS, low_trust
from render.colors import oklch, person_colors
from render.skeleton import Skeleton

VERSION = 1
_WHOLE = 32767  # the largest number of an int16
_NO_ANGLE = -1  # where an angle is not defined
# Lines of plots, lightness and chroma by theme and side: the film's tints are made for a dark room.
_LINES = {
    "dark": {"left": (0.84, 0.12), "right": (0.66, 0.17)},
    "light": {"left": (0.64, 0.15), "right": (0.43, 0.15)},
}


@dataclass(frozen=True)
class Payload:
    """What the page reads.

    Attributes:
        head: plain values.
        arrays: by name, little-endian: `times` (T,) float64 s; of N rows `positions` int16 (N, 17, 3) and `keypoints`
            int16 (N, 17, 2), to be multiplied by `head["scales"]`; `scores` uint8 (N, 17), 255 is 1; `valid` uint8
            (N,); `angles` int16 (N, 8), tenths of a degree, -1 is none.
    """

    head: dict[str, Any]
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def head_json(self) -> str:
        """Return the head as JSON that cannot end the script element it stands in."""
        shapes = {name: {"type": array.dtype.str, "shape": array.shape} for name, array in self.arrays.items()}
        text = json.dumps({**self.head, "arrays": shapes}, separators=(",", ":"), allow_nan=False)
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

    def array_base64(self, name: str) -> str:
        """Return an array's bytes."""
        return base64.b64encode(np.ascontiguousarray(self.arrays[name]).tobytes()).decode("ascii")


def pack(title: str, pose: Pose3D, world: NDArray[np.float32], size: tuple[int, int], fps: float) -> Payload:
    """Pack a film's people.

    Args:
        title: what the page calls the film.
        pose: the people.
        world: (P, T, 17, 3) metres in the room: x right, y away from the camera, z up, floor at 0 (`pipeline.room`).
        size: (W, H) pixels of the film in which `pose.keypoints` lie.
        fps: nominal frames per second, told and used for the length of the last frame.
    """
    spans = [_span(seen) for seen in pose.valid]
    rows: list[tuple[int, slice]] = [(p, slice(a, b)) for p, (a, b) in enumerate(spans)]
    positions, metre = _shrunk(_rows(world, rows))
    keypoints, pixel = _shrunk(_rows(pose.keypoints, rows))
    angles = 10 * inner_angles(_rows(pose.positions, rows))
    arrays: dict[str, NDArray[Any]] = {
        "times": pose.timestamps.astype("<f8"),
        "positions": positions,
        "keypoints": keypoints,
        "scores": np.rint(255 * np.clip(_rows(pose.scores, rows), 0, 1)).astype("u1"),
        "valid": _rows(pose.valid, rows).astype("u1"),
        "angles": np.where(np.isfinite(angles), np.rint(angles), _NO_ANGLE).astype("<i2"),
    }
    head = {
        "version": VERSION,
        "title": title,
        "size": [int(side) for side in size],
        "fps": float(fps),
        "scales": {"positions": metre, "keypoints": pixel},
        "skeleton": _skeleton(pose.joints),
        "people": _people(pose, spans),
        "angle_names": [{"joint": joint, "side": side} for joint, side in ANGLES],
        "parts": list(PARTS),
        "whys": list(WHYS),
        "spans": [[s.person, list(PARTS).index(s.part), WHYS.index(s.why), s.first, s.last] for s in low_trust(pose)],
    }
    return Payload(head, arrays)


def _span(seen: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the first frame in track and the one after the last; (0, 0) where there is none."""
    frames = np.flatnonzero(seen)
    return (int(frames[0]), int(frames[-1]) + 1) if len(frames) else (0, 0)


def _rows(array: NDArray[Any], rows: list[tuple[int, slice]]) -> NDArray[Any]:
    """Return (N, ...) of (P, T, ...): everyone's own frames."""
    return np.concatenate([array[person, frames] for person, frames in rows] or [array.reshape(-1, *array.shape[2:])])


def _shrunk(values: NDArray[np.floating]) -> tuple[NDArray[np.int16], float]:
    """Return int16 numbers and what one of them is worth: the largest uses them up."""
    unit = max(float(np.abs(values).max(initial=0.0)), 1e-6) / _WHOLE
    return np.rint(values / unit).astype("<i2"), unit


def _skeleton(names: tuple[str, ...]) -> dict[str, Any]:
    skeleton = Skeleton(names, tuple(joints.LIMBS), tuple(joints.SIDES))
    return {
        "joints": list(names),
        "limbs": [list(limb) for limb in skeleton.limbs],
        "sides": list(skeleton.sides),
        "limb_sides": [skeleton.limb_side(limb) for limb in skeleton.limbs],
        "radii": [skeleton.radius(joint) for joint in range(len(names))],
    }


def _people(pose: Pose3D, spans: list[tuple[int, int]]) -> list[dict[str, Any]]:
    people, row = [], 0
    for index, (first, end) in enumerate(spans):
        colors = person_colors(index)
        lines = {
            theme: {side: _hex(oklch(light, chroma, colors.hue)) for side, (light, chroma) in tints.items()}
            for theme, tints in _LINES.items()
        }
        people.append(
            {
                "label": str(int(pose.people[index])),
                "first": first,
                "count": end - first,
                "row": row,
                "body": {side: _hex(color) for side, color in colors.base.items()},
                "mark": _hex(colors.label),
                "lines": lines,
            }
        )
        row += end - first
    return people


def _hex(color: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
