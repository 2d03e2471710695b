"""Noise in 2D: every kind by its law, mixtures exact, and the study's numbers where they can be known beforehand."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import linregress
from walkers import FOCAL, HEIGHT, SIZE, detected, walkers, write_lifter, write_walkers

from lifter import joints
from lifter.__main__ import main
from lifter.datasets.poseset import read_poseset, sources, write_keypoints, write_poses
from lifter.errors import LifterError
from lifter.experiments import noise_plan, noise_report
from lifter.experiments.disturb import ALPHAS, DEGREES_OF_FREEDOM, KINDS, disturb, mix, spans
from lifter.experiments.noise_study import Curve, Point, error_2d, fits, heights_px, mixture_source, study
from lifter.sequences import thin
from lifter.weights import Recipe

HEIGHT_PX = 300.0


def track(frames: int = 400) -> np.ndarray:
    return walkers(1, frames).keypoints


def noisy(kind: str, level: float, joint: int | None = None, seed: int = 0, frames: int = 400) -> np.ndarray:
    return disturb(kind, track(frames), level, HEIGHT_PX, np.random.default_rng(seed), joint)


@pytest.mark.parametrize("kind", KINDS)
def test_level_0_is_the_identity(kind: str) -> None:
    clean = track()
    np.testing.assert_array_equal(noisy(kind, 0.0), clean)
    assert np.abs(noisy(kind, KINDS[kind].levels[-1]) - clean).max() > 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_higher_level_is_a_larger_error(kind: str) -> None:
    for seed in range(3):
        errors = [
            np.linalg.norm(noisy(kind, level, seed=seed) - track(), axis=-1).mean() for level in KINDS[kind].levels
        ]
        assert errors[0] == 0 and (np.diff(errors) > 0).all(), errors


@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_pure_and_of_the_seed_alone(kind: str) -> None:
    clean = track()
    kept, level = clean.copy(), KINDS[kind].levels[-1]
    made = disturb(kind, clean, level, HEIGHT_PX, np.random.default_rng(1))
    np.testing.assert_array_equal(clean, kept)
    np.testing.assert_array_equal(made, noisy(kind, level, seed=1))
    assert not np.array_equal(made, noisy(kind, level, seed=2))
    assert made.shape == clean.shape and made.dtype == np.float32


@pytest.mark.parametrize("kind", KINDS)
def test_one_joint_alone_has_the_noise_it_would_have_among_all(kind: str) -> None:
    level, joint = KINDS[kind].levels[-1], 3
    made, every = noisy(kind, level, joint), noisy(kind, level)
    np.testing.assert_array_equal(made[:, joint], every[:, joint])
    np.testing.assert_array_equal(np.delete(made, joint, axis=1), np.delete(track(), joint, axis=1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frames", [1, 2])
def test_the_shortest_sequences_are_taken(kind: str, frames: int) -> None:
    assert np.isfinite(noisy(kind, KINDS[kind].levels[-1], frames=frames)).all()


def test_offsets_have_their_length_and_stay() -> None:
    error = noisy("offset", 0.03) - track()
    np.testing.assert_allclose(np.linalg.norm(error, axis=-1), 0.03 * HEIGHT_PX, rtol=1e-4)
    np.testing.assert_allclose(error, np.repeat(error[:1], len(error), axis=0), atol=1e-3)
    assert np.ptp(error[0], axis=0).min() > 5  # its own direction for every joint


def test_gaussian_and_heavy_tails_have_their_size() -> None:
    normal = (noisy("gaussian", 0.02) - track()) / (0.02 * HEIGHT_PX)
    heavy = (noisy("heavy_tailed", 0.02) - track()) / (0.02 * HEIGHT_PX)
    assert normal.std() == pytest.approx(1, rel=0.03)
    assert np.median(np.abs(normal)) == pytest.approx(0.6745, rel=0.05)
    assert np.median(np.abs(heavy)) == pytest.approx(0.785, rel=0.05)  # of Student's t with 2.5 degrees
    assert DEGREES_OF_FREEDOM == 2.5
    assert np.abs(normal).max() < 6 < 20 < np.abs(heavy).max()


def test_swaps_exchange_whole_legs_or_arms() -> None:
    clean, made = track(), noisy("swaps", 0.3)
    other = clean[:, list(joints.MIRROR)]
    for limb in ((1, 2, 3, 4, 5, 6), (11, 12, 13, 14, 15, 16)):
        kept = (made[:, limb] == clean[:, limb]).all(axis=(1, 2))
        swapped = (made[:, limb] == other[:, limb]).all(axis=(1, 2))
        assert (kept ^ swapped).all()
        assert swapped.mean() == pytest.approx(0.3, abs=0.12)
        assert 1 <= np.abs(np.diff(swapped.astype(int))).sum() <= 2 * 400 / 12  # it lasts: runs, not single frames
    np.testing.assert_array_equal(made[:, [0, 7, 8, 9, 10]], clean[:, [0, 7, 8, 9, 10]])
    np.testing.assert_array_equal(
        noisy("swaps", 1.0), np.where(np.isin(np.arange(17), [0, 7, 8, 9, 10])[:, None], clean, other)
    )


def test_a_dropped_joint_moves_in_a_straight_line() -> None:
    clean, made = track().astype(np.float64), noisy("dropped_joints", 0.4).astype(np.float64)
    shares = []
    for joint in (3, 6, 13):
        touched = np.linalg.norm(made[:, joint] - clean[:, joint], axis=-1) > 1e-3
        shares.append(touched.mean())
        inside = np.flatnonzero(touched[1:-1] & touched[:-2] & touched[2:]) + 1
        first, last = np.flatnonzero(~touched)[[0, -1]]
        inside = inside[(inside > first) & (inside < last)]
        bend = made[inside - 1, joint] - 2 * made[inside, joint] + made[inside + 1, joint]
        assert len(inside) > 20 and np.abs(bend).max() < 1e-2  # the walk itself bends by pixels
    assert np.mean(shares) == pytest.approx(0.4, abs=0.1)


def test_dropped_frames_hold_the_last_pose_seen() -> None:
    clean, made = track(), noisy("dropped_frames", 0.4)
    held = 0
    for t in range(1, len(clean)):
        if not np.array_equal(made[t], clean[t]):
            before = next((s for s in range(t - 1, -1, -1) if np.array_equal(made[s], clean[s])), None)
            expected = clean[before] if before is not None else made[0]
            np.testing.assert_array_equal(made[t], expected)
            held += 1
    assert held / len(clean) == pytest.approx(0.4, abs=0.1)
    np.testing.assert_array_equal(noisy("dropped_frames", 1.0), np.repeat(clean[:1], len(clean), axis=0))


def test_jitter_shakes_time_and_nothing_else() -> None:
    velocity = np.random.default_rng(0).normal(size=(17, 2))
    steady = (500 + np.arange(300)[:, None, None] * velocity).astype(np.float32)
    made = disturb("jitter", steady, 1.5, HEIGHT_PX, np.random.default_rng(0))
    shift = ((made - steady) / velocity)[8:-8]
    np.testing.assert_allclose(shift, np.broadcast_to(shift[:, :1, :1], shift.shape), atol=0.02)  # one time a frame
    assert shift[:, 0, 0].std() == pytest.approx(1.5, rel=0.1)
    still = np.repeat(steady[:1], 50, axis=0)
    np.testing.assert_allclose(disturb("jitter", still, 4.0, HEIGHT_PX, np.random.default_rng(0)), still, rtol=1e-6)


def test_spans_make_up_their_share() -> None:
    made = np.stack([spans(96, np.random.default_rng(seed)) for seed in range(4000)])
    assert made.min() >= 0 and made.max() < 1
    for share in (0.02, 0.1, 0.5):
        assert (made < share).mean() == pytest.approx(share, rel=0.12)
    changes = (np.diff(made, axis=1) != 0).mean()
    assert 1 / changes == pytest.approx(12, rel=0.05)


@pytest.mark.parametrize("alpha", [*ALPHAS, 1.5])
def test_the_error_of_a_mixture_is_its_share_of_the_detectors(alpha: float) -> None:
    truth = walkers()
    found = detected(truth)
    made = mixture_source(truth, found, alpha)
    heights = heights_px(truth.poses)
    full, share = error_2d(found, truth, heights), error_2d(made, truth, heights)
    assert full[0] > 5
    np.testing.assert_allclose(share, np.multiply(alpha, full), rtol=1e-5, atol=1e-9)
    np.testing.assert_array_equal(mix(truth.keypoints, found.keypoints, 0.0), truth.keypoints)
    np.testing.assert_array_equal(mix(truth.keypoints, found.keypoints, 1.0), found.keypoints)
    assert made.source == f"mix_cpn_{alpha:g}"
    assert made.seen.all() == (alpha == 0)
    assert made.scores[0, 0] == pytest.approx(1 - 0.5 * min(alpha, 1))


def test_mixtures_belong_to_the_same_sequences() -> None:
    with pytest.raises(LifterError, match="different sequences"):
        mixture_source(walkers(3), detected(walkers(2)), 0.5)


def test_a_person_is_as_tall_as_his_bones() -> None:
    truth = walkers(2, flat=True)
    legs = np.linalg.norm(np.diff(truth.poses.positions[:, [1, 2, 3]], axis=1), axis=-1).sum(axis=1)
    tall = 0.7 + np.median(legs[:60])
    assert heights_px(truth.poses)[0] == pytest.approx(FOCAL * tall / 4, rel=0.01)
    assert tall == pytest.approx(HEIGHT, rel=0.05)


class Flat:
    """Lifts people who are flat and 4 m away without any error, so that 2D errors alone make 3D errors."""

    recipe = Recipe("screen")
    step = 5

    def __init__(self) -> None:
        self.calls = 0

    def lift_uniform(self, sequence: np.ndarray) -> np.ndarray:
        self.calls += 1
        places = np.concatenate([sequence * SIZE / 2 * 4 / FOCAL, np.zeros((*sequence.shape[:2], 1))], axis=-1)
        return (places - places[:, :1]).astype(np.float32)


def test_the_study_of_a_known_lifter_gives_known_numbers() -> None:
    truth = walkers(flat=True)
    height = heights_px(truth.poses)
    lifter = Flat()
    made = list(study(lambda *_: lifter, truth, [Curve("offset", (0.0, 0.01, 0.03), joint=5)]))  # type: ignore[arg-type,return-value]
    assert [point.level for point in made] == [0.0, 0.01, 0.03]
    for point in made:
        error_px = point.level * height.mean() / 17  # one joint of 17, every frame alike
        assert point.error_px == pytest.approx(error_px, rel=0.01, abs=1e-6)
        assert point.error_percent == pytest.approx(100 * point.level / 17, rel=1e-4, abs=1e-6)
        assert point.scores["MPJPE"] == pytest.approx(1000 * 4 / FOCAL * point.error_px, rel=0.01, abs=0.01)
        assert point.scores["MPJVE"] == pytest.approx(0, abs=0.01)
        assert point.joint == "left_knee"
    fit = fits(made)["offset, left_knee"]
    assert fit.slope == pytest.approx(4.0, rel=0.01) and fit.r_squared == pytest.approx(1, abs=1e-3)


def test_clean_key_points_are_lifted_once() -> None:
    truth, lifter = walkers(), Flat()
    curves = [Curve(kind, (0.0, level)) for kind, level in (("gaussian", 0.01), ("swaps", 0.5), ("jitter", 1.0))]
    made = list(study(lambda *_: lifter, truth, curves))  # type: ignore[arg-type,return-value]
    assert lifter.calls == 3 * (1 + 3)  # three sequences
    assert made[0].scores == made[2].scores == made[4].scores


def test_noise_hangs_on_the_name_of_the_sequence_not_on_its_place() -> None:
    truth = walkers(4)
    curve = [Curve("gaussian", (0.02,))]
    lifter = Flat()
    whole = list(study(lambda *_: lifter, truth, curve, average="frame"))  # type: ignore[arg-type,return-value]
    parts = [
        next(study(lambda *_: lifter, truth.subset(np.array(part)), curve, average="frame"))  # type: ignore[arg-type,return-value]
        for part in ([0], [1], [2], [3])
    ]
    frames = [60, 60, 60, 59]
    assert whole[0].error_px == pytest.approx(np.average([part.error_px for part in parts], weights=frames))
    pooled = np.average([part.scores["MPJPE"] for part in parts], weights=frames)
    assert whole[0].scores["MPJPE"] == pytest.approx(pooled)


def test_fits_agree_with_scipy() -> None:
    random = np.random.default_rng(0)
    x, y = random.uniform(0, 9, 6), random.uniform(30, 60, 6)
    points = [Point("c", "gaussian", "", "all", 0.0, a, a, {"MPJPE": b}) for a, b in zip(x, y, strict=True)]
    fit, line = fits(points)["c"], linregress(x, y)
    np.testing.assert_allclose(
        [fit.slope, fit.offset, fit.r_squared], [line.slope, line.intercept, line.rvalue**2], rtol=1e-9
    )
    assert not fits(points[:2])


def test_single_frames_have_no_velocity_and_json_stays_json() -> None:
    made = list(study(lambda *_: Flat(), walkers(2, 1).subset(np.array([0])), [Curve("offset", (0.0, 0.01))]))  # type: ignore[arg-type,return-value]
    whole = json.loads(noise_report.as_json(made, {}))
    assert [point["scores"]["MPJVE"] for point in whole["points"]] == [None, None]
    assert whole["points"][1]["scores"]["MPJPE"] > 0


def test_sequences_are_thinned_evenly() -> None:
    truth = walkers(9, 20)
    assert thin(truth, 3).poses.names.tolist() == ["walk 0", "walk 4", "walk 8"]
    assert len(thin(truth, 100).poses) == len(thin(truth, None).poses) == 9
    with pytest.raises(LifterError, match="at least 1"):
        thin(truth, 0)


def test_plans_read_the_words() -> None:
    found = [detected(walkers()), detected(walkers(), "hrnet")]
    named = [curve.name for curve in noise_plan.curves(None, None, None, found)]
    assert named == [*KINDS, "mixture cpn", "mixture hrnet"]
    each = noise_plan.curves(None, None, "each", [])
    assert [curve.joint for curve in each] == list(range(17))
    assert {(curve.kind, curve.levels) for curve in each} == {("offset", (0.0, noise_plan.JOINT_LEVEL))}
    (one,) = noise_plan.curves("mixture", "1,0,.5", "left_knee", found[:1])
    assert one.levels == (0.0, 0.5, 1.0) and one.name == "mixture cpn, left_knee"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_walkers(tmp_path / "data")
    write_lifter(tmp_path / "tiny.safetensors")
    return tmp_path / "data"


def call(data: Path, *words: str) -> int:
    return main(["noise", "--data", str(data), "--lifter", str(data.parent / "tiny.safetensors"), "--device", "cpu",
                 "--threads", "1", "--step", "48", *words])  # fmt: skip


def test_the_whole_study_by_command(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = data.parent / "out"
    assert call(data, "--detections", "cpn", "--max-sequences", "2", "--no-flip", "--out", str(out)) == 0
    text = capsys.readouterr().out
    rows = list(csv.DictReader((out / "noise.csv").open()))
    count = sum(len(kind.levels) for kind in KINDS.values()) + len(ALPHAS)
    assert len(rows) == count
    whole = json.loads((out / "noise.json").read_text())
    assert len(whole["points"]) == count and whole["about"]["sequences"] == 2
    assert set(whole["fits"]) == {*KINDS, "mixture cpn"}
    clean = {row["MPJPE (mm)"] for row in rows if row["level"] == "0"}
    assert len(clean) == 1
    assert (out / "noise.png").read_bytes().startswith(b"\x89PNG")
    assert "one for all levels" in text and "mixture cpn" in text and "mm / px" in text
    assert not list(out.glob("*.part"))


def test_each_joint_by_command(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = data.parent / "out"
    assert call(data, "--joint", "each", "--max-sequences", "1", "--no-flip", "--out", str(out)) == 0
    table = capsys.readouterr().out.split("one joint noisy")[1].splitlines()[1:18]
    assert {line.split()[0] for line in table} == set(joints.NAMES)
    rises = [float(line.split()[2]) for line in table]
    assert rises == sorted(rises, reverse=True)
    assert (out / "noise.png").read_bytes().startswith(b"\x89PNG")


def test_mixtures_by_command_are_sources_and_have_their_own_lifters(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(data, "--detections", "cpn", "--write-mixtures", str(data)) == 0
    assert sources(data) == sorted(["gt", "cpn", *(f"mix_cpn_{alpha:g}" for alpha in ALPHAS)])
    mixed, truth = read_poseset(data, "mix_cpn_0.4"), read_poseset(data)
    np.testing.assert_allclose(
        mixed.keypoints - truth.keypoints, 0.4 * (read_poseset(data, "cpn").keypoints - truth.keypoints), atol=1e-3
    )
    elsewhere = data.parent / "elsewhere"
    assert call(data, "--detections", "cpn", "--write-mixtures", str(elsewhere), "--levels", "0.5") == 0
    assert sources(elsewhere) == ["gt", "mix_cpn_0.5"]

    trained = data.parent / "trained"
    for alpha, folder in ((0.0, trained), (0.4, trained / "cpn")):
        write_lifter(folder / f"alpha_{alpha:g}.safetensors", "person")
    capsys.readouterr()
    words = ["--detections", "cpn", "--kinds", "mixture", "--lifters-per-alpha", str(trained), "--no-flip"]
    assert call(data, *words, "--levels", "0,0.4") == 0
    assert "mixtures: one for each" in capsys.readouterr().out
    assert call(data, *words, "--levels", "0,0.6") == 1
    assert "alpha_0.6.safetensors" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--kinds", "gausian"], "did you mean 'gaussian'"),
        (["--kinds", "mixture"], "--detections"),
        (["--kinds", "swaps", "--levels", "1.5"], "0 to 1 wanted"),
        (["--kinds", "swaps", "--levels", "nan"], "level nan"),
        (["--kinds", "gaussian", "--levels", "1e300"], "0 to 10 wanted"),
        (["--kinds", "swaps", "--levels", "a,b"], "numbers"),
        (["--levels", "0,1"], "name one kind"),
        (["--joint", "left_kne"], "did you mean 'left_knee'"),
        (["--split", "train"], "train"),
        (["--keypoints", "hrnet"], "no keypoints 'hrnet'"),
        (["--detections", "hrnet"], "no keypoints 'hrnet'"),
        (["--lifter", "nowhere"], "no such file"),
        (["--max-sequences", "0"], "at least 1"),
        (["--step", "0"], "--step 0"),
        (["--seed", "-1"], "--seed -1"),
        (["--lifters-per-alpha", "x"], "--detections"),
        (["--write-mixtures", "x"], "--detections"),
        (["--data", "nowhere"], "not a prepared data set"),
    ],
)
def test_bad_words_are_one_line(data: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(data, *words) == 1
    error = capsys.readouterr().err
    assert told in error and error.startswith("error: ") and error.count("\n") == 1


def test_mixtures_are_not_written_into_another_data_set(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = walkers(2)
    write_poses(data.parent / "other", other.poses)
    write_keypoints(data.parent / "other", other)
    assert call(data, "--detections", "cpn", "--write-mixtures", str(data.parent / "other")) == 1
    assert "other sequences" in capsys.readouterr().err
    assert sources(data.parent / "other") == ["gt"]
