"""Holds a detector to its protocol: real `People`, its own joints, one for every frame, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.base import FARTHEST, DetectorError, Frame, People

_MOST_JOINTS = 1000


class Checked:
    """A detector whose every yield is checked.

    Args:
        name: of the detector, for messages.
        detector: any object with `joints` and a call; what it yields needs `boxes`, `keypoints`, `scores`.
        foreign: it is somebody else's, and whatever it raises is told in one line. Ours tell what their backends and
            files may do to them themselves; anything else they raise is a bug, and shows.

    Attributes:
        joints: the detector's.
        counts_frames: it must be given every frame of the film, from the first one on.
        runs_on: its runtime and precision, for people; empty where it says nothing.

    Raises:
        DetectorError: `joints` is no list of distinct names, or the object cannot be called.
    """

    joints: tuple[str, ...]
    runs_on: str
    counts_frames: bool

    def __init__(self, name: str, detector: Any, foreign: bool = False) -> None:
        """See the class."""
        joints = getattr(detector, "joints", None)
        named = isinstance(joints, tuple | list) and all(isinstance(joint, str) and joint for joint in joints)
        if not named or not joints or len(set(joints)) != len(joints) or len(joints) > _MOST_JOINTS:
            raise DetectorError(f"detector {name}: its `joints` must be a tuple of distinct names, got {joints!r:.80}")
        if not callable(detector):
            raise DetectorError(f"detector {name}: cannot be called with frames; give it a __call__(frames)")
        self.joints = tuple(joints)
        self.runs_on = str(getattr(detector, "runs_on", ""))
        self.counts_frames = bool(getattr(detector, "counts_frames", False))
        self._name = name
        self._detector = detector
        self._foreign = foreign

    @property
    def remembers(self) -> bool:
        """Whether it can go on in mid-film: see `base.Remembering`."""
        return all(callable(getattr(self._detector, name, None)) for name in ("remember", "recall"))

    def remember(self) -> dict[str, NDArray[np.generic]]:
        """Return what the next frames depend on; see `base.Remembering`."""
        return dict(self._detector.remember())

    def recall(self, memory: Mapping[str, NDArray[np.generic]]) -> None:
        """Go on from there with the next call; see `base.Remembering`."""
        self._detector.recall(memory)

    def __call__(self, frames: Iterable[Frame]) -> Iterator[People]:
        """Yield exactly one checked `People` per frame.

        Raises:
            DetectorError: what it yields has wrong shapes or values, or is too much or too little.
        """
        source = _Source(frames)
        found: Any = None
        count = 0
        try:
            found = iter(self._detector(source))
            for people in found:
                count += 1
                if count > source.count:
                    raise DetectorError(f"detector {self._name}: gives more than one answer for frame {source.count}")
                yield self._people(people, count)
        except DetectorError:
            raise
        except Exception as error:  # a stranger's may derive from nothing narrower, as cv2.error
            if not self._foreign or source.reading:
                raise  # a bug of ours; or the film's own failure, on its way through
            problem = (str(error).strip().splitlines() or [""])[0][:200]
            raise DetectorError(
                f"detector {self._name}: failed on frame {source.count}: {type(error).__name__}: {problem}"
            ) from error
        finally:
            if hasattr(found, "close"):
                found.close()
        if count < source.count or next(source, None) is not None:
            raise DetectorError(f"detector {self._name}: stopped after {count} frames, before the film did")

    def _people(self, found: Any, count: int) -> People:
        """Return what was yielded for frame `count` (from 1) as `People` of our joints."""
        arrays = []
        for field in ("boxes", "keypoints", "scores"):
            if not hasattr(found, field):
                given = type(found).__name__
                raise DetectorError(
                    f"detector {self._name}: frame {count}: expected boxes, keypoints, scores, got {given}"
                )
            try:
                arrays.append(np.asarray(getattr(found, field), np.float32))
            except (TypeError, ValueError) as error:
                raise DetectorError(f"detector {self._name}: frame {count}: {field} is no array of numbers") from error
        try:
            people = People(*arrays)
        except ValueError as error:
            raise DetectorError(f"detector {self._name}: frame {count}: {error}") from error
        if people.scores.shape[1] != len(self.joints):
            given, wanted = people.scores.shape[1], len(self.joints)
            raise DetectorError(
                f"detector {self._name}: frame {count}: {given} joints, but its `joints` names {wanted}"
            )
        return _within(people)


def _within(people: People) -> People:
    """Return the people with joints that are absurdly far unseen at 0, 0, and boxes no larger than that."""
    near: NDArray[np.bool_] = np.asarray((np.abs(people.keypoints) < FARTHEST).all(axis=-1))
    if near.all() and (np.abs(people.boxes) < FARTHEST).all():
        return people
    return People(
        np.clip(people.boxes, -FARTHEST, FARTHEST),
        np.where(near[..., None], people.keypoints, np.float32(0)),
        np.where(near, people.scores, np.float32(0)),
    )


class _Source:
    """The frames on their way in: how many were taken, and whether the film itself is being read right now."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = iter(frames)
        self.count = 0
        self.reading = False

    def __iter__(self) -> _Source:
        return self

    def __next__(self) -> Frame:
        self.reading = True  # stays so when the film raises
        frame = next(self._frames, None)
        self.reading = False
        if frame is None:
            raise StopIteration
        self.count += 1
        return frame
