"""The flags of the verbs; loads nothing, so that help is instant. Defaults stay None: `pipeline.settings` has them."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_inputs(name: str, verb: argparse.ArgumentParser) -> None:
    """What a verb works on, and where its results go."""
    if name == "live":
        from pipeline.live.flags import add_flags

        add_flags(verb)
        return
    if name == "batch":
        from pipeline.batch.flags import add_flags

        add_flags(verb)
    elif name == "compare":
        verb.add_argument("video", type=Path, metavar="VIDEO")
        verb.add_argument("--detectors", required=True, metavar="A,B,...", help="names, or settings files (.toml)")
    else:
        verb.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    verb.add_argument("--output", type=Path, metavar="DIR", help="a folder a film is made in it (default: runs)")


def add_cut(verb: argparse.ArgumentParser) -> None:
    """Flags of which part of a film is taken."""
    cut = verb.add_argument_group("the part of the film")
    cut.add_argument("--start", metavar="TIME", help="begin there: seconds, 1:05 or 1:02:03.5 (default: the beginning)")
    cut.add_argument("--end", metavar="TIME", help="end before there (default: the end)")
    cut.add_argument("--every", type=int, metavar="N", help="take every N-th frame (default: 1)")


def add_detecting(verb: argparse.ArgumentParser) -> None:
    """Flags of detecting."""
    detect = verb.add_argument_group("detecting")
    detect.add_argument("--detector", metavar="NAME", help="see `python -m pipeline detectors` (default: mediapipe)")
    detect.add_argument("--checkpoint", type=Path, metavar="FILE", help="weights instead of the model zoo's")
    detect.add_argument("--pose-model", type=Path, metavar="FILE", help="key point model of the onnx detector")
    detect.add_argument("--box-model", type=Path, metavar="FILE", help="person box model")
    detect.add_argument("--keypoints", type=Path, metavar="PATH", help="key points made elsewhere (file detector)")
    detect.add_argument("--box-every", type=int, metavar="N", help="look for people on every N-th frame (default: 5)")
    detect.add_argument("--no-flip-test", dest="flip_test", action="store_false", default=None, help="twice as fast")
    detect.add_argument(
        "--backend",
        choices=("auto", "torch", "openvino", "onnx"),
        help="what runs MMPose's networks; openvino: fast, in bf16",
    )
    detect.add_argument("--cache", type=Path, metavar="DIR", help="where downloaded weights and exports are kept")
    detect.add_argument("--offline", action="store_true", default=None, help="never touch the network")


def add_lifting(verb: argparse.ArgumentParser) -> None:
    """Flags of lifting."""
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
    lift.add_argument("--person", metavar="all|largest|center|ID", help="whom to lift (default: all)")
    lift.add_argument("--height", metavar="METRES", help="how tall people stand; by person: 1=1.82,2=1.65")


def add_smoothing(verb: argparse.ArgumentParser) -> None:
    """Flags of lifting that need a whole film."""
    verb.add_argument("--reference", type=Path, metavar="FILE", help="true poses (.npz): tells errors after alignment")
    verb.add_argument(
        "--smooth", metavar="off|savgol[=S]", help="calm the motion in space, over 0.25 s or S; tells what it did (off)"
    )


def add_rendering(verb: argparse.ArgumentParser) -> None:
    """Flags of rendering."""
    film = verb.add_argument_group("rendering")
    film.add_argument("--view", help="turn, front, side, top, or degrees (default: turn)")
    film.add_argument("--path", choices=("on", "off"), help="let people walk through the room (default: on)")
    film.add_argument("--max-height", type=int, metavar="PX", help="scale taller pictures down (default: 1080)")
    film.add_argument("--quality", choices=("draft", "good", "fine"), help="of the film: quick or slow (default: good)")
    film.add_argument("--codec", metavar="NAME", help="x264; auto: a graphics card's encoder if one works; nvenc, ...")


def add_format(verb: argparse.ArgumentParser) -> None:
    """Flags of rendering that need a whole film."""
    verb.add_argument(
        "--format", choices=("mp4", "webm", "gif", "png"), help="of the film; png: a folder (default: mp4)"
    )


def add_view(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The verb `view`."""
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


def add_told(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The verbs `export`, `measure` and `report`, which bring their own words and flags."""
    from pipeline.export import command as export
    from pipeline.measures import command as measure
    from pipeline.report import command as report

    for name, command in (("export", export), ("measure", measure), ("report", report)):
        command.add_arguments(
            verbs.add_parser(
                name, help=command.WHAT, description=f"Write {command.WHAT}.", epilog=command.EXAMPLES,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )  # fmt: skip
