"""What stages keep: fingerprints that follow content, files that are whole or not there, errors in one line."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from crafted import HEADERS, write_bad_header

from detectors.base import DetectorOptions
from detectors.joints import H36M_17
from pipeline import store
from pipeline.errors import PipelineError, StoreError
from pipeline.folder import RunFolder
from pipeline.poses import Pose2D, Pose3D
from pipeline.settings import EncoderSettings, RunSettings, read_config, resolve
from render.settings import RenderSettings


def pose2d(people: int = 2, frames: int = 5) -> Pose2D:
    random = np.random.default_rng(0)
    return Pose2D(
        random.normal(size=(people, frames, 17, 2)).astype(np.float32),
        random.uniform(size=(people, frames, 17)).astype(np.float32),
        np.zeros((people, frames, 4), np.float32),
        np.ones((people, frames), bool),
        np.arange(frames) / 25,
        H36M_17,
    )


def pose3d(people: int = 2, frames: int = 5) -> Pose3D:
    flat = pose2d(people, frames)
    return Pose3D(
        np.zeros((people, frames, 17, 3), np.float32), flat.valid, flat.timestamps, H36M_17,
        np.arange(people) + 1, flat.keypoints, flat.scores, np.zeros((people, frames, 17), np.uint8),
        np.array([0, -1, 0], np.float32), np.zeros((people, frames, 3), np.float32),
        np.ones((people, frames, 3), np.float32),
    )  # fmt: skip


@pytest.mark.parametrize("people", [0, 2])
def test_poses_survive_the_file(tmp_path: Path, people: int) -> None:
    for pose, load in ((pose2d(people), store.load_pose2d), (pose3d(people), store.load_pose3d)):
        store.save_pose(tmp_path / "pose.npz", pose, fingerprint="abc", video="def")
        read = load(tmp_path / "pose.npz")
        for item in fields(pose):
            np.testing.assert_array_equal(getattr(read, item.name), getattr(pose, item.name))
        assert store.read_about(tmp_path / "pose.npz", "fingerprint") == "abc"
        with np.load(tmp_path / "pose.npz", allow_pickle=False) as data:
            assert all(data[name].dtype != object for name in data)
    assert [file.name for file in tmp_path.iterdir()] == ["pose.npz"]  # no litter


def test_a_flipped_byte_anywhere_in_the_arrays_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "pose.npz"
    store.save_pose(path, pose2d(), fingerprint="abc")
    whole = path.read_bytes()
    noticed = 0
    for at in range(60, len(whole) - 200, 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        if store.read_about(path, "fingerprint") == "abc":
            read = store.load_pose2d(path)  # only bytes that say nothing (dates, attributes) may pass
            np.testing.assert_array_equal(read.keypoints, pose2d().keypoints)
        else:
            assert store.read_about(path, "fingerprint") == ""
            noticed += 1
    assert noticed > 10


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04half"])
def test_damaged_files_are_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pose2d.npz").write_bytes(content)
    with pytest.raises(StoreError, match=r"pose2d\.npz") as caught:
        store.load_pose2d(tmp_path / "pose2d.npz")
    assert "\n" not in str(caught.value)
    assert store.read_about(tmp_path / "pose2d.npz", "fingerprint") == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("keypoints", np.float32(3)), ("joints", np.array("x")), ("timestamps", np.array("now")), ("valid", np.ones(3))],
)
def test_arrays_of_another_kind_are_one_line(tmp_path: Path, name: str, value: np.ndarray) -> None:
    np.savez(tmp_path / "pose2d.npz", **{**vars(pose2d()), name: value})
    with pytest.raises(StoreError, match=r"pose2d\.npz"):
        store.load_pose2d(tmp_path / "pose2d.npz")


def test_pipes_are_never_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="pipe"):
        store.content_hash(tmp_path / "pipe")
    with pytest.raises(StoreError):
        store.load_pose2d(tmp_path / "pipe")
    assert store.read_about(tmp_path / "pipe", "fingerprint") == ""
    with pytest.raises(PipelineError, match="not a file"):
        read_config(tmp_path / "pipe")
    (tmp_path / "pipe").rename(tmp_path / "run.json")
    assert RunFolder(tmp_path, "a").read_record() == {}


def test_pickles_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "pose2d.npz", keypoints=np.array([{"a": 1}], dtype=object))
    with pytest.raises(StoreError):
        store.load_pose2d(tmp_path / "pose2d.npz")


def test_poses_refuse_wrong_arrays() -> None:
    good = vars(pose2d())
    for name, bad in {
        "keypoints": good["keypoints"][:, :, :5],
        "scores": good["scores"] * np.nan,
        "timestamps": good["timestamps"][::-1],
        "valid": good["valid"].astype(np.float32),
    }.items():
        with pytest.raises(ValueError, match=name):
            Pose2D(**{**good, name: bad})


def test_fingerprints_follow_content_not_names(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"same")
    two.write_bytes(b"same")
    assert store.fingerprint({"model": one}) == store.fingerprint({"model": two})
    two.write_bytes(b"other")
    assert store.fingerprint({"model": one}) != store.fingerprint({"model": two})
    assert store.fingerprint({"a": 1, "b": 2}) == store.fingerprint({"b": 2, "a": 1})
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "x").write_bytes(b"1")
    before = store.content_hash(folder)
    (folder / "x").rename(folder / "y")
    assert store.content_hash(folder) != before
    with pytest.raises(StoreError, match="nowhere"):
        store.content_hash(tmp_path / "nowhere")


def test_what_does_not_change_numbers_does_not_change_the_fingerprint() -> None:
    def mark(**changes: object) -> str:
        return store.fingerprint(store.options_made_from(DetectorOptions(**changes)))  # type: ignore[arg-type]

    assert mark(offline=True) == mark(batch=16) == mark()
    assert mark(box_every=9) != mark()


def test_settings_come_from_file_and_flags(tmp_path: Path) -> None:
    config = tmp_path / "mine.toml"
    config.write_text(
        "person = 2\nheight = 1.8\n"
        '[detector]\nname = "onnx"\nbox_every = 3\npose_model = "m.onnx"\n[lifter]\nname = "l"\n'
        '[render]\nview = 90\ncrf = 30\npath = "off"\n'
    )
    settings = resolve({**read_config(config), "box_every": 7})
    assert (settings.detector, settings.lifter, settings.person) == ("onnx", "l", "2")
    assert (settings.options.box_every, settings.options.pose_model) == (7, Path("m.onnx"))
    assert (settings.look.view, settings.encoder.crf, settings.path) == ("90", 30, "off")
    assert settings.height == "1.8"
    assert resolve({}) == RunSettings()


@pytest.mark.parametrize(
    ("values", "word"),
    [({"persn": "all"}, "persn"), ({"person": "0"}, "person"), ({"view": "up"}, "up"), ({"crf": 99}, "crf"),
     ({"max_height": 3}, "max_height"), ({"device": "tpu"}, "device"), ({"options": 1}, "options"),
     ({"box_every": 0}, "box_every"), ({"max_people": -1}, "max_people"), ({"crf": True}, "crf"),
     ({"batch": 0}, "batch"),
     ({"output": "a\0b"}, "output"), ({"height": 18}, "height"), ({"height": "1=x"}, "height"),
     ({"height": True}, "height"), ({"path": "maybe"}, "path: on or off")],
)  # fmt: skip
def test_bad_settings_are_named(values: dict, word: str) -> None:
    with pytest.raises(PipelineError, match=word):
        resolve(values)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="--output"), RunFolder(tmp_path / "file" / "clip", "clip").at_work():
        pass


def test_only_our_own_litter_is_cleared(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "lecture.part1")
    others = ["backup.part1.rar", "wedding.party.txt", "lecture.part1_3d.mp4", "x.part", ".mine.npz.part3"]
    litter = [".pose2d.npz.part123", ".lecture.part1_3d.mp4.part9", ".run.json.part1"]
    for name in [*others, *litter]:
        (tmp_path / name).write_text("x")
    with folder.at_work():
        assert sorted(file.name for file in tmp_path.iterdir()) == sorted(others)


def test_one_run_at_a_time(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "a")
    with folder.at_work(), pytest.raises(StoreError, match="another run"), folder.at_work():
        pass
    with folder.at_work():
        pass


@pytest.mark.parametrize(
    "content", ["", "[]", "null", '{"stages": 3}', '{"stages": {"lift": 1}, "settings": []}', "[" * 9999]
)
def test_a_strange_record_is_no_record(tmp_path: Path, content: str) -> None:
    from pipeline.work import _known

    (tmp_path / "run.json").write_text(content)
    assert _known(RunFolder(tmp_path, "a").read_record()) == {}


@pytest.mark.parametrize("kind", [RunSettings, DetectorOptions, RenderSettings, EncoderSettings])
def test_every_setting_refuses_values_of_other_types(kind: type) -> None:
    for item in fields(kind):
        if item.name in ("options", "look", "encoder", "fps"):
            continue
        for wrong in ([], {"a": 1}, object()):
            with pytest.raises(PipelineError, match=item.name):
                resolve({item.name: wrong})
        if item.type not in ("str", "Path", "Path | None"):
            with pytest.raises(PipelineError, match=item.name):
                resolve({item.name: "no"})


def test_the_current_folder_is_an_output_folder() -> None:
    assert resolve({"output": Path()}).output == Path()


@pytest.mark.parametrize("header", HEADERS)
def test_crafted_headers_are_one_line(tmp_path: Path, header: bytes) -> None:
    write_bad_header(tmp_path / "pose2d.npz", header, tuple(vars(pose2d())))
    with pytest.raises(StoreError, match=r"pose2d\.npz"):
        store.load_pose2d(tmp_path / "pose2d.npz")
