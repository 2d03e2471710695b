"""Windows of a sequence: cutting and joining are inverse, joining is a plain average, wrong calls are refused."""

from __future__ import annotations

import numpy as np
import pytest

from lifter import windows

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("frames", [96, 97, 100, 101, 143, 300])
def test_cut_and_join_is_identity(frames: int) -> None:
    sequence = RANDOM.normal(size=(frames, 17, 3)).astype(np.float32)
    first = windows.starts(frames, 96, 5)
    cuts = windows.cut(sequence, first, 96)
    joiner = windows.Joiner(frames)
    half = len(first) // 2
    joiner.add(first[:half], cuts[:half])
    joiner.add(first[half:], cuts[half:])
    np.testing.assert_allclose(joiner.result(), sequence, atol=1e-6)


def test_frames_without_a_window_are_refused() -> None:
    joiner = windows.Joiner(10)
    with pytest.raises(ValueError, match=r"^Joiner: there are frames that no window covers$"):
        joiner.result()
    joiner.add(np.array([0]), np.zeros((1, 8, 17, 3), np.float32))
    with pytest.raises(ValueError, match=r"^Joiner: there are frames that no window covers$"):
        joiner.result()
    holed = windows.Joiner(10)
    holed.add(np.array([0]), np.zeros((1, 4), np.float32))
    with pytest.raises(ValueError, match=r"^Joiner: there are frames that no window covers$"):
        holed.add(np.array([5]), np.zeros((1, 5), np.float32))  # nothing says what frame 4 is


def test_starts_cover_every_frame_once_at_least() -> None:
    assert windows.starts(96, 96, 5).tolist() == [0]
    assert windows.starts(107, 96, 5).tolist() == [0, 5, 10, 11]
    assert windows.starts(106, 96, 5).tolist() == [0, 5, 10]
    assert windows.starts(99, 96, 1).tolist() == [0, 1, 2, 3]
    for frames, step in ((95, 5), (96, 0)):
        with pytest.raises(ValueError, match=f"windows: {frames} frames, window 96, step {step}"):
            windows.starts(frames, 96, step)


@pytest.mark.parametrize("frames", [111, 112, 127, 140, 300])
def test_every_frame_is_seen_in_all_phases(frames: int) -> None:
    """Away from the first and last 15 frames, windows of all 16 phases meet, in short sequences too."""
    first = windows.phased_starts(frames, 96, 5, 16)
    assert first[0] == 0 and first[-1] == frames - 96 and (np.diff(first) > 0).all()
    assert set(windows.starts(frames, 96, 5)) <= set(first)
    for frame in range(15, frames - 15):
        assert {start % 16 for start in first if start <= frame < start + 96} == set(range(16))
    np.testing.assert_array_equal(windows.phased_starts(frames, 96, 5, 1), windows.starts(frames, 96, 5))


def test_phased_starts_of_known_sequences() -> None:
    assert windows.phased_starts(96, 96, 5, 16).tolist() == [0]
    assert windows.phased_starts(98, 96, 5, 16).tolist() == [0, 1, 2]
    assert windows.phased_starts(99, 96, 5, 16).tolist() == [0, 1, 2, 3]
    assert windows.phased_starts(116, 96, 10, 3).tolist() == [0, 1, 2, 10, 18, 19, 20]


@pytest.mark.parametrize(("frames", "chunk", "overlap"), [(50, 50, 0), (51, 50, 10), (1000, 96, 40), (37, 7, 6)])
def test_chunks_are_as_few_as_overlap_enough(frames: int, chunk: int, overlap: int) -> None:
    first = windows.spread_starts(frames, chunk, overlap)
    assert first.dtype == np.int64 and first[0] == 0 and first[-1] == frames - chunk
    assert (np.diff(first) <= chunk - overlap).all()
    assert np.ptp(np.diff(first)) <= 1 if len(first) > 1 else frames == chunk  # evenly
    # One fewer would not reach: n chunks span at most chunk + (n - 1) * (chunk - overlap) frames.
    assert chunk + (len(first) - 2) * (chunk - overlap) < frames


@pytest.mark.parametrize(("frames", "chunk", "overlap"), [(49, 50, 10), (60, 50, 50), (60, 50, -1)])
def test_chunks_that_cannot_be_are_refused(frames: int, chunk: int, overlap: int) -> None:
    with pytest.raises(ValueError, match=f"chunks: {frames} frames, chunk {chunk}, overlap {overlap}"):
        windows.spread_starts(frames, chunk, overlap)


@pytest.mark.parametrize("fade", [1, 2, 4, 5])
@pytest.mark.parametrize("shape", [(), (3,), (17, 3)])
def test_joining_is_the_weighted_mean_of_all_that_is_said(fade: int, shape: tuple[int, ...]) -> None:
    """Against the plain sum, frame by frame: a window's say rises from 1 / fade at either end to 1."""
    first = np.array([0, 2, 3, 7, 8, 11])
    said = RANDOM.normal(size=(len(first), 9, *shape)).astype(np.float32)
    joiner = windows.Joiner(20, fade)
    joiner.add(first[:2], said[:2])
    joiner.add(first[:0], said[:0])  # nothing changes nothing
    joiner.add(first[2:], said[2:])
    for frame, joined in enumerate(joiner.result()):
        terms = [
            (min(frame - start + 1, start + 9 - frame, fade) / fade, window[frame - start])
            for start, window in zip(first.tolist(), said, strict=True)
            if start <= frame < start + 9
        ]
        wanted = sum(weight * value for weight, value in terms) / sum(weight for weight, _ in terms)
        np.testing.assert_allclose(joined, wanted, rtol=1e-5, atol=1e-6)
    assert joiner.result().dtype == np.float32


def test_windows_joined_batch_by_batch_are_those_joined_at_once_to_the_byte() -> None:
    first = windows.phased_starts(230, 96, 5, 16)
    said = np.random.default_rng(0).normal(size=(len(first), 96, 17, 3)).astype(np.float32)
    whole, parts = windows.Joiner(230), windows.Joiner(230)
    whole.add(first, said)
    for at in range(0, len(first), 4):
        parts.add(first[at : at + 4], said[at : at + 4])
        assert len(parts._count) <= 96 + 16 + 4 * 5  # of frames to come, however long the sequence is
    assert whole.result().tobytes() == parts.result().tobytes()
    with pytest.raises(ValueError, match="Joiner: a window at frame 0, after those before 230 were joined"):
        parts.add(first[:1], said[:1])


def test_a_window_may_begin_where_the_last_one_did() -> None:
    joiner = windows.Joiner(6)
    joiner.add(np.array([2, 0, 1]), np.array([[2.0] * 4, [0.0] * 4, [1.0] * 4], np.float32))  # in any order at once
    joiner.add(np.array([2]), np.array([[5.0] * 4], np.float32))
    np.testing.assert_allclose(joiner.result(), [0, 0.5, 2, 2, 8 / 3, 3.5])
    late = windows.Joiner(6)
    late.add(np.array([0, 2]), np.zeros((2, 4), np.float32))
    late.add(np.array([2]), np.zeros((1, 4), np.float32))
    with pytest.raises(ValueError, match="a window at frame 1, after those before 2 were joined"):
        late.add(np.array([1]), np.zeros((1, 4), np.float32))


def test_every_window_must_say_where_it_begins() -> None:
    with pytest.raises(ValueError, match="zip"):
        windows.Joiner(9).add(np.array([0, 3]), np.zeros((3, 5), np.float32))


def test_padding_repeats_the_ends_half_each() -> None:
    sequence = np.arange(3, dtype=np.float32)[:, None]
    filled, front = windows.pad(sequence, 8)
    assert (filled[:, 0].tolist(), front) == ([0, 0, 0, 1, 2, 2, 2, 2], 2)
    filled, front = windows.pad(sequence, 4)
    assert (filled[:, 0].tolist(), front) == ([0, 1, 2, 2], 0)
    for window in (3, 2):
        same, front = windows.pad(sequence, window)
        assert same is sequence and front == 0
