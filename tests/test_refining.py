"""Training of the refine module: what it gains where the 2D is exact, its file, and both commands."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lifter import weights
from lifter.__main__ import main
from lifter.datasets.poseset import Poses, PoseSet, write_keypoints, write_poses
from lifter.errors import LifterError
from lifter.evaluate import MeanPose, evaluate
from lifter.lifter import Lifter
from lifter.refine import LABEL, Refine, RefineSettings, back_project
from lifter.refine_file import load_refine, save_refine
from lifter.training.refining import Frames, RefineTraining, errors_mm, lifted_frames, train_refine
from lifter.ugcn import UGCN, UGCNSettings
from lifter.weights import Recipe

LENGTHS = {"S1_Walking.0": 90, "S1_Sitting.1": 60, "S5_Walking.0": 70, "S9_Walking.0": 80, "S9_Sitting.1": 50}


def dataset() -> PoseSet:
    """People who sway before two pinhole cameras; 2D is their exact projection; two sequences are for testing."""
    random = np.random.default_rng(1)
    names, lengths = list(LENGTHS), np.array(list(LENGTHS.values()), np.int64)
    time = np.concatenate([np.arange(n) for n in lengths])[:, None, None] / 12
    body = random.normal(0, 0.3, (17, 3))
    place = np.repeat(random.uniform([-1, -0.3, 4], [1, 0.3, 6], (len(names), 3)), lengths, axis=0)[:, None]
    positions = body + 0.15 * np.sin(time + random.uniform(0, 6, (17, 3))) + place
    intrinsics = np.array([[1145, 1143, 512, 515] if name.endswith("0") else [700, 690, 330, 240] for name in names])
    camera = np.repeat(intrinsics, lengths, axis=0)[:, None]
    keypoints = positions[..., :2] / positions[..., 2:] * camera[..., :2] + camera[..., 2:]
    poses = Poses(
        positions=positions.astype(np.float32),
        valid=np.ones(len(positions), bool),
        lengths=lengths,
        names=np.array(names),
        subjects=np.array([name.split("_")[0] for name in names]),
        actions=np.array([name.split("_")[1][:-2] for name in names]),
        cameras=np.array([name[-1] for name in names]),
        groups=np.array(["lab"] * len(names)),
        splits=np.array(["test" if name.startswith("S9") else "train" for name in names]),
        sizes=np.array([(1000, 1002) if name.endswith("0") else (640, 480) for name in names], np.int32),
        intrinsics=intrinsics.astype(np.float32),
        fps=np.full(len(names), 50.0),
        about={"dataset": "swaying", "protocol": "everyone sways"},
    )
    seen = np.ones(len(positions), bool)
    return PoseSet(poses, "gt", keypoints.astype(np.float32), np.ones((len(positions), 17), np.float32), seen)


@pytest.fixture
def lifter() -> Lifter:
    """A network that never learned anything."""
    torch.manual_seed(0)
    return Lifter.of(UGCN(UGCNSettings(widths=(4, 4, 8, 8, 8))).eval(), Recipe("screen"), "cpu", step=24)


@pytest.fixture
def frames(lifter: Lifter) -> Frames:
    return lifted_frames(lifter, dataset().split("train"))


def test_frames_are_what_the_definition_says(lifter: Lifter) -> None:
    """The keypoints at the lifted depth behind the true pelvis, written out; frames that do not count are left out."""
    data = dataset().split("train")
    valid, seen = data.poses.valid.copy(), data.seen.copy()
    valid[3], seen[100] = False, False
    made = lifted_frames(lifter, replace(data, poses=replace(data.poses, valid=valid), seen=seen))
    keep = np.flatnonzero(valid & seen)
    assert len(made.truth) == 90 + 60 + 70 - 2
    truth = data.poses.positions - data.poses.positions[:, :1]
    np.testing.assert_allclose(made.truth, truth[keep], atol=1e-6)
    for row, frame in ((3, 4), (120, 122)):
        assert keep[row] == frame
        camera = data.poses.intrinsics[np.searchsorted(np.cumsum(data.poses.lengths), frame, side="right")]
        depth = made.lifted[row, :, 2].numpy() + data.poses.positions[frame, 0, 2]
        xy = (data.keypoints[frame] - camera[2:]) / camera[:2] * depth[:, None]
        np.testing.assert_allclose(made.second[row, :, :2], xy - xy[0], atol=1e-4)
        np.testing.assert_allclose(made.second[row, :, 2], made.lifted[row, :, 2], atol=1e-5)


def test_where_2d_is_exact_the_error_falls_on_films_it_never_saw(lifter: Lifter, frames: Frames) -> None:
    module = train_refine(frames, RefineTraining(epochs=40, batch=32))
    before, after = errors_mm(module, frames)
    assert after < 0.75 * before
    data = dataset()
    plain, refined = evaluate(lifter, data), evaluate(lifter, data, refine=module)
    assert refined.frame_mean("MPJPE") < 0.8 * plain.frame_mean("MPJPE")
    assert any(LABEL in note for note in refined.about["notes"])
    assert not any(LABEL in note for note in plain.about["notes"])


def test_errors_are_those_of_the_evaluation(lifter: Lifter, frames: Frames) -> None:
    module = Refine(RefineSettings(width=8)).eval()
    before, after = errors_mm(module, frames, batch=50)
    data = dataset()
    assert evaluate(lifter, data, "train").frame_mean("MPJPE") == pytest.approx(before, rel=1e-5)
    assert evaluate(lifter, data, "train", refine=module).frame_mean("MPJPE") == pytest.approx(after, rel=1e-4)


def test_at_true_depths_trust_in_the_keypoints_leaves_no_error() -> None:
    """A lifter that is right in depth and knows nothing of x and y, refined by a gate that believes the keypoints."""
    data = dataset()
    flat = data.poses.positions - data.poses.positions[:, :1]
    flat[..., :2] = 0

    class Depths(MeanPose):
        def lift_uniform(self, sequence: Any) -> Any:
            first = [i for i, n in enumerate(data.poses.lengths) if n == len(sequence)]
            return flat[data.poses.frames(first[0])]

    module = Refine(RefineSettings(width=4))
    with torch.no_grad():
        module.gate[3].weight.zero_()
        module.gate[3].bias.fill_(-100)
    scores = evaluate(Depths(data.poses), data, refine=module)
    assert scores.frame_mean("MPJPE") < 0.01
    assert evaluate(Depths(data.poses), data).frame_mean("MPJPE") > 100


def test_the_seed_decides_and_chance_outside_is_left_alone(frames: Frames) -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    one, same, other = (
        train_refine(frames, RefineTraining(epochs=1, seed=seed), RefineSettings(width=8)) for seed in (3, 3, 4)
    )
    assert torch.equal(torch.get_rng_state(), state)
    weight, again, unlike = (module.gate[0].weight for module in (one, same, other))
    assert torch.equal(weight, again)
    assert not torch.equal(weight, unlike)
    assert not one.training


def test_what_cannot_be_learned_from_is_told(lifter: Lifter) -> None:
    data = dataset().split("train")
    unseen = replace(data, seen=np.zeros_like(data.seen))
    blind = replace(data, poses=replace(data.poses, intrinsics=np.zeros_like(data.poses.intrinsics)))
    with pytest.raises(LifterError, match="no valid frame"):
        lifted_frames(lifter, unseen)
    for each in (lambda: lifted_frames(lifter, blind), lambda: evaluate(lifter, blind, "train", refine=Refine())):
        with pytest.raises(LifterError, match=r"S1_Walking\.0: the data set does not know its camera"):
            each()
    with pytest.raises(LifterError, match="lower the learning rate"):
        nan = torch.full((4, 17, 3), float("nan"))
        train_refine(Frames(nan, nan, nan), RefineTraining(epochs=1))


def test_a_module_survives_its_file(tmp_path: Path) -> None:
    module = Refine(RefineSettings(width=12, dropout=0.3)).eval()
    save_refine(tmp_path / "new" / "m.safetensors", module, {"lifter": "x", "keypoints": "cpn"})
    loaded, note = load_refine(tmp_path / "new" / "m.safetensors")
    assert (loaded.settings, note) == (module.settings, {"lifter": "x", "keypoints": "cpn"})
    pose = torch.randn(2, 5, 17, 3)
    assert torch.equal(loaded(*pose), module(*pose))
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["m.safetensors"]


def test_other_files_are_refused_in_a_line(tmp_path: Path, lifter: Lifter) -> None:
    weights.save(tmp_path / "lifter.safetensors", lifter.model, Recipe())
    save_file({"x": torch.zeros(2)}, tmp_path / "bare.safetensors")
    module = Refine(RefineSettings(width=4))
    with torch.no_grad():
        module.gate[0].bias[1] = float("nan")
    save_refine(tmp_path / "nan.safetensors", module, {})
    whole = (tmp_path / "nan.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:-9])
    wider = whole.replace(b'\\"width\\": 4', b'\\"width\\": 5')
    assert wider != whole
    (tmp_path / "wider.safetensors").write_bytes(wider)
    for name in ("lifter", "bare", "nan", "cut", "wider", "absent"):
        with pytest.raises(LifterError, match=name):
            load_refine(tmp_path / f"{name}.safetensors")
    with pytest.raises(LifterError):
        weights.load(tmp_path / "nan.safetensors")


def test_both_commands(tmp_path: Path, lifter: Lifter, capsys: pytest.CaptureFixture[str]) -> None:
    data = dataset()
    write_poses(tmp_path / "set", data.poses)
    write_keypoints(tmp_path / "set", data)
    weights.save(tmp_path / "tiny.safetensors", lifter.model, Recipe("screen"))
    common = ["--lifter", str(tmp_path / "tiny.safetensors"), "--data", str(tmp_path / "set"), "--device", "cpu"]
    common += ["--step", "24", "--threads", "1"]
    before = (tmp_path / "tiny.safetensors").read_bytes()
    assert main(["refine", *common, "--epochs", "20", "--batch", "32", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert said.count("epoch ") == 20
    assert LABEL in said
    assert (tmp_path / "tiny.safetensors").read_bytes() == before
    file = tmp_path / "out" / "refine.safetensors"
    assert main(["evaluate", *common, "--refine", str(file), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert LABEL in said.splitlines()[0]
    assert "lifted by tiny.safetensors on swaying, 2D gt" in said
    scores = json.loads((tmp_path / "out" / "scores.json").read_text())
    module, note = load_refine(file)
    assert note["learning_rate"] == 1e-3
    wanted = evaluate(lifter, data, refine=module).frame_mean("MPJPE")
    assert scores["frame_mean"]["MPJPE"] == pytest.approx(wanted)
    assert scores["about"]["refine"]["label"] == LABEL


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["refine", "--epochs", "0"], "epochs and batch from 1"),
        (["refine", "--lr", "0"], "learning_rate in (0, 1]"),
        (["refine", "--lr", "nan"], "refine"),
        (["refine", "--lifter", "nobody"], "no such file and no shipped lifter"),
        (["refine", "--keypoints", "cpn"], "no keypoints 'cpn'"),
        (["evaluate", "--refine", "nowhere.safetensors"], "nowhere.safetensors: no such file"),
    ],
)
def test_bad_words_end_in_one_line(
    tmp_path: Path, words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = dataset()
    write_poses(tmp_path / "set", data.poses)
    write_keypoints(tmp_path / "set", data)
    verb, *rest = words
    common = ["--lifter", "ugcn", "--data", str(tmp_path / "set"), "--out", str(tmp_path / "out"), "--threads", "1"]
    assert main([verb, *common, *rest]) == 1
    told = capsys.readouterr().err
    assert line in told
    assert len(told.splitlines()) == 1


def test_back_projection_meets_the_data_sets_projection() -> None:
    """The intrinsics of the one form are those of its keypoints: pixels at the true depths are the positions."""
    data = dataset()
    for number in range(len(data.poses)):
        at = data.poses.frames(number)
        keypoints, positions = (torch.from_numpy(each[at]) for each in (data.keypoints, data.poses.positions))
        placed = back_project(keypoints, positions[..., 2], torch.from_numpy(data.poses.intrinsics[number]))
        torch.testing.assert_close(placed, positions, atol=1e-4, rtol=0)
