"""Films out: exact time stamps, true colours, sound in step, nothing half written."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from films import ffmpeg, frames_by_ffmpeg, make_badly_stamped, make_film, number_of, numbered, tone_begins_s

from pipeline.errors import VideoError
from pipeline.video import Clip, VideoReader, VideoWriter, probe

SIZE = (64, 48)


def rewrite(source: Path, target: Path) -> Clip:
    """Read a film and write what was read, as the pipeline does."""
    clip = probe(source)
    reader = VideoReader(clip, threads=1)
    seconds = [second for second, _ in reader]
    with VideoWriter(
        target, clip.size, seconds, fps=clip.fps, time_base=clip.time_base, audio_from=source, threads=1
    ) as film:
        for _, frame in reader:
            film.write(frame)
    assert film.warnings == []
    return probe(target)


def read(path: Path) -> tuple[list[float], list[int]]:
    pairs = list(VideoReader(probe(path), threads=1))
    return [second for second, _ in pairs], [number_of(frame) for _, frame in pairs]


def write(path: Path, count: int = 5, **settings: object) -> None:
    with VideoWriter(path, SIZE, threads=1, **settings) as film:  # type: ignore[arg-type]
        for index in range(count):
            film.write(numbered(index))


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(24000, 1001), Fraction(5), Fraction(25), Fraction(1)])
def test_a_constant_rate_comes_back_exactly(rate: Fraction, tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", 40, fps=rate)
    clip = probe(tmp_path / "a.mp4")
    assert (clip.fps, clip.frames_hint, clip.start_s) == (rate, 40, 0)
    assert clip.duration_s == pytest.approx(float(40 / rate))
    assert read(clip.path) == ([float(n / rate) for n in range(40)], list(range(40)))


@pytest.mark.parametrize(
    "time_base", [Fraction(1, 15360), Fraction(1, 1000), Fraction(1001, 30000), Fraction(1, 44_100)]
)
def test_a_variable_rate_comes_back_exactly_in_its_own_time_base(time_base: Fraction, tmp_path: Path) -> None:
    ticks = np.cumsum([0, *np.random.default_rng(0).integers(1, 400, 39)]).tolist()
    seconds = [float(tick * time_base) for tick in ticks]
    write(tmp_path / "a.mp4", 40, timestamps=seconds, fps=7, time_base=time_base)
    assert read(tmp_path / "a.mp4") == (pytest.approx(seconds, abs=1e-12), list(range(40)))
    assert probe(tmp_path / "a.mp4").duration_s == pytest.approx(seconds[-1] + 1 / 7, abs=float(time_base))


@pytest.mark.parametrize("time_base", [None, Fraction(1, 10**9)])
def test_without_a_usable_time_base_stamps_agree_within_a_tenth_of_a_millisecond(
    time_base: Fraction | None, tmp_path: Path
) -> None:
    seconds = np.cumsum([0, *np.random.default_rng(0).uniform(0.001, 3, 19)])
    write(tmp_path / "a.mp4", 20, timestamps=seconds, time_base=time_base)
    np.testing.assert_allclose(read(tmp_path / "a.mp4")[0], seconds, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("a.mp4", {"rate": Fraction(30000, 1001)}),
        ("a.mkv", {"rate": Fraction(30000, 1001)}),
        ("a.ts", {"rate": 50}),
        ("a.avi", {"codec": "mpeg4"}),
        ("a.mp4", {"ticks": [3, 700, 701, 5000, 5001, 9999, 12_000, 12_512, 13_000, 14_000, 14_001, 30_000],
                   "time_base": Fraction(1, 12_800)}),
        ("a.mov", {"turn": (270, False, False)}),
        ("a.mp4", {"count": 1, "rate": 5}),
        ("a.h264", {}),
    ],
)  # fmt: skip
def test_a_film_read_and_written_again_is_the_same_film(name: str, settings: dict[str, object], tmp_path: Path) -> None:
    source = make_film(tmp_path / name, **settings)  # type: ignore[arg-type]
    target = rewrite(source, tmp_path / "out.mp4")
    assert [second for second, _ in VideoReader(target)] == [second for second, _ in VideoReader(probe(source))]
    for (_, before), (_, after) in zip(VideoReader(probe(source)), VideoReader(target), strict=True):
        assert np.abs(before.astype(int) - after).mean() < 4
    assert ffmpeg("-i", target.path, "-f", "framemd5", "-fps_mode", "passthrough", "-").count(b"\n0,") == len(
        frames_by_ffmpeg(target.path, target.size)
    )


@pytest.mark.parametrize("rate", [25, 1000, 12_800, 48_000])
@pytest.mark.parametrize("count", [1, 3, 8])
def test_a_film_shorter_than_a_millisecond_holds_its_frames(rate: int, count: int, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with VideoWriter(path, (64, 48), [k / rate for k in range(count)], fps=rate, time_base=Fraction(1, rate)) as writer:
        for number in range(count):
            writer.write(np.full((72, 64), 100 + number, np.uint8))
    clip = probe(path)
    assert [round(shown * rate, 6) for shown, _ in VideoReader(clip)] == list(range(count))


def test_repeated_stamps_become_the_next_tick(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", 4, timestamps=[0, 0.5, 0.5, 1.0], time_base=Fraction(1, 1000))
    assert read(tmp_path / "a.mp4") == ([0, 0.5, 0.501, 1.0], list(range(4)))


def test_a_badly_stamped_film_can_be_written(tmp_path: Path) -> None:
    source = make_badly_stamped(tmp_path / "a.mkv", [100, 140, 140, 220, 100, 140])
    assert rewrite(source, tmp_path / "out.mp4").frames_hint == 6


def test_colours_come_back_and_are_tagged(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    colours = [(200, 60, 40), (40, 180, 60), (50, 60, 210), (0, 0, 0), (255, 255, 255), (128, 128, 128), (230, 220, 40)]
    with VideoWriter(path, SIZE, crf=4) as film:
        for colour in colours:
            film.write(np.full((48, 64, 3), colour, np.uint8))
    ours = [frame for _, frame in VideoReader(probe(path))]
    for colour, mine, theirs in zip(colours, ours, frames_by_ffmpeg(path, SIZE), strict=True):
        assert np.abs(mine.reshape(-1, 3).mean(0) - colour).max() <= 3
        assert np.abs(theirs.reshape(-1, 3).mean(0) - colour).max() <= 3
    with av.open(str(path)) as film:
        context = film.streams.video[0].codec_context
        frame = next(film.decode(video=0))
        tags = (context.colorspace, context.color_primaries, context.color_trc, context.color_range)
        assert tags == (1, 1, 1, 1)  # BT.709 thrice, limited range
        assert (context.name, context.profile, frame.format.name) == ("h264", "High", "yuv420p")


@pytest.mark.parametrize("height", [44, 46, 48, 50])
def test_planes_keep_their_places_at_any_even_height(height: int, tmp_path: Path) -> None:
    """Rows whose brightness and colours all differ come back in the very rows they were given in."""
    width, half = 64, height // 2
    planes = np.empty((height * 3 // 2, width), np.uint8)
    u, v = planes[height:].reshape(2, half, width // 2)
    planes[:height] = np.linspace(40, 220, height).astype(np.uint8)[:, None]
    u[:], v[:] = np.linspace(60, 200, half)[:, None], np.linspace(190, 50, half)[:, None]
    with VideoWriter(tmp_path / "a.mp4", (width, height), crf=1) as film:
        film.write(planes)
    with av.open(str(tmp_path / "a.mp4")) as film:
        back = next(film.decode(video=0)).to_ndarray()
    assert np.abs(back.astype(int) - planes).max() <= 4


def test_a_browser_finds_the_index_at_the_front(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4")
    data = (tmp_path / "a.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    ffmpeg("-xerror", "-i", tmp_path / "a.mp4", "-f", "null", "-")


SOUNDS = {
    "aac in mp4": ("a.mp4", "aac", "aac"),
    "aac in ts": ("a.ts", "aac", "aac"),
    "mp3 in avi": ("a.avi", "libmp3lame", "mp3"),
    "mp3 in mkv": ("a.mkv", "libmp3lame", "mp3"),
    "ac3": ("a.mkv", "ac3", "aac"),
    "opus": ("a.mkv", "libopus", "opus"),
    "flac": ("a.mkv", "flac", "flac"),
    "pcm": ("a.mov", "pcm_s16le", "aac"),
    "telephone": ("a.mov", "pcm_mulaw", "aac"),
    "mp2": ("a.ts", "mp2", "aac"),
}


@pytest.mark.parametrize("audio_start_s", [0.0, 0.3])
@pytest.mark.parametrize("name", SOUNDS)
def test_sound_is_carried_over_in_step(name: str, audio_start_s: float, tmp_path: Path) -> None:
    file, codec, wanted = SOUNDS[name]
    if file.endswith(".avi") and audio_start_s:
        pytest.skip("AVI cannot say that sound begins later")
    source = make_film(
        tmp_path / file, 50, audio=codec, tone_at_s=0.8, audio_start_s=audio_start_s, audio_rate=48_000,
        codec="mpeg4" if file.endswith(".avi") else "libx264",
    )  # fmt: skip
    target = rewrite(source, tmp_path / "out.mp4")
    assert target.has_audio
    with av.open(str(target.path)) as film:
        sound = film.streams.audio[0]
        assert sound.codec_context.name.removesuffix("float") == wanted
        assert float(sound.duration * sound.time_base) == pytest.approx(2.0, abs=0.06 + audio_start_s)
        first = next(packet for packet in film.demux(sound) if packet.pts is not None)
        assert float(first.pts * sound.time_base) == pytest.approx(audio_start_s, abs=0.06)
    assert tone_begins_s(target.path) == pytest.approx(tone_begins_s(source), abs=0.005)
    assert tone_begins_s(target.path) == pytest.approx(0.8, abs=0.03)
    ffmpeg("-xerror", "-i", target.path, "-f", "null", "-")


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_sound_from_before_the_first_frame_is_left_out(codec: str, tmp_path: Path) -> None:
    source = make_film(
        tmp_path / "a.mov", 50, ticks=[25 + n for n in range(50)], time_base=Fraction(1, 25), audio=codec, tone_at_s=1.5
    )
    target = rewrite(source, tmp_path / "out.mp4")
    assert probe(source).start_s == 1
    assert tone_begins_s(target.path) == pytest.approx(0.5, abs=0.005)
    with av.open(str(target.path)) as film:
        first = next(packet for packet in film.demux(audio=0) if packet.pts is not None)
        assert -0.2 < first.pts * first.time_base <= 0.05


def test_the_sound_lasts_as_long_as_before(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", 75, audio="aac")
    target = rewrite(source, tmp_path / "out.mp4")
    lengths = []
    for path in (source, target.path):
        with av.open(str(path)) as film:
            lengths.append(sum(frame.samples / frame.sample_rate for frame in film.decode(audio=0)))
    assert lengths[1] == pytest.approx(lengths[0], abs=0.03)


def test_sound_lies_beside_its_pictures_in_the_file(tmp_path: Path) -> None:
    """Otherwise all of it would wait in memory, and a browser could not begin to play."""
    target = rewrite(make_film(tmp_path / "a.mp4", 60, rate=2, audio="aac"), tmp_path / "out.mp4")
    with av.open(str(target.path)) as film:
        packets = sorted((p.pos or 0, p.stream.type, float((p.dts or 0) * p.time_base)) for p in film.demux() if p.size)
    clocks = {"video": 0.0, "audio": 0.0}
    for _, kind, second in packets:
        clocks[kind] = second
        assert abs(clocks["video"] - clocks["audio"]) < 1.5


def test_a_film_without_sound_stays_without(tmp_path: Path) -> None:
    assert not rewrite(make_film(tmp_path / "a.mp4"), tmp_path / "out.mp4").has_audio


@pytest.mark.parametrize(
    ("name", "codec", "header", "damaged"),
    [
        ("a.mkv", "mp2", b"\xff\xfd\xe4", b"\x00\x00\x00"),  # decoded and encoded: no frame is found
        ("a.ts", "aac", b"\xff\xf1\x4c\x40", b"\xff\xf1\x7c\x40"),  # copied: a sample rate that is none
    ],
)
def test_damaged_sound_does_not_cost_the_pictures(
    name: str, codec: str, header: bytes, damaged: bytes, tmp_path: Path
) -> None:
    path = make_film(tmp_path / name, 50, audio=codec, audio_rate=48_000)
    pieces = path.read_bytes().split(header)
    assert len(pieces) > 20
    data = pieces[0]
    for number, piece in enumerate(pieces[1:]):
        data += (damaged if number % 4 == 3 else header) + piece
    path.write_bytes(data)
    with VideoWriter(tmp_path / "out.mp4", SIZE, audio_from=path) as film:
        for _, frame in VideoReader(probe(path)):
            film.write(frame)
    assert probe(tmp_path / "out.mp4").frames_hint == film.written == 50
    assert probe(tmp_path / "out.mp4").has_audio
    assert len(film.warnings) == 1
    assert "damaged sound skipped" in film.warnings[0]


def test_sound_that_changes_half_way_goes_on(tmp_path: Path) -> None:
    first = make_film(tmp_path / "a.ts", 25, audio="mp2", audio_rate=48_000)
    second = make_film(tmp_path / "b.ts", 25, audio="mp2", audio_rate=32_000, tone_at_s=0)
    (tmp_path / "both.ts").write_bytes(first.read_bytes() + second.read_bytes())
    target = rewrite(tmp_path / "both.ts", tmp_path / "out.mp4")
    with av.open(str(target.path)) as film:
        length_s = sum(frame.samples / frame.sample_rate for frame in film.decode(audio=0))
    assert length_s == pytest.approx(2, abs=0.15)


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (0, 48), (64, -2)])
def test_sides_that_h264_cannot_hold_are_refused(size: tuple[int, int], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="even"):
        VideoWriter(tmp_path / "a.mp4", size)


@pytest.mark.parametrize("stamps", [[1.0, 2.0], [0.0, 2.0, 1.0], [0.0, np.nan], [[0.0, 1.0]]])
def test_impossible_time_stamps_are_refused(stamps: list[float], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="timestamps"):
        VideoWriter(tmp_path / "a.mp4", SIZE, stamps)


@pytest.mark.parametrize("count", [0, 2, 4])
def test_a_film_has_as_many_frames_as_time_stamps_or_is_not_there(count: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"frame"):
        write(tmp_path / "a.mp4", count, timestamps=[0.0, 0.1, 0.2])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_what_breaks_off_leaves_the_old_film_and_no_half_one(error: type[BaseException], tmp_path: Path) -> None:
    source = make_film(tmp_path / "source.mp4", audio="aac")
    (tmp_path / "a.mp4").write_bytes(b"the old film")
    with pytest.raises(error), VideoWriter(tmp_path / "a.mp4", SIZE, audio_from=source) as film:
        film.write(numbered(0))
        raise error
    assert (tmp_path / "a.mp4").read_bytes() == b"the old film"
    assert {path.name for path in tmp_path.iterdir()} == {"a.mp4", "source.mp4"}


def test_no_film_under_its_name_before_the_end(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", SIZE) as film:
        film.write(numbered(0))
        assert not (tmp_path / "a.mp4").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_frame_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\(48, 64, 3\)"), VideoWriter(tmp_path / "a.mp4", SIZE) as film:
        film.write(np.zeros((64, 48, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="cannot be written") as caught:
        write(tmp_path / "nowhere" / "a.mp4")
    assert "\n" not in str(caught.value)


def test_a_folder_under_the_name_of_the_film_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").mkdir()
    (tmp_path / "a.mp4" / "file").touch()
    with pytest.raises(VideoError, match="cannot be written"):
        write(tmp_path / "a.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize("limit", [0, 20_000])
def test_a_full_disk_is_told_in_one_line_and_leaves_no_file(limit: int, tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: the write fails in the same place."""
    program = """
import resource, sys
import numpy as np
from pipeline.errors import VideoError
from pipeline.video import VideoWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
rng = np.random.default_rng(0)
try:
    with VideoWriter(sys.argv[1], (64, 48), crf=1, threads=1) as film:
        for _ in range(60):
            film.write(rng.integers(0, 256, (48, 64, 3), np.uint8))
except VideoError as error:
    sys.exit(f"TOLD {error}")
"""
    command = [sys.executable, "-c", program, str(tmp_path / "a.mp4"), str(limit)]
    done = subprocess.run(command, capture_output=True, check=False, cwd=Path(__file__).parents[1], text=True)
    assert done.stderr.startswith(f"TOLD {tmp_path / 'a.mp4'}: the film cannot be written")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_sound_from_what_is_no_film_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no film")
    with pytest.raises(VideoError, match=r"text\.mp4"):
        write(tmp_path / "a.mp4", audio_from=tmp_path / "text.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["text.mp4"]
