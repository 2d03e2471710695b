"""The whole chain on drawn people with known 2D and 3D: real detectors, real weights, errors within bounds."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from lifter import joints
from lifter.metrics import p_mpjpe
from pipeline.cli import main
from pipeline.demo import drawn_film, write_drawn
from pipeline.demo import main as demo
from pipeline.progress import Console
from pipeline.store import load_pose3d
from pipeline.video import VideoReader, probe
from render.drawn import DrawnFilm, look_at, walk, wave

LIMBS = list(joints.LIMBS_12)
QUIET = Console(quiet=True)


def lifted_error(output: Path, film: DrawnFilm, person: int = 0, row: int = 0) -> float:
    pose = load_pose3d(output / "pose3d.npz")
    seen = pose.valid[row] & film.valid[person]
    return p_mpjpe(pose.positions[row][seen][:, LIMBS], film.positions_camera[person][seen][:, LIMBS])


def test_the_demo_finds_the_person_and_tells_its_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo(["--output", str(tmp_path), "--seconds", "4"]) == 0
    said = capsys.readouterr().out
    found = re.search(r"in (\d+) of (\d+) frames; 2D error ([\d.]+) %.*3D error ([\d.]+) mm", said)
    assert found, said
    assert found[1] == found[2] == "100"
    assert float(found[3]) < 2.5
    assert float(found[4]) < 90
    for name in ("pose2d.npz", "pose3d.npz", "drawn_3d.mp4", "run.json"):
        assert f"wrote  {tmp_path / 'drawn' / name}" in said
    assert len([1 for _ in VideoReader(probe(tmp_path / "drawn" / "drawn_3d.mp4"))]) == 100


def test_the_demo_on_a_film_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_drawn(drawn_film(0.4), tmp_path / "own.mp4", QUIET)
    assert demo([str(tmp_path / "own.mp4"), "--output", str(tmp_path / "out")]) == 0
    assert "truth" not in capsys.readouterr().out
    assert demo([str(tmp_path / "nowhere.mp4")]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("roll", [0.0, 0.5])
def test_a_tilted_camera_still_shows_people_upright(tmp_path: Path, roll: float) -> None:
    """A camera rolled by 29 degrees: the pose turns with it, and the estimated up undoes it."""
    film = DrawnFilm([wave(3, 25)], look_at((4.0, 0.5, 1.6), (0, 0, 0.95), 700, (640, 640), roll), fps=25)
    write_drawn(film, tmp_path / "rolled.mp4", QUIET)
    assert main(["run", str(tmp_path / "rolled.mp4"), "--output", str(tmp_path), "--no-render", "--quiet"]) == 0
    pose = load_pose3d(tmp_path / "rolled" / "pose3d.npz")
    true_up = film._cameras[0].R @ [0, 0, 1]
    assert np.degrees(np.arccos(np.clip(pose.up @ true_up, -1, 1))) < 15
    assert lifted_error(tmp_path / "rolled", film) < 90


@pytest.mark.slow
@pytest.mark.shared
def test_two_people_of_whom_one_leaves(tmp_path: Path, shared: Path) -> None:
    left, right = wave(4, 25) - np.array([0, 0.9, 0]), walk(4, 25, speed=0) + np.array([0, 0.9, 0])
    camera = look_at((5.0, 0, 1.4), (0, 0, 0.9), 800, (960, 540))
    film = DrawnFilm([left, right], camera, fps=25, spans=[(0, 100), (0, 60)])
    write_drawn(film, tmp_path / "two.mp4", QUIET)
    models = ["--pose-model", str(shared / "models/pp_tinypose_256_192.xml"),
              "--box-model", str(shared / "models/yolox_nano.onnx")]  # fmt: skip
    flags = ["--detector", "onnx", *models, "--output", str(tmp_path), "--no-render", "--quiet"]
    assert main(["run", str(tmp_path / "two.mp4"), *flags]) == 0
    pose = load_pose3d(tmp_path / "two" / "pose3d.npz")
    assert len(pose.positions) == 2
    assert pose.valid[0].all()
    assert 55 <= pose.valid[1].sum() <= 75 and not pose.valid[1, 80:].any()
    middle = pose.keypoints[:, 30, 0, 0]
    rows = (0, 1) if abs(middle[0] - film.keypoints[0, 30, 0, 0]) < 50 else (1, 0)
    assert rows == (0, 1)  # who stays longer comes first
    for person, row in enumerate(rows):
        assert lifted_error(tmp_path / "two", film, person, row) < 100
