"""What a user knows of the camera (`--camera`): how it was held, and how wide it sees. The rest is estimated.

Three ways to say it, with the same words:

    --camera level                          neither pitched nor rolled
    --camera pitch=20,roll=0,fov=60         degrees; any of them may be left out
    --camera camera.toml                    a file of such words, TOML, JSON or YAML; as `[camera]` in a settings file;
                                            or a calibration as OpenCV or ROS writes it (`pipeline.calibration`)

    pitch       degrees that the camera looks down; negative looks up
    roll        degrees that the camera is turned clockwise, so that upright things lean to the picture's left
    up          [x, y, z] against gravity in camera axes (x right, y down, z away), instead of pitch and roll
    fov         degrees across the picture's larger side
    focal_px    focal length in pixels of the upright film, instead of fov; or, from a calibration, fx and fy
    cx, cy      pixels, where the optical axis meets the picture (its middle unless given)
    distortion  [k1, k2, p1, p2, k3, ...] of OpenCV's model, with fx, fy, cx and cy (`pipeline.lens`)
    width, height   the picture that fx, fy, cx and cy were calibrated with, where it is not as large as the film
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.names import from_home

_GUESS = 1.2  # focal length guessed for an unknown camera, in larger sides of the picture
_LEVEL = {"pitch": 0.0, "roll": 0.0}
# The least and the largest number that each word takes.
_RANGES = {
    "pitch": (-90.0, 90.0), "roll": (-180.0, 180.0), "fov": (1.0, 175.0), "focal_px": (1.0, 1e6),
    "fx": (1.0, 1e6), "fy": (1.0, 1e6), "cx": (-1e5, 1e5), "cy": (-1e5, 1e5),
    "width": (16.0, 1e5), "height": (16.0, 1e5),
}  # fmt: skip
_LISTS = ("up", "distortion")
_SQUARE = 1.05  # fx and fy of square pixels agree within this factor
_COEFFICIENTS = (4, 5, 8, 12, 14)  # numbers of OpenCV's models of distortion


@dataclass(frozen=True)
class Camera:
    """What is known of a camera; None is unknown.

    Attributes:
        pitch: degrees that it looks down.
        roll: degrees that it is turned clockwise.
        fov: degrees that it sees across the picture's larger side.
        focal: focal length, pixels of the upright film, or of the picture `calibrated_at`.
        centre: (x, y) pixels, likewise, where the optical axis meets the picture.
        aspect: fx over fy of a calibration, whose mean `focal` is.
        distortion: OpenCV's coefficients k1, k2, p1, p2, k3, ...; none where the lens bends nothing.
        calibrated_at: (W, H) of the picture that focal and centre belong to; None is the film's.
    """

    pitch: float | None = None
    roll: float | None = None
    fov: float | None = None
    focal: float | None = None
    centre: tuple[float, float] | None = None
    aspect: float = 1.0
    distortion: tuple[float, ...] = ()
    calibrated_at: tuple[int, int] | None = None

    @property
    def tilt(self) -> tuple[float | None, float | None]:
        """What decides which way is up."""
        return self.pitch, self.roll

    @property
    def lens(self) -> tuple[Any, ...]:
        """What decides where in space a pixel lies, as plain values; `of_lens` reads them."""
        more = (self.aspect, self.distortion, self.calibrated_at)
        return (self.fov, self.focal, self.centre) + (() if more == (1.0, (), None) else more)

    @classmethod
    def of_lens(cls, told: Sequence[Any]) -> Camera:
        """Inverse of `lens`, from JSON too; nothing is known of the tilt.

        Raises:
            ValueError, TypeError: not of that form.
        """
        fov, focal, centre, aspect, distortion, size = (*told, 1.0, (), None)[:6] if len(told) == 3 else told
        return cls(
            fov=None if fov is None else float(fov),
            focal=None if focal is None else float(focal),
            centre=(float(centre[0]), float(centre[1])) if centre else None,
            aspect=float(aspect),
            distortion=tuple(float(number) for number in distortion),
            calibrated_at=(int(size[0]), int(size[1])) if size else None,
        )

    @property
    def bends(self) -> bool:
        """Whether pixels are not where a pinhole camera with square pixels would see them (`pipeline.lens`)."""
        return self.aspect != 1 or any(self.distortion)

    @property
    def up(self) -> tuple[float, float, float] | None:
        """The unit vector against gravity in camera axes; None unless both pitch and roll are known."""
        return None if self.pitch is None or self.roll is None else up_of(self.pitch, self.roll)

    def focal_px(self, picture_size: tuple[int, int]) -> float:
        """Return the focal length for a picture (W, H), pixels; guessed where it is unknown."""
        larger = max(picture_size)
        if self.focal is not None:
            return self.focal * self._enlarged(picture_size)
        return _GUESS * larger if self.fov is None else larger / 2 / math.tan(math.radians(self.fov) / 2)

    def centre_px(self, picture_size: tuple[int, int]) -> tuple[float, float]:
        """Return where the optical axis meets a picture (W, H), pixels."""
        if self.centre is None:
            return (picture_size[0] / 2, picture_size[1] / 2)
        # The middle of the first pixel is at 0, so that a picture begins at -0.5.
        scale = self._enlarged(picture_size)
        return ((self.centre[0] + 0.5) * scale - 0.5, (self.centre[1] + 0.5) * scale - 0.5)

    def _enlarged(self, picture_size: tuple[int, int]) -> float:
        """Return how many times as large as the calibration's a picture (W, H) is."""
        return max(picture_size) / max(self.calibrated_at) if self.calibrated_at else 1.0

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
        from pipeline.calibration import read_calibration

        return _camera(read_calibration(from_home(text)), text)
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
        told = Camera.of_lens(lens)
        numbers = [told.fov or 90.0, told.focal or 1.0, told.aspect, *(told.centre or ()), *told.distortion]
        sound = all(math.isfinite(number) for number in numbers) and min(numbers[:3]) > 0 and numbers[0] < 180
        return told if sound and min(told.calibrated_at or (1,)) > 0 else Camera()
    except (TypeError, ValueError, IndexError, OverflowError):
        return Camera()


def _camera(words: Mapping[str, Any], where: str) -> Camera:
    """Check the words and turn them into a camera; `where` begins every complaint."""
    given = {name: _number(name, value, where) for name, value in words.items() if name not in _LISTS}
    pairs = [("up", "pitch"), ("up", "roll"), ("fov", "focal_px"), ("fov", "fx"), ("focal_px", "fx")]
    for one, other in pairs:
        if one in words and other in words:
            raise PipelineError(f"{where}: {one} and {other} say the same thing; give one of them")
    for one, other in (("fx", "fy"), ("cx", "cy"), ("width", "height")):
        if (one in given) != (other in given):
            raise PipelineError(f"{where}: {one} and {other} belong together")
    if "up" in words:
        given["pitch"], given["roll"] = _tilt(words["up"], where)
    for word in ("distortion", "width"):
        if word in words and not {"fx", "cx"} <= set(given):
            raise PipelineError(f"{where}: {word} belongs to a calibration; give fx, fy, cx and cy with it")
    focal, aspect = given.get("focal_px"), 1.0
    if "fx" in given:
        fx, fy = given["fx"], given["fy"]
        if not 1 / _SQUARE < fx / fy < _SQUARE:
            raise PipelineError(f"{where}: fx {fx:g} and fy {fy:g} differ; films are read with square pixels")
        focal, aspect = (fx + fy) / 2, fx / fy
    centre = (given["cx"], given["cy"]) if "cx" in given else None
    size = (int(given["width"]), int(given["height"])) if "width" in given else None
    numbers = _distortion(words["distortion"], where) if "distortion" in words else ()
    return Camera(given.get("pitch"), given.get("roll"), given.get("fov"), focal, centre, aspect, numbers, size)


def _number(name: str, value: Any, where: str) -> float:
    if name not in _RANGES:
        raise PipelineError(f"{where}: {name!r} is unknown; known are {', '.join((*_RANGES, *_LISTS))}")
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


def _distortion(said: Any, where: str) -> tuple[float, ...]:
    """Return OpenCV's coefficients; none where all of them are 0."""
    numbers = isinstance(said, list | tuple) and all(type(part) in (int, float) for part in said)
    if not numbers or len(said) not in (0, *_COEFFICIENTS) or not all(math.isfinite(part) for part in said):
        counts = ", ".join(str(count) for count in _COEFFICIENTS)
        raise PipelineError(
            f"{where}: distortion: a list of {counts} numbers k1, k2, p1, p2, k3, ... wanted, got {said!r}"
        )
    return tuple(float(part) for part in said) if any(said) else ()
