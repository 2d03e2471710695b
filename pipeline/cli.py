"""The command line: verbs and their settings. Each verb imports what it needs inside itself, so help is instant."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from pipeline import flags

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
STAGE_FLAGS = {"detect": flags.add_detecting, "lift": flags.add_lifting, "render": flags.add_rendering}
EXAMPLES = """examples:
  python -m pipeline run film.mp4
  python -m pipeline run film.mp4 --detector hrnet --output results
  python -m pipeline run film.mp4 --detector onnx --pose-model pose.onnx --box-model boxes.onnx
  python -m pipeline batch films/ --jobs 4
  python -m pipeline render film.mp4 --view front
"""


class Stopped(KeyboardInterrupt):
    """The process was asked to end.

    A class of its own: Python remembers a plain KeyboardInterrupt that passes through `exec`, as it does while
    modules with dataclasses are imported, and ends by the signal at exit although it was caught.
    """


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m pipeline`."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline",
        description="3D human motion from ordinary video.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, what in VERBS.items():
        verb = verbs.add_parser(
            name, help=what, description=what, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        flags.add_inputs(name, verb)
        verb.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML; flags win over them")
        verb.add_argument("--quiet", action="store_true", help="print errors only")
        if name in ("run", "batch", "compare", "render"):
            flags.add_format(verb)
        if name in ("run", "batch", "compare", "lift"):
            flags.add_smoothing(verb)
        if name in ("run", "batch", "compare", "detect"):
            flags.add_cut(verb)
        for stage, add in STAGE_FLAGS.items():
            if name in ("run", "live", "batch", "compare", stage):
                add(verb)
        if name != "detect":
            verb.add_argument("--camera", metavar="WORDS|FILE", help="level; pitch=20,roll=0,fov=60; or a calibration")
        if name in ("run", "live", "batch", "compare", "detect", "lift"):
            verb.add_argument("--device", choices=("auto", "cpu", "cuda"))
        if name in ("run", "batch"):
            verb.add_argument("--from", dest="redo", choices=("detect", "lift", "render"), help="redo from this stage")
        if name in ("run", "live", "batch"):
            verb.add_argument("--no-render", dest="render", action="store_false", default=None, help="no film")
    flags.add_told(verbs)
    flags.add_view(verbs)
    verbs.add_parser("detectors", help="list the 2D detectors", description="List the 2D detectors.")
    verbs.add_parser("doctor", help="check this installation", description="Check this installation.")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code: 0 done, 1 a failure told in one line, 2 a usage error, 130 stopped."""
    given = vars(build_parser().parse_args(arguments))
    verb = given.pop("verb")
    if verb in ("detectors", "doctor"):
        from pipeline import doctor

        return guarded(doctor.list_detectors if verb == "detectors" else doctor.examine)
    if verb == "export":
        from pipeline.export.command import export

        return guarded(lambda: export(**given))
    if verb == "measure":
        from pipeline.measures.command import measure

        return guarded(lambda: measure(**given))
    if verb == "report":
        from pipeline.report.command import report

        return guarded(lambda: report(**given))
    own = {"view": _view, "live": _run_live, "batch": _run_batch, "compare": _compare}
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


def _view(given: dict[str, Any]) -> int:
    from pipeline.progress import Console
    from pipeline.view.command import ViewSettings, view

    run, console = given.pop("run"), Console(given.pop("quiet"))
    view(run, ViewSettings(**given), console)
    return 0


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

    sys.stderr.write("error: " + plain(" ".join(str(error).split())) + "\n")
    return EXIT_FAILED


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Stopped
