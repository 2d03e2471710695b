"""One film's work: which stages must run, which results are there and made from the same, and what run.json says."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline import store
from pipeline.errors import PipelineError
from pipeline.folder import RunFolder, remove
from pipeline.progress import Console
from pipeline.settings import STAGES, RunSettings
from pipeline.tables import marked
from pipeline.video import Clip, probe


@dataclass(frozen=True)
class Result:
    """What a stage tells when it is done.

    Attributes:
        frames, people: how many it went through.
        warnings: what the user should know.
        repairs: what was changed in the data.
    """

    frames: int
    people: int
    warnings: list[str]
    repairs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Stage:
    """A stage: its name, its file, what its result is made from, and how.

    Attributes:
        version: of our own code; raised by whoever changes what the stage makes.
        made_from: everything else that decides the result, as plain values and paths (which count by content).
        make: writes the file, marked with the fingerprint it is given.
    """

    name: str
    version: int
    file: Callable[[RunFolder], Path]
    made_from: Callable[[Work], dict[str, Any]]
    make: Callable[[Work, str], Result]


@dataclass
class Work:
    """One film on its way through the stages.

    Attributes:
        clip: the film.
        video: the SHA-256 of its content.
        settings: what to do.
        folder: where its files lie.
        console: what the user sees.
        record: what `run.json` says of every stage.
        state: what the file system says of the film, to notice when it is changed meanwhile.
        made: the stages that ran.
    """

    clip: Clip
    video: str
    settings: RunSettings
    folder: RunFolder
    console: Console
    record: dict[str, dict[str, Any]]
    state: tuple[int, ...]
    made: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, video: Path, settings: RunSettings, console: Console) -> Work:
        """Open a film and read what is known of its results.

        Raises:
            PipelineError: no film.
        """
        if set(video.stem) <= {"."}:  # would name a folder outside `output`
            raise PipelineError(f"{video}: no name for a folder can be made of it; rename the film")
        state = _state_of(video)
        clip = probe(video).cut_to(settings.cut)
        folder = RunFolder(settings.output / clip.path.stem, clip.path.stem, settings.encoder.format)
        given = settings.options.keypoints
        if given is not None and given.resolve() in (folder.pose2d.resolve(), folder.pose3d.resolve()):
            raise PipelineError(f"{given}: would be overwritten by what is made of it; choose another --output")
        content = store.content_hash(video)
        old = folder.read_record()
        same = isinstance(old.get("video"), dict) and old["video"].get("sha256") == content
        record = _known(old) if same else {}
        return cls(clip, content, settings, folder, console, record, state)

    def require(self, stage: Stage) -> None:
        """Go on from a stage, with the part of the film that it took.

        Raises:
            PipelineError: its file is not there or comes from another film; with what to run first.
        """
        file = stage.file(self.folder)
        if not file.is_file():
            raise PipelineError(f"{file}: not there; run `python -m pipeline {stage.name}` on {self.clip.path} first")
        if store.read_about(file, "video") != self.video:
            raise PipelineError(f"{file}: damaged, or made from another film of that name; run {stage.name} again")
        self.clip = self.clip.cut_to(store.read_cut(file)[0])

    def do(self, stage: Stage, again: bool = False) -> None:
        """Run a stage; unless `again`, only where its result is not there, whole and made from the same."""
        made_from = {"stage": stage.name, "version": stage.version, **stage.made_from(self)}
        mark, file = store.fingerprint(made_from), stage.file(self.folder)
        if not again and file.exists() and self._mark_of(stage.name, file) == mark:
            return
        began = time.perf_counter()
        result = stage.make(self, mark)
        if _state_of(self.clip.path) != self.state:
            remove(file)
            raise PipelineError(f"{self.clip.path}: was changed while it was read; run again")
        seconds = time.perf_counter() - began
        self.record[stage.name] = {
            "fingerprint": mark,
            "sha256": store.content_hash(file),
            "seconds": round(seconds, 3),
            "made_from": store.told(made_from),
            **asdict(result),
        }
        self.made.append(stage.name)
        # After every stage, so that what a later one's failure leaves is still known.
        self._write_record()
        self._tell(stage.name, result, seconds, file)

    def about(self, mark: str, begins_s: float) -> dict[str, Any]:
        """Return what lies beside the arrays of an npz, whose first frame was shown at `begins_s` of the film."""
        rate, cut = self.clip.fps, self.clip.cut
        return {
            "fingerprint": mark,
            "video": self.video,
            "size": list(self.clip.size),
            "fps": [rate.numerator, rate.denominator],
            "cut": [cut.start_s, cut.end_s, float(cut.every)],
            "begins_s": begins_s,
        }

    def finish(self) -> None:
        """Say so if there was nothing to do."""
        if not self.made:
            self.console.say(f"{self.clip.path}: nothing to do, all is up to date in {self.folder.path}")

    def _mark_of(self, name: str, file: Path) -> str:
        """Return the fingerprint a file was made with: it stands in an npz itself, for a film in run.json."""
        known = self.record.get(name, {})
        if known.get("sha256") == store.content_hash(file):
            return str(known.get("fingerprint", ""))
        # Not the file that run.json knows: an npz counts if it is whole all the same.
        return store.read_mark(file) if file.suffix == ".npz" else ""

    def _tell(self, name: str, result: Result, seconds: float, file: Path) -> None:
        people = f"{result.people} {'person' if result.people == 1 else 'people'}"
        rate = result.frames / max(seconds, 1e-9)
        stage = marked(f"{name:>7}", sys.stdout)
        self.console.say(f"{stage}  {result.frames} frames, {people}, {seconds:.1f} s, {rate:.1f} frames/s  -> {file}")
        for line in result.repairs:
            self.console.say(f"{'':>7}  {line}")
        for line in result.warnings:
            film = "" if self.clip.path.name in line else f"{self.clip.path.name}: "
            self.console.warn(film + line)

    @cached_property
    def _versions(self) -> dict[str, str]:
        """Versions of what decides results: looked up once, as packages' descriptions are long to read."""
        from pipeline.doctor import versions

        return versions()

    def _write_record(self) -> None:
        known = {name: self.record[name] for name in STAGES if name in self.record}
        about = {"name": self.clip.path.name, "sha256": self.video, "size": self.clip.size, "fps": str(self.clip.fps)}
        self.folder.write_record(
            {
                "format": store.FORMAT,
                "video": about,
                "settings": {name: stage["made_from"] for name, stage in known.items()},
                "stages": {name: {k: v for k, v in stage.items() if k != "made_from"} for name, stage in known.items()},
                "warnings": [line for stage in known.values() for line in stage["warnings"]],
                "versions": self._versions,
            }
        )


def _state_of(video: Path) -> tuple[int, ...]:
    """Return device, inode, size and time of change of a file; nothing where there is none."""
    try:
        state = video.stat()
    except OSError:
        return ()
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


def _known(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what a `run.json` says of every stage, as `Work.record` holds it; what is not of that form is left out."""
    stages, settings = record.get("stages"), record.get("settings")
    if not isinstance(stages, dict) or not isinstance(settings, dict):
        return {}
    return {
        name: {**stages[name], "made_from": settings.get(name, {})}
        for name in STAGES
        if isinstance(stages.get(name), dict) and isinstance(stages[name].get("warnings"), list)
    }
