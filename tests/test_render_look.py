"""Settings, skeletons, colors and the clock: what they accept, and what they come to."""

from __future__ import annotations

import numpy as np
import pytest

from render.colors import oklch, person_colors
from render.marks import clock, counter
from render.settings import RenderSettings
from render.skeleton import Skeleton


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "00:00.00"), (0.04, "00:00.04"), (1.999, "00:01.99"), (59.999, "00:59.99"), (61.5, "01:01.50"),
     (0.29, "00:00.29"), (6000.0, "100:00.00"), (-0.01, "00:00.00")],
)  # fmt: skip
def test_the_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"view": "frnt"}, "did you mean 'front'"),
        ({"view": "nan"}, "nor a number"),
        ({"style": "noir"}, "none of night, paper"),
        ({"turn_period_s": 0.0}, "more than 0"),
        ({"score_faint": 1.5}, "0..1"),
        ({"max_height": 2}, "at least 16"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        RenderSettings(**settings)  # type: ignore[arg-type]


def test_frames_are_counted_from_one() -> None:
    assert counter(0, 1) == "frame 1 / 1" and counter(96, 545) == "frame 97 / 545"


def test_a_limb_belongs_to_the_side_that_it_leads_to() -> None:
    body = Skeleton(("chest", "left_arm", "left_hand", "right_arm"), (), ("center", "left", "left", "right"))
    limbs = {(0, 1): "left", (1, 0): "left", (1, 2): "left", (0, 3): "right", (3, 0): "right", (0, 0): "center"}
    assert {limb: body.limb_side(limb) for limb in limbs} == limbs


def test_deep_tints_lean_away_from_yellow_and_light_ones_towards_it() -> None:
    sky, amber = person_colors(0).base, person_colors(1).base
    assert sky["right"][2] - sky["right"][1] > 60 > sky["left"][2] - sky["left"][1], "blue and turquoise"
    assert amber["right"][0] - amber["right"][1] > 90 > amber["left"][0] - amber["left"][1], "red and yellow"


def test_a_skeleton_that_does_not_hang_together_is_refused() -> None:
    with pytest.raises(ValueError, match="one per joint"):
        Skeleton(("a", "b"), ((0, 1),), ("left",))
    with pytest.raises(ValueError, match="'up' is none of"):
        Skeleton(("a",), (), ("up",))
    with pytest.raises(ValueError, match="does not join"):
        Skeleton(("a", "b"), ((0, 2),), ("left", "left"))


def test_neighbouring_people_and_the_two_sides_have_colors_far_apart() -> None:
    people_colors = [person_colors(index) for index in range(6)]
    for colors in people_colors:
        assert sum(colors.base["left"]) > sum(colors.base["right"]) + 120, "told apart also without colour vision"
    marks = np.array([colors.label for colors in people_colors], float)
    apart = np.linalg.norm(marks[:, None] - marks[None], axis=-1) + 1e3 * np.eye(6)
    assert apart.min() > 45
    assert person_colors(30) == person_colors(30) != person_colors(31)


def test_oklch_meets_known_colors() -> None:
    """White, black, and sRGB's red as published with OKLab (L 0.628, C 0.2577, h 29.23)."""
    assert oklch(1.0, 0.0, 0.0) == (255, 255, 255) and oklch(0.0, 0.0, 0.0) == (0, 0, 0)
    np.testing.assert_allclose(oklch(0.62796, 0.25768, 29.234), (255, 0, 0), atol=6)
