"""The lifter a pipeline calls: 2D keypoints of whole films in, 3D positions out; numpy to numpy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import convolve1d

from lifter import joints, weights, windows
from lifter.errors import LifterError
from lifter.fused import FusedUGCN
from lifter.networks import Network
from lifter.rates import between, training_grid
from lifter.screen import in_parts, to_person, to_person_along, to_screen, turn_back
from lifter.ugcn import UGCN

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
MODES = ("windows", "sequence")
# Frames that are in work at a time, mirror images not counted: on the CPU few enough for its caches.
CPU_BATCH, GPU_BATCH = 768, 3072
# Of `sequence`: long chunks, for fixed memory and because the network has seen no film without ends; how much of them
# is cross-faded; and the triangle that takes out the steps of the upsampling, as averaging windows of all phases does.
CHUNK, OVERLAP, SMOOTHING = 192, 32, (1, 2, 3, 4, 3, 2, 1)


class Lifter:
    """A network over windows of the training length, with flip averaging (paper, section 4.2).

    Windows of a network whose answer depends on the place in the window overlap and are averaged, as UGCN's; the
    others' lie side by side, each with the context that the network wants around it, and every frame is lifted once.

    In mode "sequence" such a network too goes over every frame once, and people are measured by a running mean: nearly
    the same poses (the table in `lifter/README.md`) in a small part of the time.

    Args:
        name: a shipped lifter ("ugcn") or a safetensors file.
        device: auto, cpu or cuda.
        step: frames between overlapping windows, at the training rate.
        flip: also lift the mirror image, and average.
        phased: more windows near the ends of a sequence (`windows.phased_starts`), so that the motion is smooth there
            too; False takes the paper's windows and no others.
        mode: "windows" or "sequence".

    Raises:
        LifterError: no such weights, damaged weights, no such device or mode.
    """

    def __init__(
        self,
        name: str | Path = "ugcn",
        device: str = "auto",
        step: int = 5,
        flip: bool = True,
        phased: bool = True,
        mode: str = "windows",
    ) -> None:
        self._hold(*weights.load(weights.find(str(name))), device, step, flip, phased, mode)

    @classmethod
    def of(
        cls,
        model: Network,
        recipe: weights.Recipe,
        device: str | None = None,
        step: int = 5,
        flip: bool = True,
        phased: bool = True,
        mode: str = "windows",
    ) -> Lifter:
        """Lift with a network in memory, with the weights it has now; the arguments are those of `Lifter`.

        The network goes to the device (None: stays where it is) and into evaluation mode.

        Raises:
            LifterError: no such device or mode.
        """
        lifter = cls.__new__(cls)
        lifter._hold(model, recipe, device, step, flip, phased, mode)
        return lifter

    def _hold(
        self, model: Network, recipe: weights.Recipe, device: str | None, step: int, flip: bool, phased: bool, mode: str
    ) -> None:
        if step < 1:
            raise LifterError(f"step between windows: at least 1 frame wanted, got {step}")
        if mode not in MODES:
            raise LifterError(f"lift mode {mode!r}: one of {', '.join(MODES)} wanted")
        self.device = next(model.parameters()).device if device is None else pick_device(device)
        self.model, self.recipe = model.to(self.device).eval(), recipe
        self.step, self.flip, self.phased, self.mode = step, flip, phased, mode
        on_cpu = self.device.type == "cpu"
        self._run = FusedUGCN(model) if on_cpu and isinstance(model, UGCN) else self.model
        self._batch = CPU_BATCH if on_cpu else GPU_BATCH

    def lift(
        self,
        keypoints: Floats,
        valid: NDArray[np.bool_],
        timestamps: Doubles,
        size: tuple[int, int],
        progress: Callable[[int], None] = lambda _: None,
    ) -> Floats:
        """Lift every person's every unbroken run of valid frames.

        Args:
            keypoints: (P, T, 17, 2) pixels, Human3.6M joints.
            valid: (P, T) bool.
            timestamps: (T,) seconds; the film is brought to the training rate and back by them.
            size: (W, H) of the picture, pixels.
            progress: told the number of frames lifted since the last call.

        Returns:
            (P, T, 17, 3) float32 metres, the recipe's axes (x right, y down, z away, of the camera, or of one that
            looks straight at the person: `lifter.rays`), pelvis 0; 0 where not valid.
        """
        positions = np.zeros((*keypoints.shape[:3], 3), np.float32)
        for person, mask in enumerate(valid):
            for run in runs(mask):
                positions[person, run] = self.lift_run(keypoints[person, run], timestamps[run], size, progress)
        return positions

    def lift_run(
        self,
        keypoints: Floats,
        timestamps: Doubles,
        size: tuple[int, int],
        progress: Callable[[int], None] = lambda _: None,
    ) -> Floats:
        """Lift one person's unbroken frames: (T, 17, 2) pixels to (T, 17, 3) metres; the rest as `lift`."""
        told = 0

        def share(done: float) -> None:
            nonlocal told
            before, told = told, round(done * len(keypoints))
            progress(told - before)

        grid = training_grid(timestamps, self.recipe.rate_hz)
        sequence = between(keypoints, timestamps, grid)
        if self.recipe.normalisation == "screen":
            sequence = to_screen(sequence, size)
        lifted = self.lift_uniform(sequence, share)
        positions = between(lifted, grid, timestamps)
        positions -= positions[:, joints.ROOT : joints.ROOT + 1].copy()
        return positions

    def lift_uniform(self, sequence: Floats, share: Callable[[float], None] = lambda _: None) -> Floats:
        """Lift (T, 17, 2) at the training rate; screen units, or any unit where people are measured by themselves.

        `share` is told, batch by batch, what part of the work is done, 1.0 at the end.

        Windows every `step` frames are averaged; of networks that say of every frame the same in any window that
        reaches far enough, windows lie side by side.
        """
        if self.mode == "sequence" and self.model.overlapping:
            return self._lift_in_chunks(sequence, share)
        window, context, period = self.recipe.window, self.model.context, self.model.period if self.phased else 1
        # A sequence shorter than a window lies in its middle, as in training: a person is measured by the whole window.
        filled, front = windows.pad(sequence, window + period - 1)
        first = windows.phased_starts(len(filled), window, self.step if self.model.overlapping else window, period)
        around = np.pad(filled, ((context, context), (0, 0), (0, 0)), mode="edge") if context else filled
        joiner = windows.Joiner(len(filled))
        for batch in self._batches(first, window, share):
            joiner.add(batch, self._lift_windows(windows.cut(around, batch, window + 2 * context)))
        return joiner.result()[front : front + len(sequence)]

    def _lift_windows(self, batch: Floats) -> Floats:
        """Lift windows (N, T + 2 * context, 17, 2), each by itself, to (N, T, 17, 3) in the recipe's axes."""
        if self.recipe.normalisation == "screen":
            return self._network(batch)
        units, turns = to_person(batch)
        return turn_back(self._network(units), turns)

    def _lift_in_chunks(self, sequence: Floats, share: Callable[[float], None]) -> Floats:
        """Lift (T, 17, 2) once: chunks, each measured along the way as windows would measure it, cross-faded."""
        filled, front = windows.pad(sequence, self.recipe.window)
        return smoothed(self._join_chunks(filled, share))[front : front + len(sequence)]

    def _join_chunks(self, filled: Floats, share: Callable[[float], None]) -> Floats:
        """Lift (T, 17, 2), a window or longer, to (T, 17, 3) in the recipe's axes."""
        units, turns = filled, None
        if self.recipe.normalisation == "person":
            units, turns = to_person_along(filled, self.recipe.window)
        chunk = min(CHUNK, len(filled))
        joiner = windows.Joiner(len(filled), fade=OVERLAP)
        first = windows.spread_starts(len(filled), chunk, min(OVERLAP, chunk - 1))
        for batch in self._batches(first, chunk, share):
            joiner.add(batch, self._network(windows.cut(units, batch, chunk)))
        lifted = joiner.result()
        if turns is not None:
            for part in in_parts(len(lifted)):
                lifted[part] = turn_back(lifted[part, None], turns[part])[:, 0]
        return lifted

    def _batches(
        self, first: NDArray[np.int64], frames: int, share: Callable[[float], None]
    ) -> Iterator[NDArray[np.int64]]:
        """Split windows of so many frames that begin at the frames `first` into what is lifted at a time."""
        count = max(self._batch // frames, 1)
        for i in range(0, len(first), count):
            yield first[i : i + count]
            share(min(i + count, len(first)) / len(first))

    @torch.inference_mode()
    def _network(self, batch: Floats) -> Floats:
        """Run the network on windows, and, beside them, on their mirror images."""
        both = np.concatenate([batch, joints.mirror(batch)]) if self.flip else batch
        tensor = torch.from_numpy(np.ascontiguousarray(both)).to(self.device)
        try:
            lifted = np.asarray(self._run(tensor).cpu().numpy())
        except RuntimeError as error:
            if not any(word in str(error) for word in ("memory", "alloc", "primitive")):  # PyTorch's, CUDA's, oneDNN's
                raise
            first = str(error).strip().partition("\n")[0]
            raise LifterError(f"too little memory to lift ({first}); close other programs") from error
        if not self.flip:
            return lifted
        return np.asarray((lifted[: len(batch)] + joints.mirror(lifted[len(batch) :])) / 2)


def smoothed(positions: Floats) -> Floats:
    """Average (T, ...) over a few frames by the weights of `SMOOTHING`, cut at both ends."""
    weight = convolve1d(np.ones(len(positions), np.float32), SMOOTHING, mode="constant")
    mean = convolve1d(positions, SMOOTHING, axis=0, mode="constant")
    return np.divide(mean, weight.reshape(-1, *[1] * (positions.ndim - 1)), out=mean)


def runs(mask: NDArray[np.bool_]) -> Iterator[slice]:
    """Yield the unbroken runs of True in (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    for first, stop in zip(edges[::2], edges[1::2], strict=True):
        yield slice(int(first), int(stop))


def pick_device(name: str) -> torch.device:
    """Turn auto, cpu or cuda into a device.

    Raises:
        LifterError: cuda asked for and not there, or an unknown name.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise LifterError(f"device {name!r}: auto, cpu or cuda wanted")
    if name == "cuda" and not torch.cuda.is_available():
        raise LifterError("device cuda: PyTorch finds no GPU here; use --device cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
