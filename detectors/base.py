"""What a 2D detector is: the `Detector` protocol, the `People` it yields, and the options it is built from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.joints import VOCABULARIES

Frame = NDArray[np.uint8]  # (H, W, 3) RGB, upright
Floats = NDArray[np.float32]
FARTHEST = 1e6  # pixels; beyond it a number is no place in a film
BACKENDS = ("auto", "torch", "openvino", "onnx")


class DetectorError(Exception):
    """A detector cannot be made or cannot go on; the message is one line: what, which, what to do."""


@dataclass(frozen=True)
class People:
    """The people of one frame, refused at birth when the shapes disagree.

    Attributes:
        boxes: (P, 4) float32, pixels, x1 y1 x2 y2, x right and y down.
        keypoints: (P, J, 2) float32, pixels, x right and y down; finite also where unseen.
        scores: (P, J) float32 in 0..1; 0 means unseen.

    Raises:
        ValueError: shapes that do not fit each other, values that are not finite, scores outside 0..1.
    """

    boxes: Floats
    keypoints: Floats
    scores: Floats

    def __post_init__(self) -> None:
        people, joints = self.scores.shape if self.scores.ndim == 2 else (-1, -1)
        wanted = {"boxes": (people, 4), "keypoints": (people, joints, 2), "scores": (people, joints)}
        for name, shape in wanted.items():
            array = getattr(self, name)
            if array.shape != shape or people < 0:
                raise ValueError(f"People.{name}: expected {shape}, got {array.shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"People.{name}: values must be finite")
        if self.scores.size and (self.scores.min() < 0 or self.scores.max() > 1):
            raise ValueError("People.scores: values must lie in 0..1")

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def nobody(cls, joints: int) -> People:
        """Return the people of an empty frame, for a detector of `joints` joints."""
        return cls(
            np.zeros((0, 4), np.float32), np.zeros((0, joints, 2), np.float32), np.zeros((0, joints), np.float32)
        )


class Detector(Protocol):
    """A callable object: frames in, people out, one `People` per frame, in order, lazily.

    A stranger's detector needs these two members and imports nothing of ours: any object with `boxes`,
    `keypoints` and `scores` serves as `People`.
    """

    joints: tuple[str, ...]

    def __call__(self, frames: Iterable[Frame]) -> Iterator[People]: ...


class Remembering(Protocol):
    """A detector that can go on in mid-film after its process was killed, with the very numbers it would have given.

    Both members are optional for a detector; one without them begins a film anew.
    """

    def remember(self) -> dict[str, NDArray[np.generic]]:
        """Return all that the next frames' people depend on, as of the last people yielded; small arrays by name."""

    def recall(self, memory: Mapping[str, NDArray[np.generic]]) -> None:
        """Let the next call go on from what `remember` gave, with the frame behind it as its first."""


@dataclass(frozen=True)
class DetectorOptions:
    """What a detector's factory is given; a detector reads the fields that concern it.

    Attributes:
        fps: frames per second of the film (for detectors that follow people over time).
        checkpoint: weights instead of the model zoo's (MMPose detectors).
        device: auto, cpu or cuda.
        backend: what runs MMPose's networks: auto, torch, openvino or onnx; the last two on a one-time export. auto
            keeps MMPose's very numbers; openvino is in bf16 where the processor has it.
        offline: never touch the network.
        cache: folder of downloaded weights; None is the user's cache folder.
        pose_model: key point model file of the `onnx` detector.
        box_model: person box model file (onnx and MMPose detectors); `full-frame` with MMPose: one person, the whole
            picture.
        keypoints: file or folder of key points made elsewhere (`file` detector).
        joints: name of the vocabulary of the joints in it (`detectors.joints.VOCABULARIES`), where MMPose's files do
            not tell; None goes by their names or their number.
        box_every: person boxes are looked for on every N-th frame, and follow the pose between.
        batch: so many frames are worked on together, where a detector can; None leaves it to the detector: one on the
            processor, many on a GPU.
        flip_test: average the picture and its mirror image (heat map models).
        max_people: at most so many people a frame, the most certain first.

    Raises:
        ValueError: a number out of range, or a backend or vocabulary that is none.
    """

    fps: float = 25.0
    checkpoint: Path | None = None
    device: str = "auto"
    backend: str = "auto"
    offline: bool = False
    cache: Path | None = None
    pose_model: Path | None = None
    box_model: Path | None = None
    keypoints: Path | None = None
    joints: str | None = None
    box_every: int = 5
    batch: int | None = None
    flip_test: bool = True
    max_people: int = 20

    def __post_init__(self) -> None:
        for name in ("box_every", "max_people", "batch"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ValueError(f"{name}: at least 1 wanted, got {number}")
        if self.backend not in BACKENDS:
            raise ValueError(f"backend: one of {', '.join(BACKENDS)} wanted, got {self.backend!r}")
        if self.joints is not None and self.joints not in VOCABULARIES:
            raise ValueError(f"joints: one of {', '.join(VOCABULARIES)} wanted, got {self.joints!r}")
