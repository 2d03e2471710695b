"""One network by torch, ONNX Runtime and OpenVINO, by one thread and two: the same numbers within stated bounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detectors import mm_export, onnx_runtime

pytest.importorskip("mmpose")  # what `--backend` is for; its exporter is the one tested here
pytest.importorskip("onnx")

# Of the widest answer. Additions in another order move the last bits of float32, no more.
BOUND = 1e-5
SIZE = (48, 64)  # width, height


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray, np.ndarray]:
    """An exported network with a residual, batch normalisation and upsampling; a picture; torch's heat maps of it."""
    import torch
    from torch import nn

    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.into = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU())
            self.deep = nn.Sequential(
                nn.Conv2d(16, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(), nn.Upsample(scale_factor=2)
            )
            self.maps = nn.Conv2d(16, 17, 1)

        def forward(self, picture: torch.Tensor) -> torch.Tensor:
            x = self.into(picture)
            return self.maps(x + self.deep(x))

    torch.manual_seed(0)
    network = Small().train()
    for _ in range(3):  # statistics unlike 0 and 1
        network(torch.randn(4, 3, SIZE[1], SIZE[0]) * 2 + 1)
    network.eval()
    path = tmp_path_factory.mktemp("network") / "small.onnx"
    mm_export._write(network, list(SIZE), path)
    picture = np.random.default_rng(0).normal(size=(SIZE[1], SIZE[0], 3)).astype(np.float32)
    with torch.no_grad():
        maps = network(torch.from_numpy(picture.transpose(2, 0, 1)[None])).numpy()
    return path, picture, maps


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("runtime", ["by kind", "openvino"])
def test_every_backend_and_number_of_threads_gives_torchs_numbers(
    made: tuple[Path, np.ndarray, np.ndarray], runtime: str, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, picture, wanted = made
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    model = onnx_runtime.load(path, runtime)
    (maps,) = model(picture)
    assert np.ptp(wanted) > 1, "an answer that means something"
    assert np.abs(maps - wanted).max() <= BOUND * np.abs(wanted).max()
    np.testing.assert_array_equal(maps.reshape(17, -1).argmax(-1), wanted.reshape(17, -1).argmax(-1))
    again = onnx_runtime.load(path, runtime)
    for one in (model, again):  # called again, and loaded again: the same to the byte
        assert one(picture)[0].tobytes() == maps.tobytes()


def test_bf16_is_near_and_only_by_name(made: tuple[Path, np.ndarray, np.ndarray]) -> None:
    path, picture, wanted = made
    if onnx_runtime.fast_precision() != "bf16":
        pytest.skip("this processor does not multiply bf16 itself")
    (maps,) = onnx_runtime.load(path, "openvino", "bf16")(picture)
    # Eight bits of a number: half a percent a product, which sums even out.
    assert 10 * BOUND < np.abs(maps - wanted).max() / np.abs(wanted).max() < 0.05
