"""MPI-INF-3DHP: both its forms read alike, joints by the bones of a known body, and wrong files told in one line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from lifter import joints
from lifter.__main__ import main
from lifter.datasets.mpi_inf_3dhp import layout as layout
from lifter.datasets.mpi_inf_3dhp.sets import assemble, fit_pinhole, hold, read_mpi_inf_3dhp
from lifter.datasets.mpi_inf_3dhp.tiny import BODY, UNIVERSAL, intrinsics, write_tiny_mpi_inf_3dhp
from lifter.datasets.poseset import PoseSet, read_poseset
from lifter.errors import LifterError

FRAMES = 40
# Whose place our joint takes.
THEIRS = {
    "pelvis": "pelvis", "right_hip": "right_hip", "right_knee": "right_knee", "right_ankle": "right_ankle",
    "left_hip": "left_hip", "left_knee": "left_knee", "left_ankle": "left_ankle", "spine": "spine", "thorax": "neck",
    "neck": "head", "head": "head_top", "left_shoulder": "left_shoulder", "left_elbow": "left_elbow",
    "left_wrist": "left_wrist", "right_shoulder": "right_shoulder", "right_elbow": "right_elbow",
    "right_wrist": "right_wrist",
}  # fmt: skip


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_tiny_mpi_inf_3dhp(tmp_path_factory.mktemp("tiny"), FRAMES)


@pytest.fixture(scope="module")
def original(tiny: tuple[Path, Path]) -> PoseSet:
    return read_mpi_inf_3dhp(tiny[0], "univ_annot3", "S8")


@pytest.fixture(scope="module")
def true_sizes(tiny: tuple[Path, Path]) -> PoseSet:
    return read_mpi_inf_3dhp(tiny[0], "annot3")


def millimetres_between(ancestor: str, joint: str) -> float:
    """Distance of two of the known body's joints that lie on one rigid piece."""
    way = np.zeros(3)
    while joint != ancestor:
        joint, offset = BODY[joint][0], BODY[joint][1]
        way += offset
    return float(np.linalg.norm(way))


def bones(poses: Any) -> np.ndarray:
    """Bone lengths (valid frames, 16) in metres."""
    positions = poses.positions[poses.valid]
    return np.linalg.norm(positions[:, 1:] - positions[:, list(joints.PARENTS[1:])], axis=-1)


def test_both_forms_say_the_same(tiny: tuple[Path, Path], original: PoseSet) -> None:
    common = read_mpi_inf_3dhp(tiny[1], "univ_annot3", "S8")
    for item in fields(original.poses):
        if item.name != "about":
            one, other = getattr(original.poses, item.name), getattr(common.poses, item.name)
            np.testing.assert_array_equal(one, other, err_msg=item.name)
            assert one.dtype == other.dtype, item.name
    for name in ("keypoints", "scores", "seen"):
        np.testing.assert_array_equal(getattr(original, name), getattr(common, name), err_msg=name)
    told, also = dict(original.poses.about), dict(common.poses.about)
    assert told.pop("activities").keys() == {"TS1", "TS3", "TS5"} and also.pop("activities") == {}
    assert told == also


@pytest.mark.parametrize(("annotation", "scale"), [("annot3", 1.0), ("univ_annot3", UNIVERSAL)])
def test_every_joint_has_its_name(original: PoseSet, true_sizes: PoseSet, annotation: str, scale: float) -> None:
    """No two bones of the known body are of one length, so a joint out of place or of the other side shows."""
    poses = (true_sizes if annotation == "annot3" else original).poses
    wanted = [
        millimetres_between(THEIRS[joints.NAMES[parent]], THEIRS[joints.NAMES[joint]]) * scale / 1000
        for parent, joint in joints.LIMBS
    ]
    assert np.diff(sorted(wanted)).min() > 1e-3
    np.testing.assert_allclose(bones(poses), np.broadcast_to(wanted, bones(poses).shape), atol=1e-5)
    assert poses.about["annotation"] == annotation and annotation in poses.about["protocol"]


def test_positions_are_absolute_and_seen_by_the_known_cameras(true_sizes: PoseSet) -> None:
    poses = true_sizes.poses
    for at, camera in enumerate(poses.cameras):
        frames = poses.frames(at)
        number = int(camera) if camera != "test" else 20 + int(poses.subjects[at][2:])
        f_x, f_y, c_x, c_y = intrinsics(number)
        x, y, z = np.moveaxis(poses.positions[frames][poses.valid[frames]], -1, 0)
        pixels = np.stack([x / z * f_x + c_x, y / z * f_y + c_y], axis=-1)
        np.testing.assert_allclose(pixels, true_sizes.keypoints[frames][poses.valid[frames]], atol=2e-3)
        np.testing.assert_allclose(poses.intrinsics[at], intrinsics(number), atol=0.05)
        assert 3 < z[:, 0].mean() < 5  # the cameras stand 4 m away
        assert (y[:, 10] < y[:, 0]).all()  # y is down
    assert poses.about["intrinsics_left_px"]["largest"] < 0.01
    assert "approximate" not in poses.about["intrinsics"]


def test_a_scaled_body_has_an_approximate_camera_and_says_so(original: PoseSet, true_sizes: PoseSet) -> None:
    assert original.poses.about["intrinsics_left_px"]["median"] > 1
    assert "approximate" in original.poses.about["intrinsics"]
    at = original.poses.valid  # only the pelvis stays
    np.testing.assert_array_equal(original.poses.positions[at, 0], true_sizes.poses.positions[at, 0])


def test_what_is_known_of_each_sequence(original: PoseSet) -> None:
    poses = original.poses
    assert len(poses) == 3 * 8 + 3 and (poses.lengths == FRAMES).all()
    row = {name: at for at, name in enumerate(poses.names.tolist())}
    assert [name for name in row if name.startswith("S1_Seq1")] == [
        f"S1_Seq1_camera{c}" for c in (0, 1, 2, 4, 5, 6, 7, 8)
    ]
    first, fast, held, studio, street = (
        row[name] for name in ("S1_Seq1_camera4", "S1_Seq2_camera0", "S8_Seq1_camera8", "TS3", "TS5")
    )
    said = list(zip(poses.subjects, poses.actions, poses.cameras, poses.groups, poses.splits, poses.fps, strict=True))
    assert said[first] == ("S1", "Seq1", "4", "train", "train", 25)
    assert said[fast] == ("S1", "Seq2", "0", "train", "train", 50)
    assert said[held] == ("S8", "Seq1", "8", "train", "validation", 25)
    assert said[studio] == ("TS3", "TS3", "test", "no_green_screen", "test", 25)
    assert said[street] == ("TS5", "TS5", "test", "outdoor", "test", 25)
    assert poses.groups[row["TS1"]] == "green_screen"
    assert poses.sizes[[first, studio, street]].tolist() == [[2048, 2048], [2048, 2048], [1920, 1080]]
    assert "S2_Seq1_camera0" in poses.about["missing"] and "TS6" in poses.about["missing"]
    assert len(poses.about["missing"]) == 16 * 8 + 6 - 27
    assert poses.about["activities"]["TS5"][0] == [0, "stand_walk"]
    assert [name for _, name in poses.about["activities"]["TS5"]] == list(layout.ACTIVITIES)


def test_scores_leave_out_what_the_official_groups_leave_out(original: PoseSet) -> None:
    scored = {joints.NAMES[joint] for joint in original.poses.about["score_joints"]}
    assert set(joints.NAMES) - scored == {"pelvis", "spine", "neck"}  # their pelvis, spine and head


def test_windows_run_over_all_frames_and_scores_over_valid_ones(original: PoseSet) -> None:
    test = original.split("test")
    wanted = np.tile(np.arange(FRAMES) % 10 == 3, 3)
    np.testing.assert_array_equal(test.poses.valid, wanted)
    assert original.split("train").poses.valid.all() and original.split("validation").poses.valid.all()
    garbage = test.poses.positions[~wanted]
    assert np.isfinite(garbage).all() and garbage.max() > 100  # kept as it is where it is numbers
    assert np.abs(np.diff(test.keypoints[:FRAMES], axis=0)).max() < 200  # the 2D goes on through frames not valid


def test_frames_beyond_the_pictures_are_left_out(
    tiny: tuple[Path, Path], original: PoseSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(layout.SEQUENCES, ("S1", "Seq1"), (30, 25))
    cut = read_mpi_inf_3dhp(tiny[0])
    assert cut.poses.lengths.tolist() == [30] * 8 + [FRAMES] * 19
    np.testing.assert_array_equal(cut.keypoints[:30], original.keypoints[:30])


def test_cells_belong_to_the_cameras_they_name(tmp_path: Path, tiny: tuple[Path, Path], original: PoseSet) -> None:
    data = scipy.io.loadmat(tiny[0] / "S1" / "Seq1" / "annot.mat")
    back = {name: data[name][::-1] for name in ("annot2", "univ_annot3")}
    (tmp_path / "S1" / "Seq1").mkdir(parents=True)
    scipy.io.savemat(tmp_path / "S1" / "Seq1" / "annot.mat", {**back, "cameras": data["cameras"][:, ::-1]})
    turned = read_mpi_inf_3dhp(tmp_path)
    np.testing.assert_array_equal(turned.keypoints, original.keypoints[: 8 * FRAMES])


def test_the_test_set_may_lie_in_the_folder_itself(tmp_path: Path, tiny: tuple[Path, Path], original: PoseSet) -> None:
    shutil.copytree(tiny[0] / "mpi_inf_3dhp_test_set", tmp_path / "data")
    np.testing.assert_array_equal(read_mpi_inf_3dhp(tmp_path / "data").keypoints, original.split("test").keypoints)


def test_prepare_is_read_back(tmp_path: Path, tiny: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["prepare", "3dhp", "--source", str(tiny[1]), "--out", str(tmp_path / "out"), "--validation", "S8"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert f"test: 3 sequences, {3 * FRAMES} frames, 12 to score" in said and "Table 9" in said
    back, made = read_poseset(tmp_path / "out"), read_mpi_inf_3dhp(tiny[1], validation="S8")
    assert back.poses.about == made.poses.about
    np.testing.assert_array_equal(back.poses.positions, made.poses.positions)
    np.testing.assert_array_equal(back.keypoints, made.keypoints)


def test_frames_without_numbers_hold_the_last_good_one() -> None:
    values = np.arange(10, dtype=np.float32).reshape(5, 2)
    values[[0, 2, 3]] = np.nan
    held = hold(values, np.isfinite(values).all(axis=1))
    assert held[:, 0].tolist() == [2, 2, 2, 2, 8]
    assert (hold(values, np.zeros(5, bool)) == 0).all()


def test_keypoints_that_are_missing_are_not_seen(original: PoseSet) -> None:
    random = np.random.default_rng(0)
    deep = random.uniform(-1000, 1000, (4, 17, 3)) + np.array([0, 0, 4000])
    flat = deep[..., :2] / deep[..., 2:] * 1500 + 1024
    flat[1, 3, 0] = np.nan
    made = assemble([layout.take(("TS1", "", "test"), flat, deep, np.ones(4))], "annot3", None)
    assert made.seen.tolist() == [True, False, True, True] and made.scores[:, 0].tolist() == [1, 0, 1, 1]
    np.testing.assert_array_equal(made.keypoints[1], made.keypoints[0])


def test_the_pinhole_is_the_least_squares_one() -> None:
    random = np.random.default_rng(1)
    places = random.normal(size=(200, 3)) + np.array([0.3, 0.1, 6])
    pixels = places[:, :2] / places[:, 2:] * [1400, 1300] + [1000, 500] + random.normal(scale=9, size=(200, 2))
    found = fit_pinhole(pixels, places)
    for axis in range(2):
        rows = np.stack([places[:, axis] / places[:, 2], np.ones(200)], axis=-1)
        wanted = np.linalg.lstsq(rows, pixels[:, axis], rcond=None)[0]
        np.testing.assert_allclose(found.intrinsics[[axis, axis + 2]], wanted)
    assert found.left_px == pytest.approx(9 * np.sqrt(2), rel=0.15)
    for wrong, told in ((places * [-1, 1, 1], "no picture"), (places - [0, 0, 6], "in front")):
        with pytest.raises(LifterError, match=told):
            fit_pinhole(pixels, wrong)


def refused(capsys: pytest.CaptureFixture[str], source: Path, out: Path, *more: str) -> str:
    """Run the verb on what cannot be read; give back the one line it says."""
    assert main(["prepare", "3dhp", "--source", str(source), "--out", str(out), *more]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1
    assert not out.exists()
    return said


def test_wrong_orders_are_one_line(tmp_path: Path, tiny: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert "annot3 takes the original files" in refused(capsys, tiny[1], out, "--annotation", "annot3")
    assert "one of S1, S2" in refused(capsys, tiny[0], out, "--validation", "S9")
    assert "no sequence of S5" in refused(capsys, tiny[0], out, "--validation", "S5")
    assert "no MPI-INF-3DHP" in refused(capsys, tmp_path / "nowhere", out)
    both = shutil.copytree(tiny[0], tmp_path / "both")
    shutil.copy(tiny[1] / "data_test_3dhp.npz", both)
    assert "one form" in refused(capsys, both, out)


DAMAGED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no positions": lambda data: data.pop("univ_annot3"),
    "27 joints": lambda data: data["annot2"].__setitem__((0, 0), data["annot2"][0, 0][:, :54]),
    "lengths differ": lambda data: data["annot2"].__setitem__((0, 0), data["annot2"][0, 0][:-1]),
    "3 cameras": lambda data: data.update({name: data[name][:3] for name in ("annot2", "univ_annot3")}),
    "a camera unnamed": lambda data: data.update(cameras=np.arange(1, 15)[None]),
    "not numbers": lambda data: data["univ_annot3"].__setitem__((0, 0), data["univ_annot3"][0, 0] * np.nan),
    "text": lambda data: data.update(annot2="keypoints"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_wrong_annotations_are_one_line(
    tmp_path: Path, tiny: tuple[Path, Path], capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    data = scipy.io.loadmat(tiny[0] / "S1" / "Seq1" / "annot.mat")
    data = {name: value for name, value in data.items() if not name.startswith("_")}
    DAMAGED[damage](data)
    file = tmp_path / "S1" / "Seq1" / "annot.mat"
    file.parent.mkdir(parents=True)
    scipy.io.savemat(file, data)
    assert "annot.mat" in refused(capsys, tmp_path, tmp_path / "out")


@pytest.mark.parametrize("name", ["S1/Seq1/annot.mat", "TS1/annot_data.mat", "data_train_3dhp.npz"])
@pytest.mark.parametrize("content", ["nothing", "text", "half", "another"])
def test_files_that_are_something_else_are_one_line(
    tmp_path: Path, tiny: tuple[Path, Path], capsys: pytest.CaptureFixture[str], name: str, content: str
) -> None:
    folder = tiny[1] if name.endswith("npz") else tiny[0] / ("mpi_inf_3dhp_test_set" if name[0] == "T" else "")
    other = {"S": tiny[0] / "mpi_inf_3dhp_test_set/TS1/annot_data.mat", "d": tiny[1] / "data_test_3dhp.npz"}
    right = (folder / name).read_bytes()
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(
        {
            "nothing": b"",
            "text": b"no annotation\n" * 50,
            "half": right[: len(right) // 2],
            "another": other.get(name[0], tiny[0] / "S1/Seq1/annot.mat").read_bytes(),
        }[content]
    )
    assert file.name in refused(capsys, tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data.pop("valid_frame"), "valid_frame"),
        (lambda data: data["activity_annotation"].__setitem__((0, 0), 9), "activities 1 to 7"),
        (lambda data: data["univ_annot3"].__setitem__((3, 0, 2, 1), np.nan), "not finite"),
        (lambda data: data["valid_frame"].__setitem__(slice(None), 0), "no valid frame"),
        (lambda data: data["annot2"].resize((10, 1, 17, 2), refcheck=False), r"\(10, 17, 2\)"),
    ],
)  # fmt: skip
def test_wrong_test_annotations_are_one_line(
    tmp_path: Path, tiny: tuple[Path, Path], change: Callable[[Any], Any], told: str
) -> None:
    import h5py

    (tmp_path / "TS1").mkdir()
    file = tmp_path / "TS1" / "annot_data.mat"
    shutil.copy(tiny[0] / "mpi_inf_3dhp_test_set/TS1/annot_data.mat", file)
    with h5py.File(file, "r+") as data:
        arrays = {name: np.array(data[name]) for name in data}
        change(arrays)
        for name in list(data):
            del data[name]
        for name, array in arrays.items():
            data[name] = array
    with pytest.raises(LifterError, match=told):
        read_mpi_inf_3dhp(tmp_path)


SEEN = {"data_2d": np.zeros((4, 17, 2)), "data_3d": np.zeros((4, 17, 3))}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("train", ["S1 Seq1"], "a dictionary wanted"),
        ("train", {}, "no sequence"),
        ("train", {"S9 Seq1": [{}, 25]}, "S9 Seq1"),
        ("train", {"S1 Seq1": {"0": SEEN}}, r"\[cameras, fps\]"),
        ("train", {"S1 Seq1": [{"0": SEEN}, 50]}, "25 frames a second"),
        ("train", {"S1 Seq1": [{"0": {"data_2d": np.zeros((4, 17, 2))}}, 25]}, "no 'data_3d'"),
        ("train", {"S1 Seq1": [{"0": {**SEEN, "data_2d": np.zeros((4, 16, 2))}}, 25]}, r"\(4, 16, 2\)"),
        ("train", {"S1 Seq1": [{"0": SEEN}, 25]}, "relative to the pelvis"),
        ("test", {"TS1": SEEN}, "no 'valid'"),
        ("test", {"TS1": {**SEEN, "valid": np.ones(3)}}, "T flags"),
        ("test", {"TS7": {**SEEN, "valid": np.ones(4)}}, "TS7"),
    ],
)  # fmt: skip
def test_wrong_common_files_are_one_line(tmp_path: Path, name: str, content: Any, told: str) -> None:
    held = np.empty((), object)
    held[()] = content
    np.savez(tmp_path / f"data_{name}_3dhp.npz", data=held)
    with pytest.raises(LifterError, match=told) as caught:
        read_mpi_inf_3dhp(tmp_path)
    assert "\n" not in str(caught.value)
