"""What stages say they were made from, what their files tell of themselves, and how files come to be whole."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest
from test_store import pose2d, pose3d

from detectors.base import DetectorOptions
from pipeline import store
from pipeline.cut import Cut
from pipeline.errors import StoreError


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def exactly(message: str) -> str:
    return f"^{re.escape(message)}$"


# Fingerprints are kept in people's folders: another way to them would do all their work anew.


def test_fingerprints_stay_what_they_were(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"weights")
    plain = f'{{"a": [1, 2.5], "format": 1, "model": "{sha256(b"weights")}"}}'
    assert store.fingerprint({"model": model, "a": [1, 2.5]}) == sha256(plain.encode())
    model.unlink()
    plain = '{"format": 1, "model": "missing model.onnx"}'
    assert store.fingerprint({"model": model}) == sha256(plain.encode())
    with pytest.raises(TypeError, match=exactly("fingerprint of set")):
        store.fingerprint({"a": {1}})


def test_a_folder_is_its_files_names_and_contents(tmp_path: Path) -> None:
    for name, content in (("b", b"2"), ("a", b"1")):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "c").write_bytes(b"not looked at")
    lines = f"a\0{sha256(b'1')}\nb\0{sha256(b'2')}\n"
    assert store.content_hash(tmp_path) == sha256(lines.encode())
    assert store.content_hash(tmp_path / "a") == sha256(b"1")


def test_what_cannot_be_hashed_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=exactly(f"{tmp_path}/no: cannot be read (No such file or directory)")):
        store.content_hash(tmp_path / "no")
    os.mkfifo(tmp_path / "pipe")
    wanted = f"{tmp_path}/pipe: a pipe or a device, not a file; name a file"
    with pytest.raises(StoreError, match=exactly(wanted)):
        store.content_hash(tmp_path / "pipe")


def test_a_record_tells_files_by_name_and_content(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"weights")
    told = store.told({"model": tmp_path / "m", "none": tmp_path / "gone", "b": (1, None), "a": "x"})
    assert told == {
        "model": {"file": str(tmp_path / "m"), "sha256": sha256(b"weights")},
        "none": {"file": str(tmp_path / "gone"), "sha256": "missing gone"},
        "b": [1, None],
        "a": "x",
    }
    with pytest.raises(TypeError, match=exactly("fingerprint of set")):
        store.told({"a": {1}})


def test_options_count_but_for_those_that_change_no_number() -> None:
    kept = store.options_made_from(DetectorOptions())
    every = {field.name for field in fields(DetectorOptions)}
    assert set(kept) == every - {
        "offline",
        "cache",
        "device",
        "batch",
        "joints",
    }  # joints: as before there was a choice
    assert all(kept[name] == getattr(DetectorOptions(), name) for name in kept)
    assert store.options_made_from(DetectorOptions(joints="coco17")) == {**kept, "joints": "coco17"}

    @dataclass
    class Others:
        sharp: bool = True

    assert store.options_made_from(Others()) == {"sharp": True}


# What files tell.


def test_a_file_tells_which_part_of_its_film_it_is_of(tmp_path: Path) -> None:
    path = tmp_path / "pose2d.npz"
    store.save_pose(path, pose2d(), fingerprint="abc")
    assert store.read_cut(path) == (Cut(), 0.0)
    store.save_pose(path, pose2d(), cut=np.array([1.5, 4, 2]), begins_s=1.48)
    cut, begins = store.read_cut(path)
    assert (cut, begins, type(cut.every)) == (Cut(1.5, 4.0, 2), 1.48, int)


@pytest.mark.parametrize(
    ("cut", "told"),
    [
        ([1.0, 4.0], "unpack"),
        ([4.0, 1.0, 1.0], "behind the start"),
        ([0.0, 1.0, np.nan], "NaN"),
        (["a", "b", "c"], "a"),
    ],
)
def test_a_part_that_cannot_be_is_one_line(cut: list[float], told: str, tmp_path: Path) -> None:
    path = tmp_path / "pose2d.npz"
    store.save_pose(path, pose2d(), cut=np.array(cut), begins_s=0.0)
    wanted = re.escape(f"{path}: does not tell what part of its film it is of (") + ".*; run detect again$"
    with pytest.raises(StoreError, match=wanted) as caught:
        store.read_cut(path)
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_a_mark_is_that_of_a_whole_file(tmp_path: Path) -> None:
    for name, pose in (("pose2d.npz", pose2d()), ("pose3d.npz", pose3d())):
        path = tmp_path / name
        assert store.read_mark(path) == ""
        store.save_pose(path, pose, fingerprint="abc")
        assert store.read_mark(path) == "abc"
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        assert store.read_mark(path) == ""
    np.savez(tmp_path / "other.npz", fingerprint="abc")  # not our arrays
    assert store.read_mark(tmp_path / "other.npz") == ""


def test_what_is_no_pose_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "pose2d.npz"
    with pytest.raises(StoreError, match=exactly(f"{path}: not there, or no file; run detect or lift again")):
        store.load_pose2d(path)
    arrays = {**vars(pose2d()), "joints": np.asarray(pose2d().joints)}
    np.savez(path, **arrays)
    assert store.load_pose2d(path).joints == pose2d().joints  # the first format carries no number
    np.savez(path, **arrays, format=2)
    with pytest.raises(StoreError, match="of format 2, this release reads 1 to 1"):
        store.load_pose2d(path)
    store.save_pose(path, pose2d())
    with np.load(path, allow_pickle=False) as data:
        assert data["format"] == store.FORMAT
    del arrays["boxes"], arrays["valid"]
    np.savez(path, **arrays)
    wanted = f"{path}: no Pose2D file of this release (boxes, valid not in it); run detect or lift again"
    with pytest.raises(StoreError, match=exactly(wanted)):
        store.load_pose2d(path)
    path.write_bytes(b"text")
    wanted = re.escape(f"{path}: not a whole Pose2D file (") + r".*\); run detect or lift again$"
    with pytest.raises(StoreError, match=wanted):
        store.load_pose2d(path)


@pytest.mark.parametrize("number", [0, 2, -1, True, "1", 1.0, None, "x" * 99])
def test_a_format_that_is_none_or_to_come_is_refused(number: object) -> None:
    wanted = f"p.npz: of format {repr(number)[:40]}, this release reads 1 to 1; update it, or make it anew"
    with pytest.raises(StoreError, match=exactly(wanted)):
        store.refuse_newer(Path("p.npz"), number)
    store.refuse_newer(Path("p.npz"), 1)


# Files that come to be.


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    store.write_whole(path, lambda file: file.write(b"first"))

    def full(file: object) -> None:
        assert path.read_bytes() == b"first"  # nothing is written over
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    wanted = f"{path}: cannot be written (No space left on device); check the folder and the free space"
    with pytest.raises(StoreError, match=exactly(wanted)):
        store.write_whole(path, full)
    assert path.read_bytes() == b"first" and [file.name for file in tmp_path.iterdir()] == ["kept"]
    with pytest.raises(StoreError, match=r"cannot be written \(no words\); check"):
        store.write_whole(path, lambda file: (_ for _ in ()).throw(OSError("no words")))
    with pytest.raises(KeyboardInterrupt):
        store.write_whole(path, lambda file: (_ for _ in ()).throw(KeyboardInterrupt))
    assert path.read_bytes() == b"first" and [file.name for file in tmp_path.iterdir()] == ["kept"]


def test_what_was_laid_in_the_way_is_not_followed_and_what_the_dead_left_goes(tmp_path: Path) -> None:
    path, victim = tmp_path / "kept", tmp_path / "victim"
    victim.write_bytes(b"somebody's")
    (tmp_path / f".kept.part{os.getpid()}").symlink_to(victim)
    dead = tmp_path / ".kept.part999999999"
    dead.touch()
    at_work = tmp_path / ".kept.part1"  # the first process lives
    at_work.touch()
    store.write_whole(path, lambda file: file.write(b"new"))
    assert path.read_bytes() == b"new" and victim.read_bytes() == b"somebody's"
    assert not dead.exists() and at_work.exists()


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[int, bool]] = []
    sync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda number: (synced.append((os.fstat(number).st_size, (tmp_path / "x").exists())), sync(number))
    )
    store.write_whole(tmp_path / "x", lambda file: file.write(b"12345"))
    assert synced == [(5, False)]
