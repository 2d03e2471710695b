"""A lifter's file: safetensors with the type and settings of the network inside; never a pickle."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as tensors_of
from safetensors.torch import save_file
from torch import Tensor, nn

from lifter import joints
from lifter.errors import LifterError
from lifter.networks import Network, build
from lifter.plain import make
from lifter.screen import NORMALISATIONS
from lifter.shipped import SHIPPED as SHIPPED
from lifter.shipped import find as find
from lifter.whole import whole

FORMAT = "motion-lift/ugcn/1"  # of all networks: the first one gave it its name
AXES = ("camera", "ray")
LARGEST_BYTES = 500_000_000
# What reading a file with anything at all in it may raise.
UNREADABLE = (
    OSError, SafetensorError, LifterError, LookupError, AttributeError, TypeError, ValueError, RuntimeError,
)  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """How a network must be fed: the part of training that lifting has to repeat.

    Attributes:
        normalisation: "person" or "screen" (`lifter.screen`).
        rate_hz: frames per second it was trained at.
        window: frames of a training window.
        axes: of its answer: "camera", or "ray", those of a camera that looks straight at the person (`lifter.rays`).
    """

    normalisation: str = "person"
    rate_hz: float = 50.0
    window: int = 96
    axes: str = "camera"

    def __post_init__(self) -> None:
        if self.normalisation not in NORMALISATIONS:
            raise ValueError(f"normalisation: one of {NORMALISATIONS} wanted, got {self.normalisation!r}")
        if not 1 <= self.rate_hz <= 1000 or not 16 <= self.window <= 10_000:
            raise ValueError(f"rate_hz {self.rate_hz} or window {self.window} out of range")
        if self.axes not in AXES:
            raise ValueError(f"axes: one of {AXES} wanted, got {self.axes!r}")
        if self.axes == "ray" and self.normalisation != "person":
            raise ValueError("axes 'ray' are of those who do not see the place: set normalisation to 'person'")


def save(path: Path, model: Network, recipe: Recipe, note: Mapping[str, Any] | None = None) -> None:
    """Write a network with its settings; the file appears whole or not at all.

    Args:
        path: ends in .safetensors by custom; its folder is made.
        model: any network of `lifter.networks`.
        recipe: how it has to be fed.
        note: plain values for readers (where it comes from), not used.

    Raises:
        LifterError: the disk is full or the folder cannot be written to.
    """
    about = {
        "format": FORMAT,
        "type": model.TYPE,
        "model": asdict(model.settings),
        "recipe": _told(recipe),
        "joints": joints.NAMES,
        "note": dict(note or {}),
    }
    write_tensors(path, model.state_dict(), about)


def _told(recipe: Recipe) -> dict[str, Any]:
    """A recipe as plain values; camera axes go without saying, so that earlier releases read such files."""
    return {name: value for name, value in asdict(recipe).items() if (name, value) != ("axes", "camera")}


def load(path: Path) -> tuple[Network, Recipe]:
    """Read a network, ready to run (evaluation mode, no gradients), and how to feed it.

    Raises:
        LifterError: not a file of ours, of another format or skeleton, of an unknown network, or damaged.
    """
    try:
        about, tensors = read_tensors(path, FORMAT)
        if tuple(about["joints"]) != joints.NAMES:
            raise ValueError(f"made for another skeleton ({len(about['joints'])} joints)")
        # Files older than the choice of networks name none. What a file does not name keeps its default.
        type, settings = about.get("type", "ugcn"), about["model"]
        refuse_giants(lambda: build(type, settings))
        model = build(type, settings)
        model.load_state_dict(tensors)
        refuse_unfinite(tensors)
        return model.requires_grad_(False).eval(), make(Recipe, about["recipe"], "recipe")
    except UNREADABLE as error:
        line = " ".join(str(error).split())[:200] or type(error).__name__
        raise LifterError(f"{path}: cannot be read as a lifter's weights ({line})") from error


def refuse_giants(made: Callable[[], nn.Module]) -> None:
    """Refuse settings that ask for a network larger than any file of one: a few bytes would fill the memory.

    Args:
        made: makes the network; called on a device that sets no memory aside.

    Raises:
        ValueError: so large is it.
    """
    with torch.device("meta"):
        numbers = sum(tensor.numel() for tensor in made().state_dict().values())
    if 4 * numbers > LARGEST_BYTES:
        raise ValueError(f"settings of a network of {numbers:,} numbers, larger than any lifter")


def refuse_unfinite(tensors: Mapping[str, Tensor]) -> None:
    """Refuse weights with numbers that are not finite: a training that failed; raises ValueError."""
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise ValueError("numbers that are not finite")


def write_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors and what the file says of itself, plain values with a `format`; whole or not at all.

    Raises:
        LifterError: the disk is full or the folder cannot be written to.
    """
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with whole(path, SafetensorError) as temporary:
        # One entry: the order of several is not fixed, and equal lifters shall be equal files.
        save_file(kept, temporary, metadata={"about": json.dumps(about)})
        temporary.chmod(0o644)  # safetensors makes it readable by its owner only


def read_tensors(path: Path, format: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return what a file of this format says of itself, and its tensors.

    Raises:
        ValueError: too large, or of another format; and what `UNREADABLE` lists.
    """
    if path.stat().st_size > LARGEST_BYTES:
        raise ValueError(f"larger than any lifter: {LARGEST_BYTES} bytes")
    with safe_open(path, framework="pt") as file:
        told = file.metadata() or {}
        about = json.loads(told.get("about", "{}"))
        number = about.get("format", told.get("format"))  # the first files had it beside
        if number != format:
            raise ValueError(f"of format {number!r:.60}, this release reads {format!r}; update it, or train anew")
    # Not by `safe_open`: safetensors 0.8 leaves 80 bytes behind for every tensor that it maps.
    return about, tensors_of(path.read_bytes())
