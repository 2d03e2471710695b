"""The embedded detector: nobody, somebody real, quiet, and closed whatever happens."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from detectors import mediapipe as ours
from detectors import registry
from detectors.base import DetectorError, DetectorOptions
from detectors.joints import MEDIAPIPE_33

SHARED = Path(__file__).parents[2] / "shared"


class Mark:
    """A landmark as MediaPipe gives it."""

    def __init__(self, x: float, y: float, visibility: float) -> None:
        self.x, self.y, self.visibility = x, y, visibility


class Solution:
    """Stands in for MediaPipe's graph and its maker: a body at known places, and what was opened and closed."""

    def __init__(self, fail_at: int = -1) -> None:
        self.opened, self.closed, self.count, self.fail_at = 0, 0, 0, fail_at

    def __call__(self, memory: np.ndarray) -> Solution:
        self.opened += 1
        self.memory = memory
        return self

    def process(self, frame: np.ndarray) -> Solution:
        if self.count == self.fail_at:
            raise RuntimeError("graph has errors:\nand many lines of them")
        self.count += 1
        return self

    @property
    def pose_landmarks(self) -> Solution:
        return self

    @property
    def landmark(self) -> list[Mark]:
        return [Mark(k / 40, 1.2 * k / 40, 1.0 if k < 20 else 0.25) for k in range(33)]

    def close(self) -> None:
        self.closed += 1


def test_landmarks_become_pixels_and_the_box_holds_the_visible_ones() -> None:
    frames = [np.zeros((100, 200, 3), np.uint8)]
    (people,) = ours.MediaPipeDetector(Solution())(frames)
    np.testing.assert_allclose(people.keypoints[0], [(5 * k, 3 * k) for k in range(33)], rtol=1e-5)
    np.testing.assert_allclose(people.scores[0], [1.0] * 20 + [0.25] * 13)
    np.testing.assert_allclose(people.boxes[0], [-9.5, -9.5, 104.5, 66.5], rtol=1e-5)


def test_the_network_is_opened_once_a_film_and_closed_also_when_the_film_is_left() -> None:
    solution = Solution()
    detector = ours.MediaPipeDetector(solution)
    film = [np.zeros((8, 8, 3), np.uint8)] * 3
    assert len(list(detector(film))) == 3
    assert (solution.opened, solution.closed) == (1, 1)
    walk = detector(film)
    next(walk)
    walk.close()
    assert (solution.opened, solution.closed) == (2, 2)
    assert list(detector([])) == []
    assert solution.opened == 2


def test_its_failures_are_one_line_and_close_it() -> None:
    solution = Solution(fail_at=1)
    with pytest.raises(DetectorError, match=r"failed on a frame: graph has errors:$"):
        list(ours.MediaPipeDetector(solution)([np.zeros((8, 8, 3), np.uint8)] * 3))
    assert solution.closed == 1


def test_an_empty_picture_holds_nobody_and_nothing_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    detector = registry.create("mediapipe", DetectorOptions())
    assert detector.joints == MEDIAPIPE_33
    found = list(detector([np.full((120, 160, 3), 90, np.uint8)] * 2))
    assert [people.keypoints.shape for people in found] == [(0, 33, 2)] * 2
    said = capfd.readouterr()
    assert said.err == ""
    assert said.out == ""


def test_what_native_code_said_is_repeated_when_it_fails(capfd: pytest.CaptureFixture[str]) -> None:
    import os

    with pytest.raises(ZeroDivisionError), ours._quiet():
        os.write(2, b"the reason\n")
        raise ZeroDivisionError
    assert capfd.readouterr().err == "the reason\n"
    with ours._quiet():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        os.write(2, b"a bar 10 %\rW0000 00:00:1795417146.765177   27095 a.cc:186] Using NORM_RECT.\na bar 20 %\r")
    assert capfd.readouterr().err == "a bar 10 %\ra bar 20 %\r"


@pytest.mark.shared
def test_nothing_is_said_when_somebody_comes_later(capfd: pytest.CaptureFixture[str]) -> None:
    """In a picture that is not square MediaPipe talks once more when it first sees a body."""
    if not (SHARED / "data").is_dir():
        pytest.skip("no ../shared/data beside the checkout")
    import av

    with av.open(str(SHARED / "data/clips/talmo_dance.mp4")) as film:
        frame = next(film.decode(video=0)).to_ndarray(format="rgb24")
    detector = registry.create("mediapipe", DetectorOptions())
    found = list(detector(iter([np.zeros_like(frame), np.zeros_like(frame), frame, frame])))
    assert [len(people) for people in found] == [0, 0, 1, 1]
    said = capfd.readouterr()
    assert said.out == said.err == ""


@pytest.mark.shared
def test_a_real_person_is_found() -> None:
    if not (SHARED / "data").is_dir():
        pytest.skip("no ../shared/data beside the checkout")
    import av

    with av.open(str(SHARED / "data/clips/temugeb_cam0.mp4")) as film:
        frames = [f.to_ndarray(format="rgb24") for f in itertools.islice(film.decode(video=0), 10)]
    found = list(registry.create("mediapipe", DetectorOptions())(iter(frames)))
    assert [len(people) for people in found] == [1] * 10
    for people in found:
        height = {name: people.keypoints[0, k, 1] for k, name in enumerate(MEDIAPIPE_33)}
        assert height["nose"] < height["left_hip"] < height["left_ankle"]
        assert people.boxes[0, 3] <= 720 * 1.1


def test_points_that_stand_still_are_held_still_and_moving_ones_are_followed() -> None:
    from detectors.mediapipe_graph import filtered

    size = np.array([640, 480], np.float32)
    points = np.array([[320, 300], [320, 100]], np.float32)
    memory = filtered(ours.NOTHING, points, size)
    np.testing.assert_array_equal(memory, [points, points, np.zeros((2, 2))])
    shaken = filtered(memory, points + np.float32(2), size)
    assert (np.abs(shaken[1] - points) < 0.5).all()  # of 2 pixels
    for step in range(30):
        memory = filtered(memory, points + np.float32(20 * step), size)
    assert (np.abs(memory[1] - memory[0]) < 40).all()  # at 600 pixels a second


@pytest.mark.shared
@pytest.mark.parametrize("clip", ["sports2d_demo.mp4", "talmo_dance.mp4"])
def test_landmarks_are_those_of_mediapipe_also_when_a_film_is_gone_on_with(clip: str) -> None:
    if not (SHARED / "data").is_dir():
        pytest.skip("no ../shared/data beside the checkout")
    import av
    from mediapipe.python.solutions import pose

    with av.open(str(SHARED / "data/clips" / clip)) as film:
        frames = [f.to_ndarray(format="rgb24") for f in itertools.islice(film.decode(video=0), 30)]
    height, width = frames[0].shape[:2]
    with pose.Pose(model_complexity=1, smooth_landmarks=False) as reference:
        wanted = [ours._people(reference.process(frame).pose_landmarks, width, height) for frame in frames]
    detector = registry.create("mediapipe", DetectorOptions())
    memories, found = [], []
    for people in detector(iter(frames)):
        found.append(people)
        memories.append(detector.remember())
    another = registry.create("mediapipe", DetectorOptions())
    another.recall(memories[16])
    found += another(iter(frames[17:]))
    for ours_, theirs in zip(found, wanted + wanted[17:], strict=True):
        assert all(np.array_equal(getattr(ours_, n), getattr(theirs, n)) for n in ("boxes", "keypoints", "scores"))
    assert sum(map(len, wanted)) > 20
