"""What a learned adapter brings, in words: errors before and after, film by film."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.learned.fit import by_kind, errors, moved
from pipeline.learned.pairs import Pairs
from pipeline.learned.shares import KINDS, Shares, left_of

HEAD = f"{'':<10}{'rules':>8}{'learned':>9}{'rules px':>10}{'learned px':>12}{'films better':>14}"
ROW = "{:<10}{:8.3f}{:9.3f}{:10.1f}{:12.1f}{:14d}{}"


def table(shares: Shares, films: Sequence[Pairs], told: str) -> list[str]:
    """Return the lines of a table: mean errors of the rules and of what is learned, of the person's size and pixels."""
    before = by_kind(np.array([errors(film, film.rules) for film in films]))
    after = by_kind(np.array([errors(film, moved(shares, film)) for film in films]))
    pixels = np.array([[film.unit] for film in films])
    better = (after < before).sum(axis=0)
    lines = [f"{told}: {len(films)} films, {sum(len(film.truth) for film in films)} frames", HEAD]
    for column, kind in enumerate(KINDS):
        values = [np.nanmean(values[:, column]) for values in (before, after, before * pixels, after * pixels)]
        kept = "" if shares.matrix[left_of(kind)].any() else "  by the rules"
        lines.append(ROW.format(kind, *values, better[column], kept))
    means = [float(np.nanmean(values)) for values in (before, after, before * pixels, after * pixels)]
    lines.append(ROW.format("mean", *means, (np.nanmean(after, axis=1) < np.nanmean(before, axis=1)).sum(), ""))
    return lines
