"""Settings, skeletons, colors and the clock: what they accept, and what they come to."""

from __future__ import annotations

import numpy as np
import pytest

from render.colors import oklch, person_colors
from render.marks import clock
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
        ({"theme": "noir"}, "none of night, paper"),
        ({"turn_period_s": 0.0}, "more than 0"),
        ({"score_faint": 1.5}, "0..1"),
        ({"max_height": 2}, "at least 16"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        RenderSettings(**settings)  # type: ignore[arg-type]


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
