"""What `report.json` says: plain numbers of everyone, each with its unit in its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from pipeline.camera import pitch_and_roll
from pipeline.measures.steps import Walk
from pipeline.poses import Pose3D
from pipeline.report.quality import LIMB_PARTS, Quality
from pipeline.report.words import in_words, seconds_of
from pipeline.upright import mean_way, standing_ways

FORMAT = 1
NOTE = (
    "Nothing here knows the truth: these numbers tell what was seen, how the pose fits the picture and how it moves. "
    "A pose may be calm, fit the picture, and be wrong in depth."
)


def tell_all(
    pose: Pose3D, qualities: list[Quality], walks: list[list[Walk]], record: Mapping[str, Any], film: str
) -> dict[str, Any]:
    """Return the document.

    Args:
        pose: the run's people.
        qualities: of each of them.
        walks: of each of them.
        record: what `run.json` says.
        film: what the film is called.
    """
    spans = [
        {
            "person": int(pose.people[span.person]), "part": span.part, "why": span.why, "first_frame": span.first,
            "last_frame": span.last, "seconds": round(seconds_of(span, pose), 3), "words": words,
        }
        for span, words in in_words(pose)
    ]  # fmt: skip
    return {
        "format": FORMAT,
        "film": film,
        "note": NOTE,
        "frames": len(pose.timestamps),
        "seconds": round(float(pose.timestamps[-1]), 3) if len(pose.timestamps) else 0.0,
        "camera": _camera(pose, record),
        "people": [
            {"person": int(number), **_person(quality, steps, float(np.median(pose.root_sigma[row, :, 2])))}
            for row, (number, quality, steps) in enumerate(zip(pose.people, qualities, walks, strict=True))
        ],
        "low_trust": spans,
    }


def _camera(pose: Pose3D, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tilt, who says so, and how far people who stand speak for it (1 and more frames' worth of 12)."""
    pitch, roll = pitch_and_roll(pose.up.tolist())
    given = _given_tilt(record)
    _, evidence = mean_way(*standing_ways(pose.positions, pose.valid, pose.scores)) if pose.valid.any() else (None, 0.0)
    return {
        "pitch_down_deg": round(pitch, 1),
        "roll_clockwise_deg": round(roll, 1),
        "tilt": "given" if given else "estimated",
        "tilt_evidence": None if given else round(evidence, 2),
    }


def _given_tilt(record: Mapping[str, Any]) -> bool:
    """Return whether the run was told both pitch and roll."""
    try:
        return all(part is not None for part in record["settings"]["lift"]["tilt"])
    except (KeyError, TypeError):
        return False


def _person(quality: Quality, walks: list[Walk], depth_sigma: float) -> dict[str, Any]:
    seen = quality.seen
    frames = max(1, int(seen.sum()))
    return {
        "frames_in_track": int(seen.sum()),
        "coverage": _round(float(seen.mean()) if len(seen) else None, 3),
        "confidence": _round(_middle(quality.score.ravel()), 3),
        "confidence_by_part": {
            part: _round(_middle(column), 3) for part, column in zip(LIMB_PARTS, quality.score.T, strict=True)
        },
        "key_points_filled_in": _round(float(quality.filled.sum()) / (17 * frames), 4),
        "frames_swapped_back": int(quality.swapped.sum()),
        "reprojection_px": {name: _round(value, 2) for name, value in _spread(quality.reprojection_px).items()},
        "reprojection_share_of_height": {n: _round(v, 4) for n, v in _spread(quality.reprojection).items()},
        "height_px": _round(quality.height_px, 0),
        "bones_held": quality.held,
        "bone_deviation": None if quality.held else {
            f"{joints.NAMES[a]}-{joints.NAMES[b]}": _round(float(value), 4)
            for (a, b), value in zip(joints.LIMBS, quality.bones, strict=True)
        },
        "jitter_mm": _round(1000 * quality.jitter_m, 2),
        "key_point_jitter_px": _round(quality.jitter_px, 2),
        "foot_skate_m_per_s": {name: _round(value, 3) for name, value in _spread(quality.skate).items()},
        "distance_sigma_m": _round(depth_sigma, 2),
        "walks": [
            {
                "first_s": round(walk.contacts[0].seconds, 2), "last_s": round(walk.contacts[-1].seconds, 2),
                "steps": len(walk.contacts) - 1, "cadence_steps_per_min": round(walk.cadence, 1),
            }
            for walk in walks
        ],
    }  # fmt: skip


def _spread(values: NDArray[np.float64]) -> dict[str, float | None]:
    known = values[np.isfinite(values)]
    if not len(known):
        return {"median": None, "p95": None}
    return {"median": float(np.median(known)), "p95": float(np.percentile(known, 95))}


def _middle(values: NDArray[np.float64]) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _round(value: float | None, digits: int) -> float | None:
    """Return a number JSON can hold."""
    return None if value is None or not np.isfinite(value) else round(value, digits)
