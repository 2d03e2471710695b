"""MMPose's users: its prediction files as input and its form as output, held against MMPose's own inferencer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from test_detectors_file import TRACK, instances, read, refusal
from test_run import make_film

from detectors import file_json
from detectors.base import DetectorError, DetectorOptions
from detectors.joints import COCO_17, H36M_17, MPII_16
from pipeline import Inferencer, PipelineError, Result, load, run
from pipeline.cli import main
from pipeline.export.mmpose import document, frames_of, to_mmpose_axes
from pipeline.settings import resolve
from pipeline.store import options_made_from

FRAMES = 12


@pytest.fixture(scope="module")
def mmpose() -> Iterator[Any]:
    """MMPose made importable, and the registries' default scope put back."""
    pytest.importorskip("mmpose")
    from detectors import mm_compat

    mm_compat.prepare()
    with mm_compat.quiet():
        from mmengine.registry import DefaultScope

        with DefaultScope.overwrite_default_scope("mmpose"):
            from mmpose.apis.inferencers import Pose2DInferencer, Pose3DInferencer

            yield SimpleNamespace(flat=Pose2DInferencer, solid=Pose3DInferencer)


def sample(**fields: np.ndarray) -> Any:
    """What an inferencer's `forward` gives for a picture."""
    from mmengine.structures import InstanceData
    from mmpose.structures import PoseDataSample

    made = PoseDataSample(metainfo={"img_path": "none.jpg"})
    made.pred_instances = InstanceData(**fields)
    return made


def told_by_mmpose(kind: Any, frames: list[Any], folder: Path, names: list[str] | None = None) -> list[Any]:
    """Let an inferencer without a network, or rather its own methods, return and write what was predicted.

    Args:
        kind: the inferencer's class.
        frames: a data sample a frame.
        folder: its `pred_out_dir`.
        names: of the pictures; None: the frames of a video.
    """
    inferencer = kind.__new__(kind)
    inferencer._video_input = names is None
    inferencer.video_info = {"name": "walk.mp4", "writer": None, "predictions": []}
    folder.mkdir(exist_ok=True)
    made = []
    for index, frame in enumerate(frames):
        frame.set_metainfo({"img_path": names[index] if names else "walk.mp4"})
        made.append(inferencer.postprocess([frame], None, pred_out_dir=str(folder)))
    if names is None:
        inferencer._finalize_video_processing(str(folder))
    return made


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("mm") / "walk.mp4", frames=FRAMES, size=(64, 48))


@pytest.fixture(scope="module")
def result(film: Path) -> Result:
    return run(film, detector="scripted", device="cpu", output=film.parent / "runs")


def detected(result: Result) -> list[Any]:
    """What the detector saw, as MMPose's 2D inferencer would have it."""
    flat = result.detected()
    return [
        sample(
            keypoints=flat.keypoints[:, frame],
            keypoint_scores=flat.scores[:, frame],
            bboxes=flat.boxes[:, frame],
            bbox_scores=np.full(len(flat.boxes), 0.9, np.float32),
        )
        for frame in range(FRAMES)
    ]


@pytest.mark.parametrize("pictures", [False, True])
def test_mmposes_own_files_lift_as_if_we_had_detected(
    mmpose: Any, film: Path, result: Result, pictures: bool, tmp_path: Path
) -> None:
    names = [f"/pictures/walk_{frame + 1:06d}.jpg" for frame in range(FRAMES)] if pictures else None
    told_by_mmpose(mmpose.flat, detected(result), tmp_path / "predictions", names)
    given = tmp_path / "predictions" if pictures else tmp_path / "predictions" / "walk.json"
    flags = ["--detector", "file", "--keypoints", str(given), "--device", "cpu", "--output", str(tmp_path / "out")]
    assert main(["run", str(film), *flags, "--no-render"]) == 0
    again = load(tmp_path / "out" / "walk")
    np.testing.assert_allclose(again.detected().boxes, result.detected().boxes, atol=1e-4)
    for name in ("keypoints", "scores", "positions", "root"):
        np.testing.assert_allclose(getattr(again, name), getattr(result, name), atol=1e-5)


def test_the_axes_are_those_of_mmposes_own_forward(mmpose: Any) -> None:
    camera = np.random.default_rng(0).normal(size=(3, 17, 3)).astype(np.float32)
    scores = np.random.default_rng(1).random((3, 17)).astype(np.float32)
    for rebase in (True, False):
        inferencer = mmpose.solid.__new__(mmpose.solid)
        lifted = [sample(keypoints=camera[i : i + 1].copy(), keypoint_scores=scores[i : i + 1]) for i in range(3)]
        inferencer.model = SimpleNamespace(test_step=lambda _, given=lifted: given)
        inferencer._buffer = {"pose_est_results_list": [[{"track_id": i} for i in range(3)]]}
        (merged,) = inferencer.forward({}, disable_rebase_keypoint=not rebase)
        np.testing.assert_array_equal(to_mmpose_axes(camera, rebase), merged.pred_instances.keypoints)
        np.testing.assert_array_equal(merged.pred_instances.keypoint_scores, scores)


def test_dicts_and_files_are_mmposes_to_the_byte(mmpose: Any, tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    points = generator.normal(size=(2, 5, 17, 3)).astype(np.float32)
    scores = generator.random((2, 5, 17)).astype(np.float32)
    valid = np.array([[1, 1, 0, 0, 1], [1, 0, 1, 0, 1]], bool)
    frames = [sample(keypoints=points[v, t], keypoint_scores=scores[v, t]) for t, v in enumerate(valid.T)]
    theirs = told_by_mmpose(mmpose.solid, frames, tmp_path / "predictions")
    ours = list(frames_of(points, scores, valid))
    assert [{"visualization": None, "predictions": [people]} for people in ours] == [dict(frame) for frame in theirs]
    assert document(ours) == (tmp_path / "predictions" / "walk.json").read_bytes()


def test_an_inferencer_gives_every_frame_and_writes_mmposes_file(result: Result, film: Path, tmp_path: Path) -> None:
    inferencer = Inferencer(detector="scripted", device="cpu", output=film.parent / "runs")
    frames = list(inferencer(film, return_vis=True, out_dir=tmp_path))
    assert len(frames) == FRAMES
    for frame, position in zip(frames, result.positions[0], strict=True):
        ((person,),) = frame["predictions"]
        points = np.array(person["keypoints"])
        assert points.shape == (17, 3) and len(person["keypoint_scores"]) == 17 and points[:, 2].min() == 0
        np.testing.assert_allclose(points[:, 0], -position[:, 0], atol=1e-6)
        np.testing.assert_allclose(points[:, 1], position[:, 2], atol=1e-6)
        assert np.corrcoef(points[:, 2], -position[:, 1])[0, 1] > 0.999
        (picture,) = frame["visualization"] or []
        assert picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype == np.uint8
    rows = json.loads((tmp_path / "predictions" / "walk.json").read_text())
    assert [row["frame_id"] for row in rows] == list(range(FRAMES))
    assert [[row["instances"]] for row in rows] == [frame["predictions"] for frame in frames]
    assert (tmp_path / "visualizations" / "walk.mp4").read_bytes() == (result.film or film).read_bytes()
    flat = next(inferencer(film, disable_rebase_keypoint=True))["predictions"][0][0]
    assert flat["keypoints"][0] == [0, 0, 0] and next(inferencer(film))["visualization"] is None


def test_an_inferencers_failures_are_ours(film: Path, result: Result, tmp_path: Path) -> None:
    inferencer = Inferencer(detector="scripted", device="cpu", output=tmp_path / "runs", render=False)
    with pytest.raises(PipelineError, match="no such file"):
        next(inferencer("nowhere.mp4"))
    with pytest.raises(PipelineError, match="no rendered MP4"):
        next(inferencer(film, return_vis=True))
    (tmp_path / "taken").write_text("")
    with pytest.raises(PipelineError, match="taken"):
        next(inferencer(film, pred_out_dir=tmp_path / "taken"))


def test_the_command_writes_the_same(result: Result, tmp_path: Path) -> None:
    assert main(["export", str(result.folder), "--format", "mmpose,csv", "--output", str(tmp_path)]) == 0
    rows = json.loads((tmp_path / "predictions" / "walk.json").read_text())
    for row, frame in zip(rows, result.to_mmpose(), strict=True):
        for ours, theirs in zip(row["instances"], frame["predictions"][0], strict=True):
            np.testing.assert_allclose(ours["keypoints"], theirs["keypoints"], atol=1e-5)
            np.testing.assert_allclose(ours["keypoint_scores"], theirs["keypoint_scores"], atol=1e-6)
    told = json.loads((tmp_path / "export.json").read_text())["files"]["predictions/walk.json"]
    assert (told["x"], told["y"], told["z"], told["units"]) == ("left", "away", "up", "m")
    assert main(["export", str(result.folder), "--format", "mmpose", "--up", "y"]) == 1


def written(path: Path, *people: np.ndarray, frames: int = 6) -> Path:
    """A film's predictions: everyone in each frame."""
    path.write_text(json.dumps([{"frame_id": t, "instances": instances(*people)} for t in range(frames)]))
    return path


def test_joints_go_by_number_or_by_name(tmp_path: Path) -> None:
    path = written(tmp_path / "film.json", TRACK[0])
    assert read(path)[0] == COCO_17
    assert read(path, joints="h36m17")[0] == H36M_17
    assert read(written(tmp_path / "mpii.json", TRACK[0][:16]))[0] == MPII_16
    assert "17 joints; --joints names 16" in joints_refusal(path, "mpii16")
    assert "people of 5 joints; known without --joints are 16, 17, 25, 26" in joints_refusal(
        written(tmp_path / "five.json", TRACK[0][:5]), None
    )
    with pytest.raises(PipelineError, match=r"setting joints: one of coco17, .* wanted, got 'coco'"):
        resolve({"joints": "coco"})
    np.savez(tmp_path / "pose2d.npz", joints=np.array(COCO_17))
    assert "leave --joints out" in joints_refusal(tmp_path / "pose2d.npz", "coco17")


def joints_refusal(path: Path, joints: str | None) -> str:
    with pytest.raises(DetectorError) as caught:
        read(path, joints=joints)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_pictures_without_numbers_are_taken_by_name(tmp_path: Path) -> None:
    for index, name in enumerate("bca"):
        (tmp_path / f"{name}.json").write_text(json.dumps(instances(TRACK[index])))
    (tmp_path / "d.json").write_text("[]")
    found = read(tmp_path, 4)[1]
    assert [len(people) for people in found] == [1, 1, 1, 0]
    for people, index in zip(found, (2, 0, 1), strict=False):
        np.testing.assert_allclose(people.keypoints[0], TRACK[index], rtol=1e-6)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[{"frame_id": 0, "instances": []}]', "predictions of a film; name this file"),
        ('{"people": []}', "expected a list of people"),
        ("[3]", "not MMPose's predictions"),
        ('[{"keypoints": [[1, 2]]}]', "KeyError 'keypoint_scores'"),
        ('[{"keypoints": [[1, 2]], "keypoint_scores": [1, 1]}]', "expected scores (1, 1), got (1, 2)"),
        ('[{"keypoints": {"a": 1}, "keypoint_scores": [1]}]', "not MMPose's predictions"),
        ("[" * 100_000, "not JSON"),
        ("[" + "9" * 5000 + "]", "not JSON"),
    ],
)
def test_hostile_pictures_are_one_line(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "0.json").write_text("[]")
    (tmp_path / "1.json").write_text(content)
    assert said in refusal(tmp_path)


def test_folders_and_files_of_any_size_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(3):
        (tmp_path / f"{index}.json").write_text(json.dumps(instances(TRACK[index])))
    monkeypatch.setattr(file_json, "MAX_FOLDER_BYTES", 1000)
    assert "GiB together" in refusal(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(file_json, "MAX_BYTES", 100)
    assert "larger than" in refusal(tmp_path)


def test_what_is_no_film_of_2d_is_told(mmpose: Any, result: Result, tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(instances(TRACK[0])))
    assert "of one picture; name the folder" in refusal(tmp_path / "one.json")
    solid = sample(keypoints=to_mmpose_axes(result.positions[:, 0]), keypoint_scores=result.scores[:, 0])
    told_by_mmpose(mmpose.solid, [solid], tmp_path / "predictions")
    assert "3D key points; give those of a 2D model" in refusal(tmp_path / "predictions" / "walk.json")


def test_runs_made_before_joints_could_be_named_are_still_theirs() -> None:
    assert "joints" not in options_made_from(DetectorOptions())
    assert options_made_from(DetectorOptions(joints="coco17"))["joints"] == "coco17"
