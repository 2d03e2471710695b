"""Angles by closed forms and in the mirror, steps of a walker of known cadence, and the verb's files."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from exported_runs import to_pose, two_people
from kept_runs import even, walkers, write_run

from lifter import joints
from lifter.datasets.mocap.tiny_motion import motion, places
from pipeline.cli import main
from pipeline.measures import steps
from pipeline.measures.angles import ANGLES, NAMES, joint_angles
from pipeline.measures.steps import find_walks
from pipeline.measures.tables import ANGLE_COLUMNS, STEP_COLUMNS

UP = np.array([0.0, 0, 1])
J = {name: index for index, name in enumerate(joints.NAMES)}


def standing() -> np.ndarray:
    """Somebody (17, 3) upright, z up, facing y, all limbs hanging."""
    still = {name: np.zeros(1) for name in motion(1, 0)}
    still["yaw"] = np.full(1, np.pi)
    still["path"] = np.zeros((1, 3))
    return places(still)[0].astype(np.float64)


def angles_of(body: np.ndarray) -> dict[str, float]:
    return dict(zip(NAMES, joint_angles(body, UP).tolist(), strict=True))


def direction(flexion: float, abduction: float, side: str) -> np.ndarray:
    """Where a limb points: turned forward about the line of the hips, then out of that plane."""
    f, a = np.radians([flexion, abduction])
    out = np.sin(a) * (1 if side == "right" else -1)
    return np.array([out, np.sin(f) * np.cos(a), -np.cos(f) * np.cos(a)])


def test_who_stands_straight_has_no_angles() -> None:
    for name, degrees in angles_of(standing()).items():
        assert np.isnan(degrees) if "plane" in name else abs(degrees) < 1e-5, name


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(("flexion", "abduction"), [(40, 0), (-15, 0), (0, 30), (70, 20), (110, -10)])
def test_hips_by_their_closed_form(side: str, flexion: float, abduction: float) -> None:
    body = standing()
    body[J[f"{side}_knee"]] = body[J[f"{side}_hip"]] + 0.4 * direction(flexion, abduction, side)
    body[J[f"{side}_ankle"]] = body[J[f"{side}_knee"]] + 0.4 * direction(flexion, abduction, side)
    told = angles_of(body)
    other = "left" if side == "right" else "right"
    assert told[f"{side}_hip_flexion"] == pytest.approx(flexion, abs=1e-6)
    assert told[f"{side}_hip_abduction"] == pytest.approx(abduction, abs=1e-6)
    assert told[f"{side}_knee_flexion"] == pytest.approx(0, abs=1e-4)
    assert told[f"{other}_hip_flexion"] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(("elevation", "plane"), [(90, 0), (90, 90), (45, 30), (150, -20), (60, 180)])
def test_shoulders_by_their_closed_form(side: str, elevation: float, plane: float) -> None:
    body, (e, p) = standing(), np.radians([elevation, plane])
    out = np.cos(p) * (1 if side == "right" else -1)
    way = np.array([np.sin(e) * out, np.sin(e) * np.sin(p), -np.cos(e)])
    body[J[f"{side}_elbow"]] = body[J[f"{side}_shoulder"]] + 0.3 * way
    told = angles_of(body)
    assert told[f"{side}_shoulder_elevation"] == pytest.approx(elevation, abs=1e-4)
    assert abs(told[f"{side}_shoulder_plane"]) == pytest.approx(abs(plane), abs=1e-4)
    assert np.sign(np.sin(p)).round() in (0, np.sign(told[f"{side}_shoulder_plane"])) or plane == 180


def test_hinges_lean_and_yaw_are_those_the_body_was_made_with() -> None:
    made = motion(100, 2)
    told = dict(zip(NAMES, joint_angles(places(made).astype(np.float64), UP).T, strict=True))
    for side in ("left", "right"):
        expected = {
            "hip_flexion": made[f"{side}_thigh"] + made["lean"],
            "hip_abduction": np.zeros(100),
            "knee_flexion": made[f"{side}_thigh"] - made[f"{side}_shin"],
            "elbow_flexion": made[f"{side}_forearm"] - made[f"{side}_arm"],
            "shoulder_elevation": np.abs(made[f"{side}_arm"] + made["lean"]),
        }
        for name, radians in expected.items():
            np.testing.assert_allclose(told[f"{side}_{name}"], np.degrees(radians), atol=1e-3, err_msg=name)
    np.testing.assert_allclose(told["trunk_lean_forward"], np.degrees(made["lean"]), atol=1e-3)
    np.testing.assert_allclose(told["trunk_lean_right"], 0, atol=1e-3)


@pytest.mark.parametrize(("lean", "turn"), [(20.0, 0.0), (-12.0, 0.0), (0.0, 35.0), (0.0, -50.0)])
def test_the_trunk_leans_aside_and_turns(lean: float, turn: float) -> None:
    body, (a, t) = standing(), np.radians([lean, turn])
    upper = [index for name, index in J.items() if name not in ("pelvis",) and index >= 7]
    left_turn = np.array([[np.cos(t), -np.sin(t), 0], [np.sin(t), np.cos(t), 0], [0, 0, 1]])  # seen from above
    aside = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])  # the top goes to +x, right
    body[upper] = body[upper] @ (aside @ left_turn).T
    told = angles_of(body)
    assert told["trunk_turn_left"] == pytest.approx(turn, abs=1e-4)
    assert told["trunk_lean_right"] == pytest.approx(lean, abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_the_mirror_image_has_mirrored_angles_and_turning_the_room_changes_none(seed: int) -> None:
    random = np.random.default_rng(seed)
    body = places(motion(40, seed)).astype(np.float64) + random.normal(0, 0.05, (40, 17, 3))
    angles = joint_angles(body, UP)
    swap = [NAMES.index(angle.mirror) for angle in ANGLES]
    signs = np.array([-1.0 if angle.flips else 1.0 for angle in ANGLES])
    np.testing.assert_allclose(joint_angles(joints.mirror(body), UP), angles[:, swap] * signs, atol=1e-6)
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    np.testing.assert_allclose(joint_angles(3 * body @ turn.T + 7, turn @ UP), angles, atol=1e-6)


def test_joints_that_coincide_have_no_angles() -> None:
    assert np.isnan(joint_angles(np.zeros((17, 3)), UP)).all()


def walker(cadence: float, seconds: float, fps: float, yaw: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Somebody (T, 17, 3) about the pelvis who swings straight legs at so many steps a minute, and the times."""
    times = np.arange(round(seconds * fps)) / fps
    made = {name: np.zeros(len(times)) for name in motion(1, 0)}
    made["path"], made["yaw"] = np.zeros((len(times), 3)), np.full(len(times), yaw)
    for side, sign in (("left", 1), ("right", -1)):
        made[f"{side}_thigh"] = made[f"{side}_shin"] = sign * 0.4 * np.sin(np.pi * cadence / 60 * times)
    return places(made).astype(np.float64), times


@pytest.mark.parametrize("fps", [25.0, 29.97, 60.0])
@pytest.mark.parametrize("cadence", [70.0, 112.0, 170.0])
def test_a_walker_of_known_cadence_has_it(cadence: float, fps: float) -> None:
    body, times = walker(cadence, 8.0, fps, yaw=2.0)
    (walk,) = find_walks(body, np.ones(len(times), bool), times, UP)
    assert walk.cadence == pytest.approx(cadence, rel=0.005)
    # The left foot is farthest ahead at a quarter of each stride of 120 / cadence seconds, the right at three.
    stride = 120 / cadence
    for contact in walk.contacts:
        phase = (contact.seconds / stride - (0.25 if contact.side == "left" else 0.75)) % 1
        assert min(phase, 1 - phase) * stride < 0.5 / fps
        assert contact.step_m == pytest.approx(2 * 0.83 * np.sin(0.4), rel=0.05)
    lift_offs = [event for event in walk.events if event.kind == "lift_off"]
    assert abs(len(lift_offs) - len(walk.contacts)) <= 2  # both at one time, in this walk of scissors
    assert len(walk.contacts) == pytest.approx(8 * cadence / 60, abs=1)


def test_the_mirror_image_steps_with_the_other_foot() -> None:
    body, times = walker(110, 6.0, 30.0)
    seen = np.ones(len(times), bool)
    (walk,), (mirrored,) = find_walks(body, seen, times, UP), find_walks(joints.mirror(body), seen, times, UP)
    assert [c.seconds for c in walk.contacts] == pytest.approx([c.seconds for c in mirrored.contacts])
    assert all(a.side != b.side for a, b in zip(walk.contacts, mirrored.contacts, strict=True))


def test_uneven_frames_and_noise_change_no_cadence_and_gaps_divide_walks() -> None:
    random = np.random.default_rng(0)
    body, times = walker(100, 12.0, 60.0)
    kept = np.sort(random.choice(len(times), len(times) // 2, replace=False))
    times = times[kept] - times[kept[0]]
    body = body[kept] + random.normal(0, 0.02, (len(kept), 17, 3))
    (walk,) = find_walks(body, np.ones(len(kept), bool), times, UP)
    assert walk.cadence == pytest.approx(100, rel=0.01)
    gap = np.ones(len(kept), bool)
    gap[len(kept) // 2 - 5 : len(kept) // 2 + 5] = False
    assert len(find_walks(body, gap, times, UP)) == 2


@pytest.mark.parametrize("name", ["standing", "kicking", "squatting", "short"])
def test_what_is_no_walk_has_no_steps(name: str) -> None:
    body, times = walker(100, 1.5 if name == "short" else 8.0, 30.0)
    if name == "standing":
        body = np.repeat(standing()[None], len(times), axis=0) + np.random.default_rng(1).normal(0, 0.02, body.shape)
    if name == "kicking":  # one foot alone swings
        body[:, [2, 3]] = body[:, [1]] + (body[0, [2, 3]] - body[0, [1]])
    if name == "squatting":  # both move as one
        body[:, [2, 3]] = body[:, [5, 6]] + (body[:, [1]] - body[:, [4]])
    assert find_walks(body, np.ones(len(times), bool), times, UP) == []


def test_frames_in_bursts_are_no_work_of_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """12 frames a microsecond apart but for waits of seconds: the moments between stay in proportion."""
    widths: list[float] = []

    def calm(values: np.ndarray, frames: float) -> np.ndarray:
        widths.append(frames)
        return values

    monkeypatch.setattr(steps, "_calm", calm)
    times = np.cumsum([0.0, *[1e-6] * 5, 3.0, *[1e-6] * 3, 3.0, 86_400.0])
    body = np.random.default_rng(0).normal(size=(len(times), 17, 3))
    find_walks(body, np.ones(len(times), bool), times, UP)
    assert widths and max(widths) < 100


@pytest.mark.parametrize("times", [np.zeros(0), np.zeros(1), np.zeros(50), np.linspace(0, 0.5, 50)])
def test_films_too_short_for_steps(times: np.ndarray) -> None:
    body = np.repeat(standing()[None], len(times), axis=0)
    assert find_walks(body, np.ones(len(times), bool), times, UP) == []


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_the_verb_writes_tables_and_plots(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pose = walkers(even(160), people=2)
    run = write_run(tmp_path / "film", pose)
    assert main(["measure", str(run)]) == 0
    told = rows_of(run / "measures" / "angles.csv")
    assert tuple(told[0]) == ANGLE_COLUMNS and len(told) == int(pose.valid.sum())
    angles = joint_angles(pose.positions, pose.up)
    assert float(told[7]["left_knee_flexion_deg"]) == pytest.approx(
        angles[0, 7, NAMES.index("left_knee_flexion")], abs=0.01
    )
    assert told[85]["low_trust"] == "left arm hidden" and told[10]["low_trust"] == ""
    assert tuple(csv.reader((run / "measures" / "steps.csv").open()).__next__()) == STEP_COLUMNS
    summary = json.loads((run / "measures" / "measures.json").read_text())
    assert set(summary["people"]) == {"1", "2"} and "one camera" in summary["note"]
    for number in (1, 2):
        assert (run / "measures" / f"angles_{number}.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out
    assert "angles.csv" in said
    for number in (1, 2):
        spread = summary["people"][str(number)]["angles_deg"]["left_knee_flexion"]
        numbers = " +".join(str(round(spread[name])) for name in ("p5", "median", "p95"))
        assert re.search(rf"^{number} +left_knee_flexion +{numbers}$", said, flags=re.M)


def test_steps_of_a_run_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body, times = walker(105, 6.0, 25.0, yaw=0.5)
    run = write_run(tmp_path / "film", to_pose(body[None], pitch=15.0, seconds=times))
    assert main(["measure", str(run), "--no-plots", "--output", str(tmp_path / "out")]) == 0
    (walked,) = re.findall(r"^1 +[\d.]+ +([\d.]+) +(\d+) +105 +", capsys.readouterr().out, flags=re.M)
    assert int(walked[1]) == pytest.approx(float(walked[0]) * 105 / 60, abs=1.5)
    assert not list((tmp_path / "out").glob("*.png"))
    steps = rows_of(tmp_path / "out" / "steps.csv")
    assert {step["event"] for step in steps} == {"contact", "lift_off"} and steps[0]["walk"] == "1"
    (walk,) = json.loads((tmp_path / "out" / "measures.json").read_text())["people"]["1"]["walks"]
    assert walk["cadence_steps_per_min"] == pytest.approx(105, abs=0.6)


def test_bad_input_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "film", two_people())
    for words in (["nowhere"], [str(run), "--person", "7"], [str(run), "--output", str(run / "run.json")]):
        assert main(["measure", *words]) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: ") and error.count("\n") == 1, error
    assert main(["measure", str(run), "--person", "2"]) == 0
    assert {row["person"] for row in rows_of(run / "measures" / "angles.csv")} == {"2"}
