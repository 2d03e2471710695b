"""A detector's errors made anew: for key points of clips that no detector has seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from lifter.datasets.mocap.packed import RATE_HZ
from lifter.detector_noise.parts import HINGED, KIND_OF, KINDS, LIMBS, Doubles, Floats, joint_axes
from lifter.detector_noise.settings import DetectorNoise, JointNoise, SideSwaps


def add_detector_noise(
    keypoints: Floats, noise: DetectorNoise, random: np.random.Generator, positions: Floats | None = None
) -> Floats:
    """Return keypoints (N, T, 17, 2) at 50 Hz, person units, upright, as a detector would have found them.

    Args:
        keypoints: the truth.
        noise: how the detector errs.
        random: of all that is drawn.
        positions: (N, T, 17, 3) camera axes, turned as the keypoints are: tells where the body's own offsets point;
            without it they are left out.
    """
    count, frames = keypoints.shape[:2]
    every = Columns(noise)
    spread = _spread(count, every.spread, noise.shared, random)
    slow = every.bias * _mixed(random.normal(0, 1, (count, 1, 17, 2)), noise)
    slow = slow + spread * every.drift * _drifting(count, frames, every, noise, random)
    error = slow + spread * every.jitter * _tailed(every.tail[..., 0], keypoints.shape, random)
    error = _moved(error, _lost(count, frames, noise, random), every.lost_from)
    if positions is not None:
        error = error + np.einsum("ja,ntjax->ntjx", every.offset, joint_axes(positions, keypoints))
    made = keypoints + error
    for limb, swaps in noise.swaps.items():
        swapped = lasting(count, frames, swaps, random)
        members = list(LIMBS[limb])
        crossed = made[:, :, [joints.MIRROR[joint] for joint in members]]
        made[:, :, members] = np.where(swapped[..., None, None], crossed, made[:, :, members])
    return np.asarray(made, np.float32)


class Columns:
    """A detector's numbers by joint: (17, 1) each, to go with (..., 17, 2); `offset` is (17, 3)."""

    def __init__(self, noise: DetectorNoise) -> None:
        of = [noise.joints[KINDS[kind]] for kind in KIND_OF]

        def column(name: str) -> Doubles:
            return np.array([[getattr(joint, name)] for joint in of], np.float64)

        self.bias, self.drift, self.jitter = column("bias"), column("drift"), column("jitter")
        self.tail, self.spread, self.lost_from = column("tail"), column("spread"), column("lost_from")
        self.keep = np.exp(-1 / (RATE_HZ * column("drift_s")))
        self.offset = np.array([joint.offset for joint in of], np.float64)


def lasting(count: int, frames: int, swaps: SideSwaps, random: np.random.Generator) -> NDArray[np.bool_]:
    """Return (N, T) bool: something that begins `per_s` times a second and lasts `seconds` on average."""
    begin = min(swaps.per_s / RATE_HZ, 1.0)
    end = min(1 / (swaps.seconds * RATE_HZ), 1.0)
    chance = random.random((frames, count))
    on = np.zeros((frames, count), bool)
    on[0] = chance[0] < begin / (begin + end)
    for t in range(1, frames):
        on[t] = np.where(on[t - 1], chance[t] >= end, chance[t] < begin)
    return on.T


def _spread(count: int, sigma: Doubles, shared: float, random: np.random.Generator) -> Doubles:
    """Factors (N, 1, 17, 1) of mean square 1: of the clip, and of its joints."""
    clip, own = random.normal(0, 1, (count, 1, 1, 1)), random.normal(0, 1, (count, 1, 17, 1))
    logs = sigma * (np.sqrt(shared) * clip + np.sqrt(1 - shared) * own)
    return np.asarray(np.exp(logs - sigma**2))


def _mixed(normal: Doubles, noise: DetectorNoise) -> Doubles:
    """Correlate independent values (..., 17, 2) of variance 1 between the joints; variance stays 1."""
    if not noise.correlation:
        return normal
    values, vectors = np.linalg.eigh(np.array(noise.correlation))
    root = vectors * np.sqrt(np.maximum(values, 0))
    root /= np.linalg.norm(root, axis=1, keepdims=True)  # what rounding took from the diagonal
    return np.asarray(np.einsum("jk,...kx->...jx", root, normal))


def _drifting(count: int, frames: int, every: Columns, noise: DetectorNoise, random: np.random.Generator) -> Doubles:
    """First-order autoregressive errors (N, T, 17, 2) of variance 1, each joint with its lifetime."""
    steps = _mixed(_tailed(every.tail[..., 0], (frames, count, 17, 2), random), noise)
    steps[0] = _mixed(random.normal(0, 1, steps[0].shape), noise)
    for t in range(1, frames):
        steps[t] = every.keep * steps[t - 1] + np.sqrt(1 - every.keep**2) * steps[t]
    return steps.swapaxes(0, 1)


def _tailed(tail: Doubles, shape: tuple[int, ...], random: np.random.Generator) -> Doubles:
    """Student's t of variance 1, (..., 17, 2), with `tail` (17,) degrees of freedom."""
    freedom = tail[:, None]
    return np.asarray(random.standard_t(np.broadcast_to(freedom, shape)) * np.sqrt((freedom - 2) / freedom))


def _moved(error: Doubles, places: Doubles, least: Doubles) -> Doubles:
    """Add errors to the places of lost joints, (N, T, 17, 2): those are off by `least` (17, 1) or more, others by less.

    So are lost ones told from others where errors are measured.
    """
    error = error * np.minimum(1, least / np.maximum(np.linalg.norm(error, axis=-1, keepdims=True), 1e-9))
    far = np.linalg.norm(places, axis=-1, keepdims=True)
    way = places / np.maximum(far, 1e-9)
    moved = error + places
    along = (moved * way).sum(axis=-1, keepdims=True)
    return np.asarray(moved + np.where(far > 0, np.maximum(least - along, 0), 0) * way)


def _lost(count: int, frames: int, noise: DetectorNoise, random: np.random.Generator) -> Doubles:
    """How far (N, T, 17, 2) joints are off that are lost now and then, alone or with their parents; 0 elsewhere."""
    places = np.zeros((count, frames, 17, 2))
    for joint, kind in enumerate(KIND_OF):
        known = noise.joints[KINDS[kind]]
        alone = lasting(count, frames, SideSwaps(known.lost_per_s, known.lost_s), random)
        places[:, :, joint] = alone[..., None] * _one_place_a_run(alone, known, random)
        parent = places[:, :, joints.PARENTS[joint]]
        led = np.linalg.norm(parent, axis=-1)
        if joint in HINGED and known.with_parent and led.any():
            run = _runs(led > 0)
            follows = (led > 0) & np.take_along_axis(random.random(led.shape) < known.with_parent, run, axis=1)
            size = _sizes(run, known, random)
            along = size[..., None] * parent / np.maximum(led, 1e-9)[..., None]
            places[:, :, joint] = np.where(follows[..., None], along, places[:, :, joint])
    return places


def _runs(on: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number the runs of (N, T) within each row: from 0; frames between two runs have the earlier one's number."""
    return np.asarray(np.maximum(np.cumsum(np.diff(on.astype(int), axis=1, prepend=0) > 0, axis=1) - 1, 0))


def _sizes(run: NDArray[np.int64], known: JointNoise, random: np.random.Generator) -> Doubles:
    more = random.exponential(known.lost_more, run.shape)
    return np.asarray(known.lost_from + np.take_along_axis(more, run, axis=1))


def _one_place_a_run(on: NDArray[np.bool_], known: JointNoise, random: np.random.Generator) -> Doubles:
    """Return (N, T, 2): a place in any direction, far off, the same for a run of (N, T)."""
    run = _runs(on)
    angle = np.take_along_axis(random.uniform(0, 2 * np.pi, on.shape), run, axis=1)
    return np.asarray(_sizes(run, known, random)[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1))
