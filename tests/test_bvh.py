"""BVH by known motion: places of joints against plain geometry and scipy's rotations; names, units, axes, bad files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lifter import joints
from lifter.datasets.mocap.bvh import about, rate, read_bvh
from lifter.datasets.mocap.skeleton_map import TURNS, Tracks, find_joints, to_joints
from lifter.datasets.mocap.tiny import write_tiny_mocap
from lifter.datasets.mocap.tiny_motion import motion, places, recordings
from lifter.errors import LifterError

CHAIN = """HIERARCHY
ROOT Hips
{{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition {order}
  JOINT Upper Arm
  {{
    OFFSET 0.5 -2 0.25
    CHANNELS 3 {order}
    End Site
    {{
      OFFSET 0 -1 2
    }}
  }}
}}
MOTION
Frames: 2
Frame Time: 0.0083333
"""


@pytest.mark.parametrize("order", ["ZXY", "XYZ", "YXZ", "ZYX"])
def test_any_order_of_channels_is_the_product_of_its_rotations(tmp_path: Path, order: str) -> None:
    values = np.random.default_rng(3).uniform(-170, 170, (2, 9))
    channels = " ".join(f"{axis}rotation" for axis in order)
    rows = "\n".join(" ".join(f"{value:.9f}" for value in row) for row in values)
    (tmp_path / "a.bvh").write_text(CHAIN.format(order=channels) + rows + "\n")
    read = read_bvh(tmp_path / "a.bvh")
    assert read.names == ("Hips", "Upper Arm", "Upper Arm_end") and read.fps == 120
    for frame, row in enumerate(values):
        outer, inner = (Rotation.from_euler(order, row[at : at + 3], degrees=True) for at in (3, 6))
        elbow = row[:3] + outer.apply([0.5, -2, 0.25])
        hand = elbow + (outer * inner).apply([0, -1, 2])
        np.testing.assert_allclose(read.positions[frame], [row[:3], elbow, hand], atol=1e-6)


def test_rotations_about_axes_are_scipys() -> None:
    for axis, letter in enumerate("xyz"):
        expected = Rotation.from_euler(letter, 0.7).as_matrix()
        np.testing.assert_allclose(about(axis, np.array([0.7]))[0], expected, atol=1e-12)


def test_frame_times_of_few_digits_mean_whole_rates() -> None:
    assert [rate(1 / seconds) for seconds in (0.008333, 0.0083333, 0.033333, 0.02)] == [120, 120, 30, 50]
    assert rate(1 / 0.0417) == pytest.approx(24, abs=0.03)


def test_a_tiny_set_is_read_as_it_was_meant(tmp_path: Path) -> None:
    write_tiny_mocap(tmp_path, "bvh", frames=40, seed=4)
    for person, name, number in recordings("bvh"):
        made = to_joints(read_bvh(tmp_path / person / f"{name}.bvh"))
        np.testing.assert_allclose(made, places(motion(40, number, 4)), atol=1e-5)


# In files a head begins where the neck ends, and ends at its top.
NAMES = tuple({"neck": "Head", "head": "Head_end"}.get(name, name) for name in joints.NAMES)


def as_tracks(made: np.ndarray, names: tuple[str, ...] = NAMES) -> Tracks:
    return Tracks(names, made.astype(np.float64), 50.0)


@pytest.mark.parametrize("up", TURNS)
@pytest.mark.parametrize("unit", [1.0, 0.01, 0.0254, 0.0254 / 0.45])
def test_units_and_the_way_up_are_found(up: str, unit: float) -> None:
    truth = places(motion(30, 1))
    # What a file with that axis up holds: our z there, the other two by a rotation (no mirror image).
    axis = "xyz".index(up[-1])
    sign = -1.0 if up[0] == "-" else 1.0
    to_file = np.roll(np.eye(3), axis + 1, axis=0) * 1.0  # takes z to the axis
    if sign < 0:
        to_file = -to_file
        to_file[:, 0] *= -1
    assert np.linalg.det(to_file) == pytest.approx(1) and (to_file @ [0, 0, 1])[axis] == sign
    made = to_joints(as_tracks(truth @ to_file.T / unit))
    np.testing.assert_allclose(made[..., 2], truth[..., 2], atol=1e-4)
    # Whatever way it faces now, it is the same body and no mirror image of it.
    turn, _ = Rotation.align_vectors(
        *(p.reshape(-1, 3).astype(float) for p in (made - made[:1, :1], truth - truth[:1, :1]))
    )
    np.testing.assert_allclose(
        turn.apply((truth - truth[0, 0]).reshape(-1, 3)).reshape(made.shape), made - made[0, 0], atol=1e-3
    )


NAMED = {
    "mixamo": "mixamorig:{side}UpLeg mixamorig:{side}Leg mixamorig:{side}Foot mixamorig:{side}Shoulder "
    "mixamorig:{side}Arm mixamorig:{side}ForeArm mixamorig:{side}Hand",
    "smpl": "{s}_Hip {s}_Knee {s}_Ankle {s}_Collar {s}_Shoulder {s}_Elbow {s}_Wrist",
    "character studio": "{side}Hip {side}Knee {side}Ankle {side}Collar {side}Shoulder {side}Elbow {side}Wrist",
    "biped": "Bip01 {s} Thigh,Bip01 {s} Calf,Bip01 {s} Foot,Bip01 {s} Clavicle,Bip01 {s} UpperArm,"
    "Bip01 {s} Forearm,Bip01 {s} Hand",
    "rigify": "thigh.{s} shin.{s} foot.{s} shoulder.{s} upper_arm.{s} forearm.{s} hand.{s}",
    "daz": "{l}Thigh {l}Shin {l}Foot {l}Collar {l}Shldr {l}ForeArm {l}Hand",
    "xsens": "{side}UpperLeg {side}LowerLeg {side}Foot {side}Collar {side}UpperArm {side}ForeArm {side}Hand",
}


@pytest.mark.parametrize("kind", NAMED)
def test_skeletons_are_known_by_their_names(kind: str) -> None:
    separator = "," if "," in NAMED[kind] else " "
    names = ["Bip01" if kind == "biped" else "Hips"]
    for side in ("Left", "Right"):
        names += NAMED[kind].format(side=side, s=side[0], l=side[0].lower()).split(separator)
    found = find_joints(names)
    parts = ("hip", "knee", "ankle", None, "shoulder", "elbow", "wrist")
    expected = {
        f"{side}_{part}": 1 + 7 * s + i
        for s, side in enumerate(("left", "right"))
        for i, part in enumerate(parts)
        if part
    }
    assert found == expected


def test_a_missing_neck_and_head_follow_the_trunk() -> None:
    truth = places(motion(30, 1))
    kept = [j for j, name in enumerate(joints.NAMES) if "_" in name]
    made = to_joints(as_tracks(truth[:, kept], tuple(joints.NAMES[j] for j in kept)))
    shoulders = (truth[:, 11] + truth[:, 14]) / 2
    np.testing.assert_allclose(made[:, 9], shoulders + 0.33 * (shoulders - truth[:, 0]), atol=1e-5)
    assert np.linalg.norm(made[:, 10] - truth[:, 10], axis=-1).max() < 0.02


def test_wrists_up_the_forearm_move_out() -> None:
    short = places(motion(30, 1))
    for elbow, wrist in ((12, 13), (15, 16)):
        short[:, wrist] = short[:, elbow] + 0.6 * (short[:, wrist] - short[:, elbow])
    made = to_joints(as_tracks(short))
    ratio = np.linalg.norm(made[:, 13] - made[:, 12], axis=-1) / np.linalg.norm(made[:, 12] - made[:, 11], axis=-1)
    np.testing.assert_allclose(ratio, 0.87, atol=1e-4)


def test_no_persons_sizes_are_told() -> None:
    truth = places(motion(30, 1))
    with pytest.raises(LifterError, match=r"legs of 8\.3e-06 units; say with --unit"):
        to_joints(as_tracks(truth * 1e-5))
    np.testing.assert_allclose(to_joints(as_tracks(truth * 1e-5), unit=1e5), truth, atol=1e-4)
    with pytest.raises(LifterError, match="no length"):
        to_joints(as_tracks(truth * 0))
    with pytest.raises(LifterError, match="beyond all bounds"):
        to_joints(as_tracks(truth * np.nan))
    truth[5] += 1e6
    with pytest.raises(LifterError, match="farther than 1000 m"):
        to_joints(as_tracks(truth))


def test_a_strange_skeleton_is_told_with_its_joints() -> None:
    with pytest.raises(LifterError, match=r"no right_hip, .*left_wrist.* among its joints tail, paw"):
        find_joints(["tail", "paw"])


@pytest.mark.parametrize(
    "old, new",
    [
        ("HIERARCHY", ""), ("Frames: 2", "Frames: 3"), ("Frames: 2", "Frames: 0"), ("Frame Time", "Time"),
        ("0.0083333", "nan"), ("OFFSET 1 2 3", "OFFSET 1 2"), ("OFFSET 1 2 3", "OFFSET nan 2 3"),
        ("CHANNELS 6", "CHANNELS x"), ("CHANNELS 6", "CHANNELS 99999999999"),
        ("Xposition", "Wposition"), ("MOTION", "}\nMOTION"), ("}\nMOTION", "MOTION"),
        ("1 1 1", "1 one 1"), ("1 1 1", "1 nan 1"),
    ],
)  # fmt: skip
def test_bad_files_are_one_line(tmp_path: Path, old: str, new: str) -> None:
    good = CHAIN.format(order="Zrotation Xrotation Yrotation") + "1 1 1 1 1 1 1 1 1\n" * 2
    (tmp_path / "a.bvh").write_text(good)
    read_bvh(tmp_path / "a.bvh")
    (tmp_path / "a.bvh").write_text(good.replace(old, new, 1))
    with pytest.raises(LifterError, match=r"a\.bvh: cannot be read as BVH") as caught:
        read_bvh(tmp_path / "a.bvh")
    assert "\n" not in str(caught.value)
