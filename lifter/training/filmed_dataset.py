"""Endless training clips: motion capture on new bodies, filmed by random cameras, seen by a noisy detector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from lifter import joints
from lifter.datasets.filming.clips import CameraRange, ClipSource, film
from lifter.datasets.filming.noise import NoiseSettings, add_noise
from lifter.datasets.filming.people import PeopleSettings
from lifter.datasets.filming.takes import TakeSettings, film_takes
from lifter.datasets.mocap.packed import read_folder, select
from lifter.errors import LifterError
from lifter.plain import make
from lifter.rays import to_ray, turns_to_ray
from lifter.screen import to_person, turn
from lifter.weights import Recipe

Batch = dict[str, Tensor]
Floats = NDArray[np.float32]


class FilmedDataset(Dataset[Batch]):
    """Clips made when they are asked for; the same index makes the same clip only within the same batch.

    Args:
        folder: motion capture, raw (`lifter.datasets.mocap.packed`).
        split: train, validation or test.
        length: how many clips it says it has.
        shares: weight of each data set in the draw, by the start of its name.
        cameras, noise: fields of `CameraRange` and `NoiseSettings`.
        people, takes: fields of `PeopleSettings` and `TakeSettings`: who is filmed, and how beyond `cameras`.
        noisy: False shows the true projection.
        recipe: fields of `Recipe`; people are measured by themselves, as there is no picture.
        context: frames the network wants on both sides.
        seed: of the films.

    Raises:
        LifterError: no motion capture of that split, or units that need a picture.
    """

    metainfo: ClassVar[dict[str, str]] = {}  # MMEngine asks for it

    def __init__(
        self,
        folder: str | Path,
        split: str = "train",
        length: int = 256,
        shares: Mapping[str, float] | None = None,
        cameras: Mapping[str, Any] | None = None,
        noise: Mapping[str, Any] | None = None,
        people: Mapping[str, Any] | None = None,
        takes: Mapping[str, Any] | None = None,
        noisy: bool = True,
        recipe: Mapping[str, Any] | None = None,
        context: int = 0,
        seed: int = 0,
    ) -> None:
        self.recipe = make(Recipe, recipe or {}, "dataset.recipe")
        if self.recipe.normalisation != "person":
            raise LifterError("films of random cameras have no picture: set recipe.normalisation to 'person'")
        chosen = select(read_folder(Path(folder)), split)
        if not chosen:
            raise LifterError(f"{folder}: no motion capture of the {split} split")
        self.source = ClipSource(chosen, dict(shares or {}), self.recipe.window + 2 * context)
        self.cameras = make(CameraRange, cameras or {}, "dataset.cameras")
        self.people = make(PeopleSettings, people or {}, "dataset.people")
        self.takes = make(TakeSettings, takes or {}, "dataset.takes")
        self.noise = make(NoiseSettings, noise or {}, "dataset.noise")
        self.noisy, self.context, self.seed, self.length = noisy, context, seed, length
        self.about: dict[str, Any] = {
            "groups": sorted({sequence.group for sequence in chosen}), "split": split, "recordings": len(chosen),
            "frames": sum(len(sequence.positions) for sequence in chosen), "seed": seed,
        }  # fmt: skip

    def described(self) -> dict[str, Any]:
        """What it is made from, as plain values, for the file of what is trained on it."""
        return self.about

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Batch:
        return {name: value[0] for name, value in self.__getitems__([index]).items()}

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """Film len(indices) clips: keypoints (N, T + 2 context, 17, 2) in person units, positions (N, T, 17, 3).

        Positions are in the recipe's axes, rolled as the keypoints are.
        """
        random = np.random.default_rng([self.seed, int(indices[0])])
        positions, projected, pelvis = self._film(len(indices), random)
        if self.recipe.axes == "ray":
            positions = to_ray(positions, turns_to_ray(pelvis))
        keypoints, turns = to_person(projected)
        positions = turn(positions, turns)
        if self.noisy:
            # Noise is measured in person units; what it moves (pelvis, size, turn) is measured anew.
            keypoints, again = to_person(add_noise(keypoints, self.noise, random, positions))
            positions = turn(positions, again)
        inner = slice(self.context, self.context + self.recipe.window)
        return {
            "keypoints": torch.from_numpy(keypoints),
            "positions": torch.from_numpy(positions[:, inner].copy()),
            "mask": torch.ones(len(indices), self.recipe.window, dtype=torch.bool),
            "sequence": torch.as_tensor(indices),
            "start": torch.zeros(len(indices), dtype=torch.int64),
        }

    def _film(self, count: int, random: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Film clips: as `film_takes` returns them."""
        if self.people == PeopleSettings() and self.takes == TakeSettings():
            positions, projected = film(self.source.draw(count, random), self.cameras, random)
            return positions, projected, projected[:, :, joints.ROOT]
        clips, paths = self.source.draw_scenes(count, self.people, random)
        return film_takes(clips, paths, self.takes, self.cameras, self.recipe.rate_hz, random)
