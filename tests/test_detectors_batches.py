"""Frames in batches give what frames one by one give, whatever happens; and are worked on together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from test_detectors_follow import JOINTS, Scene

from detectors import batches
from detectors.base import DetectorError, Floats, Frame, People
from detectors.batches import follow_in_batches
from detectors.follow import follow

Many = list[tuple[Floats, Floats]]
WALK = [(100 + 3 * t, 100) for t in range(40)]


class Together(Scene):
    """A scene whose networks take many frames, and remember how many each time."""

    def __init__(self, people: list[list[tuple[float, float]]], blind: set[int] = frozenset()) -> None:
        super().__init__(people, blind)
        self.passes: list[int] = []  # crops in each pass

    def find_many(self, frames: Sequence[Frame]) -> Many:
        return [self.find(frame) for frame in frames]

    def estimate_many(self, asked: Sequence[tuple[Frame, Floats]]) -> Many:
        self.passes.append(sum(len(boxes) for _, boxes in asked))
        return [self.estimate(frame, boxes) for frame, boxes in asked]

    def batched(self, batch: int, every: int = 5, limit: int = 20) -> list[People]:
        own = (self.find_many, self.estimate_many, JOINTS, every, limit, batch)
        return list(follow_in_batches(iter(self.frames()), *own))


def wandering(seed: int, frames: int = 120) -> Together:
    """People who come, go, jump and meet, and looks that miss some of them."""
    rng = np.random.default_rng(seed)
    people: list[list[tuple[float, float]]] = [[] for _ in range(frames)]
    for _ in range(rng.integers(1, 5)):
        begin, length = rng.integers(0, frames - 10), rng.integers(5, frames)
        place, step = rng.uniform([30, 60], [440, 260]), rng.uniform(-3, 3, 2)
        for t in range(begin, min(frames, begin + length)):
            place = rng.uniform([30, 60], [440, 260]) if rng.random() < 0.03 else place + step
            people[t].append(tuple(np.clip(place, 10, 310)))
    blind = set(np.flatnonzero(rng.random(frames) < 0.15).tolist())
    return Together(people, blind)


def assert_same(one: list[People], other: list[People]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        for name, array in vars(a).items():
            np.testing.assert_array_equal(array, getattr(b, name))


@pytest.mark.parametrize("every", [1, 2, 5, 30])
@pytest.mark.parametrize("batch", [2, 5, 16])
@pytest.mark.parametrize("seed", range(4))
def test_batches_find_whom_single_frames_find(seed: int, batch: int, every: int) -> None:
    scene = wandering(seed)
    alone = list(follow(iter(scene.frames()), scene.find, scene.estimate, JOINTS, every, 3))
    assert any(len(people) for people in alone)
    assert_same(alone, scene.batched(batch, every, 3))


def test_pieces_between_looks_are_worked_on_side_by_side() -> None:
    scene = Together([[one, (400, 200)] for one in WALK])
    scene.batched(20)
    assert scene.passes == [8] * 10  # four pieces of two people: forty frames in ten passes
    assert scene.looks == list(range(0, 40, 5))


def test_with_boxes_on_every_frame_all_frames_go_together() -> None:
    scene = Together([[one] for one in WALK])
    scene.batched(20, every=1)
    assert scene.passes == [20, 20]


def test_a_block_ends_where_a_look_is_due() -> None:
    scene = Together([[one] for one in WALK])
    scene.batched(18)
    assert scene.passes == [3] * 10 + [2] * 5  # blocks of 15, 15 and 10 frames


def test_who_is_lost_early_costs_no_more_than_twice() -> None:
    """Nothing more is foreseen in a block once it has come otherwise."""
    scene = Together([[WALK[t] if t % 7 else (WALK[t][0], 250)] for t in range(40)])
    scene.batched(20)
    assert sum(scene.passes) <= 2 * 40 + 40 // 7 * 3


def test_where_nobody_is_frames_are_looked_at_together_and_no_crop_is_made() -> None:
    scene = Together([[]] * 30 + [[(50, 50)]] * 3)
    assert [len(people) for people in scene.batched(16)] == [0] * 30 + [1] * 3
    assert sorted(set(scene.looks)) == scene.looks, "no frame is looked at twice"


def test_large_pictures_are_held_in_smaller_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Together([[one] for one in WALK])
    monkeypatch.setattr(batches, "HELD_BYTES", 10 * scene.frames()[0].nbytes)
    held = []

    def source() -> Iterator[Frame]:
        for number, frame in enumerate(scene.frames()):
            held.append(number)
            yield frame

    own = (scene.find_many, scene.estimate_many, JOINTS, 5, 20, 64)
    ahead = [held[-1] - done for done, _ in enumerate(follow_in_batches(source(), *own))]
    assert max(ahead) == 9


@pytest.mark.parametrize("frames", [0, 1])
def test_an_empty_film_and_a_film_of_one_frame(frames: int) -> None:
    assert len(Together([[(50, 60)]] * frames).batched(8)) == frames


def test_a_network_that_fails_ends_it() -> None:
    scene = Together([[one] for one in WALK])

    def fails(asked: Sequence[tuple[Frame, Floats]]) -> Many:
        raise DetectorError("no memory")

    with pytest.raises(DetectorError, match="no memory"):
        list(follow_in_batches(scene.frames(), scene.find_many, fails, JOINTS, 5, 20, 8))
