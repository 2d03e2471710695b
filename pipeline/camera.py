"""What a user knows of the camera (`--camera`): how it was held, and how wide it sees. The rest is estimated.

Three ways to say it, with the same words:

    --camera level                          neither pitched nor rolled
    --camera pitch=20,roll=0,fov=60         degrees; any of them may be left out
    --camera camera.toml                    a file of such words, one a line; as `[camera]` in a settings file

    pitch       degrees that the camera looks down; negative looks up
    roll        degrees that the camera is turned clockwise, so that upright things lean to the picture's left
    up          [x, y, z] against gravity in camera axes (x right, y down, z away), instead of pitch and roll
    fov         degrees across the picture's larger side
    focal_px    focal length in pixels of the upright film, instead of fov; or, from a calibration, fx and fy
    cx, cy      pixels, where the optical axis meets the picture (its middle unless given)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.names import from_home
from pipeline.reading import NO_TOML, read_toml

_GUESS = 1.2  # focal length guessed for an unknown camera, in larger sides of the picture
_LEVEL = {"pitch": 0.0, "roll": 0.0}
# The least and the largest number that each word takes.
_RANGES = {
    "pitch": (-90.0, 90.0), "roll": (-180.0, 180.0), "fov": (1.0, 175.0), "focal_px": (1.0, 1e6),
    "fx": (1.0, 1e6), "fy": (1.0, 1e6), "cx": (-1e5, 1e5), "cy": (-1e5, 1e5),
}  # fmt: skip
_SQUARE = 1.05  # fx and fy of square pixels agree within this factor


@dataclass(frozen=True)
class Camera:
    """What is known of a camera; None is unknown.

    Attributes:
        pitch: degrees that it looks down.
        roll: degrees that it is turned clockwise.
        fov: degrees that it sees across the picture's larger side.
        focal: focal length, pixels of the upright film.
        centre: (x, y) pixels where the optical axis meets the picture.
    """

    pitch: float | None = None
    roll: float | None = None
    fov: float | None = None
    focal: float | None = None
    centre: tuple[float, float] | None = None

    @property
    def tilt(self) -> tuple[float | None, float | None]:
        """What decides which way is up."""
        return self.pitch, self.roll

    @property
    def lens(self) -> tuple[float | None, float | None, tuple[float, float] | None]:
        """What decides where in space a pixel lies."""
        return self.fov, self.focal, self.centre

    @property
    def up(self) -> tuple[float, float, float] | None:
        """The unit vector against gravity in camera axes; None unless both pitch and roll are known."""
        return None if self.pitch is None or self.roll is None else up_of(self.pitch, self.roll)

    def focal_px(self, picture_size: tuple[int, int]) -> float:
        """Return the focal length for a picture (W, H), pixels; guessed where it is unknown."""
        larger = max(picture_size)
        if self.focal is not None:
            return self.focal
        return _GUESS * larger if self.fov is None else larger / 2 / math.tan(math.radians(self.fov) / 2)

    def centre_px(self, picture_size: tuple[int, int]) -> tuple[float, float]:
        """Return where the optical axis meets a picture (W, H), pixels."""
        return self.centre or (picture_size[0] / 2, picture_size[1] / 2)

    def hold(self, up: Sequence[float]) -> tuple[float, float, float]:
        """Return an estimated up with what is known of pitch and roll put in its place."""
        pitch, roll = pitch_and_roll(up)
        return up_of(pitch if self.pitch is None else self.pitch, roll if self.roll is None else self.roll)


def up_of(pitch: float, roll: float) -> tuple[float, float, float]:
    """Return the unit vector against gravity in the axes of a camera pitched down and rolled clockwise by degrees."""
    p, r = math.radians(pitch), math.radians(roll)
    return (-math.cos(p) * math.sin(r), -math.cos(p) * math.cos(r), -math.sin(p))


def pitch_and_roll(up: Sequence[float]) -> tuple[float, float]:
    """Inverse of `up_of`; a camera that looks straight down or up has roll 0."""
    x, y, z = (part / math.hypot(*up) for part in up)
    flat = math.hypot(x, y)
    return math.degrees(math.atan2(-z, flat)), math.degrees(math.atan2(-x, -y)) if flat > 1e-9 else 0.0


def read_camera(said: str | Path | Mapping[str, Any]) -> Camera:
    """Read what a user says of the camera: words, a file of them, or a table of a settings file.

    Raises:
        PipelineError: an unknown word, a number out of range, words that contradict each other, or no such file.
    """
    if isinstance(said, Mapping):
        return _camera(said, "camera")
    text = str(said).strip()
    if text == "level":
        return _camera(_LEVEL, "camera")
    if "=" not in text:
        return _camera(_read_file(from_home(text)), text)
    words: dict[str, Any] = {}
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name in words:
            raise PipelineError(f"camera: {name} is given twice")
        try:
            words[name] = float(value)
        except ValueError as error:
            raise PipelineError(f"camera: {part.strip()!r}: name=number wanted, such as pitch=20,roll=0") from error
    return _camera(words, "camera")


def known_lens(lens: Any) -> Camera:
    """Return the camera of a `Camera.lens` that a file tells; nothing is known where it is not of that form."""
    try:
        fov, focal, centre = lens
        told = {"fov": fov, "focal_px": focal} | (dict(zip(("cx", "cy"), centre, strict=True)) if centre else {})
        return _camera({name: value for name, value in told.items() if value is not None}, "lens")
    except (PipelineError, TypeError, ValueError):
        return Camera()


def _read_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise PipelineError(f"camera {path}: not `level`, no name=number, no file; try --camera pitch=20,roll=0")
    try:
        return read_toml(path)
    except NO_TOML as error:
        raise PipelineError(f"{path}: cannot be read as a camera ({error})") from error


def _camera(words: Mapping[str, Any], where: str) -> Camera:
    """Check the words and turn them into a camera; `where` begins every complaint."""
    given = {name: _number(name, value, where) for name, value in words.items() if name != "up"}
    pairs = [("up", "pitch"), ("up", "roll"), ("fov", "focal_px"), ("fov", "fx"), ("focal_px", "fx")]
    for one, other in pairs:
        if one in words and other in words:
            raise PipelineError(f"{where}: {one} and {other} say the same thing; give one of them")
    for one, other in (("fx", "fy"), ("cx", "cy")):
        if (one in given) != (other in given):
            raise PipelineError(f"{where}: {one} and {other} belong together")
    if "up" in words:
        given["pitch"], given["roll"] = _tilt(words["up"], where)
    focal = given.get("focal_px")
    if "fx" in given:
        fx, fy = given["fx"], given["fy"]
        if not 1 / _SQUARE < fx / fy < _SQUARE:
            raise PipelineError(f"{where}: fx {fx:g} and fy {fy:g} differ; films are read with square pixels")
        focal = (fx + fy) / 2
    centre = (given["cx"], given["cy"]) if "cx" in given else None
    return Camera(given.get("pitch"), given.get("roll"), given.get("fov"), focal, centre)


def _number(name: str, value: Any, where: str) -> float:
    if name not in _RANGES:
        raise PipelineError(f"{where}: {name!r} is unknown; known are {', '.join((*_RANGES, 'up'))}")
    low, high = _RANGES[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise PipelineError(f"{where}: {name}: a number from {low:g} to {high:g} wanted, got {value!r}")
    return float(value)


def _tilt(up: Any, where: str) -> tuple[float, float]:
    """Return pitch and roll of an up that a user gives."""
    numbers = isinstance(up, list) and len(up) == 3 and all(type(part) in (int, float) for part in up)
    if not numbers or not all(math.isfinite(part) for part in up) or math.hypot(*up) < 1e-6:
        raise PipelineError(f"{where}: up: three numbers wanted that are not all zero, got {up!r}")
    return pitch_and_roll((float(up[0]), float(up[1]), float(up[2])))
