"""One film of a batch, done in a process of its own: what goes in, and what comes out whatever happens to it.

Loads nothing heavy by itself: a worker's process says how many threads there are before numpy is loaded.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipeline.batch.films import Film
from pipeline.progress import Console

if TYPE_CHECKING:
    from pipeline.folder import RunFolder
    from pipeline.settings import RunSettings

DONE, KEPT, FAILED, LEFT = "done", "up to date", "failed", "not done"


@dataclass(frozen=True)
class Outcome:
    """What became of a film.

    Attributes:
        state: done; up to date (there was nothing to do); failed; not done (the batch was stopped).
        video, folder: the film and where its files lie.
        frames, people: of the film as far as it was detected.
        seconds: spent on it in this batch.
        stages: the stages that ran.
        error: what went wrong, in one line.
        warnings: what the user should know.
        worker: host and process that did it.
    """

    state: str
    video: str
    folder: str
    frames: int = 0
    people: int = 0
    seconds: float = 0.0
    stages: list[str] = field(default_factory=list)
    error: str = ""
    warnings: list[str] = field(default_factory=list)
    worker: str = ""


def do(film: Film, settings: RunSettings, start: str | None, tell: Callable[[str], object] = lambda _: None) -> Outcome:
    """Take one film through the stages.

    Args:
        film: which, and where to.
        settings: of all films; `output` is the film's own.
        start: redo from this stage.
        tell: now and then takes a line of how far it is.

    Returns:
        How it went: what a user can meet becomes an outcome; what is a bug of ours is raised.
    """
    from detectors.base import DetectorError
    from lifter.errors import LifterError
    from pipeline.errors import PipelineError
    from pipeline.folder import RunFolder
    from pipeline.run import run

    began, folder = time.perf_counter(), RunFolder(film.folder, film.path.stem, settings.encoder.format)
    console, before, error = _Listening(film, tell), _files_of(folder), ""
    try:
        run(film.path, replace(settings, output=film.output), console, start=start)
    except (PipelineError, DetectorError, LifterError) as failure:
        error = str(failure)
    except OSError as failure:  # what no stage foresaw: a disk that goes away, a name too long
        error = f"{failure.filename or 'a file'}: {failure.strerror or failure}"
    except MemoryError:
        error = f"{film.path}: not enough memory; fewer --jobs at once, or a shorter film"
    made = [stage for stage, state in _files_of(folder).items() if state != before.get(stage)]
    detected = {} if error else folder.read_record().get("stages", {}).get("detect", {})
    return Outcome(
        state=FAILED if error else DONE if made else KEPT,
        video=str(film.path),
        folder=str(folder.path),
        frames=int(detected.get("frames", 0)),
        people=int(detected.get("people", 0)),
        seconds=round(time.perf_counter() - began, 3),
        stages=made,
        error=" ".join(error.split()),
        warnings=console.warnings,
        worker=f"{socket.gethostname()}:{os.getpid()}",
    )


def _files_of(folder: RunFolder) -> dict[str, tuple[int, int]]:
    """Return by stage which file is there: each is a new one when its stage has run."""
    files = {"detect": folder.pose2d, "lift": folder.pose3d, "render": folder.film}
    states = {}
    for stage, file in files.items():
        if file.exists():
            state = file.stat()
            states[stage] = (state.st_ino, state.st_mtime_ns)
    return states


class _Listening(Console):
    """Remembers warnings and passes on how far a film is; prints nothing: the lines of many films would mix."""

    def __init__(self, film: Film, tell: Callable[[str], object]) -> None:
        super().__init__(quiet=True)
        self._film, self._tell = film, tell
        self.warnings: list[str] = []

    def note(self, line: str) -> None:
        """Pass a line on, with the film's name."""
        self._tell(f"{self._film.path}: {line.strip()}")

    def warn(self, line: str) -> None:
        """Remember a warning."""
        self.warnings.append(line)
