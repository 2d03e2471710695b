"""Files that tell of a camera: words of ours in TOML, JSON or YAML, or a calibration as OpenCV and ROS write it.

What is taken of a calibration, under whatever of these names:

    camera_matrix, Camera_Matrix, cameraMatrix, K, mtx       3x3: fx 0 cx, 0 fy cy, 0 0 1
    distortion_coefficients, dist_coeffs, distCoeffs, D, ... OpenCV's k1, k2, p1, p2, k3, ...
    image_width and image_height, width and height           of the pictures it was made with
    distortion_model                                         plumb_bob or rational_polynomial

`pitch`, `roll` and `up` may stand beside them; everything else in such a file (errors, dates, views) is passed over.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline import reading
from pipeline.errors import PipelineError

_MATRIX = ("camera_matrix", "Camera_Matrix", "cameraMatrix", "camera_Matrix", "K", "mtx")
_DISTORTION = (
    "distortion_coefficients", "Distortion_Coefficients", "distortion_Coefficients", "dist_coeffs", "distCoeffs",
    "dist_coefs", "dist", "D", "d", "distortion",
)  # fmt: skip
_SIZES = (("image_width", "image_height"), ("image_Width", "image_Height"), ("width", "height"))
_MODELS = ("plumb_bob", "rational_polynomial")
_OURS = ("pitch", "roll", "up")
_OPENCV_TAG = "tag:yaml.org,2002:opencv-matrix"


def read_calibration(path: Path) -> dict[str, Any]:
    """Return the words of a file, as `pipeline.camera` takes them.

    Raises:
        PipelineError: no such file, no such form, a matrix that is none, or a lens of another model.
    """
    read: Callable[[str], Any] = _READERS.get(path.suffix.lower(), tomllib.loads)
    try:
        if not path.is_file():  # raises where a name is longer than names may be
            raise PipelineError(f"camera {path}: not `level`, no name=number, no file; try --camera pitch=20,roll=0")
        told = read(reading.read_text(path, reading.LARGEST_TOML_BYTES))
        if not isinstance(told, dict):
            raise ValueError("names with values wanted")
        reading.refuse_giants(told)
        return _words(told, path)
    except (OSError, ValueError, TypeError, OverflowError, RecursionError) as error:
        problem = " ".join(str(error).split())[:200]
        raise PipelineError(f"{path}: cannot be read as a camera ({problem})") from error


def _words(told: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return a calibration as words of ours; a file without a matrix holds such words itself."""
    name = _first(told, _MATRIX)
    if name is None:
        return dict(told)
    model = str(told.get("distortion_model", _MODELS[0])).strip()
    if (model and model not in _MODELS) or _truth(told.get("fisheye_model")):
        other = model if model not in _MODELS else "fisheye"
        known = ", ".join(_MODELS)
        raise PipelineError(f"{path}: a lens of the model {other}; calibrate with OpenCV's calibrateCamera ({known})")
    numbers = _numbers(told[name])
    if len(numbers) != 9 or any(abs(numbers[k]) > 1e-6 for k in (1, 3, 6, 7)) or abs(numbers[8] - 1) > 1e-6:
        raise ValueError(f"{name}: fx 0 cx, 0 fy cy, 0 0 1 wanted, got {numbers}")
    words: dict[str, Any] = dict(zip(("fx", "cx", "fy", "cy"), (numbers[k] for k in (0, 2, 4, 5)), strict=True))
    bent = _first(told, _DISTORTION)
    if bent is not None:
        words["distortion"] = _numbers(told[bent])
    for width, height in _SIZES:
        if width in told and height in told:
            words["width"], words["height"] = (int(float(str(told[side]))) for side in (width, height))
            break
    return words | {word: told[word] for word in _OURS if word in told}


def _first(told: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in told), None)


def _truth(value: Any) -> bool:
    return str(value).strip().lower() in ("1", "true")


def _numbers(value: Any) -> list[float]:
    """Return the numbers of a matrix: rows, a flat list, text, or rows, cols and data."""
    if isinstance(value, Mapping):
        return _numbers(value.get("data", ()))
    if isinstance(value, str):
        return [float(word) for word in value.split()]
    if isinstance(value, list | tuple):
        return [
            number for part in value for number in (_numbers(part) if isinstance(part, list | tuple) else [float(part)])
        ]
    raise ValueError(f"a matrix wanted, got {value!r}")


def _read_yaml(text: str) -> Any:
    """Return what YAML holds, also OpenCV's, whose first line is none and whose matrices have a tag of their own."""
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # without types of its own
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):  # a few lines of them unfold to a billion numbers
                raise ValueError("a value that stands for another one (*name); write it out")
            return super().compose_node(parent, index)

    Loader.add_constructor(_OPENCV_TAG, lambda loader, node: loader.construct_mapping(node, deep=True))
    first, _, rest = text.partition("\n")
    try:
        return Loader(rest if first.startswith("%YAML:") else text).get_single_data()
    except (yaml.YAMLError, LookupError, AttributeError) as error:  # PyYAML's own at values of no right form
        raise ValueError(f"no YAML: {error}") from error


def _read_xml(text: str) -> dict[str, Any]:
    """Return the entries of OpenCV's XML storage; a matrix as its parts."""
    from defusedxml.ElementTree import ParseError, fromstring

    entries: dict[str, Any] = {}
    try:
        root = fromstring(text, forbid_dtd=True)
    except ParseError as error:
        raise ValueError(f"no XML: {error}") from error
    for entry in root:
        entries[entry.tag] = {part.tag: part.text or "" for part in entry} if len(entry) else (entry.text or "").strip()
    return entries


_READERS: dict[str, Callable[[str], Any]] = {
    ".json": json.loads,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".xml": _read_xml,
}
