"""The quality page: its numbers by closed forms, its words, its files, and the line at the end of `run`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from exported_runs import standing, to_pose
from kept_runs import even, walkers, write_run
from test_run import make_film

from lifter import joints
from pipeline.camera import Camera
from pipeline.cli import main
from pipeline.poses import Pose3D
from pipeline.report.quality import bone_deviations, jitter, quality_of, reprojection, skate
from pipeline.report.words import in_words, warning

SIZE = (1000, 1000)
LENS = Camera(focal=1200.0)


def changed(pose: Pose3D, **values: object) -> Pose3D:
    return Pose3D(**{**vars(pose), **values})


def projected(pose: Pose3D) -> Pose3D:
    """The same with key points where a camera of `LENS` sees the joints."""
    there = pose.root[:, :, None] + pose.positions
    return changed(pose, keypoints=(1200 * there[..., :2] / there[..., 2:] + 500).astype(np.float32))


def test_a_pose_in_its_own_picture_fits_and_a_shifted_one_is_off_by_the_shift() -> None:
    pose = projected(to_pose(standing(30)[None]))
    quality = quality_of(pose, 0, SIZE, LENS)
    assert np.nanmax(quality.reprojection_px) < 1e-3 and quality.height_px > 100
    moved = changed(pose, keypoints=pose.keypoints + np.float32([3, 4]))
    quality = quality_of(moved, 0, SIZE, LENS)
    np.testing.assert_allclose(quality.reprojection_px, 5, atol=1e-3)
    np.testing.assert_allclose(quality.reprojection, 5 / quality.height_px, atol=1e-5)


def test_key_points_that_were_filled_in_and_joints_behind_the_camera_count_for_no_fit() -> None:
    body, root = np.zeros((2, 17, 3)), np.array([[0, 0, 4.0], [0, 0, -1.0]])
    pixels, known = np.full((2, 17, 2), 500.0), np.ones((2, 17), bool)
    pixels[0, :9] += 100
    known[0, :9] = False
    np.testing.assert_allclose(reprojection(body, root, pixels, known, SIZE, LENS), [0, np.nan], atol=1e-9)


def test_jitter_is_the_noise_and_not_the_motion() -> None:
    times = np.arange(400) / 50
    smooth = np.stack([np.sin(2 * np.pi * times), np.cos(2 * times), times**2], axis=1)[:, None].repeat(17, axis=1)
    assert jitter(smooth, [(0, 400)]) < 2e-4
    noisy = smooth + np.random.default_rng(0).normal(0, 0.01, smooth.shape)
    assert jitter(noisy, [(0, 200), (200, 400)]) == pytest.approx(0.01 * np.sqrt(3), rel=0.05)
    assert np.isnan(jitter(noisy, [(0, 4)]))


def test_bones_that_breathe_are_told_and_held_ones_are_said_to_be() -> None:
    body = standing(200)
    body = body - body[:, :1]
    assert bone_deviations(body).max() < 1e-6
    breath = 1 + 0.1 * np.sin(np.arange(200) * 2 * np.pi / 50)
    np.testing.assert_allclose(bone_deviations(body * breath[:, None, None]), 0.1 / np.sqrt(2), rtol=1e-3)
    assert quality_of(to_pose(standing(20)[None]), 0, SIZE, LENS).held
    assert not quality_of(to_pose(body[None] * breath[None, :, None, None]), 0, SIZE, LENS).held


def test_feet_that_stand_do_not_skate_and_those_of_a_sliding_path_do_as_fast_as_it() -> None:
    pose = projected(to_pose(standing(60)[None], pitch=15.0))
    assert np.nanmax(skate(pose, 0, SIZE, LENS)) < 1e-3
    drift = np.linspace(0, 60 / 25 * 0.3, 60)[:, None] * [1, 0, 0]
    slid = changed(pose, root=(pose.root + drift).astype(np.float32))  # the path slides; the picture does not
    speed = skate(slid, 0, SIZE, LENS)
    np.testing.assert_allclose(speed[np.isfinite(speed)], 0.3 * 60 / 59, rtol=1e-2)
    assert np.isfinite(speed).all()


def test_the_mirror_image_is_as_good() -> None:
    pose = projected(walkers(even(80)))
    flip = np.float32([-1, 1, 1])
    mirrored = changed(
        pose, positions=joints.mirror(pose.positions), root=pose.root * flip, up=pose.up * flip,
        keypoints=np.take(pose.keypoints, joints.MIRROR, axis=-2) * np.float32([-1, 1]) + np.float32([1000, 0]),
        scores=np.take(pose.scores, joints.MIRROR, axis=-1), repairs=np.take(pose.repairs, joints.MIRROR, axis=-1),
    )  # fmt: skip
    one, other = quality_of(pose, 0, SIZE, LENS), quality_of(mirrored, 0, SIZE, LENS)
    np.testing.assert_allclose(one.reprojection_px, other.reprojection_px, atol=1e-3)
    np.testing.assert_allclose(one.skate, other.skate, atol=1e-6)
    np.testing.assert_allclose(one.score[:, [1, 0, 3, 2, 4]], other.score)
    assert one.jitter_m == pytest.approx(other.jitter_m) and one.jitter_px == pytest.approx(other.jitter_px, rel=1e-3)


def test_low_trust_in_words() -> None:
    pose = walkers(even(160))
    words = [words for _, words in in_words(pose)]
    assert words == [
        "low trust 3.2-4.0 s: left arm hidden",
        "low trust 5.6-6.4 s: left and right swapped back",
    ]
    repairs = pose.repairs.copy()
    repairs[0, 80:100, [joints.NAMES.index("head"), joints.NAMES.index("right_knee")]] = 2
    words = [words for _, words in in_words(changed(pose, repairs=repairs))]
    assert words[0] == "low trust 3.2-4.0 s: left arm, right leg and head hidden"
    assert in_words(walkers(even(160), people=2))[0][1] == "low trust 3.2-4.0 s: person 1, left arm hidden"


def test_the_line_names_the_longest_and_is_silent_where_all_is_well() -> None:
    pose = walkers(even(160))
    line = warning(pose, Path("runs/film"))
    assert line == (
        "low trust 3.2-4.0 s: left arm hidden; 5.6-6.4 s: left and right swapped back "
        "(python -m pipeline report runs/film)"
    )
    scores = pose.scores.copy()
    scores[0, :20, joints.NAMES.index("head")] = scores[0, :20, joints.NAMES.index("neck")] = 0.1
    assert "; 1 more (" in str(warning(changed(pose, scores=scores), Path("runs/film")))
    assert warning(to_pose(standing(50)[None]), Path("runs/film")) is None


class Page(HTMLParser):
    """Texts and elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.elements = "", list[tuple[str, dict[str, str | None]]]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_verb_writes_a_page_that_asks_for_nothing_and_its_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pose = walkers(even(160), people=2)
    run = write_run(tmp_path / "film", pose, name="<script>alert(1)</script>.mp4")
    assert main(["report", str(run)]) == 0
    said = capsys.readouterr().out
    assert "low trust 3.2-4.0 s: person 1, left arm hidden" in said
    assert [line.split()[:2] for line in said.splitlines()[3:5]] == [["1", "100"], ["2", "50"]]
    told = json.loads((run / "report.json").read_text())
    one, two = told["people"]
    assert (one["coverage"], two["coverage"]) == (1.0, 0.5) and one["frames_swapped_back"] == 20
    assert one["key_points_filled_in"] == pytest.approx(20 * 2 / (160 * 17), abs=1e-4)
    assert told["camera"]["tilt"] == "estimated" and told["low_trust"][0]["part"] == "left arm"
    text = (run / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert "left arm hidden" in page.text and "person 1" in page.text.lower()
    assert not [tag for tag, _ in page.elements if tag in ("script", "link", "iframe")]
    images = [attributes["src"] for tag, attributes in page.elements if tag == "img"]
    assert len(images) >= 4 and all(str(source).startswith("data:image/png;base64,iVBOR") for source in images)
    assert not re.search(r"https?://", text)


def test_films_of_nobody_and_of_one_frame_have_a_report(tmp_path: Path) -> None:
    for name, pose in (("none", walkers(even(20), people=0)), ("one", walkers(even(1)))):
        run = write_run(tmp_path / name, pose)
        assert main(["report", str(run)]) == 0
        json.loads((run / "report.json").read_text())


def test_bad_input_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "film", walkers(even(10)))
    for words in (["nowhere"], [str(run), "--output", str(run / "pose3d.npz")], [str(run / "run.json")]):
        assert main(["report", *words]) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: ") and error.count("\n") == 1, error


def test_a_run_ends_with_the_line_and_loads_no_figures_for_it(tmp_path: Path) -> None:
    """Key points whose left arm is never seen: the line says so, once, and only when something was made."""
    make_film(tmp_path / "film.mp4", frames=20, size=(64, 48))
    people = []
    for frame in range(20):
        scores = [0.9] * 17
        scores[7] = scores[9] = 0.0  # COCO's left elbow and wrist
        places = [[20 + joint, 10 + joint + 0.1 * frame] for joint in range(17)]
        one = {"keypoints": places, "keypoint_scores": scores, "bbox": [[5, 5, 60, 40]]}
        people.append({"frame_id": frame, "instances": [one]})
    (tmp_path / "points.json").write_text(json.dumps(people))
    words = ["run", "film.mp4", "--detector", "file", "--keypoints", "points.json", "--no-render"]
    code = f"import sys; from pipeline.cli import main\nassert main({words!r}) == 0 and 'matplotlib' not in sys.modules"
    root = str(Path(__file__).parents[1])

    def told() -> str:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": root}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    first = told()
    assert first.count("low trust") == 1 and "left arm hidden" in first and "pipeline report runs/film" in first
    assert "low trust" not in told()
