"""Which encoder is taken, and that films come out whole through one that is fed as a graphics card's is."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from films import number_of, numbered

from pipeline.cli import main
from pipeline.errors import PipelineError, VideoError
from pipeline.settings import CODECS, PRESETS, QUALITIES, resolve
from pipeline.video import VideoReader, VideoWriter, encoders, probe
from pipeline.video.encoders import ENCODERS, X264_PRESETS, Encoder, choose, works

SIZE = (64, 48)
FAKE = Encoder("libx264", "nv12", "crf", X264_PRESETS)


def planes(index: int) -> np.ndarray:
    return av.VideoFrame.from_ndarray(numbered(index), format="rgb24").to_ndarray(format="yuv420p")


def test_names_are_those_of_the_settings() -> None:
    assert {*CODECS} == {*ENCODERS, "auto"} and PRESETS == X264_PRESETS


def test_x264_works_and_what_ffmpeg_lacks_does_not() -> None:
    assert works(ENCODERS["x264"], SIZE)
    assert not works(Encoder("no_such_encoder", "yuv420p", "crf", ()), SIZE)


@pytest.mark.parametrize(
    ("at_work", "taken"), [((), "x264"), (("h264_qsv",), "qsv"), (("h264_qsv", "h264_nvenc"), "nvenc")]
)
def test_auto_takes_the_first_card_at_work(
    at_work: tuple[str, ...], taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoders, "works", lambda encoder, size: encoder.name in at_work)
    assert choose("auto", SIZE) is ENCODERS[taken]
    assert choose("x264", SIZE) is ENCODERS["x264"]


def test_a_card_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "works", lambda encoder, size: False)
    with pytest.raises(VideoError, match=r"nvenc: .* use x264"):
        choose("nvenc", SIZE)


@pytest.mark.parametrize("name", ENCODERS)
def test_slower_words_are_slower_in_every_encoder(name: str) -> None:
    encoder = ENCODERS[name]
    words = [encoder.options(20, preset, 3).get("preset") for preset in X264_PRESETS]
    places = [encoder.presets.index(word) for word in words if word]
    assert places == sorted(places) and set(places) == set(range(len(encoder.presets)))
    assert encoder.options(20, "fast", 0)[encoder.quality] == "20"


@pytest.mark.parametrize("rgb", [True, False])
def test_a_film_through_another_encoder_is_whole_and_frames_may_be_painted_over(
    rgb: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENCODERS, "qsv", FAKE)
    canvas = numbered(0) if rgb else planes(0)
    with VideoWriter(tmp_path / "a.mp4", SIZE, codec="qsv") as film:
        for index in range(30):
            canvas[:] = numbered(index) if rgb else planes(index)
            film.write(canvas)
    clip = probe(tmp_path / "a.mp4")
    assert [number_of(frame) for _, frame in VideoReader(clip)] == list(range(30))
    with av.open(str(clip.path)) as made:
        frame = next(made.decode(video=0))
        assert (frame.format.name, frame.colorspace, frame.color_range) == ("yuv420p", 1, 1)


def test_qualities_decide_what_is_not_said() -> None:
    assert resolve({}).encoder.used() == (20, "veryfast")
    assert resolve({"quality": "fine"}).encoder.used() == QUALITIES["fine"]
    assert resolve({"quality": "fine", "crf": 30}).encoder.used() == (30, "slow")
    for wrong in ({"quality": "best"}, {"codec": "h265"}):
        with pytest.raises(PipelineError, match="wanted"):
            resolve(wrong)


def test_finer_qualities_ask_for_more() -> None:
    crfs = [crf for crf, _ in QUALITIES.values()]
    speeds = [PRESETS.index(preset) for _, preset in QUALITIES.values()]
    assert crfs == sorted(crfs, reverse=True) and speeds == sorted(speeds) and len({*crfs}) == len({*speeds}) == 3


def test_flags_reach_the_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with VideoWriter(tmp_path / "walk.mp4", SIZE) as film:
        for index in range(6):
            film.write(numbered(index))
    words = [str(tmp_path / "walk.mp4"), "--output", str(tmp_path / "out")]
    assert main(["run", *words, "--detector", "scripted", "--quality", "draft", "--codec", "auto"]) == 0
    first = (tmp_path / "out" / "walk" / "walk_3d.mp4").read_bytes()
    assert main(["render", *words, "--quality", "fine"]) == 0
    assert (tmp_path / "out" / "walk" / "walk_3d.mp4").read_bytes() != first
    capsys.readouterr()
    assert main(["render", *words, "--codec", "h265"]) == 1
    assert "codec: one of" in capsys.readouterr().err
