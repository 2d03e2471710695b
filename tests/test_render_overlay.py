"""Laws of the overlay: colors, faintness, labels and who is out of track, judged by the picture's pixels."""

from __future__ import annotations

import numpy as np
import pytest
from render_bodies import STANDING, film, h36m_skeleton, people, picture_of

from render.colors import person_colors
from render.frames import FilmPainter
from render.marks import StatusLine
from render.settings import RenderSettings
from render.skeleton import Skeleton


@pytest.fixture(scope="module")
def skeleton() -> Skeleton:
    return h36m_skeleton()


def test_overlay_and_room_tell_left_from_right_by_the_same_colors(skeleton: Skeleton) -> None:
    size = (640, 480)
    picture = picture_of(film(skeleton, people((0, 0, 0)), size, scores=1.0), 0, size)
    middle = STANDING[[[12, 13], [15, 16]]].mean(axis=1)
    for point, side in zip(middle, ("left", "right"), strict=True):
        column, row = round(320 + 216 * float(point[0])), round(432 - 216 * float(point[2]))
        np.testing.assert_allclose(picture[row, column], person_colors(0).base[side], atol=3)


def test_the_less_sure_the_fainter_but_never_nothing(skeleton: Skeleton) -> None:
    marks = []
    for score in (0.0, 0.1, 0.2, 0.39, 0.4, 1.0):
        picture = picture_of(film(skeleton, people((0, 0, 0)), scores=score, score_faint=0.4))
        marks.append(int(np.abs(picture - 120).sum()))
    assert marks[0] > 0 and marks[0] < 0.35 * marks[-1]
    assert marks == sorted(marks)
    assert marks[1] < marks[2] < marks[4] == marks[5]


def test_one_unsure_joint_fades_only_its_own_limbs(skeleton: Skeleton) -> None:
    scores = np.full((1, 1, 17), 0.9, np.float32)
    sure = picture_of(film(skeleton, people((0, 0, 0)), scores=scores.copy()))
    scores[..., 13] = 0.05  # the left wrist, at the picture's right
    unsure = picture_of(film(skeleton, people((0, 0, 0)), scores=scores))
    changed = np.nonzero((sure != unsure).any(axis=-1))
    assert len(changed[0]) > 20
    middle = STANDING[[12, 13]].mean(axis=0)
    row, column = round(216 - 108 * float(middle[2])), round(160 + 108 * float(middle[0]))
    assert np.abs(unsure[row, column] - 120).max() < 0.5 * np.abs(sure[row, column] - 120).max()
    wrist_column, elbow_column = (round(160 + 108 * float(STANDING[j, 0])) for j in (13, 12))
    assert changed[1].min() > elbow_column - 8 and changed[1].max() < wrist_column + 8


def test_a_key_point_stays_on_its_spot_when_the_picture_is_scaled() -> None:
    """Whole numbers are the middles of pixels: halving a picture maps the middle of pixels 0 and 1 to 0."""
    dot = Skeleton(("nose",), (), ("center",))
    keypoints = np.full((1, 1, 1, 2), (200.5, 100.5), np.float32)
    painter = FilmPainter(
        dot, RenderSettings(max_height=240, show_ids=False), (640, 480), np.zeros((1, 1, 1, 3), np.float32), keypoints,
        np.ones((1, 1, 1), np.float32), np.ones((1, 1), bool), np.zeros(1),
    )  # fmt: skip
    picture = painter.paint(np.full((480, 640, 3), 120, np.uint8), 0)[:, :320].astype(float)
    rows, columns = np.mgrid[:240, :320]
    weight = np.abs(picture - 120).sum(axis=-1)
    middle = [float((axis * weight).sum() / weight.sum()) for axis in (columns, rows)]
    np.testing.assert_allclose(middle, (100.0, 50.0), atol=0.1)


def test_key_points_far_outside_the_picture_harm_nothing(skeleton: Skeleton) -> None:
    world = people((0, 0, 0))
    usual = film(skeleton, world)
    keypoints = np.stack([160 + 108 * world[..., 0], 216 - 108 * world[..., 2]], axis=-1)
    keypoints[0, 0, 13] = (3e9, 50.0)
    picture = picture_of(film(skeleton, world, keypoints=keypoints, show_ids=True))
    assert (np.abs(picture[:, 250:] - 120).max(axis=-1) > 40).any(), "the forearm runs out of the picture"
    np.testing.assert_array_equal(picture[:, :130], picture_of(usual)[:, :130])
    keypoints[:] = -7e8
    picture = picture_of(film(skeleton, world, keypoints=keypoints))
    assert (picture == 120).all()


def test_who_is_out_of_track_is_told_in_the_picture(skeleton: Skeleton) -> None:
    valid = np.array(
        [[True, True, True], [True, False, False], [True, True, False], [True, True, False], [True, True, False]]
    )
    painter = film(skeleton, people((0, 0, 0), *[(9, 0, 0)] * 4, frames=3), valid=valid)
    lower_left = np.s_[200:, :80]
    assert (picture_of(painter, 0)[lower_left] == 120).all()
    assert (picture_of(painter, 1)[lower_left] != 120).any()
    line = StatusLine(None, tuple("12345"), valid)
    assert [line.text(t) for t in range(3)] == ["", "person 2: out of track", "4 people: out of track"]
    two = StatusLine(None, ("anna", "b"), np.zeros((2, 1), bool))
    assert two.text(0) == "people anna, b: out of track"


def test_labels_are_drawn_inside_the_picture_even_for_heads_above_it(skeleton: Skeleton) -> None:
    world = people((0, 0, 0))
    keypoints = np.stack([160 + 108 * world[..., 0], 150 - 108 * world[..., 2]], axis=-1)
    plain = picture_of(film(skeleton, world, keypoints=keypoints))
    named = picture_of(film(skeleton, world, keypoints=keypoints, show_ids=True))
    changed = (plain != named).any(axis=-1)
    assert changed[:30, 130:190].sum() > 100 and not changed[60:].any()
