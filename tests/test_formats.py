"""The film as MP4, WebM, GIF and pictures: every frame at its time, the sound beside it, nothing half written."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from films import make_film, number_of, numbered, tone_begins_s
from test_cut import UNEVEN, sound_ends_s
from test_run import made, run, stages_run
from test_run import make_film as make_run_film

from pipeline.cut import Cut
from pipeline.errors import VideoError
from pipeline.video import VideoReader, VideoWriter, probe
from pipeline.video.formats import film_writer
from pipeline.video.gif import GifWriter, kept_ticks
from pipeline.video.pngs import PngWriter

SIZE = (64, 48)


def write(path: Path, form: str, seconds: np.ndarray) -> list[str]:
    source = make_film(path.with_name("source.mp4"), 2)
    writer = film_writer(form, path, SIZE, seconds, probe(source), 0.0, 20, "veryfast", "x264")
    with writer:
        for index in range(len(seconds)):
            writer.write(numbered(index))
    return writer.warnings


def read(path: Path) -> tuple[list[float], list[int]]:
    pairs = list(VideoReader(probe(path), threads=1))
    return [seconds for seconds, _ in pairs], [number_of(frame) for _, frame in pairs]


@pytest.mark.parametrize(("form", "off_s"), [("mp4", 1e-4), ("webm", 6e-4), ("gif", 6e-3)])
def test_every_frame_at_its_time(tmp_path: Path, form: str, off_s: float) -> None:
    seconds = np.array(UNEVEN[:40]) / 1000
    assert write(tmp_path / f"a.{form}", form, seconds) == []
    times, numbers = read(tmp_path / f"a.{form}")
    assert numbers == list(range(40))
    assert times == pytest.approx(seconds, abs=off_s)


def test_pictures_are_exact_and_know_their_times(tmp_path: Path) -> None:
    seconds = np.array(UNEVEN[:5]) / 1000
    write(tmp_path / "a_3d_png", "png", seconds)
    with (tmp_path / "a_3d_png" / "frames.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["seconds"]) for row in rows] == pytest.approx(seconds)
    for index, row in enumerate(rows):
        picture = cv2.imread(str(tmp_path / "a_3d_png" / row["file"]))[..., ::-1]
        np.testing.assert_array_equal(picture, numbered(index))
    assert len(list((tmp_path / "a_3d_png").iterdir())) == 6


def test_a_gif_leaves_out_what_browsers_would_show_slowly(tmp_path: Path) -> None:
    assert kept_ticks([0, 1 / 60, 2 / 60, 3 / 60]) == [0, 2, None, 5]
    (warning,) = write(tmp_path / "a.gif", "gif", np.arange(30) / 120)
    times, numbers = read(tmp_path / "a.gif")
    assert f"{30 - len(numbers)} were left out" in warning and np.diff(times).min() > 0.0199
    assert times == pytest.approx(np.array(numbers) / 120, abs=6e-3)


@pytest.mark.parametrize("sound", ["libopus", "aac"])  # one that is copied, one that is encoded anew
def test_webm_carries_the_sound_of_a_part(tmp_path: Path, sound: str) -> None:
    film = make_film(tmp_path / "a.mkv", 75, audio=sound, audio_rate=48_000, tone_at_s=1.5)
    clip = probe(film).cut_to(Cut(1.0, 2.2))
    reader = VideoReader(clip, threads=1)
    pairs = list(reader)
    seconds = np.array([second for second, _ in pairs])
    target = tmp_path / "b.webm"
    with film_writer("webm", target, clip.size, seconds, clip, reader.begins_s, 20, "veryfast", "x264") as writer:
        for _, frame in pairs:
            writer.write(frame)
    assert writer.warnings == []
    assert tone_begins_s(target) == pytest.approx(0.5, abs=0.015)
    assert sound_ends_s(target) == pytest.approx(1.2, abs=0.05)


@pytest.mark.parametrize("kind", [GifWriter, PngWriter, VideoWriter])
def test_nothing_half_written_stays(tmp_path: Path, kind: type) -> None:
    with pytest.raises(RuntimeError), kind(tmp_path / "a.out", SIZE, [0.0, 0.1]) as writer:
        writer.write(numbered(0))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(VideoError, match=r"a\.out"):
        kind(tmp_path / "nowhere" / "a.out", SIZE, [0.0, 0.1]).__enter__()


def test_runs_in_every_format_do_only_the_film_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_run_film(tmp_path / "films" / "walk.mp4", 8)
    assert run(film) == 0
    before = (made(film) / "walk_3d.mp4").read_bytes()
    stages_run(capsys)
    for form, name in (("webm", "walk_3d.webm"), ("gif", "walk_3d.gif"), ("png", "walk_3d_png")):
        assert run(film, "--format", form) == 0
        assert stages_run(capsys) == ["render"]
        assert run(film, "--format", form) == 0
        assert stages_run(capsys) == []
        assert (made(film) / name).exists()
    (made(film) / "walk_3d_png" / "000003.png").write_bytes(b"")
    assert run(film, "--format", "png") == 0
    assert stages_run(capsys) == ["render"]
    assert (made(film) / "walk_3d_png" / "000003.png").stat().st_size > 1000
    assert (made(film) / "walk_3d.mp4").read_bytes() == before  # another format takes no film away
    for name in ("walk_3d.webm", "walk_3d.gif"):
        assert len(read(made(film) / name)[0]) == 8


def test_the_light_room_has_a_flag_and_does_only_the_film_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film, bright = make_run_film(tmp_path / "films" / "walk.mp4", 4), {}
    for style in ("night", "paper"):
        stages_run(capsys)
        assert run(film, "--format", "png", "--style", style) == 0
        assert ("lift" in stages_run(capsys)) == (style == "night")
        picture = cv2.imread(str(made(film) / "walk_3d_png" / "000002.png"))
        bright[style] = picture[:, -picture.shape[1] // 4 :].mean()  # of the room, right of the people
    assert bright["night"] < 100 and bright["paper"] > 180
