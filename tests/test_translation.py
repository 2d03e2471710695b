"""Where a body stands: exact for exact pictures, and the covariance is what noise makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.translation import fit_translation

FOCAL, CENTRE = 1000.0, (640.0, 360.0)


def bodies(frames: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (T, 17, 3) bodies about the pelvis and where they stand (T, 3), metres."""
    rng = np.random.default_rng(seed)
    body = rng.normal(0, 0.3, (frames, 17, 3)) * (0.5, 1.5, 0.5)
    body -= body[:, :1]
    return body, np.stack([rng.uniform(-1, 1, frames), rng.uniform(-1, 1, frames), rng.uniform(3, 9, frames)], axis=-1)


def seen(body: np.ndarray, place: np.ndarray) -> np.ndarray:
    there = body + place[:, None]
    return there[..., :2] / there[..., 2:] * FOCAL + CENTRE


def test_an_exact_picture_gives_the_exact_place() -> None:
    body, place = bodies(50)
    found, _, usable = fit_translation(body, seen(body, place), np.ones((50, 17)), FOCAL, CENTRE)
    assert usable.all()
    np.testing.assert_allclose(found, place, atol=1e-6)


def test_a_body_and_its_place_grow_together() -> None:
    body, place = bodies(20)
    pixels = seen(body, place) + np.random.default_rng(1).normal(0, 5, (20, 17, 2))
    once, _, _ = fit_translation(body, pixels, np.ones((20, 17)), FOCAL, CENTRE)
    twice, _, _ = fit_translation(2 * body, pixels, np.ones((20, 17)), FOCAL, CENTRE)
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-4)


def test_unseen_joints_do_not_count_and_wild_ones_hardly() -> None:
    body, place = bodies(30)
    pixels, scores = seen(body, place), np.ones((30, 17))
    pixels[:, 3], scores[:, 3] = 0, 0
    np.testing.assert_allclose(fit_translation(body, pixels, scores, FOCAL, CENTRE)[0], place, atol=1e-6)
    pixels[:, 9] += 100
    off = np.abs(fit_translation(body, pixels, scores, FOCAL, CENTRE)[0] - place).max(axis=1)
    assert np.median(off) < 0.01 and off.max() < 0.1


def test_the_covariance_is_that_of_the_noise() -> None:
    body, place = (np.repeat(part[:1], 4000, axis=0) for part in bodies(1, seed=3))
    pixels = seen(body, place) + np.random.default_rng(0).normal(0, 8, (4000, 17, 2))
    found, covariance, _ = fit_translation(body, pixels, np.ones((4000, 17)), FOCAL, CENTRE)
    told, real = np.sqrt(np.diagonal(covariance.mean(axis=0))), found.std(axis=0)
    np.testing.assert_allclose(told, real, rtol=0.25)
    assert told[2] > 3 * told[0]  # one eye hardly sees depth


@pytest.mark.parametrize("case", ["nobody", "three joints", "one point", "behind"])
def test_frames_that_cannot_tell_are_said_to(case: str) -> None:
    body, place = bodies(4)
    pixels, scores = seen(body, place), np.ones((4, 17))
    if case == "nobody":
        scores[2] = 0
    elif case == "three joints":
        scores[2, 3:] = 0
    elif case == "one point":
        body[2] = 0
    else:
        pixels[2] = 2 * np.array(CENTRE) - pixels[2]  # upside down
    found, covariance, usable = fit_translation(body, pixels, scores, FOCAL, CENTRE)
    assert np.isfinite(found).all() and np.isfinite(covariance).all()
    np.testing.assert_allclose(found[[0, 1, 3]], place[[0, 1, 3]], atol=1e-6)
    assert not usable[2] or np.sqrt(covariance[2, 2, 2]) > 0.5
    assert usable[[0, 1, 3]].all()
