"""The refine module's file: safetensors with its settings and what it was trained on; never a pickle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lifter import joints
from lifter.errors import LifterError
from lifter.plain import make
from lifter.refine import LABEL, Refine, RefineSettings
from lifter.weights import UNREADABLE, read_tensors, refuse_giants, refuse_unfinite, write_tensors

FORMAT = "motion-lift/refine/1"


def save_refine(path: Path, module: Refine, note: Mapping[str, Any]) -> None:
    """Write a module; the file appears whole or not at all.

    Args:
        path: ends in .safetensors by custom; its folder is made.
        module: the module.
        note: plain values, what it was trained on: `lifter`, `dataset`, `keypoints`.

    Raises:
        LifterError: the disk is full or the folder cannot be written to.
    """
    about = {
        "format": FORMAT,
        "settings": asdict(module.settings),
        "joints": joints.NAMES,
        "label": LABEL,
        "note": dict(note),
    }
    write_tensors(path, module.state_dict(), about)


def load_refine(path: Path) -> tuple[Refine, dict[str, Any]]:
    """Read a module, ready to run (evaluation mode, no gradients), and the note of what it was trained on.

    Raises:
        LifterError: no such file, not a refine module's, of another skeleton, or damaged.
    """
    if not path.is_file():
        raise LifterError(f"{path}: no such file; `python -m lifter refine` makes a refine module's")
    try:
        about, tensors = read_tensors(path, FORMAT)
        if tuple(about["joints"]) != joints.NAMES:
            raise ValueError(f"made for another skeleton ({len(about['joints'])} joints)")
        settings = make(RefineSettings, about["settings"], "refine")
        refuse_giants(lambda: Refine(settings))
        module = Refine(settings)
        module.load_state_dict(tensors)
        refuse_unfinite(tensors)
        return module.requires_grad_(False).eval(), dict(about["note"])
    except UNREADABLE as error:
        line = " ".join(str(error).split())[:200] or type(error).__name__
        raise LifterError(f"{path}: cannot be read as a refine module ({line})") from error
