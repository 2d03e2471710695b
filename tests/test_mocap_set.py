"""Motion capture filmed: cameras that see the person, pixels that are the projection, bodies, shares, seeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lifter import joints
from lifter.datasets.filming import studio
from lifter.datasets.filming.clips import CameraRange, film
from lifter.datasets.filming.noise import NoiseSettings, add_noise
from lifter.datasets.filming.sets import chosen, default_shares, film_recordings
from lifter.datasets.filming.shots import FilmingSettings, another_body, disturbed, leg_length
from lifter.datasets.mocap.packed import Sequence, canonical
from lifter.datasets.mocap.recordings import OwnSettings, Recording, described, read_recordings, split_by_person
from lifter.datasets.mocap.tiny import write_tiny_mocap
from lifter.datasets.mocap.tiny_motion import motion, places
from lifter.errors import LifterError
from lifter.screen import to_person, turn_back


def recording(number: int = 0, split: str = "train", frames: int = 60, group: str = "uiprmd") -> Recording:
    return Recording(f"r{number}", group, f"p{number}", "walk", split, places(motion(frames, number)))


def bones(positions: np.ndarray) -> np.ndarray:
    return np.linalg.norm(positions[:, 1:] - positions[:, list(joints.PARENTS[1:])], axis=-1)


def test_studio_cameras_stand_round_the_person_and_see_all_of_it() -> None:
    far = places(motion(80, 3)) + np.linspace(0, 7, 80)[:, None, None].astype(np.float32) * [1, 0, 0]
    for positions in (places(motion(80, 2)), far.astype(np.float32)):
        middle = positions[:, 0].mean(axis=0)
        for number, azimuth in enumerate(studio.azimuths(4)):
            rotation, place = studio.place_camera(positions, azimuth, np.random.default_rng(number))
            np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
            stands = np.degrees(np.arctan2(place[1] - middle[1], place[0] - middle[0])) % 360
            assert abs(stands - (45, 135, 225, 315)[number]) <= 15 + 1e-6
            assert 1.1 <= place[2] - studio.floor_of(positions) <= 1.8
            assert np.hypot(*(place - middle)[:2]) >= 3.5
            x, y, z = rotation @ (middle - place)
            assert np.degrees(np.hypot(x, y) / z) < 4.5  # aimed at the pelvis, but for its errors
            seen = studio.seen_from(positions, rotation, place)
            assert seen[..., 2].min() >= 1.5
            # The picture is 1000 pixels wide at 1145 pixels of focal length.
            assert np.abs(seen[..., :2] / seen[..., 2:]).max() <= 500 / 1145 + 1e-6
            assert (seen[:, 10, 1] < seen[:, 3, 1] - 1).all()  # heads are above feet: y is down


def test_a_studio_picture_is_the_pinhole_of_the_positions() -> None:
    (made,) = film_recordings([recording(0), recording(1, "test")], FilmingSettings(bodies="recorded"))
    poses = made.poses
    assert len(poses) == 8 and list(poses.lengths) == [60] * 8
    assert list(poses.cameras[:4]) == ["studio_1", "studio_2", "studio_3", "studio_4"]
    assert list(poses.splits) == ["train"] * 4 + ["test"] * 4 and set(poses.subjects) == {"p0", "p1"}
    x, y, z = poses.positions.astype(float).reshape(-1, 3).T
    np.testing.assert_allclose(
        made.keypoints.reshape(-1, 2), np.stack([1145 * x / z + 500, 1145 * y / z + 500], 1), atol=2e-3
    )
    for sequence in range(4):  # a camera moves nobody's bones
        np.testing.assert_allclose(
            bones(poses.positions[poses.frames(sequence)]), bones(places(motion(60, 0))), atol=1e-5
        )


def test_training_bodies_differ_by_camera_and_the_others_stay() -> None:
    (made,) = film_recordings([recording(0), recording(1, "test")], FilmingSettings(views=3))
    thighs = [bones(made.poses.positions[made.poses.frames(s)])[:, 1] for s in range(6)]
    assert max(np.ptp(thigh) for thigh in thighs) < 1e-4  # one body a sequence
    assert np.ptp([thigh[0] for thigh in thighs[:3]]) > 0.005
    np.testing.assert_allclose([thigh[0] for thigh in thighs[3:]], 0.42, atol=1e-5)


def test_another_body_walks_as_far_as_its_legs_allow_with_its_feet_on_the_floor() -> None:
    positions = canonical(places(motion(80, 1)))
    made = another_body(positions, np.random.default_rng(0))
    ratio = leg_length(made) / leg_length(positions)
    assert abs(ratio - 1) > 0.01
    np.testing.assert_allclose(np.diff(made[:, 0], axis=0), ratio * np.diff(positions[:, 0], axis=0), atol=1e-5)
    assert studio.floor_of(made) == pytest.approx(studio.floor_of(positions), abs=0.03)
    np.testing.assert_allclose(made[:, 0], (made[:, 1] + made[:, 4]) / 2, atol=1e-5)


def test_wild_cameras_are_those_that_film_clips() -> None:
    """The picture, and what a detector makes of it, of the evaluation that earlier figures come from."""
    held = [recording(number, "test") for number in range(3)]
    exact, noisy = film_recordings(held, FilmingSettings(cameras="wild", keypoints=("gt", "noisy")))
    for number, one in enumerate(held):
        random = np.random.default_rng([2020, number])
        body = canonical(one.positions)
        truth, keypoints = film((body - body[:, :1])[None], CameraRange(), random)
        true, turns = to_person(keypoints)
        disturbed_ = add_noise(true.copy(), NoiseSettings(), random)
        at = exact.poses.frames(number)
        seen = exact.poses.positions[at]
        np.testing.assert_allclose(seen - seen[:, :1], truth[0], atol=2e-6)
        np.testing.assert_allclose((exact.keypoints[at] - 1000) / 1000, keypoints[0], atol=1e-5)
        upright, again = to_person(noisy.keypoints[at][None])
        expected, more = to_person(disturbed_)
        np.testing.assert_allclose(upright, expected, atol=2e-4)
        # The same turn in all, taken at once or in two steps.
        probe = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
        np.testing.assert_allclose(turn_back(probe, again), turn_back(turn_back(probe, more), turns), atol=2e-3)


def test_views_of_the_wild_differ_and_the_pelvis_stays_before_them() -> None:
    (made,) = film_recordings([recording(0, "test")], FilmingSettings(cameras="wild", views=2))
    first, second = (made.poses.positions[made.poses.frames(view)] for view in (0, 1))
    assert np.ptp(first[:, 0], axis=0).max() < 1e-5 < np.abs(first[0, 0] - second[0, 0]).max()
    assert list(made.poses.names) == ["uiprmd/r0/wild_1", "uiprmd/r0/wild_2"]


def test_noise_is_measured_by_the_person() -> None:
    (made,) = film_recordings([recording(0, "test")], FilmingSettings(views=1))
    noise = NoiseSettings(bias=(0, 0), drift=0.05, jitter=0, miss=0, gap=0, strength=(1, 1))
    error = [
        disturbed(scale * made.keypoints, noise, np.random.default_rng(1)) - scale * made.keypoints for scale in (1, 3)
    ]
    np.testing.assert_allclose(error[1], 3 * error[0], atol=0.01)
    radius = np.sqrt(np.square(made.keypoints - made.keypoints[:, :1]).sum(-1).mean(-1)).mean()
    assert error[0].std() == pytest.approx(0.05 * radius, rel=0.15)
    still = replace(noise, drift=0.0)
    np.testing.assert_allclose(disturbed(made.keypoints, still, np.random.default_rng(1)), made.keypoints, atol=1e-3)


def test_the_same_seed_gives_the_same_set_and_another_one_another() -> None:
    for cameras in ("studio", "wild"):
        settings = FilmingSettings(cameras=cameras, keypoints=("noisy",), views=1)
        first, again, other = (
            film_recordings([recording()], replace(settings, seed=seed))[0].keypoints for seed in (0, 0, 1)
        )
        np.testing.assert_array_equal(first, again)
        assert np.abs(first - other).max() > 1


def test_shares_thin_the_training_recordings_alone_and_nest() -> None:
    held = [recording(number, split) for number in range(200) for split in ("train", "test")]
    held += [recording(999, group="cmu8")]
    small, large = ({one.name for one in chosen(held, "train", {"uiprmd": share})} for share in (0.2, 0.5))
    assert small < large and 20 < len(small) < 60 and 70 < len(large) < 130
    assert "r999" in small and len(chosen(held, "test", {"uiprmd": 0.2})) == 200
    assert default_shares(held) and not default_shares(held[-1:])
    with pytest.raises(LifterError, match="no group 'other'"):
        chosen(held, "train", {"other": 0.1})


def test_names_tell_who_and_what() -> None:
    def told(group: str, name: str) -> tuple[str, str]:
        made = described(Sequence(name, group, places(motion(2, 0))))
        return made.subject, made.action

    assert told("uiprmd", "m05_s10_e03_positions_inc") == ("uiprmd s10", "sit to stand")
    assert told("hdm05", "HDM_tr_jogLeftCircle4StepsRstart_017_120") == ("hdm tr", "jogLeftCircle")
    assert told("cmu8", "train/walking_extra/walking_13") == ("cmu", "walking")
    assert told("cmu_daz_01-14", "13/13_29") == told("cmu_amc_01-03", "13_29") == ("cmu 13", "subject 13")
    assert told("other", "x") == ("other", "other")


def test_people_are_split_and_one_persons_recordings_by_their_order() -> None:
    def splits(people: str, test: tuple[str, ...] = (), validation: tuple[str, ...] = ()) -> str:
        made = [replace(recording(number), subject=person) for number, person in enumerate(people)]
        return "".join(one.split[0] + one.split[1] for one in split_by_person(made, test, validation))

    assert splits("abc") == "trvate" and splits("ab") == "trte" and splits("a" * 5) == "trtrtrtrte"
    assert splits("a") == "tr" and splits("aa") == "trte"
    assert splits("abcd", ("a",)) == "tetrtrva" and splits("abcd", ("a", "b"), ("c",)) == "tetevatr"
    for test, validation in ((("z",), ()), (("a",), ("a",)), (("a", "b"), ())):
        with pytest.raises(LifterError, match="split"):
            splits("ab", test, validation)


@pytest.mark.parametrize("form", ["npz", "bvh", "asf_amc"])
def test_every_form_of_the_tiny_set_has_every_split(tmp_path: Path, form: str) -> None:
    write_tiny_mocap(tmp_path, form, frames=60)
    made = read_recordings(tmp_path, OwnSettings(fps=50))
    assert {one.split for one in made} == {"train", "validation", "test"}
    assert len({(one.group, one.name) for one in made}) == len(made)
    numbers = {"npz": [0, 1, 2, 0, 1, 2, 3]}.get(form, list(range(8)))
    for one, number in zip(made, numbers, strict=True):
        np.testing.assert_allclose(canonical(one.positions), places(motion(60, number)), atol=2e-3)


def test_an_amc_finds_its_skeleton_by_name(tmp_path: Path) -> None:
    write_tiny_mocap(tmp_path / "a", "asf_amc", frames=80)
    flat = tmp_path / "flat"
    flat.mkdir()
    for file in (tmp_path / "a").rglob("*.a*"):
        (flat / file.name).write_bytes(file.read_bytes())
    made = read_recordings(flat)
    assert len(made) == 8 and {one.subject for one in made} == {"flat"}
    (flat / "anna.asf").unlink()
    with pytest.raises(LifterError, match=r"anna_walk_1\.amc: no skeleton beside it"):
        read_recordings(flat)


@pytest.mark.parametrize(
    "change",
    [{"cameras": "phone"}, {"bodies": "none"}, {"keypoints": ()}, {"splits": ("dev",)}, {"views": -1}, {"seed": -1},
     {"shares": {"uiprmd": 1.5}}, {"shares": {"uiprmd": float("nan")}}],
)  # fmt: skip
def test_bad_settings_are_one_line(change: dict) -> None:
    with pytest.raises(LifterError, match=next(iter(change)).removesuffix("s")):
        FilmingSettings(**change)


def test_two_recordings_of_one_name_are_told() -> None:
    with pytest.raises(LifterError, match="two recordings are called 'uiprmd/r0'"):
        film_recordings([recording(0), recording(0)], FilmingSettings())
    (made,) = film_recordings([recording(0)], FilmingSettings(splits=("train", "train")))
    assert len(made.poses) == 4
