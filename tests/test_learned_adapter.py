"""Laws of learned adapters: weights of sum one, sides alike, what is known is found again; the command, whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_adapter import other_side, person, random_people
from test_run import make_film, run
from walkers import walkers

from detectors.joints import COCO_17, H36M_17, VOCABULARIES
from lifter.datasets.poseset import PoseSet, write_keypoints, write_poses
from pipeline.adapter import adapt
from pipeline.errors import PipelineError
from pipeline.learned.__main__ import main
from pipeline.learned.fit import errors, fit, folds, learn, moved
from pipeline.learned.pairs import Pairs
from pipeline.learned.shares import (
    KINDS,
    LEARNED,
    SHIPPED,
    Shares,
    both_sides,
    find_shares,
    read_shares,
    written,
)
from pipeline.poses import Pose2D
from pipeline.store import load_pose3d, save_pose

SHIPPED_FOR = sorted(read_shares(SHIPPED))


def made(key: str, seed: int = 0) -> Shares:
    """Shares by chance for every kind of joint."""
    random = np.random.default_rng(seed)
    joints = VOCABULARIES[key]
    return Shares(joints, both_sides({kind: random.normal(0, 0.1, len(joints)) for kind in KINDS}, joints))


def placed(shares: Shares, keypoints: np.ndarray, scores: np.ndarray, joints: tuple[str, ...]) -> np.ndarray:
    return shares.move(adapt(keypoints, scores, joints)[0], keypoints, scores, joints)


def film(shares: Shares, who: str = "anna", seed: int = 3, noise: float = 0.0) -> Pairs:
    """People whose truth is what `shares` say of what was found."""
    random = np.random.default_rng(seed + 100)
    keypoints, scores = (array.reshape(35, *array.shape[2:]) for array in random_people(shares.joints, seed))
    rules = adapt(keypoints, scores, shares.joints)[0].astype(np.float64)
    truth = placed(shares, keypoints, scores, shares.joints) + random.normal(0, noise, (35, 17, 2))
    inside = np.ones((35, 17), bool)
    return Pairs("coco17", shares.joints, who, keypoints, scores > 0, rules, truth, inside, 100.0)


@pytest.mark.parametrize("key", ["coco17", "mediapipe33"])
def test_moving_scaling_turning_and_mirroring_commute_with_learned_places(key: str) -> None:
    shares, joints = made(key), VOCABULARIES[key]
    keypoints, scores = random_people(joints)
    expected = placed(shares, keypoints, scores, joints)
    turn = 0.7 * np.array([[0.6, -0.8], [0.8, 0.6]])
    np.testing.assert_allclose(
        placed(shares, keypoints @ turn.T + (40, -7), scores, joints), expected @ turn.T + (40, -7), atol=5e-3
    )
    twin, twin17 = ([names.index(other_side(name)) for name in names] for names in (joints, H36M_17))
    mirrored = (keypoints * (-1, 1) + (640, 0))[..., twin, :]
    got = placed(shares, mirrored, scores[..., twin], joints)
    np.testing.assert_allclose(got, (expected * (-1, 1) + (640, 0))[..., twin17, :], atol=2e-3)


@pytest.mark.parametrize("key", ["coco17", "mediapipe33"])
def test_weights_sum_to_one_and_order_and_other_names_do_not_matter(key: str) -> None:
    shares, joints = made(key), VOCABULARIES[key]
    point = np.full((1, len(joints), 2), (320.0, 200.0))
    got = placed(shares, point, np.ones((1, len(joints))), joints)
    np.testing.assert_allclose(got, np.broadcast_to(point[:, :1], got.shape), atol=1e-3)
    keypoints, scores = random_people(joints)
    order = np.random.default_rng(0).permutation(len(joints))
    more = np.concatenate([keypoints[..., order, :], np.zeros((5, 7, 1, 2))], axis=-2)
    names = (*(joints[i] for i in order), "left_something_else")
    got = placed(shares, more, np.concatenate([scores[..., order], np.zeros((5, 7, 1))], axis=-1), names)
    np.testing.assert_array_equal(got, placed(shares, keypoints, scores, joints))


def test_no_shares_are_the_rules_and_an_unseen_source_keeps_them() -> None:
    keypoints, scores = random_people(COCO_17)
    rules = adapt(keypoints, scores, COCO_17)[0]
    none = Shares(COCO_17, np.zeros((17, 17)))
    np.testing.assert_array_equal(placed(none, keypoints, scores, COCO_17), rules)
    knee = np.zeros(17)
    knee[COCO_17.index("left_knee")] = 0.2
    one = Shares(COCO_17, both_sides({"hip": knee}, COCO_17))
    scores[2, 3, COCO_17.index("left_knee")] = 0
    got = placed(one, keypoints, scores, COCO_17)
    left, right = H36M_17.index("left_hip"), H36M_17.index("right_hip")
    np.testing.assert_array_equal(got[2, 3, left], rules[2, 3, left])
    wanted = 0.8 * rules[..., right, :] + 0.2 * keypoints[..., COCO_17.index("right_knee"), :]
    np.testing.assert_allclose(got[..., right, :], wanted, atol=1e-3)
    others = [joint for joint in range(17) if joint not in (left, right)]
    np.testing.assert_array_equal(got[..., others, :], rules[..., others, :])
    nothing = placed(one, keypoints, np.zeros_like(scores), COCO_17)  # a bridged gap
    np.testing.assert_allclose(nothing[..., right, :], wanted, atol=1e-3)


def test_a_known_combination_is_found_again() -> None:
    joints = COCO_17
    hip, head = np.zeros(17), np.zeros(17)
    hip[[joints.index("left_knee"), joints.index("right_hip"), joints.index("nose")]] = -0.1, 0.05, 0.2
    head[[joints.index("left_ear"), joints.index("right_ear")]] = 0.3
    known = Shares(joints, both_sides({"hip": hip, "head": head}, joints))
    films = [film(known, who, seed) for seed, who in enumerate("abc")]
    got = fit(films, ridge=1e-7)
    np.testing.assert_allclose(got.matrix, known.matrix, atol=2e-3)
    assert np.nanmax(errors(films[0], moved(got, films[0]))) < 0.005 < np.nanmax(errors(films[0], films[0].rules))
    stiff = fit(films, ridge=1e6)
    assert np.abs(stiff.matrix).max() < 1e-3, "a heavy ridge is the rules"


def test_only_what_helps_people_left_out_is_learned() -> None:
    hip = np.zeros(17)
    hip[COCO_17.index("left_knee")] = 0.2
    known = Shares(COCO_17, both_sides({"hip": hip}, COCO_17))
    films = [film(known, who, seed, noise=8.0) for seed, who in enumerate("abcdef")]
    learned = learn(films, ridges=(0.003, 0.03)).shares
    moved_kinds = {name.split("_")[-1] for name, row in zip(H36M_17, learned.matrix, strict=True) if row.any()}
    assert moved_kinds == {"hip"}
    assert learned.matrix[H36M_17.index("left_hip"), COCO_17.index("left_knee")] == pytest.approx(0.2, abs=0.02)


def test_a_person_is_in_one_fold() -> None:
    people = ["a", "b", "a", "c", "d", "a", "e", "f", "f"]
    one = film(made("coco17"))
    parts = folds([replace(one, who=who) for who in people])
    assert len(set(parts)) == 5
    assert len(set(zip(people, parts, strict=True))) == len(set(people))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    shares = {key: made(key) for key in ("coco17", "mediapipe33")}
    (tmp_path / "a.toml").write_text(written(shares))
    for key, got in read_shares(tmp_path / "a.toml").items():
        np.testing.assert_allclose(got.matrix, shares[key].matrix, atol=5e-5)


@pytest.mark.parametrize("key", SHIPPED_FOR)
def test_the_shipped_ones_move_trunk_and_head_a_little_and_leave_the_limbs(key: str) -> None:
    shares = find_shares(LEARNED, VOCABULARIES[key])
    assert shares is not None and shares.about["films"] > 1
    keypoints, scores = person(VOCABULARIES[key]), np.ones(len(VOCABULARIES[key]))
    rules = adapt(keypoints, scores, VOCABULARIES[key])[0]
    got = placed(shares, keypoints, scores, VOCABULARIES[key])
    off = np.linalg.norm(got - rules, axis=-1)
    for name in ("pelvis", "left_hip", "right_hip", "thorax", "neck", "head"):
        assert 0 < off[H36M_17.index(name)] < 25, name  # of a trunk of 100 px
    for name in ("left_knee", "right_ankle", "left_elbow"):
        assert off[H36M_17.index(name)] == 0, name
    column = got[[H36M_17.index(name) for name in ("pelvis", "spine", "thorax", "neck", "head")]]
    assert (np.diff(column[:, 1]) < -4).all() and np.abs(column[:, 0] - 300).max() < 1e-3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[coco18.hip]\nnose = 0.1", "coco18"), ("[coco17.toe]\nnose = 0.1", "toe"),
        ("[coco17.hip]\nbeak = 0.1", "hip"), ("[coco17.hip]\nnose = true", "numbers"),
        ("[coco17.hip]\nnose = nan", "finite"), ("coco17 = 3", "coco17"), ("nonsense", "adapter"),
    ],
)  # fmt: skip
def test_what_is_no_adapter_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "a.toml"
    file.write_text(text)
    with pytest.raises(PipelineError, match=told) as raised:
        read_shares(file)
    assert "\n" not in str(raised.value) and str(file) in str(raised.value)


def test_a_vocabulary_nobody_learned_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(written({"coco17": made("coco17")}))
    with pytest.raises(PipelineError, match=r"learned for coco17, the detector gives halpe26"):
        find_shares(str(file), VOCABULARIES["halpe26"])
    assert find_shares("rules", VOCABULARIES["halpe26"]) is None


def as_detected(truth: PoseSet, runs: Path) -> None:
    """Write what a detector of COCO's joints left of every film: the limbs, hips a tenth of a thigh low, a face."""
    index = [H36M_17.index(name) if name in H36M_17 else H36M_17.index("neck") for name in COCO_17]
    for number, name in enumerate(truth.poses.names.tolist()):
        at = truth.poses.frames(number)
        found = truth.keypoints[at][:, index].copy()
        found += np.random.default_rng(number).normal(0, 1, found.shape)
        for side in ("left", "right"):
            hip, knee = COCO_17.index(f"{side}_hip"), COCO_17.index(f"{side}_knee")
            found[:, hip] += 0.1 * (found[:, knee] - found[:, hip])
        frames = len(found)
        box = np.concatenate([found.min(axis=1), found.max(axis=1)], axis=-1)
        pose = Pose2D(
            found[None].astype(np.float32), np.ones((1, frames, 17), np.float32), box[None].astype(np.float32),
            np.ones((1, frames), bool), np.arange(frames) / 50, COCO_17,
        )  # fmt: skip
        folder = runs / name.replace(" ", "_")
        folder.mkdir(parents=True)
        save_pose(folder / "pose2d.npz", pose)


def test_the_command_learns_writes_and_a_run_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = walkers(count=4)
    poses = replace(truth.poses, splits=np.array(["train"] * 3 + ["validation"]), subjects=np.array(list("abcd")))
    truth = replace(truth, poses=poses)
    write_poses(tmp_path / "set", poses)
    write_keypoints(tmp_path / "set", truth)
    as_detected(truth, tmp_path / "runs")
    out = tmp_path / "adapter.toml"
    words = ["--data", str(tmp_path / "set"), "--runs", str(tmp_path / "runs"), "--out", str(out)]
    assert main(words) == 0
    told = capsys.readouterr().out
    (line,) = [line for line in told.split("coco17, validation")[1].splitlines() if line.startswith("hip")]
    assert float(line.split()[2]) < 0.4 * float(line.split()[1])
    clip = make_film(tmp_path / "films" / "walk.mp4")
    kept = []
    for adapter in ("rules", str(out)):
        assert run(clip, "--no-render", "--adapter", adapter) == 0
        kept.append(load_pose3d(tmp_path / "out" / "walk" / "pose3d.npz").keypoints)
    off = np.linalg.norm(kept[1] - kept[0], axis=-1).mean(axis=(0, 1))
    assert off[H36M_17.index("left_hip")] > 0.5 > 0.1 > off[H36M_17.index("left_ankle")]


def test_bad_input_of_the_command_and_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = walkers(count=1, split="train")
    write_poses(tmp_path / "set", truth.poses)
    write_keypoints(tmp_path / "set", truth)
    assert main(["--data", str(tmp_path / "set"), "--runs", str(tmp_path / "none")]) == 1
    assert "no detections of the set's films" in capsys.readouterr().err
    clip = make_film(tmp_path / "films" / "walk.mp4", frames=5)
    assert run(clip, "--adapter", str(tmp_path / "none.toml")) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "no such file" in told
    assert not (tmp_path / "out" / "walk" / "pose2d.npz").exists(), "refused before minutes of detecting"
