"""Clips worth more: bodies of populations, joined motions, cameras of all kinds, picture's edges; each by its laws."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from test_filming import bones, standing

from lifter.datasets.filming import joins, takes
from lifter.datasets.filming.bodies import LIMB_BONES, draw_adults, on_bodies
from lifter.datasets.filming.clips import CameraRange, ClipSource, look
from lifter.datasets.filming.edge import beyond, fill_beyond
from lifter.datasets.filming.people import PeopleSettings, draw_population
from lifter.datasets.filming.takes import TakeSettings, draw_cameras, film_takes, follow_scene
from lifter.datasets.mocap.packed import Sequence
from lifter.datasets.mocap.tiny import write_tiny_mocap
from lifter.datasets.mocap.tiny_motion import motion, places
from lifter.errors import LifterError
from lifter.training.filmed_dataset import FilmedDataset
from pipeline.clean import fill_unseen

sys.path.insert(0, str(Path(__file__).parent / "golden"))
from make_filmed import FILE, filmed

ALL_ON = {
    "people": {"population": True, "join": 0.5},
    "takes": {"wide": 0.7, "path": 0.6, "moving": 0.3, "shaking": 0.5, "edge": 0.6},
}
EVERY = {"wide": 1.0, "path": 1.0, "moving": 1.0, "shaking": 1.0}


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(17)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("mocap")
    write_tiny_mocap(made)
    return made


def walks(count: int, frames: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """People who walk, turn and swing: clips (N, T, 17, 3) and paths (N, T, 3)."""
    whole = np.stack([places(motion(frames, number)) for number in range(count)])
    return whole - whole[:, :, :1], whole[:, :, 0]


def test_clips_stay_what_they_were_while_nothing_is_switched_on() -> None:
    for made, told in zip(filmed(), json.loads(FILE.read_text()), strict=True):
        np.testing.assert_allclose(made, told, atol=1e-5, err_msg="if meant: python tests/golden/make_filmed.py")


@pytest.mark.parametrize("part", [*({group: {name: value}} for group, all_ in ALL_ON.items()
                                    for name, value in all_.items()), ALL_ON], ids=str)  # fmt: skip
def test_every_part_films_by_seed_and_index_alone(part: dict, folder: Path) -> None:
    one, same, other = (
        FilmedDataset(folder, seed=seed, recipe={"window": 32}, **part).__getitems__(range(6)) for seed in (1, 1, 2)
    )
    plain = FilmedDataset(folder, seed=1, recipe={"window": 32}).__getitems__(range(6))
    for name in ("keypoints", "positions"):
        assert one[name].isfinite().all()
        assert one[name].equal(same[name]) and not one[name].allclose(other[name], atol=1e-3)
        assert not one[name].allclose(plain[name], atol=1e-3)
    assert float(one["positions"][:, :, 0].abs().max()) == 0


def test_a_population_is_as_tall_and_as_varied_as_it_is_told(random: np.random.Generator) -> None:
    grown = draw_population(20000, PeopleSettings(children=0, true_size=True), random)
    arm, trunk, chest = (x.ravel() for x in (grown.limbs["upper_arm"], grown.trunk, grown.chest))
    both = np.std(np.log(arm))  # of men and women together: 5.2 % among men, and the sexes' difference
    assert 0.05 < both < 0.075 and arm.mean() == pytest.approx(0.285, rel=0.01)
    assert np.corrcoef(arm, trunk)[0, 1] > 0.5  # the tall are tall all over
    assert np.std(np.log(arm / trunk)) > 0.03 and np.std(np.log(chest / trunk)) > 0.04  # and yet not all alike
    young = draw_population(20000, PeopleSettings(children=1, true_size=True), random)
    ratio = (young.limbs["thigh"] + young.limbs["shin"]) / young.trunk
    assert ratio.mean() < ((grown.limbs["thigh"] + grown.limbs["shin"]) / grown.trunk).mean() - 0.01
    assert 0.65 < young.trunk.mean() / trunk.mean() < 0.9
    alike = draw_population(20000, PeopleSettings(children=0.5), random)
    size = (alike.trunk + alike.limbs["thigh"] + alike.limbs["shin"])[..., None] * alike.whole
    assert np.std(np.log(size)) == pytest.approx(0.03, rel=0.05) and size.mean() == pytest.approx(1.325, rel=0.01)


def test_people_of_a_population_are_alike_left_and_right_and_walk_as_far_as_legs_allow(
    random: np.random.Generator,
) -> None:
    clips, paths = walks(4)
    made, gone = on_bodies(clips + paths[:, :, None], draw_population(4, PeopleSettings(children=1), random))
    lengths = bones(made)
    np.testing.assert_allclose(lengths[..., 1:3], lengths[..., 4:6], atol=1e-5)
    np.testing.assert_allclose(lengths[..., 11:13], lengths[..., 14:16], atol=1e-5)
    assert np.ptp(lengths[..., [1, 2, 11, 12]], axis=1).max() < 1e-5
    legs = bones(made)[..., 1:3].sum(-1)[:, 0] / bones(clips)[..., 1:3].sum(-1)[:, 0]
    np.testing.assert_allclose(np.diff(gone, axis=1), legs[:, None, None] * np.diff(paths, axis=1), atol=1e-5)


def test_joined_motions_begin_as_one_and_end_as_the_other(random: np.random.Generator) -> None:
    bodies = draw_adults(8, random)
    windows, paths = walks(16)
    whole = windows + paths[:, :, None]
    one, other = on_bodies(whole[:8], bodies), on_bodies(whole[8:], bodies)
    clips, gone = joins.join(one, other, random)
    limb = [child - 1 for _, child, _ in LIMB_BONES]
    np.testing.assert_allclose(bones(clips)[..., limb], bones(one[0])[..., limb], atol=1e-5)  # nothing is stretched
    assert np.abs(clips[:, :, 0]).max() == 0
    np.testing.assert_allclose(clips[:, :, 1], -clips[:, :, 4], atol=1e-6)  # the pelvis stays between the hips
    np.testing.assert_array_equal(clips[:, 0], one[0][:, 0])
    angles = joins.heading(clips, np.full(8, 95)) - joins.heading(other[0], np.full(8, 95))
    np.testing.assert_allclose(clips[:, -1], joins.turn_about(other[0], angles)[:, -1], atol=1e-5)
    # No frame is a jump: none is much faster than the motions were, with half a second for at most a half turn.
    speed = np.linalg.norm(np.diff(clips, axis=1), axis=-1).max()
    before = max(np.linalg.norm(np.diff(c, axis=1), axis=-1).max() for c in (one[0], other[0]))
    assert speed < before + 1.5 * np.pi / joins.FRAMES[0] * 0.9
    step = np.linalg.norm(np.diff(gone[..., :2], axis=1), axis=-1)
    fastest = max(np.linalg.norm(np.diff(p[..., :2], axis=1), axis=-1).max() for p in (one[1], other[1]))
    assert step.max() <= fastest + 1e-6


def test_a_motion_joined_with_itself_is_itself(random: np.random.Generator) -> None:
    clips, paths = walks(5)
    made, gone = joins.join((clips, paths), (clips, paths), random)
    np.testing.assert_allclose(made, clips, atol=1e-5)
    np.testing.assert_allclose(gone, paths, atol=1e-4)


def test_halfway_between_two_bones_lies_half_the_angle() -> None:
    a, b = np.array([[0.0, 0, 2], [1, 0, 0], [0, 1, 0]]), np.array([[0.0, 2, 0], [1, 0, 0], [0, -1, 0]])
    half = joins._slerp(a[None], b[None], np.full((1, 1, 1), 0.5))[0]
    np.testing.assert_allclose(half[0], [0, np.sqrt(2), np.sqrt(2)], atol=1e-12)
    np.testing.assert_allclose(half[1], [1, 0, 0], atol=1e-12)
    assert np.linalg.norm(half[2]) == pytest.approx(1) and abs(half[2] @ b[2]) < 1e-6  # opposite: over the side


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_keypoints_are_the_projection_of_the_frames_own_camera(share: float, random: np.random.Generator) -> None:
    """Whatever the camera does, the picture is that of the positions in its axes, with the pelvis where it says."""
    clips, paths = walks(12)
    settings = TakeSettings(**dict.fromkeys(EVERY, share))
    positions, keypoints, pelvis = film_takes(clips, paths, settings, CameraRange(), 50.0, random)
    np.testing.assert_allclose(bones(positions), bones(clips), atol=1e-5)
    np.testing.assert_allclose(pelvis, keypoints[:, :, 0], atol=1e-5)
    ray = np.concatenate([keypoints[:, :, 0], np.ones_like(keypoints[:, :, 0, :1])], axis=-1)
    # The depth of the pelvis from the head's pixel (linear in it), then every joint from that.
    head, u = positions[:, :, 10], keypoints[:, :, 10]
    other = u - ray[..., :2]
    away = head[..., :2] - u * head[..., 2:]
    depth = (other * away).sum(-1) / np.square(other).sum(-1)
    absolute = positions + (ray * depth[..., None])[:, :, None]
    near = np.abs(absolute[..., :2] / absolute[..., 2:] - keypoints).max()
    assert near < 2e-3 and depth.min() > takes.NEAREST - 0.1


def test_nothing_switched_on_is_a_camera_that_stays_with_the_person(random: np.random.Generator) -> None:
    _, paths = walks(6)
    cameras = draw_cameras(6, TakeSettings(), CameraRange(), random)
    rotation, place = follow_scene(cameras, paths, TakeSettings(), 50.0, random)
    np.testing.assert_allclose(rotation, np.repeat(cameras.rotation[:, None], 96, axis=1))
    np.testing.assert_allclose(place, np.repeat(cameras.place[:, None], 96, axis=1))


def test_a_camera_that_stands_sees_the_path_itself(random: np.random.Generator) -> None:
    _, paths = walks(6)
    settings = TakeSettings(path=1.0, pan=0.0)
    far = CameraRange(distance=(30.0, 40.0), off_axis=1.0)
    cameras = draw_cameras(6, settings, far, random)
    rotation, place = follow_scene(cameras, paths, settings, 50.0, random)
    np.testing.assert_allclose(rotation, np.repeat(cameras.rotation[:, None], 96, axis=1), atol=1e-12)
    in_room = np.einsum("nji,ntj->nti", cameras.rotation, place)  # turned back, the way is that of the recording
    np.testing.assert_allclose(np.diff(in_room, axis=1), np.diff(paths, axis=1), atol=1e-6)
    np.testing.assert_allclose(place[:, 48], cameras.place, atol=1e-12)


def test_a_camera_without_lag_keeps_the_person_where_he_was() -> None:
    seconds = np.linspace(0, 2, 96)[:, None]
    place = np.array([0.3, -0.2, 4.0]) + seconds * np.array([[1.0, 0.0, 0.0], [0.3, 0.4, -0.5]])[:, None]
    turns = takes.pans(place, np.array([0.0, 0.0]))
    seen = np.einsum("ntij,ntj->nti", turns, place)
    picture = seen[..., :2] / seen[..., 2:]
    np.testing.assert_allclose(picture[..., 0], np.repeat(picture[:, :1, 0], 96, axis=1), atol=0.01)
    np.testing.assert_allclose(picture[..., 1], np.repeat(picture[:, :1, 1], 96, axis=1), atol=0.01)
    late = takes.pans(place, np.array([20.0, 20.0]))
    np.testing.assert_allclose(late[:, 0], np.repeat(np.eye(3)[None], 2, axis=0), atol=1e-12)
    behind = np.einsum("ntij,ntj->nti", late, place)
    assert 0.02 < (behind[0, -1, 0] / behind[0, -1, 2] - picture[0, -1, 0]) < 0.25  # he runs ahead of the camera
    for rotation in late.reshape(-1, 3, 3)[::10]:
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)


def test_hands_shake_as_much_and_as_fast_as_told(random: np.random.Generator) -> None:
    turns = takes.hand(200, 500, 50.0, np.full(200, 0.6), random)
    angle = np.degrees(np.arccos(np.clip((np.trace(turns, axis1=-2, axis2=-1) - 1) / 2, -1, 1)))
    assert np.sqrt(np.square(angle).mean()) == pytest.approx(0.6, rel=0.05)
    power = np.square(np.abs(np.fft.rfft(turns[:, :, 0, 1] * np.hanning(500), axis=1))).mean(axis=0)
    frequency = np.fft.rfftfreq(500, 1 / 50)
    assert power[frequency > 7].sum() < 1e-3 * power.sum()


def test_moving_cameras_are_as_fast_as_told_and_never_jump(random: np.random.Generator) -> None:
    way = takes.smooth_path(300, 500, 50.0, (1.0, 1.0), random)
    speed = 50 * np.diff(way, axis=1)
    assert np.sqrt(np.square(speed).sum(-1).mean()) == pytest.approx(1.0, rel=0.1)
    assert (50 * np.abs(np.diff(speed, axis=1))).max() < 5  # metres a second squared


def test_wide_cameras_fill_their_ranges_above_the_ground(random: np.random.Generator) -> None:
    cameras = draw_cameras(4000, TakeSettings(wide=1.0), CameraRange(), random)
    up = cameras.rotation[:, :, 2]
    height = 0.95 - (up * cameras.place).sum(-1)
    assert height.min() > 0.05 and height.max() < 10.1
    pitch = np.degrees(np.arcsin(-cameras.rotation[:, 2, 2]))
    assert -40 <= pitch.min() < -25 and 45 < pitch.max() <= 50
    depth = cameras.place[:, 2]
    assert 1.5 <= depth.min() < 2 and 13 < depth.max() <= 15
    field = 2 * np.degrees(np.arctan(cameras.halves.max(axis=1)))
    assert 30 <= field.min() < 32 and 88 < field.max() <= 90
    inside = np.abs(cameras.place[:, :2] / depth[:, None]) / cameras.halves
    assert 0.8 < inside.max() <= 0.85
    assert (1.7 / (2 * depth * cameras.halves[:, 1])).max() <= 1.4 + 1e-6


def test_roll_and_pitch_are_the_cameras_own() -> None:
    limits = dict.fromkeys(("pitch", "roll"), (20.0, 20.0))
    cameras = draw_cameras(5, TakeSettings(wide=1.0, height=(0.0, 100.0), **limits), CameraRange(),
                           np.random.default_rng(0))  # fmt: skip
    angle = np.radians(np.full(5, 20.0))
    np.testing.assert_allclose(cameras.rotation[:, :, 2], look(0 * angle, angle, angle)[:, :, 2], atol=1e-12)


def test_what_is_hidden_is_filled_as_the_pipeline_fills_it(random: np.random.Generator) -> None:
    clips, _ = walks(4)
    keypoints = clips[..., [0, 2]] * [1, -1] + random.uniform(-0.2, 0.2, (4, 1, 1, 2))
    hidden = np.zeros(keypoints.shape[:3], bool)
    hidden[0, 10:30, 3] = hidden[0, 80:, 13] = hidden[1, 5:70, [1, 2, 3]] = hidden[1, :20, 10] = True
    hidden[2, 40:60, :7] = True  # pelvis and legs
    hidden[3, 20:90] = True  # everything
    filled = fill_beyond(keypoints.astype(np.float32), hidden, np.full((4, 2), 5.0))
    for clip in range(4):
        told = fill_unseen(keypoints[clip], ~hidden[clip], np.arange(96) / 50)
        np.testing.assert_allclose(filled[clip], told, atol=1e-5)


def test_what_is_never_seen_stays_at_the_edge() -> None:
    keypoints = np.stack([standing(30)[None, ..., [0, 2]] * [1, -1]])[0].astype(np.float32)
    halves = np.array([[0.5, 0.6]])
    hidden = beyond(keypoints, halves)
    np.testing.assert_array_equal(hidden, (np.abs(keypoints) > halves).any(-1))
    assert hidden.any() and not hidden.all()
    filled = fill_beyond(keypoints, hidden, halves)
    np.testing.assert_array_equal(filled[~hidden], keypoints[~hidden])
    never = hidden.all(axis=1)[0]
    np.testing.assert_allclose(filled[0, :, never], np.clip(keypoints, -halves, halves)[0, :, never], atol=1e-6)


def test_cut_clips_keep_their_truth_and_what_is_inside(random: np.random.Generator) -> None:
    clips, paths = walks(40, 48)
    near = {"wide": 1.0, "largest": 1.6, "distance": (1.5, 3.0)}
    films = [
        film_takes(clips, paths, TakeSettings(**near, edge=edge), CameraRange(), 50.0, np.random.default_rng(4))
        for edge in (0.0, 1.0)
    ]
    np.testing.assert_array_equal(films[0][0], films[1][0])
    changed = (films[0][1] != films[1][1]).any(axis=-1)
    assert 0.02 < changed.mean() < 0.4
    assert (changed.mean(axis=(1, 2)) <= 0.5).all()


def test_scenes_are_of_the_recordings_own_paths(random: np.random.Generator) -> None:
    sequence = Sequence("a", "uiprmd", standing(200) + np.linspace(0, 4, 200)[:, None, None] * [1.0, 0, 0])
    source = ClipSource([sequence], {}, 96)
    clips, paths = source.draw_scenes(6, PeopleSettings(), random)
    assert clips.shape == (6, 96, 17, 3) and paths.shape == (6, 96, 3) and np.abs(clips[:, :, 0]).max() == 0
    walked = np.abs(np.diff(paths[..., 0], axis=1))
    assert (walked.max(axis=1) > 0.01).all() and np.abs(paths[..., 1]).max() < 0.1


@pytest.mark.parametrize("wrong", [{"wide": 1.5}, {"pitch": [50.0, -40.0]}, {"distance": [0.5, 3.0]}, {"lag": [-1, 2]}])
def test_wrong_takes_are_one_line(wrong: dict, folder: Path) -> None:
    with pytest.raises(LifterError, match="takes"):
        FilmedDataset(folder, takes=wrong)
    with pytest.raises(LifterError, match="children and join"):
        FilmedDataset(folder, people={"join": 2.0})
