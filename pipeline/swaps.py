"""Left and right over time: the cheapest path over "swapped or not", for arms and legs of one person.

A detector that mistakes left for right makes the limbs jump across the body, out of the mistake as into it. A person
who turns moves them across smoothly. So the path of each pair's half difference, (left - right) / 2, is followed
by a small filter, once for each of the four states (arms swapped or not, legs swapped or not), and the states
compete as in Viterbi's algorithm, every survivor carrying its own filter: a frame in which both sides collapse into
one place does not make it forget on which side they were. The middle of a pair is the same in both states
and says nothing, so the motion of the body and of the camera drops out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.joints import H36M_17

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

_ARMS = ("shoulder", "elbow", "wrist")
_LEGS = ("hip", "knee", "ankle")
LEFT: tuple[int, ...] = tuple(H36M_17.index(f"left_{part}") for part in (*_ARMS, *_LEGS))
RIGHT: tuple[int, ...] = tuple(H36M_17.index(f"right_{part}") for part in (*_ARMS, *_LEGS))

# States as (arms swapped, legs swapped), and the sign that each gives to the six pairs.
_STATES = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
_SIGNS = np.repeat(1.0 - 2.0 * _STATES, 3, axis=1)[..., None]  # (4, 6, 1)
_CHANGING = np.abs(_STATES[:, None] - _STATES[None]).sum(axis=-1)  # (4, 4) how many groups change sides


@dataclass(frozen=True)
class SwapSettings:
    """What tells a mistake from a motion; lengths in body sizes (about 0.5 m), times in seconds.

    Attributes:
        noise: unevenness of a detector from frame to frame.
        unsteadiness: how much a half difference may depart from its trend, per second.
        acceleration: the same for the onset of turns between frames far apart, per second squared.
        haste: how much a fast half difference may depart from its trend, in shares of its own motion.
        steadiness, trend: gains of the filter for the place and the velocity, 0..1.
        top_speed: fastest motion of a half difference; a pirouette of three turns a second makes about 7.
        most: a single pair's cost of one frame, in squared deviations, at the most.
        change: cost of a change of one group between right and swapped; two make a run.
        both: what it costs more when both groups change at once.
        per_second: cost of one group's being swapped, per second: most of the film is right.
        disagreement: cost of arms and legs not being in one state, per second.
        twist: cost of hips that point against the shoulders, per body size squared and second, beyond `slack`,
            which is what a twisted body seen from the side shows.
        slack: in body sizes squared.
        forget: after so long unseen a pair is followed anew.
    """

    noise: float = 0.05
    unsteadiness: float = 0.8
    acceleration: float = 30.0
    haste: float = 0.7
    steadiness: float = 0.8
    trend: float = 0.5
    top_speed: float = 7.0
    most: float = 9.0
    change: float = 5.0
    both: float = 1.0
    per_second: float = 4.0
    disagreement: float = 8.0
    twist: float = 400.0
    slack: float = 0.02
    forget: float = 1.0


@dataclass
class _Followers:
    """The four survivors' filters: half differences and their velocities, and when each pair was last seen."""

    places: Doubles  # (4, 6, 2) body sizes
    speeds: Doubles  # (4, 6, 2) body sizes per second
    last: Doubles  # (6,) seconds


def find_swaps(
    keypoints: Doubles, weights: Doubles, timestamps: Doubles, size: Doubles, settings: SwapSettings | None = None
) -> Bools:
    """Return (T, 2): in this frame the sides of the arms (with shoulders), of the legs (with hips) are swapped.

    Args:
        keypoints: (T, 17, 2) pixels.
        weights: (T, 17) in 0..1, how far each joint is to be trusted; 0 is unseen.
        timestamps: (T,) seconds.
        size: (T,) pixels, the body's size (`clean.body_size`).
        settings: what tells a mistake from a motion.
    """
    settings = settings or SwapSettings()
    left, right = list(LEFT), list(RIGHT)
    halves = (keypoints[:, left] - keypoints[:, right]) / 2 / size[:, None, None]
    trust = np.minimum(weights[:, left], weights[:, right])
    frames = np.flatnonzero(trust.max(axis=1, initial=0) > 0)
    swapped = np.zeros((len(keypoints), 2), dtype=np.bool_)
    if len(frames) == 0:
        return swapped
    middles = (keypoints[:, left] + keypoints[:, right]) / 2
    cuts = _find_cuts(middles[frames], size[frames], trust[frames], timestamps[frames])
    states = _cheapest_path(halves[frames], trust[frames], timestamps[frames], cuts, settings)
    swapped[frames] = _STATES[states].astype(np.bool_)
    return swapped


def _find_cuts(middles: Doubles, size: Doubles, trust: Doubles, times: Doubles) -> Bools:
    """Return (T,): here the whole body is somewhere else than a moment ago, as after a cut in the film.

    A swap leaves the middles of the pairs where they are, so it is no cut.
    """
    cuts = np.ones(len(times), dtype=np.bool_)
    both = np.minimum(trust[1:], trust[:-1])
    steps = np.linalg.norm(np.diff(middles, axis=0), axis=-1) / np.minimum(size[1:], size[:-1])[:, None]
    mean = (steps * both).sum(axis=1) / np.maximum(both.sum(axis=1), 1e-9)
    cuts[1:] = (mean > 0.4 + 8 * np.diff(times)) | (both.sum(axis=1) == 0)
    return cuts


def _cheapest_path(
    halves: Doubles, trust: Doubles, times: Doubles, cuts: Bools, settings: SwapSettings
) -> NDArray[np.intp]:
    """Return (T,) states of least total cost, by Viterbi's algorithm with a filter for each survivor."""
    followers = _Followers(np.zeros((4, 6, 2)), np.zeros((4, 6, 2)), np.full(6, -np.inf))
    steps = np.diff(times, prepend=times[0])
    change = settings.change * (_CHANGING > 0) + settings.both * (_CHANGING > 1)
    total = np.zeros(4)
    came_from = np.zeros((len(times), 4), dtype=np.intp)
    for t, time in enumerate(times):
        if cuts[t]:
            followers.last[:] = -np.inf
        expected, elapsed = _expect(followers, time, settings)
        misses = _SIGNS * halves[t] - expected[:, None]  # (4 from, 4 to, 6, 2)
        jumps = _jump_costs(misses, followers.speeds, trust[t], elapsed, settings)
        standing = max(steps[t], 1e-3) * _standing_costs(halves[t], trust[t], settings)
        costs = total[:, None] + jumps + change * (not cuts[t]) + standing[None]
        came_from[t] = costs.argmin(axis=0)
        total = costs[came_from[t], np.arange(4)]
        total -= total.min()
        chosen = misses[came_from[t], np.arange(4)]
        _follow(followers, expected[came_from[t]], chosen, trust[t], elapsed, settings, came_from[t])
        followers.last = np.where(trust[t] > 0, time, followers.last)
    states = np.zeros(len(times), dtype=np.intp)
    states[-1] = total.argmin()
    for t in range(len(times) - 1, 0, -1):
        states[t - 1] = came_from[t, states[t]]
    return states


def _standing_costs(halves: Doubles, trust: Doubles, settings: SwapSettings) -> Doubles:
    """Return (4,): what each state costs per second by itself, whatever came before."""
    apart = _STATES[:, 0] != _STATES[:, 1]
    agreement = float(halves[0] @ halves[3])  # shoulders and hips
    against = np.maximum(np.where(apart, agreement, -agreement) - settings.slack, 0)
    costs: Doubles = settings.per_second * _STATES.sum(axis=1) + settings.disagreement * apart
    costs += settings.twist * min(trust[0], trust[3]) * against
    return costs


def _expect(followers: _Followers, time: float, settings: SwapSettings) -> tuple[Doubles, Doubles]:
    """Return where the survivors expect the pairs (4, 6, 2), and the seconds since each was seen (6,)."""
    elapsed = np.minimum(time - followers.last, 10 * settings.forget)
    ahead = np.minimum(elapsed, 0.1)[:, None]
    return followers.places + followers.speeds * ahead, elapsed


def _jump_costs(misses: Doubles, speeds: Doubles, trust: Doubles, elapsed: Doubles, settings: SwapSettings) -> Doubles:
    """Return (4 from, 4 to): squared misses in deviations, limited, by trust; nothing for forgotten pairs."""
    deviation = settings.noise + settings.unsteadiness * elapsed + settings.acceleration * elapsed**2
    deviation = deviation + settings.haste * np.linalg.norm(speeds, axis=-1)[:, None] * elapsed  # (4, 1, 6)
    squares = (misses**2).sum(axis=-1) / deviation**2
    counted = np.where(elapsed < settings.forget, trust, 0)
    costs: Doubles = (np.minimum(squares, settings.most) * counted).sum(axis=-1)
    return costs


def _follow(
    followers: _Followers,
    expected: Doubles,
    misses: Doubles,
    trust: Doubles,
    elapsed: Doubles,
    settings: SwapSettings,
    came_from: NDArray[np.intp],
) -> None:
    """Move each survivor's filter towards what it saw, no faster than a body can move."""
    new = (elapsed >= settings.forget)[:, None]
    reach = (settings.noise + settings.top_speed * elapsed)[:, None]
    length = np.linalg.norm(misses, axis=-1, keepdims=True)
    held = misses * np.minimum(1, reach / np.maximum(length, 1e-9))
    seconds = np.clip(elapsed, 1e-3, 0.1)[:, None]
    speeds = followers.speeds[came_from] + settings.trend * trust[:, None] * held / seconds
    fast = np.linalg.norm(speeds, axis=-1, keepdims=True)
    speeds = speeds * np.minimum(1, settings.top_speed / np.maximum(fast, 1e-9))
    seen = (trust > 0)[:, None]
    followers.places = np.where(
        new & seen,
        expected + misses,
        np.where(seen, expected + settings.steadiness * trust[:, None] * held, followers.places[came_from]),
    )
    followers.speeds = np.where(new & seen, 0, np.where(seen, speeds, followers.speeds[came_from]))
