"""Doctor: each thing that can be wrong is told with its remedy, and only what `run` needs makes it fail."""

from __future__ import annotations

import json
import os
from importlib import metadata
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.demo import Errors
from pipeline.doctor import machine, software
from pipeline.doctor.check import BROKEN, LOW, NONE, OK, Check
from pipeline.doctor.command import examine
from pipeline.doctor.selftest import self_test, verdict


def test_json_tells_everything_and_nothing_is_left_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "new" / "runs"
    assert main(["doctor", "--json", "--no-self-test", "--output", str(output)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["format"] == 1 and told["ok"] is True and {"python", "torch", "numpy", "av"} <= set(told["versions"])
    states = {check["name"]: check["state"] for check in told["checks"]}
    for name in ("lifter weights", "mediapipe's weights", "H.264 encoder", "disk", "writable", "packages", "memory"):
        assert states[name] in (OK, LOW), told
    assert all(check["remedy"] for check in told["checks"] if check["state"] in (BROKEN, LOW, NONE))
    assert all("\n" not in check["found"] + check["remedy"] for check in told["checks"])
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_needed_does_not_fail_and_what_is_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = {"a": lambda: Check("a", NONE, "no such thing", "install it"), "b": lambda: [Check("b", LOW, "few")]}
    monkeypatch.setattr(software, "looks", lambda: checks)
    monkeypatch.setattr(machine, "looks", lambda _: {})
    assert examine(tmp_path, self_test=False) == 0
    assert "none  a: no such thing; install it\n low  b: few\n" in capsys.readouterr().out

    def unloadable() -> Check:
        raise ImportError("libsomething.so: not found")

    checks["c"] = unloadable
    assert examine(tmp_path, self_test=False) == 1
    assert "FAIL  c: libsomething.so: not found; `make setup`" in capsys.readouterr().out


def test_wrong_weights_are_found_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from lifter import weights

    assert software.lifter_weights().state == OK
    shipped = weights.find("ugcn")
    (tmp_path / "ugcn.safetensors").write_bytes(shipped.read_bytes())
    (tmp_path / "ugcn.md").write_text("sha256: of something else\n")
    monkeypatch.setattr(weights, "find", lambda _: tmp_path / "ugcn.safetensors")
    found = software.lifter_weights()
    assert found.state == BROKEN and "not its card's" in found.found and found.remedy
    content = bytearray(shipped.read_bytes())
    (tmp_path / "ugcn.safetensors").write_bytes(content[: len(content) // 2])
    assert software.lifter_weights().state == BROKEN


def test_downloaded_weights_are_verified(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from detectors import weights

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert software.zoo_weights().state == NONE
    folder = weights.cache_folder()
    folder.mkdir(parents=True)
    (folder / weights.ZOO["hrnet"].file).write_bytes(b"not these")
    found = software.zoo_weights()
    assert found.state == LOW and "damaged" in found.found and str(folder) in found.remedy


def test_packages_and_extras_are_compared_with_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["numpy>=2", "torch==0.1", "nowhere-to-be-had", "away-too; extra == 'far'", "pytest; extra == 'near'"]
    monkeypatch.setattr(metadata, "requires", lambda _: asked)
    about = metadata.metadata("numpy")
    del about["Provides-Extra"]
    about["Provides-Extra"], about["Provides-Extra"] = "far", "near"
    monkeypatch.setattr(metadata, "metadata", lambda _: about)
    found = {check.name: check for check in software.packages()}
    assert found["packages"].state == BROKEN and "nowhere-to-be-had is missing" in found["packages"].found
    assert "where ==0.1 is asked for" in found["packages"].found
    assert found["extra far"].state == NONE and found["extra far"].remedy == "pip install -e '.[far]'"
    assert found["extra near"].state == OK


def test_detectors_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    from detectors import registry

    gone = [registry.Available(n, "", "", "", ("itself",)) for n in ("mediapipe", "hrnet", "onnx")]
    monkeypatch.setattr(registry, "available", lambda: gone)
    assert software.detector("mediapipe").state == BROKEN
    assert software.detector("mediapipe").remedy == "pip install --no-deps mediapipe==0.10.21"
    assert software.detector("hrnet").state == software.detector("onnx").state == NONE


def test_disk_and_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert machine.writable(tmp_path / "a" / "b").found == f"{tmp_path / 'a' / 'b'}, to be made in {tmp_path}"
    (tmp_path / "file").touch()
    assert machine.writable(tmp_path / "file").state == BROKEN
    usage = machine.shutil.disk_usage(tmp_path)
    for free, state in ((0.01e9, BROKEN), (1e9, LOW), (5e9, OK)):
        monkeypatch.setattr(machine.shutil, "disk_usage", lambda _, free=free: usage._replace(free=int(free)))
        assert machine.disk(tmp_path).state == state
    if os.geteuid():
        (tmp_path / "closed").mkdir(mode=0o500)
        assert machine.writable(tmp_path / "closed").state == BROKEN


def test_an_encoder_that_works_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.video import encoders

    monkeypatch.setattr(encoders, "works", lambda encoder, size: encoder.name in ("libx264", "h264_qsv"))
    assert machine.hardware_encoders() == Check("hardware encoders", OK, "qsv (--codec auto takes the first)")
    monkeypatch.setattr(encoders, "works", lambda encoder, size: False)
    assert machine.hardware_encoders().state == NONE
    assert [check.state for check in machine.codecs() if check.name == "H.264 encoder"] == [BROKEN]


def test_the_self_test_judges_by_the_truth() -> None:
    good = Errors(30, 30, 0.9, 56.0)
    assert verdict(good, 30, 4.0).state == OK
    for errors, frames in (
        (None, 30), (good, 29), (Errors(20, 30, 0.9, 56.0), 30), (Errors(30, 30, 4.0, 56.0), 30),
        (Errors(30, 30, 0.9, 120.0), 30),
    ):  # fmt: skip
        found = verdict(errors, frames, 4.0)
        assert found.state == BROKEN and found.remedy


@pytest.mark.slow
def test_the_self_test_passes_here_and_fails_with_wrong_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights of another network's training, as random numbers of the same shapes: the pose is no pose."""
    assert self_test().state == OK
    import torch

    from lifter import weights

    real = weights.load

    def disturbed(path: Path) -> object:
        model, recipe = real(path)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(torch.randn_like(parameter) * parameter.std(correction=0))
        return model, recipe

    monkeypatch.setattr(weights, "load", disturbed)
    assert self_test().state == BROKEN
