"""A tiny motion-capture set of a known motion, in every form that is read: to test the readers and to try them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lifter.datasets.mocap.tiny_asf_amc import write_tiny_asf_amc
from lifter.datasets.mocap.tiny_bvh import write_tiny_bvh
from lifter.datasets.mocap.tiny_motion import FPS, motion, places
from lifter.errors import LifterError

FORMS = ("npz", "bvh", "asf_amc")


def write_tiny_mocap(folder: Path, form: str = "npz", frames: int = 150, seed: int = 0) -> list[Path]:
    """Write a tiny set; train, validation and test all come out of it. Return its files.

    Raises:
        LifterError: an unknown form.
    """
    writers = {"npz": _write_npz, "bvh": write_tiny_bvh, "asf_amc": write_tiny_asf_amc}
    if form not in writers:
        raise LifterError(f"form: {', '.join(FORMS)} wanted, got {form!r}")
    folder.mkdir(parents=True, exist_ok=True)
    return writers[form](folder, frames, seed)


def _write_npz(folder: Path, frames: int, seed: int) -> list[Path]:
    """Two sets, one with z up and one with y up, named so that `split_of` finds every split in them."""
    sets = {
        "uiprmd_50fps": ["m01_s01_e01_positions", "m02_s02_e01_positions", "m03_s09_e01", "m04_s10_e01_positions"],
        "cmu_daz_01-14_50fps": ["01/01_01", "10/10_01", "13/13_01"],
    }
    files = []
    for stem, names in sets.items():
        world = np.concatenate([places(motion(frames, number, seed)) for number in range(len(names))])
        if not stem.startswith("uiprmd"):
            world = np.stack([world[..., 0], world[..., 2], -world[..., 1]], axis=-1)
        arrays: dict[str, Any] = {
            "pos": np.round(1000 * world).astype(np.int16),
            "lens": np.full(len(names), frames, np.int32),
            "names": np.array(names),
            "fps": np.array(FPS),
        }
        files.append(folder / f"{stem}.npz")
        with files[-1].open("wb") as file:
            np.savez(file, **arrays)
    return files
