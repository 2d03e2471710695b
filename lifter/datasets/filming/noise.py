"""What detectors do to keypoints: bias, slow drift, jitter, wild misses and gaps that were filled in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lifter import joints

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class NoiseSettings:
    """Errors relative to the person's size (the mean radius of `screen.to_person`, about 0.4 of the height).

    Attributes:
        bias: sigma of an offset per joint that stays for the clip: limbs, and joints of the trunk and head
            (whose definition differs from detector to detector).
        drift: sigma of an error that lives about `drift_frames` frames.
        jitter: sigma of an independent error of every frame.
        miss: probability that a joint of a frame is off by about `miss_size`.
        gap: probability that a clip has a gap, in which some joints move in a straight line.
        strength: (least, most): a clip's own factor on all of it.
    """

    bias: tuple[float, float] = (0.03, 0.07)
    drift: float = 0.03
    drift_frames: float = 12.0
    jitter: float = 0.012
    miss: float = 0.01
    miss_size: float = 0.15
    gap: float = 0.3
    strength: tuple[float, float] = (0.0, 1.6)

    def __post_init__(self) -> None:
        if min(*self.bias, self.drift, self.jitter, self.miss_size, self.strength[0]) < 0 or self.drift_frames <= 0:
            raise ValueError("noise: sizes from 0, and a drift of some frames wanted")
        if not (0 <= self.miss <= 1 and 0 <= self.gap <= 1 and self.strength[0] <= self.strength[1]):
            raise ValueError("noise: miss and gap in 0..1, strength from least to most wanted")


def add_noise(keypoints: Floats, settings: NoiseSettings, random: np.random.Generator) -> Floats:
    """Return keypoints (N, T, 17, 2) in person units, disturbed as a detector would."""
    count, frames, number, _ = keypoints.shape
    limb = np.isin(np.arange(number), joints.LIMBS_12)
    bias = np.where(limb, *settings.bias)[:, None] * random.normal(0, 1, (count, 1, number, 2))
    drift = settings.drift * _correlated(count, frames, number, settings.drift_frames, random)
    # Some joints shake more than others.
    shaking = np.exp(random.normal(0, 0.5, (count, 1, number, 1)))
    jitter = settings.jitter * shaking * random.normal(0, 1, keypoints.shape)
    missed = random.random((count, frames, number, 1)) < settings.miss
    misses = missed * settings.miss_size * random.standard_t(3, keypoints.shape)
    strength = random.uniform(*settings.strength, (count, 1, 1, 1))
    noisy = keypoints + strength * (bias + drift + jitter + misses)
    return _fill_gaps(np.asarray(noisy, dtype=np.float32), settings.gap, random)


def _correlated(count: int, frames: int, number: int, lifetime: float, random: np.random.Generator) -> Floats:
    """First-order autoregressive noise of variance 1 along the frames, (count, frames, number, 2)."""
    keep = np.exp(-1 / lifetime)
    steps = random.normal(0, 1, (frames, count, number, 2)).astype(np.float32)
    for t in range(1, frames):
        steps[t] = keep * steps[t - 1] + np.sqrt(1 - keep**2) * steps[t]
    return steps.swapaxes(0, 1)


def _fill_gaps(keypoints: Floats, probability: float, random: np.random.Generator) -> Floats:
    """Replace, in some clips, a span of one limb's end by the straight line that interpolation would draw."""
    ends = ((2, 3), (5, 6), (12, 13), (15, 16), (3,), (6,), (13,), (16,))
    frames = keypoints.shape[1]
    for clip in np.flatnonzero(random.random(len(keypoints)) < probability):
        length = int(random.integers(4, min(40, frames)))
        first = int(random.integers(0, frames - length))
        last = first + length
        part = np.linspace(0, 1, length + 1)[:, None]
        for joint in ends[random.integers(len(ends))]:
            # Relative to the pelvis, so that a filled limb travels with its body.
            track = keypoints[clip, :, joint] - keypoints[clip, :, joints.ROOT]
            line = (1 - part) * track[first] + part * track[last]
            keypoints[clip, first : last + 1, joint] = line + keypoints[clip, first : last + 1, joints.ROOT]
    return keypoints
