"""Memory that a longer film takes: packed detections, and bytes a frame of every step, by tracemalloc."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from test_track import SIZE, Scene

from detectors.joints import COCO_17
from detectors.scripted import ScriptedDetector, walker
from pipeline.packed import Detections, Rows
from pipeline.poses import Pose2D
from pipeline.progress import Console
from pipeline.room import place
from pipeline.settings import RunSettings
from pipeline.stages import lift
from pipeline.track import associate

HOUR = 90_000  # frames at 25 a second
PARTS = (
    "lifter.rates.CURVE", "lifter.screen.AT_ONCE", "pipeline.adapter._AT_ONCE", "pipeline.orient._AT_ONCE",
    "pipeline.translation._AT_ONCE", "pipeline.trajectory._AT_ONCE", "pipeline.room._AT_ONCE",
)  # fmt: skip
BAR = 200 * 2**20 / HOUR  # bytes a frame: an hour within 200 MB


def growth(work: Callable[[int], object], short: int, long: int) -> float:
    """Return by how many bytes a frame the peak of `work(frames)` grows."""
    work(short)  # what is loaded once
    peaks = []
    for frames in (short, long):
        tracemalloc.start()
        try:
            work(frames)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    return (peaks[1] - peaks[0]) / (long - short)


def detected(frames: int) -> object:
    detector, found = ScriptedDetector(), Detections(len(COCO_17))
    picture = np.zeros((48, 64, 3), np.uint8)
    for people in detector(picture for _ in range(frames)):
        found.add(people)
    return associate(found, np.arange(frames) / 25, (64, 48), COCO_17)


def test_detecting_keeps_little_more_than_the_numbers() -> None:
    # 220 bytes of numbers: once as they come, once by person, once in the result; and room to grow.
    assert growth(detected, 100, 600) < 0.45 * BAR


@pytest.mark.parametrize("mode", ["sequence", "windows"])
def test_lifting_keeps_little_more_than_its_results(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """640 bytes of results and 240 of what was detected; what is needed beside them is needed for one person."""
    for part in PARTS:
        monkeypatch.setattr(part, 50)  # what is worked on at a time, so that short films tell of long ones
    monkeypatch.setattr("lifter.lifter.CPU_BATCH", 192)

    def lifted(frames: int) -> object:
        points = np.stack([walker(frame / 25, 64, 48) for frame in range(frames)])[None]
        pose = Pose2D(
            points, np.full(points.shape[:3], 0.9, np.float32), np.zeros((1, frames, 4), np.float32),
            np.ones((1, frames), bool), np.arange(frames) / 25, COCO_17,
        )  # fmt: skip
        return lift(pose, (64, 48), RunSettings(device="cpu", lift_mode=mode), Console(quiet=True))

    assert growth(lifted, 150, 450) < 0.95 * BAR


def test_placing_people_in_the_room_keeps_little_more_than_the_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """410 bytes of what is given, as much of the places, half of it once more; nothing of it changes by parts."""
    found = []

    def placed(frames: int) -> object:
        rng = np.random.default_rng(0)
        poses = rng.normal(size=(1, frames, 17, 3)).astype(np.float32)
        points, scores = poses[..., :2] * 200 + 400, np.ones((1, frames, 17), np.float32)
        found.append(place(poses, points, scores, np.ones((1, frames), bool), np.array([0, -1.0, 0]), (640, 480)))
        return found[-1]

    placed(450)
    monkeypatch.setattr("pipeline.room._AT_ONCE", 50)
    assert growth(placed, 150, 450) < 0.65 * BAR
    assert found[0].tobytes() == found[-1].tobytes()


@pytest.mark.parametrize("seed", [0, 1])
def test_packed_detections_give_the_same_tracks_to_the_byte(seed: int) -> None:
    scene = Scene(120, seed=seed).person(0, 300).person(1, 700, frames=range(10, 110, 2)).person(2, 1000, height=200)
    people, packed = scene.people(), Detections(17)
    for entry in people:
        packed.add(entry)
    one, _ = associate(people, scene.times, SIZE, COCO_17)
    other, _ = associate(packed, scene.times, SIZE, COCO_17)
    for name, array in vars(one).items():
        assert np.asarray(array).tobytes() == np.asarray(getattr(other, name)).tobytes(), name


def test_packed_frames_hold_what_was_added_also_where_nobody_is() -> None:
    rng, found = np.random.default_rng(0), Detections(3)
    given = [
        SimpleNamespace(boxes=rng.random((n, 4)), keypoints=rng.random((n, 3, 2)), scores=rng.random((n, 3)))
        for n in (2, 0, 5, 1, 0)
    ]
    for entry in given:
        found.add(entry)
    assert len(found) == 5
    for entry, frame in zip(given, found, strict=True):
        for name, array in vars(entry).items():
            np.testing.assert_array_equal(getattr(frame, name), array.astype(np.float32))
    assert [len(frame.scores) for frame in found[1:4]] == [0, 5, 1]
    with pytest.raises(IndexError):
        found[5]


def test_rows_grow_in_place_and_forget() -> None:
    rows, kept = Rows(2), np.arange(2000, dtype=np.float32).reshape(-1, 2)
    first = None
    for row in kept:
        rows.extend(row[None])
        first = rows[0] if first is None else first  # a copy: growing must not change it
    np.testing.assert_array_equal(first, kept[0])
    np.testing.assert_array_equal(rows[:], kept)
    np.testing.assert_array_equal(rows[-1], kept[-1])
    np.testing.assert_array_equal(rows[np.array([3, 900])], kept[[3, 900]])
    rows.forget(keep=2)
    rows.extend(kept[:1])
    np.testing.assert_array_equal(rows.packed(), [*kept[-2:], kept[0]])
