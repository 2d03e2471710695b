"""`python -m lifter measure`: how a 2D source errs against the truth, joint by joint; the noise to train on."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="a prepared data set")
    add("--keypoints", nargs="+", required=True, metavar="SOURCE", help="2D sources to measure, each by itself")
    add("--against", default="gt", metavar="SOURCE", help="the 2D source that is held to be true (default: gt); with "
        "another detector it is their disagreement that is measured")  # fmt: skip
    add("--split", choices=("train", "validation", "test"), help="only the sequences of one split (default: all)")
    add("--out", type=Path, metavar="DIR", help="write errors.csv, errors.json and errors.png there, and noise.toml: "
        "what `noise.detectors` of a training takes")  # fmt: skip


def run(given: argparse.Namespace) -> int:
    """Measure, print the tables, write the files; return the exit code."""
    from lifter.commands.say import say
    from lifter.datasets.poseset import read_poseset
    from lifter.detector_noise import report
    from lifter.detector_noise.clips import clips_of
    from lifter.detector_noise.measure import measure
    from lifter.detector_noise.settings import write_noises
    from lifter.experiments.files import write_figure, write_text

    truth = read_poseset(given.data, given.against)
    truth = truth.split(given.split) if given.split else truth
    measured = {}
    for source in given.keypoints:
        found = read_poseset(given.data, source)
        found = found.split(given.split) if given.split else found
        # A detector's place of a joint is no truth that the body's axes could belong to.
        measured[source] = measure(clips_of(truth, found, solid=given.against == "gt"))
        for line in report.table(measured[source], source, given.against):
            say(line)
    if given.out is None:
        return 0
    about = {
        "data": str(truth.poses.about.get("dataset", given.data.name)),
        "split": given.split or "all",
        "against": given.against,
    }
    files = [
        write_text(given.out / "errors.csv", report.as_csv(measured)),
        write_text(given.out / "errors.json", report.as_json(measured, about)),
        write_text(given.out / "noise.toml", write_noises(report.told(measured, about))),
        write_figure(given.out / "errors.png", report.draw(measured, f"against {given.against}, {about['data']}")),
    ]
    say(f"\nwritten: {', '.join(str(file) for file in files)}")
    return 0
