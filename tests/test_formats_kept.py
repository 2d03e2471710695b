"""Files of the first format are read or refused by name, and files of a later one are refused, in one line each."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from lifter import joints, weights
from lifter.errors import LifterError
from pipeline import store
from pipeline.errors import PipelineError, StoreError
from pipeline.folder import RunFolder
from pipeline.settings import read_config, resolve
from pipeline.view.kept import open_run

sys.path.insert(0, str(Path(__file__).parent / "golden"))
import make_first

FIRST = make_first.FOLDER


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder as the first release left it."""
    return Path(shutil.copytree(FIRST, tmp_path / "film"))


def rewritten(path: Path, **changes: object) -> Path:
    with np.load(path, allow_pickle=False) as data:
        arrays = {**data, **changes}
    np.savez_compressed(path, **arrays)
    return path


def test_poses_of_the_first_format_are_read(run: Path) -> None:
    flat, solid = store.load_pose2d(run / "pose2d.npz"), store.load_pose3d(run / "pose3d.npz")
    for pose, made in ((flat, make_first.pose2d()), (solid, {**make_first.pose3d(), **make_first.paths()})):
        for name, value in made.items():
            np.testing.assert_array_equal(getattr(pose, name), value, err_msg=name)
    assert store.read_about(run / "pose3d.npz", "fingerprint") == "f" * 64
    assert store.read_cut(run / "pose3d.npz")[1] == 0.0


def test_a_run_of_the_first_format_is_opened(run: Path) -> None:
    kept = open_run(run)
    assert (kept.name, kept.size, kept.fps) == ("film.mp4", (160, 120), 25.0)
    assert RunFolder(run, "film").read_record()["stages"]["detect"]["frames"] == make_first.FRAMES


def test_poses_from_before_paths_are_refused_by_what_they_lack(run: Path) -> None:
    with pytest.raises(StoreError, match=r"root, root_sigma not in it.*run detect or lift again"):
        store.load_pose3d(run / "pose3d_without_paths.npz")


def test_settings_of_the_first_format_are_read() -> None:
    settings = resolve(read_config(FIRST / "settings.toml"))
    assert (settings.detector, settings.options.box_every, settings.encoder.crf) == ("onnx", 3, 18)


def test_weights_of_the_first_format_are_read() -> None:
    network, recipe = weights.load(FIRST / "lifter.safetensors")
    assert network.settings.widths == make_first.WIDTHS and network.settings.pairs == 4
    assert recipe == weights.Recipe("person", 50.0, 96)
    assert torch.isfinite(network(torch.ones(1, 16, 17, 2))).all()


def test_the_maker_makes_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_first, "FOLDER", tmp_path)
    make_first.main()
    assert {file.name for file in tmp_path.iterdir()} == {file.name for file in FIRST.iterdir()}
    for file in FIRST.glob("*.npz"):
        with np.load(file, allow_pickle=False) as kept, np.load(tmp_path / file.name, allow_pickle=False) as made:
            assert set(kept) == set(made) and "format" not in kept
            for name in kept:
                np.testing.assert_array_equal(kept[name], made[name], err_msg=name)
    for name in ("run.json", "settings.toml"):
        assert (tmp_path / name).read_text() == (FIRST / name).read_text()


def test_what_is_written_now_carries_its_number(run: Path) -> None:
    store.save_pose(run / "pose2d.npz", store.load_pose2d(FIRST / "pose2d.npz"), fingerprint="f")
    with np.load(run / "pose2d.npz", allow_pickle=False) as data:
        assert int(data["format"]) == store.FORMAT
    assert store.load_pose2d(run / "pose2d.npz").joints == joints.NAMES


@pytest.mark.parametrize("number", [store.FORMAT + 1, 0, -1])
def test_poses_of_another_format_are_refused_by_its_number(number: int, run: Path) -> None:
    rewritten(run / "pose3d.npz", format=np.array(number))
    with pytest.raises(StoreError, match=rf"pose3d\.npz: of format {number}, this release reads 1") as caught:
        store.load_pose3d(run / "pose3d.npz")
    assert "\n" not in str(caught.value)


def test_a_run_of_a_later_release_is_not_overwritten(run: Path) -> None:
    record = run / "run.json"
    record.write_text(json.dumps({**make_first.record(), "format": store.FORMAT + 1}))
    with pytest.raises(StoreError, match=r"run\.json: of format 2, this release reads 1"):
        RunFolder(run, "film").read_record()
    record.write_text(json.dumps({**make_first.record(), "format": "soup"}))  # damage is as if it were not there
    assert RunFolder(run, "film").read_record()["format"] == "soup"


@pytest.mark.parametrize("number", ["2", "0", "'one'", "true", "1.0"])
def test_settings_of_another_format_are_refused(number: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(f"format = {number}\n")
    with pytest.raises(PipelineError, match=r"a\.toml: settings of format"):
        read_config(tmp_path / "a.toml")
    (tmp_path / "a.toml").write_text("format = 1\nevery = 2\n")
    assert read_config(tmp_path / "a.toml") == {"every": 2}


def test_weights_of_a_later_format_are_refused_by_its_name(tmp_path: Path) -> None:
    with safe_open(FIRST / "lifter.safetensors", framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        about = json.loads(file.metadata()["about"])
    save_file(tensors, tmp_path / "a.safetensors", {"about": json.dumps({**about, "format": "motion-lift/ugcn/2"})})
    with pytest.raises(LifterError, match=r"of format 'motion-lift/ugcn/2', this release reads 'motion-lift/ugcn/1'"):
        weights.load(tmp_path / "a.safetensors")
