"""The verb `batch`: find the films, do them here or on a cluster, tell how it went."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

from pipeline.batch import summary, workers
from pipeline.batch.films import Film, find_films
from pipeline.batch.job import FAILED, LEFT, Outcome
from pipeline.errors import PipelineError, StoreError
from pipeline.progress import Console, plain
from pipeline.settings import RunSettings


def run_batch(
    settings: RunSettings,
    start: str | None,
    console: Console,
    *,
    inputs: Sequence[str],
    listed: Path | None,
    jobs: int | None,
    threads: int | None,
    ray: str | None,
) -> int:
    """Do a batch.

    Args:
        settings, start: what is done with every film; see `pipeline.run`.
        console: a line a film, and the table.
        inputs, listed, jobs, threads, ray: see `pipeline.batch.flags`.

    Returns:
        0 where every film is done, 1 where one failed.

    Raises:
        PipelineError, DetectorError, LifterError: nothing to do, or settings that no film could be done with.
    """
    for name, number in (("jobs", jobs), ("threads", threads)):
        if number is not None and number < 1:
            raise PipelineError(f"--{name}: at least 1 wanted, got {number}")
    _check(settings)
    films = find_films(inputs, listed, settings.output)
    try:
        settings.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{settings.output}: cannot be made ({error.strerror}); choose --output") from error
    crew: Generator[Outcome | str, None, None]
    if ray is None:
        at_once = min(jobs or 1, len(films))
        share = threads or max(1, workers.processors() // at_once)
        crew = workers.work(films, settings, start, at_once, share)
    else:
        from pipeline.batch import cluster

        crew = cluster.work(films, settings, start, jobs, threads or 1, ray)
    outcomes = _listen(crew, films, console, settings.output)
    return 1 if any(outcome.state == FAILED for outcome in outcomes) else 0


def _check(settings: RunSettings) -> None:
    """Refuse at once what would fail with every film.

    Raises:
        DetectorError, LifterError: no such detector or lifter.
    """
    from detectors import registry
    from lifter import shipped

    registry.identity(settings.detector)
    shipped.find(settings.lifter)


def _listen(
    crew: Generator[Outcome | str, None, None], films: Sequence[Film], console: Console, output: Path
) -> Sequence[Outcome]:
    """Tell of every film as it ends, and of all at the end, also where the batch is stopped; return the outcomes."""
    found: dict[str, Outcome] = {}
    began = time.perf_counter()
    try:
        with closing(crew):
            for outcome in crew:
                if isinstance(outcome, str):
                    console.note(outcome)
                    continue
                found[outcome.video] = outcome
                if outcome.state == FAILED:  # also when quiet
                    sys.stderr.write(f"error: {plain(outcome.error)}\n")
                console.say(summary.line(outcome, len(found), len(films), time.perf_counter() - began))
                for warning in outcome.warnings:
                    console.warn(f"{outcome.video}: {warning}")
    finally:
        outcomes = [found.get(str(film.path)) or _left(film) for film in films]
        if found:
            written = summary.write(outcomes, output)
            console.show(summary.table(outcomes, written))
    return outcomes


def _left(film: Film) -> Outcome:
    return Outcome(LEFT, str(film.path), str(film.folder))
