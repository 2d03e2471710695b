"""Laws of the film's frames: layout, every size, the caller's frame, arrays refused at birth."""

from __future__ import annotations

import numpy as np
import pytest
from render_bodies import film, grey, h36m_skeleton, people

from render.frames import FilmPainter, lay_out
from render.settings import RenderSettings
from render.skeleton import Skeleton


@pytest.fixture(scope="module")
def skeleton() -> Skeleton:
    return h36m_skeleton()


@pytest.mark.parametrize(
    "size",
    [(640, 480), (321, 241), (1920, 1080), (1080, 1920), (3840, 2160), (33, 17), (2, 2), (1, 1), (720, 720), (50, 999)],
)
def test_the_canvas_is_even_no_taller_than_asked_and_the_room_is_wide_enough(size: tuple[int, int]) -> None:
    layout = lay_out(size, 1080)
    width, height = layout.canvas
    assert width % 2 == 0 and height % 2 == 0 and height <= 1080
    assert layout.panel[0] >= (1.0 if size[0] >= size[1] else 0.75) * height
    assert layout.panel_left > layout.picture[0], "a separator"
    assert height - layout.picture[1] in (0, 1)
    shown = layout.picture[0] / layout.picture[1]
    assert abs(shown - size[0] / size[1]) <= 1.01 / layout.picture[1] + 1e-9


@pytest.mark.parametrize("size", [(1, 1), (33, 17), (161, 121), (321, 241), (120, 400), (1080, 1920)])
@pytest.mark.parametrize("view", ["turn", "top"])
def test_every_size_is_painted(skeleton: Skeleton, size: tuple[int, int], view: str) -> None:
    painter = film(skeleton, people((0, 0, 0), (0.9, 0.5, 0)), size, view=view, show_ids=True, show_clock=True)
    canvas = painter.paint(grey(size), 0)
    assert canvas.shape == (painter.size[1], painter.size[0], 3)
    assert canvas.dtype == np.uint8 and canvas.flags.c_contiguous


def test_a_picture_taller_than_the_canvas_is_scaled_and_its_overlay_with_it(skeleton: Skeleton) -> None:
    size, half = (640, 480), (320, 240)
    large = film(skeleton, people((0, 0, 0)), size, max_height=240).paint(grey(size), 0)[:, :320].astype(int)
    small = film(skeleton, people((0, 0, 0)), half).paint(grey(half), 0)[:, :320].astype(int)
    assert large.shape == small.shape
    marked = np.abs(small - 120).max(axis=-1) > 40
    assert (np.abs(large - small).max(axis=-1) > 60).sum() < 0.15 * marked.sum()


def test_the_callers_frame_is_only_read_and_the_picture_shines_through(skeleton: Skeleton) -> None:
    frame = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    frame.setflags(write=False)
    before = frame.copy()
    canvas = film(skeleton, people((0, 0, 0))).paint(frame, 0)
    np.testing.assert_array_equal(frame, before)
    same = (canvas[:240, :320] == frame).all(axis=-1)
    assert 0.9 < same.mean() < 1.0
    assert same[:, :60].all(), "nothing is drawn far from the person"


def test_an_odd_picture_is_shown_whole_and_its_last_row_repeated(skeleton: Skeleton) -> None:
    frame = np.random.default_rng(0).integers(0, 255, (121, 161, 3), np.uint8)
    painter = film(skeleton, people((0, 0, 0)), (161, 121), valid=np.zeros((1, 1), bool), show_ids=False)
    canvas = painter.paint(frame, 0)
    rows = slice(0, 90)  # the status line is below
    np.testing.assert_array_equal(canvas[rows, :161], frame[rows])
    np.testing.assert_array_equal(canvas[121, :161], canvas[120, :161])


def test_frames_may_be_painted_in_any_order(skeleton: Skeleton) -> None:
    world = people((0, 0, 0), (1, 1, 0), frames=5).copy()
    world += np.linspace(0, 0.5, 5, dtype=np.float32)[None, :, None, None]
    painter = film(skeleton, world, view="turn", show_clock=True, show_ids=True)
    forwards = [painter.paint(grey((320, 240)), t).copy() for t in range(5)]
    for t in (4, 0, 2, 1, 3):
        np.testing.assert_array_equal(painter.paint(grey((320, 240)), t), forwards[t])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"world": np.zeros((1, 2, 16, 3), np.float32)}, r"world: expected \(1, 2, 17, 3\), got \(1, 2, 16, 3\)"),
        ({"keypoints": np.zeros((1, 2, 17, 3), np.float32)}, "keypoints: expected"),
        ({"scores": np.zeros((1, 17), np.float32)}, "scores: expected"),
        ({"valid": np.ones((2, 2), bool)}, "valid: expected"),
        ({"timestamps": np.zeros(3)}, "expected"),
        ({"timestamps": np.array([0.0, np.inf])}, "timestamps: values must be finite"),
        ({"world": np.full((1, 2, 17, 3), np.nan, np.float32)}, "world: values must be finite"),
        ({"picture_size": (0, 10)}, "picture_size"),
        ({"labels": ("a", "b")}, "labels: expected 1, got 2"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_refused_at_birth(skeleton: Skeleton, change: dict[str, object], words: str) -> None:
    arguments: dict[str, object] = {
        "picture_size": (64, 48),
        "world": np.zeros((1, 2, 17, 3), np.float32),
        "keypoints": np.zeros((1, 2, 17, 2), np.float32),
        "scores": np.zeros((1, 2, 17), np.float32),
        "valid": np.ones((1, 2), bool),
        "timestamps": np.arange(2) / 25,
    }
    FilmPainter(skeleton, RenderSettings(), **arguments)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=words):
        FilmPainter(skeleton, RenderSettings(), **{**arguments, **change})  # type: ignore[arg-type]


def test_frames_of_another_size_and_indices_outside_the_film_are_refused(skeleton: Skeleton) -> None:
    painter = film(skeleton, people((0, 0, 0)))
    with pytest.raises(ValueError, match=r"expected \(240, 320, 3\) uint8, got \(320, 240, 3\)"):
        painter.paint(np.zeros((320, 240, 3), np.uint8), 0)
    for t_index in (-1, 1):
        with pytest.raises(IndexError, match="1 frames"):
            painter.paint(grey((320, 240)), t_index)
