"""Exported files, made by the command, read back by others' readers; refusals in one line, nothing half done."""

from __future__ import annotations

import csv
import importlib.util
import json
import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exported_runs import to_pose, two_people, write_run

from lifter import joints
from lifter.datasets.mocap.bvh import read_bvh
from lifter.datasets.mocap.skeleton_map import to_joints
from lifter.datasets.mocap.tiny_motion import motion, places
from pipeline.cli import main
from pipeline.errors import PipelineError
from pipeline.export import formats
from pipeline.export.arrays import SCHEMA
from pipeline.export.axes import Axes
from pipeline.export.motion import gather
from pipeline.export.skeleton import NODES, forward
from pipeline.parser import build_parser

Y_UP = Axes("room", "y")


def export(run: Path, *flags: str) -> Path:
    assert main(["export", str(run), *flags]) == 0
    return run / "export"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path, two_people())


def truth(run: Path, kind: str = "room") -> np.ndarray:
    """(2, 40, 17, 3) metres, the room's axes."""
    del run
    return gather(two_people(), kind).positions


VALID = two_people().valid


@pytest.mark.parametrize(
    "flags, axes",
    [
        ([], Axes("room", "y")),
        (["--units", "cm"], Axes("room", "y", "cm")),
        (["--up", "z", "--units", "mm"], Axes("room", "z", "mm")),
        (["--axes", "camera"], Axes("camera", "-y")),
    ],
)
def test_bvh_is_read_by_the_laboratorys_own_reader(run: Path, flags: list[str], axes: Axes) -> None:
    folder = export(run, "--format", "bvh", *flags)
    for row, where in enumerate(truth(run, axes.kind)):
        read = read_bvh(folder / f"film_{row + 1}.bvh")
        assert read.fps == pytest.approx(25)
        at = [read.names.index(name) for name in joints.NAMES]
        there = axes.room(read.positions[:, at])
        np.testing.assert_allclose(there[VALID[row]], where[VALID[row]], atol=1e-4)
        assert np.abs(np.diff(there[20:25], axis=0)).max() == 0 or row == 0  # held in the gap
    assert json.loads((folder / "export.json").read_text())["files"]["film_1.bvh"]["units"] == axes.units


def test_bvh_can_train_the_lifter(run: Path) -> None:
    made = to_joints(read_bvh(export(run, "--format", "bvh") / "film_1.bvh"))
    expected = truth(run)[0]
    legs = [0, 1, 2, 3, 4, 5, 6, 11, 12, 14, 15]
    np.testing.assert_allclose(made[:, legs] - made[:, :1], expected[:, legs] - expected[:, :1], atol=1e-3)


def test_bvh_rests_upright_with_its_arms_out(run: Path) -> None:
    text = (export(run, "--format", "bvh") / "film_1.bvh").read_text()
    at = text.index("MOTION")
    zeros = " ".join(["0"] * len(text[at:].splitlines()[3].split()))
    (run / "rest.bvh").write_text(f"{text[:at]}MOTION\nFrames: 1\nFrame Time: 0.04\n{zeros}\n")
    read = read_bvh(run / "rest.bvh")
    rest = {name: read.positions[0, i] for i, name in enumerate(read.names)}
    assert rest["left_wrist"][0] > 0.5 and rest["right_wrist"][0] < -0.5 and rest["head"][1] > 0.6
    assert rest["left_ankle"][1] < -0.7 and rest["left_ankle_end"][1] < rest["left_ankle"][1] - 0.05
    assert rest["left_wrist"] == pytest.approx(rest["right_wrist"] * [-1, 1, 1])


def test_c3d_is_read_by_two_libraries(run: Path) -> None:
    ezc3d, c3d = pytest.importorskip("ezc3d"), pytest.importorskip("c3d")
    folder = export(run, "--format", "c3d")
    for row, where in enumerate(truth(run)):
        one = ezc3d.c3d(str(folder / f"film_{row + 1}.c3d"))
        about = one["parameters"]["POINT"]
        assert about["LABELS"]["value"] == list(joints.NAMES) and about["RATE"]["value"] == [25]
        assert about["UNITS"]["value"] == ["mm"] and about["X_SCREEN"]["value"] + about["Y_SCREEN"]["value"] == [
            "+X", "+Z",
        ]  # fmt: skip
        points = one["data"]["points"][:3].transpose(2, 1, 0)
        np.testing.assert_allclose(points[VALID[row]], where[VALID[row]] * 1000, atol=1e-2)
        assert np.isnan(points[~VALID[row]]).all()
        residuals = one["data"]["meta_points"]["residuals"][0].T
        assert (residuals == np.where(VALID[row], 0, -1)[:, None]).all()
        with (folder / f"film_{row + 1}.c3d").open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it misses analog data
            frames = np.array([frame for _, frame, _ in c3d.Reader(file).read_frames()])
        np.testing.assert_allclose(frames[VALID[row]][..., :3], where[VALID[row]] * 1000, atol=1e-2)
        assert (frames[~VALID[row]][..., 3] == -1).all()


def test_trc_is_read_by_a_library(run: Path) -> None:
    trc = pytest.importorskip("trc")
    folder = export(run, "--format", "trc")
    for row, where in enumerate(truth(run)):
        read = trc.TRCData()
        read.load(str(folder / f"film_{row + 1}.trc"))
        assert read["Units"] == "mm" and read["DataRate"] == 25 and read["NumFrames"] == 40
        assert read["Markers"] == list(joints.NAMES)
        np.testing.assert_allclose(read["Time"], np.arange(40) / 25, atol=1e-6)
        points = np.array([read[name] for name in joints.NAMES]).transpose(1, 0, 2)
        np.testing.assert_allclose(Y_UP.room(points[VALID[row]]) / 1000, where[VALID[row]], atol=1e-6)
        assert np.isnan(points[~VALID[row]]).all()


def test_csv_says_what_every_column_is(run: Path) -> None:
    with (export(run, "--format", "csv", "--up", "y", "--units", "cm") / "film.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == [
        "person", "frame", "time_s", "joint", "x_right_cm", "y_up_cm", "z_toward_cm", "score", "repair",
    ]  # fmt: skip
    assert len(lines) == VALID.sum() * 17
    axes = Axes("room", "y", "cm")
    for line in lines[:: 17 * 7 + 3]:
        row, frame = int(line["person"]) - 1, int(line["frame"])
        point = [float(line[name]) for name in ("x_right_cm", "y_up_cm", "z_toward_cm")]
        expected = truth(run)[row, frame, joints.NAMES.index(line["joint"])]
        np.testing.assert_allclose(axes.room(np.array(point)), expected, atol=1e-6)
        assert float(line["time_s"]) == pytest.approx(frame / 25)


def kinematics(document: dict, person: dict) -> np.ndarray:  # type: ignore[type-arg]
    """(T, 17, 3) by the document's own words alone: offsets, parents and quaternions x y z w, by the formula."""
    names = [joint["name"] for joint in document["joints"]]
    made = np.full((len(document["times_s"]), len(names), 3), np.nan)
    for frame, turns in enumerate(person["rotations"]):
        if turns is None:
            continue
        where: list[np.ndarray] = []
        whole: list[np.ndarray] = []
        for index, node in enumerate(document["nodes"]):
            x, y, z, w = turns[index]
            matrix = np.array(
                [[1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                 [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                 [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)]]
            )  # fmt: skip
            above = node["parent"]
            root = np.array(person["positions"][frame][0])
            where.append(root if above < 0 else where[above] + whole[above] @ person["offsets"][index])
            whole.append(matrix if above < 0 else whole[above] @ matrix)
            made[frame, node["joint"]] = where[index]
    return made


@pytest.mark.parametrize("flags", [[], ["--axes", "camera"], ["--up", "y", "--units", "mm"]])
def test_json_keeps_to_its_schema_and_turns_into_its_own_places(run: Path, flags: list[str]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    document = json.loads((export(run, "--format", "json", *flags) / "film.json").read_text())
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    scale = 1000 if "mm" in flags else 1
    for row, person in enumerate(document["people"]):
        seen = [frame is not None for frame in person["positions"]]
        assert seen == VALID[row].tolist() and person["person"] == row + 1
        places_ = np.array([p for p in person["positions"] if p is not None])
        np.testing.assert_allclose(kinematics(document, person)[VALID[row]], places_, atol=1e-4 * scale)
    document["people"][0]["positions"][3] = [[0, 0, 0]]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


def test_npz_holds_all_of_it(run: Path) -> None:
    with np.load(export(run, "--format", "npz") / "film.npz", allow_pickle=False) as data:
        read = dict(data)
    np.testing.assert_allclose(read["positions"], truth(run), atol=1e-6)
    assert str(read["z"]) == "up" and str(read["units"]) == "m" and str(read["format"]) == "motion-lift 1"
    assert read["rotations"].shape == (2, 40, len(NODES), 4) and read["people"].tolist() == [1, 2]
    from scipy.spatial.transform import Rotation

    for row in range(2):
        local = Rotation.from_quat(read["rotations"][row].reshape(-1, 4)).as_matrix().reshape(40, -1, 3, 3)
        again = forward(read["offsets"][row].astype(float), read["root"][row].astype(float), local)
        expected = read["positions"][row][:, read["node_joints"]]
        np.testing.assert_allclose(again[VALID[row]], expected[VALID[row]], atol=1e-5)


def test_rerun_holds_every_frame(run: Path) -> None:
    rerun = pytest.importorskip("rerun", reason="rerun-sdk is an extra: pip install -e '.[rerun]'")
    file = export(run, "--format", "rrd") / "film.rrd"
    assert file.stat().st_size > 1000 and rerun.__version__
    from rerun.chunk import RrdReader

    store = RrdReader(file).store()
    rows = [str(chunk.entity_path) for chunk in store.stream().to_chunks() if chunk.num_rows == 40]
    assert set(rows) == {"/world/person_1", "/world/person_2"}


def test_films_of_uneven_frames_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seconds = np.concatenate([np.arange(20) / 25, 0.9 + np.arange(20) / 25])
    run = write_run(tmp_path, to_pose(places(motion(40, 0)).astype(np.float64)[None], seconds=seconds))
    folder = export(run, "--format", "bvh,csv")
    assert "not evenly spaced: taken anew at 25 frames a second" in capsys.readouterr().out
    assert len(read_bvh(folder / "film_1.bvh").positions) == 42  # 1.66 s
    assert len((folder / "film.csv").read_text().splitlines()) == 40 * 17 + 1  # formats with time stamps keep them


def test_what_is_held_is_said_and_stands_beside_the_files(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = export(run, "--format", "bvh")
    out = capsys.readouterr().out
    assert "film_2.bvh\n  person 2: not seen in 10 of 40 frames, held there" in out
    export(run, "--format", "csv", "--person", "2")
    told = json.loads((folder / "export.json").read_text())["files"]
    assert set(told) == {"film_1.bvh", "film_2.bvh", "film.csv"} and told["film.csv"]["people"] == [2]
    assert told["film_2.bvh"]["notes"] == ["person 2: not seen in 10 of 40 frames, held there"]
    assert told["film_2.bvh"]["pose3d"] == "f" * 64 and told["film.csv"]["z"] == "up"


def test_a_single_frame_can_be_exported(tmp_path: Path) -> None:
    run = write_run(tmp_path, to_pose(places(motion(1, 0)).astype(np.float64)[None]))
    names = {file.name for file in export(run, "--format", "all").iterdir()}
    assert {"film_1.bvh", "film.csv", "film.json", "film.npz", "film_1.trc"} <= names


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["export", *arguments]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1
    return said


@pytest.mark.parametrize(
    "flags, said",
    [
        (["--format", "bhv"], "did you mean bvh?"),
        (["--format", "fbx"], "known are bvh, glb"),
        (["--format", ","], "names none"),
        (["--format", "csv", "--axes", "camera", "--up", "y"], "drop one of them"),
        (["--person", "3", "--format", "csv"], "the run has 1, 2, not 3"),
    ],
)
def test_refusals_are_one_line(run: Path, flags: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in fails(capsys, str(run), *flags)
    assert not (run / "export").exists()


@pytest.mark.skipif(importlib.util.find_spec("pygltflib") is None, reason="pygltflib is an extra")
def test_gltf_says_that_its_axes_are_fixed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for flags in (["--up", "z"], ["--units", "cm"], ["--axes", "camera"]):
        assert "by definition" in fails(capsys, str(run), "--format", "csv,glb", *flags)
    assert not (run / "export").exists()  # the csv that could have been made neither


@pytest.mark.parametrize("name", ["Прыжок 1", "dos\udcff", "a\ttab"])
def test_films_may_be_called_anything(name: str, tmp_path: Path) -> None:
    run = write_run(tmp_path, two_people()).rename(tmp_path / name)
    assert main(["export", str(run / "pose3d.npz"), "--format", "all"]) == 0
    title = "".join(file.stem for file in (run / "export").glob("*.json") if file.stem != "export")
    assert title and (run / "export" / f"{title}_1.bvh").is_file()
    header = (run / "export" / f"{title}_1.trc").read_text(encoding="utf-8").splitlines()[0]
    assert header.split("\t")[-1] == title
    if importlib.util.find_spec("pygltflib"):
        glb = (run / "export" / f"{title}.glb").read_bytes()
        length = int.from_bytes(glb[12:16], "little")
        assert json.loads(glb[20 : 20 + length])["animations"][0]["name"] == title


def test_more_frames_than_c3d_counts_are_told() -> None:
    pytest.importorskip("ezc3d")
    from pipeline.export.c3d import to_c3d

    few = gather(two_people(), "room", 1)
    many = replace(few, seconds=np.arange(65_536) / 25)
    with pytest.raises(PipelineError, match="65536 frames, C3D counts to 65535"):
        to_c3d(many, Axes(), "film")


def test_bad_runs_are_one_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "pose3d.npz: not there" in fails(capsys, str(run.parent), "--format", "csv")
    (run / "film.mp4").write_bytes(b"a film")
    assert "give a film's folder" in fails(capsys, str(run / "film.mp4"))
    (run / "pose3d.npz").write_bytes(b"PK\3\4 nothing")
    assert "not a whole Pose3D file" in fails(capsys, str(run), "--format", "csv")
    write_run(run.parent, to_pose(np.zeros((0, 5, 17, 3))))
    assert "the run has nobody" in fails(capsys, str(run), "--format", "csv")
    write_run(run.parent, to_pose(np.zeros((1, 5, 17, 3))))
    assert "person 1 has no size" in fails(capsys, str(run), "--format", "csv")


def test_a_missing_package_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "_there", lambda name: name not in ("c3d", "rrd"))
    with pytest.raises(PipelineError, match=r"--format c3d: needs ezc3d; pip install -e '\.\[export\]'"):
        formats.choose("csv,c3d")
    with pytest.raises(PipelineError, match=r"needs rerun; pip install -e '\.\[rerun\]'"):
        formats.choose("rrd")
    assert "c3d" not in formats.choose("all")


def test_files_are_whole_or_not_there(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = export(run, "--format", "csv")
    before = (folder / "film.csv").read_bytes()
    (folder / "film.npz").mkdir()
    assert "film.npz: cannot be written" in fails(capsys, str(run), "--format", "npz")
    assert (folder / "film.csv").read_bytes() == before
    assert not [file.name for file in folder.iterdir() if ".part" in file.name]
    blocked = run / "a file"
    blocked.write_text("")
    assert "choose --output" in fails(capsys, str(run), "--format", "csv", "--output", str(blocked))


def test_every_flag_and_format_of_the_guide_is_real() -> None:
    guide = (SCHEMA.parent / "README.md").read_text(encoding="utf-8")
    verbs = build_parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    text = verbs["export"].format_help() + verbs["run"].format_help()  # type: ignore[index]
    for flag in set(re.findall(r"`(--[a-z0-9-]+)", guide)):
        assert flag in text, flag
    for name in formats.FORMATS:
        assert f"`.{name}`" in guide, name
    for node in NODES:
        assert re.sub("^(left|right)_", "", node.name) in guide, node.name
