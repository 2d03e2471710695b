"""The refine module of a trial's lifter (Cai et al.; Table 6's dagger row): trained once, then read."""

from __future__ import annotations

from pathlib import Path

from lifter.datasets.poseset import PoseSet
from lifter.lifter import Lifter
from lifter.refine import Refine
from lifter.refine_file import load_refine, save_refine
from lifter.training.refining import RefineTraining, lifted_frames, note_of, train_refine


def kept_refine(folder: Path, lifter: Lifter, data: PoseSet, seed: int) -> Refine:
    """Return the refine module of a finished lifter, from its file or trained with the usual settings.

    Args:
        folder: of the lifter; the module's file lies beside it, one for each step between the lifter's windows.
        lifter: the finished lifter; it is not changed.
        data: the train split, with the 2D source of the lifter.
        seed: of weights, order and dropout.

    Raises:
        LifterError: nothing to learn from, cameras without intrinsics, a file that is damaged or cannot be written.
    """
    file = folder / f"refine_step{lifter.step}.safetensors"
    if not file.is_file():
        training = RefineTraining(seed=seed)
        module = train_refine(lifted_frames(lifter, data), training, device=lifter.device)
        save_refine(file, module, note_of(folder.name, data, training))
    return load_refine(file)[0]
