"""`Inferencer`: called as MMPose's own with `pose3d=...`, a film in, a dict a frame out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from pipeline.embed.consoles import Progress
from pipeline.embed.options import File, RunOptions
from pipeline.errors import PipelineError, one_kind
from pipeline.export.mmpose import FramePrediction, document

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pipeline.embed.result import Result


class Inferencer:
    """Runs films and gives poses in MMPose's form (`pipeline.export.mmpose`).

        inferencer = Inferencer(detector="rtmpose")  # MMPoseInferencer(pose3d="human3d")
        for frame in inferencer("film.mp4", pred_out_dir="predictions"):
            for person in frame["predictions"][0]:
                person["keypoints"], person["keypoint_scores"]

    A film is run whole before its first frame is given: the lifter looks ahead.

    Args:
        progress: as for `pipeline.run`.
        options: those of `pipeline.run`.
    """

    def __init__(self, *, progress: Progress = False, **options: Unpack[RunOptions]) -> None:
        self._progress = progress
        self._options = options

    def __call__(
        self,
        inputs: File,
        *,
        return_vis: bool = False,
        pred_out_dir: File = "",
        vis_out_dir: File = "",
        out_dir: File | None = None,
        disable_rebase_keypoint: bool = False,
    ) -> Iterator[FramePrediction]:
        """Yield the people of every frame.

        Args:
            inputs: a film.
            return_vis: give the pictures of the rendered film too, (H, W, 3) RGB.
            pred_out_dir: write `<film's name>.json` there, as MMPose does.
            vis_out_dir: put a copy of the rendered film there.
            out_dir: stands for its folders `predictions` and `visualizations`.
            disable_rebase_keypoint: leave the pelvis at height 0.

        Raises:
            PipelineError: whatever went wrong, in one line.
        """
        from pipeline.embed.api import run

        if out_dir is not None:
            pred_out_dir = pred_out_dir or Path(out_dir) / "predictions"
            vis_out_dir = vis_out_dir or Path(out_dir) / "visualizations"
        result = run(inputs, progress=self._progress, **self._options)
        frames = result.to_mmpose(rebase=not disable_rebase_keypoint)
        if vis_out_dir:
            _copy_film(result, Path(vis_out_dir))
        if pred_out_dir:
            kept = list(frames)
            write_predictions(kept, Path(pred_out_dir) / f"{Path(inputs).stem}.json")
            frames = iter(kept)
        if return_vis:
            yield from _with_pictures(frames, _film_of(result))
        else:
            yield from frames


def write_predictions(frames: list[FramePrediction], file: Path) -> None:
    """Write a film's predictions as MMPose's `pred_out_dir` has them.

    Raises:
        PipelineError: the folder cannot be made or written to.
    """
    from pipeline.store import write_whole

    content = document(frame["predictions"][0] for frame in frames)
    with one_kind():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, lambda target: target.write(content))


def _film_of(result: Result) -> Path:
    if result.film is None or result.film.suffix != ".mp4":
        raise PipelineError("return_vis, vis_out_dir: no rendered MP4 to show; leave render and format as they are")
    return result.film


def _copy_film(result: Result, folder: Path) -> None:
    film = _film_of(result)
    with one_kind():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(film, folder / film.name.replace("_3d.mp4", ".mp4"))


def _with_pictures(frames: Iterator[FramePrediction], film: Path) -> Iterator[FramePrediction]:
    """Yield frames with the pictures of the rendered film, which has as many."""
    from pipeline.video import VideoReader, probe

    with one_kind():
        picture: NDArray[np.uint8]
        for frame, (_, picture) in zip(frames, VideoReader(probe(film)), strict=True):
            yield {**frame, "visualization": [picture]}
