"""`python -m lifter mixtures`: Appendix A, a lifter trained for every mixture of true and detected 2D."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    from lifter.commands.plan import add_plan

    add_plan(parser, config=Path("configs/mocap_tables.py"))
    parser.add_argument(
        "--detections", nargs="+", required=True, metavar="SOURCE", help="2D sources of the set to mix with the truth"
    )


def run(given: argparse.Namespace) -> int:
    """Write the mixtures into the data set, train what is missing, print and draw the curves."""
    from lifter.commands.plan import protocol_of, words_of
    from lifter.commands.say import say
    from lifter.experiments import mixtures, noise_report
    from lifter.experiments.files import write_figure, write_text
    from lifter.experiments.trials import run_all, seeded

    protocol = protocol_of(given)
    wanted = mixtures.trials(mixtures.prepare(protocol.data, given.detections))
    results = run_all(seeded(list(wanted.values()), given.seeds), protocol, given.out, say, given.jobs)
    points = mixtures.points(wanted, results, protocol)
    width = max(len(point.curve) for point in points) + 2
    words = words_of(given, results)
    table = [noise_report.head(width), *(noise_report.line(point, width) for point in points)]
    say("\n".join([words, "", *table, *noise_report.fit_lines(points, width)]))
    figure = noise_report.draw_curves(points, "A lifter trained for every mixture of true and detected 2D (Appendix A)")
    for path in (
        write_text(given.out / "mixtures.csv", noise_report.as_csv(points)),
        write_text(given.out / "mixtures.json", noise_report.as_json(points, {"protocol": words})),
        write_figure(given.out / "mixtures.png", figure),
    ):
        say(f"wrote {path}")
    return 0
