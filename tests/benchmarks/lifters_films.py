"""Lifters on films of calibrated cameras, through whole pipelines, beside MediaPipe's own 3D and a constant pose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from error_budget import joint_errors, steady, stretch, tremble
from mediapipe_world import world_landmarks
from numpy.typing import NDArray
from real_films import (
    LIMB_NAMES,
    LIMBS,
    Film,
    bone_deviation,
    errors,
    film,
    films,
    jitter,
    lift_truth,
    limbs_of,
    run_film,
)

from detectors.base import DetectorOptions
from lifter.evaluate import MeanPose
from pipeline.settings import RunSettings

Doubles = NDArray[np.float64]
MEASURES = ("P-MPJPE", "N-MPJPE", "MPJVE", "jitter", "bone deviation")
TRUE_2D, MEDIAPIPE, REFERENCE = "true 2D", "MediaPipe's own 3D", "the reference itself"


@dataclass(frozen=True)
class Record:
    """One row of one table on one film, millimetres: a source of 2D, a lifter, a camera.

    Attributes:
        source: a detector, or `TRUE_2D`.
        row: title of the lifter.
        camera: two digits.
        values: by `MEASURES`.
        joints: P-MPJPE's error of each limb joint.
    """

    source: str
    row: str
    camera: str
    values: dict[str, float]
    joints: dict[str, float]


def measure(
    lifters: Mapping[str, str], means: Mapping[str, MeanPose], folder: Path, sources: Mapping[str, RunSettings]
) -> Iterator[Record]:
    """Take every film through every source of 2D once, and lift it with every lifter.

    Args:
        lifters: title -> shipped name or weights file.
        means: title -> constant.
        folder: films, calibration, reference.
        sources: detector -> how to run it; the first one's settings lift the true 2D too.
    """
    for path in films(folder):
        of = film(folder, path)
        every = np.ones(len(of.truth), bool)
        for source, settings in {**sources, TRUE_2D: next(iter(sources.values()))}.items():
            for row, weights in lifters.items():
                yield _lifted(of, source, row, replace(settings, lifter=weights))
            for row, mean in means.items():
                constant = np.repeat(mean.pose[None, LIMBS].astype(float), len(of.truth), axis=0)
                yield _record(of, source, row, constant, every, constant)
            yield _record(of, source, REFERENCE, of.truth, every, of.truth)
        own, seen = world_landmarks(path)
        yield _record(of, "mediapipe", MEDIAPIPE, own, seen, own)


def settings(detectors: Mapping[str, DetectorOptions], output: Path, device: str) -> dict[str, RunSettings]:
    """How to run each detector: the largest person, no film, a folder of its own."""
    return {
        name: RunSettings(
            detector=name, options=options, device=device, person="largest", output=output / name, render=False
        )
        for name, options in detectors.items()
    }


def reference_budget(folder: Path) -> dict[str, dict[str, float]]:
    """What is known of the reference's own errors: name -> joint -> millimetres."""
    truth = film(folder, films(folder)[0]).truth  # lengths are the same in every camera's axes
    columns = {
        "reference trembles": tremble(truth),
        "its bones stretch": stretch(truth),
        "reference made steady": joint_errors(steady(truth), truth),
    }
    return {name: dict(zip(LIMB_NAMES, values.tolist(), strict=True)) for name, values in columns.items()}


def _lifted(of: Film, source: str, row: str, settings: RunSettings) -> Record:
    """A lifter's row; how much bones change is told of the poses as lifted, before they are held at one length."""
    free = replace(settings, hold_bones=False)
    if source == TRUE_2D:
        held, as_lifted = lift_truth(of, settings), lift_truth(of, free)
    else:
        as_lifted, held = run_film(of.path, free), run_film(of.path, settings)
    return _record(of, source, row, limbs_of(held), held.valid[0], limbs_of(as_lifted))


def _record(of: Film, source: str, row: str, limbs: Doubles, seen: NDArray[np.bool_], as_lifted: Doubles) -> Record:
    values = {
        **errors(limbs, of.truth, seen),
        "jitter": jitter(limbs, seen),
        "bone deviation": bone_deviation(as_lifted, seen),
    }
    by_joint = dict(zip(LIMB_NAMES, joint_errors(limbs[seen], of.truth[seen]).tolist(), strict=True))
    return Record(source, row, of.path.stem[-2:], values, by_joint)
