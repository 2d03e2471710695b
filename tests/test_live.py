"""Live: the newest frame and no other, poses from the past alone, sources at their own pace, clean ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from servers import http_server, rtsp_server
from test_run import make_film, stamps_of

from detectors.base import People
from detectors.scripted import ScriptedDetector, walker
from lifter.lifter import Lifter
from lifter.newest import NewestLifter
from pipeline.cli import main
from pipeline.live.crowd import Crowd
from pipeline.live.newest import Newest
from pipeline.live.record import LiveFilm
from pipeline.store import load_pose2d, load_pose3d

ROOT = Path(__file__).parents[1]


class Burst:
    """A source whose frames all come at once, or after a signal."""

    name, size, fps = "burst", (8, 6), Fraction(25)

    def __init__(self, count: int, gate: threading.Event | None = None) -> None:
        self.count, self.gate, self.warnings = count, gate, []
        self.sent = 0  # frames that were taken from it

    def frames(self, ended: threading.Event) -> Iterator[tuple[float, float, np.ndarray]]:
        for index in range(self.count):
            if index == self.count // 2 and self.gate:
                self.gate.wait(20)
            yield index / 25, time.monotonic(), np.full((6, 8, 3), index % 256, np.uint8)
            self.sent = index + 1


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def live(source: object, *flags: object, detector: str = "scripted") -> int:
    words = [str(source), *map(str, flags), "--detector", detector, "--device", "cpu", "--no-show"]
    return main(["live", *words])


def kept(folder: Path) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """The summary, the source's frame numbers and the latencies of a recording."""
    with np.load(folder / "pose3d.npz", allow_pickle=False) as data:
        return json.loads((folder / "run.json").read_text())["live"], data["frames"], data["latency"]


def test_who_is_slow_sees_the_newest_frame_and_misses_the_others() -> None:
    gate = threading.Event()
    source = Burst(40, gate)
    newest = Newest(source)
    seen = []
    for shot in newest:
        seen.append(shot.index)
        assert shot.picture[0, 0, 0] == shot.index
        if len(seen) == 1 and shot.index < 19:
            wait_until(lambda: source.sent == 20)  # the first half comes meanwhile
        if shot.index == 19:
            gate.set()
            wait_until(lambda: source.sent == 40)
    assert 19 in seen and seen[-1] == 39 and seen == sorted(set(seen))
    assert len(seen) + newest.dropped == 40


def test_a_failing_source_is_told_where_frames_are_taken_and_stop_ends() -> None:
    class Broken(Burst):
        def frames(self, ended: threading.Event) -> Iterator[Any]:
            yield from super().frames(ended)
            raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        list(Newest(Broken(3)))
    newest = Newest(Burst(1000))
    for _ in newest:
        newest.stop()
    assert [shot.seconds for shot in Newest(Burst(9), seconds=0.1)][-1] < 0.1


def test_a_film_is_played_at_its_own_pace_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film, out = make_film(tmp_path / "walk.mp4", frames=50), tmp_path / "out"
    began = time.monotonic()
    assert live(film, "--out", out) == 0
    took = time.monotonic() - began
    assert sorted(file.name for file in out.iterdir()) == ["live_3d.mp4", "pose2d.npz", "pose3d.npz", "run.json"]
    told, frames, latency = kept(out)
    assert told["shown"] + told["dropped"] == 50 and told["shown"] == len(frames) >= 2
    assert (np.diff(frames) > 0).all() and frames[-1] == 49 and (latency > 0).all()
    assert took >= (frames[-1] - frames[0]) / 25  # never ahead of its time
    flat, solid = load_pose2d(out / "pose2d.npz"), load_pose3d(out / "pose3d.npz")
    np.testing.assert_allclose(solid.timestamps, (frames - frames[0]) / 25, atol=1e-6)
    assert flat.keypoints.shape == (1, len(frames), 17, 2) and solid.positions.shape == (1, len(frames), 17, 3)
    assert solid.valid.all() and np.abs(solid.positions[:, :, 0]).max() == 0
    assert (solid.positions[0, :, [3, 6], 1].mean(axis=0) > solid.positions[0, :, 10, 1]).all()  # y is down
    np.testing.assert_allclose(stamps_of(out / "live_3d.mp4"), solid.timestamps, atol=2e-5)
    said = capsys.readouterr().out
    assert f"{told['shown']} frames shown, {told['dropped']} dropped" in said and "latency" in said


def test_a_slow_detector_drops_frames_and_does_not_lag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a film of 2 s it can do 5 frames at the most; a queue of all 50 would make the last one 18 s late."""

    class Slow(ScriptedDetector):
        def __call__(self, frames: Any) -> Iterator[People]:
            for frame in frames:
                time.sleep(0.4)
                yield from super().__call__([frame])

    monkeypatch.setattr("detectors.registry.create", lambda name, options: Slow(options.fps))
    film, out = make_film(tmp_path / "walk.mp4", frames=50), tmp_path / "out"
    assert live(film, "--out", out) == 0
    told, frames, latency = kept(out)
    assert told["shown"] <= 7 and told["shown"] + told["dropped"] == 50 and frames[-1] == 49
    assert latency.max() < 50 * 0.4 / 3


def test_delay_shows_every_frame_later(tmp_path: Path) -> None:
    film, out = make_film(tmp_path / "walk.mp4", frames=30), tmp_path / "out"
    assert live(film, "--delay", 2, "--out", out, "--no-render") == 0
    told, frames, latency = kept(out)
    assert told["delay"] == 2 and told["shown"] + told["dropped"] == 30 and frames[-1] == 29
    assert not (out / "live_3d.mp4").exists()
    # A frame waits for two more to come.
    assert (latency[:-2] >= (frames[2:] - frames[:-2]) / 25 - 1e-3).all()


def test_it_ends_after_the_seconds_asked_for(tmp_path: Path) -> None:
    film, out = make_film(tmp_path / "walk.mp4", frames=1500), tmp_path / "out"
    assert live(film, "--seconds", 1, "--out", out) == 0
    _, frames, _ = kept(out)
    assert frames[-1] < 25


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_request_to_stop_ends_it_cleanly(how: int, tmp_path: Path) -> None:
    film, out = make_film(tmp_path / "walk.mp4", frames=3000), tmp_path / "out"
    words = ["live", str(film), "--detector", "scripted", "--device", "cpu", "--no-show", "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", *words],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout and "walk.mp4" in process.stdout.readline()
    assert "latency" in process.stdout.readline()  # the first frame is shown
    process.send_signal(how)
    said, complaints = process.communicate(timeout=60)
    assert process.returncode == 0 and not complaints and "frames shown" in said
    told, frames, _ = kept(out)
    assert 1 <= len(frames) == told["shown"] < 3000
    assert len(stamps_of(out / "live_3d.mp4")) == len(frames)
    assert not list(out.glob(".*"))


@pytest.mark.parametrize("server", [http_server, rtsp_server])
def test_streams_from_the_network(server: Any, tmp_path: Path) -> None:
    film, out = make_film(tmp_path / "walk.mp4", frames=50), tmp_path / "out"
    with server(film) as address:
        assert live(address, "--out", out) == 0
    told, frames, latency = kept(out)
    assert 40 <= told["shown"] + told["dropped"] <= 50 and (np.diff(frames) > 0).all() and (latency > 0).all()
    solid = load_pose3d(out / "pose3d.npz")
    # A machine that is busy for over a second loses sight of who is there, and knows them again a little later.
    assert solid.valid[:, 0].any() and 0.2 < solid.timestamps[-1] < 2.5
    assert len(stamps_of(out / "live_3d.mp4")) == len(frames)


@pytest.mark.parametrize(
    "words",
    [
        ["absent.mp4"], ["97"], ["gopher://somewhere"], ["http://127.0.0.1:9/x"], ["rtsp://127.0.0.1:9/x"],
        ["walk.mp4", "--delay", "-1"], ["walk.mp4", "--seconds", "0"], ["walk.mp4", "--seconds", "nan"],
        ["walk.mp4", "--out", "full"], ["walk.mp4", "--lifter", "nobody"], ["walk.mp4", "--batch", "8"],
    ],
    ids=lambda words: " ".join(words),
)  # fmt: skip
def test_bad_input_is_told_in_one_line(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_film(tmp_path / "walk.mp4", frames=2)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "pose3d.npz").touch()
    assert live(words[0], *words[1:]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1


def test_a_password_in_an_address_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert live("rtsp://me:secret@127.0.0.1:9/x") == 1
    said = capsys.readouterr().err
    assert "secret" not in said and "127.0.0.1" in said


def test_a_window_shows_frames_until_the_watcher_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[np.ndarray] = []
    import cv2

    monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "resizeWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)
    monkeypatch.setattr(cv2, "imshow", lambda _, picture: shown.append(picture))
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr(cv2, "waitKey", lambda _: ord("q") if len(shown) == 3 else -1)
    film = make_film(tmp_path / "walk.mp4", frames=1500)
    assert main(["live", str(film), "--detector", "scripted", "--device", "cpu", "--show"]) == 0
    assert len(shown) == 3 and shown[0].shape[2] == 3 and shown[0].shape[0] == 120


def test_a_camera_gives_red_where_it_sees_red(monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    from pipeline.live import source

    class Capture:
        left = 3

        def read(self) -> tuple[bool, Any]:
            self.left -= 1
            return self.left >= 0, np.full((6, 8, 3), (0, 0, 200), np.uint8)  # OpenCV's order: blue first

        def get(self, _: int) -> float:
            return 29.97

        def set(self, *_: object) -> None: ...
        def release(self) -> None: ...

    monkeypatch.setattr(cv2, "VideoCapture", lambda _: Capture())
    monkeypatch.setattr(source, "_is_there", lambda _: True)
    camera = source.open_source("0")
    assert camera.size == (8, 6) and camera.fps == Fraction(2997, 100)
    frames = list(camera.frames(threading.Event()))
    assert len(frames) == 2 and frames[0][2][0, 0].tolist() == [200, 0, 0] and frames[0][0] == 0
    assert camera.warnings == ["gives no more pictures"]


def track(frames: int, rate: float = 50.0) -> np.ndarray:
    """The scripted walker's first 17 joints, whatever they are called: (T, 17, 2) pixels."""
    return np.stack([walker(index / rate, 640, 480) for index in range(frames)])


def test_the_newest_frame_is_lifted_from_the_window_that_ends_with_it() -> None:
    """Against the lifter of whole films, given that window alone; what is older makes no difference."""
    points, lifter = track(130), NewestLifter("ugcn", "cpu")
    times = np.arange(130) / 50
    whole = Lifter("ugcn", "cpu", phased=False).lift_uniform(points[-96:])
    for delay in (0, 7):
        expected = whole[-1 - delay] - whole[-1 - delay, :1]
        newest = lifter.lift(points, times, times[-1 - delay], (640, 480))
        np.testing.assert_allclose(newest, expected, atol=1e-4)
    changed = points.copy()
    changed[:30] += 50
    np.testing.assert_allclose(lifter.lift(changed, times, times[-1], (640, 480)), whole[-1] - whole[-1, :1], atol=1e-4)


def test_a_short_track_stands_still_before_it_began() -> None:
    points, lifter = track(5), NewestLifter("ugcn", "cpu")
    long = np.concatenate([np.repeat(points[:1], 91, axis=0), points])
    one = lifter.lift(points, np.arange(5) / 50, 0.08, (640, 480))
    np.testing.assert_allclose(one, lifter.lift(long, np.arange(96) / 50, 95 / 50, (640, 480)), atol=1e-4)


def people(*places: float) -> People:
    """Standing people at these columns."""
    body = walker(0.3, 200, 200) - walker(0.3, 200, 200).mean(0)
    points = np.array([body + np.array([x, 100]) for x in places], np.float32).reshape(-1, 17, 2)
    boxes = np.array([[x - 20, 30, x + 20, 170] for x in places], np.float32).reshape(-1, 4)
    return People(boxes, points, np.full((len(places), 17), 0.9, np.float32))


def test_people_keep_their_numbers_whatever_order_they_are_found_in() -> None:
    crowd = Crowd()
    for index in range(60):
        left, right = 50 + 2.0 * index, 350 - 2.0 * index
        order = (left, right) if index % 2 else (right, left)
        rows = crowd.join(index / 25, people(*order))
        found = {number: order[row] for number, row in rows.items()}
        first = first if index else found  # noqa: F821 - of the first frame
        assert set(found) == {1, 2}
        mine = min(first, key=lambda number: first[number])
        assert found[mine] == (left if index < 60 else right)


def test_ghosts_get_no_number_and_who_was_long_gone_a_new_one() -> None:
    crowd = Crowd()
    assert crowd.join(0.0, people(50)) == {1: 0}
    assert crowd.join(0.04, people(50, 300)) == {1: 0}  # seen for the first time
    assert crowd.join(0.08, people(50)) == {1: 0}
    assert crowd.join(0.6, people(50)) == {1: 0}  # a short gap
    assert crowd.join(2.5, people(50)) == {}
    assert [crowd.join(2.5 + step / 25, people(50)) for step in range(1, 7)][-1] == {2: 0}
    assert crowd.join(4.0, people()) == {}


def test_a_live_film_keeps_the_stamps_it_is_given(tmp_path: Path) -> None:
    stamps = [3.0, 3.04, 3.2, 3.2, 4.5]
    with LiveFilm(tmp_path / "a.mp4", (32, 16), Fraction(25), 20, "veryfast") as film:
        for shade, seconds in enumerate(stamps):
            film.add(np.full((16, 32, 3), 20 * shade, np.uint8), seconds)
    with av.open(str(tmp_path / "a.mp4")) as read:
        times = [float(frame.time) for frame in read.decode(video=0)]
    np.testing.assert_allclose(times, np.array(stamps) - 3.0, atol=2e-5)
