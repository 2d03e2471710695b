"""Evaluation of whole data sets: what is lifted, what is scored, what is said; through the command itself."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lifter import weights
from lifter.__main__ import main
from lifter.commands import evaluate as command
from lifter.commands.say import tenths
from lifter.datasets.poseset import Poses, PoseSet, write_keypoints, write_poses
from lifter.errors import LifterError
from lifter.evaluate import MeanPose, evaluate
from lifter.lifter import Lifter
from lifter.metrics import mpjpe, mpjve, p_mpjpe
from lifter.screen import to_screen
from lifter.ugcn import UGCN, UGCNSettings
from lifter.weights import Recipe

Floats = NDArray[np.float32]
FRAMES = {"S1_Walking.0": 40, "S9_Walking.0": 123, "S9_Walking.1": 100, "S11_Sitting.0": 60}
SIZES = {
    "S1_Walking.0": (1000, 1002),
    "S9_Walking.0": (1000, 1002),
    "S9_Walking.1": (640, 480),
    "S11_Sitting.0": (1000, 1000),
}
SCORED = 123 + 100 + 60


def dataset(about: Mapping[str, Any] | None = None, fps: float = 50.0) -> PoseSet:
    """Four sequences of people who sway in front of a camera, S1's for training; every frame valid."""
    random = np.random.default_rng(3)
    names, lengths = list(FRAMES), np.array(list(FRAMES.values()), np.int64)
    body = random.normal(0, 0.3, (17, 3))
    t = np.concatenate([np.arange(n) for n in lengths])[:, None, None] / 20
    positions = (body + 0.1 * np.sin(t + np.arange(17)[:, None]) + [0.2, 0.1, 4]).astype(np.float32)
    sizes = np.array([SIZES[name] for name in names], np.int32)
    middle = np.repeat(sizes, lengths, axis=0)[:, None] / 2
    keypoints = (1000 * positions[..., :2] / positions[..., 2:] + middle).astype(np.float32)
    poses = Poses(
        positions=positions,
        valid=np.ones(len(positions), bool),
        lengths=lengths,
        names=np.array(names),
        subjects=np.array([name.split("_")[0] for name in names]),
        actions=np.array([name.split("_")[1][:-2] for name in names]),
        cameras=np.array([name[-1] for name in names]),
        groups=np.array(["lab"] * 4),
        splits=np.array(["train", "test", "test", "test"]),
        sizes=sizes,
        intrinsics=np.ones((4, 4), np.float32),
        fps=np.full(4, fps),
        about=about or {"dataset": "swaying", "protocol": "everyone sways"},
    )
    frames = len(positions)
    return PoseSet(poses, "gt", keypoints, np.ones((frames, 17), np.float32), np.ones(frames, bool))


def with_poses(data: PoseSet, **changes: Any) -> PoseSet:
    return replace(data, poses=replace(data.poses, **changes))


class Oracle:
    """Knows the truth by the keypoints it is shown, and answers so many millimetres beside it."""

    def __init__(self, data: PoseSet, normalisation: str = "screen", off: float = 0.0, rate_hz: float = 50.0) -> None:
        self.recipe, self.step = Recipe(normalisation, rate_hz), 5
        self.off, self.seen = off, list[int]()
        self.known: list[tuple[Floats, Floats]] = []
        for number, size in enumerate(data.poses.sizes.tolist()):
            at = data.poses.frames(number)
            units = to_screen(data.keypoints[at], tuple(size)) if normalisation == "screen" else data.keypoints[at]
            self.known.append((units, data.poses.positions[at]))

    def lift_uniform(self, sequence: Floats) -> Floats:
        self.seen.append(len(sequence))
        for units, positions in self.known:
            if np.array_equal(units[: len(sequence)], sequence):
                return positions[: len(sequence)] + np.float32(self.off / 1000) * (np.arange(17) > 0)[:, None]
        raise AssertionError("shown keypoints in units that are not those of the data")


@pytest.fixture
def tiny() -> Lifter:
    """A random network with 96-frame windows in screen units."""
    torch.manual_seed(0)
    return Lifter.of(UGCN(UGCNSettings(widths=(4, 4, 8, 8, 8))).eval(), Recipe("screen"), "cpu")


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    data = dataset()
    write_poses(tmp_path / "set", data.poses)
    write_keypoints(tmp_path / "set", data)
    return tmp_path / "set"


# What is lifted.


@pytest.mark.parametrize("normalisation", ["screen", "person"])
def test_a_lifter_that_knows_makes_no_error(normalisation: str) -> None:
    """Screen units are those of each sequence's own picture; persons are measured by the lifter itself."""
    data = dataset()
    oracle = Oracle(data, normalisation)
    scores = evaluate(oracle, data)
    assert scores.frame_mean("MPJPE") == pytest.approx(0, abs=1e-4)
    assert oracle.seen == [123, 100, 60]
    assert scores.about["split"] == "test"
    assert scores.about["keypoints"] == "gt"


def test_the_root_is_subtracted_from_both() -> None:
    data = dataset()
    scores = evaluate(Oracle(data, off=10), data)
    assert scores.frame_mean("MPJPE", range(1, 17)) == pytest.approx(10 * np.sqrt(3), rel=1e-4)
    assert scores.by("joint", "MPJPE")["pelvis"] == 0
    assert scores.frame_mean("MPJPE") == pytest.approx(10 * np.sqrt(3) * 16 / 17, rel=1e-4)


def test_scores_are_those_of_each_sequence_lifted_by_hand(tiny: Lifter) -> None:
    data = dataset()
    scores = evaluate(tiny, data)
    errors: dict[str, list[float]] = {"MPJPE": [], "P-MPJPE": [], "MPJVE": []}
    for number in (1, 2, 3):
        at = data.poses.frames(number)
        lifted = tiny.lift_uniform(to_screen(data.keypoints[at], SIZES[str(data.poses.names[number])]))
        truth = data.poses.positions[at].astype(float)
        truth -= truth[:, :1]
        for name, metric in (("MPJPE", mpjpe), ("P-MPJPE", p_mpjpe), ("MPJVE", mpjve)):
            errors[name].append(metric(lifted - lifted[:, :1], truth))
    for name, weights_ in (("MPJPE", (123, 100, 60)), ("P-MPJPE", (123, 100, 60)), ("MPJVE", (122, 99, 59))):
        assert scores.frame_mean(name) == pytest.approx(np.average(errors[name], weights=weights_))
        walking = np.average(errors[name][:2], weights=weights_[:2])
        assert scores.action_mean(name) == pytest.approx((walking + errors[name][2]) / 2)


def test_only_valid_frames_are_scored_but_all_are_lifted() -> None:
    data = dataset()
    positions, valid = data.poses.positions.copy(), data.poses.valid.copy()
    oracle = Oracle(data)
    bad = data.poses.frames(1).start + np.arange(10, 20)
    positions[bad, 5] += 3
    valid[bad] = False
    scores = evaluate(oracle, with_poses(data, positions=positions, valid=valid))
    assert oracle.seen == [123, 100, 60]
    assert scores.scored_frames == SCORED - 10
    assert scores.counts["MPJVE"].tolist() == [122 - 11, 99, 59]
    assert scores.frame_mean("MPJPE") == pytest.approx(0, abs=1e-4)
    assert any("10 of 283 frames have no valid reference" in note for note in scores.about["notes"])


def test_drop_tail_scores_what_windows_at_the_step_cover() -> None:
    """Windows of 96 every 5: 123 frames are covered up to 121, 100 up to 96, 60 not at all."""
    data = dataset()
    oracle = Oracle(data)
    scores = evaluate(oracle, data, drop_tail=True)
    assert oracle.seen == [121, 96]
    assert scores.frames("sequence") == {"S9_Walking.0": 121, "S9_Walking.1": 96}
    assert any(note.startswith("66 frames behind") for note in scores.about["notes"])


def test_data_of_another_rate_is_lifted_as_it_is_unless_asked() -> None:
    data = dataset(fps=25.0)
    oracle = Oracle(data)
    scores = evaluate(oracle, data)
    assert oracle.seen == [123, 100, 60]
    assert any(
        "trained at 50 frames a second, the data has 25: lifted frame by frame" in n for n in scores.about["notes"]
    )


def test_resampling_shows_the_lifter_its_own_rate_and_scores_the_datas() -> None:
    class Shadow:
        """Answers with what it sees, so that a round trip in time can be measured."""

        recipe, step = Recipe("person", 50.0), 5

        def __init__(self) -> None:
            self.seen: list[int] = []

        def lift_uniform(self, sequence: Floats) -> Floats:
            self.seen.append(len(sequence))
            return np.concatenate([sequence / 1000, np.zeros_like(sequence[..., :1])], axis=-1)

    data = dataset(fps=25.0)
    flat = np.concatenate([data.keypoints / 1000, np.zeros_like(data.keypoints[..., :1])], axis=-1)
    shadow = Shadow()
    scores = evaluate(shadow, with_poses(data, positions=flat), resample=True)
    assert shadow.seen == [245, 199, 119]
    assert scores.scored_frames == SCORED
    assert scores.frame_mean("MPJPE") < 0.01
    assert any("resampled" in note for note in scores.about["notes"])


def test_skipped_sequences_are_left_out() -> None:
    data = dataset()
    scores = evaluate(Oracle(data), data, skip=["S9_Walking.*"])
    assert list(scores.frames("sequence")) == ["S11_Sitting.0"]
    assert scores.about["skip"] == ["S9_Walking.*"]


def test_frames_without_a_person_are_told_and_scored() -> None:
    data = dataset()
    seen = data.seen.copy()
    seen[50:53] = False
    scores = evaluate(Oracle(data), replace(data, seen=seen))
    assert scores.scored_frames == SCORED
    assert any(note.startswith("In 3 valid frames the detector found no one") for note in scores.about["notes"])


@pytest.mark.parametrize(("named", "count"), [(None, 17), ([1, 2, 3, 4], 4)])
def test_score_joints_are_the_data_sets(named: list[int] | None, count: int) -> None:
    data = dataset({"dataset": "x"} if named is None else {"score_joints": named})
    scores = evaluate(Oracle(data), data)
    assert len(scores.about["score_joints"]) == count
    assert scores.measures["AUC"].joints == tuple(named or range(17))
    assert any(
        f"PCK and AUC are over {'all ' if count == 17 else ''}{count} joints" in n for n in scores.about["notes"]
    )


def test_progress_counts_every_frame(tiny: Lifter) -> None:
    told: list[int] = []
    evaluate(tiny, dataset(), progress=told.append)
    assert sum(told) == SCORED


# The floor.


def test_the_mean_pose_is_the_train_splits() -> None:
    """Its error is that of the mean written out, and on the train split no other constant has a smaller square."""
    data = dataset()
    floor = MeanPose(data.poses)
    train = data.poses.positions[:40].astype(float)
    train -= train[:, :1]
    np.testing.assert_allclose(floor.pose, train.mean(axis=0), atol=1e-6)
    wanted = mpjpe(np.repeat(train.mean(axis=0)[None], 40, axis=0), train)
    assert evaluate(floor, data, "train").frame_mean("MPJPE") == pytest.approx(wanted, rel=1e-5)
    assert evaluate(floor, data).frame_mean("bone_deviation") == pytest.approx(0, abs=1e-4)


def test_the_mean_pose_leaves_out_what_is_not_valid() -> None:
    data = dataset()
    positions, valid = data.poses.positions.copy(), data.poses.valid.copy()
    positions[5:9, 3] += 100
    valid[5:9] = False
    spoilt = with_poses(data, positions=positions, valid=valid)
    good = data.poses.positions[:40][valid[:40]]
    np.testing.assert_allclose(MeanPose(spoilt.poses).pose, (good - good[:, :1]).mean(axis=0), atol=1e-6)


# What is refused, in one line.


@pytest.mark.parametrize(
    ("about", "options", "line"),
    [
        ({}, {"split": "validation"}, "no 'validation' split"),
        ({}, {"skip": ["S5*"]}, "skip 'S5\\*': no sequence of that name"),
        ({}, {"skip": ["*"]}, "leave out every sequence"),
        ({}, {"drop_tail": True, "resample": True}, "leave out one"),
        ({"score_joints": [17]}, {}, "numbers 0 to 16"),
        ({"score_joints": "all"}, {}, "numbers 0 to 16"),
        ({"score_joints": [[1]]}, {}, "numbers 0 to 16"),
        ({"score_joints": []}, {}, "numbers 0 to 16"),
    ],
)
def test_what_cannot_be_is_told(about: dict[str, Any], options: dict[str, Any], line: str) -> None:
    data = dataset(about)
    with pytest.raises(LifterError, match=line):
        evaluate(Oracle(data), data, **options)


def test_a_lifter_without_numbers_is_told() -> None:
    data = dataset()
    with pytest.raises(LifterError, match=r"S9_Walking\.0: the lifter gives no finite numbers"):
        evaluate(Oracle(data, off=float("nan")), data)


def test_nothing_to_score_is_told() -> None:
    data = dataset()
    with pytest.raises(LifterError, match="no valid frame"):
        evaluate(Oracle(data), with_poses(data, valid=np.zeros_like(data.poses.valid)))
    with pytest.raises(LifterError, match="no valid frame in a train split"):
        MeanPose(data.split("test").poses)


# The command.


def test_the_command_prints_the_table_and_writes_the_files(
    prepared: Path, tmp_path: Path, tiny: Lifter, capsys: pytest.CaptureFixture[str]
) -> None:
    weights.save(tmp_path / "tiny.safetensors", tiny.model, Recipe("screen"))
    words = ["evaluate", "--lifter", str(tmp_path / "tiny.safetensors"), "--data", str(prepared), "--device", "cpu"]
    assert main([*words, "--step", "20", "--by", "action", "joint", "camera", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    tiny.step = 20
    wanted = evaluate(tiny, dataset())
    assert f"{wanted.action_mean('P-MPJPE'):.2f}" in said
    assert "tiny.safetensors on swaying, split test, 2D gt: 3 sequences, 283 frames scored" in said
    assert "right_wrist" in said
    assert "everyone sways" in said
    whole = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert whole["frame_mean"]["MPJPE"] == pytest.approx(wanted.frame_mean("MPJPE"))
    assert whole["about"]["step"] == 20
    assert whole["about"]["flip"] is True
    assert set(whole["by"]) == {"action", "group", "subject", "camera", "sequence", "joint"}
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "scores.csv", "scores.json", "scores.md", "scores.png"
    ]  # fmt: skip
    assert "| camera |" in (tmp_path / "out" / "scores.md").read_text()


def test_without_flip_another_number(prepared: Path, tmp_path: Path, tiny: Lifter) -> None:
    weights.save(tmp_path / "tiny.safetensors", tiny.model, Recipe("screen"))
    words = ["evaluate", "--lifter", str(tmp_path / "tiny.safetensors"), "--data", str(prepared), "--device", "cpu"]
    assert main([*words, "--no-flip", "--out", str(tmp_path)]) == 0
    tiny.flip = False
    whole = json.loads((tmp_path / "scores.json").read_text())
    assert whole["frame_mean"]["MPJPE"] == pytest.approx(evaluate(tiny, dataset()).frame_mean("MPJPE"))
    tiny.flip = True
    assert whole["frame_mean"]["MPJPE"] != pytest.approx(evaluate(tiny, dataset()).frame_mean("MPJPE"))


def test_the_floor_by_the_command(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--lifter", "mean", "--data", str(prepared), "--by", "sequence"]) == 0
    said = capsys.readouterr().out
    assert "mean pose (a constant: the floor to compare with) on swaying" in said
    assert f"{evaluate(MeanPose(dataset().poses), dataset()).frame_mean('MPJPE'):.2f}" in said


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--lifter", "nobody"], "no such file and no shipped lifter"),
        (["--lifter", "mean", "--keypoints", "cpn"], "no keypoints 'cpn' (there are: gt)"),
        (["--lifter", "mean", "--step", "0"], "step 0"),
        (["--lifter", "mean", "--split", "validation"], "no 'validation' split"),
        (["--lifter", "mean", "--skip-list", "S2*"], "skip 'S2*'"),
        (["--lifter", "mean", "--data", "nowhere"], "not a prepared data set"),
    ],
)
def test_bad_words_end_in_one_line(
    prepared: Path, words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--data", str(prepared), *words]) == 1
    told = capsys.readouterr().err
    assert line in told
    assert len(told.splitlines()) == 1


def test_an_output_folder_that_cannot_be_is_told_before_the_work(
    prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    assert main(["evaluate", "--lifter", "mean", "--data", str(prepared), "--out", str(tmp_path / "taken" / "x")]) == 1
    told = capsys.readouterr()
    assert len(told.err.splitlines()) == 1
    assert not told.out


def test_long_work_speaks_at_every_tenth() -> None:
    told: list[str] = []
    progress = tenths(100_000, told.append)
    for _ in range(1000):
        progress(100)
    assert len(told) == 10
    assert told[-1] == "100000 of 100000 frames lifted"


def test_the_commands_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, argparse; from lifter.commands.evaluate import add_arguments\n"
        "add_arguments(argparse.ArgumentParser())\n"
        "heavy = {'torch', 'numpy', 'scipy', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stderr


def test_the_command_parses_the_defaults_of_the_paper() -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    given = parser.parse_args(["--lifter", "ugcn", "--data", "x"])
    assert (given.step, given.no_flip, given.keypoints, given.split, given.by) == (5, False, "gt", "test", ["action"])
