"""The paper's figures 1, 5 and 7: the pendulum's numbers, and strips of poses that stand upright and unmirrored."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure
from walkers import SIZE, STANDING, detected, project, walk, walkers, write_lifter, write_walkers

from lifter import joints
from lifter.__main__ import main
from lifter.errors import LifterError
from lifter.experiments import pendulum
from lifter.experiments.files import write_figure, write_text
from lifter.experiments.strip_drawing import COLOURS, View, draw
from lifter.experiments.strips import UP, Row, Strip, compared, filmed, pictures, seen_from, spread
from lifter.lifter import Lifter
from lifter.metrics import mpjpe

# l1, rms, subtraction {1}, {12}, {8,12,16,24}, inner {12}, cross {12}, to three digits.
EXPECTED = {
    "same shape": (0.100, 0.100, 0.000, 0.000, 0.000, 0.071, 0.009),
    "other tendency": (0.100, 0.111, 0.019, 0.184, 0.167, 0.041, 0.193),
    "random": (0.100, 0.123, 0.136, 0.146, 0.145, 0.055, 0.154),
}


def naive(trace: np.ndarray, true: np.ndarray, column: str) -> float:
    """The same numbers with loops: mean over intervals of the mean over pairs."""
    operator, intervals = pendulum.LOSSES[column]
    means = []
    for tau in intervals:
        errors = []
        for t in range(len(true) - tau):
            (a, b), (p, q) = (true[t], true[t + tau]), (trace[t], trace[t + tau])
            if operator == "subtraction":
                errors.append(abs((q - p) - (b - a)))
            elif operator == "inner":
                errors.append(abs(p * q - a * b))
            else:  # the cross product of two unit vectors is the sine of the angle between them
                errors.append(abs(np.sin(np.arcsin(q) - np.arcsin(p)) - np.sin(np.arcsin(b) - np.arcsin(a))))
        means.append(np.mean(errors))
    return float(np.mean(means))


def test_the_pendulum_has_its_numbers() -> None:
    rows, true = pendulum.table(), pendulum.truth()
    assert list(rows) == list(EXPECTED) == list(pendulum.traces())
    for name, row in rows.items():
        assert row.l1 == pytest.approx(0.1, abs=1e-12)  # equally far from the truth, all three
        np.testing.assert_allclose((row.l1, row.rms, *row.losses.values()), EXPECTED[name], atol=5e-4)
        for column, loss in row.losses.items():
            assert loss == pytest.approx(naive(pendulum.traces()[name], true, column), abs=1e-9)


def test_the_motion_loss_alone_tells_the_good_trace() -> None:
    losses = {name: row.losses["subtraction {1}"] for name, row in pendulum.table().items()}
    assert losses["same shape"] < 1e-12 < losses["other tendency"] < losses["random"]


def test_figure_1_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["figure", "1", "--out", str(tmp_path / "new"), "--threads", "1"]) == 0
    assert "random" in capsys.readouterr().out
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == ["figure_1.png", "figure_1.txt"]
    shape = cv2.imread(str(tmp_path / "new" / "figure_1.png")).shape
    assert min(shape[:2]) > 500 and shape[1] > shape[0]
    assert "0.136" in (tmp_path / "new" / "figure_1.txt").read_text()


def test_files_appear_whole_and_alike(tmp_path: Path) -> None:
    first, again = (write_figure(tmp_path / name, pendulum.draw(pendulum.table())) for name in ("a.png", "b.png"))
    assert first.read_bytes() == again.read_bytes()
    (tmp_path / "file").write_text("")
    with pytest.raises(LifterError, match="cannot be written"):
        write_text(tmp_path / "file" / "x.txt", "")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.png", "b.png", "file"]


def turned(up: tuple[float, float, float], azimuth: float, elevation: float) -> np.ndarray:
    return seen_from(np.eye(3), up, azimuth, elevation).astype(np.float64).T


def test_a_view_is_a_rotation_and_never_a_mirror() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        x, y, z = random.normal(size=3)
        matrix = turned((x, y, z), *random.uniform(-180, 180, 2))
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-6)
        assert np.linalg.det(matrix) == pytest.approx(1)


def test_the_cameras_own_view_and_the_side_view() -> None:
    points = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    x, y, z = points.T
    np.testing.assert_allclose(seen_from(points, UP, 0, 0), np.stack([x, -y, -z], 1), atol=1e-6)
    np.testing.assert_allclose(seen_from(points, UP, 90, 0), np.stack([z, -y, x], 1), atol=1e-6)
    np.testing.assert_allclose(seen_from(points, UP, 180, 0), np.stack([-x, -y, z], 1), atol=1e-6)
    np.testing.assert_allclose(seen_from(points, UP, 0, 90), np.stack([x, z, -y], 1), atol=1e-6)  # from above
    for up in (UP, (0.3, -0.8, -0.2), (0.0, 0.0, -1.0), (0.0, 0.0, 1.0)):
        unit = np.asarray([up]) / np.linalg.norm(up)
        for azimuth in (0, 70, -130):
            seen = seen_from(unit, up, azimuth, 0)
            np.testing.assert_allclose(seen, [[0, 1, 0]], atol=1e-6)  # up is up from everywhere


def lines(figure: Figure, row: int, column: int, columns: int) -> dict[str, list[np.ndarray]]:
    """The bones drawn in one cell, (2, 2) ends, by colour."""
    found: dict[str, list[np.ndarray]] = {}
    for line in figure.axes[row * columns + column].get_lines():
        found.setdefault(str(line.get_color()), []).append(np.asarray(line.get_xydata()))
    return found


def on_page(figure: Figure, row: int, column: int, columns: int, points: np.ndarray) -> np.ndarray:
    """Where data points of a cell lie on the page, pixels, x right and y up."""
    return np.asarray(figure.axes[row * columns + column].transData.transform(points))


def strip() -> Strip:
    positions = walk(3, 0)
    relative = positions - positions[:, :1]
    rows = (
        Row("2D", project(positions)),
        Row("3D", relative, ["a", "b", "c"], relative + 0.05),
        Row("truth", relative),
    )
    return Strip("title", ("one", "two", "three"), rows)


def test_strips_are_upright_unmirrored_and_to_one_scale() -> None:
    figure = draw(strip(), View((0.0,), 10.0))
    figure.draw_without_rendering()
    scales = []
    for row in range(3):
        for column in range(3):
            bones = lines(figure, row, column, 3)
            assert len(bones[COLOURS["left"]]) == len(bones[COLOURS["right"]]) == 6
            left, right, center = (
                on_page(figure, row, column, 3, np.concatenate(bones[COLOURS[side]]))
                for side in ("left", "right", "center")
            )
            assert left[:, 0].mean() > right[:, 0].mean() + 5  # he faces us: his left is at our right
            assert center[:, 1].max() > max(left[:, 1].max(), right[:, 1].max())  # head up
            axes = figure.axes[row * 3 + column]
            (x0, y0), (x1, y1) = axes.transData.transform([(0, 0), (1, 1)])
            assert abs(x1 - x0) == pytest.approx(abs(y1 - y0), rel=1e-3)  # equal scale in x and y
            box, inside = axes.get_window_extent(), np.concatenate([left, right, center])
            assert (inside > [box.x0 - 1, box.y0 - 1]).all() and (inside < [box.x1 + 1, box.y1 + 1]).all()
            if row:
                scales.append(x1 - x0)
    np.testing.assert_allclose(scales, scales[0], rtol=1e-3)


def test_every_view_has_its_row_and_texts_do_not_overlap() -> None:
    figure = draw(strip(), View((0.0, -60.0)))
    figure.draw_without_rendering()
    assert len(figure.axes) == 3 * (1 + 2 + 2)
    titles = [axes.get_ylabel() for axes in figure.axes[::3]]
    assert titles == ["2D", "3D, from 0°", "3D, from -60°", "truth, from 0°", "truth, from -60°"]
    texts = [text for axes in figure.axes for text in (axes.title, axes.xaxis.label, axes.yaxis.label)]
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    assert len(boxes) == 3 + 6 + 5
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])


def test_a_strip_compares_with_the_truth(tmp_path: Path) -> None:
    data = detected(walkers())
    lifter = Lifter(write_lifter(tmp_path / "tiny.safetensors"), "cpu")
    made = compared(data, "walk 1", [5, 40], [("tiny", lifter)])
    assert [row.title for row in made.rows] == ["2D, cpn", "tiny", "truth"]
    assert made.heads == ("frame 5 (0.10 s)", "frame 40 (0.80 s)")
    np.testing.assert_array_equal(made.rows[0].poses, data.keypoints[[65, 100]])
    truth = data.poses.positions[[65, 100]]
    np.testing.assert_allclose(made.rows[2].poses, truth - truth[:, :1], atol=1e-6)
    errors = [mpjpe(made.rows[1].poses[i : i + 1], made.rows[2].poses[i : i + 1]) for i in range(2)]
    assert list(made.rows[1].captions) == [f"{error:.0f} mm" for error in errors]
    for name, frames in (("walk 9", [0]), ("walk 1", [60]), ("walk 1", [-1]), ("walk 1", [])):
        with pytest.raises(LifterError):
            compared(data, name, frames, [])


def write_run(folder: Path) -> Path:
    """A run folder with two people; the second is in the last frames only."""
    positions = np.stack([walk(12, 0), walk(12, 1)])
    folder.mkdir(parents=True)
    np.savez(
        folder / "pose3d.npz", positions=positions - positions[:, :, :1], keypoints=project(positions),
        valid=np.stack([np.ones(12, bool), np.arange(12) > 8]), timestamps=np.arange(12) / 25,
        up=np.float32([0, -1, 0]), joints=np.array(joints.NAMES),
    )  # fmt: skip
    return folder


def write_film(path: Path, frames: int = 12) -> Path:
    """A film whose frame t is grey of brightness 20 t, but for a white corner at the top left."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for t in range(frames):
        picture = np.full((48, 64, 3), 20 * t, np.uint8)
        picture[:8, :8] = (255, 0, 0)  # blue, in OpenCV's order
        writer.write(picture)
    writer.release()
    return path


def test_a_film_gives_the_pictures_asked_for(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.avi")
    made = pictures(film, [7, 2])
    assert [picture.shape for picture in made] == [(48, 64, 3)] * 2
    np.testing.assert_allclose([picture[30, 40].mean() for picture in made], [140, 40], atol=6)
    assert made[0][3, 3, 2] > 200 > 80 > made[0][3, 3, 0]  # red, green, blue
    for broken in (tmp_path / "nowhere.avi", film):
        with pytest.raises(LifterError, match="cannot be read"):
            pictures(broken, [12])


def test_a_run_becomes_a_strip(tmp_path: Path) -> None:
    run = write_run(tmp_path / "walk")
    made = filmed(run, [9, 11], 2)
    assert made.title == "walk" and made.heads == ("0.36 s", "0.44 s")
    np.testing.assert_allclose(made.rows[1].poses, (walk(12, 1) - walk(12, 1)[:, :1])[[9, 11]], atol=1e-6)
    with pytest.raises(LifterError, match="not in frame 3"):
        filmed(run, [3], 2)
    with pytest.raises(LifterError, match="holds 2"):
        filmed(run, [3], 3)
    with np.load(run / "pose3d.npz") as whole:
        arrays = dict(whole)
    for name, wrong in (("up", np.zeros(3)), ("up", np.ones(2)), ("valid", np.ones(12, bool)), ("keypoints", np.nan)):
        np.savez(
            run / "pose3d.npz", **{**arrays, name: wrong * np.ones_like(arrays[name]) if wrong is np.nan else wrong}
        )
        with pytest.raises(LifterError, match="not a result"):
            filmed(run, [3])
    for content in (b"", b"text"):
        (run / "pose3d.npz").write_bytes(content)
        with pytest.raises(LifterError, match="not a result"):
            filmed(run, [3])


def test_frames_are_spread() -> None:
    assert spread(60) == [5, 15, 25, 35, 45, 55]
    assert spread(3) == [0, 1, 2] and spread(1) == [0]


def test_figure_5_by_command(tmp_path: Path) -> None:
    write_walkers(tmp_path / "data")
    tiny = write_lifter(tmp_path / "tiny.safetensors")
    words = ["figure", "5", "--data", str(tmp_path / "data"), "--lifter", f"with=loss={tiny}", "--out", str(tmp_path)]
    assert main([*words, "--threads", "1"]) == 1  # a title ends at the first =
    words[5] = f"with motion loss={tiny}"
    assert main([*words, "--lifter", str(tiny), "--keypoints", "cpn", "--frames", "3,30", "--threads", "1"]) == 0
    height, width, _ = cv2.imread(str(tmp_path / "figure_5.png")).shape
    assert height > width  # four rows, two columns


def test_figure_7_by_command(tmp_path: Path) -> None:
    run, film = write_run(tmp_path / "walk"), write_film(tmp_path / "film.avi")
    words = ["figure", "7", "--run", str(run), "--out", str(tmp_path), "--threads", "1"]
    assert main([*words, "--film", str(film), "--azimuth=-30"]) == 0
    assert (tmp_path / "figure_7.png").read_bytes().startswith(b"\x89PNG")
    assert main([*words, "--person", "2"]) == 0  # six frames of those he is in


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["5"], "--data"),
        (["7"], "--run"),
        (["7", "--run", "nowhere"], "no pose3d.npz"),
        (["5", "--data", "nowhere"], "not a prepared data set"),
        (["5", "--data", "data", "--frames", "1,x"], "whole numbers"),
        (["5", "--data", "data", "--frames", "60"], "frames 0 to 59"),
        (["5", "--data", "data", "--sequence", "walk 7"], "did you mean"),
        (["5", "--data", "data", "--azimuth", "x"], "degrees"),
        (["5", "--data", "data", "--elevation", "nan"], "degrees"),
        (["5", "--data", "data", "--lifter", "nowhere"], "no such file"),
    ],
)
def test_bad_words_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_walkers(tmp_path / "data")
    tiny = write_lifter(tmp_path / "tiny.safetensors")
    lifter = [] if "--lifter" in words else ["--lifter", str(tiny)]
    assert main(["figure", *words, *lifter, "--out", "out", "--threads", "1"]) == 1
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1 and error.startswith("error: ")
    assert not (tmp_path / "out").exists()


def test_the_walkers_are_as_the_figures_need_them() -> None:
    """His left is at the picture's right, his head up, and every key point in the picture."""
    keypoints = walkers().keypoints
    assert (keypoints[:, joints.LEFT].mean(axis=1) > keypoints[:, joints.RIGHT].mean(axis=1))[:, 0].all()
    assert (keypoints[:, 10, 1] < keypoints[:, [3, 6], 1].min(axis=1)).all()
    assert keypoints.min() > 0 and keypoints.max() < SIZE
    assert STANDING.shape == (17, 3)
