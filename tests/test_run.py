"""Whole runs through the command line, on film the tests make: files, frames, caching, and every bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from forked import cpu_seconds

from pipeline.camera import up_of
from pipeline.cli import main
from pipeline.height import standing_height
from pipeline.store import load_pose2d, load_pose3d
from pipeline.video import VideoReader, VideoWriter, probe

ROOT = Path(__file__).parents[1]


def make_film(path: Path, frames: int = 30, size: tuple[int, int] = (160, 120), shade: int = 90, fps: int = 25) -> Path:
    """A film of nothing much: the scripted walker is found in any picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, size, fps=Fraction(fps)) as writer:
        for index in range(frames):
            writer.write(np.full((size[1], size[0], 3), shade + index % 7, np.uint8))
    return path


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return make_film(tmp_path / "films" / "walk.mp4")


def run(film: Path, *flags: str, verb: str = "run", detector: str = "scripted") -> int:
    """Run or detect; the other verbs know nothing of detectors."""
    output = str(film.parent.parent / "out")
    return main([verb, str(film), "--detector", detector, "--output", output, "--device", "cpu", *flags])


def made(film: Path) -> Path:
    return film.parent.parent / "out" / film.stem


def stamps_of(path: Path) -> list[float]:
    return [seconds for seconds, _ in VideoReader(probe(path))]


def test_a_run_leaves_everything_the_contract_names(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(film) == 0
    folder = made(film)
    assert sorted(file.name for file in folder.iterdir()) == ["pose2d.npz", "pose3d.npz", "run.json", "walk_3d.mp4"]
    flat, solid = load_pose2d(folder / "pose2d.npz"), load_pose3d(folder / "pose3d.npz")
    assert flat.keypoints.shape == (1, 30, 17, 2) and solid.positions.shape == (1, 30, 17, 3)
    assert solid.valid.all()
    np.testing.assert_allclose(solid.timestamps, np.arange(30) / 25, atol=1e-9)
    assert stamps_of(folder / "walk_3d.mp4") == pytest.approx(stamps_of(film), abs=1e-6)
    record = json.loads((folder / "run.json").read_text())
    assert set(record["stages"]) == {"detect", "lift", "render"}
    assert all(stage["seconds"] >= 0 and len(stage["fingerprint"]) == 64 for stage in record["stages"].values())
    assert record["settings"]["detect"]["detector"] == "scripted" and record["versions"]["python"].startswith("3.11")
    said = capsys.readouterr().out
    assert "detect  30 frames, 1 person" in said and "frames/s" in said


def test_feet_are_below_the_head_and_bones_are_human(film: Path) -> None:
    run(film, "--no-render")
    pose = load_pose3d(made(film) / "pose3d.npz")
    feet, head = pose.positions[0][:, [3, 6]], pose.positions[0][:, 10]
    assert (feet[..., 1].mean(axis=1) > head[:, 1]).all()  # y is down
    thigh = np.linalg.norm(pose.positions[0][:, 2] - pose.positions[0][:, 1], axis=-1)
    assert 0.2 < thigh.mean() < 0.6 and np.ptp(thigh) < 1e-4
    run(film, "--no-render", "--no-hold-bones")
    raw = load_pose3d(made(film) / "pose3d.npz").positions[0]
    assert np.ptp(np.linalg.norm(raw[:, 2] - raw[:, 1], axis=-1)) > 1e-4
    assert np.abs(pose.positions[:, :, 0]).max() == 0
    assert not (made(film) / "walk_3d.mp4").exists()


def test_the_second_run_does_nothing_and_says_so(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(film)
    before = {file.name: file.stat().st_mtime_ns for file in made(film).iterdir()}
    capsys.readouterr()
    assert run(film) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert {file.name: file.stat().st_mtime_ns for file in made(film).iterdir()} == before


def stages_run(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.split()[0] for line in capsys.readouterr().out.splitlines() if "frames/s" in line]


def test_only_what_changed_is_done_again(film: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run(film)
    assert stages_run(capsys) == ["detect", "lift", "render"]
    run(film, "--view", "front")
    assert stages_run(capsys) == ["render"]
    run(film, "--view", "front", "--person", "largest")
    assert stages_run(capsys) == ["lift", "render"]
    run(film, "--view", "front", "--person", "largest", "--box-every", "9")
    assert stages_run(capsys) == ["detect", "lift", "render"]
    run(film, "--view", "front", "--person", "largest", "--box-every", "9", "--from", "lift")
    assert stages_run(capsys) == ["lift", "render"]
    run(film, "--view", "front", "--person", "largest", "--box-every", "8", "--from", "render")
    assert stages_run(capsys) == ["detect", "lift", "render"]  # what is out of date is never built upon


def test_what_is_known_of_the_camera_is_used_and_concerns_no_detector(
    film: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(film, "--camera", "pitch=30,roll=-10")
    assert stages_run(capsys) == ["detect", "lift", "render"]
    np.testing.assert_allclose(load_pose3d(made(film) / "pose3d.npz").up, up_of(30, -10), atol=1e-6)
    run(film, "--camera", "pitch=30,roll=-10")
    assert stages_run(capsys) == []
    run(film, "--camera", "level")
    assert stages_run(capsys) == ["lift", "render"]
    np.testing.assert_allclose(load_pose3d(made(film) / "pose3d.npz").up, [0, -1, 0], atol=1e-6)


def test_a_known_height_scales_bodies_and_paths(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(film, "--no-render")
    before = load_pose3d(made(film) / "pose3d.npz")
    assert stages_run(capsys) == ["detect", "lift"]
    run(film, "--height", "1.40", "--no-render")
    assert stages_run(capsys) == ["lift"]
    run(film, "--height", "1=1.4", "--no-render")
    after = load_pose3d(made(film) / "pose3d.npz")
    assert standing_height(after.positions[0]) == pytest.approx(1.4, abs=1e-3)
    ratio = 1.4 / standing_height(before.positions[0])
    np.testing.assert_allclose(after.positions, before.positions * ratio, atol=1e-5)
    np.testing.assert_allclose(after.root[..., 2], before.root[..., 2] * ratio, rtol=0.05)
    assert (after.root_sigma > 0).all()


def test_poses_of_an_earlier_version_are_lifted_again(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(film)
    file = made(film) / "pose3d.npz"
    with np.load(file, allow_pickle=False) as data:
        old = {name: data[name] for name in data if not name.startswith("root")}
    np.savez_compressed(file, **old)
    capsys.readouterr()
    assert main(["render", str(film), "--view", "front", "--output", str(made(film).parent)]) == 1
    assert "root" in capsys.readouterr().err
    run(film)
    assert stages_run(capsys) == ["lift"]


def test_other_lifter_weights_under_the_same_name_are_noticed(
    film: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from lifter import weights
    from lifter.ugcn import UGCN, UGCNSettings

    for seed in (1, 2):
        import torch

        torch.manual_seed(seed)
        model = UGCN(UGCNSettings(widths=(4, 4, 4, 4, 4))).eval()
        weights.save(tmp_path / "mine.safetensors", model, weights.Recipe())
        run(film, "--lifter", str(tmp_path / "mine.safetensors"), "--no-render")
        assert stages_run(capsys)[-1] == "lift"
    assert run(film, "--lifter", str(tmp_path / "mine.safetensors"), "--no-render") == 0
    assert stages_run(capsys) == []


def test_another_film_of_the_same_name_is_another_film(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(film)
    make_film(film, frames=20, shade=50)
    capsys.readouterr()
    assert run(film) == 0
    assert stages_run(capsys) == ["detect", "lift", "render"]
    assert len(load_pose3d(made(film) / "pose3d.npz").timestamps) == 20


def test_a_damaged_or_lost_file_is_made_again(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(film)
    for name, stages in {
        "pose2d.npz": ["detect"],  # the same arrays again, so what came of them still holds
        "pose3d.npz": ["lift"],
        "walk_3d.mp4": ["render"],
    }.items():
        content = (made(film) / name).read_bytes()
        for damaged in (content[: len(content) // 2], content[:700] + b"\0\1\2\3" + content[704:], None):
            if damaged is None:
                (made(film) / name).unlink()
            else:
                (made(film) / name).write_bytes(damaged)
            capsys.readouterr()
            assert run(film) == 0
            assert stages_run(capsys) == stages
            assert len(stamps_of(made(film) / "walk_3d.mp4")) == 30


def test_one_stage_at_a_time(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = ["--output", str(film.parent.parent / "out")]

    def one(verb: str) -> int:
        return main([verb, str(film), *output])

    assert one("lift") == 1
    assert "run `python -m pipeline detect`" in capsys.readouterr().err
    assert not made(film).exists()
    assert run(film, verb="detect") == 0
    assert one("render") == 1
    assert one("lift") == 0
    assert one("render") == 0
    assert stages_run(capsys) == ["detect", "lift", "render"]
    record = json.loads((made(film) / "run.json").read_text())
    assert record["settings"]["detect"]["detector"] == "scripted"
    make_film(film, frames=10, shade=20)
    assert one("lift") == 1
    assert "another film" in capsys.readouterr().err


def test_settings_file(film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "settings.toml"
    config.write_text('[detector]\nname = "scripted"\n[render]\nview = "side"\nmax_height = 100\n')
    assert main(["run", str(film), "--config", str(config), "--output", str(tmp_path / "out")]) == 0
    assert probe(made(film) / "walk_3d.mp4").size[1] == 100
    config.write_text("[render]\nvieuw = 1\n")
    assert main(["run", str(film), "--config", str(config)]) == 1
    assert "vieuw" in capsys.readouterr().err


def test_quiet_prints_nothing(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(film, "--quiet") == 0
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == ""


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"", "empty.mp4"), (b"this is no film at all\n" * 40, "text.mp4"), (None, "missing.mp4"), ("folder", "dir.mp4")],
)
def test_what_is_no_film_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | str | None, name: str
) -> None:
    path = tmp_path / "films" / name
    path.parent.mkdir()
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    assert run(path) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: ") and name in lines[0]
    assert not made(path).exists()


def test_a_name_too_long_for_any_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "films" / ("x" * 300 + ".mp4")) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_name_that_would_leave_the_output_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_film(tmp_path / "films" / "...mp4", frames=2)
    (tmp_path / "run.json").write_text("precious")
    assert main(["run", str(film), "--detector", "scripted", "--output", str(tmp_path / "out")]) == 1
    assert "rename" in capsys.readouterr().err
    assert (tmp_path / "run.json").read_text() == "precious"


def test_results_are_never_their_own_source(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(film, "--no-render") == 0
    before = (made(film) / "pose2d.npz").read_bytes()
    assert run(film, "--keypoints", str(made(film) / "pose2d.npz"), detector="file") == 1
    assert "--output" in capsys.readouterr().err
    assert (made(film) / "pose2d.npz").read_bytes() == before


def test_a_film_changed_while_it_is_read_is_not_kept(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline import stages

    honest = stages.detect

    def swapped(*arguments: object) -> object:
        result = honest(*arguments)  # type: ignore[arg-type]
        make_film(film, frames=30, shade=10)
        return result

    monkeypatch.setattr(stages, "detect", swapped)
    assert run(film) == 1
    assert not (made(film) / "pose2d.npz").exists()


def test_arrays_that_are_wrong_under_a_right_fingerprint_are_made_again(
    film: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(film)
    for name, stage in (("pose2d.npz", "detect"), ("pose3d.npz", "lift")):
        with np.load(made(film) / name) as data:
            arrays = {key: data[key] for key in data}
        arrays["valid"] = arrays["valid"].astype(np.float32)
        np.savez(made(film) / name, **arrays)
        capsys.readouterr()
        assert run(film) == 0
        assert stages_run(capsys) == [stage]


def test_a_cut_off_film_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_film(tmp_path / "films" / "cut.mp4", 60)
    content = film.read_bytes()
    film.write_bytes(content[: int(len(content) * 0.8)])  # the index is at the front
    assert run(film, "--no-render") == 0
    assert "cut off" in capsys.readouterr().err


@pytest.mark.parametrize("closed", ["stdout", "stderr", "reader"])
def test_a_film_is_made_whoever_listens(film: Path, closed: str) -> None:
    output = film.parent.parent / "out"
    command = f"{sys.executable} -m pipeline run {film} --detector scripted --output {output}"
    command += {"stdout": " >&-", "stderr": " 2>&-", "reader": " | true"}[closed]
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert (made(film) / "walk_3d.mp4").is_file()


def test_names_that_cannot_be_printed(tmp_path: Path) -> None:
    film = make_film(tmp_path / "films" / "b\udcff.mp4", 3)
    environment = {**os.environ, "PYTHONIOENCODING": "ascii:strict"}
    command = [sys.executable, "-m", "pipeline", "run", str(film), "--detector", "scripted", "--no-render"]
    done = subprocess.run([*command, "--output", str(tmp_path / "out")], cwd=ROOT, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_one_bad_film_does_not_stop_the_rest(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = film.with_name("bad.mp4")
    bad.write_bytes(b"no film")
    output = str(film.parent.parent / "out")
    assert main(["run", str(bad), str(film), "--detector", "scripted", "--output", output, "--no-render"]) == 1
    assert (made(film) / "pose3d.npz").is_file()


def test_two_films_of_one_name_are_refused(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = make_film(film.parent / "other" / "walk.mp4", frames=3)
    assert main(["run", str(film), str(other)]) == 1
    assert "same name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (("--person", "7"), "people 1 to 1"),
        (("--person", "nobody"), "person"),
        (("--lifter", "no-such"), "no-such"),
        (("--view", "upwards"), "upwards"),
        (("--config", "nowhere.toml"), "nowhere.toml"),
        (("--lifter", "x" * 300), "xxx"),
        (("--height", "182"), "height"),
        (("--height", "2=1.8"), "people 1 to 1"),
        (("--camera", "pitch=100"), "pitch"),
        (("--camera", "nowhere.toml"), "nowhere.toml"),
        (("--camera", "x" * 300), "xxx"),
        (("--box-every", "0"), "box_every"),
        (("--from", "render", "--no-render"), "--no-render"),
    ],
)
def test_bad_settings_are_told_in_one_line(
    film: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], word: str
) -> None:
    assert run(film, *flags) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert word in line


def test_an_unknown_detector_earns_the_nearest_name(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(film, detector="hrnt") == 1
    assert "hrnet" in capsys.readouterr().err


def test_a_usage_error_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["run"])
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ("frames", "size", "fps"), [(1, (160, 120), 25), (2, (120, 160), 25), (7, (64, 48), 5), (12, (322, 242), 60)]
)
def test_small_strange_films(tmp_path: Path, frames: int, size: tuple[int, int], fps: int) -> None:
    film = make_film(tmp_path / "films" / "small.mp4", frames, size, fps=fps)
    assert run(film) == 0
    assert len(stamps_of(made(film) / "small_3d.mp4")) == frames
    assert np.isfinite(load_pose3d(made(film) / "pose3d.npz").positions).all()


@pytest.mark.slow
def test_a_film_of_8k_becomes_one_of_1080_rows(tmp_path: Path) -> None:
    film = make_film(tmp_path / "films" / "large.mp4", 3, (7680, 4320))
    assert run(film) == 0
    assert probe(made(film) / "large_3d.mp4").size == (3002, 1080)


def test_a_film_without_anybody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = make_film(tmp_path / "films" / "empty.mp4", 12)
    assert run(film, detector="mediapipe") == 0
    assert "no person found" in capsys.readouterr().err
    assert load_pose3d(made(film) / "pose3d.npz").positions.shape == (0, 12, 17, 3)
    assert len(stamps_of(made(film) / "empty_3d.mp4")) == 12


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert main(["run", str(film), "--detector", "scripted", "--output", str(locked)]) == 1
    assert "--output" in capsys.readouterr().err


@pytest.mark.parametrize("stage", ["detect", "lift", "render"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stopping_leaves_no_litter_and_the_next_run_goes_on(tmp_path: Path, stage: str, how: signal.Signals) -> None:
    film = make_film(tmp_path / "films" / "long.mp4", 1500, (64, 48))
    if stage != "detect":
        assert run(film, verb="detect") == 0
    if stage == "render":
        assert main(["lift", str(film), "--output", str(tmp_path / "out")]) == 0
    command = [sys.executable, "-m", "pipeline", "run", str(film), "--detector", "scripted"]
    process = subprocess.Popen(
        [*command, "--output", str(tmp_path / "out")],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    # The signal comes at some moment of start-up or work; whichever it is, the rules below hold.
    while process.poll() is None and cpu_seconds(process.pid) < {"detect": 0.8, "lift": 2.0, "render": 2.5}[stage]:
        time.sleep(0.005)
    process.send_signal(how)
    _, complaint = process.communicate(timeout=60)
    names = {file.name for file in made(film).iterdir()} if made(film).exists() else set()
    kept = {".pose2d.npz.shards"} if stage == "detect" else set()  # to go on with
    assert names <= {"pose2d.npz", "pose3d.npz", "run.json", "long_3d.mp4"} | kept
    assert process.returncode in (130, 0, -how)
    if process.returncode == 130:
        assert "Traceback" not in complaint and "stopped" in complaint
    assert run(film, "--no-render") == 0
    assert not list(made(film).glob(".*"))
