"""The settings of a run: each field with a sentence; `--config FILE` (TOML) and flags change the defaults."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from detectors.base import DetectorOptions
from pipeline.errors import PipelineError
from render.settings import RenderSettings

STAGES = ("detect", "lift", "render")
PATH_FIELDS = frozenset({"checkpoint", "cache", "pose_model", "box_model", "keypoints", "output"})
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
NOT_SET = ("options", "look", "encoder", "fps")  # made from other settings
TABLES = ("detector", "lifter", "render")


@dataclass(frozen=True)
class EncoderSettings:
    """How the film is compressed.

    Attributes:
        crf: H.264 quality, 0 (lossless) to 51; lower is better and larger.
        preset: H.264 speed, "ultrafast" to "veryslow".
    """

    crf: int = 20
    preset: str = "veryfast"

    def __post_init__(self) -> None:
        if not 0 <= self.crf <= 51:
            raise ValueError(f"crf: 0 to 51 wanted, got {self.crf}")
        if self.preset not in PRESETS:
            raise ValueError(f"preset: one of {', '.join(PRESETS)} wanted, got {self.preset!r}")


@dataclass(frozen=True)
class RunSettings:
    """What a run does.

    Attributes:
        detector: name of a 2D detector (`python -m pipeline detectors` lists them).
        options: what the detector is built from.
        lifter: name of a shipped lifter, or a safetensors file.
        device: auto, cpu or cuda, for detector and lifter.
        person: "all", "largest", or the number of a person as the film shows it.
        output: folder that holds a folder a film.
        render: make the film.
        look: how the film looks.
        encoder: how the film is compressed.
    """

    detector: str = "mediapipe"
    options: DetectorOptions = field(default_factory=DetectorOptions)
    lifter: str = "ugcn"
    device: str = "auto"
    person: str = "all"
    output: Path = Path("runs")
    render: bool = True
    look: RenderSettings = field(default_factory=RenderSettings)
    encoder: EncoderSettings = field(default_factory=EncoderSettings)

    def __post_init__(self) -> None:
        if self.person not in ("all", "largest") and not (self.person.isdigit() and int(self.person) >= 1):
            raise ValueError(f"person: all, largest or a number from 1 wanted, got {self.person!r}")
        if self.device not in ("auto", "cpu", "cuda"):
            raise ValueError(f"device: auto, cpu or cuda wanted, got {self.device!r}")


def read_config(path: Path) -> dict[str, Any]:
    """Read a TOML file into flat settings, as `resolve` takes them.

    Tables: `[detector]` (`name` and the options), `[lifter]` (`name`), `[render]` (the film); the rest at the top.

    Raises:
        PipelineError: no TOML, or a table that is none of these.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PipelineError(f"{path}: cannot be read as settings ({error})") from error
    flat: dict[str, Any] = {}
    for name, value in data.items():
        if name in TABLES and isinstance(value, dict):
            flat |= {
                ("detector" if name == "detector" else "lifter") if k == "name" else k: v for k, v in value.items()
            }
        else:
            flat[name] = value
    return flat


def resolve(values: dict[str, Any]) -> RunSettings:
    """Build the settings from flat names, each going to where it belongs; None keeps the default.

    Raises:
        PipelineError: an unknown name or a value out of range.
    """
    given = {name: _typed(name, value) for name, value in values.items() if value is not None}
    parts: dict[type, dict[str, Any]] = {
        kind: {} for kind in (RunSettings, DetectorOptions, RenderSettings, EncoderSettings)
    }
    for name, value in given.items():
        homes = [kind for kind in parts if any(f.name == name for f in fields(kind))]
        if not homes or name in NOT_SET:
            raise PipelineError(f"setting {name!r}: unknown; see `python -m pipeline run --help`")
        for kind in homes:  # `device` belongs to the run and to the detector
            parts[kind][name] = value
    try:
        return RunSettings(
            **parts[RunSettings],
            options=DetectorOptions(**parts[DetectorOptions]),
            look=RenderSettings(**parts[RenderSettings]),
            encoder=EncoderSettings(**parts[EncoderSettings]),
        )
    except (TypeError, ValueError) as error:
        raise PipelineError(f"setting {error}") from error


def _typed(name: str, value: Any) -> Any:
    """Paths come as text from TOML; numbers must be numbers."""
    if name in PATH_FIELDS:
        return Path(value).expanduser()
    if name in ("person", "view"):
        return str(value)
    return value
