"""Drawn films of motion capture: what lens, furniture and wardrobe do, and a set that is true, repeatable, resumed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lifter.datasets.mocap.tiny import write_tiny_mocap
from lifter.datasets.poseset import read_poseset
from lifter.errors import LifterError
from pipeline.drawn.__main__ import main
from pipeline.drawn.cameras import place_camera, share_seen
from pipeline.drawn.plan import DrawSettings, plan
from pipeline.drawn.takes import make_take, with_own_head
from pipeline.video import VideoReader, probe
from render.drawn import DrawnFilm, look_at, squat, walk
from render.drawn.furniture import KINDS, box, placed
from render.drawn.lens import Lens, mean
from render.drawn.wardrobe import random_look

SIZE = (160, 120)
CAMERA = look_at((3.9, 0, 1.2), (0, 0, 0.95), 180, SIZE)


def test_a_shutter_smears_what_moves_about_its_truth_and_nothing_else() -> None:
    fast = walk(1.0, 10, speed=1.3) * np.array([1, 1, 1], np.float32)
    aside = look_at((0, -3.9, 1.2), (0, 0, 0.95), 180, SIZE)
    still = np.repeat(squat(0.2, 10)[:1], 4, axis=0)
    sharp, smeared = (DrawnFilm([still], CAMERA, lens=Lens(shutter), noise=0) for shutter in (0, 1))
    assert np.array_equal(sharp.frame(1), smeared.frame(1))
    sharp, smeared = (DrawnFilm([fast], aside, fps=10, lens=Lens(shutter), noise=0) for shutter in (0, 1))
    empty = DrawnFilm([fast], aside, fps=10, noise=0, spans=[(0, 0)]).frame(5).astype(int)
    covered = [(np.abs(film.frame(5).astype(int) - empty).max(-1) > 12) for film in (sharp, smeared)]
    assert covered[1].sum() > 1.1 * covered[0].sum()
    middles = [np.nonzero(cover)[1].mean() for cover in covered]
    assert abs(middles[1] - middles[0]) < 2, "the smear lies about the truth"
    assert np.array_equal(sharp.keypoints, smeared.keypoints)


def test_a_lens_that_does_nothing_and_one_that_does() -> None:
    picture = np.random.default_rng(0).integers(0, 200, (30, 40, 3)).astype(np.uint8)
    assert np.array_equal(Lens().develop(picture), picture)
    assert np.array_equal(mean([picture, picture, picture]), picture)
    soft = Lens(softness=2.0, exposure=0.5).develop(picture)
    assert soft.std() < picture.std() / 3 and soft.mean() == pytest.approx(picture.mean() / 2, rel=0.05)
    for wrong in ({"shutter": 1.5}, {"softness": -1.0}, {"exposure": 0.0}):
        with pytest.raises(ValueError, match="Lens"):
            Lens(**wrong)


def test_the_faces_of_a_box_look_outward_and_close_it() -> None:
    """The flux of x through the faces is the volume (Gauss)."""
    low, high = np.array([-0.3, 0.1, 0.0]), np.array([0.5, 0.4, 1.1])
    volume = 0.0
    for sheet in box(low, high, (100, 100, 100)):
        v = sheet.vertices
        area = np.cross(v[1:, 1:] - v[:-1, :-1], v[1:, :-1] - v[:-1, 1:]) / -2  # to the next ring x to the next point
        middle = (v[1:, 1:] + v[:-1, :-1]) / 2
        volume += (middle * area).sum() / 3
    assert volume == pytest.approx(np.prod(high - low))


def test_furniture_hides_who_stands_behind_it() -> None:
    person = squat(0.1, 10)
    screen = placed(box(np.array([-0.05, -0.6, 0]), np.array([0.05, 0.6, 1.9]), (250, 10, 10)), (1.2, 0.0), 0.0)
    behind = placed(box(np.array([-0.05, -0.6, 0]), np.array([0.05, 0.6, 1.9]), (250, 10, 10)), (-1.2, 0.0), 0.0)
    x, y = np.round(DrawnFilm([person], CAMERA).keypoints[0, 0, 7]).astype(int)
    for things, hidden in ((screen, True), (behind, False)):
        red, green, _ = DrawnFilm([person], CAMERA, noise=0, things=things).frame(0)[y, x].astype(int)
        assert (red > 3 * green) == hidden


def test_people_and_things_by_chance_are_all_valid() -> None:
    random = np.random.default_rng(1)
    looks = [random_look(random) for _ in range(200)]
    assert len({look.shirt for look in looks}) > 190 and {look.long_hair for look in looks} == {True, False}
    for kind in KINDS:
        corners = np.concatenate([sheet.vertices.reshape(-1, 3) for sheet in kind((9, 9, 9), random)])
        assert corners[:, 2].min() == pytest.approx(0, abs=0.06) and np.abs(corners).max() < 2.5


def test_cameras_see_most_of_the_person() -> None:
    body = np.asarray(walk(1.0, 10), float)
    made = [place_camera(body, 10, np.random.default_rng(seed)) for seed in range(30)]
    assert min(share_seen(body, one.cameras) for one in made) > 0.6
    assert {one.kind for one in made} == {"tripod", "hand", "follow"}
    assert all(one.cameras[0] is one.cameras[-1] for one in made if one.kind == "tripod")


def test_a_take_has_a_drawn_persons_head_and_stands_on_the_floor() -> None:
    body = np.asarray(walk(0.5, 10), float)
    longer = body.copy()
    longer[:, 10] += 0.2 * (body[:, 10] - body[:, 9]) / 0.14
    np.testing.assert_allclose(with_own_head(longer), with_own_head(body), atol=1e-6)
    film = make_take(body + np.array([5.0, -3.0, 2.0]), 10, np.random.default_rng(0)).film
    again = make_take(body + np.array([5.0, -3.0, 2.0]), 10, np.random.default_rng(0)).film
    assert np.array_equal(film.frame(2), again.frame(2))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mocap")
    write_tiny_mocap(folder)
    return folder


def test_a_plan_is_repeatable_grows_and_keeps_people_apart(source: Path, tmp_path: Path) -> None:
    few, many = (plan(DrawSettings(source, tmp_path, count=count)) for count in (2, 5))
    assert [scene.name for scene in few] == [many[i].name for i in (0, 1, 5, 6)]
    assert len({scene.name for scene in many}) == 10
    people = {
        split: {s.recording.subject for s in many if s.recording.split == split} for split in ("train", "validation")
    }
    assert not people["train"] & people["validation"]
    with pytest.raises(LifterError, match="'practice' split"):
        plan(DrawSettings(source, tmp_path, ("practice",)))
    with pytest.raises(ValueError, match="fps"):
        DrawSettings(source, tmp_path, fps=30)


def test_a_set_is_drawn_once_and_true(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--source", str(source), "--out", str(tmp_path), "--splits", "train", "--count", "2", "--seconds", "0.5"]
    assert main([*words, "--fps", "10"]) == 0
    made = read_poseset(tmp_path)
    poses = made.poses
    assert list(poses.lengths) == [5, 5] and set(poses.splits) == {"train"} and set(poses.fps) == {10.0}
    f_x, f_y, c_x, c_y = np.repeat(poses.intrinsics, poses.lengths, axis=0).T[..., None].astype(float)
    x, y, z = np.moveaxis(poses.positions.astype(float), -1, 0)
    np.testing.assert_allclose(made.keypoints, np.stack([f_x * x / z + c_x, f_y * y / z + c_y], -1), atol=0.05)
    films = sorted((tmp_path / "video").glob("*.mp4"))
    assert [film.stem for film in films] == sorted(name.replace("/", "_") for name in poses.names)
    for film in films:
        index = [name.replace("/", "_") for name in poses.names].index(film.stem)
        clip = probe(film)
        assert clip.size == tuple(poses.sizes[index]) and len(list(VideoReader(clip))) == 5
    stamps = [film.stat().st_mtime_ns for film in films]
    films[0].unlink()
    assert main([*words, "--fps", "10"]) == 0
    assert films[0].is_file() and films[1].stat().st_mtime_ns == stamps[1], "only what is missing is drawn again"
    assert main(["--source", str(tmp_path / "nowhere"), "--out", str(tmp_path)]) == 1
    assert "no motion capture" in capsys.readouterr().err
