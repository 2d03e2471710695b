"""What detectors do to keypoints: bias, slow drift, jitter, wild misses, gaps filled in; or as measured ones do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from lifter.detector_noise.make import add_detector_noise
from lifter.detector_noise.settings import DetectorNoise, find_noise

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
        detectors: measured detectors (`lifter.detector_noise`), by name or by a TOML file of some; every clip is then
            seen by one of them, drawn by chance, and the numbers above are those of the clips of `plain` alone.
        plain: share of the clips that no measured detector sees, where there are `detectors`.
    """

    bias: tuple[float, float] = (0.03, 0.07)
    drift: float = 0.03
    drift_frames: float = 12.0
    jitter: float = 0.012
    miss: float = 0.01
    miss_size: float = 0.15
    gap: float = 0.3
    strength: tuple[float, float] = (0.0, 1.6)
    detectors: tuple[str, ...] = ()
    plain: float = 0.0

    def __post_init__(self) -> None:
        if min(*self.bias, self.drift, self.jitter, self.miss_size, self.strength[0]) < 0 or self.drift_frames <= 0:
            raise ValueError("noise: sizes from 0, and a drift of some frames wanted")
        if not (0 <= self.miss <= 1 and 0 <= self.gap <= 1 and self.strength[0] <= self.strength[1]):
            raise ValueError("noise: miss and gap in 0..1, strength from least to most wanted")
        if not 0 <= self.plain <= 1:
            raise ValueError("noise: plain in 0..1 wanted")
        _ = self.measured  # unknown names are told at once

    @cached_property
    def measured(self) -> tuple[DetectorNoise, ...]:
        """What is known of the detectors named.

        Raises:
            LifterError: a name or a file of none.
        """
        return tuple(noise for name in self.detectors for noise in find_noise(name))


def add_noise(
    keypoints: Floats, settings: NoiseSettings, random: np.random.Generator, positions: Floats | None = None
) -> Floats:
    """Return keypoints (N, T, 17, 2) in person units, disturbed as a detector would.

    Args:
        keypoints: the true ones. settings: how detectors err. random: of all that is drawn.
        positions: (N, T, 17, 3) camera axes, turned as the keypoints are: measured detectors mean places of the body
            beside ours, and this tells where those are.
    """
    if not settings.measured:
        return _plain_noise(keypoints, settings, random)
    drawn = random.integers(len(settings.measured), size=len(keypoints))
    drawn[random.random(len(keypoints)) < settings.plain] = -1
    noisy = np.empty_like(keypoints)
    for number in np.unique(drawn).tolist():
        clips = drawn == number
        bodies = None if positions is None else positions[clips]
        if number < 0:
            noisy[clips] = _plain_noise(keypoints[clips], settings, random)
        else:
            noisy[clips] = add_detector_noise(keypoints[clips], settings.measured[number], random, bodies)
    return noisy


def _plain_noise(keypoints: Floats, settings: NoiseSettings, random: np.random.Generator) -> Floats:
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
