"""The settings of a run: each field with a sentence; `--config FILE` (TOML) and flags change the defaults."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from detectors.base import DetectorOptions
from pipeline.camera import Camera, read_camera
from pipeline.cut import Cut, read_time
from pipeline.errors import PipelineError
from pipeline.height import read_heights
from pipeline.reading import NO_TOML, read_toml
from pipeline.smooth import OFF, read_smooth
from render.settings import RenderSettings

FORMAT = 1  # of settings files; `format = 1` may stand in them, and goes without saying
NUMBER = re.compile("[1-9][0-9]{0,5}")
PEOPLE = ("all", "largest", "center")
STAGES = ("detect", "lift", "render")
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
QUALITIES = {"draft": (26, "ultrafast"), "good": (20, "veryfast"), "fine": (17, "slow")}  # crf and preset
FORMATS = ("mp4", "webm", "gif", "png")
CODECS = ("x264", "auto", "nvenc", "qsv", "amf", "videotoolbox")


@dataclass(frozen=True)
class EncoderSettings:
    """How the film is compressed.

    Attributes:
        quality: "draft" (quick), "good", or "fine" (slow); it decides what of crf and preset is not given.
        crf: H.264 quality, 0 (lossless) to 51; lower is better and larger.
        preset: H.264 speed, "ultrafast" to "veryslow".
        format: "mp4", "webm", "gif", or "png" for a folder of pictures.
        codec: who encodes an MP4: "x264"; a graphics card by "nvenc", "qsv", "amf" or "videotoolbox"; "auto" takes a
            card where one works, else x264.
    """

    quality: str = "good"
    crf: int | None = None
    preset: str | None = None
    codec: str = "x264"
    format: str = "mp4"

    def __post_init__(self) -> None:
        if self.quality not in QUALITIES:
            raise ValueError(f"quality: one of {', '.join(QUALITIES)} wanted, got {self.quality!r}")
        if self.crf is not None and not 0 <= self.crf <= 51:
            raise ValueError(f"crf: 0 to 51 wanted, got {self.crf}")
        if self.preset is not None and self.preset not in PRESETS:
            raise ValueError(f"preset: one of {', '.join(PRESETS)} wanted, got {self.preset!r}")
        if self.format not in FORMATS:
            raise ValueError(f"format: one of {', '.join(FORMATS)} wanted, got {self.format!r}")
        if self.codec not in CODECS:
            raise ValueError(f"codec: one of {', '.join(CODECS)} wanted, got {self.codec!r}")

    def used(self) -> tuple[int, str]:
        """Return crf and preset as they come out."""
        crf, preset = QUALITIES[self.quality]
        return crf if self.crf is None else self.crf, self.preset or preset


@dataclass(frozen=True)
class RunSettings:
    """What a run does.

    Attributes:
        start: the time of the film to begin with: seconds, or as 1:05 or 1:02:03.5; None is its beginning.
        end: the time before which to end, likewise; None is its end.
        every: take every so many frames.
        detector: name of a 2D detector (`python -m pipeline detectors` lists them).
        options: what the detector is built from.
        adapter: how joints become Human3.6M's: "rules", "learned", or a file made by `python -m pipeline.learned`.
        lifter: name of a shipped lifter, or a safetensors file.
        lift_mode: "windows" averages overlapping windows, as the paper; "sequence" goes over the film once.
        hold_bones: give every bone of a person one length over the film.
        device: auto, cpu or cuda, for detector and lifter.
        person: "all", "largest", "center" (nearest the picture's middle), or the number of a person as the film
            shows it.
        smooth: "off", "savgol" or "savgol=SECONDS", the filter's window (`pipeline.smooth`).
        height: how tall people stand, metres: one number, or by person as 1=1.82,2=1.65; None is unknown.
        camera: what is known of the film's camera; the rest is estimated.
        output: folder that holds a folder a film.
        render: make the film.
        reference: a file of true poses to compare with (`pipeline.reference`).
        path: "on" lets people walk through the film's room as they were seen to; "off" keeps each at one place.
        look: how the film looks.
        encoder: how the film is compressed.
    """

    start: str | None = None
    end: str | None = None
    every: int = 1
    detector: str = "mediapipe"
    options: DetectorOptions = field(default_factory=DetectorOptions)
    adapter: str = "rules"
    lifter: str = "ugcn"
    lift_mode: str = "windows"
    hold_bones: bool = True
    device: str = "auto"
    person: str = "all"
    smooth: str = OFF
    height: str | None = None
    camera: Camera = field(default_factory=Camera)
    output: Path = Path("runs")
    render: bool = True
    reference: Path | None = None
    path: str = "on"
    look: RenderSettings = field(default_factory=RenderSettings)
    encoder: EncoderSettings = field(default_factory=EncoderSettings)

    def __post_init__(self) -> None:
        if self.person not in PEOPLE and not NUMBER.fullmatch(self.person):
            raise ValueError(f"person: {', '.join(PEOPLE)} or a number from 1 wanted, got {self.person!r}")
        self.cut  # noqa: B018 - refuses wrong times
        read_heights(self.height)
        read_smooth(self.smooth)
        if self.lift_mode not in ("windows", "sequence"):
            raise ValueError(f"lift_mode: windows or sequence wanted, got {self.lift_mode!r}")
        if self.path not in ("on", "off"):
            raise ValueError(f"path: on or off wanted, got {self.path!r}")
        if self.device not in ("auto", "cpu", "cuda"):
            raise ValueError(f"device: auto, cpu or cuda wanted, got {self.device!r}")

    @property
    def cut(self) -> Cut:
        """The part of the film that is taken.

        Raises:
            ValueError: times that are none, or in the wrong order.
        """
        end_s = math.inf if self.end is None else _seconds("end", self.end)
        return Cut(0.0 if self.start is None else _seconds("start", self.start), end_s, self.every)


def _seconds(name: str, text: str) -> float:
    try:
        return read_time(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def read_config(path: Path) -> dict[str, Any]:
    """Read a TOML file into flat settings, as `resolve` takes them.

    Tables: `[detector]` (`name` and the detector's options), `[lifter]` (`name`, `adapter`, `lift_mode`,
    `hold_bones`, `smooth`), `[render]` (look and encoding), `[camera]` (`pipeline.camera`); `person`, `device`,
    `output`, `start`, `end`, `every`, `render = true|false` and `camera = "level"` stand at the top.

    Raises:
        PipelineError: no TOML, or a setting that does not belong where it stands.
    """
    try:
        data = read_toml(path)
    except NO_TOML as error:
        raise PipelineError(f"{path}: cannot be read as settings ({error}); name a TOML file") from error
    if (number := data.pop("format", FORMAT)) != FORMAT or type(number) is not int:
        raise PipelineError(f"{path}: settings of format {number!r:.40}, this release reads {FORMAT}; update it")
    flat: dict[str, Any] = {}
    for name, value in data.items():
        table = TABLES.get(name, ()) if isinstance(value, dict) else ()
        for inner, setting in value.items() if table else ():
            if inner not in table:
                raise PipelineError(f"{path}: [{name}] {inner}: unknown; known are {', '.join(table)}")
            flat[name if inner == "name" else inner] = setting
        if not table:
            if name not in TOP:
                raise PipelineError(
                    f"{path}: {name}: unknown at the top; known are {', '.join(dict.fromkeys((*TOP, *TABLES)))}"
                )
            flat[name] = value
    return flat


def resolve(values: dict[str, Any]) -> RunSettings:
    """Build the settings from flat names, each going to where it belongs; None keeps the default.

    Raises:
        PipelineError: an unknown name, or a value of the wrong type or out of range.
    """
    parts: dict[type, dict[str, Any]] = {kind: {} for kind in KINDS}
    for name, value in values.items():
        if name == "camera":
            parts[RunSettings][name] = _camera(value)
            continue
        home = next((kind for kind in KINDS if name in _names(kind)), None)
        if home is None:
            raise PipelineError(f"setting {name!r}: unknown; see `python -m pipeline run --help`")
        if value is not None:
            parts[home][name] = _typed(name, value, get_type_hints(home)[name])
    try:
        return RunSettings(
            **parts[RunSettings],
            options=DetectorOptions(**parts[DetectorOptions]),
            look=RenderSettings(**parts[RenderSettings]),
            encoder=EncoderSettings(**parts[EncoderSettings]),
        )
    except ValueError as error:
        raise PipelineError(f"setting {error}") from error


def _camera(value: Any) -> Camera:
    if value is not None and not isinstance(value, str | dict):
        raise PipelineError(f"setting camera: words or a [camera] table wanted, got {value!r}")
    return Camera() if value is None else read_camera(value)


def _names(kind: type) -> tuple[str, ...]:
    """Return the settings of a dataclass that a user may set."""
    return tuple(item.name for item in fields(kind) if item.name not in ("options", "look", "encoder", "camera", "fps"))


def _typed(name: str, value: Any, hint: Any) -> Any:
    """Return the value as the field's type; paths come as text, numbers of people and degrees as numbers.

    Raises:
        PipelineError: it is of another type.
    """
    if "\0" in str(value) or value == "":
        raise PipelineError(f"setting {name}: empty, or holds a character that no name can hold")
    wanted = next(kind for kind in (Path, bool, int, float, str) if hint is kind or kind in get_args(hint))
    if wanted is Path and isinstance(value, str | Path) and str(value):
        return Path(value).expanduser() if str(value).startswith("~/") else Path(value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is str and name in ("person", "view", "height", "start", "end") and number:
        return str(value)
    if wanted is float and number:
        return float(value)
    if type(value) is not wanted:
        raise PipelineError(f"setting {name}: {wanted.__name__.lower()} wanted, got {value!r}")
    return value


KINDS: tuple[type, ...] = (RunSettings, DetectorOptions, RenderSettings, EncoderSettings)
TOP = ("start", "end", "every", "person", "height", "camera", "device", "output", "render", "reference")
# Which settings stand in which table of a settings file.
TABLES: dict[str, tuple[str, ...]] = {
    "detector": ("name", *(name for name in _names(DetectorOptions) if name != "device")),
    "lifter": ("name", "adapter", "lift_mode", "hold_bones", "smooth"),
    "render": ("path", *_names(RenderSettings), *_names(EncoderSettings)),
}
