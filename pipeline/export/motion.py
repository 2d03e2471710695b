"""What is exported: everyone's joints in one upright room, and the skeleton with its rotations."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lifter import joints
from pipeline.bones import hold_bones
from pipeline.errors import PipelineError
from pipeline.export.rotations import local_rotations, quaternions, world_rotations
from pipeline.export.skeleton import rest_offsets
from pipeline.export.standing import stand
from pipeline.height import standing_height
from pipeline.poses import Pose3D
from pipeline.upright import rotation_to_room

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

_EVEN = 0.25  # of a frame by which a time stamp may miss an even rate
_SMALLEST = 0.01  # metres that a body stands tall at the least
_LEVEL = np.array([0.0, -1.0, 0.0])


@dataclass(frozen=True)
class Motion:
    """P people over T frames in the axes of the room: x right, y away from the camera, z up, metres.

    Attributes:
        positions: (P, T, 17, 3), bones of one length a person.
        valid: (P, T).
        seconds: (T,), rising, from 0.
        fps: frames a second, the median.
        people: (P,) numbers.
        scores: (P, T, 17) in 0..1.
        repairs: (P, T, 17), the bits of `pose3d.npz`.
    """

    positions: Doubles
    valid: Bools
    seconds: Doubles
    fps: float
    people: NDArray[np.int64]
    scores: Doubles
    repairs: NDArray[np.uint8]

    def only(self, row: int) -> Motion:
        """Return one of the people alone."""
        one = slice(row, row + 1)
        return replace(
            self, positions=self.positions[one], valid=self.valid[one], people=self.people[one],
            scores=self.scores[one], repairs=self.repairs[one],
        )  # fmt: skip

    def bodies(self) -> list[Body]:
        """Return everyone as a skeleton that turns."""
        return [embody(where, seen, self.fps) for where, seen in zip(self.positions, self.valid, strict=True)]

    @property
    def even(self) -> bool:
        """Whether every time stamp is that of an even frame rate."""
        return bool((np.abs(self.seconds - np.arange(len(self.seconds)) / self.fps) < _EVEN / self.fps).all())


@dataclass(frozen=True)
class Body:
    """One person as a skeleton that turns (`pipeline.export.skeleton`); every frame holds a pose.

    Attributes:
        offsets: (N, 3) metres from each node's parent, at rest.
        stubs: (N, 3) metres from each node to the end drawn behind it; zeros where there is none.
        root: (T, 3) metres, where the pelvis is.
        local: (T, N, 3, 3) rotations in the axes of the parent.
        held: (T,), frames in which the person was not seen: the last pose is held, before the first the first.
    """

    offsets: Doubles
    stubs: Doubles
    root: Doubles
    local: Doubles
    held: Bools

    @property
    def quaternions(self) -> Doubles:
        """(T, N, 4) x y z w, without jumps of sign."""
        return quaternions(self.local)


def gather(pose: Pose3D, kind: str, person: int | None = None) -> Motion:
    """Bring poses into one room.

    Args:
        pose: what `pose3d.npz` holds.
        kind: room: upright, feet on the floor at 0, and 0, 0 where the first person is first seen; camera: as the
            camera was held, itself at 0.
        person: the one to export; None for all.

    Raises:
        PipelineError: nobody is there, or somebody without a body.
    """
    rows = [row for row, number in enumerate(pose.people) if person in (None, int(number)) and pose.valid[row].any()]
    if not rows:
        there = ", ".join(str(number) for number in pose.people) or "nobody"
        raise PipelineError(f"nothing to export: the run has {there}" + ("" if person is None else f", not {person}"))
    valid, seconds = pose.valid[rows], _rising(pose.timestamps)
    body = hold_bones(pose.positions[rows], valid).astype(np.float64)
    for row, where, seen in zip(rows, body, valid, strict=True):
        if standing_height(where[seen]) < _SMALLEST:
            raise PipelineError(f"person {pose.people[row]} has no size; lift again, or choose others by --person")
    root, scores = pose.root[rows].astype(np.float64), pose.scores[rows].astype(np.float64)
    if kind == "camera":
        positions = (root[:, :, None] + body) @ rotation_to_room(_LEVEL).T
    else:
        up = pose.up.astype(np.float64)
        whole = zip(body, root, scores, valid, strict=True)
        positions = np.stack([stand(b, r, s, v, seconds, up) for b, r, s, v in whole])
        first = int(np.argmax(valid.any(axis=0)))
        positions[..., :2] -= positions[int(np.argmax(valid[:, first])), first, 0, :2].copy()
    fps = 1 / float(np.median(np.diff(seconds))) if len(seconds) > 1 else 30.0
    return Motion(positions, valid, seconds, _round(seconds, fps), pose.people[rows], scores, pose.repairs[rows])


def evenly(motion: Motion) -> Motion:
    """Return the same motion at an even frame rate, for formats that know no other; itself where it is even.

    Places are taken on the straight line between the two frames around each moment; bones keep their lengths.
    """
    if motion.even:
        return motion
    times = np.arange(int(np.floor(motion.seconds[-1] * motion.fps + 1e-6)) + 1) / motion.fps
    after = np.clip(np.searchsorted(motion.seconds, times, side="left"), 1, len(motion.seconds) - 1)
    share = np.clip((times - motion.seconds[after - 1]) / np.diff(motion.seconds)[after - 1], 0, 1)
    near = np.where(share < 0.5, after - 1, after)
    valid = np.where(share < 1, motion.valid[:, after - 1], True) & np.where(share > 0, motion.valid[:, after], True)
    between = share[:, None, None]
    positions = motion.positions[:, after - 1] * (1 - between) + motion.positions[:, after] * between
    root = positions[:, :, :1]
    held = hold_bones((positions - root).astype(np.float32), valid).astype(np.float64) + root
    scores, repairs = motion.scores[:, near], motion.repairs[:, near]
    return replace(motion, positions=held, valid=valid, seconds=times, scores=scores, repairs=repairs)


def embody(positions: Doubles, valid: Bools, fps: float) -> Body:
    """Find the rotations of one person.

    Args:
        positions: (T, 17, 3) metres in the axes of the room, bones of one length.
        valid: (T,), at least one true.
        fps: frames a second.
    """
    frames = np.flatnonzero(valid)
    last = np.maximum(np.searchsorted(frames, np.arange(len(valid)), side="right") - 1, 0)
    seen = positions[frames]
    local = local_rotations(world_rotations(seen, fps))
    offsets, stubs = rest_offsets(seen)
    return Body(offsets, stubs, seen[last, joints.ROOT], local[last], ~valid)


def _rising(timestamps: NDArray[np.float64]) -> Doubles:
    """Return (T,) seconds that rise, also where time stamps are equal."""
    return np.concatenate([[0.0], np.cumsum(np.maximum(np.diff(timestamps), 1e-3))]) if len(timestamps) else timestamps


def _round(seconds: Doubles, fps: float) -> float:
    """Return the mean rate where it explains all time stamps as well as the median does, else the median."""
    if len(seconds) < 2:
        return fps
    mean = (len(seconds) - 1) / float(seconds[-1])
    return float(np.round(mean if abs(mean / fps - 1) < 0.5 / len(seconds) else fps, 6))
