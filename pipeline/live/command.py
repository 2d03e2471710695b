"""The verb `live`: from the newest frame to the screen, over and over, until somebody ends it."""

from __future__ import annotations

import math
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors import registry
from detectors.base import Detector, People
from lifter.newest import NewestLifter
from pipeline.errors import PipelineError
from pipeline.lens import check_lens
from pipeline.live.crowd import Crowd
from pipeline.live.motion import Moment, Motion
from pipeline.live.newest import Newest, Shot
from pipeline.live.record import Recording, Shown
from pipeline.live.screen import Screen, Window, has_display
from pipeline.live.source import open_source
from pipeline.progress import Console
from pipeline.settings import RunSettings
from pipeline.smooth import OFF
from pipeline.stages import nearness

_SAY_EVERY_S = 5.0
_LONGEST_DELAY = 250
_PARTING_S = 2.0  # for which the source is waited for at the end


@dataclass
class Watch:
    """How late and how full a live run is.

    Attributes:
        latencies: of every frame shown, seconds.
        began: when the first was shown, by `time.monotonic`.
    """

    latencies: list[float] = field(default_factory=list)
    began: float = math.nan

    def note(self, latency_s: float) -> None:
        """Add a frame that is shown now."""
        self.began = time.monotonic() if not self.latencies else self.began
        self.latencies.append(latency_s)

    def line(self, seconds: float, dropped: int) -> str:
        """Return what is written below the picture."""
        recent = 1000 * float(np.median(self.latencies[-25:] or [0.0]))
        return f"{seconds:.1f} s   latency {recent:.0f} ms   {dropped} dropped"

    def summary(self, dropped: int) -> dict[str, Any]:
        """Return the whole run in plain numbers."""
        shown, late = len(self.latencies), 1000 * np.array(self.latencies or [math.nan])
        spent = max(time.monotonic() - self.began, 1e-9)
        return {
            "shown": shown,
            "dropped": dropped,
            "frames_per_second": round((shown - 1) / spent, 2) if shown > 1 else 0.0,
            "latency_ms": {
                name: None if not shown else round(float(value), 1)
                for name, value in (
                    ("median", np.median(late)), ("95 %", np.percentile(late, 95)), ("largest", late.max()),
                )
            },
        }  # fmt: skip


def run_live(
    settings: RunSettings, console: Console, source: str, out: Path | None, seconds: float | None, delay: int,
    show: bool | None,
) -> int:  # fmt: skip
    """Watch a source until it ends, `seconds` are over, the window is closed, or the process is asked to stop.

    Args:
        settings: see `RunSettings`.
        console: lines.
        source, out, seconds, delay, show: see `pipeline.live.flags`.

    Returns:
        0.

    Raises:
        PipelineError, DetectorError, LifterError: told in one line.
    """
    if not 0 <= delay <= _LONGEST_DELAY:
        raise PipelineError(f"--delay: 0 to {_LONGEST_DELAY} frames wanted, got {delay}")
    if seconds is not None and not 0 < seconds < math.inf:
        raise PipelineError(f"--seconds: more than 0 wanted, got {seconds:g}")
    _refuse_what_needs_a_film(settings)
    lifter = NewestLifter(settings.lifter, settings.device)
    lifter.warm_up()  # before the source begins: what waits meanwhile would only be dropped
    opened = open_source(source)
    detector = registry.create(
        settings.detector, replace(settings.options, fps=float(opened.fps), device=settings.device, batch=1)
    )
    check_lens(settings.camera, opened.size)
    run = _Run(settings, detector, lifter, opened.size, delay)
    newest = Newest(opened, seconds)

    def summary() -> dict[str, Any]:
        return {"source": opened.name, "delay": delay, **run.watch.summary(newest.dropped)}

    with ExitStack() as stack:
        recording = None
        if out is not None:
            recording = Recording(out, settings, opened, run.screen.size, tuple(detector.joints), summary)
            stack.enter_context(recording)
        window = _window(show, f"{opened.name} - live", stack)
        stack.enter_context(_ending(newest))
        console.say(f"   live  {opened.name}, {opened.size[0]}x{opened.size[1]}, {float(opened.fps):.4g} frames/s")
        said = -math.inf
        for shown, canvas in run.frames(newest):
            if recording is not None:
                recording.add(shown, canvas)
            if window is not None and not window.show(canvas):
                newest.stop()
            if time.monotonic() - said > _SAY_EVERY_S:
                said = time.monotonic()
                console.say(f"   live  {run.watch.line(shown.seconds, newest.dropped)}")
    _tell(console, summary(), out)
    for warning in opened.warnings:
        console.warn(f"{opened.name}: {warning}")
    return 0


def _refuse_what_needs_a_film(settings: RunSettings) -> None:
    """Raise PipelineError for settings, of a settings file, that a live run cannot follow."""
    asked = {
        "start, end and every": not settings.cut.whole,
        "smooth": settings.smooth != OFF,
        "reference": settings.reference is not None,
        "format": settings.encoder.format != "mp4",
        "batch": settings.options.batch not in (None, 1),
    }
    for name in [name for name, given in asked.items() if given]:
        raise PipelineError(f"{name}: for films that are there as a whole, not for live; leave it out")


class _Run:
    """The way of a frame from the source to what is shown.

    Attributes:
        screen: paints.
        watch: how late it is.
    """

    def __init__(
        self, settings: RunSettings, detector: Detector, lifter: NewestLifter, size: tuple[int, int], delay: int
    ) -> None:
        self._settings, self._detector, self._delay, self._size = settings, detector, delay, size
        self._crowd = Crowd()
        self._motion = Motion(settings, lifter, tuple(detector.joints), size)
        self.screen = Screen(settings.look, size)
        self.watch = Watch()

    def frames(self, newest: Newest) -> Iterator[tuple[Shown, NDArray[np.uint8]]]:
        """Yield every frame that is shown, with its canvas (which the next one is painted over)."""
        taken: deque[Shot] = deque()  # a detector may look at frames ahead of what it yields

        def pictures() -> Iterator[NDArray[np.uint8]]:
            for shot in newest:
                taken.append(shot)
                yield shot.picture

        held: deque[tuple[Shot, People, dict[int, int], Moment]] = deque()
        for found in self._detector(pictures()):
            shot = taken.popleft()
            rows = self._chosen(self._crowd.join(shot.seconds, found), found)
            moment = self._motion.see(
                shot.seconds, {number: (found.keypoints[row], found.scores[row]) for number, row in rows.items()}
            )
            held.append((shot, found, rows, moment))
            if len(held) > self._delay:
                yield self._show(*held.popleft(), newest.dropped)
        while held:
            yield self._show(*held.popleft(), newest.dropped)

    def _show(
        self, shot: Shot, found: People, rows: dict[int, int], moment: Moment, dropped: int
    ) -> tuple[Shown, NDArray[np.uint8]]:
        posed = self._motion.pose(moment)
        canvas = self.screen.paint(shot.picture, posed, shot.seconds, self.watch.line(shot.seconds, dropped))
        latency = time.monotonic() - shot.arrived
        self.watch.note(latency)
        return Shown(shot.index, shot.seconds, latency, rows, found, posed), canvas

    def _chosen(self, rows: dict[int, int], found: People) -> dict[int, int]:
        """Return those who are asked for: all, the largest or most central of this frame, or one by number."""
        person = self._settings.person
        if person == "all" or not rows:
            return rows
        if person in ("largest", "center"):
            sides = found.boxes[:, 2:] - found.boxes[:, :2]
            share = np.prod(sides, axis=1) if person == "largest" else nearness(found.boxes, self._size)
            number = max(rows, key=lambda one: float(share[rows[one]]))
            return {number: rows[number]}
        return {number: row for number, row in rows.items() if number == int(person)}


@contextmanager
def _ending(newest: Newest) -> Iterator[None]:
    """Let the first request to stop end the run as its source would; the second one stops at once."""
    before: dict[int, Any] = {}

    def end(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, before[number])
        newest.stop()

    for which in (signal.SIGINT, signal.SIGTERM):
        before[which] = signal.signal(which, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        newest.stop()
        newest.wait(_PARTING_S)


def _window(show: bool | None, title: str, stack: ExitStack) -> Window | None:
    """Open a window where one is asked for, or nobody said and there is a display."""
    if not (has_display() if show is None else show):
        return None
    window = Window(title)
    stack.callback(window.close)
    return window


def _tell(console: Console, summary: dict[str, Any], out: Path | None) -> None:
    shown, dropped, late = summary["shown"], summary["dropped"], summary["latency_ms"]
    share = dropped / max(shown + dropped, 1)
    line = f"   live  {shown} frames shown, {dropped} dropped ({share:.0%}), {summary['frames_per_second']} frames/s"
    if shown:
        line += f", latency {late['median']:.0f} ms, 95 % within {late['95 %']:.0f} ms"
    console.say(line + (f"  -> {out}" if out and shown else ""))
