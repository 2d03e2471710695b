"""The film inside the page: a small copy made for jumping about in, with the run's own time stamps and its sound."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import store
from pipeline.errors import PipelineError, StoreError
from pipeline.folder import RunFolder
from pipeline.progress import Console
from pipeline.video import Clip, VideoReader, VideoWriter, probe
from pipeline.view.kept import KeptRun
from render.frames import lay_out

TALLEST = 720  # pixels of the copy's shorter side; the page shows it beside the scene
_KEY_FRAME_EVERY_S = 0.5  # a jump decodes from the last key frame on
_CRF = 24


@dataclass(frozen=True)
class FilmCopy:
    """A film for the page.

    Attributes:
        data: MP4, H.264.
        sound: it has any.
        drawn: the overlay is drawn in, as in the rendered film it was taken from.
        warnings: what the user should know.
    """

    data: bytes
    sound: bool
    drawn: bool
    warnings: list[str]


def find_source(given: Path | None, name: str, sha256: str) -> Path | None:
    """Return the film that a run was made from: the one given, else one of its name here whose content is the same.

    Args:
        given: what the user says it is.
        name: what the run calls it.
        sha256: of its content, as the run recorded it.

    Raises:
        PipelineError: the given film is not there, or another one.
    """
    if given is not None:
        if store.content_hash(given) != sha256:
            raise PipelineError(f"{given}: not the film this run was made from; name {name}, or leave --film out")
        return given
    here = Path(Path(name).name)  # run.json may name anything; look for nothing outside this folder
    try:
        return here if here.is_file() and store.content_hash(here) == sha256 else None
    except StoreError:
        return None


def is_rendered(folder: RunFolder) -> bool:
    """Tell whether the MP4 of a run is there and the film rendered last: one in another format may have come since."""
    if not folder.film.is_file():
        return False
    stages = folder.read_record().get("stages")
    last = stages.get("render") if isinstance(stages, dict) else None
    return not isinstance(last, dict) or last.get("sha256") in (None, store.content_hash(folder.film))


def copy_source(source: Path, kept: KeptRun, console: Console) -> FilmCopy:
    """Return the small copy of a source film: of the part that a run is of.

    Raises:
        PipelineError: it cannot be read, or has another number of frames.
    """
    clip, span_s = probe(source).cut_to(kept.cut), (kept.begins_s, kept.cut.end_s)
    return _copy(clip, (slice(None), slice(None)), kept.pose.timestamps, console, drawn=False, span_s=span_s)


def copy_rendered(
    folder: RunFolder, size: tuple[int, int], timestamps: NDArray[np.float64], console: Console
) -> FilmCopy:
    """Return the small copy of the rendered film's left side, where the picture with its overlay is.

    Args:
        folder: the run.
        size: (W, H) pixels of the source, of which the picture in the rendered film is a smaller copy.
        timestamps: (T,) seconds.
        console: for the bar.

    Raises:
        PipelineError: as `copy_source`.
    """
    clip = probe(folder.film)
    # The canvas is as tall as the picture, made even; with that height the layout comes out as it was drawn.
    width, height = lay_out(size, clip.size[1]).picture
    return _copy(clip, (slice(height), slice(width)), timestamps, console, drawn=True)


def _copy(
    clip: Clip,
    crop: tuple[slice, slice],
    timestamps: NDArray[np.float64],
    console: Console,
    *,
    drawn: bool,
    span_s: tuple[float, float] = (0.0, math.inf),
) -> FilmCopy:
    reader, read = VideoReader(clip), 0
    height, width = np.empty((clip.size[1], clip.size[0]), bool)[crop].shape
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "film.mp4"
        writer = VideoWriter(
            path, _small(width, height), timestamps, fps=clip.fps, time_base=clip.time_base,
            audio_from=clip.path if clip.has_audio else None, audio_span_s=span_s, crf=_CRF,
            key_frame_every_s=_KEY_FRAME_EVERY_S,
        )  # fmt: skip
        with console.stage("film", len(timestamps)) as tick, writer:
            for _, frame in reader:
                read += 1
                if read <= len(timestamps):
                    picture = cv2.resize(frame[crop], writer.size, interpolation=cv2.INTER_AREA)
                    writer.write(picture.astype(np.uint8, copy=False))
                tick()
            if read != len(timestamps):
                raise PipelineError(f"{clip.path}: has {read} frames, the poses have {len(timestamps)}; run it again")
        return FilmCopy(path.read_bytes(), probe(path).has_audio, drawn, writer.warnings)


def _small(width: int, height: int) -> tuple[int, int]:
    """Return an even size whose shorter side is at most `TALLEST`."""
    scale = min(1.0, TALLEST / min(width, height))
    return max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2))
