"""The table of lifters: its measures by laws and closed forms, its bars, and the scores it keeps."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from walkers import STANDING, detected, walkers, write_lifter

from lifter import joints
from lifter.datasets.filming.clips import look
from lifter.datasets.mocap.packed import canonical
from lifter.datasets.poseset import write_keypoints, write_poses
from lifter.metrics import p_mpjpe

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import bench_lifters
import lifters_mocap
import real_films
from error_budget import joint_errors, steady, stretch, tremble
from lifters_films import MEASURES, Record
from lifters_report import bars, budget_table, film_table

RANDOM = np.random.default_rng(3)
SEEN = np.ones(60, bool)


def moving(frames: int = 60) -> np.ndarray:
    """Limb joints (T, 12, 3) of a body that moves as a cubic of time, bones of changing length."""
    time = np.linspace(-1, 1, frames)[:, None, None]
    return np.asarray(sum(RANDOM.normal(0, 0.3, (1, 12, 3)) * time**power for power in range(4)))


def rigid(frames: int = 60) -> np.ndarray:
    return np.repeat(RANDOM.normal(0, 0.3, (1, 12, 3)), frames, axis=0)


def test_errors_know_the_alignment_of_their_name() -> None:
    truth = moving()
    turn, _ = np.linalg.qr(RANDOM.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    alike = 1.3 * truth @ turn + 2
    assert (
        real_films.errors(alike, truth, SEEN)["P-MPJPE"] < 1e-6 < 10 < real_films.errors(alike, truth, SEEN)["N-MPJPE"]
    )
    assert real_films.errors(1.3 * truth + 2, truth, SEEN)["N-MPJPE"] < 1e-6
    assert real_films.errors(truth + 2, truth, SEEN)["MPJVE"] < 1e-6


def test_unseen_frames_do_not_count() -> None:
    truth, seen = moving(), SEEN.copy()
    seen[20] = False
    spoilt = truth.copy()
    spoilt[20] = RANDOM.normal(size=(12, 3))
    assert max(real_films.errors(spoilt, truth, seen).values()) < 1e-6
    assert real_films.jitter(spoilt, seen) == pytest.approx(real_films.jitter(truth, SEEN), rel=0.05)
    assert real_films.bone_deviation(spoilt, seen) == pytest.approx(real_films.bone_deviation(truth, seen))


def test_whole_body_is_what_training_data_are() -> None:
    limbs = rigid()
    body = real_films.whole_body(limbs, RANDOM.normal(size=(60, 3)), RANDOM.normal(size=(60, 3)))
    np.testing.assert_array_equal(body[:, joints.LIMBS_12], limbs)
    np.testing.assert_allclose(canonical(body), body, atol=1e-12)


def test_a_film_is_its_cameras_picture(tmp_path: Path) -> None:
    """A level camera 5 m from the world's origin looks along its y: x stays, z is up, so -y in the picture."""
    names = [*real_films.REFERENCE_NAMES.values(), "Nose", "Head"]
    world = RANDOM.normal(0, 0.5, (4, len(names), 3))
    np.savez(tmp_path / "reference.npz", positions=world, names=names)
    (tmp_path / "calibration.toml").write_text(
        "[cam_07]\nmatrix = [[1000.0, 0.0, 500.0], [0.0, 1000.0, 400.0], [0.0, 0.0, 1.0]]\n"
        f"distortions = [0.0, 0.0, 0.0, 0.0]\nrotation = [{np.pi / 2}, 0.0, 0.0]\ntranslation = [0.0, 0.0, 5.0]\n"
    )
    made = real_films.film(tmp_path, tmp_path / "walk_cam07.mp4")
    x, y, z = np.moveaxis(world[:, :12], -1, 0)
    np.testing.assert_allclose(made.truth, np.stack([x, -z, y + 5], axis=-1), atol=1e-9)
    np.testing.assert_allclose(made.pixels, 1000 * made.truth[..., :2] / made.truth[..., 2:] + [500, 400], atol=1e-6)
    np.testing.assert_allclose(made.skeleton[:, joints.LIMBS_12], made.pixels, atol=1e-6)
    np.testing.assert_allclose(made.up, [0, -1, 0], atol=1e-12)


def test_tremble_of_white_noise_is_its_own_size_and_of_a_cubic_nothing() -> None:
    smooth = moving(4000)
    assert tremble(smooth).max() < 1e-6
    noisy = smooth + 0.01 * RANDOM.normal(size=smooth.shape)
    np.testing.assert_allclose(tremble(noisy), 10 * np.sqrt(8 / np.pi), rtol=0.05)


def test_stretch_belongs_to_the_joint_where_the_bone_ends() -> None:
    body = rigid(1000)
    assert stretch(body).max() < 1e-6
    shin = body[:, 2] - body[:, 1]
    body[:, 2] += RANDOM.normal(0, 0.02, (1000, 1)) * shin / np.linalg.norm(shin, axis=-1, keepdims=True)
    found = stretch(body)
    assert found[2] == pytest.approx(20, rel=0.1)
    assert np.delete(found, 2).max() < 1e-6


def test_a_steady_body_stays_as_it_is_and_a_restless_one_becomes_one() -> None:
    body = rigid() + 0.3 * np.linspace(0, 1, 60)[:, None, None] ** 2
    np.testing.assert_allclose(steady(body), body, atol=1e-9)
    restless = steady(body + 0.01 * RANDOM.normal(size=body.shape))
    assert real_films.bone_lengths(restless).std(axis=0).max() < 1e-9
    assert real_films.jitter(restless, SEEN) < 0.1 * real_films.jitter(
        body + 0.01 * RANDOM.normal(size=body.shape), SEEN
    )


def test_joints_errors_average_to_the_measure() -> None:
    truth, found = moving(), moving()
    assert joint_errors(found, truth).mean() == pytest.approx(p_mpjpe(found, truth))


def record(source: str, row: str, camera: str, value: float) -> Record:
    by_joint = dict.fromkeys(real_films.LIMB_NAMES, value)
    return Record(source, row, camera, dict.fromkeys(MEASURES, value), by_joint)


def test_bars_are_told_as_they_are() -> None:
    records = [
        record("onnx", "ours", "02", 50),
        record("onnx", "ours", "03", 69),
        record("mediapipe", "ours", "02", 70),
    ]
    told = bars([*records, record("mediapipe", "MediaPipe's own 3D", "02", 90)], {})
    assert told == [
        "films, onnx: P-MPJPE: 59.5, at most 60.0 wanted: met",
        "films, onnx: N-MPJPE: 59.5, at most 90.0 wanted: met",
        "films, mediapipe: P-MPJPE: 70.0, at most 80.0 wanted: met",
        "films, mediapipe: P-MPJPE, three quarters of MediaPipe's own 3D: 70.0, at most 67.5 wanted: MISSED",
    ]
    mocap = {"ours": {"true 2D MPJVE": 2.2}, "ours without motion loss": {"true 2D MPJVE": 3.0}}
    assert bars([], mocap) == [
        "mocap, true 2D: MPJVE, 70 % of that without motion loss: 2.2, at most 2.1 wanted: MISSED"
    ]
    assert "| ours | 59.5 (50.0, 69.0) |" in film_table(records, "onnx")
    assert "| left_wrist | 60 |" in budget_table(records[:2], {})


def test_scores_on_motion_capture_are_kept_by_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = walkers(2, 40)
    write_poses(tmp_path / "set", truth.poses)
    for source in (truth, detected(truth, "noisy")):
        write_keypoints(tmp_path / "set", source)
    weights = write_lifter(tmp_path / "some.safetensors")

    def rows() -> dict[str, dict[str, float]]:
        return lifters_mocap.measure({"ours": str(weights)}, {}, tmp_path / "set", tmp_path / "out", "cpu", 1)

    first = rows()
    assert list(first["ours"])[::4] == ["true 2D MPJPE", "noisy 2D MPJPE"]
    assert all(value > 0 for value in first["ours"].values())
    monkeypatch.setattr(lifters_mocap, "Lifter", None)  # would be an error to call
    assert rows() == first


def test_constants_want_a_train_split(tmp_path: Path) -> None:
    write_poses(tmp_path / "test", walkers(2, 10).poses)
    write_poses(tmp_path / "train", walkers(2, 10, split="train").poses)
    assert lifters_mocap.constants(tmp_path / "test") == {}
    assert [mean.pose.shape for mean in lifters_mocap.constants(tmp_path / "train").values()] == [(17, 3)] * 2


def test_people_who_face_all_ways_have_one_mean_body() -> None:
    """Whoever is turned anyhow comes back as one who stands upright and faces the camera, his left at its right."""
    turns = look(*RANDOM.uniform(-3, 3, (3, 50)))
    turned = np.einsum("nij,vj->nvi", turns, STANDING).astype(np.float32)
    np.testing.assert_allclose(lifters_mocap.facing(turned + 3), np.repeat(STANDING[None], 50, axis=0), atol=1e-5)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "nothing to measure on"),
        (["--films", "x"], "--films wants"),
        (["--mocap", "x", "--lifter", "tcn"], "NAME=FILE wanted"),
        (["--mocap", "x", "--every", "0"], "1 or more"),
    ],
)
def test_command_line_is_checked(
    words: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench_lifters.py", *words])
    with pytest.raises(SystemExit):
        bench_lifters.main()
    assert told in capsys.readouterr().err
