"""Human3.6M prepared: exact places before the real cameras, names and splits, layouts by joint, wrong files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.io
from scipy.spatial.transform import Rotation

from detectors.joints import COCO_17, H36M_17, MPII_16
from lifter import joints
from lifter.__main__ import main
from lifter.datasets.h36m import layouts as h36m_layouts
from lifter.datasets.h36m.cameras import cameras
from lifter.datasets.h36m.layouts import LAYOUTS, layout_of, to_h36m
from lifter.datasets.h36m.names import KEPT
from lifter.datasets.h36m.sets import prepare_h36m
from lifter.datasets.h36m.tiny import ACTIONS, write_tiny_h36m
from lifter.datasets.poseset import PoseSet, read_poses, read_poseset, sources
from lifter.errors import LifterError
from pipeline.adapter import adapt

RANDOM = np.random.default_rng(4)
FRAMES = 30


def members(path: Path) -> dict[str, Any]:
    """What is in one of our own test files."""
    with np.load(path, allow_pickle=True) as data:
        return {name: data[name].item() for name in data.files}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("h36m")
    write_tiny_h36m(folder, frames=FRAMES)
    return folder


@pytest.fixture(scope="module")
def prepared(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("prepared")
    assert main(["prepare", "h36m", "--source", str(tiny), "--out", str(out)]) == 0
    return out


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Callable[..., Path]:
    """Make a folder with the tiny set's files, some of them changed: `copy(gt=None, cpn_ft_h36m_dbb=change)`."""

    def made(**changes: Callable[[dict[str, Any]], None] | None) -> Path:
        folder = tmp_path / "changed"
        folder.mkdir()
        for file in tiny.glob("*.npz"):
            key = file.stem.removeprefix("data_2d_h36m_").removeprefix("data_")
            inside = members(file)
            if key in changes:
                change = changes[key]
                if change is None:
                    continue
                change(inside)
            np.savez(folder / file.name, **inside)
        return folder

    return made


def test_the_tiny_set_is_in_videopose3ds_form(tiny: Path) -> None:
    positions = members(tiny / "data_3d_h36m.npz")["positions_3d"]
    detected = members(tiny / "data_2d_h36m_cpn_ft_h36m_dbb.npz")
    assert list(positions) == ["S1", "S5", "S9", "S11"]
    assert positions["S1"]["Walking 1"].shape == (FRAMES + 7, 32, 3)
    assert positions["S1"]["Walking 1"].dtype == np.float32
    assert "Directions" not in positions["S11"]
    views = detected["positions_2d"]["S1"]["Walking 1"]
    assert [view.shape for view in views] == [(FRAMES + 7 + 3, 17, 2)] * 4
    assert "S2" in detected["positions_2d"]
    assert detected["metadata"]["keypoints_symmetry"] == [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]


def test_the_tiny_figure_is_a_person(tiny: Path) -> None:
    """Bones keep their lengths, one side is the other's mirror, feet stand on the floor, left is left of ahead."""
    for takes in members(tiny / "data_3d_h36m.npz")["positions_3d"].values():
        for take, points in takes.items():
            bones = np.linalg.norm(points[:, KEPT[1:]] - points[:, [KEPT[p] for p in joints.PARENTS[1:]]], axis=-1)
            assert np.ptp(bones, axis=0).max() < 1e-5
            limbs = {name: bones[0, index] for index, name in enumerate(joints.NAMES[1:])}
            for name in ("knee", "ankle", "elbow", "wrist"):
                assert limbs[f"left_{name}"] == pytest.approx(limbs[f"right_{name}"], abs=1e-5)
            np.testing.assert_allclose(points[..., 2].min(axis=1), 0, atol=1e-5)
            if take.startswith("Walking"):
                across = points[:-1, 6] - points[:-1, 1]
                ahead = np.cross(across, [0, 0, 1])
                step = np.diff(points[:, 0], axis=0)
                assert (np.sum(step * ahead, axis=-1) > 0).all()


def test_positions_are_the_world_seen_from_the_camera(tiny: Path, prepared: Path) -> None:
    """Stated anew: remove 15 of the 32 joints, go to the camera's place, turn by the inverse of its quaternion."""
    removed = [4, 5, 9, 10, 11, 16, 20, 21, 22, 23, 24, 28, 29, 30, 31]
    poses = read_poses(prepared)
    world = members(tiny / "data_3d_h36m.npz")["positions_3d"]
    assert len(poses) == 4 * sum(map(len, ACTIONS.values()))
    for index, name in enumerate(poses.names.tolist()):
        subject, take, number = name.split("/")
        camera = next(camera for camera in cameras(subject) if camera.name == number)
        kept = np.delete(world[subject][take], removed, axis=1).astype(np.float64)
        turn = Rotation.from_quat(camera.orientation[[1, 2, 3, 0]]).inv()
        wanted = turn.apply((kept - camera.translation).reshape(-1, 3)).reshape(kept.shape)
        np.testing.assert_allclose(poses.positions[poses.frames(index)], wanted, atol=1e-5)
    upright = poses.actions == "Directions"
    at = poses.frames_of(np.flatnonzero(upright))
    assert (poses.positions[at, 10, 1] < poses.positions[at, 3, 1] - 1).all()  # heads above feet: y points down
    assert (poses.positions[:, 0, 2] > 2).all()  # the pelvis keeps its place


def test_sequences_are_told_apart(prepared: Path) -> None:
    poses = read_poses(prepared)
    assert poses.names[:4].tolist() == [f"S1/Directions/{camera.name}" for camera in cameras("S1")]
    assert "S9/Walking 1/54138969" in poses.names
    for subject, split in (("S1", "train"), ("S5", "train"), ("S9", "test"), ("S11", "test")):
        assert set(poses.splits[poses.subjects == subject].tolist()) == {split}
    first_words = [name.split("/")[1].split(" ")[0] for name in poses.names.tolist()]
    assert poses.actions.tolist() == first_words
    sitting = poses.names[poses.actions == "Sitting"].tolist()
    assert len(sitting) == 16 and not any("SittingDown" in name for name in sitting)
    assert poses.sizes[poses.cameras == "55011271"].tolist()[0] == [1000, 1000]
    assert poses.sizes[poses.cameras == "60457274"].tolist()[0] == [1000, 1002]
    np.testing.assert_allclose(poses.intrinsics[0], [1145.0494, 1143.7811, 512.5415, 515.4515], atol=1e-3)
    assert (poses.fps == 50).all() and poses.valid.all() and set(poses.groups.tolist()) == {"h36m"}
    assert poses.about["dataset"] == "Human3.6M"
    assert "train S1, S5; validation none; test S9, S11" in poses.about["protocol"]
    assert poses.about["incomplete"]["S11"] == "3 of 29 takes"


def test_keypoints_are_what_the_cameras_see(tiny: Path, prepared: Path) -> None:
    assert sources(prepared) == ["cpn_ft_h36m_dbb", "gt"]
    truth, found = read_poseset(prepared, "gt"), read_poseset(prepared, "cpn_ft_h36m_dbb")
    detected = members(tiny / "data_2d_h36m_cpn_ft_h36m_dbb.npz")["positions_2d"]
    index = truth.poses.names.tolist().index("S9/Walking 1/58860488")
    at = truth.poses.frames(index)
    np.testing.assert_array_equal(found.keypoints[at], detected["S9"]["Walking 1"][2][: FRAMES + 7])
    x, y, z = np.moveaxis(truth.poses.positions[at].astype(np.float64), -1, 0)
    f_x, f_y, c_x, c_y = truth.poses.intrinsics[index]
    pinhole = np.stack([f_x * x / z + c_x, f_y * y / z + c_y], axis=-1)
    away = np.linalg.norm(truth.keypoints[at] - pinhole, axis=-1)
    assert 0.5 < away.max() < 12  # the lens bends a little
    error = np.linalg.norm(found.keypoints - truth.keypoints, axis=-1).mean()
    assert error == pytest.approx(4 * np.sqrt(np.pi / 2), rel=0.02)
    assert (truth.scores == 1).all() and truth.seen.all()


def test_truth_is_projected_where_no_file_has_it(copy: Callable[..., Path], prepared: Path, tmp_path: Path) -> None:
    told: list[str] = []
    prepare_h36m(copy(gt=None), tmp_path / "out", tell=told.append)
    made, files = read_poseset(tmp_path / "out", "gt"), read_poseset(prepared, "gt")
    np.testing.assert_allclose(made.keypoints, files.keypoints, atol=1e-3)
    assert told[0] == "gt: the 3D projected with lens distortion"
    assert "cpn_ft_h36m_dbb" in told[1] and "60 sequences cut" in told[1]


def test_a_training_subject_is_held_out(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", "h36m", "--source", str(tiny), "--out", str(tmp_path), "--validation", "S5"]) == 0
    printed = capsys.readouterr().out
    poses = read_poses(tmp_path)
    assert set(poses.subjects[poses.splits == "validation"].tolist()) == {"S5"}
    assert set(poses.subjects[poses.splits == "train"].tolist()) == {"S1"}
    assert "validation: 16 sequences" in printed and "train S1; validation S5; test S9, S11" in printed
    for subject in ("S9", "S8", "Sofia"):  # a test subject, one that is not here, one that is nowhere
        assert main(["prepare", "h36m", "--source", str(tiny), "--out", str(tmp_path), "--validation", subject]) == 1
        assert capsys.readouterr().err.startswith(f"error: validation: '{subject}' is no training subject here")


def test_names_of_the_release_and_the_corrupt_take(copy: Callable[..., Path], tiny: Path, tmp_path: Path) -> None:
    def rename(inside: dict[str, Any]) -> None:
        data = inside[next(key for key in inside if key.startswith("positions"))]
        data["S1"]["TakingPhoto 1"] = data["S1"].pop("Directions")
        data["S5"]["WalkingDog"] = data["S5"].pop("Walking")
        data["S11"]["Directions"] = data["S11"]["Walking"]

    everything = {"3d_h36m": rename, "gt": rename, "cpn_ft_h36m_dbb": rename}
    poses = prepare_h36m(copy(**everything), tmp_path / "out")
    assert {"Photo", "WalkDog"} < set(poses.actions.tolist())
    assert "S1/Photo 1/54138969" in poses.names and "S5/WalkDog/54138969" in poses.names
    assert not any(name.startswith("S11/Directions") for name in poses.names.tolist())


def body(count: int, names: tuple[str, ...]) -> np.ndarray:
    """Keypoints (T, J, 2) of people who lean: a head above shoulders above hips, all else anywhere near."""
    heights = {"hip": 0, "shoulder": 50, "nose": 70, "eye": 75, "ear": 74}
    up = np.array([heights.get(name.split("_")[-1], 20) for name in names], float)
    points = np.stack([0 * up, -up], axis=-1) * 3 + RANDOM.normal(0, 15, (count, len(names), 2))
    angle = RANDOM.uniform(-3, 3, count)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.einsum("abt,tjb->tja", turn, points) + 500


def test_joint_names_are_the_detectors() -> None:
    assert (h36m_layouts.COCO_17, h36m_layouts.MPII_16) == (COCO_17, MPII_16)
    assert LAYOUTS["h36m"].names == H36M_17


@pytest.mark.parametrize(("layout", "names"), [("coco", COCO_17), ("mpii", MPII_16), ("h36m", H36M_17)])
def test_layouts_become_what_films_are_adapted_to(layout: str, names: tuple[str, ...]) -> None:
    """Training data and what is lifted later mean the same joints."""
    points = body(50, names)
    wanted, _ = adapt(points, np.ones(points.shape[:-1]), names)
    np.testing.assert_allclose(to_h36m(points, LAYOUTS[layout]), wanted, atol=1e-3)


def test_hourglass_joints_by_their_numbers() -> None:
    """The permutation that papers use gives the 16 joints without the neck, which lies midway from thorax to head."""
    points = body(20, MPII_16)
    made = to_h36m(points, LAYOUTS["hourglass"])
    wanted = points[:, [6, 2, 1, 0, 3, 4, 5, 7, 8, 9, 13, 14, 15, 12, 11, 10]]
    np.testing.assert_array_equal(np.delete(made, 9, axis=1), wanted)
    np.testing.assert_allclose(made[:, 9], (made[:, 8] + made[:, 10]) / 2)


def test_mpii_joints_by_their_numbers() -> None:
    points = body(20, MPII_16)
    made = to_h36m(points, LAYOUTS["mpii"])
    np.testing.assert_array_equal(made[:, [3, 2, 1, 4, 5, 6, 0, 8, 9, 10, 16, 15, 14, 11, 12, 13]], points)
    np.testing.assert_allclose(made[:, 7], points[:, [2, 3, 12, 13]].mean(axis=1))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_are_carried_by_moving_and_mirroring(layout: h36m_layouts.Layout) -> None:
    points = body(30, layout.names)
    made = to_h36m(points, layout)
    np.testing.assert_allclose(to_h36m(2 * points + (30, -7), layout), 2 * made + (30, -7), atol=1e-9)
    left, right = layout.symmetry
    swap = np.arange(len(layout.names))
    swap[[*left, *right]] = [*right, *left]
    mirrored = to_h36m(points[:, swap] * (-1, 1), layout)
    np.testing.assert_allclose(mirrored, joints.mirror(made), atol=1e-9)


COCO_SIDES = [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]]
MPII_SIDES = [[3, 4, 5, 13, 14, 15], [0, 1, 2, 10, 11, 12]]
H36M_SIDES = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]


@pytest.mark.parametrize(
    ("source", "number", "sides", "layout"),
    [
        ("gt", 17, H36M_SIDES, "h36m"),
        ("cpn_ft_h36m_dbb", 17, H36M_SIDES, "h36m"),
        ("detectron_ft_h36m", 17, [list(reversed(side)) for side in H36M_SIDES], "h36m"),
        ("detectron_pt_coco", 17, COCO_SIDES, "coco"),
        ("sh_ft_h36m", 16, MPII_SIDES, "hourglass"),
        ("sh_pt_mpii", 16, MPII_SIDES, "mpii"),
    ],
)
def test_layouts_are_recognised_by_their_sides(source: str, number: int, sides: list[list[int]], layout: str) -> None:
    assert layout_of(source, {"num_joints": number, "keypoints_symmetry": sides}) is LAYOUTS[layout]


@pytest.mark.parametrize(
    "metadata",
    [
        None, {}, {"num_joints": 17}, {"num_joints": 17, "keypoints_symmetry": H36M_SIDES[::-1]},
        {"num_joints": 16, "keypoints_symmetry": H36M_SIDES},
        {"num_joints": 17, "keypoints_symmetry": MPII_SIDES}, {"num_joints": 17, "keypoints_symmetry": [[1], [2, 3]]},
        {"num_joints": 17, "keypoints_symmetry": [["left"], ["right"]]},
        {"num_joints": [17], "keypoints_symmetry": H36M_SIDES}, {"num_joints": 17, "keypoints_symmetry": [1, 2]},
    ],
    ids=str,
)  # fmt: skip
def test_layouts_that_are_not_known_are_refused(metadata: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        layout_of("gt", metadata)


def test_files_in_other_layouts_are_prepared(copy: Callable[..., Path], tmp_path: Path) -> None:
    folder = copy()
    truth = members(folder / "data_2d_h36m_gt.npz")["positions_2d"]

    def written(source: str, number: int, sides: list[list[int]], pick: list[int]) -> None:
        data = {s: {t: [view[:, pick] for view in views] for t, views in takes.items()} for s, takes in truth.items()}
        about = {"num_joints": number, "keypoints_symmetry": sides}
        np.savez(folder / f"data_2d_h36m_{source}.npz", positions_2d=data, metadata=about)

    written("sh_ft_h36m", 16, MPII_SIDES, [3, 2, 1, 4, 5, 6, 0, 7, 8, 10, 16, 15, 14, 11, 12, 13])
    written("sh_pt_mpii", 16, MPII_SIDES, [3, 2, 1, 4, 5, 6, 0, 8, 9, 10, 16, 15, 14, 11, 12, 13])
    written("detectron_pt_coco", 17, COCO_SIDES, [9, 10, 10, 10, 10, 11, 14, 12, 15, 13, 16, 4, 1, 5, 2, 6, 3])
    poses = prepare_h36m(folder, tmp_path / "out")
    gt = read_poseset(tmp_path / "out", "gt").keypoints

    def made(source: str) -> PoseSet:
        return read_poseset(tmp_path / "out", source)

    np.testing.assert_array_equal(np.delete(made("sh_ft_h36m").keypoints, 9, axis=1), np.delete(gt, 9, axis=1))
    np.testing.assert_array_equal(np.delete(made("sh_pt_mpii").keypoints, 7, axis=1), np.delete(gt, 7, axis=1))
    limbs = list(joints.LIMBS_12)
    np.testing.assert_array_equal(made("detectron_pt_coco").keypoints[:, limbs], gt[:, limbs])
    assert "midway from thorax to head" in poses.about["keypoints"]["sh_ft_h36m"]
    assert "MPII" in poses.about["keypoints"]["sh_pt_mpii"] and "COCO" in poses.about["keypoints"]["detectron_pt_coco"]


def changed(what: str, subject: str = "S9", take: str = "Walking 1") -> Callable[[dict[str, Any]], None]:
    """Spoil one take, or all of a file."""

    def change(inside: dict[str, Any]) -> None:
        key = next(key for key in inside if key.startswith("positions"))
        takes = inside[key][subject]
        good = takes[take]
        spoiled: dict[str, Any] = {
            "no dict": [1, 2], "no takes": {subject: [1, 2]}, "empty": {}, "no subject": {"S1": inside[key]["S1"]},
        }  # fmt: skip
        if what in spoiled:
            inside[key] = spoiled[what]
            return
        takes[take] = {
            "a view less": lambda: good[:3], "no views": lambda: 5, "no dimension": lambda: np.array(5.0),
            "short": lambda: [good[0], good[1][:-5], *good[2:]], "text": lambda: ["a"] * 4,
            "nan": lambda: [np.full_like(good[0], np.nan)] * 4, "confidence": lambda: [np.ones((90, 17, 3))] * 4,
            "no array": lambda: "x", "17 joints": lambda: good[:, :17], "millimetres": lambda: good * 1000,
            "not finite": lambda: good + np.inf, "no frame": lambda: good[:0], "far": lambda: good + 30,
            "whole numbers": lambda: good.astype(int),
        }[what]()  # fmt: skip

    return change


@pytest.mark.parametrize(
    ("which", "what", "told"),
    [
        *(("3d_h36m", what, "data_3d_h36m.npz: positions_3d: a dict") for what in ("no dict", "no takes")),
        ("3d_h36m", "empty", "Human3.6M: no recordings"),
        *(("3d_h36m", what, "S9/Walking 1: (T, 32, 3) positions wanted")
          for what in ("no array", "no dimension", "17 joints", "whole numbers")),
        ("3d_h36m", "millimetres", "S9/Walking 1: a thigh of 4"),
        *(("3d_h36m", what, "S9/Walking 1: no frames, or numbers that are not finite")
          for what in ("not finite", "no frame")),
        ("3d_h36m", "far", "S9/Walking 1: behind camera 54138969"),
        *(("gt", what, "data_2d_h36m_gt.npz: positions_2d: a dict") for what in ("no dict", "no takes")),
        *(("gt", what, "data_2d_h36m_gt.npz: S9/Walking 1/54138969: not there as (T, 17, 2)")
          for what in ("a view less", "no views", "no dimension", "text", "nan", "confidence")),
        *(("gt", what, "not there as (T, 17, 2)") for what in ("empty", "no subject")),
        ("gt", "short", f"S9/Walking 1/55011271: {FRAMES + 2} frames, fewer than the {FRAMES + 7} of the motion"),
    ],
)  # fmt: skip
def test_wrong_files_are_one_line(
    which: str, what: str, told: str, copy: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy(**{which: changed(what)})
    assert main(["prepare", "h36m", "--source", str(folder), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert told in error


def test_wrong_names_are_one_line(copy: Callable[..., Path], tmp_path: Path) -> None:
    def add(subject: str, take: str) -> Callable[[dict[str, Any]], None]:
        def change(inside: dict[str, Any]) -> None:
            data = inside["positions_3d"]
            data.setdefault(subject, {})[take] = data["S1"]["Sitting"]

        return change

    folder = copy(**{"3d_h36m": add("S3", "Walking")})
    for subject, take, told in (
        ("S3", "Walking", "S3: no cameras are published"), ("S1", "Sitting/1", "S1/Sitting/1: no take"),
        ("S1", "SittingUp", "S1/SittingUp: no take"), ("S1", "", "S1/: no take"), ("S1", "_ALL 1", "no take"),
    ):  # fmt: skip
        inside = members(folder / "data_3d_h36m.npz")
        inside["positions_3d"].pop("S3", None)
        add(subject, take)(inside)
        np.savez(folder / "data_3d_h36m.npz", **inside)
        with pytest.raises(LifterError, match=told):
            prepare_h36m(folder, tmp_path / "out")
        inside["positions_3d"][subject].pop(take)
        np.savez(folder / "data_3d_h36m.npz", **inside)
    for take in ("Photo", "TakingPhoto"):
        add("S1", take)(inside)
    np.savez(folder / "data_3d_h36m.npz", **inside)
    with pytest.raises(LifterError, match=r"S1/Photo: no take of Human3\.6M, or there twice"):
        prepare_h36m(folder, tmp_path / "out")


def test_missing_files_and_metadata_are_one_line(
    copy: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy(gt=lambda inside: inside.pop("metadata"))
    for source, told in ((folder, "data_2d_h36m_gt.npz: metadata: cannot be read"), (tmp_path / "no", "no such file")):
        assert main(["prepare", "h36m", "--source", str(source), "--out", str(tmp_path / "out")]) == 1
        assert told in capsys.readouterr().err
    (tmp_path / "a file").write_text("")
    with pytest.raises(LifterError, match="cannot be written"):
        write_tiny_h36m(tmp_path / "a file")


def released(tiny: Path, folder: Path, write: Callable[[Path, str, np.ndarray], None]) -> None:
    """Write the tiny positions as the release has them: millimetres, (T, 96), a file for each take."""
    for subject, takes in members(tiny / "data_3d_h36m.npz")["positions_3d"].items():
        for take, points in takes.items():
            write(folder / subject, take, points.reshape(-1, 96).astype(np.float64) * 1000)
        write(folder / subject, "_ALL 1", np.ones((3, 96)))
    write(folder / "S11", "Directions", np.ones((3, 96)))


def as_matlab(folder: Path, take: str, numbers: np.ndarray) -> None:
    cell = np.empty((1, 1), dtype=object)
    cell[0, 0] = numbers
    (folder / "MyPoseFeatures/D3_Positions").mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(folder / f"MyPoseFeatures/D3_Positions/{take}.cdf.mat", {"data": cell}, do_compression=True)


def as_new_matlab(folder: Path, take: str, numbers: np.ndarray) -> None:
    h5py = pytest.importorskip("h5py")
    (folder / "MyPoseFeatures/D3_Positions").mkdir(parents=True, exist_ok=True)
    path = folder / f"MyPoseFeatures/D3_Positions/{take}.cdf.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        content = file.create_dataset("#refs#/a", data=numbers.T)  # MATLAB's axes are the other way round
        cell = file.create_dataset("data", (1, 1), dtype=h5py.ref_dtype)
        cell[0, 0] = content.ref
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(128))


def as_hdf5(folder: Path, take: str, numbers: np.ndarray) -> None:
    h5py = pytest.importorskip("h5py")
    (folder / "MyPoses/3D_positions").mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / f"MyPoses/3D_positions/{take}.h5", "w") as file:
        file["3D_positions"] = numbers.T


def as_cdf(folder: Path, take: str, numbers: np.ndarray) -> None:
    """What the stand-in for cdflib below reads."""
    (folder / "MyPoseFeatures/D3_Positions").mkdir(parents=True, exist_ok=True)
    numbers.tofile(folder / f"MyPoseFeatures/D3_Positions/{take}.cdf")


CDFLIB = SimpleNamespace(
    CDF=lambda path: SimpleNamespace(varget=lambda name: {"Pose": np.fromfile(path).reshape(1, -1, 96)}[name])
)


@pytest.mark.parametrize("write", [as_matlab, as_new_matlab, as_hdf5, as_cdf])
def test_positions_as_released_are_the_same(
    write: Callable[..., None], tiny: Path, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cdflib", CDFLIB)  # type: ignore[arg-type]
    released(tiny, tmp_path / "raw", write)
    (tmp_path / "raw/data_2d_h36m_gt.npz").write_bytes((tiny / "data_2d_h36m_gt.npz").read_bytes())
    assert main(["prepare", "h36m", "--raw", "--source", str(tmp_path / "raw"), "--out", str(tmp_path / "out")]) == 0
    made, wanted = read_poseset(tmp_path / "out"), read_poseset(prepared)
    assert made.poses.names.tolist() == wanted.poses.names.tolist()
    np.testing.assert_allclose(made.poses.positions, wanted.poses.positions, atol=1e-6)
    np.testing.assert_array_equal(made.keypoints, wanted.keypoints)


def test_spoiled_releases_are_one_line(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(folder: Path) -> str:
        with pytest.raises(LifterError) as caught:
            prepare_h36m(folder, tmp_path / "out", raw=True)
        return str(caught.value)

    assert "no positions as released" in told(tmp_path / "nowhere")
    as_matlab(tmp_path / "a/S1", "Walking", np.ones((4, 95)))
    assert "Walking.cdf.mat: not positions of Human3.6M (32 joints a frame wanted" in told(tmp_path / "a")
    place = tmp_path / "b/S1/MyPoseFeatures/D3_Positions/Walking.cdf.mat"
    place.parent.mkdir(parents=True)
    for content in (b"", b"nothing of the kind", b"MATLAB 5.0 MAT-file".ljust(200), RANDOM.bytes(500)):
        place.write_bytes(content)
        assert "Walking.cdf.mat: not positions of Human3.6M (" in told(tmp_path / "b")
    scipy.io.savemat(place, {"data": np.ones(96)})
    assert "not positions of Human3.6M" in told(tmp_path / "b")
    for name, suffix in (("h5py", ".cdf.mat"), ("cdflib", ".cdf")):
        monkeypatch.setitem(sys.modules, name, None)
        place.unlink(missing_ok=True)
        place.with_name(f"Walking{suffix}").write_bytes(b"MATLAB 7.3 MAT-file".ljust(600))
        assert f"reading it takes {name}; install it: pip install {name}" in told(tmp_path / "b")
