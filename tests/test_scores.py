"""The tally: sums by sequence and joint give the metrics' own numbers, and every average that is told of them."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

import numpy as np
import pytest

from lifter import joints, metrics
from lifter.commands.evaluate import BREAKDOWNS as OFFERED
from lifter.errors import LifterError
from lifter.score_plot import LARGEST, draw
from lifter.score_report import as_csv, as_dict, as_markdown, as_text, plain_table, write_report
from lifter.scores import BREAKDOWNS, Scores, Tally

RANDOM = np.random.default_rng(5)
LIMBS = (1, 2, 3, 4, 5, 6)
# What `lifter.metrics` says of one sequence, by the tally's names.
REFERENCE = {
    **metrics.METRICS,
    "jerk_error": metrics.jerk_error,
    "jerk": lambda p, g, v: metrics.jerk(p, v),
    "jerk_of_truth": lambda p, g, v: metrics.jerk(g, v),
    "bone_deviation": lambda p, g, v: metrics.bone_deviation(p, v),
    "bone_asymmetry": lambda p, g, v: metrics.bone_asymmetry(p, v),
    "PCK@150": lambda p, g, v: metrics.pck(p, g, v, LIMBS),
    "AUC": lambda p, g, v: metrics.auc(p, g, v, LIMBS),
}


def labels(action: str, subject: str = "S9", group: str = "lab", name: str = "a") -> dict[str, str]:
    return {"action": action, "subject": subject, "camera": "0", "group": group, "sequence": name}


def off_by(tally: Tally, millimetres: float, frames: int, action: str, **more: str) -> None:
    """Add a sequence whose every joint is wrong by so much."""
    truth = RANDOM.normal(0, 0.4, (frames, 17, 3))
    tally.add(labels(action, **more), truth + np.array([0, 0, millimetres / 1000]), truth)


def three(more: float = 0.0) -> Scores:
    """Walking: 30 frames wrong by 10 mm and 10 by 50; Sitting: 10 wrong by 100; all by so much more."""
    tally = Tally()
    off_by(tally, 10 + more, 30, "Walking", name="a")
    off_by(tally, 50 + more, 10, "Walking", name="b", subject="S11")
    off_by(tally, 100 + more, 10, "Sitting", name="c")
    return tally.scores({"dataset": "three", "split": "test", "keypoints": "gt", "notes": ["A note."]})


@pytest.mark.parametrize("name", REFERENCE)
@pytest.mark.parametrize("masked", [False, True])
def test_one_sequence_scores_what_the_metric_says(name: str, masked: bool) -> None:
    truth = RANDOM.normal(0, 0.4, (12, 17, 3))
    lifted = truth + RANDOM.normal(0, 0.1, truth.shape)
    valid = np.arange(12) != 4 if masked else np.ones(12, bool)
    tally = Tally(LIMBS)
    tally.add(labels("Walking"), lifted, truth, valid)
    scores = tally.scores()
    wanted = pytest.approx(REFERENCE[name](lifted, truth, valid), rel=1e-12)
    assert scores.frame_mean(name) == wanted
    assert scores.action_mean(name) == wanted
    assert scores.by("sequence", name) == {"a": wanted}
    by_joint = [value for value in scores.by("joint", name).values() if not math.isnan(value)]
    assert np.mean(by_joint) == wanted
    assert set(REFERENCE) == set(scores.measures)


def test_the_two_averages_differ_as_they_must() -> None:
    """Actions: Walking 20, Sitting 100, mean 60. Frames: (30 * 10 + 10 * 50 + 10 * 100) / 50 = 36."""
    scores = three()
    assert scores.by("action", "MPJPE") == pytest.approx({"Sitting": 100, "Walking": 20})
    assert scores.action_mean("MPJPE") == pytest.approx(60)
    assert scores.frame_mean("MPJPE") == pytest.approx(36)
    assert scores.by("subject", "MPJPE") == pytest.approx({"S11": 50, "S9": (300 + 1000) / 40})
    assert scores.by("group", "MPJPE") == pytest.approx({"lab": 36})
    assert scores.frames("action") == {"Sitting": 10, "Walking": 40}
    assert scores.frames("joint")["head"] == scores.scored_frames == 50
    assert three(2).frame_mean("AUC") == pytest.approx(100 * (30 * 28 + 10 * 20 + 10 * 10) / 50 / 31)


def test_velocities_never_cross_from_one_sequence_to_the_next() -> None:
    """Three constant offsets of different size: each sequence by itself moves exactly as the truth does."""
    assert three().frame_mean("MPJVE") == pytest.approx(0, abs=1e-9)
    assert three().counts["MPJVE"].tolist() == [29, 9, 9]
    assert three().counts["jerk"].tolist() == [27, 7, 7]


def test_the_error_of_one_joint_is_that_joints() -> None:
    truth = RANDOM.normal(0, 0.4, (5, 17, 3))
    lifted = truth.copy()
    lifted[:, 16] += np.array([0.034, 0, 0])
    tally = Tally(LIMBS)
    tally.add(labels("Walking"), lifted, truth)
    scores = tally.scores()
    by_joint = scores.by("joint", "MPJPE")
    assert by_joint["right_wrist"] == pytest.approx(34)
    assert sum(by_joint.values()) == pytest.approx(34)
    assert scores.frame_mean("MPJPE") == pytest.approx(2)
    assert scores.frame_mean("MPJPE", range(1, 17)) == pytest.approx(34 / 16)
    assert {name for name, value in scores.by("joint", "AUC").items() if not math.isnan(value)} == {
        joints.NAMES[joint] for joint in LIMBS
    }
    assert as_dict(scores)["mpjpe_over"] == {"17": pytest.approx(2), "16": pytest.approx(34 / 16), "6": 0}


def test_an_action_without_velocities_has_none_and_spoils_no_mean() -> None:
    tally = Tally()
    truth = RANDOM.normal(0, 0.4, (9, 17, 3))
    moving = truth + np.arange(9)[:, None, None] * np.array([0.002, 0, 0])
    tally.add(labels("Walking"), moving, truth)
    tally.add(labels("Sitting", name="b"), truth, truth, np.arange(9) % 3 == 0)
    tally.add(labels("Never", name="c"), truth, truth, np.zeros(9, bool))
    scores = tally.scores()
    by_action = scores.by("action", "MPJVE")
    assert by_action["Walking"] == pytest.approx(2)
    assert math.isnan(by_action["Sitting"])
    assert scores.action_mean("MPJVE") == pytest.approx(2)
    assert scores.frame_mean("MPJVE") == pytest.approx(2)
    assert scores.frames("action") == {"Never": 0, "Sitting": 3, "Walking": 9}
    assert as_dict(scores)["by"]["action"]["Sitting"]["MPJVE"] is None
    draw(scores)


def test_actions_stand_in_the_papers_order() -> None:
    paper = ["Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases", "Sitting",
             "SittingDown", "Smoking", "Waiting", "WalkDog", "Walking", "WalkTogether"]  # fmt: skip
    tally = Tally()
    for action in reversed(paper):
        off_by(tally, 10, 4, action, name=action)
    assert tally.scores().names("action") == paper


def test_the_command_offers_every_breakdown() -> None:
    assert set(OFFERED) == set(BREAKDOWNS)


def test_wrong_positions_are_refused() -> None:
    with pytest.raises(ValueError, match="two equal shapes"):
        Tally().add(labels("Walking"), np.zeros((4, 17, 3)), np.zeros((5, 17, 3)))


# The report.


def test_text_has_actions_across_and_both_averages_last() -> None:
    lines = as_text(three()).splitlines()
    assert lines[0] == "lifter on three, split test, 2D gt: 3 sequences, 50 frames scored"
    assert lines[2].split("  ")[-2:] == ["action mean", "frame mean"]
    assert next(line for line in lines if line.startswith("MPJPE mm")).split()[2:] == [
        "100.00", "20.00", "60.00", "36.00"
    ]  # fmt: skip
    assert lines[-1] == "A note."
    assert "36.00 mm over 17 joints, 36.00 mm over 16 joints" in lines[-2]


def test_a_narrow_screen_folds_a_table_and_loses_no_cell() -> None:
    rows = [["", *(f"column {i}" for i in range(9))], ["row", *(str(i) for i in range(9))]]
    wide, narrow = plain_table(rows, 200), plain_table(rows, 34)
    assert len(wide.splitlines()) == 2
    assert max(map(len, narrow.splitlines())) <= 34
    cells = [cell for line in narrow.splitlines() if line.startswith("row") for cell in line.split()[1:]]
    assert cells == [str(i) for i in range(9)]
    assert plain_table(rows, 1).count("row") == 9  # a column wider than the screen is printed all the same


def test_markdown_is_a_table_for_each_breakdown() -> None:
    text = as_markdown(three(), ["action", "subject"])
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert tables[0] == "|  | Sitting | Walking | action mean | frame mean |"
    assert "| S11 | 10 | 50.00 |" in text
    assert "| all frames | 50 | 36.00 |" in text
    assert text.endswith("- A note.\n")


def test_why_a_value_is_missing_stands_below_the_table() -> None:
    def shown(valid: np.ndarray, *breakdowns: str) -> list[str]:
        tally, truth = Tally(), RANDOM.normal(0, 0.4, (9, 17, 3))
        tally.add(labels("Walking"), truth + 0.1, truth)
        tally.add(labels("Sitting", name="b"), truth, truth, valid)
        texts = as_text(tally.scores(), breakdowns), as_markdown(tally.scores(), breakdowns)
        lines = [[line.removeprefix("- ") for line in text.splitlines() if '"-"' in line] for text in texts]
        assert lines[0] == lines[1]
        return lines[0]

    whole, every_third, pairs = np.ones(9, bool), np.arange(9) % 3 == 0, np.arange(9) % 3 > 0
    few, higher = "too few valid frames in a row", "acceleration 3; jerk_error, jerk, jerk_of_truth 4"
    assert shown(whole, "action") == []
    assert shown(every_third, "action") == [f'"-": {few} (needed: MPJVE 2; {higher}).']
    assert shown(pairs, "sequence", "subject") == [f'"-": {few} (needed: {higher}).']
    assert shown(every_third, "subject") == [], "nothing is missing in what is shown"
    assert shown(~whole, "action") == [f'"-": no valid frame; {few} (needed: MPJVE 2; {higher}).']
    assert shown(whole, "joint") == ['"-": a joint that bone_deviation, bone_asymmetry leave out.']


def test_json_and_csv_hold_every_value() -> None:
    scores = three()
    whole: dict[str, Any] = json.loads(json.dumps(as_dict(scores), allow_nan=False))
    assert whole["action_mean"]["MPJPE"] == pytest.approx(60)
    assert whole["frame_mean"]["MPJPE"] == pytest.approx(36)
    assert whole["by"]["sequence"]["b"] == {**whole["by"]["subject"]["S11"], "frames": 10}
    assert whole["measures"]["AUC"]["better"] == "higher"
    assert whole["by"]["joint"]["pelvis"]["bone_deviation"] is None
    rows = list(csv.DictReader(io.StringIO(as_csv(scores))))
    table = {(row["breakdown"], row["label"], row["measure"]): row["value"] for row in rows}
    assert float(table["action_mean", "all", "MPJPE"]) == whole["action_mean"]["MPJPE"]
    assert table["joint", "pelvis", "bone_deviation"] == ""
    for breakdown, labelled in whole["by"].items():
        for label, values in labelled.items():
            for name in scores.measures:
                said = table[breakdown, label, name]
                assert (float(said) if said else None) == values[name]


def test_the_plot_is_a_picture_even_of_many_actions() -> None:
    tally = Tally()
    for number in range(LARGEST + 3):
        off_by(tally, number, 2, f"action {number}", name=str(number))
    assert draw(tally.scores()).startswith(b"\x89PNG")


def test_a_folder_that_is_a_file_is_one_line(tmp_path: Any) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(LifterError, match="cannot be written"):
        write_report(tmp_path / "taken", three())
