"""Top-down detection over a film: boxes are looked for now and then, and follow each person's pose between.

The box network and the key point network come in as two functions, so this file knows no runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.base import Floats, Frame, People
from detectors.boxes import overlap

# A frame -> boxes (B, 4), scores (B,), the most certain first.
Find = Callable[[Frame], tuple[Floats, Floats]]
# A frame, boxes (P, 4) -> keypoints (P, J, 2) in pixels, scores (P, J).
Estimate = Callable[[Frame, Floats], tuple[Floats, Floats]]

SEEN = 0.3  # a joint of this score counts as seen
_COLLAPSE = 0.6  # a person whose mean score falls below so much of what it was has been lost
_PATIENCE = 5  # so many looks in a row may miss somebody whose pose is still there
_SAME_BOX = 0.3  # overlap from which a found box is a followed person's
_SAME_POSE = 0.8  # similarity from which two poses are one person's
# The key points end at eyes and ankles, a person's box at crown and soles: the margins in shares of the larger
# side. With them, a followed box is as large as a found one.
_MARGIN = 0.10
_SLIVER = 2  # pixels of a box that stay in the picture when its person has left


@dataclass
class _Person:
    """Somebody followed: where to look next, the mean score when last found, and how many looks missed them."""

    box: Floats
    trust: float
    missed: int = 0


class Crowd:
    """Whom `follow` follows, and how long ago it looked for people: all that it knows from frame to frame."""

    def __init__(self) -> None:
        self.people: list[_Person] = []
        self.since = 0

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return it as arrays: boxes (P, 4), trusts (P,), missed (P,), since."""
        return {
            "boxes": _boxes(self.people),
            "trusts": np.array([person.trust for person in self.people], np.float64),
            "missed": np.array([person.missed for person in self.people], np.int64),
            "since": np.array(self.since),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Crowd:
        """Return what `arrays` gave."""
        crowd = cls()
        rows = zip(arrays["boxes"], arrays["trusts"], arrays["missed"], strict=True)
        crowd.people = [_Person(box.astype(np.float32), float(trust), int(missed)) for box, trust, missed in rows]
        crowd.since = int(arrays["since"])
        return crowd


class Following:
    """What a detector that follows inherits, to go on in mid-film: `remember` and `recall` of `base.Remembering`."""

    _crowd: Crowd | None = None
    _next: Crowd | None = None

    def remember(self) -> dict[str, NDArray[np.generic]]:
        """Return whom it follows."""
        return (self._crowd or Crowd()).arrays()

    def recall(self, memory: Mapping[str, NDArray[np.generic]]) -> None:
        """Follow them with the next call."""
        self._next = Crowd.of(memory)

    def _begin(self) -> Crowd:
        """Return whom a call begins with."""
        self._crowd, self._next = self._next or Crowd(), None
        return self._crowd


def follow(
    frames: Iterable[Frame], find: Find, estimate: Estimate, joints: int, every: int = 5, limit: int = 20,
    crowd: Crowd | None = None,
) -> Iterator[People]:  # fmt: skip
    """Yield the people of every frame.

    Args:
        frames: (H, W, 3) pictures in order.
        find: looks for person boxes; called on every `every`-th frame, on every frame while nobody is there, and
            at once when somebody's scores collapse.
        estimate: finds the key points within boxes; called on every frame with somebody in it.
        joints: J.
        every: see `find`.
        limit: at most so many people, the most certain first.
        crowd: whom to begin with; it is changed, and with each yield it is what the frames to come depend on.
    """
    crowd = crowd or Crowd()
    for frame in frames:
        people, looks = crowd.people, not crowd.people or crowd.since >= every
        if not looks:
            keypoints, scores = estimate(frame, _boxes(people))
            trusts = scores.mean(1)
            looks = any(trust < _COLLAPSE * person.trust for trust, person in zip(trusts, people, strict=True))
        if looks:
            crowd.since = 0
            people = _look(people, *find(frame), limit)
            keypoints, scores = estimate(frame, _boxes(people)) if people else _nothing(joints)
            people, keypoints, scores = _judge(people, keypoints, scores)
        crowd.since += 1
        boxes, kept = carried(frame, _boxes(people), keypoints, scores)
        for person, box in zip(people, boxes, strict=True):
            person.box = box
        crowd.people = [people[i] for i in kept]
        yield People(boxes[kept], keypoints[kept], np.clip(scores[kept], 0, 1))


def carried(frame: Frame, boxes: Floats, keypoints: Floats, scores: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the boxes (P, 4) in which people are looked for next, and the indices of who is no double of another.

    Args:
        frame: (H, W, 3); boxes: (P, 4) in which were found keypoints: (P, J, 2) with scores: (P, J).
    """
    people = zip(keypoints, scores, boxes, strict=True)
    moved = np.array([cut(pose_box(*person), frame) for person in people], np.float32).reshape(-1, 4)
    return moved, distinct(keypoints, scores, moved)


def _boxes(crowd: list[_Person]) -> Floats:
    """Return the boxes (P, 4) of P people, also of none."""
    return np.array([person.box for person in crowd], np.float32).reshape(-1, 4)


def _judge(crowd: list[_Person], keypoints: Floats, scores: Floats) -> tuple[list[_Person], Floats, Floats]:
    """Right after a look: renew the trust in the found, and drop whom neither the look nor the pose shows."""
    kept = []
    for i, (person, trust) in enumerate(zip(crowd, scores.mean(1), strict=True)):
        if not person.missed:
            person.trust = float(trust)
        if not person.missed or trust >= _COLLAPSE * person.trust:
            kept.append(i)
    return [crowd[i] for i in kept], keypoints[kept], scores[kept]


def _nothing(joints: int) -> tuple[Floats, Floats]:
    """Return the key points and scores of no people."""
    return np.zeros((0, joints, 2), np.float32), np.zeros((0, joints), np.float32)


def _look(crowd: list[_Person], boxes: Floats, scores: Floats, limit: int) -> list[_Person]:
    """Match found boxes with followed people: the found get their box, the others stay for a while.

    People keep their order; newcomers follow, the most certain first.
    """
    taken: set[int] = set()
    stay: list[_Person] = []
    for person in crowd:
        shares = overlap(person.box[None], boxes)[0] if len(boxes) else np.zeros(0, np.float32)
        shares[list(taken)] = 0
        best = int(shares.argmax()) if len(shares) else -1
        if best >= 0 and shares[best] > _SAME_BOX:
            taken.add(best)
            stay.append(_Person(boxes[best], person.trust))
        elif person.missed < _PATIENCE:
            stay.append(_Person(person.box, person.trust, person.missed + 1))
    new = [_Person(boxes[i], float(scores[i])) for i in range(len(boxes)) if i not in taken]
    return (stay + new)[:limit]


class WholePicture:
    """In the place of a box network: one person, whose first box is the whole picture."""

    def __init__(self, estimate: Estimate) -> None:
        self._estimate = estimate

    def __call__(self, frame: Frame) -> tuple[Floats, Floats]:
        """Return the box (1, 4) around the pose that the whole picture shows, and its mean score (1,)."""
        height, width = frame.shape[:2]
        whole = np.array([[0, 0, width, height]], np.float32)
        keypoints, scores = self._estimate(frame, whole)
        return pose_box(keypoints[0], scores[0], whole[0])[None], scores.mean(1)


def pose_box(keypoints: Floats, scores: Floats, box: Floats) -> Floats:
    """Return the (4,) box around a person's seen key points (J, 2), with margins; `box` where too few are seen.

    Its larger side is at least half of `box`'s: nobody shrinks faster, but a pose may fold up, or show a face alone.
    """
    seen = scores > SEEN
    if seen.sum() < max(3, len(scores) // 4):
        return box
    low, high = keypoints[seen].min(0), keypoints[seen].max(0)
    extent = float((high - low).max())
    least = float((box[2:] - box[:2]).max()) / 2
    margin = max(_MARGIN * extent, (least - extent) / 2)
    return np.concatenate([low - margin, high + margin]).astype(np.float32)


def cut(box: Floats, frame: Frame) -> Floats:
    """Return a (4,) box cut at the borders of the picture, as found boxes are; of one outside, a sliver stays.

    Uncut, the box of a pose that fills its crop, margins and all, would grow from frame to frame.
    """
    size = np.array([frame.shape[1], frame.shape[0]], np.float32)
    least = np.minimum(size, _SLIVER)
    low = np.clip(box[:2], 0, size - least)
    high = np.clip(box[2:], low + least, size)
    return np.concatenate([low, high]).astype(np.float32)


def pose_similarity(keypoints: Floats, scores: Floats, boxes: Floats) -> Floats:
    """Return the (P, P) likeness of poses, 1 where equal: COCO's object key point similarity with one k of 0.1.

    Args:
        keypoints: (P, J, 2); scores: (P, J), a joint counts as its lower score of the two; boxes: (P, 4).
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    area = np.maximum(sides.prod(1), 1)
    squared = ((keypoints[:, None] - keypoints[None]) ** 2).sum(-1)
    scale = np.minimum(area[:, None], area[None])[..., None]
    weight = np.minimum(scores[:, None], scores[None])
    likeness = np.exp(-squared / (2 * 0.1**2 * scale))
    return np.asarray((likeness * weight).sum(-1) / np.maximum(weight.sum(-1), 1e-6), np.float32)


def distinct(keypoints: Floats, scores: Floats, boxes: Floats) -> NDArray[np.int64]:
    """Return the indices, in order, of people who are not a less certain double of another: the same pose twice."""
    likeness = pose_similarity(keypoints, scores, boxes)
    kept: list[int] = []
    for i in np.argsort(-scores.mean(1), kind="stable"):
        if all(likeness[i, j] < _SAME_POSE for j in kept):
            kept.append(int(i))
    return np.array(sorted(kept), np.int64)
