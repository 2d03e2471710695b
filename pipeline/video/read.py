"""Frames of a film, upright and with true time stamps, one by one: `VideoReader`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter
from numpy.typing import NDArray

from pipeline.errors import VideoError
from pipeline.video.clip import Clip, square_size
from pipeline.video.decode import (
    UPRIGHT,
    decode_frames,
    film_stream,
    open_film,
    orientation_of,
    stamper_of,
    turn_upright,
)
from pipeline.video.times import LONGEST_PAUSE_S, seconds_of, steady_ticks

Frame = NDArray[np.uint8]
UNTAGGED = 2  # FFmpeg's AVCOL_SPC_UNSPECIFIED


class VideoReader:
    """Iterate over it for (seconds since the first frame, frame), as often as you like; each pass decodes anew.

    A frame is (H, W, 3) uint8 RGB, contiguous, upright, of `clip.size`. Seconds strictly increase and are whole
    multiples of `clip.time_base`. Every frame that can be decoded comes exactly once. Memory does not grow.

    Args:
        clip: what `probe` returned.
        threads: decoding threads; 0 leaves the number to FFmpeg.

    Attributes:
        warnings: one line per kind of damage met in the last pass, complete when it has ended.

    Raises:
        VideoError: while iterating, when no frame can be decoded.
    """

    def __init__(self, clip: Clip, threads: int = 0) -> None:
        self.clip = clip
        self.threads = threads
        self._damage: Counter[str] = Counter()

    @property
    def warnings(self) -> list[str]:
        return [f"{self.clip.path.name}: {what} ({count} x)" for what, count in self._damage.items()]

    def __iter__(self) -> Iterator[tuple[float, Frame]]:
        clip = self.clip
        self._damage.clear()
        picture = _Picture(clip, self.threads, self._note)
        step = round(1 / (clip.fps * clip.time_base))
        longest = round(LONGEST_PAUSE_S / clip.time_base)
        tick = None
        with open_film(clip.path) as container:
            stream = film_stream(container, clip.path, self.threads)
            stamp_of = stamper_of(container)
            stamped = ((frame, stamp_of(frame)) for frame in decode_frames(container, stream, self._note))
            for frame, tick in steady_ticks(stamped, step, longest, self._note):
                if frame.is_corrupt:
                    self._note("damaged frames shown as far as they could be restored")
                yield seconds_of(tick, clip.time_base), picture(frame)
        if tick is None:
            raise VideoError(f"{clip.path}: no frame of it can be decoded; record or convert it again")

    def _note(self, what: str) -> None:
        self._damage[what] += 1


def read_frames(clip: Clip, threads: int = 0) -> Iterator[tuple[float, Frame]]:
    """Iterate over a film once; see `VideoReader`, which also tells what was damaged."""
    return iter(VideoReader(clip, threads))


class _Picture:
    """Turns decoded frames into upright RGB of one size, with one scaler for the whole film."""

    def __init__(self, clip: Clip, threads: int, note: Callable[[str], None]) -> None:
        self._size, self._aspect = clip.size, clip.pixel_aspect
        self._threads, self._note = threads, note
        self._scaler = VideoReformatter()
        self._how = UPRIGHT
        self._rotation: int | None = None

    def __call__(self, frame: VideoFrame) -> Frame:
        # Reading the display matrix ties a frame into a reference cycle, so that it outlives its use: once will do.
        if frame.rotation != self._rotation:
            self._how, self._rotation = orientation_of(frame), frame.rotation
        how = self._how
        width, height = self._size[::-1] if how.transpose else self._size
        natural = square_size(frame.width, frame.height, self._aspect)
        if natural == (width, height):
            return turn_upright(self._rgb(frame, width, height), how)
        self._note(f"picture changes its size; shown within {self._size[0]}x{self._size[1]}")
        scale = min(width / natural[0], height / natural[1])
        w, h = (max(1, round(side * scale)) for side in natural)
        x, y = (width - w) // 2, (height - h) // 2
        boxed = np.zeros((height, width, 3), np.uint8)
        boxed[y : y + h, x : x + w] = self._rgb(frame, w, h)
        return turn_upright(boxed, how)

    def _rgb(self, frame: VideoFrame, width: int, height: int) -> Frame:
        # Untagged pictures are read as players do: of television size by its old colours, larger ones by BT.709.
        large = frame.width >= 1280 or frame.height > 576
        untagged = Colorspace.ITU709 if large else Colorspace.ITU601
        rgb = self._scaler.reformat(
            frame,
            width=width,
            height=height,
            format="rgb24",
            src_colorspace=untagged if frame.colorspace == UNTAGGED else None,
            interpolation="BICUBIC",
            threads=self._threads,
        )
        return np.ascontiguousarray(rgb.to_ndarray(), dtype=np.uint8)
