"""What `run`, `lift` and `load` give: the poses in space, whence they came, and how a notebook shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import one_kind
from pipeline.poses import Pose3D

if TYPE_CHECKING:
    from pipeline.export.mmpose import FramePrediction
    from pipeline.poses import Pose2D


@dataclass(frozen=True, repr=False, eq=False)
class Result(Pose3D):
    """P people over T frames in space: every array of `Pose3D`, and what belongs to it.

    Attributes:
        size: (W, H) pixels of the upright film, or of the pictures that key points were found in.
        fps: its frames per second.
        begins_s: when in the film the first frame was shown, seconds.
        folder: where the run's files lie; None where nothing was written.
        film: the rendered film of these very poses, a folder for format png; None where there is none.
        warnings: what the user should know, a line each.
    """

    size: tuple[int, int]
    fps: float
    begins_s: float
    folder: Path | None
    film: Path | None
    warnings: tuple[str, ...]

    # Arrays have no single truth value: a result equals itself.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        where = f", {self.folder}" if self.folder else ""
        return f"<Result: {self.told()}{where}>"

    def _repr_html_(self) -> str:
        from pipeline.embed.page import show

        return show(self.told(), self.warnings, self.folder, self.film)

    def told(self) -> str:
        """Return how many people, frames and seconds it holds, in words."""
        people, frames = self.valid.shape
        seconds = float(self.timestamps[-1]) + 1 / self.fps if frames else 0.0
        return f"{people} {'person' if people == 1 else 'people'}, {frames} frames, {seconds:.1f} s"

    def detected(self) -> Pose2D:
        """Return the tracked key points in the detector's own joints, pixels.

        Raises:
            PipelineError: the result has no folder, or its `pose2d.npz` is not there or damaged.
        """
        from pipeline import store
        from pipeline.errors import PipelineError

        if self.folder is None:
            raise PipelineError("detected: nothing was detected here; the key points are those that were given")
        with one_kind():
            return store.load_pose2d(self.folder / "pose2d.npz")

    def to_mmpose(self, rebase: bool = True) -> Iterator[FramePrediction]:
        """Yield a dict a frame, as MMPose's 3D inferencer does (`pipeline.export.mmpose`).

        Args:
            rebase: put everyone's lowest joint at height 0 in every frame, as MMPose does unless told otherwise.
        """
        from pipeline.export.mmpose import frames_of, to_mmpose_axes

        points = to_mmpose_axes(self.positions, rebase)
        for instances in frames_of(points, self.scores, self.valid):
            yield {"visualization": None, "predictions": [instances]}
