"""Detectors' noise: what is made by a preset measures as the preset says; clips, axes and files by laws."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from walkers import walkers, write_walkers

from lifter import joints
from lifter.__main__ import main
from lifter.datasets.detections.films import Sight
from lifter.datasets.detections.sets import detect
from lifter.datasets.filming.noise import NoiseSettings, add_noise
from lifter.datasets.filming.sets import film_recordings
from lifter.datasets.filming.shots import FilmingSettings
from lifter.datasets.mocap.recordings import Recording
from lifter.datasets.mocap.tiny_motion import motion, places
from lifter.detector_noise.clips import Clips, clips_of
from lifter.detector_noise.make import add_detector_noise, lasting
from lifter.detector_noise.measure import measure
from lifter.detector_noise.parts import KINDS, joint_axes
from lifter.detector_noise.settings import (
    DetectorNoise,
    JointNoise,
    SideSwaps,
    find_noise,
    read_noises,
    write_noises,
)  # fmt: skip
from lifter.errors import LifterError
from lifter.screen import to_person, turn

COUNT, FRAMES = 150, 100


def people(count: int = COUNT, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Clips of somebody who stands and turns before far cameras: positions (N, T, 17, 3), keypoints (N, T, 17, 2)."""
    random = np.random.default_rng(seed)
    body = walkers(1, 1).poses.positions[0] - walkers(1, 1).poses.positions[0, 0]
    # Bent arms and legs, and a head before the neck, so that no axis is another's.
    body[[12, 15], 2] -= 0.1
    body[[13, 16], 2] -= 0.25
    body[[2, 5], 2] -= 0.12
    body[9, 2] -= 0.05
    angle = random.uniform(0, 2 * np.pi, (count, 1)) + np.linspace(0, 1, FRAMES) * random.uniform(-1, 1, (count, 1))
    c, s, zero, one = np.cos(angle), np.sin(angle), 0 * angle, 1 + 0 * angle
    turns = np.stack([np.stack([c, zero, s], -1), np.stack([zero, one, zero], -1), np.stack([-s, zero, c], -1)], -2)
    positions = np.einsum("ntij,vj->ntvi", turns, body).astype(np.float32)
    keypoints, turned = to_person(positions[..., :2] * 300 + 500)
    return turn(positions, turned), keypoints


def noisy_clips(noise: DetectorNoise, seed: int = 3, count: int = COUNT) -> Clips:
    positions, keypoints = people(count)
    found = add_detector_noise(keypoints, noise, np.random.default_rng(seed), positions)
    shape = keypoints.shape[:3]
    axes = joint_axes(positions, keypoints).astype(np.float32)
    return Clips(keypoints, found, np.ones(shape, np.float32), np.ones(shape, bool), 0.0, axes)


def quiet(**changes: JointNoise) -> DetectorNoise:
    return DetectorNoise({kind: changes.get(kind, JointNoise()) for kind in KINDS})


@pytest.mark.parametrize("name", ["mediapipe", "onnx", "mediapipe_learned", "onnx_learned"])
def test_what_a_preset_makes_measures_as_the_preset(name: str) -> None:
    """The closed loop, joint by joint; sigmas of heavy tails come back less exactly than those of light ones."""
    (noise,) = find_noise(name)
    clips = noisy_clips(noise, count=300)
    made = measure(clips)
    for kind in KINDS:
        want, got = noise.joints[kind], made.noise.joints[kind]
        np.testing.assert_allclose(got.offset, want.offset, atol=0.015, err_msg=f"{kind} offset")
        slow, slow_got = np.hypot(want.bias, want.drift), np.hypot(got.bias, got.drift)
        assert slow_got == pytest.approx(slow, rel=0.25, abs=0.004), f"{kind} bias and drift"
        # A head's jitter is a quarter of its slow errors, and told from them by no more than that.
        assert got.jitter == pytest.approx(want.jitter, rel=0.6, abs=0.010), f"{kind} jitter"
        assert got.tail == pytest.approx(want.tail, rel=0.45), f"{kind} tail"
        assert got.spread == pytest.approx(want.spread, abs=0.15), f"{kind} spread"
        alone, alone_got = want.lost_per_s * want.lost_s, got.lost_per_s * got.lost_s
        assert alone_got == pytest.approx(alone, rel=0.5, abs=0.02), f"{kind} lost"
    for limb, swaps in noise.swaps.items():
        assert made.swapped[limb] == pytest.approx(swaps.per_s * swaps.seconds, rel=0.4, abs=0.015), limb
    off = np.abs(np.array(made.noise.correlation) - np.array(noise.correlation))
    assert off.mean() < 0.12
    assert made.noise.shared == pytest.approx(noise.shared, abs=0.15)


def test_what_is_put_in_comes_out_by_itself() -> None:
    calm = JointNoise(bias=0.05, drift=0.04, drift_s=0.2, jitter=0.012)
    rows = np.full((17, 17), 0.5) + 0.5 * np.eye(17)
    noise = DetectorNoise(
        dict.fromkeys(KINDS, calm), {"arms": SideSwaps(0.2, 0.3)}, 0.0, tuple(map(tuple, rows.tolist()))
    )
    noise = replace(noise, joints={**noise.joints, "wrist": replace(calm, offset=(0.04, -0.03, 0.05), lost_per_s=0.2,
                                                                    lost_s=0.5, lost_from=0.5)})  # fmt: skip
    made = measure(noisy_clips(noise, count=300))
    for kind in KINDS:
        got = made.noise.joints[kind]
        assert got.bias == pytest.approx(0.05, abs=0.008) and got.drift == pytest.approx(0.04, abs=0.006)
        assert got.drift_s == pytest.approx(0.2, abs=0.07) and got.jitter == pytest.approx(0.012, abs=0.003)
        assert got.tail > 8 and got.spread < 0.1
        np.testing.assert_allclose(got.offset, (0.04, -0.03, 0.05) if kind == "wrist" else (0, 0, 0), atol=0.01)
        # 0.2 times a second of what is left, for half a second.
        assert made.lost[kind] == pytest.approx(0.09 if kind == "wrist" else 0, abs=0.02)
    assert made.swapped == pytest.approx({"arms": 0.057, "legs": 0}, abs=0.025)
    off_diagonal = np.array(made.noise.correlation)[np.triu_indices(17, 1)]
    assert off_diagonal.mean() == pytest.approx(0.5, abs=0.1) and made.noise.shared < 0.2


def test_heavier_tails_are_told_and_children_follow_their_parents() -> None:
    heavy, light = (
        measure(noisy_clips(quiet(elbow=JointNoise(jitter=0.01, tail=tail)))).noise.joints["elbow"].tail
        for tail in (3.0, 100.0)
    )
    assert heavy < 4 and light > 30
    led = measure(
        noisy_clips(quiet(elbow=JointNoise(lost_per_s=0.3, lost_s=0.4), wrist=JointNoise(with_parent=0.7)), count=300)
    ).noise.joints
    assert led["wrist"].with_parent == pytest.approx(0.7, abs=0.1) and led["wrist"].lost_per_s < 0.02
    assert led["ankle"].with_parent == 0


def test_something_lasts_as_long_and_comes_as_often_as_told() -> None:
    on = lasting(4000, 200, SideSwaps(0.5, 0.4), np.random.default_rng(0))
    assert on.mean() == pytest.approx(0.2 / 1.2, abs=0.01)
    assert on[:, 0].mean() == pytest.approx(on[:, -1].mean(), abs=0.03), "as often at the first frame as later"
    runs = (np.diff(on.astype(int), axis=1) == 1).sum()
    assert runs / (~on[:, :-1]).sum() * 50 == pytest.approx(0.5, rel=0.05)


def test_axes_are_the_projected_bodys_and_mirror_with_it() -> None:
    positions, keypoints = people(3)
    axes = joint_axes(positions, keypoints)
    shin = positions[:, :, 3] - positions[:, :, 2]
    along = keypoints[:, :, 3] - keypoints[:, :, 2]
    np.testing.assert_allclose(
        axes[:, :, 3, 0] * np.linalg.norm(shin, axis=-1, keepdims=True), along, atol=0.01, err_msg="the bone itself"
    )
    flipped = joint_axes(joints.mirror(positions), joints.mirror(keypoints))
    np.testing.assert_allclose(flipped, axes[:, :, list(joints.MIRROR)] * [-1, 1], atol=1e-6)
    assert np.abs(axes[:, :, 0, 1]).max() == 0, "the pelvis has no side"


def test_clips_are_in_person_units_at_50_hz_and_count_what_is_seen() -> None:
    truth = walkers(2, 60)
    half = replace(truth.poses, fps=np.full(2, 25.0))
    slow = replace(truth, poses=half)
    seen = slow.seen.copy()
    seen[10:20] = False
    found = replace(slow, source="d", keypoints=slow.keypoints + np.float32([9, 0]), seen=seen)
    clips = clips_of(slow, found)
    assert clips.truth.shape == (2, 100, 17, 2) and clips.missed == pytest.approx(10 / 119)
    assert not clips.counts[0, 20:39].any() and clips.counts[0, 45:].all() and clips.counts[1, :100].all()
    off = np.linalg.norm(clips.found - clips.truth, axis=-1)[clips.counts]
    # Nine pixels in the mean radius of the person.
    radius = np.sqrt(np.square(truth.keypoints - truth.keypoints[:, :1]).sum(-1).mean(-1)).mean()
    np.testing.assert_allclose(off, 9 / radius, rtol=0.06)
    with pytest.raises(LifterError, match="no frame"):
        clips_of(slow, replace(found, seen=np.zeros_like(seen)))


def test_a_person_sought_elsewhere_is_no_joints_error() -> None:
    clips = noisy_clips(quiet(), count=20)
    found = clips.found.copy()
    found[:5] += 2.0
    made = measure(replace(clips, found=found))
    assert made.astray == pytest.approx(0.25) and max(made.lost.values()) == 0


def test_files_come_back_and_nonsense_is_told(tmp_path: Path) -> None:
    (noise,) = find_noise("onnx")
    file = tmp_path / "mine.toml"
    file.write_text(write_noises({"mine": noise, "other": quiet()}), encoding="utf-8")
    assert read_noises(file) == {"mine": noise, "other": quiet()}
    assert find_noise(str(file)) == [noise, quiet()]
    with pytest.raises(LifterError, match="did you mean 'mediapipe'"):
        find_noise("mediapip")
    for text, said in (("[a]\nx = 1", "'x' is unknown"), ("a = [", "no detector's noise"), ("a = 1", "a table wanted"),
                       ("[a.joints.hip]\nbias = -1.0", "sizes"), ("[a]\ncorrelation = 3", "a")):  # fmt: skip
        file.write_text(text)
        with pytest.raises(LifterError, match=said):
            read_noises(file)


def test_training_noise_is_what_it_was_and_can_be_measured_detectors(tmp_path: Path) -> None:
    keypoints = np.random.default_rng(0).normal(size=(5, 60, 17, 2)).astype(np.float32)
    plain = add_noise(keypoints, NoiseSettings(), np.random.default_rng(1)) - keypoints
    # Of the release before detectors were measured: `add_noise(keypoints, NoiseSettings(), default_rng(1))`.
    np.testing.assert_allclose(plain[0, 0, :2], [[0.03190722, 0.08635233], [0.01267844, -0.04267352]], atol=1e-6)
    np.testing.assert_allclose([plain[4, 59, 16, 0], np.abs(plain).sum()], [-0.04748043, 674.2074], rtol=1e-5)
    positions, people_2d = people(40)
    mixed = NoiseSettings(detectors=("mediapipe", "onnx"), plain=0.3)
    made = add_noise(people_2d, mixed, np.random.default_rng(2), positions)
    assert np.array_equal(made, add_noise(people_2d, mixed, np.random.default_rng(2), positions))
    assert 0.02 < np.median(np.linalg.norm(made - people_2d, axis=-1)) < 0.3
    silent = tmp_path / "silent.toml"
    silent.write_text(write_noises({"silent": quiet()}))
    off = add_noise(people_2d, NoiseSettings(detectors=(str(silent),), plain=0.5), np.random.default_rng(2), positions)
    untouched = (off == people_2d).all(axis=(1, 2, 3))
    assert 0.2 < untouched.mean() < 0.8
    with pytest.raises(LifterError, match="unknown"):
        NoiseSettings(detectors=("nobody",))


def test_mocap_seen_by_a_measured_detector_leaves_the_other_sources_alone() -> None:
    person = Recording("r", "uiprmd", "p", "walk", "test", places(motion(60, 1)))
    usual = film_recordings([person], FilmingSettings(keypoints=("gt", "noisy")))
    more = film_recordings([person], FilmingSettings(keypoints=("gt", "as_onnx", "noisy")))
    assert [one.source for one in more] == ["gt", "as_onnx", "noisy"]
    for before, after in ((usual[0], more[0]), (usual[1], more[2])):
        assert np.array_equal(before.keypoints, after.keypoints)
    assert 1 < np.median(np.linalg.norm(more[1].keypoints - more[0].keypoints, axis=-1)) < 100
    with pytest.raises(LifterError, match="unknown"):
        FilmingSettings(keypoints=("as_nobody",))


def test_the_verb_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_walkers(tmp_path / "set", count=3)
    words = ["measure", "--data", str(tmp_path / "set"), "--keypoints", "cpn", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "cpn against gt: 3 clips" in told and "swapped legs" in told
    assert set(read_noises(tmp_path / "out" / "noise.toml")) == {"cpn"}
    kept = json.loads((tmp_path / "out" / "errors.json").read_text())
    assert (
        kept["sources"]["cpn"]["missed"] > 0 and len((tmp_path / "out" / "errors.csv").read_text().splitlines()) == 12
    )
    # Six pixels a coordinate, each frame anew: jitter, and nothing else.
    wrist = kept["sources"]["cpn"]["noise"]["joints"]["wrist"]
    assert wrist["jitter"] > 3 * np.hypot(wrist["bias"], wrist["drift"])
    assert main([*words[:3], "--keypoints", "nobody"]) == 1


def test_films_in_which_nobody_is_found_can_be_passed_over() -> None:
    truth = walkers(2, 30)
    size = (1000, 1000)
    empty = Sight(
        np.zeros((0, 30, 17, 2), np.float32), np.zeros((0, 30, 17), np.float32), np.zeros((0, 30), bool), size, 50.0
    )
    whole = Sight(truth.keypoints[None, :30], truth.scores[None, :30], np.ones((1, 30), bool), size, 50.0)
    films = {"walk 0": Path("a"), "walk 1": Path("b")}

    def watch(film: Path) -> Sight:
        return whole if film.name == "a" else empty

    with pytest.raises(LifterError, match="not found in any frame"):
        detect(truth, films, "d", watch)
    made = detect(truth, films, "d", watch, partial=True)
    assert made.seen.tolist() == [True] * 30 + [False] * 30
