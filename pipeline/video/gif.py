"""The film as an animated GIF, for pages that show no films: `GifWriter`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.container import OutputContainer
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipeline.errors import VideoError
from pipeline.parts import part_of
from pipeline.video.decode import reason

_CLOCK = Fraction(1, 100)  # GIF counts hundredths of a second
_SHORTEST = 2  # of these: browsers show what is shorter for a tenth of a second


class GifWriter:
    """Context manager that writes an animated GIF: 256 colours of its own for every frame, for ever from the beginning.

    Frames that would be shown for less than 20 ms are left out; the others are shown at their own times.

    Args:
        path: the film to write; it is there when the block ends well.
        size: (W, H) pixels.
        timestamps: (T,) seconds since the first frame, of every frame to come.

    Attributes:
        warnings: how many frames were left out.

    Raises:
        VideoError: it cannot be written.
    """

    def __init__(self, path: Path, size: tuple[int, int], timestamps: Sequence[float] | NDArray[np.float64]) -> None:
        self.path, self.size = path, size
        self._ticks = kept_ticks(timestamps)
        self._part = part_of(path).absolute()
        self._film: OutputContainer | None = None
        self.written = 0

    @property
    def warnings(self) -> list[str]:
        left_out = sum(tick is None for tick in self._ticks)
        return [f"{self.path.name}: a GIF shows 50 frames a second, {left_out} were left out"] if left_out else []

    def __enter__(self) -> Self:
        width, height = self.size
        try:
            self._film = av.open(str(self._part), "w", format="gif", options={"loop": "0"})
            pictures = self._film.add_stream("gif", rate=100)
            assert isinstance(pictures, VideoStream)
            self._pictures, context = pictures, pictures.codec_context
            context.width, context.height, context.pix_fmt, context.time_base = width, height, "pal8", _CLOCK
            self._film.start_encoding()
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from error
        self._graph = _palette_graph(width, height)
        return self

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Append a frame, (H, W, 3) uint8 RGB."""
        tick = self._ticks[self.written]
        self.written += 1
        if tick is None or self._film is None:
            return
        picture = VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        picture.pts, picture.time_base = tick, _CLOCK
        try:
            self._graph.push(picture)
            painted = self._graph.pull()
            assert isinstance(painted, VideoFrame)
            painted.pts, painted.time_base = tick, _CLOCK
            self._film.mux(self._pictures.encode(painted))
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._film is not None
        try:
            if kind is None:
                self._film.mux(self._pictures.encode(None))
            self._film.close()
            if kind is None:
                self._part.replace(self.path)
        except (av.FFmpegError, OSError) as failure:
            if kind is None:
                raise self._failure(failure) from failure
        finally:
            self._part.unlink(missing_ok=True)

    def _failure(self, error: Exception) -> VideoError:
        return VideoError(f"{self.path}: cannot be written ({reason(error)}); check the folder and the free space")


def kept_ticks(timestamps: Sequence[float] | NDArray[np.float64]) -> list[int | None]:
    """Return when each frame is shown, in hundredths of a second; None for one that would be shown too shortly."""
    ticks: list[int | None] = []
    last = -_SHORTEST
    for seconds in timestamps:
        tick = round(float(seconds) * 100)
        ticks.append(tick if tick - last >= _SHORTEST else None)
        last = last if ticks[-1] is None else tick
    return ticks


def _palette_graph(width: int, height: int) -> Graph:
    """Return the filters that give every frame a palette of its own."""
    graph = Graph()
    source = graph.add_buffer(width=width, height=height, format=VideoFormat("rgb24"), time_base=_CLOCK)
    split, make = graph.add("split"), graph.add("palettegen", "stats_mode=single")
    use, sink = graph.add("paletteuse", "new=1:dither=sierra2_4a"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(make, 1, 0)
    make.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph
