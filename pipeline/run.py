"""The conductor: a film's stages in the order of the data. READ THIS FIRST."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline import store
from pipeline.errors import PipelineError
from pipeline.progress import Console
from pipeline.settings import STAGES, RunSettings
from pipeline.store import RunFolder
from pipeline.video import Clip, probe


@dataclass
class Run:
    """One film on its way through the stages.

    Attributes:
        clip: the film.
        video: the SHA-256 of its content.
        settings: what to do.
        folder: where its files lie.
        console: what the user sees.
        redo: stages that run even where their result is there.
        record: what `run.json` will say, stage by stage.
        warnings: what the user should know about the result.
    """

    clip: Clip
    video: str
    settings: RunSettings
    folder: RunFolder
    console: Console
    redo: tuple[str, ...]
    record: dict[str, Any] = field(default_factory=dict)
    warnings: dict[str, list[str]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)


def run(video: Path, settings: RunSettings, console: Console, verb: str = "run", start: str | None = None) -> RunFolder:
    """Take one film through the stages that `verb` names; what is there and made from the same is kept.

    Args:
        video: the film.
        settings: see `RunSettings`.
        console: bars and lines.
        verb: run, or one stage (detect, lift, render) on what the stage before it left.
        start: with run: redo from this stage on what the stages before it left.

    Returns:
        The folder with everything made.

    Raises:
        PipelineError, DetectorError, LifterError: told in one line.
    """
    clip = probe(video)
    folder = RunFolder(settings.output / clip.path.stem, clip.path.stem)
    folder.create()
    first = verb if verb != "run" else start
    last = verb if verb != "run" else ("render" if settings.render else "lift")
    redo = STAGES[STAGES.index(first) :] if first else ()
    this = Run(clip, store.content_hash(video), settings, folder, console, redo if verb == "run" else ())
    old = folder.read_record()
    this.record = dict(old.get("stages", {})) if old.get("video", {}).get("sha256") == this.video else {}
    this.warnings = {name: list(stage.get("warnings", [])) for name, stage in this.record.items()}

    began = time.perf_counter()
    _detect(this, keep=first not in (None, "detect"))
    if last != "detect":
        _lift(this, keep=first == "render")
    if last == "render":
        _render(this)
    _finish(this, time.perf_counter() - began)
    return folder


def _detect(this: Run, keep: bool) -> None:
    """Frames to tracked 2D poses: pose2d.npz."""
    from detectors import registry

    settings = this.settings
    if keep:
        return _require(this, this.folder.pose2d, "detect")
    made_from = {
        "stage": "detect",
        "video": this.video,
        "detector": settings.detector,
        "options": store.options_made_from(settings.options),
        "beside": registry.companions(settings.options),
        "backend": registry.identity(settings.detector),
    }

    def make(mark: str) -> dict[str, Any]:
        from pipeline.stages import detect

        pose, seen = detect(this.clip, settings, this.console)
        store.save_pose(this.folder.pose2d, pose, **_about(this, mark), detector=settings.detector)
        return {"frames": len(pose.timestamps), "people": len(pose.keypoints), "warnings": seen}

    return _stage(this, "detect", made_from, this.folder.pose2d, make)


def _lift(this: Run, keep: bool) -> None:
    """2D poses to 3D positions: pose3d.npz."""
    from lifter import weights

    if keep:
        return _require(this, this.folder.pose3d, "lift")
    made_from = {
        "stage": "lift",
        "pose2d": store.read_about(this.folder.pose2d, "fingerprint"),
        "lifter": weights.file_hash(weights.find(this.settings.lifter)),
        "person": this.settings.person,
    }

    def make(mark: str) -> dict[str, Any]:
        from pipeline.stages import lift

        pose, notes = lift(store.load_pose2d(this.folder.pose2d), this.clip.size, this.settings, this.console)
        store.save_pose(this.folder.pose3d, pose, **_about(this, mark))
        return {"frames": len(pose.timestamps), "people": len(pose.positions), "warnings": notes}

    return _stage(this, "lift", made_from, this.folder.pose3d, make)


def _render(this: Run) -> None:
    """3D positions and the film's pictures to the film with both."""
    made_from = {
        "stage": "render",
        "pose3d": store.read_about(this.folder.pose3d, "fingerprint"),
        "look": asdict(this.settings.look),
        "encoder": asdict(this.settings.encoder),
    }

    def make(_mark: str) -> dict[str, Any]:
        from pipeline.stages import render

        pose = store.load_pose3d(this.folder.pose3d)
        notes = render(this.clip, pose, this.folder.film, this.settings, this.console)
        sha256 = store.content_hash(this.folder.film)
        return {"frames": len(pose.timestamps), "people": len(pose.positions), "warnings": notes, "sha256": sha256}

    return _stage(this, "render", made_from, this.folder.film, make)


def _stage(this: Run, name: str, made_from: dict[str, Any], file: Path, make: Callable[[str], dict[str, Any]]) -> None:
    """Run a stage unless its result is there, whole and made from the same."""
    mark = store.fingerprint(made_from)
    if name not in this.redo and file.is_file() and _mark_of(this, name, file) == mark:
        this.record.setdefault(name, {"fingerprint": mark, "made_from": made_from})
        return
    began = time.perf_counter()
    result = make(mark)
    seconds = time.perf_counter() - began
    this.warnings[name] = result["warnings"]
    rate = result["frames"] / max(seconds, 1e-9)
    this.record[name] = {"fingerprint": mark, "seconds": round(seconds, 3), "made_from": made_from, **result}
    this.made.append(name)
    people = f"{result['people']} {'person' if result['people'] == 1 else 'people'}"
    this.console.say(f"{name:>7}  {result['frames']} frames, {people}, {seconds:.1f} s, {rate:.1f} frames/s  -> {file}")
    for line in result["warnings"]:
        this.console.warn(f"{this.clip.path.name}: {line}")


def _mark_of(this: Run, name: str, file: Path) -> str:
    """Return the fingerprint a stage's file was made with; a film's stands in run.json, with the film's own hash."""
    if name != "render":
        return store.read_about(file, "fingerprint")
    known = this.record.get("render", {})
    whole = known.get("sha256") == store.content_hash(file)
    return str(known.get("fingerprint", "")) if whole else ""


def _require(this: Run, file: Path, stage: str) -> None:
    """Refuse to go on from a stage whose file is not there or comes from another film."""
    if not file.is_file():
        raise PipelineError(f"{file}: not there; run `python -m pipeline {stage}` on {this.clip.path} first")
    if store.read_about(file, "video") != this.video:
        raise PipelineError(f"{file}: damaged, or made from another film of that name; run {stage} again")


def _about(this: Run, mark: str) -> dict[str, Any]:
    """Return what lies beside the arrays of an npz."""
    rate = this.clip.fps
    return {
        "fingerprint": mark,
        "video": this.video,
        "size": list(this.clip.size),
        "fps": [rate.numerator, rate.denominator],
    }


def _finish(this: Run, seconds: float) -> None:
    """Write run.json and say how it ended."""
    from pipeline.doctor import versions

    if not this.made:
        this.console.say(f"{this.clip.path}: nothing to do, all is up to date in {this.folder.path}")
        return
    this.folder.write_record(
        {
            "format": store.FORMAT,
            "video": {
                "name": this.clip.path.name,
                "sha256": this.video,
                "size": list(this.clip.size),
                "fps": str(this.clip.fps),
            },
            "settings": asdict(this.settings),
            "stages": {name: this.record[name] for name in STAGES if name in this.record},
            "warnings": [line for name in STAGES for line in this.warnings.get(name, [])],
            "seconds": round(seconds, 3),
            "versions": versions(),
        }
    )
