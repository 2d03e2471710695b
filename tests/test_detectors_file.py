"""Key points made elsewhere: every format read back exactly, and hostile or broken files refused in one line."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors import file_npz, registry
from detectors.base import DetectorError, DetectorOptions, People
from detectors.joints import COCO_17, H36M_17, HALPE_26, OPENPOSE_25

FRAMES = 6
TRACK = np.random.default_rng(7).uniform(0, 400, (FRAMES, 17, 2)).astype(np.float32)


def film(frames: int = FRAMES) -> list[np.ndarray]:
    """Return pictures that nobody looks at."""
    return [np.zeros((4, 4, 3), np.uint8)] * frames


def read(path: Path, frames: int = FRAMES, **options: Any) -> tuple[tuple[str, ...], list[People]]:
    """Read a file the way a user does."""
    detector = registry.create("file", DetectorOptions(keypoints=path, **options))
    return detector.joints, list(detector(film(frames)))


def refusal(path: Path | None, frames: int = FRAMES) -> str:
    """Return the one line of a refusal."""
    with pytest.raises(DetectorError) as caught:
        list(registry.create("file", DetectorOptions(keypoints=path))(film(frames)))
    assert "\n" not in str(caught.value)
    assert path is None or str(path) in str(caught.value)
    return str(caught.value)


def videopose(path: Path, tracks: dict[str, Any], layout: str = "coco") -> Path:
    """Write VideoPose3D's custom data set, the way its own script does."""
    symmetry = [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]]
    metadata = {"layout_name": layout, "num_joints": 17, "keypoints_symmetry": symmetry}
    metadata["video_metadata"] = {name: {"w": 640, "h": np.int64(480)} for name in tracks}
    np.savez_compressed(path, positions_2d=tracks, metadata=metadata)
    return path


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_videopose_archives_are_read_without_running_them(tmp_path: Path, dtype: str, order: Any) -> None:
    track = np.array(TRACK, dtype, order=order)
    path = videopose(tmp_path / "data_2d_custom_x.npz", {"film.mp4": {"custom": [track]}})
    joints, found = read(path)
    assert joints == COCO_17
    np.testing.assert_array_equal(np.concatenate([people.keypoints for people in found]), TRACK)
    assert all((people.scores == 1).all() for people in found)


def test_videopose_gaps_scores_and_layouts(tmp_path: Path) -> None:
    track = np.concatenate([TRACK, np.full((FRAMES, 17, 1), 0.5, np.float32)], 2)
    track[2] = np.nan
    track[3, 5] = np.nan
    joints, found = read(videopose(tmp_path / "x.npz", {"f": {"custom": [track]}}, "h36m"))
    assert joints == H36M_17
    assert [len(people) for people in found] == [1, 1, 0, 1, 1, 1]
    assert found[3].scores[0, 5] == 0
    assert found[3].scores[0, 4] == 0.5
    assert "layout 'mpii'" in refusal(videopose(tmp_path / "y.npz", {"f": {"custom": [TRACK]}}, "mpii"))
    two = {"a": {"custom": [TRACK]}, "b": {"custom": [TRACK]}}
    assert "several tracks" in refusal(videopose(tmp_path / "z.npz", two))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_every_pickle_protocol_of_old_and_new_is_read(protocol: int) -> None:
    data = {"a": {"custom": [TRACK, np.arange(4)[::2], np.float64(2.5), b"x", None, (1, "y")]}}
    got = file_npz._objects(pickle.dumps(data, protocol))["a"]["custom"]
    np.testing.assert_array_equal(got[0], TRACK)
    np.testing.assert_array_equal(got[1], [0, 2])
    assert got[2:5] == [2.5, b"x", None]
    assert got[5] == [1, "y"]


class Gadget:
    """Unpickles to a call."""

    def __init__(self, call: Any, *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call, self.arguments


@pytest.mark.parametrize("call", ["system", "eval", "load", "getattr"])
def test_a_pickle_that_calls_anything_is_refused_and_nothing_is_called(tmp_path: Path, call: str) -> None:
    mark = tmp_path / "was_here"
    gadget = {
        "system": Gadget(os.system, f"touch {mark}"),
        "eval": Gadget(eval, f"open({str(mark)!r}, 'w')"),
        "load": Gadget(np.load, str(mark)),
        "getattr": Gadget(getattr, "", "join"),
    }[call]
    path = videopose(tmp_path / "evil.npz", {"f": {"custom": [TRACK, gadget]}})
    assert "refused" in refusal(path)
    assert not mark.exists()


def evil_archive(path: Path, data: bytes) -> Path:
    """Write an archive whose positions_2d is a pickle of raw bytes."""
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "|O", "fortran_order": False, "shape": ()})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("positions_2d.npy", member.getvalue() + data)
    return path


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04",
        b"\x80\x04}r\xff\xff\xff\x7f.",  # a memo number that would take 16 GB in a compiled unpickler
        b"cnumpy\nndarray\n}b.",  # changes the reader itself
        b"cnumpy.core.multiarray\n_reconstruct\n(N}(V__defaults__\n)utb.",
        b"cnumpy\ndtype\n(VO8\ntR.",
        b"(lp0\ng0\na.",  # a list that holds itself
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"(" * 5000,
        b"ctypes\nCDLL\n.",
        b"\x80\x02\x82\x01.",  # the extension registry
    ],
)
def test_hand_made_pickles_are_refused(tmp_path: Path, data: bytes) -> None:
    refusal(evil_archive(tmp_path / "evil.npz", data))
    assert file_npz._NAMES["_codecs", "encode"].__defaults__ == ("latin1",)


def test_broken_pickles_never_crash_the_reader(tmp_path: Path) -> None:
    whole = pickle.dumps({"f": {"custom": [TRACK[:1]]}}, 3)
    generator = np.random.default_rng(11)
    for _ in range(300):
        data = bytearray(whole)
        for place in generator.integers(0, 260, 2):
            data[place] = generator.integers(0, 256)
        try:
            made = file_npz.read(evil_archive(tmp_path / "b.npz", bytes(data)))
        except DetectorError:
            continue
        assert made.joints == COCO_17


def test_arrays_that_lie_about_their_size_are_refused(tmp_path: Path) -> None:
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "<f4", "fortran_order": False, "shape": (10**12,)})
    path = tmp_path / "lie.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("keypoints", "scores", "boxes", "valid", "joints"):
            archive.writestr(f"{name}.npy", member.getvalue())
    assert "bytes do not make" in refusal(path)


def test_a_bomb_of_an_archive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_npz, "MAX_BYTES", 1000)
    assert "unpacks to more than" in refusal(videopose(tmp_path / "x.npz", {"f": {"custom": [TRACK * 0]}}))


def test_our_own_file_comes_back(tmp_path: Path) -> None:
    keypoints = np.stack([TRACK, TRACK + 5])
    scores = np.full((2, FRAMES, 17), 0.7, np.float32)
    valid = np.ones((2, FRAMES), bool)
    valid[1, :3] = False
    arrays = {"keypoints": keypoints, "scores": scores, "boxes": np.zeros((2, FRAMES, 4), np.float32), "valid": valid}
    np.savez(tmp_path / "pose2d.npz", joints=np.array(COCO_17), timestamps=np.arange(6.0), **arrays)
    joints, found = read(tmp_path / "pose2d.npz")
    assert joints == COCO_17
    assert [len(people) for people in found] == [1, 1, 1, 2, 2, 2]
    np.testing.assert_array_equal(found[4].keypoints, keypoints[:, 4])
    assert [len(people) for people in read(tmp_path / "pose2d.npz", max_people=1)[1]] == [1] * 6
    np.savez(tmp_path / "bad.npz", joints=np.array(COCO_17[:5]), **arrays)
    assert "do not fit" in refusal(tmp_path / "bad.npz")
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    assert "holds weights" in refusal(tmp_path / "other.npz")


def openpose(folder: Path, people: dict[int, list[np.ndarray]]) -> Path:
    """Write OpenPose's folder: per frame number, (J, 3) people."""
    folder.mkdir(exist_ok=True)
    for number, rows in people.items():
        data = {"version": 1.3, "people": [{"pose_keypoints_2d": row.ravel().tolist()} for row in rows]}
        (folder / f"film_{number:012d}_keypoints.json").write_text(json.dumps(data))
    return folder


@pytest.mark.parametrize("first", [0, 1])
def test_openpose_folders_are_read_by_frame_number(tmp_path: Path, first: int) -> None:
    person = np.concatenate([np.arange(50.0).reshape(25, 2), np.full((25, 1), 0.6)], 1)
    person[4] = 0
    folder = openpose(
        tmp_path / "out", {first: [], first + 1: [person], first + 3: [person, person + np.array([1, 1, 0])]}
    )
    joints, found = read(folder)
    assert joints == OPENPOSE_25
    assert [len(people) for people in found] == [0, 1, 0, 2, 0, 0]
    np.testing.assert_allclose(found[1].keypoints[0], person[:, :2])
    assert found[1].scores[0, 4] == 0
    np.testing.assert_allclose(found[1].boxes[0], [0, 1, 48, 49])


@pytest.mark.parametrize("first", [2, 7, 100])
def test_frames_that_begin_later_keep_their_places(tmp_path: Path, first: int) -> None:
    person = np.concatenate([np.arange(50.0).reshape(25, 2), np.full((25, 1), 0.6)], 1)
    found = read(openpose(tmp_path / "out", {first + t: [person] for t in range(3)}), first + 4)[1]
    assert [len(people) for people in found] == [0] * first + [1] * 3 + [0]
    path = tmp_path / "film.json"
    path.write_text(json.dumps([{"frame_id": first + t, "instances": instances(TRACK[t])} for t in range(3)]))
    found = read(path, first + 4)[1]
    assert [len(people) for people in found] == [0] * first + [1] * 3 + [0]


def test_negative_frame_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.json"
    path.write_text(json.dumps([{"frame_id": t, "instances": instances(TRACK[0])} for t in (-1, 0)]))
    assert "negative" in refusal(path)


def test_what_openpose_cannot_be_read_is_said(tmp_path: Path) -> None:
    assert "COCO-18 is not supported" in openpose_refusal(tmp_path / "a", np.ones((18, 3)))
    assert "BODY_25" in openpose_refusal(tmp_path / "b", np.ones((18, 3)))
    assert "--keypoint_scale 0" in openpose_refusal(tmp_path / "c", np.full((25, 3), 0.5))
    (tmp_path / "empty").mkdir()
    assert "no .json files" in refusal(tmp_path / "empty")


def openpose_refusal(folder: Path, person: np.ndarray) -> str:
    """Return the refusal of a folder with one frame of one person."""
    with pytest.raises(DetectorError) as caught:
        read(openpose(folder, {0: [person]}))
    return str(caught.value)


def instances(*points: np.ndarray) -> list[dict[str, Any]]:
    """Return MMPose's instances of people at points (J, 2)."""
    return [
        {"keypoints": p.tolist(), "keypoint_scores": [1.1] * len(p), "bbox": [[1.0, 2.0, 300.0, 400.0]]} for p in points
    ]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("bare", [True, False])
def test_mmpose_predictions_are_read(tmp_path: Path, first: int, bare: bool) -> None:
    rows = [{"frame_id": first + t, "instances": instances(TRACK[t]) if t != 2 else []} for t in range(FRAMES)]
    names = {str(k): name for k, name in enumerate(COCO_17)}
    path = tmp_path / "film.json"
    path.write_text(json.dumps(rows if bare else {"meta_info": {"keypoint_id2name": names}, "instance_info": rows}))
    joints, found = read(path)
    assert joints == COCO_17
    assert [len(people) for people in found] == [1, 1, 0, 1, 1, 1]
    np.testing.assert_allclose(found[5].keypoints[0], TRACK[5], rtol=1e-6)
    np.testing.assert_array_equal(found[5].boxes[0], [1, 2, 300, 400])
    assert (found[5].scores == 1).all()


@pytest.mark.parametrize(("count", "joints"), [(26, HALPE_26), (133, COCO_17)])
def test_mmpose_joints_are_known_by_their_number(tmp_path: Path, count: int, joints: tuple[str, ...]) -> None:
    path = tmp_path / "film.json"
    path.write_text(json.dumps([{"frame_id": 0, "instances": instances(np.ones((count, 2)))}]))
    assert read(path)[0] == joints


def test_seventeen_joints_of_human36m_are_not_taken_for_coco(tmp_path: Path) -> None:
    rows = [{"frame_id": 0, "instances": instances(TRACK[0])}]
    path = tmp_path / "film.json"
    names = ["root", *[f"joint_{k}" for k in range(16)]]
    path.write_text(json.dumps({"meta_info": {"keypoint_id2name": names}, "instance_info": rows}))
    assert read(path)[0] == H36M_17
    names[0] = "withers"
    path.write_text(json.dumps({"meta_info": {"keypoint_id2name": names}, "instance_info": rows}))
    assert "none we know" in refusal(path)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "7", "null", "[1]", "{}", '{"instance_info": 3}', '[{"frame_id": 0, "instances": [{}]}]',
        '[{"frame_id": 0, "instances": [{"keypoints": [[1, "x"]], "keypoint_scores": [1]}]}]',
        '[{"frame_id": 0, "instances": [{"keypoints": [[1, 2], [3]], "keypoint_scores": [1, 1]}]}]',
        '[{"frame_id": 99999999999, "instances": []}]', '[{"frame_id": null, "instances": []}]', "[" * 100000,
        '[{"frame_id": 0, "instances": []}, {"frame_id": 0, "instances": []}]', "[]",
        '[{"frame_id": -5, "instances": []}, {"frame_id": 1e999, "instances": []}]', '[{"instances": {"a": 1}}]',
    ],
)  # fmt: skip
def test_broken_json_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "film.json"
    path.write_text(text)
    refusal(path)


def test_numbers_that_are_no_place_are_unseen(tmp_path: Path) -> None:
    points = TRACK[0].tolist()
    points[3], points[4] = [float("nan"), 1], [1e12, 1]
    path = tmp_path / "film.json"
    person = {"keypoints": points, "keypoint_scores": [0.9] * 17}
    path.write_text(json.dumps([{"frame_id": 0, "instances": [person]}]))
    people = read(path)[1][0]
    assert people.scores[0, 3] == people.scores[0, 4] == 0
    assert (people.scores[0, 5:] > 0).all()


def test_a_film_and_a_file_of_other_lengths(tmp_path: Path) -> None:
    path = videopose(tmp_path / "x.npz", {"f": {"custom": [np.tile(TRACK, (4, 1, 1))]}})  # 24 frames
    assert [len(people) for people in read(path, 30)[1]] == [1] * 24 + [0] * 6
    assert len(read(path, 20)[1]) == 20
    assert "holds 24 frames, the film 10" in refusal(path, 10)
    assert len(read(path, 48)[1]) == 48
    assert "holds 24 frames, the film 50; give the key points of the whole film" in refusal(path, 50)
    short = videopose(tmp_path / "y.npz", {"f": {"custom": [TRACK[:3]]}})
    assert [len(people) for people in read(short, 8)[1]] == [1] * 3 + [0] * 5
    assert "holds 3 frames, the film 12" in refusal(short, 12)


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    assert "give --keypoints PATH" in refusal(None)
    assert "no such file" in refusal(tmp_path / "none.npz")
    (tmp_path / "x.csv").write_text("1,2")
    assert "not a kind we read" in refusal(tmp_path / "x.csv")
    empty = np.full((FRAMES, 17, 2), np.nan)
    assert "no key points at all" in refusal(videopose(tmp_path / "e.npz", {"f": {"custom": [empty]}}))


@pytest.mark.parametrize("names", ['{"a": "b"}', '{"' + "9" * 5000 + '": "b"}', "[[[]]]", '{"0": {}}'])
def test_strange_joint_names_are_one_line(tmp_path: Path, names: str) -> None:
    instances = json.dumps([{"frame_id": 0, "instances": [{"keypoints": [[1, 2]] * 17, "keypoint_scores": [1] * 17}]}])
    (tmp_path / "p.json").write_text(f'{{"meta_info": {{"keypoint_id2name": {names}}}, "instance_info": {instances}}}')
    with pytest.raises(DetectorError, match=r"p\.json") as caught:
        read(tmp_path / "p.json")
    assert "\n" not in str(caught.value)


def test_an_enormous_box_is_no_box(tmp_path: Path) -> None:
    person = {"keypoints": [[i, 2 * i] for i in range(17)], "keypoint_scores": [1] * 17, "bbox": [[0, 0, 1e300, 5]]}
    (tmp_path / "p.json").write_text(json.dumps([{"frame_id": 0, "instances": [person]}]))
    joints, frames = read(tmp_path / "p.json")[:2]
    assert len(joints) == 17 and next(iter(frames)).boxes.max() < 100
