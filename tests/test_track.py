"""Association on scenes with known identities: crossing, leaving and coming back, gaps, crowds, doubles, nobody."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from detectors.base import People
from detectors.joints import COCO_17
from pipeline import track
from pipeline.errors import PipelineError
from pipeline.packed import Rows
from pipeline.track import associate
from pipeline.tracklets import Tracklet

SHARED = Path(__file__).parents[1] / ".." / "shared"
SIZE = (1280, 720)
# A standing figure in units of its height, x from the middle, y from the top, in COCO's order.
FIGURE = np.array(
    [(0, 0.08), (0.02, 0.06), (-0.02, 0.06), (0.04, 0.07), (-0.04, 0.07), (0.11, 0.2), (-0.11, 0.2), (0.15, 0.35),
     (-0.15, 0.35), (0.16, 0.48), (-0.16, 0.48), (0.07, 0.52), (-0.07, 0.52), (0.07, 0.75), (-0.07, 0.75),
     (0.07, 0.97), (-0.07, 0.97)]
)  # fmt: skip


class Scene:
    """People on given paths, detected with noise and in random order; `truth` is who is where in which frame."""

    def __init__(self, frames: int, fps: float = 30, seed: int = 0) -> None:
        self.times = np.arange(frames) / fps
        self.rng = np.random.default_rng(seed)
        self.found: list[list[tuple[int, np.ndarray]]] = [[] for _ in range(frames)]
        self.scores: dict[int, float] = {}

    def person(self, who, x, y=400.0, height=300.0, frames=None, score=0.8, walk=1.0, phase=None):
        """Add one at (x, y) pixels (numbers or one per frame), seen in `frames` (all by default)."""
        everywhere = range(len(self.times)) if frames is None else frames
        x, y, height = (np.broadcast_to(np.asarray(v, float), self.times.shape) for v in (x, y, height))
        self.scores[who] = score
        for t in everywhere:
            figure = FIGURE.copy()
            swing = 0.12 * np.sin(2 * np.pi * self.times[t] * walk + (who if phase is None else phase))
            figure[[13, 15, 8, 10], 0] += swing * np.array([0.5, 1, 0.5, 1])
            figure[[14, 16, 7, 9], 0] -= swing * np.array([0.5, 1, 0.5, 1])
            noise = self.rng.normal(0, 0.01, figure.shape)
            self.found[t].append((who, (figure + noise - (0, 0.5)) * height[t] + (x[t], y[t])))
        return self

    def people(self):
        frames = []
        for entry in self.found:
            entry = [entry[i] for i in self.rng.permutation(len(entry))]
            if not entry:
                frames.append(People.nobody(17))
                continue
            keypoints = np.array([k for _, k in entry], np.float32)
            boxes = np.concatenate([keypoints.min(axis=1) - 5, keypoints.max(axis=1) + 5], axis=1)
            scores = np.array([[self.scores[who]] * 17 for who, _ in entry], np.float32)
            frames.append(People(boxes.astype(np.float32), keypoints, scores))
        return frames

    def identities(self, pose):
        """Return (P, T): who each track shows in each frame; -1 where it shows no detection."""
        shown = np.full(pose.valid.shape, -1)
        for t, entry in enumerate(self.found):
            for who, keypoints in entry:
                hits = np.abs(pose.keypoints[:, t] - keypoints).max(axis=(1, 2)) < 1e-2
                shown[hits & (pose.scores[:, t].max(axis=1) > 0), t] = who
        return shown

    def track(self):
        return tracked(self.people(), self.times)


def tracked(people, times, size=SIZE, joints=COCO_17):
    """Return the tracks, having made sure that nobody was left out."""
    pose, left_out = associate(people, times, size, joints)
    assert left_out == 0
    return pose


def pure(shown: np.ndarray) -> list[int]:
    """Return who each track is, having made sure that it is one and the same all through."""
    owners = []
    for row in shown:
        whos = set(row[row >= 0])
        assert len(whos) == 1, f"one track shows {sorted(whos)}"
        owners.append(int(whos.pop()))
    return owners


@pytest.mark.parametrize("fps", [10, 30])
@pytest.mark.parametrize("speed", [100, 300])
def test_people_who_cross_keep_their_identities(fps: float, speed: float) -> None:
    seconds = 900 / speed
    scene = Scene(round(seconds * fps), fps, seed=int(speed))
    path = 150 + speed * scene.times
    scene.person(0, path).person(1, 1100 - speed * scene.times, height=280)
    pose = scene.track()
    shown = scene.identities(pose)
    assert sorted(pure(shown)) == [0, 1]
    # Where both stand in one place in one pose, one of them may pass for a double and be bridged.
    assert (shown < 0).sum() <= 4
    assert pose.valid.all()


def test_one_of_two_who_cross_is_hidden_for_a_moment_and_both_are_kept() -> None:
    scene = Scene(150)
    x0, x1 = 200 + 180 * scene.times, 1100 - 180 * scene.times
    hidden = np.abs(x0 - x1) < 55
    assert 5 <= hidden.sum() <= 12
    scene.person(0, x0).person(1, x1, height=290, frames=np.flatnonzero(~hidden))
    pose = scene.track()
    assert sorted(pure(scene.identities(pose))) == [0, 1]
    assert pose.valid.all()


def test_one_who_leaves_and_comes_back_is_the_same_and_not_valid_meanwhile() -> None:
    scene = Scene(300)
    x = np.where(scene.times < 5, 900 + 100 * scene.times, 1400 - 100 * (scene.times - 5))
    away = x > 1250
    scene.person(0, x, frames=np.flatnonzero(~away)).person(1, 300)
    pose = scene.track()
    shown = scene.identities(pose)
    owners = pure(shown)
    assert sorted(owners) == [0, 1]
    leaver = owners.index(0)
    np.testing.assert_array_equal(pose.valid[leaver], ~away)
    assert not pose.scores[leaver, away].any()
    assert np.abs(pose.keypoints[leaver, away] - pose.keypoints[leaver, ~away].mean(axis=0)).max() < 400


def test_another_who_appears_elsewhere_at_once_is_another() -> None:
    scene = Scene(120)
    scene.person(0, 200, frames=range(60)).person(1, 1100, frames=range(62, 120), height=200)
    assert sorted(pure(scene.identities(scene.track()))) == [0, 1]


@pytest.mark.parametrize(("gap", "bridged"), [(1, True), (10, True), (15, True), (20, False), (60, False)])
def test_short_gaps_are_bridged_and_long_ones_are_not_valid(gap: int, bridged: bool) -> None:
    scene = Scene(150)
    missing = np.arange(50, 50 + gap)
    scene.person(0, 300 + 100 * scene.times, frames=sorted(set(range(150)) - set(missing)))
    pose = scene.track()
    assert len(pose.keypoints) == 1
    assert pose.valid[0, missing].all() == pose.valid[0, missing].any() == bridged
    assert not pose.scores[0, missing].any()
    others = np.setdiff1d(np.arange(150), missing)
    assert pose.valid[0, others].all()
    assert (pose.scores[0, others] > 0).all()
    if bridged:
        hips = pose.keypoints[0, missing, 11:13].mean(axis=1)[:, 0]
        np.testing.assert_allclose(hips, (300 + 100 * scene.times)[missing], atol=6)


def test_every_third_frame_missed_does_not_break_a_track() -> None:
    scene = Scene(120)
    scene.person(0, 300 + 200 * scene.times, frames=[t for t in range(120) if t % 3]).person(1, 640)
    pose = scene.track()
    assert sorted(pure(scene.identities(pose))) == [0, 1]
    assert pose.valid.all(axis=1).sum() == 1
    assert pose.valid[:, 1:].all()


def test_twelve_people_are_kept_apart() -> None:
    scene = Scene(90, seed=5)
    for who in range(12):
        x = 100 + 98 * who + 30 * np.sin(2 * np.pi * (scene.times / 2 + who / 5))
        scene.person(who, x, y=300 + 40 * (who % 3), height=220 + 10 * (who % 4), walk=0.7 + 0.05 * who)
    pose = scene.track()
    assert sorted(pure(scene.identities(pose))) == list(range(12))
    assert pose.valid.all()


def test_doubles_and_ghosts_are_dropped() -> None:
    scene = Scene(120, seed=2)
    scene.person(0, 600)
    scene.person(1, 603, y=402, score=0.5, frames=range(30, 80), phase=0)  # the same one again
    scene.person(2, 1100, frames=range(50, 53))  # a flash
    scene.person(3, 150, score=0.08)  # a coat on a hook
    pose = scene.track()
    assert pure(scene.identities(pose)) == [0]
    assert (pose.scores[0] > 0.7).all()


def test_the_longest_and_largest_come_first() -> None:
    scene = Scene(90)
    scene.person(0, 200, height=150).person(1, 600, height=400).person(2, 1000, height=300, frames=range(30))
    assert pure(scene.identities(scene.track())) == [1, 0, 2]


def test_nobody_in_the_first_frames_and_a_late_comer() -> None:
    scene = Scene(90)
    scene.person(0, 640, frames=range(40, 90))
    pose = scene.track()
    np.testing.assert_array_equal(pose.valid[0], np.arange(90) >= 40)
    np.testing.assert_array_equal(pose.keypoints[0, 0], pose.keypoints[0, 40])


@pytest.mark.parametrize("frames", [0, 1, 50])
def test_nobody_at_all_is_legal(frames: int) -> None:
    pose = Scene(frames).track()
    assert pose.keypoints.shape == (0, frames, 17, 2)
    assert pose.valid.shape == (0, frames)


def test_a_single_frame_and_a_very_slow_film() -> None:
    assert Scene(1).person(0, 600).track().valid.all()
    scene = Scene(20, fps=2)
    scene.person(0, 300 + 60 * scene.times).person(1, 900)
    assert sorted(pure(scene.identities(scene.track()))) == [0, 1]


def test_any_objects_with_the_three_arrays_serve_and_wrong_ones_are_refused_in_one_line() -> None:
    class Strange:
        def __init__(self, boxes, keypoints, scores):
            self.boxes, self.keypoints, self.scores = boxes, keypoints, scores

    figure = (FIGURE * 300 + 200).tolist()
    good = Strange([[150, 200, 250, 500]], [figure], [[0.9] * 17])
    assert tracked([good] * 5, np.arange(5) / 5).valid.all()
    for bad in (
        Strange([[1, 2, 3]], [figure], [[0.9] * 17]),
        Strange([[1, 2, 3, 4]], [figure[:9]], [[0.9] * 17]),
        Strange([[1, 2, 3, np.nan]], [figure], [[0.9] * 17]),
    ):
        with pytest.raises(PipelineError, match=r"detector, frame 1: (boxes|keypoints) must be") as raised:
            associate([good, bad], np.arange(2.0), SIZE, COCO_17)
        assert "\n" not in str(raised.value)
    with pytest.raises(PipelineError, match="people for 1 of 2 frames"):
        associate([good], np.arange(2.0), SIZE, COCO_17)


def test_beyond_the_most_the_longest_and_largest_are_kept_and_the_rest_counted(monkeypatch) -> None:
    scene = Scene(60)
    for who, height in enumerate((150, 320, 200, 280)):
        scene.person(who, 150 + 300 * who, height=height)
    people = scene.people()
    monkeypatch.setattr(track, "MOST_PEOPLE", 2)
    pose, left_out = associate(people, scene.times, SIZE, COCO_17)
    assert (pure(scene.identities(pose)), left_out) == ([1, 3], 2)
    monkeypatch.setattr(track, "MOST_PLACES", 60 * 3)
    monkeypatch.setattr(track, "MOST_PEOPLE", 200)
    pose, left_out = associate(people, scene.times, SIZE, COCO_17)
    assert (pure(scene.identities(pose)), left_out) == ([1, 3, 2], 1)
    monkeypatch.setattr(track, "MOST_PLACES", 1)
    assert len(associate(people, scene.times, SIZE, COCO_17)[0].keypoints) == 1


def test_memory_is_what_is_kept_and_not_people_times_frames() -> None:
    scene = Scene(2400, fps=10, seed=3)
    for who in range(120):  # one every 20 frames, each seen for 2 s on the way across the picture
        here = np.arange(20 * who, 20 * who + 20)
        scene.person(who, 100 + 540 * (scene.times - 2 * who), frames=here)
    people = scene.people()
    tracemalloc.start()
    try:
        pose = tracked(people, scene.times)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(pose.keypoints) == 120
    arrays = pose.keypoints, pose.scores, pose.boxes, pose.valid
    assert all(array.dtype == kind for array, kind in zip(arrays, ("f4", "f4", "f4", "?"), strict=True))
    held = sum(array.nbytes for array in arrays)
    assert peak < 1.3 * held + 20_000_000, f"{peak / held:.1f} times what is kept"


def test_a_film_full_of_people_is_searched_for_doubles_in_bearable_time() -> None:
    figure = FIGURE * 200
    times = np.arange(4000) / 25
    scores = Rows.of(np.full((4000, 17), 0.8))
    tracks = []
    for who in range(10):
        places = figure + np.array([100 + 110 * who, 200])
        box = np.concatenate([places.min(axis=0), places.max(axis=0)])
        tracks.append(
            Tracklet(
                list(range(4000)), Rows.of(np.tile(box, (4000, 1))), Rows.of(np.tile(places, (4000, 1, 1))), scores
            )
        )
    began = time.process_time()
    assert len(track._without_ghosts([*tracks, *tracks], times)) == 10
    assert time.process_time() - began < 5


@pytest.mark.shared
@pytest.mark.slow
def test_a_real_film_with_one_person_gives_one_track() -> None:
    from detectors.base import DetectorOptions
    from detectors.registry import create

    film, models = SHARED / "data" / "clips" / "temugeb_cam0.mp4", SHARED / "models"
    if not film.exists() or not models.exists():
        pytest.skip("no films or models beside this checkout")
    cv2 = pytest.importorskip("cv2")
    options = DetectorOptions(
        pose_model=models / "pp_tinypose_256_192.xml", box_model=models / "yolox_nano.onnx", fps=20, box_every=5
    )
    detector = create("onnx", options)
    capture, frames = cv2.VideoCapture(str(film)), []
    while len(frames) < 60 and (read := capture.read())[0]:
        frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    height, width = frames[0].shape[:2]
    pose = tracked(list(detector(frames)), np.arange(len(frames)) / 20, (width, height), detector.joints)
    assert len(pose.keypoints) == 1
    assert pose.valid.mean() > 0.95
