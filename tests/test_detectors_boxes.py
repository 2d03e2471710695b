"""Person boxes: the letterbox, both output layouts, suppression, against slow readings of their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import boxes


@pytest.mark.parametrize(("width", "height"), [(640, 480), (480, 640), (1921, 1081), (416, 416), (50, 900)])
def test_the_letterbox_keeps_shape_and_fills_with_grey(width: int, height: int) -> None:
    frame = np.full((height, width, 3), 200, np.uint8)
    canvas, scale = boxes.letterbox(frame, (416, 320))
    assert canvas.shape == (320, 416, 3)
    inner = canvas[:, :, 0] == 200
    assert inner.any(1).sum() == pytest.approx(height * scale, abs=0.51)
    assert inner.any(0).sum() == pytest.approx(width * scale, abs=0.51)
    assert inner[0, 0]
    assert (canvas[~inner] == 114).all()
    assert inner.all(0).any() or inner.all(1).any()  # one side is used in full


def test_yolox_is_decoded_as_its_definition_says() -> None:
    size = (96, 64)
    generator = np.random.default_rng(2)
    cells = [(s, x, y) for s in (8, 16, 32) for y in range(size[1] // s) for x in range(size[0] // s)]
    raw = generator.normal(0, 1, (len(cells), 5 + 3)).astype(np.float32)
    found, scores = boxes.decode_yolox(raw, size, person=1)
    for row, (stride, x, y) in enumerate(cells):
        center_x, center_y = (raw[row, 0] + x) * stride, (raw[row, 1] + y) * stride
        w, h = np.exp(raw[row, 2]) * stride, np.exp(raw[row, 3]) * stride
        expected = [center_x - w / 2, center_y - h / 2, center_x + w / 2, center_y + h / 2]
        np.testing.assert_allclose(found[row], expected, rtol=1e-4, atol=1e-3)
        assert scores[row] == pytest.approx(raw[row, 4] * raw[row, 6], rel=1e-5)


def test_yolox_of_another_input_size_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 84 rows"):
        boxes.decode_yolox(np.zeros((83, 85), np.float32), (64, 64))


def test_yolox_of_wild_numbers_does_not_overflow() -> None:
    raw = np.full((84, 6), 1e4, np.float32)
    found, _ = boxes.decode_yolox(raw, (64, 64))
    assert np.isfinite(found).all()


def test_detections_keep_the_persons() -> None:
    rows = np.array([[0, 0, 10, 10, 0.9], [1, 1, 5, 5, 0.8]], np.float32)
    kept, scores = boxes.decode_detections(rows, np.array([[3, 0]]))
    np.testing.assert_array_equal(kept, rows[1:, :4])
    np.testing.assert_array_equal(scores, rows[1:, 4])
    assert len(boxes.decode_detections(rows)[0]) == 2


def test_overlap_is_intersection_over_union() -> None:
    one = np.array([[0, 0, 10, 10]], np.float32)
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 10, 20, 20], [2, 2, 4, 4], [3, 3, 3, 3]], np.float32)
    np.testing.assert_allclose(boxes.overlap(one, others)[0], [1, 50 / 150, 0, 0.04, 0], atol=1e-6)


def test_suppression_keeps_the_most_certain_of_every_heap() -> None:
    generator = np.random.default_rng(3)
    low = generator.uniform(0, 60, (60, 2))
    several = np.concatenate([low, low + generator.uniform(10, 40, (60, 2))], 1).astype(np.float32)
    scores = generator.uniform(0, 1, 60).astype(np.float32)
    kept = boxes.suppress(several, scores, 0.4)
    shares = boxes.overlap(several, several)
    assert (np.diff(scores[kept]) <= 0).all()
    assert (shares[np.ix_(kept, kept)][~np.eye(len(kept), dtype=bool)] <= 0.4).all()
    for other in set(range(60)) - set(kept.tolist()):  # every dropped one had a better double
        assert any(shares[other, k] > 0.4 and scores[k] >= scores[other] for k in kept)


def test_persons_come_back_to_the_picture() -> None:
    found = np.array(
        [[10, 10, 20, 30], [0, 0, 500, 500], [np.nan, 0, 1, 1], [5, 5, 5.1, 9], [40, 2, 60, 40]], np.float32
    )
    scores = np.array([0.5, 0.9, 0.9, 0.9, 0.1], np.float32)
    persons, certain = boxes.find_persons(found, scores, 0.5, (100, 80), 0.3)
    np.testing.assert_array_equal(persons, [[0, 0, 100, 80], [20, 20, 40, 60]])
    np.testing.assert_allclose(certain, [0.9, 0.5])


def test_no_boxes_are_no_persons() -> None:
    persons, certain = boxes.find_persons(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 1, (9, 9), 0.3)
    assert persons.shape == (0, 4)
    assert certain.shape == (0,)
