"""A lifter's file: what is kept, what older files mean, and damage of every kind in one line."""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from lifter import joints, weights
from lifter.errors import LifterError
from lifter.networks import NETWORKS, Network, build
from lifter.weights import Recipe

SETTINGS = {
    "ugcn": {"widths": [4, 4, 8, 8, 8], "pairs": 2, "dropout": 0.1},
    "tcn": {"filters": [3, 5], "channels": 8},
    "fully_connected": {"width": 8, "blocks": 1},
}


def small(type: str = "ugcn") -> Network:
    torch.manual_seed(0)
    return build(type, SETTINGS[type])


def about(path: Path) -> dict:
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["about"])


def rewrite(path: Path, **changes: object) -> None:
    """Change what a file says of itself; None takes an entry out."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        said = {**json.loads(file.metadata()["about"]), **changes}
    said = {name: value for name, value in said.items() if value is not None}
    save_file(tensors, path, metadata={"about": json.dumps(said)})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    weights.save(tmp_path / "tiny.safetensors", small(), Recipe())
    return tmp_path / "tiny.safetensors"


@pytest.mark.parametrize("type", NETWORKS)
def test_network_settings_and_recipe_survive_the_file(type: str, tmp_path: Path) -> None:
    recipe = Recipe("screen", 25.0, 64)
    network = small(type)
    path = tmp_path / "new" / "lifter.safetensors"
    weights.save(path, network, recipe, {"seed": 3})
    read, fed = weights.load(path)
    assert read.settings == network.settings and fed == recipe and type == read.TYPE
    assert not read.training and not any(p.requires_grad for p in read.parameters())
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(read.state_dict()[name], tensor, rtol=0, atol=0)
    again = tmp_path / "again.safetensors"
    weights.save(again, read, fed, {"seed": 3})
    assert again.read_bytes() == path.read_bytes()
    assert [each.name for each in path.parent.iterdir()] == ["lifter.safetensors"]
    assert about(path)["note"] == {"seed": 3}


def test_files_older_than_the_choice_of_networks_are_ugcn_with_all_pairs(file: Path) -> None:
    weights.save(file, build("ugcn", {**SETTINGS["ugcn"], "pairs": 4}), Recipe())
    old = {name: value for name, value in about(file)["model"].items() if name != "pairs"}
    rewrite(file, type=None, model=old)
    model, _ = weights.load(file)
    assert model.TYPE == "ugcn" and model.settings.pairs == 4


def test_the_shipped_lifter_is_the_papers_network() -> None:
    model, recipe = weights.load(weights.find("ugcn"))
    assert model.TYPE == "ugcn" and model.settings == type(model.settings)(dropout=0.1)
    assert sum(p.numel() for p in model.parameters()) == 1_637_482
    assert recipe == Recipe(axes="ray")


@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "foreign", "absent", "folder"])
def test_damaged_weights_are_told_in_one_line(file: Path, damage: str) -> None:
    content = file.read_bytes()
    file.unlink()
    if damage == "foreign":
        save_file({"x": torch.zeros(1)}, file)
    elif damage == "folder":
        file.mkdir()
    elif damage != "absent":
        file.write_bytes({"truncated": content[: len(content) // 2], "text": b"hello", "empty": b""}[damage])
    with pytest.raises(LifterError) as caught:
        weights.load(file)
    assert "\n" not in str(caught.value) and file.name in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "motion-lift/ugcn/9"}, "format"),
        ({"type": "ugnc"}, "did you mean 'ugcn'"),
        ({"type": ["ugcn"]}, "unhashable"),
        ({"type": "tcn"}, "unknown"),
        ({"model": {**SETTINGS["ugcn"], "depth": 3}}, "depth"),
        ({"model": {**SETTINGS["ugcn"], "widths": [4, 4, 8, 8, 16]}}, "loading state_dict for UGCN"),
        ({"model": None}, "model"),
        ({"model": 3}, "table"),
        ({"joints": joints.NAMES[:16]}, "another skeleton"),
        ({"joints": None}, "joints"),
        ({"recipe": {"normalisation": "metres"}}, "normalisation"),
        ({"recipe": {"window": 1}}, "window"),
        ({"recipe": {"window": 96.5}}, "int wanted"),
    ],
)
def test_a_file_that_says_nonsense_is_told_in_one_line(file: Path, changes: dict, message: str) -> None:
    rewrite(file, **changes)
    with pytest.raises(LifterError, match=message) as caught:
        weights.load(file)
    assert "\n" not in str(caught.value) and str(caught.value).startswith(f"{file}: ")


def test_a_file_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LifterError, match="cannot be written"):
        weights.save(tmp_path / "file" / "lifter.safetensors", small(), Recipe())


def test_unknown_lifter_names_the_shipped_ones() -> None:
    with pytest.raises(LifterError, match=r"shipped: .*ugcn"):
        weights.find("no-such-lifter")


def test_reading_leaves_nothing_behind() -> None:
    """A batch reads the weights once a film; safetensors 0.8's own way of mapping files left 680 numbers each time."""
    path = weights.SHIPPED / "ugcn.safetensors"

    def left() -> int:
        for _ in range(10):
            weights.load(path)
        gc.collect()
        return sys.getallocatedblocks()

    left()
    before = left()
    assert left() - before < 1000
