"""The film in the format that is asked for: mp4, webm, gif, or png for a folder of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.video.clip import Clip

PLANES = ("mp4", "webm")  # formats that hold a film's planes; the others hold RGB


class FilmWriter(Protocol):
    """What `VideoWriter`, `WebmWriter`, `GifWriter` and `PngWriter` have in common."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, frame: NDArray[np.uint8]) -> None: ...

    @property
    def warnings(self) -> list[str]: ...


def film_writer(
    form: str,
    path: Path,
    size: tuple[int, int],
    timestamps: Sequence[float] | NDArray[np.float64],
    clip: Clip,
    begins_s: float,
    crf: int,
    preset: str,
    codec: str,
) -> FilmWriter:
    """Return the writer of a format.

    Args:
        form: mp4, webm, gif or png.
        path: the file, or the folder of pictures.
        size: (W, H), both even.
        timestamps: (T,) seconds since the first frame.
        clip: where rate, clock and sound come from; GIF and pictures have no sound.
        begins_s: when in the clip the first frame is shown, in seconds.
        crf, preset, codec: of the encoder, x264's; WebM has one of its own.

    Raises:
        VideoError: the codec does not work here.
    """
    from pipeline.video.gif import GifWriter
    from pipeline.video.pngs import PngWriter
    from pipeline.video.webm import WebmWriter
    from pipeline.video.write import VideoWriter

    if form == "gif":
        return GifWriter(path, size, timestamps)
    if form == "png":
        return PngWriter(path, size, timestamps)
    sound, fps, span_s = clip.path if clip.has_audio else None, Fraction(clip.fps), (begins_s, clip.cut.end_s)
    if form == "webm":
        return WebmWriter(
            path, size, timestamps, fps=fps, audio_from=sound, audio_span_s=span_s, crf=crf, preset=preset
        )
    return VideoWriter(
        path, size, timestamps, fps=fps, time_base=clip.time_base, audio_from=sound, audio_span_s=span_s, crf=crf,
        preset=preset, codec=codec,
    )  # fmt: skip
