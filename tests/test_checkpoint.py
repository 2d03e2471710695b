"""Checkpoints are data: MMEngine's format loads, anything that could run code or is damaged is refused in one line."""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from detectors.base import DetectorError
from detectors.checkpoint import fill, load


def _weights() -> OrderedDict[str, torch.Tensor]:
    state = OrderedDict([("a.weight", torch.arange(6.0).reshape(2, 3)), ("a.bias", torch.ones(2))])
    state._metadata = {"": {"version": 2}}  # type: ignore[attr-defined]
    return state


def _network() -> torch.nn.Module:
    return torch.nn.Sequential(OrderedDict(a=torch.nn.Linear(3, 2), norm=torch.nn.BatchNorm1d(2)))


META = {
    "array": np.arange(3.0),
    "scalar": np.float32(0.5),
    "names": np.array(["nose", "left_eye"]),
    "objects": np.array([None, "x"], dtype=object),
    "count": np.int64(3),
    "flag": np.bool_(True),
    "bytes": np.arange(3, dtype=np.uint8),
    "text": "config = dict()",
}


def _raises_one_line(path: Path, match: str, **arguments: Any) -> None:
    with pytest.raises(DetectorError, match=match) as caught:
        load(path, **arguments)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("zip_format", [True, False])
def test_numpy_in_meta_loads(tmp_path: Path, zip_format: bool) -> None:
    path = tmp_path / "model.pth"
    torch.save({"state_dict": _weights(), "meta": META}, path, _use_new_zipfile_serialization=zip_format)
    state = load(path)
    assert list(state) == ["a.weight", "a.bias"]
    assert torch.equal(state["a.weight"], _weights()["a.weight"])
    assert state._metadata == {"": {"version": 2}}  # type: ignore[attr-defined]


def test_names_as_numpy_1_wrote_them_load(tmp_path: Path) -> None:
    path = tmp_path / "old.pth"
    torch.save({"state_dict": _weights(), "meta": META}, path, _use_new_zipfile_serialization=False)
    old = path.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert old != path.read_bytes()
    path.write_bytes(old)
    assert list(load(path)) == ["a.weight", "a.bias"]


def test_mmengine_training_history_loads(tmp_path: Path) -> None:
    mm_compat = pytest.importorskip("detectors.mm_compat")
    history = pytest.importorskip("mmengine.logging").HistoryBuffer([0.5, 0.25], [1, 1])
    from mmengine.runner.checkpoint import save_checkpoint

    path = tmp_path / "epoch_3.pth"
    with mm_compat.quiet():
        save_checkpoint({"state_dict": _weights(), "meta": META, "message_hub": {"loss": history}}, str(path))
    assert b"HistoryBuffer" in path.read_bytes(), "the file must hold what this test is about"
    assert list(load(path)) == ["a.weight", "a.bias"]


def test_bare_state_dict_and_data_parallel_prefix(tmp_path: Path) -> None:
    path = tmp_path / "bare.pth"
    torch.save(OrderedDict((f"module.{key}", value) for key, value in _weights().items()), path)
    assert list(load(path)) == ["a.weight", "a.bias"]


class _Runs:
    """Pickles as a call of `target(*arguments)`."""

    def __init__(self, target: Any, *arguments: Any) -> None:
        self.call = (target, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@pytest.mark.parametrize("zip_format", [True, False])
def test_code_in_a_file_never_runs(tmp_path: Path, zip_format: bool) -> None:
    victim = tmp_path / "victim"
    path = tmp_path / "hostile.pth"
    hostile = {"state_dict": _weights(), "meta": _Runs(Path.touch, victim)}
    torch.save(hostile, path, _use_new_zipfile_serialization=zip_format)
    _raises_one_line(path, "not on the allowlist")
    assert not victim.exists()


@pytest.mark.parametrize(
    "call",
    [_Runs(getattr, "text", "no such attribute"), _Runs(np.dtype, "no such type"), _Runs(np.ndarray, (-1,))],
    ids=["getattr", "dtype", "ndarray"],
)
def test_allowed_names_do_nothing(tmp_path: Path, call: _Runs) -> None:
    """They are allowed by name only: these calls would raise if they were made."""
    path = tmp_path / "odd.pth"
    torch.save({"state_dict": _weights(), "meta": call}, path)
    assert list(load(path)) == ["a.weight", "a.bias"]


def test_what_allowed_names_give_is_no_tensor(tmp_path: Path) -> None:
    path = tmp_path / "odd.pth"
    for value in (_Runs(getattr, torch.ones(1), "data"), np.ones(3)):
        torch.save({"state_dict": {"a": value}}, path)
        _raises_one_line(path, "no table of named tensors")


@pytest.mark.parametrize("zip_format", [True, False])
def test_damaged_files_give_one_line(tmp_path: Path, zip_format: bool) -> None:
    good = tmp_path / "good.pth"
    torch.save({"state_dict": _weights(), "meta": META}, good, _use_new_zipfile_serialization=zip_format)
    content = good.read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "damaged.pth"
    refused = 0
    for trial in range(150):
        if trial < 30:
            bad = bytearray(content[: int(rng.integers(0, len(content)))])
        else:
            bad = bytearray(content)
            for place in rng.integers(0, len(content), 3):
                bad[place] = rng.integers(0, 256)
        path.write_bytes(bad)
        try:
            load(path)  # what was hit may be a number or padding
        except DetectorError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused >= 30


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", pickle.dumps({"a": 1}), b"PK\x03\x04" + bytes(40)])
def test_other_files_give_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.pth"
    path.write_bytes(content)
    _raises_one_line(path, "damaged or no PyTorch checkpoint|no table of named tensors")


@pytest.mark.parametrize("content", [[1, 2], {"state_dict": {}}, {"state_dict": {"a": 1}}, {"state_dict": {1: None}}])
def test_no_state_dict_inside(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "other.pth"
    torch.save(content, path)
    _raises_one_line(path, "no table of named tensors")


def test_absent_and_too_large(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    _raises_one_line(path, "there is no checkpoint")
    _raises_one_line(tmp_path, "there is no checkpoint")
    torch.save(_weights(), path)
    _raises_one_line(path, "over the limit", max_bytes=path.stat().st_size - 1)


def test_a_file_that_unpacks_to_more_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(1 << 22))
    assert path.stat().st_size < 1 << 16
    _raises_one_line(path, "over the limit", max_bytes=1 << 20)


def test_fill_puts_every_tensor_in() -> None:
    source, target = _network(), _network()
    with torch.no_grad():
        source.get_parameter("norm.weight").fill_(0.25)
    state = source.state_dict()
    state["data_preprocessor.mean"] = torch.zeros(3)
    state["a.loss.weight"] = torch.zeros(3)
    del state["norm.num_batches_tracked"]
    fill(target, state, Path("x.pth"), "a model")
    assert all(torch.equal(tensor, source.state_dict()[key]) for key, tensor in target.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("a.bias"), r"x\.pth is no checkpoint of a model: 1 missing \(as a\.bias\)"),
        (lambda s: s.update({"a.weight": torch.ones(3, 3)}), r"1 tensors of another shape \(as a\.weight\)"),
        (lambda s: s.update({"a.more": torch.ones(1)}), r"1 left over \(as a\.more\)"),
        (lambda s: s.update({"a.bias": torch.tensor([1.0, torch.nan])}), "not finite"),
    ],
)
def test_fill_refuses_another_network(change: Any, message: str) -> None:
    state = _network().state_dict()
    change(state)
    with pytest.raises(DetectorError, match=message) as caught:
        fill(_network(), state, Path("x.pth"), "a model")
    assert "\n" not in str(caught.value)
