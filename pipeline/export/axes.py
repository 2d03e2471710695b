"""Axes and units of the files: what the room's metres become, and back.

Inside this package every point is in the axes of a room, x right as the camera sees it, y away from it, z up, metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import PipelineError

Doubles = NDArray[np.float64]

PER_METRE = {"m": 1.0, "cm": 100.0, "mm": 1000.0}
# For every choice: where the file's x, y and z point, and the rotation from the room's axes.
_CHOICES: dict[tuple[str, str], tuple[tuple[str, str, str], tuple[tuple[int, int, int], ...]]] = {
    ("room", "z"): (("right", "away", "up"), ((1, 0, 0), (0, 1, 0), (0, 0, 1))),
    ("room", "y"): (("right", "up", "toward"), ((1, 0, 0), (0, 0, 1), (0, -1, 0))),
    ("camera", "-y"): (("right", "down", "away"), ((1, 0, 0), (0, 0, -1), (0, 1, 0))),
    ("mmpose", "z"): (("left", "away", "up"), ((-1, 0, 0), (0, 1, 0), (0, 0, 1))),
}


@dataclass(frozen=True)
class Axes:
    """Where a file's axes point, and its unit of length.

    Attributes:
        kind: room (upright, the floor at 0), camera (as the camera was held, itself at 0) or mmpose (the same turned,
            everyone's lowest joint at 0).
        up: the axis that points up: z or y in a room, -y for a camera, z for mmpose.
        units: m, cm or mm.

    Raises:
        PipelineError: no such axes or units.
    """

    kind: str = "room"
    up: str = "z"
    units: str = "m"

    def __post_init__(self) -> None:
        if (self.kind, self.up) not in _CHOICES:
            raise PipelineError(f"--axes {self.kind} --up {self.up}: a room has y or z up, a camera neither")
        if self.units not in PER_METRE:
            raise PipelineError(f"--units {self.units}: {', '.join(PER_METRE)} are known")

    @property
    def names(self) -> tuple[str, str, str]:
        """Where x, y and z point, as seen by the camera: right, away, up, down, toward."""
        return _CHOICES[self.kind, self.up][0]

    @property
    def matrix(self) -> Doubles:
        """(3, 3), takes the room's axes to the file's."""
        return np.array(_CHOICES[self.kind, self.up][1], np.float64)

    def points(self, room: Doubles) -> Doubles:
        """Return points (..., 3) in the file's axes and units."""
        points: Doubles = room @ self.matrix.T * PER_METRE[self.units]
        return points

    def room(self, points: Doubles) -> Doubles:
        """Inverse of `points`."""
        room: Doubles = points @ self.matrix / PER_METRE[self.units]
        return room

    def turned(self, rotations: Doubles) -> Doubles:
        """Return rotations (..., 3, 3) of the room as rotations of the file's axes."""
        turned: Doubles = self.matrix @ rotations @ self.matrix.T
        return turned

    def told(self) -> dict[str, str]:
        """Return all of it in words, as it stands in and beside the files."""
        return {"axes": self.kind, **dict(zip("xyz", self.names, strict=True)), "up": self.up, "units": self.units}
