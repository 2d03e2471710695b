"""Lifted poses against a reference: how far off they are once it is laid over them, as a table and as JSON.

A reference is an `.npz` without objects:

    positions   (T, J, 3) of one person, or (P, T, J, 3); in any axes, the same throughout
    joints      (J,) names: any of Human3.6M's 17 as `pose3d.npz` has them, at least four; others are passed over
    units       "m" (where it is absent) or "mm"
    timestamps  (T,) seconds since the film's first frame; or
    fps         one number: frame 0 is the film's first; where both are absent, its frames are those of the run
    valid       (T,) or (P, T) bool: frames that count; never those with numbers that are not finite or beyond 1000 km

`pose3d.npz` of another run is such a file.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from lifter.metrics import mpjpe, mpjve, n_mpjpe, p_mpjpe
from pipeline import store
from pipeline.errors import PipelineError
from pipeline.folder import RunFolder
from pipeline.poses import Pose3D
from pipeline.reading import open_arrays
from pipeline.tables import Table

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

_FEWEST_JOINTS = 4
_UNITS = {"m": 1.0, "mm": 0.001}
_FARTHEST_M, _LATEST_S = 1e6, 1e9
_FORM = "see `pipeline/reference.py` for its form"
_BAD_MM = 300.0  # what a frame that only one of two people has counts when it is asked who is who
_HIPS = ("left_hip", "right_hip")


@dataclass(frozen=True)
class Reference:
    """What a file holds.

    Attributes:
        positions: (P, T, J, 3) metres.
        valid: (P, T).
        seconds: (T,) since the film's first frame; None: the run's own frames.
        joints: J names of ours.
    """

    positions: Doubles
    valid: Bools
    seconds: Doubles | None
    joints: tuple[str, ...]


@dataclass(frozen=True)
class Errors:
    """How far off a person is, millimetres, means over the shared frames.

    Attributes:
        person: of the run, its number.
        reference: of the file, from 1.
        frames, joints: how many are compared.
        mpjpe: after one rotation for the whole film, pelvis upon pelvis.
        n_mpjpe: the same after the best scale of every frame.
        p_mpjpe: after rotation, scale and translation of every frame.
        mpjve: after the one rotation, of velocities, a frame.
        turned: degrees by which the whole film was rotated.
    """

    person: int
    reference: int
    frames: int
    joints: int
    mpjpe: float
    n_mpjpe: float
    p_mpjpe: float
    mpjve: float
    turned: float


def read_reference(path: Path) -> Reference:
    """Read a reference.

    Raises:
        PipelineError: it cannot be read, or is not of the form above.
    """
    try:
        with open_arrays(path) as data:
            return _of_arrays({name: data[name] for name in data})
    except FileNotFoundError as error:
        raise PipelineError(f"{path}: no such reference; name an .npz, {_FORM}") from error
    except store.DAMAGE as error:
        raise PipelineError(f"{path}: no reference ({error}); {_FORM}") from error


def _of_arrays(arrays: dict[str, NDArray[np.generic]]) -> Reference:
    places = _numbers(arrays, "positions")
    places = places[None] if places.ndim == 3 else places
    names = [str(name) for name in arrays["joints"]]
    if places.ndim != 4 or places.shape[2:] != (len(names), 3) or not places.size:
        raise ValueError(f"positions: (T, {len(names)}, 3) or (P, T, {len(names)}, 3) wanted, got {places.shape}")
    units = str(arrays.get("units", "m"))
    if units not in _UNITS:
        raise ValueError(f"units: m or mm wanted, got {units!r}")
    people, frames = places.shape[:2]
    known = [index for index, name in enumerate(names) if name in joints.NAMES]
    if len(known) < _FEWEST_JOINTS:
        raise ValueError(f"joints: at least {_FEWEST_JOINTS} of {', '.join(joints.NAMES)} wanted")
    places = _UNITS[units] * places[:, :, known]
    valid: Bools = np.asarray((np.abs(places) < _FARTHEST_M).all(axis=(2, 3)), np.bool_)
    if "valid" in arrays:
        told = np.asarray(arrays["valid"])
        if told.dtype != np.bool_ or told.shape not in ((frames,), (people, frames)):
            raise ValueError(f"valid: ({frames},) or ({people}, {frames}) bool wanted, got {told.shape} {told.dtype}")
        valid &= told
    seconds = None
    if "timestamps" in arrays:
        seconds = _numbers(arrays, "timestamps")
        known_s = seconds.shape == (frames,) and bool((np.abs(seconds) < _LATEST_S).all())
        if not known_s or not (seconds[1:] > seconds[:-1]).all():
            raise ValueError(f"timestamps: ({frames},) rising seconds wanted")
    elif "fps" in arrays:
        fps = float(_numbers(arrays, "fps").reshape(-1)[0])
        if not 1e-3 < fps < 1e6:
            raise ValueError(f"fps: a rate wanted, got {fps}")
        seconds = np.arange(frames) / fps
    return Reference(np.where(valid[..., None, None], places, 0.0), valid, seconds, tuple(names[k] for k in known))


def _numbers(arrays: dict[str, NDArray[np.generic]], name: str) -> Doubles:
    """Return an array of numbers, of whatever kind they are; raises KeyError and ValueError."""
    if arrays[name].dtype.kind not in "fiu":
        raise ValueError(f"{name}: numbers wanted, got {arrays[name].dtype}")
    with np.errstate(over="ignore", invalid="ignore"):  # they are looked at afterwards
        numbers = np.asarray(arrays[name], np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)  # a signalling NaN is one no more


def compare(pose: Pose3D, begins_s: float, reference: Reference) -> list[Errors]:
    """Find who is who and how far off everyone is.

    Args:
        pose: the run's poses.
        begins_s: when in the film their first frame was shown, in seconds.
        reference: see above.

    Raises:
        PipelineError: the two have no frame in common.
    """
    from scipy.optimize import linear_sum_assignment

    truth, shared = _at(reference, pose.timestamps + begins_s)
    rows = [joints.NAMES.index(name) for name in reference.joints]
    made = pose.positions[:, :, rows].astype(np.float64)
    cost = np.full((len(made), len(truth)), _BAD_MM)
    for p, one in enumerate(made):
        for r, other in enumerate(truth):
            both = pose.valid[p] & shared[r]
            if both.any():
                share = both.sum() / max((pose.valid[p] | shared[r]).sum(), 1)
                cost[p, r] = share * p_mpjpe(one, other, both) + (1 - share) * _BAD_MM
    found = []
    for p, r in np.stack(linear_sum_assignment(cost), axis=1).tolist():
        both = pose.valid[p] & shared[r]
        if both.any():
            found.append(_errors(made[p], truth[r], both, reference.joints, (int(pose.people[p]), r + 1)))
    if not found:
        raise PipelineError(f"the reference and the run have no frame of anybody in common; {_FORM}")
    return sorted(found, key=lambda errors: errors.person)


def _at(reference: Reference, seconds: Doubles) -> tuple[Doubles, Bools]:
    """Return the reference (P, T, J, 3) at moments (T,), between its frames on straight lines, and where it is known.

    Raises:
        PipelineError: it has no times and another number of frames.
    """
    times, frames = reference.seconds, reference.positions.shape[1]
    if times is None:
        if frames != len(seconds):
            raise PipelineError(
                f"the reference has {frames} frames, the run {len(seconds)}, and no timestamps or fps; {_FORM}"
            )
        return reference.positions, reference.valid
    after = np.clip(np.searchsorted(times, seconds - 1e-4, side="left"), 0, frames - 1)
    before = np.maximum(after - 1, 0)
    exact = np.abs(times[after] - seconds) < 2e-4
    before = np.where(exact, after, before)
    inside = (seconds > times[0] - 2e-4) & (seconds < times[-1] + 2e-4)
    gap = np.where(after > before, times[after] - times[before], 1.0)
    share = np.where(after > before, np.clip((seconds - times[before]) / gap, 0, 1), 0.0)[:, None, None]
    there = reference.positions[:, before] * (1 - share) + reference.positions[:, after] * share
    return there, reference.valid[:, before] & reference.valid[:, after] & inside


def _errors(made: Doubles, truth: Doubles, both: Bools, names: tuple[str, ...], who: tuple[int, int]) -> Errors:
    """Compare one person (T, J, 3) with its reference where both are known (T,)."""
    from scipy.spatial.transform import Rotation

    one, other = made - _middle(made, names), truth - _middle(truth, names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # joints upon one line or at one place have no one rotation, and any will do
        turn, _ = Rotation.align_vectors(other[both].reshape(-1, 3), one[both].reshape(-1, 3))
    one = one @ turn.as_matrix().T
    return Errors(
        *who, int(both.sum()), len(names), mpjpe(one, other, both), n_mpjpe(one, other, both),
        p_mpjpe(one, other, both), mpjve(one, other, both), float(np.degrees(turn.magnitude())),
    )  # fmt: skip


def _middle(positions: Doubles, names: tuple[str, ...]) -> Doubles:
    """Return the pelvis (T, 1, 3); the middle of the hips where it is not among the joints, or of all joints."""
    if "pelvis" in names:
        rows = [names.index("pelvis")]
    else:
        rows = [names.index(name) for name in _HIPS] if set(_HIPS) <= set(names) else list(range(len(names)))
    return np.asarray(positions[:, rows].mean(axis=1, keepdims=True))


def table(found: list[Errors]) -> Table:
    """Return the errors as a table."""
    rows = [
        (str(e.person), str(e.reference), str(e.frames), str(e.joints),
         *(f"{value:.1f}" for value in (e.mpjpe, e.n_mpjpe, e.p_mpjpe, e.mpjve)))
        for e in found
    ]  # fmt: skip
    head = ("person", "reference", "frames", "joints", "MPJPE", "N-MPJPE", "P-MPJPE", "MPJVE")
    return Table(head, rows, left=0, below="errors in mm; MPJVE in mm a frame")


def against(folder: RunFolder, path: Path) -> Table:
    """Compare a run with a reference, write `reference.json` beside it, and return the table.

    Raises:
        PipelineError: see `read_reference` and `compare`.
    """
    found = compare(store.load_pose3d(folder.pose3d), store.read_cut(folder.pose3d)[1], read_reference(path))
    about = {"reference": path.name, "sha256": store.content_hash(path), "people": [asdict(errors) for errors in found]}
    text = json.dumps(about, indent=2).replace("NaN", "null") + "\n"
    store.write_whole(folder.path / "reference.json", lambda file: file.write(text.encode()))
    return table(found)
