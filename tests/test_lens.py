"""Lenses that bend: closed forms, OpenCV as the other witness, files as calibrations come, and whole runs."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_run import make_film

from lifter import joints
from lifter.metrics import p_mpjpe
from pipeline.camera import Camera, read_camera
from pipeline.cli import main
from pipeline.errors import PipelineError
from pipeline.lens import bend, check_lens, straighten
from pipeline.room import place
from pipeline.store import load_pose3d
from pipeline.video import VideoWriter
from pipeline.view.kept import open_run
from render.drawn import DrawnFilm, demo_motion, look_at

SIZE = (960, 540)
WIDE = Camera(focal=600.0, centre=(470.0, 275.0), aspect=1.004, distortion=(-0.28, 0.09, 0.001, -0.0008, -0.01))


def grid(size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.stack(np.meshgrid(*(np.linspace(0, side, 21) for side in size)), axis=-1)


@pytest.mark.parametrize(
    "distortion", [(-0.28, 0.09, 0.001, -0.0008, -0.01), (0.2, -0.05, 0.0, 0.0), (-0.3, 0.1, 0, 0, 0, 0.05, 0, 0.01)]
)
def test_bent_and_straightened_is_the_identity(distortion: tuple[float, ...]) -> None:
    camera = Camera(focal=600.0, centre=(470.0, 275.0), aspect=1.004, distortion=distortion)
    np.testing.assert_allclose(bend(straighten(grid(), camera, SIZE), camera, SIZE), grid(), atol=0.06)
    inner = grid() * 0.6 + np.multiply(SIZE, 0.2)
    np.testing.assert_allclose(straighten(bend(inner, camera, SIZE), camera, SIZE), inner, atol=0.1)


def test_a_radial_lens_follows_its_formula_and_a_straight_one_changes_nothing() -> None:
    camera = Camera(focal=500.0, centre=(480.0, 270.0), distortion=(-0.2, 0.05, 0.0, 0.0))
    radius = np.linspace(0, 0.9, 12)
    ideal = np.stack([480 + 500 * radius, np.full(12, 270.0)], axis=-1)
    seen = 480 + 500 * radius * (1 - 0.2 * radius**2 + 0.05 * radius**4)
    np.testing.assert_allclose(bend(ideal, camera, SIZE)[:, 0], seen, atol=1e-9)
    np.testing.assert_allclose(straighten(np.stack([seen, ideal[:, 1]], -1), camera, SIZE), ideal, atol=0.06)
    points = grid().astype(np.float32)
    assert straighten(points, Camera(focal=500), SIZE) is points
    assert straighten(points, camera, SIZE).dtype == np.float32
    stretched = Camera(focal=500.0, centre=(480.0, 270.0), aspect=1.04)  # fx over fy alone: a stretch, no curve
    moved, before = straighten(points, stretched, SIZE) - (480, 270), points - (480, 270)
    np.testing.assert_allclose(1.04 * moved[..., 0] * before[..., 1], before[..., 0] * moved[..., 1], rtol=1e-3, atol=1)


def test_points_far_outside_the_picture_stay_in_order() -> None:
    """A barrel's polynomial folds out there; a joint that is guessed outside the picture must not jump."""
    out = np.stack([np.linspace(480, 6000, 200), np.full(200, 300.0)], axis=-1)
    made = straighten(out, Camera(focal=600.0, centre=(480.0, 270.0), distortion=(-0.35, 0.1, 0, 0)), SIZE)
    assert np.isfinite(made).all() and (np.diff(made[:, 0]) > 0).all()


def test_a_calibration_of_a_larger_picture_is_scaled_and_one_of_another_shape_is_refused() -> None:
    double = Camera(
        focal=1200.0, centre=(940.5, 550.5), aspect=1.004, distortion=WIDE.distortion, calibrated_at=(1920, 1080)
    )
    assert double.focal_px(SIZE) == 600 and double.centre_px(SIZE) == (470.0, 275.0)
    np.testing.assert_allclose(straighten(grid(), double, SIZE), straighten(grid(), WIDE, SIZE))
    check_lens(double, SIZE)
    for size in ((540, 960), (640, 480)):
        with pytest.raises(PipelineError, match="another shape"):
            check_lens(double, size)
    with pytest.raises(PipelineError, match="bends the picture back"):
        check_lens(Camera(focal=600, centre=(480, 270), distortion=(-50.0, 0, 0, 0)), SIZE)


def test_what_a_run_kept_of_the_lens_is_read_back() -> None:
    for camera in (Camera(), Camera(fov=60.0), Camera(focal=700.0, centre=(1.0, 2.0)), WIDE):
        assert Camera.of_lens(json.loads(json.dumps(camera.lens))) == camera
    assert Camera(fov=60.0).lens == (60.0, None, None)  # as before there were lenses that bend


def write_opencv(path: Path, camera: Camera) -> Path:
    """As OpenCV's own calibration sample does it, by OpenCV."""
    fx = 2 * camera.focal * camera.aspect / (1 + camera.aspect)
    matrix = np.array([[fx, 0, camera.centre[0]], [0, fx / camera.aspect, camera.centre[1]], [0, 0, 1]])
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("calibration_time", "Mon 1 Jan 2024")
    storage.write("image_width", SIZE[0])
    storage.write("image_height", SIZE[1])
    storage.write("camera_matrix", matrix)
    storage.write("distortion_coefficients", np.array(camera.distortion)[:, None])
    storage.write("avg_reprojection_error", 0.31)
    storage.release()
    return path


ROS = """
image_width: 960
image_height: 540
camera_name: wide
camera_matrix: {rows: 3, cols: 3, data: [FX, 0, 470, 0, FY, 275, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [-0.28, 0.09, 0.001, -0.0008, -0.01]}
rectification_matrix: {rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
"""
PLAIN = {
    "fx": 0,
    "fy": 0,
    "cx": 470,
    "cy": 275,
    "distortion": list(WIDE.distortion),
    "width": 960,
    "height": 540,
    "pitch": 5,
}


def test_every_form_of_file_says_the_same(tmp_path: Path) -> None:
    fx = 2 * 600 * 1.004 / 2.004
    plain = PLAIN | {"fx": fx, "fy": fx / 1.004}
    (tmp_path / "plain.json").write_text(json.dumps(plain))
    (tmp_path / "plain.toml").write_text("".join(f"{name} = {value}\n" for name, value in plain.items()))
    (tmp_path / "plain.yaml").write_text("".join(f"{name}: {value}\n" for name, value in plain.items()))
    (tmp_path / "ros.yml").write_text(ROS.replace("FX", str(fx)).replace("FY", str(fx / 1.004)))
    matrix = [[fx, 0, 470], [0, fx / 1.004, 275], [0, 0, 1]]
    (tmp_path / "lists.json").write_text(
        json.dumps({"mtx": matrix, "dist": [list(WIDE.distortion)], "width": 960, "height": 540})
    )
    files = [tmp_path / name for name in ("plain.json", "plain.toml", "plain.yaml", "ros.yml", "lists.json")]
    files += [write_opencv(tmp_path / f"opencv.{form}", WIDE) for form in ("yaml", "xml", "json")]
    for file in files:
        read = read_camera(str(file))
        assert read.focal == pytest.approx(600) and read.aspect == pytest.approx(1.004), file
        assert read.centre == pytest.approx((470, 275)) and read.calibrated_at == SIZE, file
        assert read.distortion == pytest.approx(WIDE.distortion), file
        assert read.pitch == (5 if file.stem == "plain" else None), file


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.json", "{", "cannot be read as a camera"),
        ("a.json", "[1]", "names with values"),
        ("a.json", "[" * 100_000, "cannot be read as a camera"),
        ("a.yaml", "a: [", "no YAML"),
        ("a.yaml", "!!python/object/apply:os.system ['true']", "no YAML"),
        ("a.xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "DTDForbidden"),
        ("a.xml", "<a><b></a>", "cannot be read as a camera"),
        ("a.json", '{"K": [1, 2]}', "fx 0 cx"),
        ("a.json", '{"K": [[500, 3, 1], [0, 500, 1], [0, 0, 1]]}', "fx 0 cx"),
        ("a.json", '{"K": 3}', "a matrix wanted"),
        ("a.json", '{"K": [500, 0, 1, 0, 500, 1, 0, 0, 1], "distortion_model": "equidistant"}', "model equidistant"),
        ("a.json", '{"fx": 500, "fy": 500, "cx": 1, "cy": 1, "distortion": [1, 2, 3]}', "4, 5, 8, 12, 14 numbers"),
        ("a.json", '{"fx": 500, "fy": 500, "cx": 1, "cy": 1, "distortion": "none"}', "4, 5, 8, 12, 14 numbers"),
        ("a.json", '{"distortion": [0.1, 0, 0, 0]}', "belongs to a calibration"),
        ("a.json", '{"fx": 500, "fy": 500, "cx": 1, "cy": 1, "width": 960}', "width and height belong"),
        ("a.json", '{"focal": 500}', "'focal' is unknown"),
    ],
)
def test_a_file_that_is_no_camera_is_told_in_a_line(tmp_path: Path, name: str, text: str, complaint: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(PipelineError, match=complaint) as caught:
        read_camera(str(tmp_path / name))
    assert "\n" not in str(caught.value)


LENS = Camera(focal=601.2, centre=(470.0, 275.0), aspect=1.004, distortion=WIDE.distortion)


def filmed(seconds: float = 4.0) -> DrawnFilm:
    """Somebody at the side of a wide picture, where such a lens bends most; as a pinhole camera would film it."""
    camera = look_at((3.1, 0.4, 1.25), (0.0, -1.5, 0.95), LENS.focal, SIZE)
    matrix = np.array([[LENS.focal, 0, LENS.centre[0]], [0, LENS.focal, LENS.centre[1]], [0, 0, 1]])
    return DrawnFilm([demo_motion(seconds, 25)], replace(camera, K=matrix))


def errors_of(folder: Path, film: DrawnFilm) -> tuple[float, float]:
    """P-MPJPE, mm, and how far off the direction to the pelvis is, degrees."""
    pose, truth = load_pose3d(folder / "pose3d.npz"), film.positions_camera[0].astype(np.float64)
    seen = pose.valid[0]
    ways, true_ways = (
        (path / np.linalg.norm(path, axis=-1, keepdims=True))[seen] for path in (pose.root[0], truth[:, 0])
    )
    away = np.degrees(np.arccos(np.clip((ways * true_ways).sum(axis=-1), -1, 1)))
    return p_mpjpe(pose.positions[0][seen].astype(np.float64), truth[seen]), float(away.mean())


def compared(tmp_path: Path, film: DrawnFilm, words: list[str]) -> dict[bool, tuple[float, float]]:
    """Run with the calibration and with the same one without its distortion; whether with it, then the errors."""
    write_opencv(tmp_path / "camera.yaml", LENS)
    (tmp_path / "straight.json").write_text(json.dumps({"fx": LENS.focal, "fy": LENS.focal, "cx": 470, "cy": 275}))
    found = {}
    for name in ("camera.yaml", "straight.json"):
        said = [
            "--camera",
            str(tmp_path / name),
            "--output",
            str(tmp_path / name.split(".")[0]),
            "--no-render",
            "--quiet",
        ]
        assert main(["run", str(tmp_path / "film.mp4"), *words, *said]) == 0
        folder = tmp_path / name.split(".")[0] / "film"
        assert open_run(folder).camera.bends == (name == "camera.yaml")
        found[name == "camera.yaml"] = errors_of(folder, film)
    return found


def test_a_calibration_brings_a_run_nearer_to_the_truth(tmp_path: Path) -> None:
    """Key points of a known body through a known lens: shape and path come out nearer to the truth.

    The film's picture, and so the key points that are kept and drawn upon it, stay as they were.
    """
    film = filmed()
    seen = bend(film.keypoints.astype(np.float64), LENS, SIZE).astype(np.float32)
    make_film(tmp_path / "film.mp4", frames=len(film), size=SIZE, fps=25)
    np.savez(
        tmp_path / "points.npz", keypoints=seen, scores=np.full(seen.shape[:3], 0.95, np.float32),
        valid=film.valid, joints=joints.NAMES,
        boxes=np.concatenate([seen.min(axis=2) - 5, seen.max(axis=2) + 5], axis=-1),
    )  # fmt: skip
    errors = compared(tmp_path, film, ["--detector", "file", "--keypoints", str(tmp_path / "points.npz")])
    kept = load_pose3d(tmp_path / "camera" / "film" / "pose3d.npz")
    np.testing.assert_allclose(kept.keypoints[0], seen[0], atol=3)
    assert errors[True][0] < errors[False][0] and errors[True][1] < 0.5 * errors[False][1], errors


@pytest.mark.slow
def test_a_calibration_helps_a_real_detector_on_a_bent_picture(tmp_path: Path) -> None:
    """The drawn pictures themselves bent by the lens, seen by the embedded detector."""
    film = filmed(2.0)
    across, down = np.meshgrid(np.arange(SIZE[0], dtype=np.float32), np.arange(SIZE[1], dtype=np.float32))
    source = straighten(np.stack([across, down], axis=-1), LENS, SIZE)
    with VideoWriter(tmp_path / "film.mp4", SIZE, fps=Fraction(25), crf=16) as writer:
        for frame in film:
            writer.write(cv2.remap(frame, source[..., 0], source[..., 1], cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE))
    errors = compared(tmp_path, film, [])
    assert errors[True][0] < errors[False][0] and errors[True][1] < errors[False][1], errors


def test_the_room_places_people_where_the_straightened_picture_has_them() -> None:
    body = demo_motion(0.4, 25)
    made = np.stack([body - body[:, :1]] * 2).astype(np.float32) * (1, 1, 1)
    seen = np.zeros((2, len(body), 17, 2), np.float32) + 200
    seen[..., :2] += 80 * made[..., :2]
    seen[1] += (600, 100)
    scores, valid, up = np.ones(seen.shape[:3], np.float32), np.ones(seen.shape[:2], bool), np.array([0, -1.0, 0])
    bent = bend(seen, WIDE, SIZE).astype(np.float32)
    plain = Camera(focal=WIDE.focal, centre=WIDE.centre)
    there = place(made, seen, scores, valid, up, SIZE, camera=plain)
    np.testing.assert_allclose(place(made, bent, scores, valid, up, SIZE, camera=WIDE), there, atol=2e-3)
