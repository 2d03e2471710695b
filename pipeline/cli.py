"""The command line: verbs and their settings. Each verb imports what it needs inside itself, so help is instant."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifter.stops import EXIT_STOPPED
from pipeline.guard import guarded
from pipeline.parser import VERBS, build_parser
from pipeline.verbs import ON_RUNS, verb_left_out

if TYPE_CHECKING:
    from pipeline.settings import RunSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code: 0 done, 1 a failure told in one line, 2 a usage error, 130 stopped."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = build_parser()
    if words and (told := verb_left_out(words, (*VERBS, *ON_RUNS))):
        parser.error(told)
    given = vars(parser.parse_args(words))
    verb = given.pop("verb")
    own = {**OWN, **ON_RUNS}
    if verb in own:
        return guarded(lambda: own[verb](given))
    return guarded(lambda: _run_videos(verb, given))


def _run_videos(verb: str, given: dict[str, Any]) -> int:
    """Run the stages of a verb on every video; one bad video does not stop the rest."""
    from pipeline.progress import Console

    videos, console = given.pop("videos"), Console(given.pop("quiet"))
    settings, start = _read_settings(given)
    refuse_same_names(videos)

    def one(video: Path) -> int:
        from pipeline.run import run

        run(video, settings, console, verb=verb, start=start)
        return 0

    codes = []
    for video in videos:
        codes.append(guarded(partial(one, video)))
        if codes[-1] == EXIT_STOPPED:
            break
    return max(codes)


def _run_live(given: dict[str, Any]) -> int:
    from pipeline.live.command import run_live
    from pipeline.progress import Console

    console = Console(given.pop("quiet"))
    own = {name: given.pop(name) for name in ("source", "out", "seconds", "delay", "show")}
    settings, _ = _read_settings(given)
    return run_live(settings, console, **own)


def _run_batch(given: dict[str, Any]) -> int:
    from pipeline.batch.command import run_batch
    from pipeline.progress import Console

    console = Console(given.pop("quiet"))
    own = {name: given.pop(name) for name in ("inputs", "listed", "jobs", "threads", "ray")}
    settings, start = _read_settings(given)
    return run_batch(settings, start, console, **own)


def _compare(given: dict[str, Any]) -> int:
    from pipeline.compare import compare
    from pipeline.progress import Console

    video, words, console = given.pop("video"), given.pop("detectors"), Console(given.pop("quiet"))
    compare(video, words, _said(given), console)
    return 0


def _said(given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the settings file, if one is named, and of the flags, which win."""
    from pipeline.settings import read_config

    config = given.pop("config")
    own = {name: value for name, value in given.items() if value is not None}
    return {**(read_config(config) if config else {}), **own}


def _read_settings(given: dict[str, Any]) -> tuple[RunSettings, str | None]:
    """Return the settings that flags and the settings file make, and the stage to redo from.

    Raises:
        PipelineError: an unknown setting, a wrong value, or settings that leave nothing to do.
    """
    from pipeline.errors import PipelineError
    from pipeline.settings import resolve

    start = given.pop("redo", None)
    settings = resolve(_said(given))
    if start == "render" and not settings.render:
        raise PipelineError("--from render and --no-render: nothing would be left to do; drop one")
    return settings, start


def refuse_same_names(videos: Sequence[Path]) -> None:
    """Refuse videos that would be kept in one folder.

    Raises:
        PipelineError: two videos have one stem.
    """
    from pipeline.errors import PipelineError

    seen: dict[str, Path] = {}
    for video in videos:
        if video.stem in seen:
            raise PipelineError(
                f"{video}: {seen[video.stem]} has the same name; run them with an --output of their own"
            )
        seen[video.stem] = video


# What is done with the verbs that work on films but not stage by stage.
OWN: dict[str, Callable[[dict[str, Any]], int]] = {"live": _run_live, "batch": _run_batch, "compare": _compare}
