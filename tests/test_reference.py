"""Errors against a reference: closed forms, who is who, times, and every file that is none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_path import standing
from test_run import made, make_film, run, stages_run

from lifter.joints import NAMES
from pipeline.errors import PipelineError
from pipeline.poses import Pose3D
from pipeline.reference import Reference, compare, read_reference
from pipeline.store import load_pose3d

TURN = Rotation.from_euler("xyz", [20, 130, -40], degrees=True)


def walkers(frames: int = 50, fps: float = 25.0) -> Pose3D:
    """Two people who wave differently."""
    positions = np.stack([standing(frames), standing(frames)]).astype(np.float32)
    times = np.arange(frames) / fps
    positions[0, :, 13, 2] += 0.4 * np.sin(5 * times)
    positions[1, :, 16, 1] -= 0.5 * np.sin(3 * times)
    positions[1, :, 3, 2] += 0.3 * np.sin(4 * times)
    shape = (2, frames, 17)
    return Pose3D(
        positions, np.ones((2, frames), bool), times, NAMES, np.array([1, 2]), np.zeros((*shape, 2), np.float32),
        np.ones(shape, np.float32), np.zeros(shape, np.uint8), np.array([0, -1, 0], np.float32),
        np.zeros((2, frames, 3), np.float32), np.zeros((2, frames, 3), np.float32),
    )  # fmt: skip


def of(pose: Pose3D, positions: np.ndarray, seconds: np.ndarray | None = None) -> Reference:
    return Reference(positions, np.ones(positions.shape[:2], bool), seconds, NAMES)


def test_the_same_motion_in_other_axes_and_elsewhere_is_no_error() -> None:
    pose = walkers()
    turned = TURN.apply(pose.positions[::-1].reshape(-1, 3)).reshape(2, 50, 17, 3)
    elsewhere = turned + np.array([3, -2, 5])
    first, second = compare(pose, 0.0, of(pose, elsewhere))
    assert (first.person, first.reference, second.person, second.reference) == (1, 2, 2, 1)
    for errors in (first, second):
        assert max(errors.mpjpe, errors.p_mpjpe, errors.n_mpjpe, errors.mpjve) < 0.01 and errors.frames == 50
        assert errors.turned == pytest.approx(np.degrees(TURN.magnitude()), abs=0.01)


def test_a_larger_body_costs_size_and_nothing_else() -> None:
    pose = walkers()
    (errors, _) = compare(pose, 0.0, of(pose, 1.1 * pose.positions.astype(float)))
    distance = 1000 * np.linalg.norm(0.1 * pose.positions[0], axis=-1).mean()
    assert errors.mpjpe == pytest.approx(distance, rel=1e-4)
    assert errors.n_mpjpe < 0.01 and errors.p_mpjpe < 0.01


def test_times_are_those_of_the_film_and_what_is_not_shared_does_not_count() -> None:
    pose = walkers()
    fine = walkers(200, 100.0)
    seconds = np.arange(200) / 100 + 10.0
    (first, second) = compare(pose, 10.0, of(pose, fine.positions.astype(float), seconds))
    assert first.frames == 50 and max(first.mpjpe, second.mpjpe) < 0.1
    (late, _) = compare(pose, 10.2, of(pose, fine.positions.astype(float), seconds))
    assert late.frames == 45 and late.mpjpe > 1
    unknown = of(pose, fine.positions.astype(float), seconds)
    unknown.valid[:, :100] = False
    assert compare(pose, 10.0, unknown)[0].frames == 25
    with pytest.raises(PipelineError, match="in common"):
        compare(pose, 500.0, of(pose, fine.positions.astype(float), seconds))
    with pytest.raises(PipelineError, match="200 frames, the run 50"):
        compare(pose, 0.0, of(pose, fine.positions.astype(float)))


@pytest.mark.parametrize(
    ("arrays", "word"),
    [
        ({"joints": NAMES}, "positions"),
        ({"positions": np.zeros((4, 17, 2)), "joints": NAMES}, "positions"),
        ({"positions": np.zeros((4, 3, 3)), "joints": ("nose", "chin", "tail")}, "at least 4"),
        ({"positions": np.zeros((4, 17, 3)), "joints": NAMES, "units": "feet"}, "m or mm"),
        ({"positions": np.zeros((4, 17, 3)), "joints": NAMES, "timestamps": [0, 1, 1, 2]}, "rising"),
        ({"positions": np.zeros((4, 17, 3)), "joints": NAMES, "fps": 0}, "rate"),
        ({"positions": np.zeros((4, 17, 3)), "joints": NAMES, "valid": np.ones(4)}, "valid"),
    ],
)
def test_what_is_no_reference(tmp_path: Path, arrays: dict[str, object], word: str) -> None:
    np.savez(tmp_path / "r.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(PipelineError, match=word):
        read_reference(tmp_path / "r.npz")


def test_a_run_is_compared_without_being_done_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_film(tmp_path / "films" / "walk.mp4", 30)
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    assert run(film, "--reference", str(tmp_path / "bad.npz")) == 1
    assert run(film, "--reference", str(tmp_path / "missing.npz")) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all(line.startswith("error") and ".npz" in line for line in lines)
    assert not made(film).exists()
    run(film, "--no-render", "--start", "0.4")
    pose = load_pose3d(made(film) / "pose3d.npz")
    mm = 1000 * pose.positions[0, :, 1:] + np.random.default_rng(0).normal(0, 10, (20, 16, 3))
    mm[5] = np.nan
    np.savez(tmp_path / "r.npz", positions=mm, joints=NAMES[1:], units="mm", timestamps=0.4 + np.arange(20) / 25)
    stages_run(capsys)
    assert run(film, "--no-render", "--start", "0.4", "--reference", str(tmp_path / "r.npz")) == 0
    said = capsys.readouterr().out
    assert "frames/s" not in said and "P-MPJPE" in said
    (errors,) = json.loads((made(film) / "reference.json").read_text())["people"]
    assert errors["frames"] == 19 and errors["joints"] == 16
    assert 10 < errors["p_mpjpe"] < errors["mpjpe"] < 30 and errors["turned"] < 2
