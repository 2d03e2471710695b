"""The flags of the verbs; loads nothing, so that help is instant. Defaults stay None: `pipeline.settings` has them."""

from __future__ import annotations

import argparse
from pathlib import Path

from lifter.parsing import Parser
from pipeline.manual import closing_of


def add_all(name: str, verb: argparse.ArgumentParser) -> None:
    """Everything that a verb which works on films takes, in groups."""
    whole = name in ("run", "batch", "compare")  # films, through all the stages
    add_inputs(name, verb)
    verb.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML; flags win over them")
    if name != "render":
        verb.add_argument("--device", choices=("auto", "cpu", "cuda"), help="for detector and lifter (default: auto)")
    if name in ("run", "batch"):
        verb.add_argument("--from", dest="redo", choices=("detect", "lift", "render"),
                          help="redo from this stage (default: from what is not there or changed)")  # fmt: skip
    verb.add_argument("--quiet", action="store_true", help="print errors only")
    if whole or name == "detect":
        add_cut(verb)
    if whole or name in ("live", "detect"):
        add_detecting(verb)
    if whole or name in ("live", "lift"):
        add_lifting(verb, film=name != "live")
    if whole or name in ("live", "render"):
        add_rendering(verb, film=name != "live", camera=name == "render", may_skip=name in ("run", "live", "batch"))


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
        verb.add_argument("video", type=Path, metavar="VIDEO", help="a film")
        verb.add_argument("--detectors", required=True, metavar="A,B,...", help="names, or settings files (.toml)")
    else:
        verb.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="films; each gets a folder")
    verb.add_argument("--output", type=Path, metavar="DIR", help="a folder a film is made in it (default: runs)")


def add_cut(verb: argparse.ArgumentParser) -> None:
    """Flags of which part of a film is taken."""
    cut = verb.add_argument_group("the part of the film")
    cut.add_argument("--start", metavar="TIME", help="begin there: seconds, 1:05 or 1:02:03.5 (default: the beginning)")
    cut.add_argument("--end", metavar="TIME", help="end before there (default: the end)")
    cut.add_argument("--every", type=int, metavar="N", help="take every N-th frame (default: 1)")


def add_detecting(verb: argparse.ArgumentParser) -> None:
    """Flags of detecting."""
    add = verb.add_argument_group("detecting").add_argument
    add("--detector", metavar="NAME", help="see `python -m pipeline detectors` (default: mediapipe)")
    add("--checkpoint", type=Path, metavar="FILE", help="weights (default: the model zoo's, downloaded once)")
    add("--pose-model", type=Path, metavar="FILE", help="key point model of the onnx detector")
    add("--box-model", type=Path, metavar="FILE", help="person box model; or full-frame: one person fills the picture")
    add("--keypoints", type=Path, metavar="PATH", help="key points made elsewhere (file detector)")
    add("--joints", metavar="NAME", help="of MMPose's --keypoints: coco17, mpii16, ... (default: as the file tells)")
    add("--box-every", type=int, metavar="N", help="look for people on every N-th frame (default: 5)")
    add("--no-flip-test", dest="flip_test", action="store_false", default=None,
        help="do not average with the mirror image: twice as fast")  # fmt: skip
    add("--backend", choices=("auto", "torch", "openvino", "onnx"), help="what runs MMPose's networks; "
        "openvino: fast, in bf16 (default: auto)")  # fmt: skip
    add("--batch", type=int, metavar="N", help="frames at once in MMPose's networks (default: 1; GPU: 64)")
    add("--cache", type=Path, metavar="DIR", help="where downloaded weights and exports are kept "
        "(default: ~/.cache/motion-lift/weights)")  # fmt: skip
    add("--offline", action="store_true", default=None, help="never touch the network")


def add_lifting(verb: argparse.ArgumentParser, film: bool) -> None:
    """Flags of lifting; some need a whole film."""
    add = verb.add_argument_group("lifting").add_argument
    add("--person", metavar="all|largest|center|ID", help="whom to lift (default: all)")
    add("--height", metavar="METRES", help="how tall people stand; by person: 1=1.82,2=1.65 (default: as adults do)")
    add("--camera", metavar="WORDS|FILE", help="level; pitch=20,roll=0,fov=60; or a calibration, distortion and all "
        "(default: tilt estimated, lens guessed)")  # fmt: skip
    if film:
        add("--smooth", metavar="off|savgol[=S]", help="calm the motion in space, over 0.25 s or S; tells jitter "
            "before and after, and the lag (default: off)")  # fmt: skip
        add("--reference", type=Path, metavar="FILE", help="true poses (.npz): tells errors after alignment")
    add("--adapter", metavar="NAME-OR-FILE", help="joints by rules, or learned (default: rules)")
    add("--lifter", metavar="NAME-OR-FILE", help="a shipped lifter or a safetensors file (default: ugcn)")
    add("--lift-mode", choices=("windows", "sequence"), help="overlapping windows, as the paper, or one "
        "pass over the film, 17 times as fast (default: windows)")  # fmt: skip
    add("--no-hold-bones", dest="hold_bones", action="store_false", default=None,
        help="bones as lifted, instead of one length a person")  # fmt: skip


def add_rendering(verb: argparse.ArgumentParser, film: bool, camera: bool, may_skip: bool) -> None:
    """Flags of rendering; some need a whole film."""
    add = verb.add_argument_group("rendering").add_argument
    add("--view", metavar="VIEW", help="turn, front, side, top, or degrees (default: turn)")
    add("--style", choices=("night", "paper"), help="a dark room or a light one, for paper (default: night)")
    add("--path", choices=("on", "off"), help="let people walk through the room (default: on)")
    add("--max-height", type=int, metavar="PX", help="scale taller pictures down (default: 1080)")
    add("--quality", choices=("draft", "good", "fine"), help="of the film: quick or slow (default: good)")
    add("--codec", metavar="NAME", help="auto: a graphics card's encoder if one works; nvenc, qsv, amf, videotoolbox "
        "(default: x264)")  # fmt: skip
    if film:
        add("--format", choices=("mp4", "webm", "gif", "png"), help="of the film; png: a folder (default: mp4)")
    if camera:
        add("--camera", metavar="WORDS|FILE", help="as it was lifted with (default: the lens is guessed)")
    if may_skip:
        add("--no-render", dest="render", action="store_false", default=None, help="no film, the arrays alone")


def add_view(verbs: argparse._SubParsersAction[Parser]) -> None:
    """The verb `view`."""
    what = "one HTML page of a run: its film beside the people in 3D, without server or network"
    view = verbs.add_parser("view", help=what, description=f"Write {what}.", epilog=closing_of("view"))
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


def add_told(verbs: argparse._SubParsersAction[Parser]) -> None:
    """The verbs `export`, `measure` and `report`, which bring their own words and flags."""
    from pipeline.export import command as export
    from pipeline.measures import command as measure
    from pipeline.report import command as report

    for name, command in (("export", export), ("measure", measure), ("report", report)):
        what = f"Write {command.WHAT}."
        command.add_arguments(verbs.add_parser(name, help=command.WHAT, description=what, epilog=closing_of(name)))


def add_asked(verbs: argparse._SubParsersAction[Parser]) -> None:
    """The verbs about this installation: `detectors`, `doctor`, `completion`."""
    told = {
        "detectors": "list the 2D detectors, what each needs, and what is missing",
        "doctor": "check this installation: versions, codecs, GPU, weights, disk, and a film with known truth",
        "completion": "print the script by which a shell completes verbs, options and files",
    }
    made = {
        name: verbs.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.", epilog=closing_of(name))
        for name, what in told.items()
    }
    doctor = made["doctor"]
    doctor.add_argument("--output", type=Path, default=Path("runs"), metavar="DIR",
                        help="where runs will be written: its disk is looked at (default: runs)")  # fmt: skip
    doctor.add_argument("--no-self-test", dest="self_test", action="store_false", help="run no film")
    doctor.add_argument("--json", dest="as_json", action="store_true", help="print JSON instead of lines")
    made["completion"].add_argument("shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish")
