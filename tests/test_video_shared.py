"""The real films beside a developer's checkout: all of them open, upright, with every frame counted."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import frames_by_ffmpeg

from pipeline.video import VideoReader, VideoWriter, probe

DATA = Path(__file__).parents[2] / "shared" / "data"
FILMS = {
    "clips/talmo_dance.mp4": (545, (384, 496), 30, False),
    "clips/temugeb_cam0.mp4": (187, (720, 720), 20, False),
    "clips/mediapipe_poseseg.mp4": (102, (600, 600), 20, False),
    "clips/sports2d_demo.mp4": (230, (1768, 994), 30, True),
    "clips/tfjs_squats.mp4": (65, (720, 1280), 5, False),
    "multiview/p2s_single_cam02.mp4": (100, (1080, 1920), 60, True),
    "multiview/p2s_single_cam03.mp4": (100, (1088, 1920), 60, False),
}
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.is_dir(), reason="no shared/ beside the checkout"),
]


@pytest.mark.parametrize("name", FILMS)
def test_every_frame_of_a_real_film_comes_in_time(name: str) -> None:
    count, size, fps, has_audio = FILMS[name]
    clip = probe(DATA / name)
    assert (clip.size, clip.fps, clip.frames_hint, clip.has_audio) == (size, Fraction(fps), count, has_audio)
    reader = VideoReader(clip)
    seconds = []
    for second, frame in reader:
        seconds.append(second)
        assert frame.shape == (size[1], size[0], 3)
    assert seconds == [number / fps for number in range(count)]
    assert reader.warnings == []


def test_a_real_film_looks_as_ffmpeg_shows_it() -> None:
    clip = probe(DATA / "clips" / "talmo_dance.mp4")
    for (_, ours), theirs in zip(VideoReader(clip), frames_by_ffmpeg(clip.path, clip.size), strict=True):
        assert np.abs(ours[::4, ::4].astype(int) - theirs[::4, ::4]).mean() < 2


def test_a_real_film_with_sound_is_written_again(tmp_path: Path) -> None:
    clip = probe(DATA / "multiview" / "p2s_single_cam02.mp4")
    seconds, size = [], (clip.size[0] // 4 * 2, clip.size[1] // 4 * 2)
    frames = []
    for second, frame in VideoReader(clip):
        seconds.append(second)
        frames.append(frame[::2, ::2][: size[1], : size[0]])
    with VideoWriter(
        tmp_path / "a.mp4", size, seconds, fps=clip.fps, time_base=clip.time_base, audio_from=clip.path
    ) as film:
        for frame in frames:
            film.write(frame)
    again = probe(tmp_path / "a.mp4")
    assert (again.fps, again.frames_hint, again.has_audio) == (60, 100, True)
    assert [second for second, _ in VideoReader(again)] == seconds
    assert again.duration_s == pytest.approx(clip.duration_s, abs=0.03)
