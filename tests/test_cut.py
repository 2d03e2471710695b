"""A part of a film: which frames, their times, the sound beside them, and what a change of it does again."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import make_film, number_of, tone_begins_s
from test_run import made, run, stages_run
from test_run import make_film as make_run_film

from pipeline.cli import main
from pipeline.cut import Cut, read_time
from pipeline.poses import Pose2D
from pipeline.settings import read_config, resolve
from pipeline.stages import choose
from pipeline.store import load_pose2d, load_pose3d, read_cut
from pipeline.video import VideoReader, VideoWriter, probe

UNEVEN = np.cumsum([0, *np.random.default_rng(3).integers(20, 90, 99)]).tolist()  # milliseconds


def cut_of(path: Path, cut: Cut) -> tuple[list[float], list[int], float]:
    reader = VideoReader(probe(path).cut_to(cut), threads=1)
    pairs = list(reader)
    return [seconds for seconds, _ in pairs], [number_of(frame) for _, frame in pairs], reader.begins_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("12.5", 12.5),
        (".5", 0.5),
        ("1:05", 65),
        ("1:5", 65),
        ("1:02:03.5", 3723.5),
        ("90", 90),
        ("75:00", 4500),
    ],
)
def test_times_as_people_write_them(text: str, seconds: float) -> None:
    assert read_time(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1:60", "1:75:00", "one", "1:2:3:4", "1e3", "nan", "inf", "12,5"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="a time wanted"):
        read_time(text)


@pytest.mark.parametrize(
    "cut", [(-1, 2, 1), (2, 2, 1), (3, 2, 1), (0, 2, 0), (math.nan, 2, 1), (math.inf, math.inf, 1)]
)
def test_a_cut_that_holds_nothing_is_refused(cut: tuple[float, float, int]) -> None:
    with pytest.raises(ValueError, match="wanted"):
        Cut(*cut)


def test_an_even_film_is_cut_at_its_frames(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", 60)
    seconds, numbers, begins_s = cut_of(film, Cut(0.4, 1.2))
    assert numbers == list(range(10, 30)) and begins_s == 0.4
    assert seconds == pytest.approx(np.arange(20) / 25)
    seconds, numbers, begins_s = cut_of(film, Cut(0.41, 1.2, 4))
    assert numbers == [11, 15, 19, 23, 27] and begins_s == 0.44
    assert seconds == pytest.approx([0, 0.16, 0.32, 0.48, 0.64])
    clip = probe(film).cut_to(Cut(0.4, 1.2, 4))
    assert (clip.fps, clip.frames_hint) == (Fraction(25, 4), 5)
    assert cut_of(film, Cut(2.0))[1] == list(range(50, 60))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_an_uneven_film_keeps_its_times(name: str, tmp_path: Path) -> None:
    film = make_film(tmp_path / name, 100, ticks=UNEVEN, time_base=Fraction(1, 1000))
    times = np.array(UNEVEN) / 1000
    inside = np.flatnonzero((times >= 1.5) & (times < 3.2))
    for every in (1, 3):
        seconds, numbers, begins_s = cut_of(film, Cut(1.5, 3.2, every))
        assert numbers == inside[::every].tolist()
        assert begins_s == times[inside[0]]
        assert seconds == pytest.approx(times[inside[::every]] - begins_s, abs=1e-9)


def test_a_part_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_run_film(tmp_path / "films" / "walk.mp4", 30)
    assert run(film, "--start", "1:05") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "from 65 s on" in line and "1.16 s" in line and "--start" in line


@pytest.mark.parametrize("sound", ["aac", "pcm_s16le"])  # one that is copied, one that is encoded anew
@pytest.mark.parametrize("uneven", [False, True])
def test_sound_stays_in_step_and_ends_with_the_picture(tmp_path: Path, sound: str, uneven: bool) -> None:
    stamps = {"ticks": UNEVEN, "time_base": Fraction(1, 1000)} if uneven else {}
    film = make_film(tmp_path / "a.mkv", 100, audio=sound, tone_at_s=2.0, **stamps)
    clip = probe(film).cut_to(Cut(1.43, 3.1, 2))
    reader = VideoReader(clip, threads=1)
    pairs = list(reader)
    target, span = tmp_path / "cut.mp4", (reader.begins_s, clip.cut.end_s)
    seconds = [second for second, _ in pairs]
    with VideoWriter(
        target, clip.size, seconds, fps=clip.fps, time_base=clip.time_base, audio_from=film, audio_span_s=span
    ) as writer:
        for _, frame in pairs:
            writer.write(frame)
    assert writer.warnings == []
    assert [second for second, _ in VideoReader(probe(target))] == pytest.approx(seconds, abs=1e-3)
    assert tone_begins_s(target) == pytest.approx(2.0 - reader.begins_s, abs=0.012)
    assert sound_ends_s(target) == pytest.approx(3.1 - reader.begins_s, abs=0.05)


def sound_ends_s(path: Path) -> float:
    import av

    with av.open(str(path)) as film:
        frame = next(film.decode(video=0))
        zero_s = float(frame.pts * frame.time_base)
    with av.open(str(path)) as film:
        frames = film.decode(audio=0)
        return max(float(f.pts * f.time_base) + f.samples / f.sample_rate for f in frames) - zero_s


def test_a_run_of_a_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "films").mkdir()
    film = make_film(tmp_path / "films" / "walk.mkv", 90, size=(160, 120), audio="aac", tone_at_s=2.0)
    assert run(film, "--start", "0:01", "--end", "3", "--every", "2") == 0
    assert stages_run(capsys) == ["detect", "lift", "render"]
    pose = load_pose3d(made(film) / "pose3d.npz")
    np.testing.assert_allclose(pose.timestamps, np.arange(25) * 0.08, atol=1e-3)
    assert read_cut(made(film) / "pose3d.npz") == read_cut(made(film) / "pose2d.npz") == (Cut(1, 3, 2), 1.0)
    assert json.loads((made(film) / "run.json").read_text())["settings"]["detect"]["cut"] == [1, 3, 2]
    rendered = made(film) / "walk_3d.mp4"
    reader = VideoReader(probe(rendered))
    left = [(seconds, number_of(frame[:, :160])) for seconds, frame in reader]
    same = [number == 25 + 2 * n for n, (_, number) in enumerate(left)]  # the body hides some of the number
    assert len(same) == 25 and sum(same) > 15
    assert [seconds for seconds, _ in left] == pytest.approx(pose.timestamps, abs=1e-3)
    assert tone_begins_s(rendered) == pytest.approx(1.0, abs=0.012)
    run(film, "--start", "1", "--end", "0:03", "--every", "2")  # the same, said otherwise
    assert stages_run(capsys) == []
    run(film, "--start", "1", "--end", "3", "--every", "2", "--view", "front")
    assert stages_run(capsys) == ["render"]
    assert main(["render", str(film), "--view", "side", "--output", str(tmp_path / "out")]) == 0  # knows its part
    assert stages_run(capsys) == ["render"]
    run(film)
    assert stages_run(capsys) == ["detect", "lift", "render"]
    assert len(load_pose2d(made(film) / "pose2d.npz").timestamps) == 90


def test_key_points_of_a_file_are_those_of_the_same_frames(tmp_path: Path) -> None:
    film = make_run_film(tmp_path / "films" / "walk.mp4", 30)
    people = {"bbox": [[5, 5, 60, 40]], "keypoint_scores": [0.9] * 17}
    frames = [
        {"frame_id": i, "instances": [{**people, "keypoints": [[20 + k + i, 10 + k] for k in range(17)]}]}
        for i in range(30)
    ]
    (tmp_path / "k.json").write_text(json.dumps(frames))
    part = ("--start", "0.4", "--every", "3", "--no-render")
    assert run(film, "--keypoints", str(tmp_path / "k.json"), *part, detector="file") == 0
    pose = load_pose2d(made(film) / "pose2d.npz")
    np.testing.assert_allclose(pose.keypoints[0, :, 0, 0], 20 + np.arange(10, 30, 3))
    np.testing.assert_allclose(pose.timestamps, np.arange(7) * 0.12, atol=1e-9)


def test_settings_file_and_bad_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.toml").write_text('start = "1:05"\nend = 70\nevery = 2\n')
    assert resolve(read_config(tmp_path / "a.toml")).cut == Cut(65, 70, 2)
    film = make_run_film(tmp_path / "films" / "walk.mp4", 5)
    for flags, word in [
        (("--start", "soon"), "start"), (("--end", "0"), "end"), (("--start", "2", "--end", "1"), "behind the start"),
        (("--every", "0"), "every"),
    ]:  # fmt: skip
        assert run(film, *flags) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert word in line and line.startswith("error")


def test_whom_center_means() -> None:
    boxes = np.zeros((3, 10, 4), np.float32)
    boxes[0] = [0, 0, 80, 100]  # the largest, at the left
    boxes[1] = [90, 40, 110, 60]  # in the middle
    boxes[2] = [98, 48, 102, 52]  # more so, but for a moment
    valid = np.ones((3, 10), bool)
    valid[2, 2:] = False
    pose = Pose2D(
        np.zeros((3, 10, 1, 2), np.float32),
        np.ones((3, 10, 1), np.float32),
        boxes,
        valid,
        np.arange(10) / 25,
        ("nose",),
    )
    assert choose(pose, "center", (200, 100)).tolist() == [1]
    assert choose(pose, "largest", (200, 100)).tolist() == [0]
