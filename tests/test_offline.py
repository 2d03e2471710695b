"""Nobody is called: whole runs in processes that the kernel kills at the first internet socket, libraries and all."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import toy_models
from sandbox import killed, run_without_network
from test_run import make_film

from detectors.joints import H36M_17
from detectors.quiet import import_openvino
from pipeline.errors import PipelineError

TOLD = "from pipeline.cli import main\n"
CHILD = (
    "import subprocess as s, sys; sys.exit(s.run([sys.executable, '-c', 'import socket; socket.socket()']).returncode)"
)


def works(words: list[str]) -> str:
    return f"assert main({words!r}) == 0, {words!r}\n"


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket()", "import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
        CHILD,
        "import av; av.open('http://127.0.0.1:9/a.mp4')",
    ],
    ids=["stream", "datagram", "another process", "ffmpeg"],
)  # fmt: skip
def test_the_guard_sees_an_attempt(attempt: str, tmp_path: Path) -> None:
    done = run_without_network(attempt, tmp_path)
    assert killed(done) or (attempt == CHILD and done.returncode)


def test_a_whole_run_calls_nobody(tmp_path: Path) -> None:
    make_film(tmp_path / "film.mp4", frames=4, size=(64, 48))
    np.savez(tmp_path / "true.npz", positions=np.random.default_rng(0).normal(size=(4, 17, 3)), joints=H36M_17)
    code = TOLD + works(["run", "film.mp4", "--detector", "scripted", "--reference", "true.npz"])
    code += works(["view", "runs/film"]) + works(["export", "runs/film", "--format", "all"])
    done = run_without_network(code, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_detectors_and_pages_call_nobody(tmp_path: Path) -> None:
    make_film(tmp_path / "film.mp4", frames=4, size=(64, 48))
    onnx = toy_models.heatmap_model(tmp_path / "pose.onnx")
    openvino = import_openvino()
    openvino.save_model(openvino.Core().read_model(onnx), tmp_path / "same.xml")
    code = TOLD
    for name in ("pose.onnx", "same.xml"):
        code += works(["run", "film.mp4", "--detector", "onnx", "--pose-model", name, "--output", name + "_runs"])
    code += works(["run", "film.mp4"]) + works(["batch", "film.mp4", "--output", "batch", "--detector", "scripted"])
    code += works(["report", "same.xml_runs/film"])
    done = run_without_network(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "intel").exists()  # the number that OpenVINO would keep in the home folder


LIBRARIES = ("ray", "rerun", "mmengine", "mmpose.models", "tensorboard", "onnx", "matplotlib.pyplot", "h5py", "ezc3d")


@pytest.mark.slow
def test_libraries_call_nobody_when_they_are_loaded(tmp_path: Path) -> None:
    """An HTTP library among them asks the kernel about IPv6 by a socket that goes nowhere: it is told there is none."""
    code = "import socket\nsocket.has_ipv6 = False\n"
    code += "import importlib\nfrom contextlib import suppress\nfrom detectors import mm_compat\n"
    code += "with suppress(Exception): mm_compat.prepare()\n"
    code += "".join(f"with suppress(ImportError): importlib.import_module({name!r})\n" for name in LIBRARIES)
    done = run_without_network(code + "print('done')", tmp_path)
    assert done.returncode == 0 and "done" in done.stdout, done.stderr


def test_runtimes_are_loaded_without_their_reporting(tmp_path: Path) -> None:
    """Both would report at once or a little later, and leave a number in the home folder, which is `tmp_path` here."""
    toy_models.heatmap_model(tmp_path / "pose.onnx")
    code = (
        "import sys, time\nfrom pathlib import Path\nimport numpy as np\n"
        "from detectors.onnx_runtime import load\n"
        "for runtime in ('by kind', 'openvino'):\n"
        "    load(Path('pose.onnx'), runtime)(np.zeros((64, 48, 3), np.float32))\n"
        "assert not {'openvino_telemetry', 'torch'} & set(sys.modules)\n"
        "time.sleep(3)\n"
    )
    done = run_without_network(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["pose.onnx"]


def test_offline_is_told_before_anybody_is_called(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\nfrom detectors.base import DetectorError\nfrom detectors.weights import ZOO, fetch\n"
        "try: fetch(ZOO['hrnet'], Path('cache'), offline=True)\n"
        "except DetectorError as error: print(error)\n"
    )
    done = run_without_network(code, tmp_path)
    assert done.returncode == 0 and "--offline forbids" in done.stdout


def test_ray_is_told_not_to_report(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.batch import cluster

    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)

    def refuse(**_words: object) -> None:
        assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
        raise ConnectionError

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=refuse))
    monkeypatch.setitem(sys.modules, "ray.exceptions", SimpleNamespace())
    with pytest.raises(PipelineError, match="no cluster answers"):
        cluster._connect("auto")
