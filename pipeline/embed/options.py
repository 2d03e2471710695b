"""The options of `run` and `lift` for type checkers: names and types only.

`pipeline.settings` has their meaning, defaults and checks; a test holds these to it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

File = str | Path


class LiftOptions(TypedDict, total=False):
    """What decides how key points become poses; see `pipeline.settings.RunSettings`."""

    adapter: File
    lifter: File
    lift_mode: str
    hold_bones: bool
    device: str
    person: str | int
    smooth: str
    height: str | float
    camera: File | dict[str, Any]


class RunOptions(LiftOptions, total=False):
    """The flags of `python -m pipeline run`, with _ for -; `config` and `redo` are --config and --from."""

    config: File
    redo: str
    start: str | float
    end: str | float
    every: int
    detector: str
    checkpoint: File
    backend: str
    offline: bool
    cache: File
    pose_model: File
    box_model: File
    keypoints: File
    joints: str
    box_every: int
    batch: int
    flip_test: bool
    max_people: int
    output: File
    render: bool
    reference: File
    path: str
    view: str | float
    max_height: int
    turn_period_s: float
    style: str
    score_faint: float
    show_ids: bool
    show_clock: bool
    quality: str
    crf: int
    preset: str
    codec: str
    format: str
