"""MMPose's networks by OpenVINO and ONNX Runtime: torch's key points on taught weights, the cache, the refusals."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import random_weights
import taught
import toy_models

from detectors import mm_backend, mm_boxes, mm_build, mm_device, mm_export, mm_models, mm_pose, mmpose, onnx_runtime
from detectors.base import DetectorError, DetectorOptions, Floats
from detectors.mm_models import HRNET, PoseModel

pytest.importorskip("mmpose")
pytest.importorskip("onnx")
MODELS = {"hrnet": mmpose.create_hrnet, "rtmpose": mmpose.create_rtmpose}
HALF_A_CELL = 2.0  # pixels: the quarter step of two maps that hardly differ may go to either side


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for weights and exports, kept for the module: an export takes seconds."""
    return tmp_path_factory.mktemp("exports")


def found(folder: Path, name: str, backend: str, film: list[np.ndarray]) -> tuple[Floats, Floats]:
    """Return the key points (N, 17, 2) and scores (N, 17) that a backend finds in pictures."""
    options = DetectorOptions(
        checkpoint=folder / f"{name}.pth",
        box_model=Path(mmpose.FULL_FRAME),
        device="cpu",
        backend=backend,
        cache=folder,
    )
    detector = MODELS[name](options)
    both = [detector.estimate(frame, taught.BOX) for frame in film]
    return np.concatenate([points for points, _ in both]), np.concatenate([scores for _, scores in both])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hrnet", "rtmpose"])
def test_every_backend_finds_what_torch_finds(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    film, places = taught.pictures(4)
    taught.write_taught(folder / f"{name}.pth", name, film, places)
    wanted, certain = found(folder, name, "torch", film)
    truth = places[:, toy_models.channels(17)]
    assert np.median(np.linalg.norm(wanted - truth, axis=-1)) < 6, "taught peaks must mean something"
    for backend in ("onnx", "openvino"):
        with monkeypatch.context() as patch:
            patch.setattr(onnx_runtime, "fast_precision", lambda: "f32")
            points, scores = found(folder, name, backend, film)
        apart = np.abs(points - wanted).max(-1)
        assert np.percentile(apart, 99) <= 0.5, backend
        assert np.abs(scores - certain).max() < 0.01
    assert len(list((folder / "exported").glob(f"{name}-*.onnx"))) == 1, "one export serves both runtimes"
    if name == "hrnet" and onnx_runtime.fast_precision() == "bf16":
        apart = np.abs(found(folder, name, "openvino", film)[0] - wanted).max(-1)
        assert np.percentile(apart, 99) <= HALF_A_CELL + 1e-3
        assert np.count_nonzero(apart > 0.5) < 0.4 * apart.size


@pytest.mark.slow
def test_the_box_is_mmdets(tmp_path: Path) -> None:
    random_weights.write_boxes(tmp_path / "rtmdet.pth")
    frame = taught.pictures(1)[0][0]
    wanted, certain = mm_boxes.PersonFinder(tmp_path / "rtmdet.pth", "cpu")(frame)
    boxes, scores = mm_backend.load_boxes("onnx", tmp_path / "rtmdet.pth", tmp_path)(frame)
    np.testing.assert_allclose(boxes, wanted, atol=0.5)
    np.testing.assert_allclose(scores, certain, atol=1e-4)


def kept(folder: Path, weights: bytes = b"weights", content: bytes = b"network", anew: bool = False) -> Path:
    """Keep something small, as an export is kept."""
    (folder / "w.pth").write_bytes(weights)

    def make(file: Path) -> dict[str, Any]:
        file.write_bytes(content)
        return {"layout": "heatmap", "size": [48, 64]}

    return mm_export._kept("toy", folder / "w.pth", "config", folder, make, anew)


def test_an_export_is_made_once_for_the_same_weights(tmp_path: Path) -> None:
    first = kept(tmp_path, content=b"first")
    assert kept(tmp_path, content=b"second") == first
    assert first.read_bytes() == b"first"
    assert kept(tmp_path, content=b"second", anew=True) == first
    assert first.read_bytes() == b"second"
    other = kept(tmp_path, weights=b"others")
    assert other != first
    assert sorted(file.suffix for file in first.parent.iterdir()) == [".onnx", ".onnx", ".toml", ".toml"]
    assert first.with_suffix(".toml").read_text() == 'layout = "heatmap"\nsize = [48, 64]\n'


def test_a_stopped_export_leaves_nothing(tmp_path: Path) -> None:
    def stop(file: Path) -> dict[str, Any]:
        file.write_bytes(b"half")
        raise KeyboardInterrupt

    (tmp_path / "w.pth").touch()
    with pytest.raises(KeyboardInterrupt):
        mm_export._kept("toy", tmp_path / "w.pth", "config", tmp_path, stop, False)
    assert list((tmp_path / "exported").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "exported").write_text("a file in the folder's place")
    with pytest.raises(DetectorError, match=r"cannot be kept .*--backend torch"):
        kept(tmp_path)


def test_a_damaged_export_is_made_anew(tmp_path: Path) -> None:
    good = toy_models.heatmap_model(tmp_path / "good.onnx").read_bytes()
    made: list[bool] = []

    def export(anew: bool) -> Path:
        made.append(anew)
        (tmp_path / "kept.onnx").write_bytes(good if anew else good[: len(good) // 2])
        return tmp_path / "kept.onnx"

    for backend in ("onnx", "openvino"):
        assert mm_backend._load(backend, export).runs_on.startswith(("ONNX", "OpenVINO"))
    assert made == [False, True] * 2


def test_auto_is_torch_on_a_gpu_and_for_models_it_cannot_export(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mm_backend.choose("auto", "cpu", HRNET) == "openvino"
    assert mm_backend.choose("auto", "cuda", HRNET) == "torch"
    foreign = PoseModel("own", "Own", "own.py")
    assert mm_backend.choose("auto", "cpu", foreign) == "torch"
    with pytest.raises(DetectorError, match="Own runs by torch only"):
        mm_backend.choose("onnx", "cpu", foreign)
    with pytest.raises(DetectorError, match="runs on the processor"):
        mm_backend.choose("openvino", "cuda", HRNET)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert mm_backend.choose("auto", "cpu", HRNET) == "torch"


def test_only_openvino_by_name_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half precision moves key points by more than half a pixel: nobody gets it who has not asked."""
    monkeypatch.setattr(onnx_runtime, "fast_precision", lambda: "bf16")
    file = toy_models.heatmap_model(tmp_path / "network.onnx")
    file.with_suffix(".toml").write_text('layout = "heatmap"\njoints = "coco17"\n')
    monkeypatch.setattr(mm_backend, "exported_pose", lambda *_: file)
    (tmp_path / "hrnet.pth").touch()
    for backend, told in (("auto", "OpenVINO, f32"), ("openvino", "OpenVINO, bf16"), ("onnx", "ONNX Runtime, f32")):
        options = DetectorOptions(
            checkpoint=tmp_path / "hrnet.pth", box_model=Path(mmpose.FULL_FRAME), device="cpu", backend=backend
        )
        assert mmpose.create_hrnet(options).runs_on == told


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(ValueError, match="backend: one of auto, torch, openvino, onnx wanted"):
        DetectorOptions(backend="tensorrt")


def test_a_configuration_decoded_otherwise_is_refused() -> None:
    from detectors import mm_compat

    mm_compat.prepare()
    for change in ("codec", "crop"):
        config = mm_build.read_config(HRNET.config)
        if change == "codec":
            config.model.head.decoder.type = "UDPHeatmap"
        else:
            config.test_dataloader.dataset.pipeline[2].use_udp = True
        with pytest.raises(DetectorError, match="only MMPose knows; give --backend torch"):
            mm_export._pose_settings(config, HRNET)
    dark = mm_build.read_config(HRNET.config)
    dark.model.head.decoder.unbiased = True
    assert mm_export._pose_settings(dark, HRNET)["refine"] == "dark"
    assert mm_export._pose_settings(mm_build.read_config(HRNET.config), HRNET)["refine"] == "quarter"


def test_half_precision_as_on_a_gpu(tmp_path: Path) -> None:
    """The GPU's path on the processor: bfloat16 there, float16 on a GPU; the maps stay near, decoding is in float32."""
    random_weights.write_pose(tmp_path / "rtmpose.pth", "rtmpose")
    frame = taught.pictures(1)[0][0]
    full, half = (
        mm_pose.PoseEstimator(mm_models.RTMPOSE, tmp_path / "rtmpose.pth", "cpu", flip_test=True, half=half)
        for half in (False, True)
    )
    three = np.repeat(taught.BOX, 3, 0)
    (points, scores), (half_points, half_scores) = full(frame, three), half(frame, three)
    assert half_points.shape == points.shape
    assert half_points.dtype == half_scores.dtype == np.float32
    assert np.abs(scores - half_scores).max() < 0.05
    assert mm_device.pinned([{"inputs": 1}], "cpu") == [{"inputs": 1}]


@pytest.mark.slow
def test_a_kept_export_runs_without_torch_and_mmpose(folder: Path) -> None:
    random_weights.write_pose(folder / "hrnet.pth", "hrnet")
    code = f"""
import sys
import numpy as np
from pathlib import Path
from detectors.base import DetectorOptions
from detectors.mmpose import create_hrnet
folder = Path({str(folder)!r})
options = DetectorOptions(
    checkpoint=folder / "hrnet.pth", box_model=Path("full-frame"), device="cpu", backend="onnx", cache=folder
)
assert len(list(create_hrnet(options)(np.zeros((3, 64, 48, 3), np.uint8)))) == 3
print(sorted({{"torch", "mmpose"}} & set(sys.modules)))
"""
    for wanted in ("['mmpose', 'torch']\n", "[]\n"):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
        assert (done.returncode, done.stdout) == (0, wanted), done.stderr[-1000:]
