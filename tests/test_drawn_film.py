"""The drawn film: its truth is the cameras' geometry, its pixels cover the truth, and a real detector finds it."""

from __future__ import annotations

import numpy as np
import pytest

from render.drawn import JOINTS, LOOKS, Camera, DrawnFilm, Look, demo_motion, look_at, squat, walk, wave
from render.drawn.body import body_surfaces
from render.drawn.frames import body_frames
from render.drawn.head import build_head, place_head
from render.drawn.paint import Light, gather, paint

SMALL = (320, 240)
LIMBS = [name for name in JOINTS if name.startswith(("left", "right"))]


def camera_at(degrees: float, size: tuple[int, int] = SMALL, away: float = 3.9, roll: float = 0.0) -> Camera:
    """A camera around the origin; 0 degrees sees a person of heading 0 from the front."""
    angle = np.radians(degrees)
    eye = (away * np.cos(angle), away * np.sin(angle), 1.25)
    return look_at(eye, (0, 0, 0.95), 1.6 * min(size[1], 2 * size[0]), size, roll)


def silhouette(joints: np.ndarray, camera: Camera, look: Look) -> np.ndarray:
    """The pixels (H, W) that a body covers."""
    frames = body_frames(joints.astype(float))
    surfaces = body_surfaces(joints.astype(float), frames, look)
    surfaces += place_head(build_head(look), joints.astype(float), frames, look)
    picture = np.zeros((camera.size[1], camera.size[0], 3), np.uint8)
    paint(picture, gather(surfaces), camera, Light())
    return picture.any(axis=-1)


@pytest.mark.parametrize("roll", [0.0, 0.5, -2.0])
def test_look_at_has_the_target_in_the_middle_and_turns_the_picture(roll: float) -> None:
    camera = look_at((3, -2, 1.5), (0.2, 0.1, 0.9), 900, (640, 480), roll)
    assert camera.project(np.array([0.2, 0.1, 0.9])) == pytest.approx([319.5, 239.5])
    assert camera.eye == pytest.approx([3, -2, 1.5])
    assert camera.to_camera(np.array([0.2, 0.1, 0.9])) == pytest.approx([0, 0, np.linalg.norm([2.8, 2.1, 0.6])])
    above = camera.project(np.array([0.2, 0.1, 1.0])) - [319.5, 239.5]
    # Up in the world is up in the picture, turned anticlockwise by the roll.
    assert above / np.linalg.norm(above) == pytest.approx([-np.sin(roll), -np.cos(roll)], abs=1e-6)


@pytest.mark.parametrize(
    "change",
    [{"R": np.diag([1.0, 1, -1])}, {"R": np.eye(2)}, {"t": np.array([0, 0, np.nan])}, {"size": (0, 5)}],
)
def test_a_camera_that_is_none_is_refused(change: dict) -> None:
    good = {"K": np.eye(3), "R": np.eye(3), "t": np.zeros(3), "size": (4, 4)}
    Camera(**good)
    with pytest.raises(ValueError, match="Camera"):
        Camera(**(good | change))


def test_truth_is_the_projection_of_the_joints() -> None:
    people = [demo_motion(1, 10), squat(1, 10) + np.array([0.3, -0.9, 0], np.float32)]
    cameras = [camera_at(10 * k, roll=0.05 * k) for k in range(10)]
    film = DrawnFilm(people, cameras, fps=10)
    assert film.keypoints.shape == (2, 10, 17, 2)
    assert film.valid.all()
    for person, joints in enumerate(people):
        for t, camera in enumerate(cameras):
            # Independently: one 3x4 matrix, homogeneous points.
            matrix = camera.K @ np.hstack([camera.R, camera.t[:, None]])
            x, y, w = matrix @ np.vstack([joints[t].astype(float).T, np.ones(17)])
            assert film.keypoints[person, t] == pytest.approx(np.stack([x / w, y / w], -1), abs=1e-3)
            assert film.positions_camera[person, t, :, 2] == pytest.approx(w, abs=1e-5)
            bones = np.linalg.norm(np.diff(film.positions_camera[person, t], axis=0), axis=-1)
            assert bones == pytest.approx(np.linalg.norm(np.diff(joints[t], axis=0), axis=-1), abs=1e-5)


@pytest.mark.parametrize("degrees", [0, 45, 90, 180, 270])
@pytest.mark.parametrize("look", [LOOKS[0], LOOKS[2], LOOKS[5]])
def test_the_body_covers_its_joints_and_little_else(degrees: float, look: Look) -> None:
    motion = np.concatenate([walk(1.2, 5, speed=0), wave(0.6, 5), squat(2.6, 5)])
    camera = camera_at(degrees)
    for joints in motion[::2]:
        mask = silhouette(joints, camera, look)
        keypoints = camera.project(joints)
        inside = [i for i, name in enumerate(JOINTS) if name != "head"]
        column, row = np.round(keypoints[inside]).astype(int).T
        assert mask[row, column].all()
        # The crown is on the edge of the hair.
        x, y = np.round(keypoints[JOINTS.index("head")]).astype(int)
        assert mask[y - 1 : y + 6, x - 2 : x + 3].any()
        # Nothing is farther than a hand, a foot or half a waist from the nearest joint: 0.32 m.
        rows, columns = np.nonzero(mask)
        gap = np.linalg.norm(np.stack([columns, rows], -1)[:, None] - keypoints[None], axis=-1).min(axis=1)
        assert gap.max() < 0.32 * camera.K[0, 0] / 3.4


def test_nearer_people_hide_farther_ones() -> None:
    near = wave(0.1, 10) + np.array([0.8, 0, 0], np.float32)
    far = wave(0.1, 10) - np.array([0.8, 0, 0], np.float32)
    red, green = Look(shirt=(220, 30, 30)), Look(shirt=(30, 220, 30))
    for order in ((near, far), (far, near)):
        looks = (red, green) if order[0] is near else (green, red)
        film = DrawnFilm(order, camera_at(0), looks, fps=10, noise=0)
        x, y = np.round(film.keypoints[0 if order[0] is near else 1, 0, JOINTS.index("spine")]).astype(int)
        r, g, _ = film.frame(0)[y, x].astype(int)
        assert r > 2 * g, "the near one wears red, whoever comes first in the list"


def test_same_arguments_same_pixels_and_another_seed_other_ones() -> None:
    def film(seed: int) -> DrawnFilm:
        return DrawnFilm([demo_motion(0.5, 10)], camera_at(30), fps=10, seed=seed)

    first, second = film(3), film(3)
    frames = list(first)
    assert len(frames) == len(first) == 5
    # In any order, again, and in another object.
    assert np.array_equal(second.frame(4), frames[4])
    assert np.array_equal(second.frame(0), frames[0])
    assert not np.array_equal(film(4).frame(0), frames[0])
    assert not np.array_equal(frames[0], frames[1])


def test_people_come_and_go() -> None:
    motion = wave(0.6, 10)
    film = DrawnFilm(
        [motion, motion + np.array([0, 1, 0], np.float32)], camera_at(0), fps=10, spans=[(2, 4), (4, 9)], noise=0
    )
    assert film.valid.astype(int).tolist() == [[0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]]
    empty = film.frame(0)
    assert np.array_equal(empty, film.frame(1)), "nobody: the same empty room"
    assert not film.keypoints[~film.valid].any()
    assert not film.positions_camera[~film.valid].any()
    for person, frame in ((0, 2), (1, 4)):
        changed = np.abs(film.frame(frame).astype(int) - empty).max(axis=-1) > 25
        column = np.nonzero(changed)[1].mean()
        assert abs(column - film.keypoints[person, frame, 0, 0]) < 25


def test_a_film_of_nobody() -> None:
    film = DrawnFilm([], camera_at(0), fps=25, frames=3)
    assert film.keypoints.shape == (0, 3, 17, 2)
    frames = list(film)
    assert [frame.shape for frame in frames] == [(240, 320, 3)] * 3
    assert film.timestamps == pytest.approx([0, 0.04, 0.08])


@pytest.mark.parametrize("size", [(135, 240), (321, 181), (64, 64)])
@pytest.mark.parametrize("away", [0.2, 1.2, 30.0])
def test_any_size_and_distance_draws(size: tuple[int, int], away: float) -> None:
    film = DrawnFilm([wave(0.1, 10)], camera_at(20, size, away), fps=10)
    picture = film.frame(0)
    assert picture.shape == (size[1], size[0], 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 3


def test_a_moving_camera_moves_the_room_and_the_person() -> None:
    motion = np.repeat(wave(0.1, 10), 2, axis=0)
    film = DrawnFilm([motion], [camera_at(0), camera_at(8)], fps=10, noise=0)
    first, second = list(film)
    corner = np.s_[:60, :60]
    assert not np.array_equal(first[corner], second[corner])


@pytest.mark.parametrize(
    "make",
    [
        lambda: DrawnFilm([np.zeros((3, 16, 3))], camera_at(0)),
        lambda: DrawnFilm([np.full((3, 17, 3), np.nan)], camera_at(0)),
        lambda: DrawnFilm([wave(1, 3), wave(1, 4)], camera_at(0)),
        lambda: DrawnFilm([wave(1, 3)], [camera_at(0)] * 2),
        lambda: DrawnFilm([wave(1, 2)], [camera_at(0), camera_at(0, (64, 64))]),
        lambda: DrawnFilm([wave(1, 3)], camera_at(0), looks=[]),
        lambda: DrawnFilm([], camera_at(0)),
        lambda: Look(width=3),
    ],
)
def test_what_does_not_fit_is_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"expected|need"):
        make()


@pytest.mark.slow
@pytest.mark.parametrize(("degrees", "bound"), [(0, 1.6), (45, 2.0), (-45, 2.0), (180, 2.2)])
def test_mediapipe_finds_the_drawn_person(degrees: float, bound: float) -> None:
    """In every frame, near the truth (median over limb joints, % of body height), left and right as they are."""
    pose_module = pytest.importorskip("mediapipe").solutions.pose
    motion = np.concatenate([walk(1.2, 10, speed=0), wave(1.0, 10), squat(2.6, 10)])
    size = (960, 540)
    film = DrawnFilm([motion], camera_at(degrees, size), fps=10)
    rows = [pose_module.PoseLandmark[name.upper()] for name in LIMBS]
    columns = [JOINTS.index(name) for name in LIMBS]
    mirrored = [LIMBS.index(name.replace("left", "?").replace("right", "left").replace("?", "right")) for name in LIMBS]
    height = np.ptp(film.keypoints[0, 0, :, 1])
    errors = []
    with pose_module.Pose(model_complexity=1, static_image_mode=False) as pose:
        for t, picture in enumerate(film):
            landmarks = pose.process(picture).pose_landmarks
            assert landmarks is not None, f"nobody found in frame {t}"
            found = np.array(
                [[landmarks.landmark[row].x * size[0], landmarks.landmark[row].y * size[1]] for row in rows]
            )
            truth = film.keypoints[0, t, columns]
            error = np.linalg.norm(found - truth, axis=-1)
            assert error.mean() < np.linalg.norm(found[mirrored] - truth, axis=-1).mean(), f"swapped in frame {t}"
            errors.append(100 * error / height)
    assert np.median(errors) < bound
    assert np.percentile(errors, 90) < 2.5 * bound
