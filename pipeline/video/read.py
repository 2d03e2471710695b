"""Frames of a film, upright and with true time stamps, one by one: `VideoReader`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from pipeline.errors import VideoError
from pipeline.video.clip import Clip, square_size
from pipeline.video.decode import (
    UPRIGHT,
    decode_frames,
    film_stream,
    open_film,
    orientation_of,
    reason,
    stamper_of,
    turn_upright,
)
from pipeline.video.times import LONGEST_PAUSE_S, seconds_of, steady_ticks

Frame = NDArray[np.uint8]
Planes = tuple[Frame, Frame, Frame]
UNTAGGED = 2  # FFmpeg's AVCOL_SPC_UNSPECIFIED
BLACK = (16, 128, 128)  # Y, U, V


class VideoReader:
    """Iterate over it for (seconds since the first frame, frame), as often as you like; each pass decodes anew.

    A frame is (H, W, 3) uint8 RGB, contiguous, upright, of `clip.size`. Seconds strictly increase and are whole
    multiples of `clip.time_base`. Every frame of `clip.cut` that can be decoded comes exactly once; what lies before it
    is decoded too, since a film's clock is only known from its beginning. Memory does not grow.

    Args:
        clip: what `probe` returned.
        threads: decoding threads; 0 leaves the number to FFmpeg.

    Attributes:
        begins_s: when in the film the first frame read was shown, in seconds; known once there is one.
        warnings: one line per kind of damage met in the last pass, complete when it has ended.

    Raises:
        VideoError: while iterating, when no frame can be decoded, or none lies in the cut.
    """

    def __init__(self, clip: Clip, threads: int = 0) -> None:
        self.clip = clip
        self.threads = threads
        self.begins_s = 0.0
        self._damage: Counter[str] = Counter()

    @property
    def warnings(self) -> list[str]:
        return [f"{self.clip.path.name}: {what} ({count} x)" for what, count in self._damage.items()]

    def __iter__(self) -> Iterator[tuple[float, Frame]]:
        picture = _Picture(self.clip, self.threads, self._note)
        return ((seconds, picture.rgb(frame)) for seconds, frame in self._frames())

    def behind(self, known: int) -> Iterator[tuple[float, Frame | None]]:
        """Iterate for all frames, but give None in the place of the first `known` ones, which cost decoding alone."""
        picture = _Picture(self.clip, self.threads, self._note)
        for index, (seconds, frame) in enumerate(self._frames()):
            if index < known:
                picture.pass_by(frame)
            yield seconds, picture.rgb(frame) if index >= known else None

    def planes(self) -> Iterator[tuple[float, Planes]]:
        """Iterate for (seconds, the frame's planes): as a film holds it, so that most frames need no conversion.

        The planes are Y (H, W) and U, V (H / 2, W / 2, upwards rounded), uint8, BT.709 in limited range; they are
        only to be read.
        """
        picture = _Picture(self.clip, self.threads, self._note)
        return ((seconds, picture.planes(frame)) for seconds, frame in self._frames())

    def _frames(self) -> Iterator[tuple[float, VideoFrame]]:
        clip = self.clip
        self._damage.clear()
        step = round(1 / (clip.fps * clip.cut.every * clip.time_base))
        longest = round(LONGEST_PAUSE_S / clip.time_base)
        tick, first, passed = None, None, 0
        with open_film(clip.path) as container:
            stream = film_stream(container, clip.path, self.threads)
            stamp_of = stamper_of(container)
            stamped = ((frame, stamp_of(frame)) for frame in decode_frames(container, stream, self._note))
            for frame, tick in steady_ticks(stamped, step, longest, self._note):
                seconds = seconds_of(tick, clip.time_base)
                if clip.cut.ended(seconds):
                    break
                if not clip.cut.begun(seconds):
                    continue
                passed += 1
                if (passed - 1) % clip.cut.every:
                    continue
                if first is None:
                    first, self.begins_s = tick, seconds
                if frame.is_corrupt:
                    self._note("damaged frames shown as far as they could be restored")
                yield seconds_of(tick - first, clip.time_base), frame
        if tick is None:
            raise VideoError(f"{clip.path}: no frame of it can be decoded; record or convert it again")
        if first is None:
            lasts = seconds_of(tick, clip.time_base)
            raise VideoError(
                f"{clip.path}: no frame {clip.cut}; one is at {lasts:g} s; choose another --start or --end"
            )

    def _note(self, what: str) -> None:
        self._damage[what] += 1


def read_frames(clip: Clip, threads: int = 0) -> Iterator[tuple[float, Frame]]:
    """Iterate over a film once; see `VideoReader`, which also tells what was damaged."""
    return iter(VideoReader(clip, threads))


class _Picture:
    """Turns decoded frames into upright ones of one size, with one scaler for the whole film."""

    def __init__(self, clip: Clip, threads: int, note: Callable[[str], None]) -> None:
        self._path, self._size, self._aspect = clip.path, clip.size, clip.pixel_aspect
        self._threads, self._note = threads, note
        self._scaler = VideoReformatter()
        self._how = UPRIGHT
        self._rotation: int | None = None

    def pass_by(self, frame: VideoFrame) -> None:
        """Note what is amiss with a frame that is not wanted."""
        self._place(frame)

    def rgb(self, frame: VideoFrame) -> Frame:
        """Return (H, W, 3) RGB."""
        stored, inside = self._place(frame)
        (rows, columns), (height, width) = inside, stored
        converted = self._converted(frame, columns.stop - columns.start, rows.stop - rows.start, "rgb24")
        shown: Frame = np.asarray(converted.to_ndarray(), np.uint8)
        if shown.shape[:2] != stored:
            boxed = np.zeros((height, width, 3), np.uint8)
            boxed[inside] = shown
            shown = boxed
        return np.ascontiguousarray(turn_upright(shown, self._how), np.uint8)

    def planes(self, frame: VideoFrame) -> Planes:
        """Return Y, U and V, BT.709 in limited range."""
        stored, (rows, columns) = self._place(frame)
        width, height = columns.stop - columns.start, rows.stop - rows.start
        ready = frame.format.name == "yuv420p" and self._matrix(frame) == Colorspace.ITU709
        ready &= frame.color_range != ColorRange.JPEG and (frame.width, frame.height) == (width, height)
        shown = _planes_of(frame if ready else self._converted(frame, width, height, "yuv420p"))
        if (height, width) != stored:
            shown = _boxed(shown, stored, (rows.start, columns.start))
        y, u, v = (turn_upright(plane, self._how) for plane in shown)
        return y, u, v

    def _place(self, frame: VideoFrame) -> tuple[tuple[int, int], tuple[slice, slice]]:
        """Return the stored picture's (height, width), and the rows and columns of it that the frame fills."""
        # Reading the display matrix ties a frame into a reference cycle, so that it outlives its use: once will do.
        if frame.rotation != self._rotation:
            self._how, self._rotation = orientation_of(frame), frame.rotation
        width, height = self._size[::-1] if self._how.transpose else self._size
        natural = square_size(frame.width, frame.height, self._aspect)
        if natural == (width, height):
            return (height, width), (slice(0, height), slice(0, width))
        self._note(f"picture changes its size; shown within {self._size[0]}x{self._size[1]}")
        scale = min(width / natural[0], height / natural[1])
        w, h = (max(1, round(side * scale)) for side in natural)
        x, y = ((width - w) // 4 * 2, (height - h) // 4 * 2)  # even, where colours of 4:2:0 begin
        return (height, width), (slice(y, y + h), slice(x, x + w))

    def _matrix(self, frame: VideoFrame) -> int:
        """Return how the frame's colours are to be read, one of FFmpeg's AVCOL_SPC."""
        if frame.colorspace != UNTAGGED:
            return frame.colorspace
        # Untagged pictures are read as players do: of television size by its old colours, larger ones by BT.709.
        large = frame.width >= 1280 or frame.height > 576
        return Colorspace.ITU709 if large else Colorspace.ITU601

    def _converted(self, frame: VideoFrame, width: int, height: int, form: str) -> VideoFrame:
        film = form != "rgb24"
        try:
            return self._scaler.reformat(
                frame,
                width=width,
                height=height,
                format=form,
                src_colorspace=self._matrix(frame) if frame.colorspace == UNTAGGED else None,
                dst_colorspace=Colorspace.ITU709 if film else None,
                dst_color_range=ColorRange.MPEG if film else None,
                interpolation="BICUBIC",
                threads=self._threads,
            )
        except (av.FFmpegError, ValueError) as error:  # as of interlaced pictures of one row
            what = f"{frame.width}x{frame.height}, {frame.format.name}"
            raise VideoError(
                f"{self._path}: its pictures ({what}) cannot be converted ({reason(error)}); convert it to H.264 first"
            ) from error


def _planes_of(frame: VideoFrame) -> list[Frame]:
    """Return the planes of a yuv420p frame, views of its memory."""
    planes = []
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8)[: plane.height * plane.line_size].reshape(
            plane.height, plane.line_size
        )
        planes.append(rows[:, : plane.width])
    return planes


def _boxed(planes: list[Frame], stored: tuple[int, int], corner: tuple[int, int]) -> list[Frame]:
    """Return the planes of a black picture of (height, width) with a smaller one at an even corner (y, x)."""
    boxed = []
    for plane, black, step in zip(planes, BLACK, (1, 2, 2), strict=True):
        around = np.full([(side + step - 1) // step for side in stored], black, np.uint8)
        y, x = (side // step for side in corner)
        around[y : y + plane.shape[0], x : x + plane.shape[1]] = plane
        boxed.append(around)
    return boxed
