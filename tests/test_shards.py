"""Detections kept while they are made: a killed stage goes on behind them, ends with the same bytes, leaves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from detectors import scripted
from detectors.base import DetectorOptions
from detectors.follow import Crowd, follow
from pipeline import shards as module
from pipeline.cli import main
from pipeline.errors import StoreError
from pipeline.shards import Shards, shards_of
from pipeline.video import VideoReader, VideoWriter, probe

SIZE = (64, 48)


class Killed(BaseException):
    """Stands in for the end of the process: nothing catches it, nothing tidies up."""


def make_film(path: Path, frames: int = 40) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, SIZE, fps=Fraction(25)) as writer:
        for index in range(frames):
            writer.write(np.full((SIZE[1], SIZE[0], 3), 60 + index, np.uint8))
    return path


def detect(film: Path, output: Path, *flags: str) -> int:
    return main(["detect", str(film), "--detector", "scripted", "--output", str(output), "--device", "cpu", *flags])


def break_off(monkeypatch: pytest.MonkeyPatch, film: Path, output: Path, after: int, *flags: str) -> None:
    """Detect, a shard a frame, and end as a kill does behind frame `after`: what waits is lost."""
    honest = Shards.add

    def add(self: Shards, *given: object) -> None:
        honest(self, *given)  # type: ignore[arg-type]
        add.count += 1  # type: ignore[attr-defined]
        if add.count == after:  # type: ignore[attr-defined]
            self._file = None  # what `finally` would still write, a kill does not
            raise Killed

    add.count = 0  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setattr(Shards, "add", add)
        patch.setattr(module.time, "monotonic", iter(range(0, 10_000, 10)).__next__)
        with pytest.raises(Killed):
            detect(film, output, *flags)


@pytest.mark.parametrize("flags", [(), ("--start", "0.2", "--every", "3")])
@pytest.mark.parametrize("after", [1, 5])
def test_a_killed_detect_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], after: int, flags: tuple
) -> None:
    film = make_film(tmp_path / "walk.mp4")
    assert detect(film, tmp_path / "whole", *flags) == 0
    break_off(monkeypatch, film, tmp_path / "again", after, *flags)
    capsys.readouterr()
    assert detect(film, tmp_path / "again", *flags) == 0
    assert f"goes on behind frame {after}" in capsys.readouterr().out
    ours, other = ((tmp_path / folder / "walk/pose2d.npz").read_bytes() for folder in ("again", "whole"))
    assert ours == other
    assert sorted(file.name for file in (tmp_path / "again/walk").iterdir()) == ["pose2d.npz", "run.json"]


def test_only_the_same_kind_of_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    film = make_film(tmp_path / "walk.mp4")
    break_off(monkeypatch, film, tmp_path, 4)
    assert detect(film, tmp_path, "--every", "2") == 0  # another part of the film
    assert "goes on" not in capsys.readouterr().out
    break_off(monkeypatch, film, tmp_path, 4)
    assert main(
        ["run", str(film), "--from", "detect", "--no-render", "--detector", "scripted", "--output", str(tmp_path)]
    ) == 0  # fmt: skip
    assert "goes on" not in capsys.readouterr().out
    assert not shards_of(tmp_path / "walk/pose2d.npz").exists()


def _kept(path: Path, frames: int = 6) -> list[bytes]:
    """Write a shard a frame; return the file's bytes after each."""
    kept, stages = Shards(path, "it", every_s=0), []
    kept.resume(17, "beside")
    detector = scripted.create(DetectorOptions())
    for index, people in enumerate(detector(np.zeros((frames, 48, 64, 3), np.uint8))):
        kept.add(index / 25, people, detector.remember())
        stages.append(shards_of(path).read_bytes())
    kept.close()
    return stages


def test_whatever_byte_is_wrong_only_what_is_before_it_counts(tmp_path: Path) -> None:
    path = tmp_path / "pose2d.npz"
    stages = _kept(path)
    whole, rng = stages[-1], np.random.default_rng(5)
    ends = [len(stage) for stage in stages]
    for at in rng.integers(0, len(whole), 200):
        shards_of(path).write_bytes(whole[:at] + bytes([whole[at] ^ 1 << int(rng.integers(8))]) + whole[at + 1 :])
        again = Shards(path, "it")
        people, times, memory = again.resume(17, "beside")
        again.close()
        before = sum(end <= at for end in ends)
        assert len(people) == len(times) <= before  # in the title: nothing at all
        assert (memory is None) == (not len(times))
        assert times.tolist() == [index / 25 for index in range(len(times))]
    for at in rng.integers(0, len(whole), 50):  # cut off, as a kill in mid-write
        shards_of(path).write_bytes(whole[:at])
        again = Shards(path, "it")
        assert len(again.resume(17, "beside")[1]) == sum(end <= at for end in ends)
        again.close()


def test_a_full_disk_is_one_line_and_what_was_kept_stays(tmp_path: Path) -> None:
    path = tmp_path / "pose2d.npz"
    _kept(path)
    before = shards_of(path).read_bytes()
    kept = Shards(path, "it", every_s=0)
    people, _, memory = kept.resume(17, "beside")
    assert kept._file is not None and memory is not None
    real, kept._file = kept._file, Full(kept._file)  # type: ignore[assignment]
    with pytest.raises(StoreError, match="No space left"):
        kept.add(9.0, people[0], memory)
    real.close()
    assert shards_of(path).read_bytes() == before


class Full:
    """A file on a disk that fills up in the middle of a write."""

    def __init__(self, file: object) -> None:
        self._file = file

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def write(self, content: bytes) -> int:
        self._file.write(content[: len(content) // 2])  # type: ignore[attr-defined]
        raise OSError(28, "No space left on device")


def test_frames_that_are_known_are_decoded_but_not_converted(tmp_path: Path) -> None:
    film = probe(make_film(tmp_path / "walk.mp4", 12))
    every = list(VideoReader(film))
    behind = list(VideoReader(film).behind(7))
    assert [seconds for seconds, _ in behind] == [seconds for seconds, _ in every]
    assert all(frame is None for _, frame in behind[:7])
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(every[7:], behind[7:], strict=True))


def test_following_goes_on_as_if_it_had_never_stopped() -> None:
    """Two walkers, found now and then; every frame is once the last one before a kill."""
    rng = np.random.default_rng(3)
    body = rng.normal(0, 20, (6, 2)).astype(np.float32)

    def find(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        t = int(frame[0, 0, 0])
        boxes = [[60 + 3 * t, 60, 140 + 3 * t, 180], [300 - 2 * t, 80, 380 - 2 * t, 200]][: 1 + (t % 7 != 0)]
        return np.array(boxes, np.float32), np.full(len(boxes), 0.9, np.float32)

    def estimate(frame: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        middle = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
        shaken = np.sin(boxes.sum() + np.arange(6))[None, :, None] * 3  # depends on every bit of the boxes
        scores = np.full((len(boxes), 6), 0.8 - 0.5 * (int(frame[0, 0, 0]) % 11 == 10), np.float32)
        return (middle + body + shaken).astype(np.float32), scores

    def frames(start: int = 0) -> Iterator[np.ndarray]:
        return iter([np.full((320, 480, 3), t, np.uint8) for t in range(start, 40)])

    crowd = Crowd()
    whole, memories = [], []
    for people in follow(frames(), find, estimate, 6, crowd=crowd):
        whole.append(people)
        memories.append(crowd.arrays())
    for at in range(40):
        rest = list(follow(frames(at + 1), find, estimate, 6, crowd=Crowd.of(memories[at])))
        for ours, other in zip(rest, whole[at + 1 :], strict=True):
            assert all(np.array_equal(getattr(ours, n), getattr(other, n)) for n in ("boxes", "keypoints", "scores"))
