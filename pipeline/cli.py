"""The command line: verbs and their settings. Each verb imports what it needs inside itself, so help is instant."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from lifter.parsing import Parser
from pipeline import flags
from pipeline.manual import closing_of
from pipeline.verbs import ON_RUNS, verb_left_out

if TYPE_CHECKING:
    from pipeline.settings import RunSettings

EXIT_FAILED, EXIT_USAGE, EXIT_STOPPED = 1, 2, 130
VERBS = {
    "run": "from videos to films: detect, lift and render, doing only what is not yet done",
    "live": "a camera, a stream or a film while it runs, lifted from the frames up to now",
    "batch": "run for many films: folders, patterns, lists; several at once, on one machine or on many",
    "compare": "several detectors on one film, side by side in one film, and a table",
    "detect": "2D poses of every person: writes pose2d.npz",
    "lift": "3D poses from the pose2d.npz that is there: writes pose3d.npz",
    "render": "the film from the pose3d.npz that is there: writes <stem>_3d.mp4",
}


class Stopped(KeyboardInterrupt):
    """The process was asked to end.

    A class of its own: Python remembers a plain KeyboardInterrupt that passes through `exec`, as it does while
    modules with dataclasses are imported, and ends by the signal at exit although it was caught.
    """


def build_parser() -> Parser:
    """Return the parser of `python -m pipeline`."""
    what = "3D human motion from ordinary video: a film beside moving 3D skeletons, and the numbers behind it."
    parser = Parser(prog="python -m pipeline", description=what, epilog=closing_of(""))
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, line in VERBS.items():
        description = f"{line[0].upper()}{line[1:]}."
        flags.add_all(name, verbs.add_parser(name, help=line, description=description, epilog=closing_of(name)))
    flags.add_told(verbs)
    flags.add_view(verbs)
    flags.add_asked(verbs)
    return parser


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


def guarded(work: Callable[[], int]) -> int:
    """Do the work; tell what a user can meet in one line, and turn it into an exit code."""
    from detectors.base import DetectorError
    from lifter.errors import LifterError
    from pipeline.errors import PipelineError

    _open_streams()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin starve everyone on a busy machine
    for how in (signal.SIGINT, signal.SIGTERM):
        signal.signal(how, _stop)
    try:
        return work()
    except (PipelineError, DetectorError, LifterError) as error:
        return _fail(error)
    except KeyboardInterrupt:
        sys.stderr.write("stopped; what was finished is kept, the same command goes on from there\n")
        return EXIT_STOPPED
    except BrokenPipeError:
        # Nobody reads any more; the interpreter would complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except MemoryError:
        return _fail(MemoryError("the memory is full; close other programs, or cut the film (--start, --end)"))
    except OSError as error:  # what no stage foresaw: a disk that goes away, a name too long
        return _fail(OSError(f"{error.filename or 'a file'}: {error.strerror or error}"))


def _open_streams() -> None:
    """Make sure that there is somewhere to print to, and that every name can be printed."""
    # Opened for as long as the process lives.
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


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


def _fail(error: Exception) -> int:
    from pipeline.progress import plain
    from pipeline.tables import marked

    sys.stderr.write(f"{marked('error:', sys.stderr)} {plain(' '.join(str(error).split()))}\n")
    return EXIT_FAILED


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Stopped


# What is done with the verbs that work on films but not stage by stage.
OWN: dict[str, Callable[[dict[str, Any]], int]] = {"live": _run_live, "batch": _run_batch, "compare": _compare}
