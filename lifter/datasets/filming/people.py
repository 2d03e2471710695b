"""Who is filmed: men, women and children with the proportions of real populations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lifter.datasets.filming.bodies import HIP_HALF, LIMBS, SHOULDER_HALF, TRUNK, WHOLE_SPREAD, Bodies

Doubles = NDArray[np.float64]

# Stature, metres: mean and standard deviation of men and women in the 2012 anthropometric survey of US Army
# personnel (ANSUR II, NATICK/TR-15/007).
MEN, WOMEN = (1.756, 0.069), (1.629, 0.064)
ADULT = (MEN[0] + WOMEN[0]) / 2  # whose joints lie as far apart as the means of `bodies` say
# Median stature by age, boys and girls together, and its relative deviation (NCHS growth charts, 10th to 90th
# percentile); legs beside an adult's of the same stature (sitting height is 0.55, 0.53, 0.52 of it: legs the rest).
AGES, CHILDREN, CHILD_LEGS, CHILD_SPREAD = (6.0, 10.0, 14.0), (1.155, 1.38, 1.62), (0.94, 0.98, 1.0), 0.045
# Shoulders of men and women beside their stature (biacromial breadth 0.416 of 1.756 m, 0.365 of 1.629 m), around
# the mean of both.
SHOULDERS_MEN, SHOULDERS_WOMEN = 1.028, 0.972
# How a bone follows the stature: power, and the relative spread that is left. The deviations are ANSUR II's men's
# (upper arm 5.2 %, forearm 5.8 %, buttock to knee 4.9 %, knee height 5.8 %, shoulders 4.6 %, sitting height 3.9 %;
# stature 3.9 %); the correlations r with stature are rounded, those of upper arm and sitting height after regressions
# published on that survey, the others estimates. The power is r times the quotient of the deviations, what is left
# sqrt(1 - r^2) of the deviation.
FOLLOWS = {
    "upper_arm": (1.03, 0.033),  # r 0.77
    "forearm": (1.10, 0.038),  # 0.75
    "thigh": (1.00, 0.030),  # 0.8
    "shin": (1.25, 0.030),  # 0.85
    "chest": (0.53, 0.041),  # 0.45
    "hips": (0.53, 0.041),  # as the shoulders
    "trunk": (0.76, 0.025),  # sitting height, 0.76
}


@dataclass(frozen=True)
class PeopleSettings:
    """Who the people of the clips are, and what they do.

    Attributes:
        population: bodies with the proportions of men, women and children; else of adults whose bones vary by
            themselves (`bodies.draw_adults`).
        children: share of children of 6 to 14 years in the population.
        true_size: keep everybody's size; else all are as large as an average adult, give or take 3 %, since one
            camera cannot tell a child nearby from a man far away.
        join: share of clips that are two recordings, joined.
    """

    population: bool = False
    children: float = 0.15
    true_size: bool = False
    join: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.children <= 1 and 0 <= self.join <= 1):
            raise ValueError("people: children and join are shares, 0..1 wanted")


def draw_population(count: int, people: PeopleSettings, random: np.random.Generator) -> Bodies:
    """Draw people: as many men as women, and children."""
    woman = random.random(count) < 0.5
    child = random.random(count) < people.children
    age = random.uniform(AGES[0], AGES[-1], count)
    mean, deviation = np.where(woman[:, None], WOMEN, MEN).T
    normal = random.normal(size=count)
    young = np.interp(age, AGES, CHILDREN) * np.exp(CHILD_SPREAD * normal)
    # Relative to the mean of the own kind, which has the mean proportions: children are no small adults.
    typical = np.where(child, np.interp(age, AGES, CHILDREN), mean)
    stature = np.where(child, young, mean + deviation * normal)
    relative = stature / typical
    legs = np.where(child, np.interp(age, AGES, CHILD_LEGS), 1.0)
    shoulders = np.where(child, 1.0, np.where(woman, SHOULDERS_WOMEN, SHOULDERS_MEN))

    def length(bone: str, metres: float, factor: Doubles | float = 1.0) -> NDArray[np.float32]:
        power, spread = FOLLOWS[bone]
        own = metres * typical / ADULT * factor * relative**power * np.exp(random.normal(0, spread, count))
        return np.asarray(own[:, None, None], dtype=np.float32)

    limbs = {name: length(name, metres, legs if name in ("thigh", "shin") else 1.0) for name, metres in LIMBS.items()}
    trunk, hips = length("trunk", TRUNK), length("hips", HIP_HALF)
    chest = length("chest", SHOULDER_HALF, shoulders)
    whole: NDArray[np.floating] = np.ones((count, 1, 1, 1))
    if not people.true_size:
        adult = TRUNK + LIMBS["thigh"] + LIMBS["shin"]
        own = (trunk + limbs["thigh"] + limbs["shin"])[..., None]
        whole = adult / own * np.exp(random.normal(0, WHOLE_SPREAD, (count, 1, 1, 1)))
    return Bodies(trunk, hips, chest, limbs, whole)
