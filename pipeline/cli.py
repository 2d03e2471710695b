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

if TYPE_CHECKING:
    from pipeline.settings import RunSettings

EXIT_FAILED, EXIT_USAGE, EXIT_STOPPED = 1, 2, 130
VERBS = {
    "run": "from videos to films: detect, lift and render, doing only what is not yet done",
    "live": "a camera, a stream or a film while it runs, lifted from the frames up to now",
    "batch": "run for many films: folders, patterns, lists; several at once, on one machine or on many",
    "detect": "2D poses of every person: writes pose2d.npz",
    "lift": "3D poses from the pose2d.npz that is there: writes pose3d.npz",
    "render": "the film from the pose3d.npz that is there: writes <stem>_3d.mp4",
}
EXAMPLES = """examples:
  python -m pipeline run film.mp4
  python -m pipeline run film.mp4 --detector hrnet --output results
  python -m pipeline run film.mp4 --detector onnx --pose-model pose.onnx --box-model boxes.onnx
  python -m pipeline live 0 --out watched
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
        _add_inputs(name, verb)
        verb.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML; flags win over them")
        verb.add_argument("--quiet", action="store_true", help="print errors only")
        for stage, add in {"detect": _add_detecting, "lift": _add_lifting, "render": _add_rendering}.items():
            if name in ("run", "live", "batch", stage):
                add(verb)
        if name != "detect":
            verb.add_argument("--camera", metavar="WORDS|FILE", help="level; pitch=20,roll=0,fov=60; or a calibration")
        if name in ("run", "live", "batch", "detect", "lift"):
            verb.add_argument("--device", choices=("auto", "cpu", "cuda"))
        if name in ("run", "batch"):
            verb.add_argument("--from", dest="start", choices=("detect", "lift", "render"), help="redo from this stage")
        if name in ("run", "live", "batch"):
            verb.add_argument("--no-render", dest="render", action="store_false", default=None, help="no film")
    _add_export(verbs)
    _add_view(verbs)
    _add_looking(verbs)
    verbs.add_parser("detectors", help="list the 2D detectors", description="List the 2D detectors.")
    verbs.add_parser("doctor", help="check this installation", description="Check this installation.")
    return parser


def _add_export(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from pipeline.export import command

    command.add_arguments(
        verbs.add_parser(
            "export", help=command.WHAT, description=f"Write {command.WHAT}.", epilog=command.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )  # fmt: skip


def _add_looking(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from pipeline.measures import command as measure
    from pipeline.report import command as report

    for name, command in (("measure", measure), ("report", report)):
        command.add_arguments(
            verbs.add_parser(
                name, help=command.WHAT, description=f"Write {command.WHAT}.", epilog=command.EXAMPLES,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )  # fmt: skip


def _add_inputs(name: str, verb: argparse.ArgumentParser) -> None:
    if name == "live":
        from pipeline.live.flags import add_flags

        add_flags(verb)
        return
    if name == "batch":
        from pipeline.batch.flags import add_flags

        add_flags(verb)
    else:
        verb.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    verb.add_argument("--output", type=Path, metavar="DIR", help="a folder a film is made in it (default: runs)")


# Defaults stay None: they live in `pipeline.settings`.
def _add_detecting(verb: argparse.ArgumentParser) -> None:
    detect = verb.add_argument_group("detecting")
    detect.add_argument("--detector", metavar="NAME", help="see `python -m pipeline detectors` (default: mediapipe)")
    detect.add_argument("--checkpoint", type=Path, metavar="FILE", help="weights instead of the model zoo's")
    detect.add_argument("--pose-model", type=Path, metavar="FILE", help="key point model of the onnx detector")
    detect.add_argument("--box-model", type=Path, metavar="FILE", help="person box model")
    detect.add_argument("--keypoints", type=Path, metavar="PATH", help="key points made elsewhere (file detector)")
    detect.add_argument("--box-every", type=int, metavar="N", help="look for people on every N-th frame (default: 5)")
    detect.add_argument("--no-flip-test", dest="flip_test", action="store_false", default=None, help="twice as fast")
    detect.add_argument("--backend", choices=("auto", "torch", "openvino", "onnx"), help="what runs MMPose's networks")
    detect.add_argument("--cache", type=Path, metavar="DIR", help="where downloaded weights and exports are kept")
    detect.add_argument("--offline", action="store_true", default=None, help="never touch the network")


def _add_lifting(verb: argparse.ArgumentParser) -> None:
    lift = verb.add_argument_group("lifting")
    lift.add_argument("--adapter", metavar="NAME-OR-FILE", help="joints by rules, or learned (default: rules)")
    lift.add_argument("--lifter", metavar="NAME-OR-FILE", help="a shipped lifter or a safetensors file (default: ugcn)")
    lift.add_argument("--lift-mode", choices=("windows", "sequence"), help="overlapping windows, as the paper, or one "
                      "pass over the film, 15 times as fast (default: windows)")  # fmt: skip
    lift.add_argument(
        "--no-hold-bones",
        dest="hold_bones",
        action="store_false",
        default=None,
        help="bones as lifted",
    )
    lift.add_argument("--person", metavar="all|largest|ID", help="whom to lift (default: all)")
    lift.add_argument("--height", metavar="METRES", help="how tall people stand; by person: 1=1.82,2=1.65")


def _add_rendering(verb: argparse.ArgumentParser) -> None:
    film = verb.add_argument_group("rendering")
    film.add_argument("--view", help="turn, front, side, top, or degrees (default: turn)")
    film.add_argument("--path", choices=("on", "off"), help="let people walk through the room (default: on)")
    film.add_argument("--max-height", type=int, metavar="PX", help="scale taller pictures down (default: 1080)")
    film.add_argument("--quality", choices=("draft", "good", "fine"), help="of the film: quick or slow (default: good)")
    film.add_argument("--codec", metavar="NAME", help="x264; auto: a graphics card's encoder if one works; nvenc, ...")


def _add_view(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    what = "one HTML page of a run: its film beside the people in 3D, without server or network"
    view = verbs.add_parser("view", help=what, description=what)
    view.add_argument("run", type=Path, metavar="RUN", help="the folder of a run, as runs/film")
    view.add_argument(
        "--film", type=Path, metavar="FILE", help="the film it was made from (default: found here, or the rendered one)"
    )
    view.add_argument("--no-film", dest="show_film", action="store_false", help="the people alone")
    view.add_argument("--beside", action="store_true", help="leave the film beside the page instead of inside")
    view.add_argument(
        "--limit",
        dest="limit_mb",
        type=float,
        default=64.0,
        metavar="MB",
        help="leave a larger film beside (default: 64)",
    )
    view.add_argument("--output", type=Path, metavar="FILE", help="the page (default: RUN/view.html)")
    view.add_argument("--quiet", action="store_true", help="print errors only")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code: 0 done, 1 a failure told in one line, 2 a usage error, 130 stopped."""
    given = vars(build_parser().parse_args(arguments))
    verb = given.pop("verb")
    if verb == "detectors":
        from pipeline.doctor import list_detectors

        return guarded(list_detectors)
    if verb == "doctor":
        from pipeline.doctor import examine

        return guarded(examine)
    if verb == "view":
        return guarded(lambda: _view(given))
    if verb == "export":
        from pipeline.export.command import export

        return guarded(lambda: export(**given))
    if verb == "measure":
        from pipeline.measures.command import measure

        return guarded(lambda: measure(**given))
    if verb == "report":
        from pipeline.report.command import report

        return guarded(lambda: report(**given))
    if verb == "live":
        return guarded(lambda: _run_live(given))
    if verb == "batch":
        return guarded(lambda: _run_batch(given))
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


def _read_settings(given: dict[str, Any]) -> tuple[RunSettings, str | None]:
    """Return the settings that flags and the settings file make, and the stage to redo from.

    Raises:
        PipelineError: an unknown setting, a wrong value, or settings that leave nothing to do.
    """
    from pipeline.errors import PipelineError
    from pipeline.settings import read_config, resolve

    start, config = given.pop("start", None), given.pop("config")
    flags = {name: value for name, value in given.items() if value is not None}
    settings = resolve({**(read_config(config) if config else {}), **flags})
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
    sys.stderr.write("error: " + " ".join(str(error).split()) + "\n")
    return EXIT_FAILED


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Stopped
