"""A table of ours beside the paper's, as Markdown and as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from typing import Any

from lifter.experiments.comparison import Spread
from lifter.experiments.paper_tables import Cell, Table
from lifter.experiments.trial import Result, Trial

Results = Mapping[Trial, Result]


def measured(cell: Cell, results: Results) -> Spread | None:
    """What a cell's trainings gave, over their seeds; None where nothing was measured."""
    own = [result for trial, result in results.items() if replace(trial, seed=0) == replace(cell.trial, seed=0)]
    values = tuple(value for result in own if isfinite(value := _value(cell, result)))
    return Spread(values) if values else None


def as_markdown(table: Table, results: Results) -> str:
    """The table: in every cell ours (mean ± standard deviation over seeds), and in brackets the paper's."""
    columns = list(dict.fromkeys(cell.column for cell in table.cells))
    rows = list(dict.fromkeys(cell.row for cell in table.cells))
    at = {(cell.row, cell.column): cell for cell in table.cells}
    lines = [
        f"## Table {table.number}: {table.title}",
        "",
        f"{table.words} Ours; in brackets what the paper prints on its own data.",
        "",
        "| | " + " | ".join(columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for row in rows:
        cells = [_cell(at[row, column], results) if (row, column) in at else "" for column in columns]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def as_dict(table: Table, results: Results) -> dict[str, Any]:
    """The table as plain values: one entry a cell, with the value of every seed."""
    entries = []
    for cell in table.cells:
        spread = measured(cell, results)
        entries.append(
            {
                "row": cell.row,
                "column": cell.column,
                "measure": cell.measure,
                "values": list(spread.values) if spread else [],
                "mean": spread.mean if spread else None,
                "paper": cell.paper,
            }
        )
    return {"table": table.number, "title": table.title, "words": table.words, "cells": entries}


def _cell(cell: Cell, results: Results) -> str:
    spread = measured(cell, results)
    printed = f" ({cell.paper})" if cell.paper is not None else ""
    return f"{spread if spread else '-'}{printed}"


def _value(cell: Cell, result: Result) -> float:
    if cell.trial.refine:
        result = result["refined"]
    if cell.action == "*":
        return float(result["action_mean"][cell.measure])
    if cell.action:
        return float(result["by_action"][cell.measure].get(cell.action, float("nan")))
    return float(result["scores"][cell.measure])
