"""Learning an adapter: least squares with a ridge towards the rules, and the ridge chosen on people left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detectors.joints import H36M_17, VOCABULARIES
from pipeline.learned.pairs import Pairs
from pipeline.learned.shares import KINDS, Shares, both_sides, left_of, mirror

Doubles = NDArray[np.float64]

RIDGES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
FOLDS = 5
ROBUST = 0.1  # of the person's size; larger errors pull with a constant force
ASTRAY = 0.5  # of the person's size; errors count for no more than that
ROUNDS = 8
SURE = 2  # standard errors of the films' differences by which a kind of joint must gain
# What moves by itself tells nothing of where another joint is, and is what detectors lose; the rest is one place twice.
LEFT_OUT = ("elbow", "wrist", "ankle", "pinky", "index", "thumb", "heel", "toe", "foot", "inner", "outer")


@dataclass(frozen=True)
class Learned:
    """What came out for one vocabulary.

    Attributes:
        shares: fitted on all films; kinds of joints that gained nothing on people left out keep the rules.
        ridge: the chosen one.
        films, frames: fitted on.
    """

    shares: Shares
    ridge: float
    films: int
    frames: int


def learn(films: Sequence[Pairs], ridges: Sequence[float] = RIDGES) -> Learned:
    """Fit an adapter to the films of one vocabulary.

    The ridge is that with the smallest error on people left out. A kind of joint is learned if its error there is
    smaller than the rules' by more than `SURE` standard errors of the films' differences. Films of one person leave
    nobody out: they are then judged by themselves.
    """
    parts = folds(films)
    rules = np.array([errors(film, film.rules) for film in films])
    tried = []
    for ridge in ridges:
        out = np.empty_like(rules)
        for part in range(max(parts) + 1):
            kept = [film for film, of in zip(films, parts, strict=True) if of != part]
            shares = fit(kept or films, ridge)
            for row in (row for row, of in enumerate(parts) if of == part):
                out[row] = errors(films[row], moved(shares, films[row]))
        gained = by_kind(rules - out)
        mean = np.nanmean(gained, axis=0)
        deviation = np.nanstd(gained, axis=0) / np.sqrt(np.maximum((~np.isnan(gained)).sum(axis=0), 1))
        chosen = tuple(kind for kind, good in zip(KINDS, mean > SURE * deviation, strict=True) if good)
        tried.append((float(np.nansum(mean[mean > SURE * deviation])), ridge, chosen))
    _, ridge, chosen = max(tried)
    shares = replace(fit(films, ridge, chosen), about={"ridge": ridge, "films": len(films)})
    return Learned(shares, ridge, len(films), sum(len(film.truth) for film in films))


def folds(films: Sequence[Pairs]) -> list[int]:
    """Return which of at most `FOLDS` parts each film is in: all films of a person in one, parts of about a size."""
    people = sorted({film.who for film in films}, key=lambda who: -sum(film.who == who for film in films))
    sizes = [0] * min(FOLDS, len(people))
    part_of = {}
    for who in people:
        part_of[who] = sizes.index(min(sizes))
        sizes[part_of[who]] += sum(film.who == who for film in films)
    return [part_of[film.who] for film in films]


def fit(films: Sequence[Pairs], ridge: float, kinds: Sequence[str] = KINDS) -> Shares:
    """Return the shares that bring the rules' places nearest to the truth; left and right are fitted as one."""
    joints = VOCABULARIES[films[0].vocabulary]
    sources = [i for i, name in enumerate(joints) if not any(part in name for part in LEFT_OUT)]
    shares = {}
    for kind in kinds:
        design, wanted = rows(films, kind, sources)
        of_kind = np.zeros(len(joints))
        of_kind[sources] = robust_ridge(design, wanted, ridge)
        shares[kind] = np.round(of_kind, 4)
    return Shares(joints, both_sides(shares, joints))


def rows(films: Sequence[Pairs], kind: str, sources: Sequence[int]) -> tuple[Doubles, Doubles]:
    """Return (R, 2, S) where the sources lie from the rules' place of a kind, and (R, 2) where the truth does.

    In sizes of the person; both sides, the right one's with the sources mirrored.
    """
    left = left_of(kind)
    designs, truths = [], []
    for film in films:
        order = [film.joints.index(name) for name in VOCABULARIES[film.vocabulary]]
        found, seen = film.found[:, order], film.seen[:, order]
        there = mirror(VOCABULARIES[film.vocabulary])
        for joint, members in ((left, list(sources)), (mirror(H36M_17)[left], [there[source] for source in sources])):
            good = film.inside[:, joint] & seen[:, members].all(axis=1)
            rule = film.rules[good, joint]
            designs.append((found[good][:, members] - rule[:, None]).swapaxes(1, 2) / film.unit)
            truths.append((film.truth[good, joint] - rule) / film.unit)
    return np.concatenate(designs), np.concatenate(truths)


def robust_ridge(design: Doubles, wanted: Doubles, ridge: float) -> Doubles:
    """Return (S,) shares of least mean error and size: (R, 2, S) design, (R, 2) wanted; large errors count less."""
    shares = np.zeros(design.shape[-1])
    for _ in range(ROUNDS if len(wanted) else 0):
        off = np.linalg.norm(wanted - design @ shares, axis=-1)
        weight = (ROBUST / np.maximum(off, ROBUST))[:, None]
        normal = np.einsum("rxs,rx,rxu->su", design, np.broadcast_to(weight, wanted.shape), design, optimize=True)
        pull = np.einsum("rxs,rx->s", design, weight * wanted)
        shares = np.linalg.solve(normal / len(wanted) + ridge * np.eye(len(shares)), pull / len(wanted))
    return shares


def moved(shares: Shares, film: Pairs) -> Doubles:
    """Return a film's (N, 17, 2) places by the learned adapter."""
    rules = film.rules.astype(np.float32)
    return shares.move(rules, film.found, film.seen.astype(np.float32), film.joints).astype(np.float64)


def errors(film: Pairs, places: Doubles) -> Doubles:
    """Return (17,) mean distances to the truth in sizes of the person, each at most `ASTRAY`; nan where never told."""
    off = np.minimum(np.linalg.norm(places - film.truth, axis=-1) / film.unit, ASTRAY)
    count = film.inside.sum(axis=0)
    return np.where(count > 0, (off * film.inside).sum(axis=0) / np.maximum(count, 1), np.nan)


def by_kind(values: Doubles) -> Doubles:
    """Return (films, kinds) means over the sides of (films, 17)."""
    pairs = [(left_of(kind), mirror(H36M_17)[left_of(kind)]) for kind in KINDS]
    return np.stack([(values[:, left] + values[:, right]) / 2 for left, right in pairs], axis=1)
