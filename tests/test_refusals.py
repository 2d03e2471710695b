"""Refusals that hardly anybody meets: each is one line that says what is wrong, with which value, and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import toy_models
from moving_sets import moving_set

from detectors import mm_device, onnx_runtime
from detectors.base import DetectorError
from detectors.checked import Checked
from detectors.file_json import joined, read_openpose
from lifter import sequences
from lifter.datasets.filming.clips import CameraRange
from lifter.datasets.filming.noise import NoiseSettings
from lifter.datasets.mocap.tiny import write_tiny_mocap
from lifter.detector_noise.settings import find_noise, read_noises
from lifter.errors import LifterError
from lifter.fully_connected import FullyConnectedSettings
from lifter.tcn import TCNSettings
from pipeline.errors import PipelineError
from pipeline.export.axes import Axes
from pipeline.settings import EncoderSettings, RunSettings
from render.drawn.camera import look_at

KINDS: dict[str, Callable[[], object]] = {
    "device 'tpu' is not known: use auto, cpu or cuda": lambda: mm_device.pick("tpu"),
    "detector mine: cannot be called with frames; give it a __call__(frames)": lambda: Checked(
        "mine", SimpleNamespace(joints=("nose",))
    ),
    "p: frames of different joint counts [17, 25]; make it anew with one model": lambda: joined(
        Path("p"), [(0, (25, None)), (1, (17, None))]
    ),
    "cameras: spreads from 0, and a share in 0..1 wanted": lambda: CameraRange(roll=-1),
    "cameras.distance: nearest (from 1.5 m) and farthest wanted, got (1, 2)": lambda: CameraRange(distance=(1, 2)),
    "cameras.distance: nearest (from 1.5 m) and farthest wanted, got (5, 2)": lambda: CameraRange(distance=(5, 2)),
    "noise: sizes from 0, and a drift of some frames wanted": lambda: NoiseSettings(drift_frames=0),
    "noise: miss and gap in 0..1, strength from least to most wanted": lambda: NoiseSettings(strength=(2, 1)),
    "noise: plain in 0..1 wanted": lambda: NoiseSettings(plain=1.5),
    "out_scale: above 0 wanted, got 0": lambda: FullyConnectedSettings(out_scale=0),
    "channels from 1 and out_scale above 0 wanted, got 0, 1.0": lambda: TCNSettings(channels=0),
    "dropout: must lie in [0, 1), got 1": lambda: TCNSettings(dropout=1),
    "--axes room --up x: a room has y or z up, a camera neither": lambda: Axes("room", "x"),
    "--units ell: m, cm, mm are known": lambda: Axes(units="ell"),
    "lift_mode: windows or sequence wanted, got 'both'": lambda: RunSettings(lift_mode="both"),
    "format: one of mp4, webm, gif, png wanted, got 'avi'": lambda: EncoderSettings(format="avi"),
    "look_at: eye and target must differ, and not by height alone": lambda: look_at(
        (1, 2, 3), (1, 2, 0), 500.0, (64, 48)
    ),
    "form: npz, bvh, asf_amc wanted, got 'fbx'": lambda: write_tiny_mocap(Path("p"), "fbx"),
}


@pytest.mark.parametrize("told", KINDS)
def test_values_that_cannot_be_are_told(told: str) -> None:
    with pytest.raises((ValueError, DetectorError, LifterError, PipelineError)) as caught:
        KINDS[told]()
    assert str(caught.value) == told


def noise_file(path: Path, more: str = "", swaps: str = "") -> Path:
    """Write the errors of a detector `a`: all kinds of joints as they are by default."""
    from lifter.detector_noise.parts import KINDS as PARTS

    path.write_text("[a]\n" + more + "\n" + "".join(f"[a.joints.{kind}]\n" for kind in PARTS) + swaps)
    return path


@pytest.mark.parametrize(
    ("more", "swaps", "told"),
    [
        ("shared = 2.0", "", "shared: 0 to 1 wanted, got 2.0"),
        ("correlation = [[1.0, 0.0]]", "", "correlation: 17 rows of 17 wanted"),
        ('correlation = "much"', "", "could not convert string to float: 'm'"),
        ("", "[a.swaps.tails]\n", "swaps: of legs, arms, got tails"),
        ("", "[a.swaps.arms]\nper_s = -1.0\n", "a rate from 0 and a time above 0 wanted"),
        ("", "[a.joints.tail]\n", "joints: "),
        ("swaps = 3", "", "tables wanted, got 3"),
        ("sharde = 0.5", "", "did you mean 'shared'"),
    ],
)
def test_a_detectors_noise_that_cannot_be_is_told(more: str, swaps: str, told: str, tmp_path: Path) -> None:
    assert list(read_noises(noise_file(tmp_path / "good.toml"))) == ["a"]
    bad = noise_file(tmp_path / "bad.toml", more, swaps)
    with pytest.raises(LifterError) as caught:
        find_noise(str(bad))
    line = str(caught.value)
    assert line.startswith(f"{bad}: a") and told in line and "\n" not in line


def test_a_gpu_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DetectorError, match="device cuda: PyTorch finds no CUDA device here; use --device cpu"):
        mm_device.pick("cuda")
    assert mm_device.pick("auto") == mm_device.pick("cpu") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert mm_device.pick("auto") == mm_device.pick("cuda") == "cuda"


@pytest.mark.parametrize(
    ("error", "told"),
    [(RuntimeError("CUDA out of memory.\nmany lines"), "CUDA out of memory."), (MemoryError(), "MemoryError")],
)
def test_what_a_network_cannot_do_is_one_line(error: Exception, told: str) -> None:
    with pytest.raises(DetectorError) as caught, mm_device.told("HRNet", "cuda"):
        raise error
    assert str(caught.value) == f"HRNet failed on cuda: {told}; free memory, or use --device cpu"


def test_model_files_that_are_none_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> str:
        with pytest.raises(DetectorError) as caught:
            onnx_runtime.load(path)
        line = str(caught.value)
        assert line.startswith(f"{path}: ") and "\n" not in line
        return line.removeprefix(f"{path}: ")

    assert refused(tmp_path / "no.onnx") == "no such model file; give an .onnx file, or an .xml with its .bin"
    (tmp_path / "m.pt").touch()
    assert refused(tmp_path / "m.pt") == "cannot run .pt files; give an .onnx file, or an .xml with its .bin"
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    assert refused(tmp_path / "bad.onnx").startswith(("not an ONNX model", "damaged", "cannot"))
    grey = toy_models.save(tmp_path / "grey.onnx", [], {}, ["picture"], (48, 64))
    model = onnx_runtime.load(grey)
    with pytest.raises(DetectorError, match=r"grey\.onnx: the model failed on a picture: "):
        model(np.zeros((10, 10, 3), np.float32))
    monkeypatch.setattr(onnx_runtime, "MAX_BYTES", 10)
    assert refused(grey) == "larger than 0 GiB; this is no key point or box model"


def test_a_sequence_that_is_not_there_is_told_with_its_neighbours() -> None:
    few, many = moving_set({"train": [5] * 3}).poses, moving_set({"train": [5] * 30}).poses
    assert sequences.number_of(many, "sequence_7") == 7
    with pytest.raises(LifterError, match="sequence: 'sequence_9' is unknown; did you mean 'sequence_"):
        sequences.number_of(few, "sequence_9")
    with pytest.raises(
        LifterError, match="sequence 'sequence_7x': none of the 30 has this name; near are sequence_7, "
    ):
        sequences.number_of(many, "sequence_7x")
    with pytest.raises(LifterError, match=r"near are sequence_0, sequence_1, sequence_2, sequence_3, sequence_4$"):
        sequences.number_of(many, "@")


def test_openpose_files_of_something_else_are_told(tmp_path: Path) -> None:
    file = tmp_path / "film_000000000000_keypoints.json"
    for content in ({"people": 3}, {"people": [{"pose_keypoints_2d": [1, 2]}]}, {"persons": []}):
        file.write_text(json.dumps(content))
        with pytest.raises(DetectorError) as caught:
            read_openpose(tmp_path)
        assert str(caught.value).startswith(f"{file}: not OpenPose's JSON: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "told"), [("DefaultCPUAllocator: can't allocate memory\nof 9 GB", True), ("shape", False)]
)
def test_too_little_memory_to_lift_is_one_line(error: str, told: bool) -> None:
    from lifter.lifter import Lifter

    lifter = Lifter("ugcn", "cpu")

    def fails(*_: Any) -> None:
        raise RuntimeError(error)

    lifter._run = fails  # type: ignore[method-assign]
    wanted = r"too little memory to lift \(DefaultCPUAllocator: can't allocate memory\); close other programs"
    with pytest.raises(LifterError if told else RuntimeError, match=wanted if told else "shape"):
        lifter.lift_uniform(np.zeros((100, 17, 2), np.float32))


# Whom a live run shows, and whom a detector that goes on in mid-film follows.


def test_a_live_run_shows_whom_it_is_asked_for() -> None:
    from pipeline.live.command import _Run

    boxes = np.array([[0, 0, 50, 100], [240, 180, 260, 260], [500, 100, 600, 300]], np.float32)
    found, rows = SimpleNamespace(boxes=boxes), {4: 0, 7: 1, 9: 2}

    def chosen(person: str, rows: dict[int, int] = rows) -> dict[int, int]:
        run = SimpleNamespace(_settings=SimpleNamespace(person=person), _size=(640, 480))
        return _Run._chosen(run, rows, found)  # type: ignore[arg-type]

    assert chosen("all") == rows
    assert (chosen("largest"), chosen("center")) == ({9: 2}, {7: 1})
    assert (chosen("7"), chosen("8")) == ({7: 1}, {})
    assert chosen("largest", {}) == {}
    assert chosen("largest", {4: 0, 7: 1}) == {4: 0}  # of those who are there


def test_who_follows_goes_on_with_whom_it_remembered_and_once_only() -> None:
    from detectors.follow import Following, _Person

    first, second = Following(), Following()
    crowd = first._begin()
    crowd.people, crowd.since = [_Person(np.array([1, 2, 3, 4], np.float32), 0.5, 2)], 3
    second.recall(first.remember())
    again = second._begin()
    assert again.since == 3 and again.people[0].box.tolist() == [1, 2, 3, 4]
    assert (again.people[0].trust, again.people[0].missed) == (0.5, 2)
    assert not second._begin().people  # the next film is another one
    assert not Following().remember()["boxes"].size
