"""The pipeline from Python: what `run`, `load` and `lift` give, how progress and films are shown, one type of error."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
from test_run import make_film

import pipeline
from detectors.joints import COCO_17
from pipeline import PipelineError, Result, lift, load, run
from pipeline.embed import page
from pipeline.embed.consoles import NotebookBars, console_for
from pipeline.embed.options import LiftOptions, RunOptions
from pipeline.progress import Console
from pipeline.settings import KINDS, _names, resolve
from pipeline.store import load_pose2d, load_pose3d

ROOT = Path(__file__).parents[1]
FRAMES = 12


@pytest.fixture(scope="module")
def heard() -> list[tuple[str, int, int | None]]:
    return []


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, heard: list[tuple[str, int, int | None]]) -> Result:
    """A run of a film, which told of its progress."""
    folder = tmp_path_factory.mktemp("embed")
    film = make_film(folder / "walk.mp4", frames=FRAMES, size=(64, 48))
    return run(
        film, detector="scripted", device="cpu", output=folder / "runs",
        progress=lambda stage, done, total: heard.append((stage, done, total)),
    )  # fmt: skip


def test_a_run_gives_what_it_wrote(made: Result) -> None:
    assert made.folder is not None
    kept = load_pose3d(made.folder / "pose3d.npz")
    for name, array in vars(kept).items():
        np.testing.assert_array_equal(getattr(made, name), array)
    assert made.positions.shape == (1, FRAMES, 17, 3) and made.keypoints.shape == (1, FRAMES, 17, 2)
    assert made.film == made.folder / "walk_3d.mp4" and made.film.is_file()
    assert made.size == (64, 48) and made.fps == 25 and made.begins_s == 0
    np.testing.assert_array_equal(made.detected().keypoints, load_pose2d(made.folder / "pose2d.npz").keypoints)
    assert repr(made) == f"<Result: 1 person, {FRAMES} frames, 0.5 s, {made.folder}>"


def test_a_result_equals_itself_alone_and_cannot_be_changed(made: Result) -> None:
    other = load(made.folder or "")
    assert made == made and made != other and len({made, other}) == 2
    np.testing.assert_array_equal(other.positions, made.positions)
    assert other.film == made.film and other.warnings == made.warnings
    with pytest.raises(AttributeError):
        made.fps = 3.0  # type: ignore[misc]


def test_progress_tells_every_stage_to_its_end(made: Result, heard: list[tuple[str, int, int | None]]) -> None:
    assert list(dict.fromkeys(stage for stage, _, _ in heard)) == ["detect", "track", "lift", "render"]
    for name in ("detect", "lift", "render"):
        counts = [done for stage, done, _ in heard if stage == name]
        totals = {total for stage, _, total in heard if stage == name}
        assert counts[0] == 0 and counts[-1] == FRAMES == totals.pop() and counts == sorted(counts)


def test_nothing_is_printed(made: Result, capfd: pytest.CaptureFixture[str]) -> None:
    assert made.folder is not None
    film = made.folder.parents[1] / "walk.mp4"
    run(film, detector="scripted", device="cpu", output=made.folder.parent)
    run(film, detector="scripted", device="cpu", output=made.folder.parent, progress=False)
    assert capfd.readouterr() == ("", "")


def test_the_films_of_other_poses_are_not_a_results(made: Result, tmp_path: Path) -> None:
    assert made.folder is not None
    shutil.copytree(made.folder, tmp_path / "walk")
    assert load(tmp_path / "walk").film == tmp_path / "walk" / "walk_3d.mp4"
    record = json.loads((tmp_path / "walk" / "run.json").read_text())
    record["settings"]["render"]["pose3d"] = "of others"
    (tmp_path / "walk" / "run.json").write_text(json.dumps(record))
    assert load(tmp_path / "walk").film is None


@pytest.mark.parametrize(
    "record",
    [
        "", "[]", '{"settings": 3, "warnings": {"a": 1}}', '{"warnings": [1, null], "settings": {"render": []}}',
        '{"settings": {"render": {"pose3d": "MARK", "encoder": {"format": "/../../../walk.mp4"}}}, '
        '"video": {"name": "../x"}}',
    ],
)  # fmt: skip
def test_a_record_of_any_content_is_survived(made: Result, record: str, tmp_path: Path) -> None:
    from pipeline.store import read_about

    assert made.folder is not None
    shutil.copytree(made.folder, tmp_path / "walk")
    mark = read_about(tmp_path / "walk" / "pose3d.npz", "fingerprint")
    (tmp_path / "walk" / "run.json").write_text(record.replace("MARK", mark))
    result = load(tmp_path / "walk")
    np.testing.assert_array_equal(result.positions, made.positions)
    assert result.film is None and result.warnings == ()


def test_a_notebook_has_the_film_inside_or_a_link(
    made: Result, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert made.film is not None
    (data,) = re.findall(r'<video [^>]*src="data:video/mp4;base64,([^"]+)"', made._repr_html_())
    assert base64.b64decode(data, validate=True) == made.film.read_bytes()
    monkeypatch.setattr(page, "LARGEST_BYTES", 10)
    monkeypatch.chdir(made.film.parents[2])
    assert '<a href="runs/walk/walk_3d.mp4">' in made._repr_html_()
    monkeypatch.chdir(tmp_path)
    assert f'<a href="{made.film.as_uri()}">' in made._repr_html_()
    gone = replace(made, film=tmp_path / '"><script>.mp4', folder=tmp_path / "<b>", warnings=("<i>",))
    told = gone._repr_html_()
    assert "<script>" not in told and "<b>" not in told.replace("<p><b>", "") and "<i>" not in told
    assert html.escape('"><script>.mp4') in told


def test_key_points_give_what_the_film_gave(made: Result) -> None:
    flat = made.detected()
    again = lift(flat.keypoints, flat.scores, flat.joints, made.size, made.fps, valid=flat.valid, device="cpu")
    for name in ("positions", "root", "keypoints", "scores", "up"):
        np.testing.assert_allclose(getattr(again, name), getattr(made, name), atol=1e-6)
    assert again.folder is None and again.film is None and again._repr_html_()
    alone = lift(flat.keypoints[0].tolist(), flat.scores[0], "coco17", made.size, device="cpu", lift_mode="sequence")
    assert alone.positions.shape == (1, FRAMES, 17, 3)
    with pytest.raises(PipelineError, match="nothing was detected"):
        alone.detected()


def test_what_is_not_a_number_is_unseen(made: Result) -> None:
    flat = made.detected()
    points, scores = flat.keypoints.astype(np.float64), flat.scores.copy()
    points[0, 3] = np.nan
    points[0, 5, COCO_17.index("left_wrist")] = np.inf
    result = lift(points, None, "coco17", made.size, device="cpu")
    assert not result.valid[0, 3] and result.valid[0, 5]
    scores[0, 3] = 0
    scores[0, 5, COCO_17.index("left_wrist")] = 0
    known = lift(flat.keypoints, np.where(scores > 0, 7.0, 0), "coco17", made.size, device="cpu")
    np.testing.assert_allclose(result.positions, known.positions, atol=1e-6)


GOOD = np.full((4, 17, 2), 20.0)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: run("nowhere.mp4"), "no such file"),
        (lambda: run(""), "video: empty"),
        (lambda: run("a\0b"), "video: empty, or holds"),
        (lambda: run("x.mp4", detecor="hrnet"), "'detecor': unknown"),  # type: ignore[call-arg]
        (lambda: run("x.mp4", every="two"), "every: int wanted"),  # type: ignore[arg-type]
        (lambda: run("x.mp4", redo="all"), "redo: one of detect, lift, render"),
        (lambda: run("x.mp4", config="none.toml"), "none.toml"),
        (lambda: run("x.mp4", lifter="none"), "no such file and no shipped lifter"),
        (lambda: load("nowhere"), "nowhere: not there"),
        (lambda: lift(GOOD, None, "coco", (64, 48)), "'coco': unknown; give their names"),
        (lambda: lift(GOOD, None, "mpii16", (64, 48)), r"\(frames, 16, 2\) wanted, got \(1, 4, 17, 2\)"),
        (lambda: lift(GOOD, None, ("a",) * 17, (64, 48)), "named twice"),
        (lambda: lift(GOOD[:0], None, "coco17", (64, 48)), "keypoints:"),
        (lambda: lift("x", None, "coco17", (64, 48)), "keypoints: an array of numbers wanted"),
        (lambda: lift(GOOD, GOOD, "coco17", (64, 48)), r"scores: \(1, 4, 17\) wanted"),
        (lambda: lift(GOOD, None, "coco17", (64, 0)), "size: width and height"),
        (lambda: lift(GOOD, None, "coco17", (64, 48), 0), "fps: frames per second wanted"),
        (lambda: lift(GOOD, None, "coco17", (64, 48), timestamps=[0, 2, 1, 3]), "not run backwards"),
        (lambda: lift(GOOD, None, "coco17", (64, 48), timestamps=[0, 1]), r"timestamps: \(4,\) wanted"),
        (lambda: lift(GOOD, None, "coco17", (64, 48), valid=[True]), r"valid: \(1, 4\) wanted"),
        (lambda: lift(GOOD, None, "coco17", (64, 48), every=2), "'every': not one of lifting"),  # type: ignore[call-arg]
        (lambda: lift(GOOD, None, "coco17", (64, 48), person="3"), "the film has people 1 to 1"),
    ],
)
def test_whatever_goes_wrong_is_one_type_and_one_line(call: Any, said: str) -> None:
    with pytest.raises(PipelineError, match=said) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_detectors_failure_is_of_that_type_too(made: Result, tmp_path: Path) -> None:
    film = made.folder.parents[1] / "walk.mp4" if made.folder else Path()
    with pytest.raises(PipelineError, match="did you mean scripted"):
        run(film, detector="scriptd", output=tmp_path, device="cpu")
    with pytest.raises(PipelineError, match="give --keypoints"):
        run(film, detector="file", output=tmp_path, device="cpu")


def accepted(hint: Any) -> set[type]:
    """The types that type checkers let through; dictionaries by their name alone."""
    return {getattr(kind, "__origin__", kind) for kind in get_args(hint) or (hint,)} - {type(None)}


def test_options_are_those_of_the_settings_and_of_their_types() -> None:
    given = get_type_hints(RunOptions)
    own = {name: get_type_hints(kind)[name] for kind in KINDS for name in _names(kind)}
    assert set(given) == {*own, "camera", "config", "redo"}
    for name, hint in own.items():
        assert accepted(hint) <= accepted(given[name]), name
    for name in set(own) & set(given):
        for kind in accepted(given[name]) - accepted(own[name]):  # what is let through beyond is understood
            assert kind in ({Path, str} if Path in accepted(given[name]) else {int, float}), name
    assert set(LiftOptions.__annotations__) <= set(given)
    assert resolve({"person": 2, "start": 1.5, "view": 30, "height": 1.8, "output": "a"}).person == "2"


def test_importing_loads_nothing_and_run_stays_the_function() -> None:
    code = (
        "import sys, pipeline\n"
        "assert not {'numpy', 'torch', 'dataclasses', 'pathlib'} & set(sys.modules) - before\n"
        "import pipeline.run\n"
        "from pipeline.run import DETECT, run as conductor\n"
        "from pipeline import run, lift, load, Inferencer, PipelineError, Result\n"
        "assert run.__module__ == 'pipeline.embed.api' and pipeline.run is run and conductor is not run\n"
        "assert not {'torch', 'cv2', 'mediapipe', 'IPython'} & set(sys.modules)\n"
        "assert {'run', 'lift', 'load'} <= set(dir(pipeline))\n"
    )
    whole = "import sys; before = set(sys.modules)\n" + code
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="no attribute 'walk'"):
        _ = pipeline.walk  # type: ignore[attr-defined]


@pytest.mark.parametrize("package", ["pipeline", "detectors", "lifter", "render"])
def test_types_are_told_to_who_installs_it(package: str) -> None:
    import tomllib

    assert (ROOT / package / "py.typed").is_file()
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert setup["package-data"]["*"] == ["py.typed"]


def test_bars_show_where_there_is_something_to_show_them_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Shell:
        kernel = object()

    class Python:
        get_ipython = staticmethod(lambda: Shell())

    assert not console_for(True).bars and type(console_for(True)) is not Console
    assert console_for(False).quiet
    monkeypatch.setitem(sys.modules, "IPython", Python)  # type: ignore[arg-type]
    assert isinstance(console_for(True), NotebookBars) and not isinstance(console_for(False), NotebookBars)
    monkeypatch.setattr(Shell, "kernel", None)
    assert not isinstance(console_for(True), NotebookBars)
