"""Top-down detection with frames in batches: a GPU is given many at once, and `follow` decides as ever.

Where `follow` looks depends on what it saw one frame before, so it asks frame by frame. On every N-th frame, though, it
looks for people anew, and from there follows them by themselves: the pieces between looks can be worked on side by
side. That is done beforehand for a block of frames, and `follow` finds its answers ready. Where something unforeseen
happens (somebody is lost and looked for at once, a look misses somebody who stays for a while) it asks for what is not
ready, and gets it alone. So the answers are those of `follow`; how many wait together is `every` times less than the
frames, and all of them where boxes are looked for on every frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from detectors.base import Floats, Frame, People
from detectors.follow import Crowd, carried, follow

# Frames -> of each, boxes (B, 4) and scores (B,), the most certain first.
FindMany = Callable[[Sequence[Frame]], list[tuple[Floats, Floats]]]
# Frames with boxes (P, 4) -> of each, keypoints (P, J, 2) in pixels and scores (P, J).
EstimateMany = Callable[[Sequence[tuple[Frame, Floats]]], list[tuple[Floats, Floats]]]

HELD_BYTES = 256 << 20  # of frames in a block: of large pictures, fewer are held


def follow_in_batches(
    frames: Iterable[Frame], find: FindMany, estimate: EstimateMany, joints: int, every: int, limit: int, batch: int,
    crowd: Crowd | None = None,
) -> Iterator[People]:  # fmt: skip
    """Yield the people of every frame, as `follow` does.

    Args:
        frames: (H, W, 3) pictures in order, each an array of its own; up to `batch` of them are held.
        find, estimate: the two functions of `follow`, of many frames.
        joints, every, limit, crowd: see `follow`.
        batch: so many frames are worked on together; `HELD_BYTES` may make them fewer.
    """
    ready = _Ready(find, estimate, every, limit, batch)
    return follow(ready.over(frames), ready.find, ready.estimate, joints, every, limit, crowd)


class _Ready:
    """Answers worked out beforehand for a block of frames, and whatever else is asked at once."""

    def __init__(self, find: FindMany, estimate: EstimateMany, every: int, limit: int, batch: int) -> None:
        self._find, self._estimate = find, estimate
        self._every, self._limit, self._batch = every, limit, batch
        self._since, self._alone = 0, True  # as in `follow`: frames since it looked, and whether nobody is there
        self._block: list[Frame] = []  # held, so that no other array has the identity of one of them
        self._found: dict[int, tuple[Floats, Floats]] = {}
        self._estimated: dict[tuple[int, bytes], tuple[Floats, Floats]] = {}

    def over(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Pass frames on, and before the first one of every block see to its answers."""
        source = iter(frames)
        for first in source:
            look = 0 if self._alone else max(self._every - self._since, 0)
            most = min(self._batch, max(HELD_BYTES // max(first.nbytes, 1), 1))
            # Up to where a look is due, so that the next block begins with one.
            count = look + (most - look) // self._every * self._every if most >= look + self._every else most
            self._block = [first, *islice(source, count - 1)]
            self._found, self._estimated = {}, {}
            self._foresee(look)
            for frame in self._block:
                yield frame
                self._since += 1

    def find(self, frame: Frame) -> tuple[Floats, Floats]:
        """Look for person boxes in a frame of the block: (B, 4), scores (B,)."""
        self._since, self._alone = 0, True
        return self._find_in([frame])[0]

    def estimate(self, frame: Frame, boxes: Floats) -> tuple[Floats, Floats]:
        """Find the key points (P, J, 2) and scores (P, J) within boxes (P, 4) of a frame of the block, P >= 1."""
        self._alone = False
        keys = [(id(frame), box.tobytes()) for box in boxes]
        missing = [row for row, key in enumerate(keys) if key not in self._estimated]
        if missing:
            self._keep([(frame, boxes[missing])])
        keypoints, scores = zip(*(self._estimated[key] for key in keys), strict=True)
        return np.stack(keypoints), np.stack(scores)

    def _foresee(self, look: int) -> None:
        """Work out what `follow` will ask of the block if nothing happens: looks from the frame `look` on."""
        block = self._block
        if self._alone and not len(self._find_in(block[:1])[0][0]):
            # Nobody is there: it looks on every frame until somebody comes.
            look = next((at for at, (boxes, _) in enumerate(self._find_in(block)) if len(boxes)), len(block))
        looks = range(look, len(block), self._every)
        found = self._find_in([block[at] for at in looks])
        pieces = {at: boxes[: self._limit] for at, (boxes, _) in zip(looks, found, strict=True) if len(boxes)}
        for step in range(self._every):
            pieces = {at: boxes for at, boxes in pieces.items() if at + step < len(block)}
            if not pieces:
                break
            self._carry(pieces, step)

    def _carry(self, pieces: dict[int, Floats], step: int) -> None:
        """Estimate the frame `step` of every piece, together, and move its boxes to where people are looked for next.

        Args:
            pieces: by the frame of the block that each begins with, boxes (P, 4), P >= 1.
            step: less than `every`.
        """
        asked = [(self._block[at + step], boxes) for at, boxes in pieces.items()]
        for at, (frame, boxes), (keypoints, scores) in zip(pieces, asked, self._keep(asked), strict=True):
            moved, kept = carried(frame, boxes, keypoints, scores)
            pieces[at] = moved[kept]

    def _keep(self, asked: list[tuple[Frame, Floats]]) -> list[tuple[Floats, Floats]]:
        """Estimate, and keep the answers by frame and box."""
        answers = self._estimate(asked)
        for (frame, boxes), (keypoints, scores) in zip(asked, answers, strict=True):
            for box, points, certain in zip(boxes, keypoints, scores, strict=True):
                self._estimated[id(frame), box.tobytes()] = (points, certain)
        return answers

    def _find_in(self, frames: Sequence[Frame]) -> list[tuple[Floats, Floats]]:
        """Return what is found in frames, of those that were not looked at yet at once."""
        new = [frame for frame in frames if id(frame) not in self._found]
        for frame, found in zip(new, self._find(new) if new else [], strict=True):
            self._found[id(frame)] = found
        return [self._found[id(frame)] for frame in frames]
