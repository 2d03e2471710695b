"""The one form of data: what is written is read, what does not fit is refused at birth, damage is one line."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from crafted import HEADERS, write_bad_header
from walkers import detected, walkers, write_walkers

from lifter.datasets import poseset
from lifter.datasets.poseset import Poses, read_poses, read_poseset, sources, write_keypoints, write_poses
from lifter.errors import LifterError


def same(one: Poses, other: Poses) -> None:
    for item in fields(one):
        if item.name != "about":
            np.testing.assert_array_equal(getattr(one, item.name), getattr(other, item.name), item.name)
    assert dict(one.about) == dict(other.about)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    truth = write_walkers(tmp_path)
    same(read_poses(tmp_path), truth.poses)
    assert sources(tmp_path) == ["cpn", "gt"]
    made, wanted = read_poseset(tmp_path, "cpn"), detected(truth)
    for name in ("keypoints", "scores", "seen"):
        np.testing.assert_array_equal(getattr(made, name), getattr(wanted, name))


def test_subset_takes_whole_sequences_in_the_order_asked_for() -> None:
    made = walkers(3, 50)
    picked = made.subset(np.array([2, 0]))
    np.testing.assert_array_equal(picked.keypoints, np.concatenate([made.keypoints[100:], made.keypoints[:50]]))
    assert picked.poses.names.tolist() == ["walk 2", "walk 0"]
    assert picked.poses.frames(1) == slice(50, 100)
    same(made.subset(np.arange(3)).poses, made.poses)


def test_split_is_told_when_it_is_not_there() -> None:
    with pytest.raises(LifterError, match=r"no 'train' split \(it has test"):
        walkers().split("train")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("positions", np.zeros((3, 17, 3), np.float32), "positions"),
        ("positions", np.full((180, 17, 3), np.nan, np.float32), "finite"),
        ("lengths", np.array([60, 120, 0]), "at least one frame"),
        ("names", np.array(["a", "a", "b"]), "unique"),
        ("splits", np.array(["test", "test", "exam"]), "exam"),
        ("fps", np.array([50, 50, 50]), "fps"),
    ],
)
def test_what_does_not_fit_is_refused_at_birth(name: str, value: np.ndarray, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(walkers().poses, **{name: value})


def test_keypoints_of_other_sequences_are_refused(tmp_path: Path) -> None:
    write_poses(tmp_path, walkers(2).poses)
    write_keypoints(tmp_path, walkers(3))
    with pytest.raises(LifterError, match="other sequences"):
        read_poseset(tmp_path)


@pytest.mark.parametrize("header", HEADERS)
def test_crafted_headers_are_one_line(tmp_path: Path, header: bytes) -> None:
    write_bad_header(tmp_path / "poses.npz", header, ("about", "positions"))
    with pytest.raises(LifterError, match="not a prepared data set"):
        read_poses(tmp_path)


def test_any_damage_is_one_line_or_harmless(tmp_path: Path) -> None:
    write_walkers(tmp_path, count=1, frames=4)
    whole = bytearray((tmp_path / "poses.npz").read_bytes())
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        hurt = whole.copy()
        hurt[random.integers(len(hurt))] ^= 1 << random.integers(8)
        (tmp_path / "poses.npz").write_bytes(hurt[: random.integers(1, len(hurt))] if random.random() < 0.2 else hurt)
        try:
            read_poses(tmp_path)
        except LifterError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 100  # an archive knows the checksums of its members


def test_another_format_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poseset, "FORMAT", "motion-lift/poses/99")
    write_walkers(tmp_path, 1, 4)
    monkeypatch.undo()
    with pytest.raises(LifterError, match="format"):
        read_poses(tmp_path)
    assert json.loads(str(np.load(tmp_path / "poses.npz")["about"]))["format"].endswith("99")


def test_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LifterError, match="cannot be written"):
        write_poses(tmp_path / "file", walkers(1, 4).poses)
