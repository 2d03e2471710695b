"""The benchmark of the tilt: films that are what they say, and a measure that finds what was put in."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_upright import person

from lifter.datasets.mocap.tiny import write_tiny_mocap
from pipeline.camera import up_of

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
from bench_tilt import lean, measure, relative, shown_pitch, stands
from tilt_films import PITCH, ROLL, TiltFilm, films


def standing(pitch: float, roll: float, slant: float = 0.0) -> TiltFilm:
    """One who stands, slanted by some degrees, before a camera 4 m away."""
    turn = Rotation.align_vectors(np.array([up_of(pitch, roll)]), np.array([[0.0, -1, 0]]))[0]
    body = Rotation.from_euler("z", slant, degrees=True).apply(person(noise=0.0)[0].reshape(-1, 3))
    seen = turn.apply(body).reshape(-1, 17, 3) + np.array([0.3, 0.2, 4.0])
    pixels = (seen[..., :2] / seen[..., 2:] * 1000 + [960, 540]).astype(np.float32)
    return TiltFilm(seen.astype(np.float32), pixels, (1920, 1080), 1000.0, pitch, roll, np.array(up_of(pitch, roll)))


def test_films_show_what_they_say_and_a_seed_repeats_them(tmp_path: Path) -> None:
    write_tiny_mocap(tmp_path, "npz")
    for split in ("train", "test"):
        first, again = (list(films(tmp_path, split, 3, noisy=False, seed=4)) for _ in range(2))
        for film, same in zip(first, again, strict=True):
            np.testing.assert_array_equal(film.keypoints, same.keypoints)
            np.testing.assert_allclose(film.up, up_of(film.pitch, film.roll), atol=1e-9)
            assert PITCH[0] <= film.pitch <= PITCH[1] and ROLL[0] <= film.roll <= ROLL[1]
            pinhole = film.positions[..., :2] / film.positions[..., 2:] * film.focal + np.array(film.size) / 2
            np.testing.assert_allclose(film.keypoints, pinhole, atol=1e-2)
            assert (film.keypoints >= 0).all() and (film.keypoints <= film.size).all()
            # Heads are above feet against the direction that is called up.
            assert ((film.positions[:, 10] - film.positions[:, 3]) @ film.up > 0).mean() > 0.9


def test_what_was_put_in_is_measured() -> None:
    film = standing(20, 10)
    scores = measure(film, lambda film, lifted: (lifted, np.array(up_of(26, 10))), relative(film))
    assert scores["tilt"] == pytest.approx(6, abs=1e-4) and scores["pitch"] == pytest.approx(6, abs=1e-4)
    assert scores["roll"] == pytest.approx(0, abs=1e-4) and scores["mpjpe"] == pytest.approx(0, abs=1e-3)
    assert scores["lean"] == pytest.approx(6, abs=0.5)


@pytest.mark.parametrize(("slant", "upright"), [(0, True), (3, True), (8, False)])
def test_who_stands_is_judged_by_the_truth(slant: float, upright: bool) -> None:
    film = standing(-15, 30, slant)
    assert stands(film).mean() == upright
    assert lean(relative(film), film.up).mean() == pytest.approx(slant, abs=1.0)  # they sway


def test_a_perfect_lifter_shows_the_pitch_at_which_people_are_looked_at() -> None:
    film = standing(20, 0)
    away = np.array([0.3, 0.2, 4.0]) / np.linalg.norm([0.3, 0.2, 4.0])
    looking = Rotation.align_vectors(away[None], np.array([[0.0, 0, 1]]))[0].inv()
    lifted = looking.apply(relative(film).reshape(-1, 3)).reshape(-1, 17, 3)
    pitch, shown = shown_pitch(film, lifted)
    assert pitch == pytest.approx(shown, abs=0.1)
    assert pitch == pytest.approx(20 + np.degrees(np.arctan(0.2 / 4)), abs=0.3)
