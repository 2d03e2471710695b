"""Top-down arithmetic against closed forms, and against a slow reading of the same definitions."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import heatmaps
from detectors.joints import COCO_17, HALPE_26, VOCABULARIES


def gaussian(x: float, y: float, sigma: float = 2.0, width: int = 48, height: int = 64) -> np.ndarray:
    """Return a (height, width) map with its peak of 1 at x, y."""
    v, u = np.mgrid[:height, :width]
    return np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * sigma**2)).astype(np.float32)


PLACES = np.random.default_rng(1).uniform((6, 6), (41, 57), (40, 2))


@pytest.mark.parametrize(("sigma", "width", "height"), [(2.0, 48, 64), (3.0, 72, 96)])
def test_the_newton_step_finds_a_gaussian_between_cells(sigma: float, width: int, height: int) -> None:
    maps = np.stack([gaussian(x, y, sigma, width, height) for x, y in PLACES])
    points, scores = heatmaps.decode_heatmaps(maps, "dark")
    assert np.abs(points - PLACES).max() < 0.02
    assert (scores > 0.9).all()
    assert (scores <= 1).all()


def test_finer_steps_are_closer() -> None:
    maps = np.stack([gaussian(x, y) for x, y in PLACES])
    error = {how: np.abs(heatmaps.decode_heatmaps(maps, how)[0] - PLACES).mean() for how in ("none", "quarter", "dark")}
    assert error["dark"] < 0.1 * error["quarter"]
    assert error["quarter"] < 0.7 * error["none"]


def test_the_quarter_step_is_a_quarter_towards_the_higher_neighbour() -> None:
    points, _ = heatmaps.decode_heatmaps(np.stack([gaussian(20.3, 30.4), gaussian(19.8, 29.7)]), "quarter")
    np.testing.assert_allclose(points, [[20.25, 30.25], [19.75, 29.75]])


@pytest.mark.parametrize("refine", ["dark", "quarter", "none"])
@pytest.mark.parametrize("plane", ["zero", "negative", "flat", "corner", "spike"])
def test_degenerate_maps_stay_finite_and_inside(refine: str, plane: str) -> None:
    maps = np.zeros((1, 16, 12), np.float32)
    maps += {"negative": -1.0, "flat": 0.5}.get(plane, 0.0)
    if plane in ("corner", "spike"):
        maps[0, *((15, 11) if plane == "corner" else (8, 6))] = 1
    points, scores = heatmaps.decode_heatmaps(maps, refine)
    assert np.isfinite(points).all()
    assert ((points >= 0) & (points <= (11, 15))).all()
    assert scores[0] == {"zero": 0, "negative": 0, "flat": 0.5}.get(plane, 1)


def test_an_unknown_refinement_is_refused() -> None:
    with pytest.raises(ValueError, match="dark, quarter or none"):
        heatmaps.decode_heatmaps(np.zeros((1, 8, 8), np.float32), "darker")


def test_simcc_reads_the_bins_and_takes_the_lower_score() -> None:
    across, down = np.zeros((2, 384), np.float32), np.zeros((2, 512), np.float32)
    across[0, 100], down[0, 301] = 0.9, 0.4
    across[1] = -0.2  # below nothing: unseen
    across[1, 7], down[1, 9] = -0.1, 0.8
    points, scores = heatmaps.decode_simcc(across, down)
    np.testing.assert_array_equal(points, [[100, 301], [7, 9]])
    np.testing.assert_allclose(scores, [0.4, 0.0])


@pytest.mark.parametrize("box", [(10, 20, 110, 320), (0, 0, 640, 40), (-50, 10, 20, 400), (5, 5, 5, 5)])
@pytest.mark.parametrize("size", [(192, 256), (288, 384), (256, 256)])
def test_the_crop_map_keeps_shape_holds_the_box_and_has_its_inverse(
    box: tuple[float, ...], size: tuple[int, int]
) -> None:
    matrix = heatmaps.crop_matrix(np.array(box, np.float32), size)
    corners = np.array(box, float).reshape(2, 2)
    inside = heatmaps.to_crop(corners, matrix)
    assert (inside >= 0).all()
    assert (inside <= size).all()
    np.testing.assert_allclose(inside.mean(0), np.array(size) / 2)  # the box's middle is the crop's
    np.testing.assert_allclose(heatmaps.to_picture(inside, matrix), corners, atol=1e-9)
    assert matrix[0, 0] == matrix[1, 1] > 0 == matrix[0, 1]
    # The tighter side is padded exactly 1.25 times.
    sides = np.maximum(corners[1] - corners[0], 1) * 1.25 * matrix[0, 0]
    assert np.isclose(sides, size).any()


def test_a_pixel_lands_in_the_crop_where_the_matrix_says() -> None:
    frame = np.zeros((300, 400, 3), np.uint8)
    frame[148:153, 198:203] = 255
    matrix = heatmaps.crop_matrix(np.array([150, 50, 270, 250], np.float32), (192, 256))
    weights = heatmaps.crop(frame, matrix, (192, 256)).mean(2)
    v, u = np.mgrid[:256, :192]
    seen = np.array([(u * weights).sum(), (v * weights).sum()]) / weights.sum()
    np.testing.assert_allclose(seen, heatmaps.to_crop(np.array([200, 150]), matrix), atol=0.05)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_mirroring_names_twice_is_nothing_and_keeps_the_middle(name: str) -> None:
    joints = VOCABULARIES[name]
    order = heatmaps.mirror_order(joints)
    np.testing.assert_array_equal(order[order], np.arange(len(joints)))
    for place, other in enumerate(order):
        sided = "left" in joints[place] or "right" in joints[place]
        assert sided == (place != other)
        assert joints[other].replace("left", "?").replace("right", "?") == joints[place].replace("left", "?").replace(
            "right", "?"
        )


def test_a_joint_without_its_twin_is_refused() -> None:
    with pytest.raises(ValueError, match="left_hip"):
        heatmaps.mirror_order(("nose", "left_hip"))


def test_unmirroring_the_maps_of_a_mirrored_person_gives_the_maps_of_the_person() -> None:
    order = heatmaps.mirror_order(COCO_17)
    maps = np.stack([gaussian(x, y) for x, y in PLACES[:17]])
    np.testing.assert_array_equal(heatmaps.unmirror_heatmaps(maps[order, :, ::-1], order, shift=False), maps)
    across, down = maps.max(1), maps.max(2)
    back = heatmaps.unmirror_simcc(across[order, ::-1], down[order], order)
    np.testing.assert_array_equal(back[0], across)
    np.testing.assert_array_equal(back[1], down)


def test_the_shift_makes_up_for_placing_joints_by_index() -> None:
    # A joint at crop pixel x is drawn at cell x / 4; mirrored it is at 191 - x, drawn at 47.75 - x / 4.
    order = heatmaps.mirror_order(HALPE_26)
    places = PLACES[:26]
    straight = np.stack([gaussian(x, y) for x, y in places])
    mirrored = np.stack([gaussian((191 - 4 * x) / 4, y) for x, y in places])[order]
    error = {
        shift: np.abs(
            heatmaps.decode_heatmaps(heatmaps.unmirror_heatmaps(mirrored, order, shift))[0][:, 0] - places[:, 0]
        ).mean()
        for shift in (True, False)
    }
    assert heatmaps.decode_heatmaps(straight)[0][:, 0] == pytest.approx(places[:, 0], abs=0.02)
    assert error[True] == pytest.approx(0.25, abs=0.03)
    assert error[False] == pytest.approx(0.75, abs=0.03)
