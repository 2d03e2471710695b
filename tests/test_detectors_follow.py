"""Boxes now and then, poses between: who is looked for when, who stays, who goes, against a scene of known people."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.base import Floats, Frame
from detectors.follow import cut, distinct, follow, pose_box

BODY = np.array([[0, -40], [-10, -20], [10, -20], [-8, 20], [8, 20], [0, 40]], np.float32)  # 6 joints
JOINTS = len(BODY)
SIZE = (480, 320)  # of the pictures


class Scene:
    """Two networks that see a scene: `people[t]` are the centres of frame t; frame t is a picture of the value t."""

    def __init__(self, people: list[list[tuple[float, float]]], blind: set[int] = frozenset()) -> None:
        self.people = people
        self.blind = blind  # frames whose boxes the box network misses
        self.looks: list[int] = []

    def frames(self) -> list[Frame]:
        return [np.broadcast_to(np.uint8(t), (*SIZE[::-1], 3)) for t in range(len(self.people))]

    def find(self, frame: Frame) -> tuple[Floats, Floats]:
        t = int(frame[0, 0, 0])
        self.looks.append(t)
        centers = [] if t in self.blind else self.people[t]
        found = [[x - 18, y - 48, x + 18, y + 48] for x, y in centers]
        return np.array(found, np.float32).reshape(-1, 4), np.full(len(found), 0.9, np.float32)

    def estimate(self, frame: Frame, boxes: Floats) -> tuple[Floats, Floats]:
        """Find whoever's centre lies nearest, if in the box; else give noise of low score."""
        centers = self.people[int(frame[0, 0, 0])]
        points, scores = [], []
        for box in boxes:
            middle = (box[:2] + box[2:]) / 2
            inside = [c for c in centers if (np.abs(np.array(c) - middle) < (box[2:] - box[:2]) / 2).all()]
            near = min(inside, key=lambda c: float(np.hypot(*(np.array(c) - middle))), default=None)
            points.append(BODY + (middle if near is None else np.array(near)))
            scores.append(np.full(JOINTS, 0.05 if near is None else 0.8))
        return np.array(points, np.float32), np.array(scores, np.float32)

    def run(self, every: int = 5, limit: int = 20) -> list[np.ndarray]:
        """Return the people's centres of every frame."""
        found = follow(iter(self.frames()), self.find, self.estimate, JOINTS, every, limit)
        return [people.keypoints.mean(1) for people in found]


def test_two_walkers_are_followed_and_boxes_are_looked_for_every_fifth_frame() -> None:
    scene = Scene([[(100 + 3 * t, 100), (400 - 3 * t, 200)] for t in range(23)])
    for t, centers in enumerate(scene.run()):
        np.testing.assert_allclose(centers, scene.people[t], atol=0.01)
    assert scene.looks == [0, 5, 10, 15, 20]


def test_nobody_is_looked_for_on_every_frame_and_found_at_once() -> None:
    scene = Scene([[]] * 7 + [[(50, 50)]] * 3)
    assert [len(centers) for centers in scene.run()] == [0] * 7 + [1] * 3
    assert scene.looks == list(range(8))


def test_who_enters_is_found_at_the_next_look() -> None:
    scene = Scene([[(50, 50)]] * 6 + [[(50, 50), (300, 60)]] * 6)
    assert [len(centers) for centers in scene.run()] == [1] * 10 + [2] * 2


def test_who_is_lost_is_looked_for_at_once_and_dropped() -> None:
    scene = Scene([[(50, 50), (300, 60)]] * 8 + [[(50, 50)]] * 4)
    assert [len(centers) for centers in scene.run()] == [2] * 8 + [1] * 4
    assert scene.looks == [0, 5, 8]


def test_who_jumps_is_found_again_in_the_same_frame() -> None:
    scene = Scene([[(50, 50)]] * 3 + [[(300, 80)]] * 3)
    found = scene.run()
    np.testing.assert_allclose(np.concatenate(found), np.concatenate(scene.people), atol=0.01)


def test_a_missed_box_does_not_lose_a_pose_that_is_there() -> None:
    scene = Scene([[(50 + t, 50)] for t in range(16)], blind={5, 10})
    assert [len(centers) for centers in scene.run()] == [1] * 16


def test_a_pose_that_no_look_confirms_goes_in_the_end() -> None:
    scene = Scene([[(50, 50)]] * 60, blind=set(range(1, 60)))
    counts = [len(centers) for centers in scene.run()]
    assert counts[0] == 1
    assert counts[-1] == 0
    assert sum(counts) == 30  # five looks of patience, and the frames until the sixth


def test_two_boxes_on_one_person_are_one_person() -> None:
    scene = Scene([[(100, 100)]] * 3)
    single = scene.find

    def double(frame: Frame) -> tuple[Floats, Floats]:
        boxes, scores = single(frame)
        return np.concatenate([boxes, boxes + 12]), np.concatenate([scores, scores - 0.1])

    found = list(follow(scene.frames(), double, scene.estimate, JOINTS))
    assert [len(people) for people in found] == [1, 1, 1]


def test_the_most_certain_newcomers_fill_the_limit() -> None:
    scene = Scene([[(100, 100), (200, 100), (300, 100)]] * 2)
    assert [len(centers) for centers in scene.run(limit=2)] == [2, 2]


@pytest.mark.parametrize("frames", [0, 1])
def test_an_empty_film_and_a_film_of_one_frame(frames: int) -> None:
    assert len(Scene([[(9, 9)]] * frames).run()) == frames


def test_the_pose_box_holds_the_seen_joints_alone() -> None:
    scores = np.array([0.9, 0.9, 0.9, 0.9, 0.9, 0.1], np.float32)
    box = pose_box(BODY, scores, np.zeros(4, np.float32))
    np.testing.assert_allclose(box, [-16, -46, 16, 26])
    folded = pose_box(BODY * 0, np.ones(6, np.float32), np.array([0, 0, 50, 100], np.float32))
    np.testing.assert_allclose(folded, [-25, -25, 25, 25])  # half as large, not a point
    kept = np.array([1, 2, 3, 4], np.float32)
    assert pose_box(BODY, np.full(6, 0.1, np.float32), kept) is kept


def test_boxes_of_poses_that_fill_their_crops_do_not_outgrow_the_picture() -> None:
    """As with random weights: key points all over the crop, which is a quarter larger than the box."""

    def sprawl(_: Frame, boxes: Floats) -> tuple[Floats, Floats]:
        middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) * 0.625
        corners = np.stack([middle - half, middle + half] * 3, axis=1)
        return corners.astype(np.float32), np.full((len(boxes), JOINTS), 0.8, np.float32)

    scene = Scene([[(100, 100)]] * 30)
    found = list(follow(scene.frames(), scene.find, sprawl, JOINTS, every=1000))
    assert [len(people) for people in found] == [1] * 30
    assert np.array([people.boxes[0] for people in found]).min() >= 0
    np.testing.assert_array_equal(found[-1].boxes[0], [0, 0, *SIZE])
    assert np.abs(found[-1].keypoints).max() <= 1.125 * max(SIZE)


def test_who_walks_out_of_the_picture_keeps_a_real_box_inside_it() -> None:
    scene = Scene([[(400 + 8 * t, 250 + 6 * t)] for t in range(20)], blind=set(range(1, 20)))
    seen = list(follow(scene.frames(), scene.find, scene.estimate, JOINTS))
    boxes = np.concatenate([people.boxes for people in seen])
    assert len(boxes) > 5
    assert (boxes >= 0).all()
    assert (boxes[:, 2:] <= SIZE).all()
    assert (boxes[:, 2:] - boxes[:, :2] >= 2).all()


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ([10, 20, 30, 40], [10, 20, 30, 40]),
        ([-10, -20, 500, 400], [0, 0, 480, 320]),
        ([500, 100, 600, 200], [478, 100, 480, 200]),
        ([-90, -80, -10, -20], [0, 0, 2, 2]),
        ([400, 900, 420, 950], [400, 318, 420, 320]),
    ],
)
def test_a_cut_box_lies_in_the_picture_and_cutting_again_changes_nothing(box: list[int], expected: list[int]) -> None:
    frame = np.zeros((*SIZE[::-1], 3), np.uint8)
    once = cut(np.array(box, np.float32), frame)
    np.testing.assert_array_equal(once, expected)
    np.testing.assert_array_equal(cut(once, frame), once)
    tiny = cut(np.array(box, np.float32), frame[:1, :1])
    np.testing.assert_array_equal(tiny, [0, 0, 1, 1])


def test_neighbours_are_not_doubles() -> None:
    keypoints = np.stack([BODY, BODY + np.float32([25, 0]), BODY + np.float32(1)])
    scores = np.stack([np.full(6, 0.7), np.full(6, 0.9), np.full(6, 0.8)]).astype(np.float32)
    boxes = np.tile(np.array([-18, -48, 18, 48], np.float32), (3, 1))
    np.testing.assert_array_equal(distinct(keypoints, scores, boxes), [1, 2])
