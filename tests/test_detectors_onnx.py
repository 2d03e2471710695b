"""The `onnx` detector on toy models of every layout, its refusals, and on real models where a developer has them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import toy_models

from detectors import onnx, onnx_external, registry
from detectors.base import DetectorError, DetectorOptions
from detectors.joints import COCO_17, HALPE_26, MPII_16

SHARED = Path(__file__).parents[2] / "shared"
SPOTS = np.array([(90.0, 70.0), (80.0, 130.0), (95.0, 190.0)])  # red, green, blue
TRUTH = SPOTS[toy_models.channels(17)]  # where the toys' joints are


def spot_film(frames: int = 3, step: float = 0.0) -> list[np.ndarray]:
    """Draw soft spots at SPOTS, `step` pixels further to the right on every frame, 200x240, on black."""
    v, u = np.mgrid[:240, :200]
    film = []
    for t in range(frames):
        squared = [(u - x - step * t) ** 2 + (v - y) ** 2 for x, y in SPOTS]
        film.append((255 * np.exp(-np.stack(squared, 2) / (2 * 12.0**2))).astype(np.uint8))
    return film


def plain(model: Path, **more: str) -> Path:
    """Write settings beside a toy model: pictures in 0..1, and no index shift, since it averages whole cells."""
    lines = {"mean": "[0, 0, 0]", "std": "[255, 255, 255]", **more}
    model.with_suffix(".toml").write_text("".join(f"{key} = {value}\n" for key, value in lines.items()))
    return model


def box_model(folder: Path, *rows: list[float], labels: list[int] | None = None) -> Path:
    """Write a box model in ready-made detections, in the letterbox of a 200x240 film: 64 / 240 of its pixels."""
    outputs = [np.array(rows, np.float32).reshape(1, -1, 5)]
    outputs[0][..., :4] *= 64 / 240
    return toy_models.constant_model(
        folder / "boxes.onnx", *outputs, *([np.array([labels])] if labels is not None else [])
    )


AROUND = [40.0, 60.0, 140.0, 200.0, 0.9]  # a box around the spots


def test_a_heat_map_model_finds_the_spot_in_pixels(tmp_path: Path) -> None:
    model = plain(toy_models.heatmap_model(tmp_path / "pose.onnx"), flip_shift="false")
    options = DetectorOptions(pose_model=model, box_model=box_model(tmp_path, AROUND), flip_test=False)
    detector = registry.create("onnx", options)
    assert detector.joints == COCO_17
    found = list(detector(spot_film(7, step=2.0)))
    assert [len(people) for people in found] == [1] * 7
    for t, people in enumerate(found):
        # The toy averages whole cells, whose middle is half a cell beyond its index.
        np.testing.assert_allclose(people.keypoints[0], TRUTH + np.array([2 * t, 0]), atol=6)
        assert people.scores.min() > 0.8


@pytest.mark.parametrize("layout", ["heatmap", "simcc"])
def test_the_flip_test_changes_nothing_for_a_model_that_treats_mirror_images_alike(tmp_path: Path, layout: str) -> None:
    make = toy_models.heatmap_model if layout == "heatmap" else toy_models.simcc_model
    model = plain(make(tmp_path / "pose.onnx"), flip_shift="false")
    boxes = box_model(tmp_path, AROUND)
    once, twice = (
        next(onnx.create(DetectorOptions(pose_model=model, box_model=boxes, flip_test=flip))(spot_film(1)))
        for flip in (False, True)
    )
    tolerance = 1e-3 if layout == "heatmap" else 2.0  # the toy's two bins a pixel are not mirror images of each other
    np.testing.assert_allclose(once.keypoints, twice.keypoints, atol=tolerance)
    np.testing.assert_allclose(once.scores, twice.scores, atol=0.1)


@pytest.mark.parametrize("swapped", [False, True])
def test_simcc_in_either_order(tmp_path: Path, swapped: bool) -> None:
    model = plain(toy_models.simcc_model(tmp_path / "pose.onnx", swapped=swapped))
    options = DetectorOptions(pose_model=model, box_model=box_model(tmp_path, AROUND), flip_test=False)
    people = next(onnx.create(options)(spot_film(1)))
    np.testing.assert_allclose(people.keypoints[0], TRUTH, atol=2.8)


@pytest.mark.parametrize(("count", "joints"), [(16, MPII_16), (17, COCO_17), (26, HALPE_26), (133, COCO_17)])
def test_joints_are_known_by_their_count(tmp_path: Path, count: int, joints: tuple[str, ...]) -> None:
    model = plain(toy_models.heatmap_model(tmp_path / "pose.onnx", count))
    detector = onnx.create(DetectorOptions(pose_model=model))
    assert detector.joints == joints
    assert next(detector(spot_film(1))).keypoints.shape == (1, len(joints), 2)


def test_joints_can_be_told(tmp_path: Path) -> None:
    model = plain(toy_models.heatmap_model(tmp_path / "pose.onnx", 3), joints='["nose", "left_hip", "right_hip"]')
    assert onnx.create(DetectorOptions(pose_model=model)).joints == ("nose", "left_hip", "right_hip")


def test_without_a_box_model_the_one_person_is_found_followed_and_missed(tmp_path: Path) -> None:
    model = plain(toy_models.heatmap_model(tmp_path / "pose.onnx"), flip_shift="false")
    dark = [np.zeros((240, 200, 3), np.uint8)] * 2
    found = list(onnx.create(DetectorOptions(pose_model=model))([*dark, *spot_film(4, step=3), *dark]))
    assert [len(people) for people in found] == [0, 0, 1, 1, 1, 1, 0, 0]
    np.testing.assert_allclose(found[5].keypoints[0], TRUTH + np.array([9, 0]), atol=8)


def test_only_persons_count(tmp_path: Path) -> None:
    model = plain(toy_models.heatmap_model(tmp_path / "pose.onnx"))
    boxes = box_model(tmp_path, AROUND, [0, 0, 30, 30, 0.95], [5, 5, 90, 90, 0.1], labels=[0, 7, 0])
    detector = onnx.create(DetectorOptions(pose_model=model, box_model=boxes))
    found, scores = detector.find(spot_film(1)[0])
    np.testing.assert_allclose(found, [AROUND[:4]], atol=1e-3)
    np.testing.assert_allclose(scores, [0.9])


def test_raw_yolox_is_recognised(tmp_path: Path) -> None:
    raw = np.full((84, 85), -1.0, np.float32)
    raw[:, 4:] = 0
    raw[64 + 5, :6] = [0.5, 0.5, np.log(2), np.log(2), 0.9, 0.8]  # second level, cell 1, 1: middle 24, 24, 32 wide
    model = plain(toy_models.heatmap_model(tmp_path / "pose.onnx"))
    boxes = toy_models.constant_model(tmp_path / "boxes.onnx", raw[None])
    found, scores = onnx.create(DetectorOptions(pose_model=model, box_model=boxes)).find(spot_film(1)[0])
    np.testing.assert_allclose(found, [np.array([8, 8, 40, 40]) * 240 / 64], rtol=1e-5)
    np.testing.assert_allclose(scores, [0.72], rtol=1e-5)


def refusal(pose: Path | None, boxes: Path | None = None) -> str:
    """Return the one line with which the detector refuses."""
    with pytest.raises(DetectorError) as caught:
        list(registry.create("onnx", DetectorOptions(pose_model=pose, box_model=boxes))(spot_film(1)))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_refusals_name_the_file_and_say_what_to_do(tmp_path: Path) -> None:
    assert "give --pose-model FILE" in refusal(None)
    assert "no such model file" in refusal(tmp_path / "none.onnx")
    for name, content, expected in (
        ("model.pt", b"x", "cannot run .pt files"),
        ("empty.onnx", b"", "empty"),
        ("text.onnx", b"this is no model at all", "not an ONNX model"),
        ("alone.xml", b"<net/>", "alone.bin are missing"),
    ):
        (tmp_path / name).write_bytes(content)
        assert expected in refusal(tmp_path / name), name
        assert name.split(".")[0] in refusal(tmp_path / name)
    (tmp_path / "alone.bin").write_bytes(b"")
    assert "not an OpenVINO model" in refusal(tmp_path / "alone.xml")
    truncated = toy_models.heatmap_model(tmp_path / "cut.onnx")
    truncated.write_bytes(truncated.read_bytes()[:-40])
    assert "not an ONNX model" in refusal(truncated)
    odd = toy_models.heatmap_model(tmp_path / "odd.onnx", 5)
    assert "5 joints" in refusal(odd)
    assert "odd.toml" in refusal(odd)
    vector = toy_models.constant_model(tmp_path / "vector.onnx", np.zeros((1, 8400), np.float32))
    assert "neither heat maps" in refusal(vector)
    pose = toy_models.heatmap_model(tmp_path / "pose.onnx")
    assert "no person boxes we know" in refusal(pose, vector)


def test_a_model_that_gives_no_numbers_is_refused(tmp_path: Path) -> None:
    broken = toy_models.constant_model(tmp_path / "nan.onnx", np.full((1, 17, 16, 16), np.nan, np.float32))
    assert "not finite" in refusal(broken)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("colour = 'bgr'", "did you mean color?"),
        ("color = 'grb'", "one of rgb, bgr"),
        ("std = [1, 0, 1]", "not a value"),
        ("size = [48, 65]", "differs from the model's"),
        ("joints = 'coco18'", "coco17"),
        ("joints = 'halpe26'", "names 26 joints, the model has 17"),
        ("layout = 'simcc'", "does not fit"),
        ("joints =", "not TOML"),
    ],
)
def test_bad_settings_are_refused(tmp_path: Path, line: str, expected: str) -> None:
    model = toy_models.heatmap_model(tmp_path / "pose.onnx")
    model.with_suffix(".toml").write_text(line)
    assert expected in refusal(model)
    assert "pose.toml" in refusal(model)


def test_weights_outside_the_folder_are_refused_before_they_are_opened(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(4096))
    model = toy_models.external_model(folder / "pose.onnx", "../secret")
    assert onnx_external.external_files(model) == ["../secret"]
    assert "outside its folder" in refusal(model)
    assert "outside its folder" in refusal(toy_models.external_model(folder / "b.onnx", str(tmp_path / "secret")))
    assert "are missing" in refusal(toy_models.external_model(folder / "c.onnx", "c.weights"))
    (folder / "link").symlink_to(tmp_path / "secret")
    assert "outside its folder" in refusal(toy_models.external_model(folder / "d.onnx", "link"))
    (folder / "e.weights").write_bytes(np.full((17, 3), 1 / 3, np.float32).tobytes())
    fine = plain(toy_models.external_model(folder / "e.onnx", "e.weights"))
    assert len(list(onnx.create(DetectorOptions(pose_model=fine))(spot_film(1)))) == 1
    assert set(registry.companions(DetectorOptions(pose_model=fine))) == {folder / "e.toml", folder / "e.weights"}


def test_broken_bytes_never_crash_the_reader(tmp_path: Path) -> None:
    whole = toy_models.external_model(tmp_path / "whole.onnx", "weights").read_bytes()
    generator = np.random.default_rng(5)
    target = tmp_path / "broken.onnx"
    for _ in range(300):
        data = bytearray(whole)
        for place in generator.integers(0, len(data), 3):
            data[place] = generator.integers(0, 256)
        target.write_bytes(data)
        try:
            names = onnx_external.external_files(target)
        except DetectorError:
            continue
        assert all(isinstance(name, str) for name in names)


def real_options() -> DetectorOptions:
    """Return the real models' options, or skip."""
    models = SHARED / "models"
    if not models.is_dir():
        pytest.skip("no ../shared/models beside the checkout")
    return DetectorOptions(pose_model=models / "pp_tinypose_256_192.xml", box_model=models / "yolox_nano.onnx")


@pytest.mark.shared
def test_real_models_find_a_real_person() -> None:
    import av

    detector = registry.create("onnx", real_options())
    with av.open(str(SHARED / "data/clips/temugeb_cam0.mp4")) as film:
        frames = [f.to_ndarray(format="rgb24") for f in itertools.islice(film.decode(video=0), 8)]
    found = list(detector(frames))
    assert [len(people) for people in found] == [1] * len(frames)
    place = {name: COCO_17.index(name) for name in COCO_17}
    for people in found:
        points = people.keypoints[0]
        assert people.scores.mean() > 0.6
        assert points[place["nose"], 1] < points[place["left_hip"], 1] < points[place["left_ankle"], 1]
    steps = np.linalg.norm(np.diff([people.keypoints[0] for people in found], axis=0), axis=-1)
    assert np.median(steps) < 0.05 * np.ptp(found[0].boxes[0, 1::2])  # nobody leaps
