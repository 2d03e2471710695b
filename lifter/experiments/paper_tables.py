"""The paper's Tables 1-9 as grids of trainings: which trial stands in which cell, and what the paper prints there."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

from lifter.errors import LifterError
from lifter.experiments.trial import Trial
from lifter.refine import LABEL

Options = tuple[tuple[str, Any], ...]
OPERATORS = ("subtraction", "inner", "cross")
INTERVALS = (2, 4, 8, 12, 16, 24, 36, 48)
BEST = (8, 12, 16, 24)
NO_CAMERAS = "It needs cameras, which this data set does not know: the row is left out."


@dataclass(frozen=True)
class Cell:
    """One number of a table.

    Attributes:
        row, column: where it stands.
        trial: the training that gives it.
        measure: MPJPE, P-MPJPE, MPJVE (mm), PCK@150, AUC (%).
        paper: what the paper prints, on its own data; None where it prints nothing or nothing legible.
        action: of one action; "" over all.
    """

    row: str
    column: str
    trial: Trial
    measure: str = "MPJPE"
    paper: float | None = None
    action: str = ""


@dataclass(frozen=True)
class Table:
    """One of the paper's tables: title, the protocol in words, and the cells row by row."""

    number: int
    title: str
    words: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Available:
    """What a data set has: its detected 2D sources, the actions of its test split, and whether it knows its cameras."""

    detections: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    cameras: bool = True

    def detection(self, place: int = 0) -> str:
        """The first, second, ... detected source.

        Raises:
            LifterError: the data set has too few.
        """
        if place >= len(self.detections):
            raise LifterError("the data set has no detected 2D (`prepare detections`, or --detections SOURCE)")
        return self.detections[place]


def build(number: int, available: Available) -> Table:
    """Return one of Tables 1-9.

    Raises:
        LifterError: no such table, or 2D that the data set does not have.
    """
    makers: Mapping[int, Callable[[Available], Table]] = {
        1: _operators, 2: _scales, 3: _pairs, 4: _parts, 5: _supervision, 6: _detected, 7: _ground_truth,
        8: _velocity, 9: _mpi_inf_3dhp,
    }  # fmt: skip
    if number not in makers:
        raise LifterError(f"table {number}: the paper has Tables 1 to 9")
    return makers[number](available)


def motion(intervals: Sequence[int], operators: Sequence[str] = ("cross",)) -> Options:
    """Options of a training with motion loss; without intervals, without it."""
    return (
        ("model.loss.operators", tuple(operators) if intervals else ()),
        ("model.loss.intervals", tuple(intervals) or (8,)),
    )


def _operators(_: Available) -> Table:
    printed = _paper("table1")
    cells = []
    for operator in OPERATORS:
        for interval in (0, *INTERVALS):
            known = (
                printed["empty"]
                if not interval
                else printed["cross_12"]
                if (operator, interval) == ("cross", 12)
                else None
            )
            trial = Trial(f"{operator} {interval or 'none'}", motion((interval,) if interval else (), (operator,)))
            cells.append(Cell(operator, str(interval) if interval else "none", trial, paper=known))
    words = "Motion loss of one operator and one interval (frames); `none` trains on positions only."
    return Table(1, "Motion encodings and intervals", words, tuple(cells))


def _scales(_: Available) -> Table:
    sets = ((12,), (8, 12), (8, 12, 16), BEST)
    cells = []
    for intervals in sets:
        name = ", ".join(map(str, intervals))
        cells.append(
            Cell(f"{{{name}}}", "MPJPE", Trial(f"cross {name}", motion(intervals)), paper=_paper("table2")[name])
        )
    words = "Cross product at several intervals. Which two and three the paper took is not legible: our reading."
    return Table(2, "Several time scales", words, tuple(cells))


def _pairs(_: Available) -> Table:
    printed = _paper("table3")
    cells = []
    for row, key, intervals in (("without motion loss", "without", ()), ("motion loss {12}", "with", (12,))):
        for pairs, value in zip(printed["pairs"], printed[key], strict=True):
            options = (*motion(intervals), ("model.network.pairs", pairs))
            trial = Trial(f"{pairs} pairs, {row}", options if pairs != 4 else motion(intervals))
            cells.append(Cell(row, str(pairs), trial, paper=value))
    words = "Pairs of down- and upsampling; the outermost is put back first, blocks and parameters stay."
    return Table(3, "The U shape", words, tuple(cells))


def _parts(_: Available) -> Table:
    rows: tuple[tuple[str, Options], ...] = (
        ("UGCN", motion(())),
        ("UGCN without spatial graph", (*motion(()), ("model.network.spatial_graph", False))),
        ("UGCN without merging stage", (*motion(()), ("model.network.merging", False))),
        ("UGCN + motion loss", motion(BEST)),
        ("UGCN + motion loss without merging stage", (*motion(BEST), ("model.network.merging", False))),
    )
    cells = tuple(Cell(row, "MPJPE", Trial(row, options), paper=_paper("table4")[row]) for row, options in rows)
    return Table(4, "Parts of the network", "Motion loss: cross product, intervals 8, 12, 16, 24.", cells)


def _supervision(_: Available) -> Table:
    rows: tuple[tuple[str, Options], ...] = (
        ("position only", motion(())),
        ("derivative loss", (*motion(()), ("model.loss.derivative", "subtraction"))),
        ("cross", motion((12,))),
        ("subtraction + cross", motion((12,), ("subtraction", "cross"))),
        ("subtraction + inner + cross", motion((12,), OPERATORS)),
    )
    cells = tuple(Cell(row, "MPJPE", Trial(row, options), paper=_paper("table5")[row]) for row, options in rows)
    words = "Interval 12. The derivative loss is the paper's extension: a subtraction at interval 1."
    return Table(5, "Kinds of supervision", words, cells)


def _detected(available: Available) -> Table:
    cells: list[Cell] = []
    for source in available.detections or (available.detection(),):
        row = f"UGCN, {source}"
        trial = Trial(row, motion(BEST), source)
        cells += _by_action(row, trial, "MPJPE", available, _printed(source))
        cells += _by_action(f"{row}: P-MPJPE", trial, "P-MPJPE", available, {})
        if available.cameras:
            refined = replace(trial, label=f"{row} + refine", refine=True)
            cells += _by_action(f"{row} + refine ({LABEL})", refined, "MPJPE", available, _printed(f"refined {source}"))
    words = (
        "Trained and tested on detected 2D, with motion loss. The paper's sources are CPN and HRNet. Its dagger row "
        "adds the refine module of Cai et al., here trained on the frozen lifter. "
    )
    words += f"It {LABEL}: not to be compared with methods that know neither." if available.cameras else NO_CAMERAS
    return Table(6, "Detected 2D", words, tuple(cells))


def _printed(source: str) -> Mapping[str, Any]:
    """The row of the paper's Table 6 whose 2D a source's name begins with."""
    return next((row for name, row in _paper("table6").items() if source.startswith(name)), {})


def _ground_truth(available: Available) -> Table:
    trial = Trial("UGCN + motion loss", motion(BEST))
    cells = _by_action("UGCN", trial, "MPJPE", available, _paper("table7"))
    return Table(7, "Ground-truth 2D", "Trained and tested on true 2D, with motion loss.", tuple(cells))


def _velocity(available: Available) -> Table:
    source = available.detection()
    printed = _paper("table8")
    rows = (
        (f"without motion loss, {source}", motion(()), source, printed["without"]),
        (f"with motion loss, {source}", motion(BEST), source, printed["with"]),
        ("with motion loss, true 2D", motion(BEST), "gt", printed["gt"]),
    )
    cells: list[Cell] = []
    for row, options, keypoints, known in rows:
        cells += _by_action(row, Trial(row, options, keypoints), "MPJVE", available, known)
    return Table(8, "Velocity error (MPJVE)", "Millimetres a frame. The paper's detector is CPN.", tuple(cells))


def _mpi_inf_3dhp(_: Available) -> Table:
    cells: list[Cell] = []
    for row, intervals, key in (("UGCN without motion loss", (), "without"), ("UGCN", BEST, "with")):
        trial = Trial(row, motion(intervals))
        cells += [Cell(row, name, trial, name, value) for name, value in _paper("table9")[key].items()]
    words = (
        "True 2D. The paper does not say which annotation, frames and joints; its numbers stand beside, not against."
    )
    return Table(9, "MPI-INF-3DHP", words, tuple(cells))


def _by_action(row: str, trial: Trial, measure: str, available: Available, printed: Mapping[str, Any]) -> list[Cell]:
    """A row with a cell for each action, and both averages."""
    per_action = printed.get("per_action", {})
    cells = [Cell(row, action, trial, measure, per_action.get(action), action) for action in available.actions]
    return [
        *cells,
        Cell(row, "mean of actions", trial, measure, printed.get("average"), "*"),
        Cell(row, "mean of frames", trial, measure),
    ]


def _paper(table: str) -> Any:
    text = files("lifter.experiments").joinpath("paper.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)[table]
