"""What the help of every verb says below its options: examples, files, exit codes, and what to read next.

The examples are run by tests/test_help.py, on a small film.
"""

from __future__ import annotations

from typing import NamedTuple

from lifter.parsing import closing

CODES = "0 done; 1 it failed, told in one line; 2 a wrong command line; 130 stopped"
FILMS_CODES = (
    "0 all films done; 1 one failed, told in one line, the others are done; 2 a wrong command line; 130 stopped"
)


class Page(NamedTuple):
    """The end of a verb's help.

    Attributes:
        examples: commands, each as it is typed.
        writes: files, one a line.
        see: other verbs and pages.
        codes: exit codes.
    """

    examples: tuple[str, ...]
    writes: str
    see: str
    codes: str = CODES


def closing_of(verb: str) -> str:
    """Return the end of a verb's help; "" is that of `python -m pipeline` itself."""
    page = PAGES[verb]
    return closing([f"python -m pipeline {example}" for example in page.examples], page.writes, page.see, page.codes)


_RUN_FILES = """runs/FILM/pose2d.npz   the detector's joints, tracked: pixels, scores, boxes
    runs/FILM/pose3d.npz   17 joints in space, metres; paths; the key points they were lifted from
    runs/FILM/FILM_3d.mp4  the film beside the moving skeletons
    runs/FILM/run.json     versions, settings, hashes, seconds, warnings"""
PAGES: dict[str, Page] = {
    "": Page(
        ("run film.mp4", "batch films/ --jobs 2", "render film.mp4 --view front", "doctor"),
        "what each verb writes stands in its help: python -m pipeline VERB --help",
        "python -m lifter --help     train, evaluate and take apart the lifter\nREADME.md, pipeline/guide/",
    ),
    "run": Page(
        (
            "run film.mp4",
            "run film.mp4 --view front --person largest --quality draft",
            "run film.mp4 --start 0:00.1 --end 12.5 --every 2",
            "run film.mp4 --detector onnx --pose-model pose.onnx --box-model boxes.onnx",
            "run film.mp4 --height 1.82 --camera pitch=20,roll=0,fov=60",
            "run film.mp4 --from lift --smooth savgol --no-render",
        ),
        _RUN_FILES,
        "detect, lift, render (one stage alone), batch (many films), report, view, export, measure, doctor\n"
        "pipeline/guide/camera.md",
        FILMS_CODES,
    ),
    "live": Page(
        ("live 0", "live film.mp4 --no-show --out seen --seconds 2", "live rtsp://camera.local/stream --out yard"),
        "nothing without --out; with it, in that folder: pose2d.npz, pose3d.npz, live_3d.mp4, run.json",
        "run (the whole film, better lifted)",
    ),
    "batch": Page(
        ("batch films/ --jobs 2", "batch 'films/*.mp4' --no-render", "batch --list films.txt --output results"),
        _RUN_FILES.replace("runs/FILM", "runs/.../FILM")
        + "\nruns/batch.json, batch.csv how every film went, and why where it failed",
        "run (the same options, one film), report",
        FILMS_CODES,
    ),
    "compare": Page(
        ("compare film.mp4 --detectors scripted,onnx.toml",),
        "runs/FILM_compare/NAME/            a run of every detector\n"
        "runs/FILM_compare/FILM_compare.mp4 all of them side by side",
        "detectors (their names), run --reference (against true poses)",
    ),
    "detect": Page(
        ("detect film.mp4", "detect film.mp4 --detector file --keypoints keypoints.json"),
        "runs/FILM/pose2d.npz, run.json",
        "detectors (their names), lift (what comes next), run (all of it)",
        FILMS_CODES,
    ),
    "lift": Page(
        ("lift film.mp4", "lift film.mp4 --lift-mode sequence --height 1.82"),
        "runs/FILM/pose3d.npz, run.json",
        "detect (what must be there), render (what comes next), run (all of it)",
        FILMS_CODES,
    ),
    "render": Page(
        ("render film.mp4 --view front", "render film.mp4 --style paper --format webm"),
        "runs/FILM/FILM_3d.mp4 (or .webm, .gif, or the folder FILM_3d_png), run.json",
        "lift (what must be there), view (a page to look at it from all sides)",
        FILMS_CODES,
    ),
    "export": Page(
        (
            "export runs/film                                    # glb: Blender, any 3D viewer",
            "export runs/film --format bvh,csv --person 1",
            "export runs/film --format bvh --units cm            # Maya, MotionBuilder",
            "export runs/film --format trc,c3d --output markers  # OpenSim, Mokka",
            "export runs/film --format csv --axes camera         # as the camera saw it, no floor",
        ),
        "RUN/export/ (or --output): a file a format and person, and export.json, which tells axes and units",
        "pipeline/export/README.md (what each file holds, and how to open it), view, measure",
    ),
    "measure": Page(
        ("measure runs/film", "measure runs/film --person 1 --output angles --no-plots"),
        "RUN/measures/ (or --output): angles.csv, steps.csv, measures.json, angles_N.png",
        "pipeline/measures/README.md (what each angle means, how far off it is), export",
    ),
    "report": Page(
        ("report runs/film", "report runs/film --output quality.html"),
        "RUN/report.html and RUN/report.json (or --output, and the same name with .json)",
        "pipeline/report/README.md (what each number means), view (the same spans beside the film)",
    ),
    "view": Page(
        ("view runs/film", "view runs/film --no-film --output people.html"),
        "RUN/view.html (or --output); with --beside, or a film above --limit, the film beside it",
        "render (a film instead of a page), export (for other programs), report",
    ),
    "detectors": Page(
        ("detectors",),
        "nothing",
        "run --detector NAME, compare (several on one film), doctor (whether what they need works)",
    ),
    "doctor": Page(
        ("doctor", "doctor --no-self-test --output results", "doctor --json --no-self-test"),
        "nothing that stays",
        "pipeline/guide/terminal.md",
        "0 what `run` needs is there and works; 1 something of it is broken; 2 a wrong command line; 130 stopped",
    ),
    "completion": Page(
        ("completion bash", "completion zsh", "completion fish"),
        "nothing; the script goes to standard output",
        "pipeline/guide/terminal.md (where each shell wants it)",
    ),
}
