"""Training of UGCN on motion capture filmed by random cameras: one page, resumable, one process."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lifter import weights
from lifter.datasets.filming import ClipSource, film
from lifter.datasets.mocap import Sequence, select
from lifter.datasets.noise import add_noise
from lifter.errors import LifterError
from lifter.losses import total_loss
from lifter.metrics import mpjpe, mpjve, p_mpjpe
from lifter.screen import to_person, turn
from lifter.settings import TrainSettings
from lifter.ugcn import UGCN

# What reading a checkpoint with wrong bytes in it raises.
DAMAGE = (OSError, EOFError, LookupError, AttributeError, TypeError, ValueError, RuntimeError, UnpicklingError)

Floats = NDArray[np.float32]
Say = Callable[[str], None]
Example = tuple[Tensor, Tensor]  # keypoints (N, T, 17, 2), positions (N, T, 17, 3)


def train(settings: TrainSettings, sequences: list[Sequence], folder: Path, say: Say, device: str = "cpu") -> Path:
    """Train, and write `folder/ugcn.safetensors`; a `folder/last.pt` found there is gone on from.

    Returns:
        The file of the averaged weights.

    Raises:
        LifterError: no sequence belongs to the training split.
    """
    if settings.recipe.normalisation != "person":
        raise LifterError("training on motion capture has no picture size: set recipe.normalisation to 'person'")
    if not select(sequences, "train") or not select(sequences, "validation"):
        raise LifterError("the motion capture given holds no training or no validation sequence")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LifterError(f"{folder}: cannot be made ({error.strerror}); choose another --out") from error
    source = ClipSource(select(sequences, "train"), dict(settings.shares), settings.recipe.window)
    check = validation_clips(sequences, settings)
    state = TrainingState(settings, device)
    state.resume(folder / "last.pt")
    began = time.perf_counter()
    for step in range(state.step, settings.steps):
        parts = state.advance(*training_batch(source, settings, step))
        if (step + 1) % settings.check_every == 0 or step + 1 == settings.steps:
            state.keep(folder / "last.pt")
            figures = "  ".join(f"{name} {value:.4f}" for name, value in parts.items())
            scores = "  ".join(f"{name} {value:.1f}" for name, value in state.validate(check).items())
            pace = (time.perf_counter() - began) / (step + 1 - state.began_at)
            say(f"step {step + 1}/{settings.steps}  {figures}  validation: {scores}  {pace:.2f} s/step")
    result = folder / "ugcn.safetensors"
    weights.save(result, state.averaged_model(), settings.recipe, {"steps": settings.steps, "seed": settings.seed})
    return result


def filmed(
    source: ClipSource, settings: TrainSettings, count: int, random: np.random.Generator
) -> tuple[Example, Example]:
    """Film random clips: keypoints (N, T, 17, 2) and positions (N, T, 17, 3) in person units, true and noisy."""
    positions, keypoints = film(source.draw(count, random), settings.cameras, random)
    true, turns = to_person(keypoints)
    positions = turn(positions, turns)
    # Noise is measured in person units; what it moves (pelvis, size, turn) is measured anew.
    noisy, again = to_person(add_noise(true.copy(), settings.noise, random))
    return _tensors(true, positions), _tensors(noisy, turn(positions, again))


def training_batch(source: ClipSource, settings: TrainSettings, step: int) -> Example:
    """Return the noisy examples of a step; the same for the same seed and step."""
    return filmed(source, settings, settings.batch, np.random.default_rng([settings.seed, step]))[1]


def validation_clips(sequences: list[Sequence], settings: TrainSettings, count: int = 256) -> dict[str, Example]:
    """Return fixed clips of the validation split, with true and with noisy 2D."""
    source = ClipSource(select(sequences, "validation"), {}, settings.recipe.window)
    true, noisy = filmed(source, settings, count, np.random.default_rng(12345))
    return {"true": true, "noisy": noisy}


def _tensors(keypoints: Floats, positions: Floats) -> Example:
    return torch.from_numpy(keypoints), torch.from_numpy(positions)


class TrainingState:
    """The network, its moving average and the optimiser: what a killed training needs to go on."""

    def __init__(self, settings: TrainSettings, device: str) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.device = settings, torch.device(device)
        self.model = UGCN(settings.model).to(self.device)
        blend = get_ema_multi_avg_fn(settings.ema)  # type: ignore[no-untyped-call]
        self.average = AveragedModel(self.model, multi_avg_fn=blend, use_buffers=True)
        self.optimiser = torch.optim.Adam(parameter_groups(self.model, settings.weight_decay), lr=settings.lr)
        self.step = self.began_at = 0

    def advance(self, keypoints: Tensor, positions: Tensor) -> dict[str, float]:
        """Take one optimiser step; return the parts of the loss."""
        s = self.settings
        # Dropout draws from the step's own generator, so a resumed training repeats the undisturbed one.
        torch.manual_seed((s.seed << 32) + self.step)
        rate = s.lr * learning_rate_factor(self.step, s.steps, s.warmup)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.model.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=s.autocast):
            predicted = self.model(keypoints.to(self.device))
        loss, parts = total_loss(predicted, positions.to(self.device), s.loss)
        if not math.isfinite(float(loss.detach())):
            raise LifterError(f"the loss is {float(loss.detach())} at step {self.step}: lower lr in the settings")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.average.update_parameters(self.model)
        self.step += 1
        return parts

    def averaged_model(self) -> UGCN:
        """Return the network with averaged weights."""
        module = self.average.module
        assert isinstance(module, UGCN)
        return module

    @torch.inference_mode()
    def validate(self, examples: dict[str, Example]) -> dict[str, float]:
        """Score the averaged network on fixed clips, with true and with noisy 2D; millimetres."""
        model = self.averaged_model().eval()
        scores = {}
        for name, (keypoints, positions) in examples.items():
            lifted = torch.cat([model(part.to(self.device)).cpu() for part in torch.split(keypoints, 32)]).numpy()
            clips = list(zip(lifted, positions.numpy(), strict=True))
            for label, metric in (("MPJPE", mpjpe), ("P-MPJPE", p_mpjpe), ("MPJVE", mpjve)):
                scores[f"{name} {label}"] = float(np.mean([metric(p, g) for p, g in clips]))
        return scores

    def keep(self, path: Path) -> None:
        """Write everything needed to go on; the file appears whole or not at all.

        Raises:
            LifterError: the disk is full or the folder cannot be written to.
        """
        temporary = path.with_name(path.name + ".part")
        try:
            torch.save(self._state(), temporary)
            temporary.replace(path)
        except (OSError, RuntimeError) as error:  # torch tells a full disk as a RuntimeError
            raise LifterError(f"{path}: cannot be written; check the folder and the free space") from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def resume(self, path: Path) -> None:
        """Go on from a file of `keep`, if it is there.

        Raises:
            LifterError: it is damaged, or of a training with other settings.
        """
        if not path.is_file():
            return
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            settings = state["settings"]
            if settings == self._settings():
                self.model.load_state_dict(state["model"])
                self.average.load_state_dict(state["average"])
                self.optimiser.load_state_dict(state["optimiser"])
                self.step = self.began_at = int(state["step"])
        except DAMAGE as error:
            raise LifterError(f"{path}: damaged; remove it, or train into another folder") from error
        if settings != self._settings():
            raise LifterError(f"{path}: a training with other settings was begun here; train into another folder")

    def _state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "settings": self._settings(),
        }

    def _settings(self) -> str:
        return json.dumps(asdict(self.settings), sort_keys=True)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Split the parameters: convolutions decay, batch norms and edge weights do not (paper, section 4.2)."""
    decayed = [p for m in model.modules() if isinstance(m, nn.Conv2d) for p in m.parameters(recurse=False)]
    chosen = {id(parameter) for parameter in decayed}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in chosen]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def learning_rate_factor(step: int, steps: int, warmup: int) -> float:
    """Linear rise from 0 over `warmup` steps, then half a cosine down to 0 at `steps`."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1)))
