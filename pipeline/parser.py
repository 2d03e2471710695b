"""The parser of the command line: every verb with its flags, and nothing imported that help need not know."""

from __future__ import annotations

from lifter.parsing import Parser
from pipeline import flags
from pipeline.manual import closing_of

VERBS = {
    "run": "from videos to films: detect, lift and render, doing only what is not yet done",
    "live": "a camera, a stream or a film while it runs, lifted from the frames up to now",
    "batch": "run for many films: folders, patterns, lists; several at once, on one machine or on many",
    "compare": "several detectors on one film, side by side in one film, and a table",
    "detect": "2D poses of every person: writes pose2d.npz",
    "lift": "3D poses from the pose2d.npz that is there: writes pose3d.npz",
    "render": "the film from the pose3d.npz that is there: writes <stem>_3d.mp4",
}


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
