"""Steps of people who walk or run: when each foot comes down and leaves, and the cadence.

After Zeni, Richards and Higginson (2008): a foot comes down where it is farthest ahead of the pelvis, and leaves
where it is farthest behind. That needs no path, so it holds on a treadmill and where the way to the camera is
uncertain; here the foot is the ankle, the only joint of it. Ahead is where hips and shoulders face: for who walks
backwards coming down and leaving change places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from lifter import joints
from pipeline.measures.angles import ahead

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

SIDES = ("left", "right")
_ANKLES = [joints.NAMES.index(f"{side}_ankle") for side in SIDES]
_CALM_S = 0.04  # over which the ankles are calmed
_HEADING_S = 0.4  # over which the way ahead is calmed
_STRIDE = 0.15  # of the legs' length that an ankle swings, from behind the pelvis to ahead, at the least
_STEP_S = (0.2, 1.2)  # seconds between two contacts of a walk: 300 to 50 steps a minute
FEWEST = 4  # contacts, left and right in turn, that make a walk: fewer are found in other motion, too
_DENSEST = 10.0  # evenly spaced moments for each frame, on average
_SHORTEST_S = 1.0  # of a person in track, below which nothing is looked for


@dataclass(frozen=True)
class Event:
    """A foot comes down or leaves.

    Attributes:
        kind: contact, or lift_off.
        side: left or right.
        frame: the nearest one.
        seconds: since the film's first frame.
        step_m: of a contact: how far ahead of the other ankle this one is; metres, NaN for a lift-off.
    """

    kind: str
    side: str
    frame: int
    seconds: float
    step_m: float


@dataclass(frozen=True)
class Walk:
    """Contacts in turn without a pause, and the lift-offs among them.

    Attributes:
        events: by time; the first and the last are contacts.
    """

    events: tuple[Event, ...]

    @property
    def contacts(self) -> list[Event]:
        """The contacts, by time."""
        return [event for event in self.events if event.kind == "contact"]

    @property
    def cadence(self) -> float:
        """Steps a minute."""
        times = [event.seconds for event in self.contacts]
        return 60 * (len(times) - 1) / (times[-1] - times[0])

    def step_seconds(self, side: str) -> list[float]:
        """Return how long each step of a side took: from the other foot's contact to this one's."""
        pairs = zip(self.contacts, self.contacts[1:], strict=False)
        return [later.seconds - earlier.seconds for earlier, later in pairs if later.side == side]


def find_walks(
    positions: NDArray[np.floating],
    valid: Bools,
    timestamps: Doubles,
    up: NDArray[np.floating],
    fewest: int = FEWEST,
) -> list[Walk]:
    """Find where one person walks or runs.

    Args:
        positions: (T, 17, 3) metres about the pelvis, camera axes.
        valid: (T,).
        timestamps: (T,) seconds, not falling.
        up: (3,) against gravity, camera axes.
        fewest: contacts, left and right in turn, that make a walk; at least two.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], valid, [False]])))
    walks: list[Walk] = []
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        seconds = timestamps[first:end]
        rising = np.concatenate([[True], np.diff(seconds) > 0])
        if seconds[-1] - seconds[0] < _SHORTEST_S or rising.sum() < FEWEST:
            continue
        frames = first + np.flatnonzero(rising)
        walks += _walks(_events(np.asarray(positions[frames], np.float64), timestamps[frames], up, frames), fewest)
    return walks


def _events(body: Doubles, seconds: Doubles, up: NDArray[np.floating], frames: NDArray[np.int64]) -> list[Event]:
    """Return the events of frames without a gap, by time; of each foot contacts and lift-offs in turn."""
    # Frames in bursts, with long waits between, would make millions of moments of a few frames.
    rate = min(1 / float(np.median(np.diff(seconds))), _DENSEST * len(seconds) / float(seconds[-1] - seconds[0]))
    even = np.arange(seconds[0], seconds[-1] + 0.5 / rate, 1 / rate)
    ways = _calm(_evenly(np.nan_to_num(ahead(body, up)), seconds, even), _HEADING_S * rate)
    ways /= np.maximum(np.linalg.norm(ways, axis=-1, keepdims=True), 1e-9)
    ankles = _evenly(body[:, _ANKLES], seconds, even)
    there = (ankles * ways[:, None]).sum(axis=-1)  # metres ahead of the pelvis
    before = _calm(there, _CALM_S * rate)  # for times only: it shortens steps
    swing, apart = _STRIDE * _leg(body), max(1, round(_STEP_S[0] * rate))
    found = []
    for side, name in enumerate(SIDES):
        for kind, sign in (("contact", 1), ("lift_off", -1)):
            for peak in find_peaks(sign * before[:, side], prominence=swing, distance=apart)[0].tolist():
                time = even[peak] + _beyond(before[:, side], peak) / rate
                step = there[peak, side] - there[peak, 1 - side] if kind == "contact" else float("nan")
                nearest = int(np.abs(seconds - time).argmin())
                found.append(Event(kind, name, int(frames[nearest]), float(time), float(step)))
    return sorted(found, key=lambda event: event.seconds)


def _walks(events: list[Event], fewest: int) -> list[Walk]:
    """Return the events of those contacts that follow each other as in walking."""
    contacts = [index for index, event in enumerate(events) if event.kind == "contact"]
    walks, row = [], contacts[:1]
    for index in [*contacts[1:], None]:
        last = events[row[-1]] if row else None
        if last and index is not None and _follows(last, events[index]):
            row.append(index)
            continue
        if len(row) >= fewest:
            walks.append(Walk(tuple(events[row[0] : row[-1] + 1])))
        row = [] if index is None else [index]
    return walks


def _follows(one: Event, other: Event) -> bool:
    return one.side != other.side and _STEP_S[0] <= other.seconds - one.seconds <= _STEP_S[1]


def _beyond(values: Doubles, peak: int) -> float:
    """Return by how much of a sample a peak lies beyond the highest (or lowest) one: a parabola through three."""
    if not 0 < peak < len(values) - 1:
        return 0.0
    before, here, after = values[peak - 1 : peak + 2]
    bend = before - 2 * here + after
    return float(np.clip((before - after) / (2 * bend), -0.5, 0.5)) if abs(bend) > 1e-12 else 0.0


def _leg(body: Doubles) -> float:
    """Return the legs' median length, metres."""
    lengths = [
        np.linalg.norm(body[:, joints.NAMES.index(f"{side}_{a}")] - body[:, joints.NAMES.index(f"{side}_{b}")], axis=-1)
        for side in SIDES
        for a, b in (("hip", "knee"), ("knee", "ankle"))
    ]
    return float(np.median(lengths, axis=1).sum() / 2)


def _evenly(values: Doubles, seconds: Doubles, even: Doubles) -> Doubles:
    """Return values (T, ...) at even times, on straight lines between frames."""
    flat = values.reshape(len(values), -1)
    columns = [np.interp(even, seconds, column) for column in flat.T]
    return np.stack(columns, axis=1).reshape(len(even), *values.shape[1:])


def _calm(values: Doubles, frames: float) -> Doubles:
    calm: Doubles = gaussian_filter1d(values, frames, axis=0, mode="nearest")
    return calm
