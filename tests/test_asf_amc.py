"""ASF and AMC by known motion: places of joints against plain geometry and scipy's rotations; bad files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lifter.datasets.mocap.asf_amc import read_asf, read_asf_amc
from lifter.datasets.mocap.skeleton_map import to_joints
from lifter.datasets.mocap.tiny import write_tiny_mocap
from lifter.datasets.mocap.tiny_motion import motion, places, recordings
from lifter.errors import LifterError

ASF = """# a comment
:version 1.10
:units
  mass 1.0
  length 0.45
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    name upper
    direction 0 -0.6 0.8
    length 2
    axis 10 20 30 XYZ
    dof rx ry rz
    limits (-160 20)
      (-70 70)
      (-60 70)
  end
  begin
    name lower
    direction 1 0 0
    length 3
    axis -40 50 60 XYZ
    dof rx rz
  end
:hierarchy
  begin
    root upper
    upper lower
  end
"""
AMC = """#!OML:ASF
:FULLY-SPECIFIED
:DEGREES
1
root 1 2 3 40 50 60
upper 11 22 33
lower -30 70
2
root 0 0 0 0 0 0
upper 0 0 0
lower 0 0
"""


def written(folder: Path, asf: str = ASF, amc: str = AMC) -> tuple[Path, Path]:
    (folder / "01.asf").write_text(asf)
    (folder / "01_01.amc").write_text(amc)
    return folder / "01.asf", folder / "01_01.amc"


def test_bones_turn_about_their_own_axes(tmp_path: Path) -> None:
    read = read_asf_amc(*written(tmp_path))
    assert read.names == ("root", "upper", "lower") and read.fps == 120
    unit = 0.0254 / 0.45

    def turned(axis: list[float], angles: list[float]) -> Rotation:
        own = Rotation.from_euler("xyz", axis, degrees=True)  # scipy's small letters: fixed axes, x first
        return own * Rotation.from_euler("xyz", angles, degrees=True) * own.inv()

    body = turned([0, 0, 0], [40, 50, 60])
    upper = body * turned([10, 20, 30], [11, 22, 33])
    lower = upper * turned([-40, 50, 60], [-30, 0, 70])
    root = np.array([1.0, 2, 3])
    elbow = root + upper.apply([0, -1.2, 1.6])
    hand = elbow + lower.apply([3.0, 0, 0])
    np.testing.assert_allclose(read.positions[0], np.array([root, elbow, hand]) * unit, atol=1e-9)
    np.testing.assert_allclose(read.positions[1] / unit, [[0, 0, 0], [0, -1.2, 1.6], [3, -1.2, 1.6]], atol=1e-9)


def test_radians_and_a_root_elsewhere(tmp_path: Path) -> None:
    asf = ASF.replace("angle deg", "angle rad").replace("position 0 0 0", "position 5 6 7")
    asf = asf.replace("10 20 30", "0 0 0").replace("-40 50 60", "0 0 0").replace("RX RY RZ", "RZ RY RX")
    read = read_asf_amc(*written(tmp_path, asf, AMC.replace("40 50 60", "0.3 0 0").replace("11 22 33", "0 0 0")))
    unit = 0.0254 / 0.45
    place = np.array([6.0, 8, 10]) + Rotation.from_euler("z", 0.3).apply([0, -1.2, 1.6])
    np.testing.assert_allclose(read.positions[0, 1], place * unit, atol=1e-9)


def test_a_tiny_set_is_read_as_it_was_meant(tmp_path: Path) -> None:
    write_tiny_mocap(tmp_path, "asf_amc", frames=40, seed=2)
    for person, name, number in recordings("asf_amc"):
        folder = tmp_path / person
        made = to_joints(read_asf_amc(folder / f"{person}.asf", folder / f"{name}.amc", 50))
        np.testing.assert_allclose(made, places(motion(40, number, 2)), atol=1e-5)


@pytest.mark.parametrize(
    "old, new",
    [
        (":root", ":roots"), ("direction 1 0 0", "direction 1 0"), ("length 3", "length three"),
        ("XYZ\n    dof", "XXZ\n    dof"),
        ("upper lower", "upper other"), ("root upper", "other upper"), ("order TX", "order QX"), (":hierarchy", ":h"),
        ("direction 1 0 0", "direction 1 nan 0"), ("    name lower\n", ""),
    ],
)  # fmt: skip
def test_a_bad_skeleton_is_one_line(tmp_path: Path, old: str, new: str) -> None:
    assert old in ASF
    asf, _ = written(tmp_path, ASF.replace(old, new))
    with pytest.raises(LifterError, match=r"01\.asf: cannot be read as ASF") as caught:
        read_asf(asf)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "old, new",
    [
        ("lower -30 70", "lower -30"), ("lower -30 70\n", ""), ("upper 11 22 33", "other 1 2 3"), ("-30 70", "-30 nan"),
        ("-30 70", "-30 x"), (AMC, ""),
    ],
)  # fmt: skip
def test_a_bad_motion_is_one_line(tmp_path: Path, old: str, new: str) -> None:
    assert old in AMC
    with pytest.raises(LifterError, match=r"01_01\.amc: cannot be read as AMC"):
        read_asf_amc(*written(tmp_path, ASF, AMC.replace(old, new)))
