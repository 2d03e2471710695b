"""A drawn person through the whole pipeline in seconds, and what came out compared with what was drawn."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.doctor.check import BROKEN, OK, Check

if TYPE_CHECKING:
    from pipeline.demo import Errors

SECONDS = 1.2
# Bounds of tests/test_demo.py; found in at least this share of the frames.
MOST_2D_PERCENT, MOST_3D_MM, LEAST_SEEN = 2.5, 90.0, 0.95
_NAME = "self-test"


def self_test() -> Check:
    """Run it in a folder that does not stay."""
    from detectors.base import DetectorError
    from lifter.errors import LifterError
    from pipeline.errors import PipelineError

    began = time.perf_counter()
    try:
        with tempfile.TemporaryDirectory(prefix="motion-lift-") as folder:
            errors, frames = _run(Path(folder))
    except (PipelineError, DetectorError, LifterError, OSError, ImportError, RuntimeError, ValueError) as error:
        told = " ".join(str(error).split()) or type(error).__name__
        return Check(_NAME, BROKEN, told, "see what else fails above; `make setup` installs everything anew")
    spent = time.perf_counter() - began
    return verdict(errors, frames, spent)


def verdict(errors: Errors | None, frames: int, spent_s: float) -> Check:
    """Judge what came out: errors (None where nobody was found), frames in the film that was made."""
    if errors is None:
        return Check(_NAME, BROKEN, "nobody was found in a drawn film", "reinstall mediapipe: see its weights above")
    told = (
        f"found in {errors.seen} of {errors.frames} frames, {errors.flat_percent:.1f} % of the height off in 2D, "
        f"{errors.solid_mm:.0f} mm in 3D, in {spent_s:.0f} s"
    )
    good = (
        errors.flat_percent <= MOST_2D_PERCENT
        and errors.solid_mm <= MOST_3D_MM
        and errors.seen >= LEAST_SEEN * errors.frames
        and frames == errors.frames
    )
    if good:
        return Check(_NAME, OK, told)
    wanted = f"{MOST_2D_PERCENT} %, {MOST_3D_MM:.0f} mm and {errors.frames} frames in the film (it has {frames})"
    return Check(
        _NAME, BROKEN, f"{told}; within {wanted} wanted", "`make setup` installs the versions it was tested with"
    )


def _run(folder: Path) -> tuple[Errors | None, int]:
    """Draw, run, compare; return the errors and how many frames the film has that was made."""
    from pipeline.demo import drawn_film, errors_of, write_drawn
    from pipeline.progress import Console
    from pipeline.run import run
    from pipeline.settings import EncoderSettings, RunSettings
    from pipeline.video import VideoReader, probe

    quiet, film = Console(quiet=True), drawn_film(SECONDS)
    write_drawn(film, folder / "drawn.mp4", quiet)
    settings = replace(RunSettings(), output=folder / "runs", encoder=EncoderSettings(quality="draft"))
    made = run(folder / "drawn.mp4", settings, quiet)
    return errors_of(made, film), sum(1 for _ in VideoReader(probe(made.film)))
